// Progress bars: of an execution, and of one task of it.

import { html, useId } from "../../view.js";
import { bytes, count, duration, plural, rate } from "../../format.js";
import { shareOf } from "./live.js";
import { itemsOf } from "./tally.js";
import { done, isRunning, seconds, statusWord } from "./words.js";

/** The bar of an execution and what it is made of, in words. */
export function RunBar({ run, progress, pace }) {
  const id = useId();
  const going = isRunning(run);
  const share = shareOf(progress, run);
  const percent = Math.floor(share * 100);
  const known = Boolean(run.total || progress?.planned);
  const words = [
    ...(run.total || going ? [`${done(run)} tasks ended`] : []),
    ...(progress?.planned ? [`${count(progress.artifacts + progress.there_already)} of ${plural(progress.planned, "artifact")}`] : []),
    ...(progress?.bytes ? [`${bytes(progress.bytes)} copied`] : []),
    ...(going && pace?.rate > 0 ? [rate(pace.rate)] : []),
    ...(going && pace?.left ? [`about ${duration(pace.left)} left`] : []),
  ];
  return html`<div class="bar-box">
    <div class="bar-head"><label for=${id}>${going ? (known ? "Copying" : "Listing what there is") : statusWord(run.status)}</label>
      ${(known || !going) && html`<strong>${percent} %</strong>`}</div>
    ${known || !going ? html`<progress id=${id} class=${run.failed ? "bad" : ""} max="100" value=${percent}></progress>` : html`<progress id=${id} class="unknown"></progress>`}
    <p class="bar-words">${words.map((it) => html`<span key=${it}>${it}</span>`)}</p>
  </div>`;
}

/** The bar of a task that goes on; what its log tells of bytes and artifacts. */
export function TaskBar({ task, tally }) {
  const items = itemsOf(task);
  const { pushed = 0, there = 0, kept = 0, bytes: moved = 0 } = tally ?? {};
  const ready = pushed + there + kept;
  const left = ready && ready < items ? (seconds(task) * (items - ready)) / ready : undefined;
  return html`<div class="bar-box small">
    ${ready && items ? html`<progress aria-label="Progress of task ${task.id}" max=${items} value=${ready}></progress>`
      : html`<progress aria-label="Progress of task ${task.id}" class="unknown"></progress>`}
    <p class="bar-words"><span>${count(ready)} of ${plural(items, "artifact")}</span>${moved > 0 && html`<span>${bytes(moved)}</span>`}
      ${moved > 1e5 && html`<span>${rate(tally.rate)}</span>`}${left > 1 && html`<span>about ${duration(left)} left</span>`}</p>
  </div>`;
}

/** What came of a task that has ended. */
export function TaskWords({ tally }) {
  if (!tally) return null;
  const { pushed, there, kept, bytes: moved, error, last } = tally;
  const words = [
    pushed > 0 && `${count(pushed)} copied${moved ? `, ${bytes(moved)}` : ""}`,
    there > 0 && `${count(there)} already there`,
    kept > 0 && `${count(kept)} left as at the destination`,
  ].filter(Boolean);
  const why = error ?? last;
  return html`${words.length > 0 && html`<p class="reason">${words.join(", ")}</p>`}${why && why !== "stopped" && html`<p class="reason">${why}</p>`}`;
}
