// Progress bars: of an execution, and of one task of it. What they say is the daemon's own count.

import { html, useId } from "../../view.js";
import { bytes, count, duration, plural, rate, sentence } from "../../format.js";
import { percentOf } from "./live.js";
import { done, isRunning, statusWord } from "./words.js";

/** The bar of an execution and what it is made of, in words. */
export function RunBar({ run, progress }) {
  const id = useId();
  const going = isRunning(run);
  const percent = percentOf(progress, run);
  const known = Boolean(run.total || progress?.planned);
  const words = [
    ...(run.total || going ? [`${done(run)} ended`] : []),
    ...(progress?.planned ? [artifacts(progress)] : []),
    ...moving(progress, going),
  ];
  return html`<div class="bar-box">
    <div class="bar-head"><label for=${id}>${going ? (known ? "Copying" : "Listing what there is") : statusWord(run.status)}</label>
      ${(known || !going) && html`<strong>${percent} %</strong>`}</div>
    ${known || !going ? html`<progress id=${id} class=${run.failed ? "bad" : ""} max="100" value=${percent}></progress>` : html`<progress id=${id} class="unknown"></progress>`}
    <p class="bar-words">${words.map((it) => html`<span key=${it}>${it}</span>`)}</p>
  </div>`;
}

const ready = ({ artifacts: copied, there_already: there, left }) => copied + there + left;
const artifacts = (progress) => `${count(ready(progress))} of ${plural(progress.planned, "artifact")}`;

/** Bytes, and while it goes on how fast and how long yet. */
function moving(progress, going) {
  if (!progress) return [];
  const { bytes: moved, bytes_there: there, bytes_expected: expected, rate: speed, seconds_left: left } = progress;
  return [
    moved > 0 && (going ? `${bytes(moved)} of ${bytes(expected - there)}` : `${bytes(moved)} moved`),
    there > 0 && `${bytes(there)} already there`,
    going && speed > 0 && rate(speed),
    going && left > 0 && `about ${duration(left)} left`,
  ].filter(Boolean);
}

/** The bar of a task that goes on. */
export function TaskBar({ task }) {
  const { progress } = task;
  const words = progress ? [artifacts(progress), ...moving(progress, true)] : [];
  return html`<div class="bar-box small">
    ${progress?.planned ? html`<progress aria-label="Progress of task ${task.id}" max="100" value=${progress.percent}></progress>`
      : html`<progress aria-label="Progress of task ${task.id}" class="unknown"></progress>`}
    <p class="bar-words">${words.map((it) => html`<span key=${it}>${it}</span>`)}</p>
  </div>`;
}

/** What came of a task that has ended, or of a try that failed. */
export function TaskWords({ task: { progress, status_text: why, status } }) {
  if (!progress) return null;
  const { artifacts: copied, there_already: there, left, bytes: moved } = progress;
  const words = [
    copied > 0 && `${count(copied)} copied`,
    moved > 0 && `${bytes(moved)} moved`,
    there > 0 && `${count(there)} already there`,
    left > 0 && `${count(left)} left by the rule; the log says why`,
  ].filter(Boolean);
  const again = status === "Pending" && why ? "Tried again soon: " : "";
  return html`${words.length > 0 && html`<p class="reason">${words.join(", ")}</p>`}
    ${why && status !== "Succeed" && html`<p class="reason">${again}${again ? why : sentence(why)}</p>`}`;
}
