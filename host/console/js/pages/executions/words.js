// Executions and tasks in words.

import { count, duration, isSet, plural } from "../../format.js";
import { html } from "../../view.js";
import { Status } from "../../ui/state.js";

const STATUS = {
  Pending: ["idle", "Pending"],
  InProgress: ["busy", "In progress"],
  Succeed: ["good", "Succeeded"],
  Failed: ["bad", "Failed"],
  Stopped: ["warn", "Stopped"],
};
export const STATUSES = ["InProgress", "Succeed", "Failed", "Stopped"].map((it) => [it, STATUS[it][1]]);
export const TRIGGERS = [["manual", "Manual"], ["scheduled", "Scheduled"], ["event_based", "Event based"]];

export const statusWord = (status) => STATUS[status]?.[1] ?? status;
export const triggerWord = (trigger) => TRIGGERS.find(([name]) => name === trigger)?.[1] ?? trigger;

export const Outcome = ({ status }) => html`<${Status} look=${STATUS[status]?.[0] ?? "info"}>${statusWord(status)}<//>`;

/** Seconds between begin and end, or until now. */
export const seconds = ({ start_time: start, end_time: end }, now = Date.now()) =>
  (isSet(start) ? ((isSet(end) ? new Date(end).getTime() : now) - new Date(start).getTime()) / 1000 : undefined);

/** `4 s` of an execution or task. */
export const lasted = (it) => duration(seconds(it));

/** `75 %`, of what has ended well. */
export const successRate = ({ succeed, total }) =>
  (total ? `${Math.floor((succeed / total) * 100)} %` : "–");

/** `3 of 4 tasks`. */
export const done = (run) => `${count(run.succeed + run.failed + run.stopped)} of ${plural(run.total, "task")}`;

/** Whether it still goes on. */
export const isRunning = (it) => it?.status === "InProgress" || it?.status === "Pending";

/** How many artifacts a task has: the API says it behind the name only. */
export const itemsOf = (task) => Number(task.src_resource?.match(/\[(\d+) item/)?.[1] ?? 0);
/** The name without it. */
export const nameOf = (resource) => resource.replace(/ \[\d+ item.*\]$/, "");
