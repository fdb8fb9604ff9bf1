// The table of rules, and what can be done with them.

import { harbor } from "../../api.js";
import { html, useState } from "../../view.js";
import { ago, fullTime } from "../../format.js";
import { useListing } from "../../load.js";
import { go, to } from "../../route.js";
import { useSession } from "../../session.js";
import { Search } from "../../ui/field.js";
import { Icon } from "../../ui/icon.js";
import { Page } from "../../ui/page.js";
import { Empty, Status } from "../../ui/state.js";
import { Table } from "../../ui/table.js";
import { Runs } from "../executions/listing.js";
import { Outcome, isRunning } from "../executions/words.js";
import { Dialogues, useRuleActions } from "./actions.js";
import { nextRun } from "./cron.js";
import { useLastRuns } from "./lastruns.js";
import { bandwidth, destinations, filters, flattening, place, trigger } from "./words.js";

const NOUN = "Replications";

export function List() {
  const { is } = useSession();
  const listing = useListing(harbor("/replication/policies"), { sort: "name" });
  const [selected, setSelected] = useState(new Set());
  const last = useLastRuns(listing.rows);
  const chosen = listing.rows.filter((row) => selected.has(row.id));
  const act = useRuleActions(() => listing.reload());
  const isBlank = listing.table.rows?.length === 0 && !listing.word;
  const add = html`<a class="button primary" href=${to("replications", "new")}><${Icon} name="plus" />New Replication Rule</a>`;
  const empty = listing.word
    ? html`<${Empty} icon="search" title="No rule has such a name" />`
    : html`<${Empty} icon="replications" title="No replication rules yet">
        <p>A rule says what is copied, from which registry, where to, and when.</p>${is("admin") && add}<//>`;
  return html`<${Page} title=${NOUN} lead="Rules that copy artifacts between registries." actions=${is("admin") && add}>
    ${!isBlank && html`<div class="toolbar">
      ${is("operator") && html`<${Buttons} chosen=${chosen} last=${last} act=${act} />`}
      <${Search} label="Search by name" ...${listing.search} />
    </div>`}
    <${Dialogues} act=${act} onGone=${() => setSelected(new Set())} />
    <${Table} caption=${NOUN} columns=${columns(last)} empty=${empty} ...${listing.table}
      selected=${is("operator") ? selected : undefined} onSelect=${setSelected} />
    ${chosen.length === 1 && html`<${Beneath} key=${chosen[0].id} rule=${chosen[0]} />`}
  <//>`;
}

function Buttons({ chosen, last, act }) {
  const { is } = useSession();
  const [one] = chosen;
  const single = chosen.length === 1;
  const running = chosen.filter((rule) => isRunning(last.get(rule.id)));
  return html`
    <button disabled=${!single || !one.enabled} onClick=${() => act.ask("run", chosen)}><${Icon} name="run" />Replicate</button>
    <button disabled=${!running.length} onClick=${() => act.ask("stop", running)}><${Icon} name="stop" />Stop</button>
    ${is("admin") && html`
      <button disabled=${!single} onClick=${() => go(`/replications/${one.id}/edit`)}><${Icon} name="edit" />Edit</button>
      <button disabled=${!single} onClick=${() => go(`/replications/new?copy=${one.id}`)}><${Icon} name="copy" />Copy</button>
      <button disabled=${!single} onClick=${() => act.turn(one)}>${single && one.enabled ? "Disable" : "Enable"}</button>
      <button disabled=${!chosen.length} onClick=${() => act.ask("remove", chosen)}><${Icon} name="trash" />Delete</button>`}`;
}

/** Harbor shows the executions of a chosen rule below the rules. */
function Beneath({ rule }) {
  const [filters, setFilters] = useState({});
  return html`<section class="stack"><h2>Executions of “${rule.name}”</h2>
    <${Runs} rule=${rule} filters=${filters} onFilter=${setFilters} size=${10} /></section>`;
}

const columns = (last) => [
  { label: "Name", sort: "name", wide: true, cell: (row) => html`<a href=${to("replications", row.id)}>${row.name}</a>
    ${row.description && html`<p class="reason">${row.description}</p>`}` },
  { label: "Status", sort: "enabled", cell: ({ enabled }) => html`<${Status} look=${enabled ? "good" : "idle"}>${enabled ? "Enabled" : "Disabled"}<//>` },
  { label: "Source", wide: true, cell: (row) => html`<${Source} rule=${row} />` },
  { label: "Destination", wide: true, cell: (row) => html`${destinations(row).map((it) => html`<p key=${place(it)}>${place(it)}</p>`)}
    <p class="reason">${flattening(row.dest_namespace_replace_count)}${row.speed > 0 && `, ${bandwidth(row.speed)}`}</p>` },
  { label: "Trigger", wide: true, cell: (row) => html`${trigger(row)}<${NextRun} rule=${row} />` },
  { label: "Last run", cell: (row) => html`<${LastRun} run=${last.get(row.id)} />` },
];

function Source({ rule }) {
  const found = filters(rule);
  return html`<p>${rule.src_registry.name}</p>
    ${found.length > 0 ? html`<span class="chips">${found.map(([type, words]) => html`<span class="chip" key=${type + words}>${type} ${words}</span>`)}</span>`
      : html`<p class="reason">everything</p>`}`;
}

/** When an enabled schedule is due; the daemon's word goes before one's own. */
export function dueOf({ enabled, next_run: told, trigger: { type, trigger_settings: settings } = {} }) {
  if (!enabled || type !== "scheduled") return undefined;
  return told ?? nextRun(settings.cron, settings.time_zone)?.toISOString();
}

function NextRun({ rule }) {
  const due = dueOf(rule);
  return due ? html`<p class="reason" title=${fullTime(due)}>next ${ago(due)}</p>` : null;
}

export function LastRun({ run }) {
  if (run === undefined) return "…";
  if (run === null) return html`<span class="muted">Never</span>`;
  return html`<a href=${to("executions", run.id)}><${Outcome} status=${run.status} /></a>
    <p class="reason" title=${fullTime(run.start_time)}>${ago(run.start_time)}</p>`;
}
