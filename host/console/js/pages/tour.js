// The first steps: a password of one's own, the first endpoint, the first rule.

import { html, useState } from "../view.js";
import { plural } from "../format.js";
import { useAction, useLoad } from "../load.js";
import { notify } from "../notice.js";
import { go, to } from "../route.js";
import { useSession } from "../session.js";
import { progress, setOver } from "../tour.js";
import { Icon } from "../ui/icon.js";
import { Page } from "../ui/page.js";
import { Failure, Loading, Status } from "../ui/state.js";
import { EndpointForm } from "./registries/form.js";
import { PasswordFields, changePassword, isComplete, noPassword } from "./users.js";

export function Tour() {
  const session = useSession();
  const state = useLoad((signal) => progress(session, signal), []);
  const [keeps, setKeeps] = useState(false);
  if (state.error) return html`<${Page} title="Getting started"><${Failure} error=${state.error} onRetry=${state.reload} /><//>`;
  if (!state.data) return html`<${Loading} />`;
  const { initial, endpoints, rules } = state.data;
  const done = [!initial || keeps, endpoints > 0, rules > 0];
  const now = done.indexOf(false);
  const step = (at) => ({ number: at + 1, state: done[at] ? "done" : at === now ? "now" : "later" });
  const leave = () => {
    setOver();
    go("/registries");
  };
  return html`<${Page} title="Getting started" lead="Three steps, and artifacts go from one registry to another."
    actions=${now >= 0 && html`<button onClick=${leave}>Leave the tour</button>`}>
    <ol class="steps">
      <${Step} ...${step(0)} title="A password of your own" summary=${initial ? "The first password is kept for now." : "The first password was changed."}>
        <${OwnPassword} onDone=${state.reload} onKeep=${() => setKeeps(true)} />
      <//>
      <${Step} ...${step(1)} title="The first endpoint" summary=${`There ${endpoints === 1 ? "is" : "are"} ${plural(endpoints, "endpoint")}.`}>
        <${FirstEndpoint} onDone=${state.reload} />
      <//>
      <${Step} ...${step(2)} title="The first rule" summary=${`There ${rules === 1 ? "is" : "are"} ${plural(rules, "rule")}.`}>
        <p>A rule says what to copy, from which endpoint, to which, and when. A second endpoint can be made in its form.</p>
        <div><a class="button primary" href=${to("replications", "new")}><${Icon} name="plus" />New Replication Rule</a></div>
      <//>
    </ol>
    ${now < 0 && html`<div class="message good"><${Icon} name="ok" /><div>
      <p>That is all. Rules run by hand or by schedule, and each run is among the executions.</p>
      <div class="actions"><a class="button primary" href=${to("replications")} onClick=${setOver}>To the rules</a>
        <a class="button" href=${to("executions")} onClick=${setOver}>To the executions</a></div></div></div>`}
  <//>`;
}

const WORDS = { done: ["good", "Done"], now: ["info", "Now"], later: [undefined, "Later"] };

function Step({ number, state, title, summary, children }) {
  const [look, word] = WORDS[state];
  return html`<li class="card step ${state}" aria-current=${state === "now" ? "step" : undefined}>
    <span class="number" aria-hidden="true">${state === "done" ? html`<${Icon} name="ok" />` : number}</span>
    <div class="stack">
      <header class="card-head"><h2>${title}</h2>${look ? html`<${Status} look=${look}>${word}<//>` : html`<span class="muted">${word}</span>`}</header>
      ${state === "done" && html`<p class="muted">${summary}</p>`}
      ${state === "now" && children}
    </div>
  </li>`;
}

function OwnPassword({ onDone, onKeep }) {
  const session = useSession();
  const [draft, setDraft] = useState(noPassword);
  const save = useAction(async () => {
    await changePassword(session, draft);
    notify("Your password was changed.");
    onDone();
  });
  const submit = (event) => {
    event.preventDefault();
    if (isComplete(draft)) save.run();
  };
  return html`<form class="stack narrow" onSubmit=${submit}>
    <p>The first password was printed when the daemon started, or given to it from outside: others may have seen it.</p>
    <${PasswordFields} draft=${draft} setDraft=${setDraft} />
    <${Failure} error=${save.error} />
    <div class="actions">
      <button class="primary" disabled=${!isComplete(draft) || save.busy}>${save.busy ? "Changing…" : "Change password"}</button>
      <button type="button" onClick=${onKeep}>Keep it for now</button>
    </div>
  </form>`;
}

function FirstEndpoint({ onDone }) {
  const [open, setOpen] = useState(false);
  return html`
    <p>An endpoint is a registry, and how to log in there: Harbor, Docker Hub, a plain registry, or one of a cloud.</p>
    <div><button class="primary" onClick=${() => setOpen(true)}><${Icon} name="plus" />New Endpoint</button></div>
    ${open && html`<${EndpointForm} onSaved=${onDone} onClose=${() => setOpen(false)} />`}`;
}
