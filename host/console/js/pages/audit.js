// The audit log: who changed what, when, and what was refused. It has no secrets in it.

import { inOurWords, v1 } from "../api.js";
import { html, useState } from "../view.js";
import { fullTime, plural, time } from "../format.js";
import { useMore } from "../load.js";
import { Dialog } from "../ui/dialog.js";
import { Choice, Text } from "../ui/field.js";
import { Facts, Page } from "../ui/page.js";
import { Empty, Failure, Status } from "../ui/state.js";
import { Table } from "../ui/table.js";

const NOUNS = {
  "": "Everything", endpoint: "Endpoints", policy: "Rules", execution: "Executions", plugin: "Plug-ins",
  user: "Users", token: "Tokens", session: "Logins", backup: "Backups",
};
const NAMES = { policy: "rule", plugin: "plug-in" };
/** What was done, and what was to be done. */
const VERBS = { POST: ["created", "create"], PUT: ["changed", "change"], DELETE: ["deleted", "delete"], GET: ["read", "read"] };
/** Of executions: those of rules that are run, and stopped. */
const RUNS = { POST: ["started", "start"], PUT: ["stopped", "stop"] };
const ACTIONS = { approve: ["approved", "approve"], revoke: ["revoked", "revoke"], ping: ["tested", "test"] };
const DAYS = [["", "Any time"], ["1", "Last day"], ["7", "Last 7 days"], ["30", "Last 30 days"]];
const DAY = 86_400_000;

export function Audit() {
  const [filter, setFilter] = useState({ noun: "", who: "", days: "", since: undefined });
  const [shown, setShown] = useState();
  const set = (more) => setFilter((old) => ({ ...old, ...more }));
  const { noun, who, since } = filter;
  const found = useMore(v1("/audit"), { noun, who: who.trim(), since, limit: 50 }, (answer) => answer.entries);
  const columns = [
    { label: "When", kind: "time", cell: (row) => html`<span title=${fullTime(row.at)}>${time(row.at)}</span>` },
    { label: "Who", kind: "who-how", cell: (row) => html`${row.who || "nobody"}<p class="reason">by ${row.how === "none" ? "no proof" : row.how}, from ${row.from}</p>` },
    { label: "What", wide: true, cell: (row) => html`${words(row)}` },
    { label: "Outcome", cell: outcome, wide: true },
    { label: "Details", cell: (row) => html`<button class="small" aria-label="Details of ${words(row)}, ${time(row.at)}" onClick=${() => setShown(row)}>Details</button>` },
  ];
  const setDays = (days) => set({ days, since: days ? new Date(Date.now() - Number(days) * DAY).toISOString() : undefined });
  return html`<${Page} title="Audit log" lead="Who changed what, when, and what was refused. Of secrets it says only that they were set, changed or removed.">
    <div class="row filters">
      <${Choice} label="About" value=${noun} options=${Object.entries(NOUNS)} onChange=${(noun) => set({ noun })} />
      <${Text} label="User or token" value=${who} onChange=${(who) => set({ who })} placeholder="Anybody" />
      <${Choice} label="Since" value=${filter.days} options=${DAYS} onChange=${setDays} />
    </div>
    <${Table} caption="Audit log, newest first" columns=${columns} rows=${found.rows} loading=${found.loading}
      error=${found.rows ? undefined : found.error} onRetry=${found.reload}
      empty=${html`<${Empty} icon="audit" title="Nothing was noted" ><p>No change fits what is asked for above.</p><//>`} />
    ${found.rows?.length > 0 && html`<div class="toolbar">
      <p class="muted" aria-live="polite">${plural(found.rows.length, "entry", "entries")}${found.next ? " so far" : ""}</p>
      ${found.next && html`<button disabled=${found.loading} onClick=${found.more}>${found.loading ? "Loading…" : "Load more"}</button>`}
      <${Failure} error=${found.error} />
    </div>`}
    ${shown && html`<${Details} entry=${shown} onClose=${() => setShown(undefined)} />`}
  <//>`;
}

const heading = (entry) => {
  const text = words(entry);
  return text.charAt(0).toUpperCase() + text.slice(1);
};

/** `endpoint hub changed`, or `change endpoint 3` where that was refused. */
function words({ action, noun, noun_id: id, after, before, outcome: came }) {
  const [method, path = ""] = action.split(" ");
  const refused = came === "refused";
  if (noun === "session") return method === "DELETE" ? "logged out" : refused ? "log in" : "logged in";
  const thing = after ?? before;
  const name = thing?.name ?? thing?.spec?.name ?? thing?.info?.provider ?? id.replace(/^sha256:(.{8}).*/, "$1");
  const [done, todo] = ACTIONS[path.split("/").at(-1)] ?? (noun === "execution" ? RUNS[method] : undefined) ?? VERBS[method] ?? [method, method];
  const what = [NAMES[noun] ?? noun ?? path, name].filter(Boolean).join(" ");
  return refused ? `${todo} ${what}` : `${what} ${done}`;
}

const outcome = (row) => (row.outcome === "done"
  ? html`<${Status} look="good">Done<//>`
  : html`<${Status} look="bad">Refused<//>${row.reason && html`<p class="reason">${reason(row)}</p>`}`);

/** Harbor's envelope says the name alone where a role is not enough. */
const reason = ({ reason: told }) => (told.includes(" ") ? inOurWords(told) : `The role of ${told} does not allow it.`);

function Details({ entry, onClose }) {
  const rows = differences(entry.before, entry.after);
  const columns = [
    { label: "Property", cell: (row) => html`<code>${row.name}</code>` },
    { label: "Before", cell: (row) => html`<code>${row.before}</code>` },
    { label: "After", cell: (row) => html`<code>${row.after}</code>` },
  ];
  const secrets = Object.entries(entry.secrets ?? {}).map(([name, what]) => `${name} ${what}`).join(", ");
  return html`<${Dialog} wide title=${heading(entry)} onClose=${onClose} onSubmit=${onClose} footer=${html`<button class="primary">Close</button>`}>
    <${Facts} items=${[
      ["When", fullTime(entry.at)], ["Who", `${entry.who || "nobody"}${entry.role ? ` (role ${entry.role})` : ""}`],
      ["Proof", entry.how], ["From", entry.from], ["Request", html`<code>${entry.action}</code>`],
      ["X-Request-Id", html`<code>${entry.request}</code>`], ["Outcome", outcome(entry)], ["Secrets", secrets],
    ]} />
    ${rows.length > 0 && html`<${Table} caption="What changed" columns=${columns} rows=${rows} rowKey=${(row) => row.name} />`}
  <//>`;
}

/** Properties that are not the same, down to the innermost. */
function differences(before, after) {
  const [old, now] = [flat(before), flat(after)];
  const names = [...new Set([...Object.keys(old), ...Object.keys(now)])].sort();
  return names.filter((name) => old[name] !== now[name])
    .map((name) => ({ name, before: old[name] ?? "–", after: now[name] ?? "–" }));
}

function flat(value, prefix = "", into = {}) {
  if (value === null || value === undefined) return into;
  if (typeof value !== "object" || Array.isArray(value)) {
    into[prefix || "value"] = typeof value === "string" ? value : JSON.stringify(value);
    return into;
  }
  for (const [name, inner] of Object.entries(value)) flat(inner, prefix ? `${prefix}.${name}` : name, into);
  return into;
}
