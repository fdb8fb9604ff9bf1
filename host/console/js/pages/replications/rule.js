// One rule: what it says, what a run would do, and its executions.

import { html, useState } from "../../view.js";
import { ago, fullTime, time } from "../../format.js";
import { go, to } from "../../route.js";
import { useSession } from "../../session.js";
import { Icon } from "../../ui/icon.js";
import { Card, Facts, Page } from "../../ui/page.js";
import { Status } from "../../ui/state.js";
import { Runs } from "../executions/listing.js";
import { isRunning } from "../executions/words.js";
import { Dialogues, useRuleActions } from "./actions.js";
import { useLastRuns } from "./lastruns.js";
import { LastRun, dueOf } from "./listing.js";
import { optionWords } from "./options.js";
import { Preview, storedPlan } from "./preview.js";
import { bandwidth, destinations, filters, flattening, trigger } from "./words.js";

export function Rule({ rule, onChange }) {
  const act = useRuleActions(onChange);
  const last = useLastRuns([rule]).get(rule.id);
  const [narrowed, setNarrowed] = useState({});
  const [looks, setLooks] = useState(false);
  return html`<${Page} title=${rule.name} lead=${rule.description} back=${{ href: to("replications"), text: "Replications" }}
    actions=${html`<${Actions} rule=${rule} last=${last} act=${act} />`}>
    <${Dialogues} act=${act} onGone=${() => go("/replications")} />
    <${Card} title="Rule">
      <div class="columns"><${What} rule=${rule} /><${When} rule=${rule} last=${last} /></div>
    <//>
    <${Card} title="Preview" actions=${!looks && html`<button onClick=${() => setLooks(true)}><${Icon} name="search" />Show preview</button>`}>
      ${looks ? html`<${Preview} plan=${storedPlan(rule)} />` : html`<p class="muted">What a run would copy now. The registries are asked; nothing is copied.</p>`}
    <//>
    <section class="stack"><h2>Executions</h2>
      <${Runs} rule=${rule} filters=${narrowed} onFilter=${setNarrowed} size=${10} /></section>
  <//>`;
}

function Actions({ rule, last, act }) {
  const { is } = useSession();
  return html`
    ${is("operator") && html`<button class="primary" disabled=${!rule.enabled} onClick=${() => act.ask("run", [rule])}><${Icon} name="run" />Replicate</button>`}
    ${is("operator") && isRunning(last) && html`<button onClick=${() => act.ask("stop", [rule])}><${Icon} name="stop" />Stop</button>`}
    ${is("admin") && html`
      <a class="button" href=${to("replications", rule.id, "edit")}><${Icon} name="edit" />Edit</a>
      <a class="button" href="${to("replications", "new")}?copy=${rule.id}"><${Icon} name="copy" />Copy</a>
      <button disabled=${act.busy} onClick=${() => act.turn(rule)}>${rule.enabled ? "Disable" : "Enable"}</button>
      <button class="danger" onClick=${() => act.ask("remove", [rule])}><${Icon} name="trash" />Delete</button>`}`;
}

const registry = ({ id, name }) => html`<a href=${to("registries", id)}>${name}</a>`;

function What({ rule }) {
  const found = filters(rule);
  return html`<${Facts} items=${[
    ["Source", registry(rule.src_registry)],
    ["Filters", found.length
      ? html`<span class="chips">${found.map(([type, words]) => html`<span class="chip" key=${type + words}>${type} ${words}</span>`)}</span>` : "None: everything is copied"],
    ["Destination", destinations(rule).map((it) => html`<p key=${it.registry.id}>${registry(it.registry)}${it.namespace && html`, namespace <code>${it.namespace}</code>`}</p>`)],
    ["Flattening", flattening(rule.dest_namespace_replace_count)],
    ["Override", rule.override ? "Yes" : "No, tags that are there stay"],
    ...optionWords(rule.options),
  ]} />`;
}

function When({ rule, last }) {
  const due = dueOf(rule);
  return html`<${Facts} items=${[
    ["Status", html`<${Status} look=${rule.enabled ? "good" : "idle"}>${rule.enabled ? "Enabled" : "Disabled"}<//>`],
    ["Trigger", trigger(rule)],
    ["Next run", due && html`<span title=${fullTime(due)}>${time(due)}, ${ago(due)}</span>`],
    ["Last run", html`<${LastRun} run=${last} />`],
    ["Deletions", rule.deletion && "Deleted at the destination, too"],
    ["Bandwidth", bandwidth(rule.speed)],
    ["Copy by chunk", rule.copy_by_chunk && "Yes"],
    ["At a time", rule.single_active_replication && "One execution"],
    ["Changed", time(rule.update_time)],
  ]} />`;
}
