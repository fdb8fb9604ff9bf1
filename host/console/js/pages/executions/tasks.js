// The tasks of an execution: one for each repository and destination.

import { harbor } from "../../api.js";
import { html, useEffect, useState } from "../../view.js";
import { fullTime, isSet, time } from "../../format.js";
import { useListing } from "../../load.js";
import { Empty } from "../../ui/state.js";
import { Table } from "../../ui/table.js";
import { TaskBar, TaskWords } from "./bar.js";
import { Pick } from "./listing.js";
import { Log } from "./log.js";
import { Outcome, STATUSES, isRunning, itemsOf, lasted, nameOf } from "./words.js";

/** `live` has the newest state of tasks that changed, and `changes` counts how often some did. */
export function Tasks({ run, rule, live, changes }) {
  const [status, setStatus] = useState();
  const [open, setOpen] = useState();
  const listing = useListing(harbor(`/replication/executions/${run.id}/tasks`), {
    sort: "id", match: () => undefined, more: { status },
  });
  // New tasks, and those that are no longer of the chosen status.
  const short = run.total > listing.total || Boolean(status);
  useEffect(() => {
    if (!changes || !short) return undefined;
    const timer = setTimeout(listing.reload, 500);
    return () => clearTimeout(timer);
  }, [changes, run.total]);
  const rows = listing.table.rows?.map((row) => newest(row, live.get(row.id)));
  const task = open && (rows?.find((it) => it.id === open.id) ?? open);
  return html`<section class="stack">
    <div class="toolbar"><h2>Tasks</h2>
      <div class="picks"><${Pick} label="Status of tasks" value=${status} all="Any status"
        options=${[["Pending", "Pending"], ...STATUSES]} onChange=${setStatus} /></div>
    </div>
    <${Table} caption="Tasks" columns=${columns(rule, setOpen)} ...${listing.table} rows=${rows} onSort=${undefined}
      empty=${html`<${Nothing} run=${run} status=${status} />`} />
    ${task && html`<${Log} key=${task.id} execution=${run.id} task=${task} onClose=${() => setOpen(undefined)} />`}
  </section>`;
}

/** The stream tells more than the listing, unless the listing has an end that was not told yet. */
const newest = (row, told) => (told && (isRunning(row) || !isRunning(told)) ? told : row);

const columns = (rule, open) => [
  { label: "Task ID", cell: (row) => row.id },
  { label: "Source", wide: true, cell: (row) => html`<${Resource} text=${row.src_resource} at=${rule?.src_registry.name} items=${itemsOf(row)} />` },
  { label: "Destination", wide: true, cell: (row) => html`<${Resource} text=${row.dst_resource} at=${rule?.destinations?.length === 1 ? rule.destinations[0].registry.name : undefined} />` },
  { label: "Operation", cell: (row) => html`${row.operation}<p class="reason">${row.resource_type}</p>` },
  { label: "Status", wide: true, cell: (row) => html`<${State} task=${row} />` },
  { label: "Start Time", cell: (row) => html`<${When} task=${row} />` },
  { label: "Logs", cell: (row) => html`<button class="small" aria-label="Log of task ${row.id}" onClick=${() => open(row)}>Log</button>` },
];

function Resource({ text, at, items }) {
  return html`<code>${nameOf(text)}</code>
    <p class="reason">${[at && `at ${at}`, items > 0 && `${items} ${items === 1 ? "artifact" : "artifacts"}`].filter(Boolean).join(", ")}</p>`;
}

const State = ({ task }) => html`<${Outcome} status=${task.status} />
  ${task.status === "InProgress" ? html`<${TaskBar} task=${task} />` : html`<${TaskWords} task=${task} />`}`;

const When = ({ task }) => html`<span class="moment" title=${fullTime(task.start_time)}>${time(task.start_time)}</span>
  ${isSet(task.start_time) && html`<p class="reason">${isSet(task.end_time) ? "took" : "for"} ${lasted(task)}</p>`}`;

function Nothing({ run, status }) {
  if (status) return html`<${Empty} icon="search" title="No task has this status" />`;
  if (isRunning(run)) return html`<${Empty} icon="executions" title="No tasks yet"><p>The source is being listed.</p><//>`;
  if (run.status === "Failed") return html`<${Empty} icon="executions" title="No tasks were made"><p>It failed before there were any; the reason is above.</p><//>`;
  return html`<${Empty} icon="executions" title="Nothing to do"><p>The rule's filters keep nothing of what the source has.</p><//>`;
}
