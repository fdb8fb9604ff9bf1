// One execution: how far it is, its tasks and their logs; stop it, or run again what failed.

import { get, harbor, list, post, put, segment, v1 } from "../../api.js";
import { html, useEffect, useRef, useState } from "../../view.js";
import { fullTime, plural, sentence, time } from "../../format.js";
import { useAction, useLoad } from "../../load.js";
import { notify } from "../../notice.js";
import { go, to } from "../../route.js";
import { useSession } from "../../session.js";
import { Icon } from "../../ui/icon.js";
import { Card, Facts, Page } from "../../ui/page.js";
import { Failure, Loading } from "../../ui/state.js";
import { useFeatures } from "../replications/features.js";
import { RunBar } from "./bar.js";
import { useExecution } from "./live.js";
import { Tasks } from "./tasks.js";
import { Outcome, isRunning, lasted, statusWord, successRate, triggerWord } from "./words.js";

const BACK = { href: to("executions"), text: "Executions" };

export function Execution({ id }) {
  const { run, progress, tasks, changes, error, reload } = useExecution(id);
  const rule = useLoad((signal) => (run
    ? get(harbor(`/replication/policies/${run.policy_id}`), {}, signal) : Promise.resolve(undefined)), [run?.policy_id]);
  const actions = useActions(run);
  if (!run) {
    return html`<${Page} title="Execution ${id}" back=${BACK}>
      ${error ? html`<${Failure} error=${error} onRetry=${reload} />` : html`<${Loading} />`}<//>`;
  }
  const name = rule.data ? html`<a href=${to("replications", run.policy_id)}>${rule.data.name}</a>` : `Rule ${run.policy_id}`;
  return html`<${Page} title="Execution ${run.id}" back=${BACK} actions=${actions.buttons}>
    <${Failure} error=${actions.error} />
    <${Spoken} run=${run} />
    <${Failure} title="It failed as a whole." error=${run.status_text && run.status === "Failed" && { message: sentence(run.status_text) }} />
    <${Card}>
      <${RunBar} run=${run} progress=${progress} />
      <div class="columns">
        <${Facts} items=${[
          ["Status", html`<${Outcome} status=${run.status} />`],
          ["Rule", name],
          ["Trigger", triggerWord(run.trigger)],
          ["Start Time", html`<span title=${fullTime(run.start_time)}>${time(run.start_time)}</span>`],
          ["Duration", html`<${Clock} run=${run} />`],
        ]} />
        <${Facts} items=${[
          ["Tasks", run.total],
          ["In progress", run.in_progress],
          ["Succeeded", `${run.succeed}${run.total ? ` (${successRate(run)})` : ""}`],
          ["Failed", run.failed],
          ["Stopped", run.stopped],
          ["Already there", progress?.there_already ? plural(progress.there_already, "artifact") : ""],
          ["Left by the rule", progress?.left ? plural(progress.left, "artifact") : ""],
        ]} />
      </div>
    <//>
    <${Tasks} run=${run} rule=${rule.data} live=${tasks} changes=${changes} />
  <//>`;
}

/** Counts on while it goes on. */
function Clock({ run }) {
  const [, tick] = useState(0);
  const going = isRunning(run);
  useEffect(() => {
    if (!going) return undefined;
    const timer = setInterval(() => tick((old) => old + 1), 1000);
    return () => clearInterval(timer);
  }, [going]);
  return lasted(run);
}

/** A change of status is read out; bytes are not. */
function Spoken({ run }) {
  const first = useRef(run.status);
  const changed = first.current !== run.status;
  return html`<p class="away" role="status" aria-live="polite">${changed ? `Execution ${run.id}: ${statusWord(run.status)}, ${run.succeed} of ${plural(run.total, "task")} succeeded.` : ""}</p>`;
}

/** Stop, or run again what failed: `{ buttons, error }`. */
function useActions(run) {
  const { is } = useSession();
  const { retry: canRetry } = useFeatures();
  const stop = useAction(async () => {
    await put(harbor(`/replication/executions/${segment(run.id)}`));
    notify(`Execution ${run.id} will stop.`);
  });
  const retry = useAction(async () => {
    const made = await post(v1(`/executions/${segment(run.id)}/retry`));
    notify(`What was left of execution ${run.id} runs again.`);
    go(`/executions/${made?.id ?? (await newest(run.policy_id)).id}`);
  });
  const going = isRunning(run);
  const canGoOn = !going && canRetry && run?.failed + run?.stopped > 0;
  const buttons = is("operator") && html`
    ${going && html`<button class="danger" disabled=${stop.busy} onClick=${() => stop.run()}><${Icon} name="stop" />${stop.busy ? "Stopping…" : "Stop"}</button>`}
    ${canGoOn && html`<button class="primary" disabled=${retry.busy} onClick=${() => retry.run()}><${Icon} name="refresh" />${retry.busy ? "Starting…" : run.failed ? "Retry failed" : "Retry stopped"}</button>`}`;
  return { buttons, error: stop.error ?? retry.error };
}

/** The newest execution of a rule. */
export async function newest(rule) {
  const { items } = await list(harbor("/replication/executions"), { policy_id: rule, page_size: 1, sort: "-id" });
  return items[0];
}
