// What is done with rules: run, stop, enable, delete; with the questions before and the failures after.

import { get, harbor, list, post, put, remove, segment } from "../../api.js";
import { html, useState } from "../../view.js";
import { useAction } from "../../load.js";
import { notify } from "../../notice.js";
import { go } from "../../route.js";
import { Confirm } from "../../ui/dialog.js";
import { Failure } from "../../ui/state.js";
import { newest } from "../executions/execution.js";
import { changed } from "./draft.js";

const RUNS = harbor("/replication/executions");
const rulePath = (rule) => harbor(`/replication/policies/${segment(rule.id)}`);

/** `{ ask(what, rules), turn(rule), … }` for buttons; draw `Dialogues` with it. */
export function useRuleActions(onChange) {
  const [open, setOpen] = useState();
  const toggled = useAction(async (rule) => {
    const stored = await get(rulePath(rule));
    await put(rulePath(rule), changed(stored, { enabled: !stored.enabled }));
    notify(`The rule “${rule.name}” is ${stored.enabled ? "disabled" : "enabled"}.`);
    onChange();
  });
  return {
    open, onChange,
    ask: (what, rules) => setOpen({ what, rules }),
    shut: () => setOpen(undefined),
    turn: toggled.run, busy: toggled.busy, error: toggled.error,
  };
}

export function Dialogues({ act, onGone }) {
  const { what, rules } = act.open ?? {};
  const given = { rules, act, onGone };
  return html`<${Failure} title="The rule was not changed." error=${act.error} />
    ${what === "run" && html`<${Replicate} ...${given} />`}
    ${what === "stop" && html`<${Stop} ...${given} />`}
    ${what === "remove" && html`<${Removal} ...${given} />`}`;
}

const named = (rules) => rules.map((it) => it.name).join(", ");

function Replicate({ rules: [rule], act }) {
  const action = useAction(async () => {
    await post(RUNS, { policy_id: rule.id });
    const run = await newest(rule.id);
    notify(`The rule “${rule.name}” was started.`);
    go(`/executions/${run.id}`);
  });
  return html`<${Confirm} title="Replication Rule" verb="Replicate" danger=${false} action=${action} onClose=${act.shut}>
    <p>Run <strong>${rule.name}</strong> now? Artifacts are copied from ${rule.src_registry.name}${rule.override ? "; a tag that is another artifact at the destination is overwritten" : ""}.</p>
  <//>`;
}

function Stop({ rules, act }) {
  const action = useAction(async () => {
    for (const rule of rules) {
      const { items } = await list(RUNS, { policy_id: rule.id, status: "InProgress", page_size: 0 });
      for (const { id } of items) await put(`${RUNS}/${id}`);
    }
    notify(rules.length === 1 ? `The executions of “${rules[0].name}” will stop.` : "The executions will stop.");
    act.onChange();
  });
  return html`<${Confirm} title="Stop Executions" verb="Stop" action=${action} onClose=${act.shut}>
    <p>Stop what runs of <strong>${named(rules)}</strong>? What was copied stays; the next run copies the rest.</p>
  <//>`;
}

function Removal({ rules, act, onGone }) {
  const action = useAction(async () => {
    for (const rule of rules) await remove(rulePath(rule));
    notify(rules.length === 1 ? `The rule “${rules[0].name}” was deleted.` : `${rules.length} rules were deleted.`);
    onGone();
    act.onChange();
  });
  return html`<${Confirm} title=${rules.length === 1 ? "Delete Replication Rule" : `Delete ${rules.length} Replication Rules`}
    verb="Delete" action=${action} onClose=${act.shut}>
    <p>Delete <strong>${named(rules)}</strong> with the history of runs? What was copied stays where it is.</p>
  <//>`;
}
