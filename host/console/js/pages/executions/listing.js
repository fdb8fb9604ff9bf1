// A listing of executions: of all rules, or of one. Follows those that go on.

import { harbor, put, segment } from "../../api.js";
import { html, useId, useRef, useState } from "../../view.js";
import { count, fullTime, sentence, time } from "../../format.js";
import { useAction, useListing } from "../../load.js";
import { notify } from "../../notice.js";
import { to } from "../../route.js";
import { useSession } from "../../session.js";
import { Icon } from "../../ui/icon.js";
import { Empty, Failure } from "../../ui/state.js";
import { Table } from "../../ui/table.js";
import { useExecutions } from "./live.js";
import { Outcome, STATUSES, TRIGGERS, isRunning, lasted, successRate, triggerWord } from "./words.js";

/** `rule` is one, or `rules` all of them; `filters` the ones that are on. */
export function Runs({ rule, rules, filters, onFilter, size = 25 }) {
  const { is } = useSession();
  const given = useListing(harbor("/replication/executions"), {
    sort: "-id", size, match: () => undefined,
    more: { policy_id: rule?.id ?? filters.rule, status: filters.status, trigger: filters.trigger },
  });
  const [live, setLive] = useState(new Map());
  const newest = useRef(0);
  const changed = (news) => {
    const known = new Set(given.rows.map((it) => it.id));
    // Those that have begun, and those that have ended, since a filter may want them now.
    const belongs = news.filter((it) => !rule || it.policy_id === rule.id);
    if (belongs.some((it) => !known.has(it.id) && (it.id > newest.current || !isRunning(it)))) given.reload();
    newest.current = Math.max(newest.current, ...known, ...news.map((it) => it.id));
    setLive((old) => new Map([...old, ...news.map((it) => [it.id, it])]));
  };
  useExecutions(changed, given.reload);
  const [selected, setSelected] = useState(new Set());
  const rows = given.table.rows?.map((row) => newer(row, live.get(row.id)));
  const chosen = (rows ?? []).filter((row) => selected.has(row.id) && isRunning(row));
  const stop = useAction(async () => {
    for (const { id } of chosen) await put(harbor(`/replication/executions/${segment(id)}`));
    notify(chosen.length === 1 ? `Execution ${chosen[0].id} will stop.` : `${chosen.length} executions will stop.`);
    setSelected(new Set());
  });
  const isBlank = rows?.length === 0 && !isNarrowed(filters);
  return html`<div class="stack">
    ${!isBlank && html`<div class="toolbar">
      ${is("operator") && html`<button disabled=${!chosen.length || stop.busy} onClick=${() => stop.run()}><${Icon} name="stop" />Stop</button>`}
      <${Filters} rules=${rules} filters=${filters} onFilter=${onFilter} />
    </div>`}
    <${Failure} title="Not stopped." error=${stop.error} />
    <${Table} caption="Executions" columns=${columns(rule ? undefined : rules)} ...${given.table} rows=${rows} onSort=${undefined}
      selected=${is("operator") ? selected : undefined} onSelect=${setSelected} rowName=${(row) => `execution ${row.id}`}
      empty=${html`<${Nothing} filters=${filters} rule=${rule} />`} />
  </div>`;
}

const isNarrowed = ({ status, trigger, rule }) => Boolean(status || trigger || rule);

/** What was told last, unless the listing has its end already. */
const newer = (row, told) => (told && isRunning(row) ? told : row);

const columns = (rules) => [
  { label: "ID", cell: (row) => html`<a href=${to("executions", row.id)}>${row.id}</a>` },
  ...(rules ? [{ label: "Rule", wide: true, cell: (row) => html`<${RuleName} id=${row.policy_id} rules=${rules} />` }] : []),
  { label: "Status", cell: (row) => html`<${Outcome} status=${row.status} />${row.status_text && html`<p class="reason">${sentence(row.status_text)}</p>`}` },
  { label: "Trigger", cell: (row) => triggerWord(row.trigger) },
  { label: "Start Time", cell: (row) => html`<span class="nowrap" title=${fullTime(row.start_time)}>${time(row.start_time)}</span>` },
  { label: "Duration", end: true, cell: (row) => html`<span class="nowrap">${lasted(row)}</span>` },
  { label: "Success Rate", end: true, cell: successRate },
  { label: "Total", end: true, cell: (row) => count(row.total) },
];

function RuleName({ id, rules }) {
  const rule = rules.find((it) => it.id === id);
  return rule ? html`<a href=${to("replications", id)}>${rule.name}</a>` : `Rule ${id}`;
}

function Filters({ rules, filters, onFilter }) {
  return html`<div class="picks">
    ${rules && html`<${Pick} label="Rule" value=${filters.rule} all="All rules" onChange=${(rule) => onFilter({ ...filters, rule })}
      options=${rules.map((it) => [String(it.id), it.name])} />`}
    <${Pick} label="Status" value=${filters.status} all="Any status" options=${STATUSES} onChange=${(status) => onFilter({ ...filters, status })} />
    <${Pick} label="Trigger" value=${filters.trigger} all="Any trigger" options=${TRIGGERS} onChange=${(trigger) => onFilter({ ...filters, trigger })} />
  </div>`;
}

export function Pick({ label, value = "", all, options, onChange }) {
  const id = useId();
  return html`<span><label class="away" for=${id}>${label}</label>
    <select id=${id} value=${value} onChange=${(event) => onChange(event.target.value || undefined)}>
      <option value="" selected=${!value}>${all}</option>
      ${options.map(([name, words]) => html`<option key=${name} value=${name} selected=${name === value}>${words}</option>`)}
    </select></span>`;
}

function Nothing({ filters, rule }) {
  if (isNarrowed(filters)) return html`<${Empty} icon="search" title="No execution is like that" />`;
  return html`<${Empty} icon="executions" title="No executions yet">
    <p>${rule ? "Replicate runs this rule now." : html`An execution is one run of a <a href=${to("replications")}>replication rule</a>.`}</p><//>`;
}
