// The form of a rule: fields in the order that Harbor's users know, between any two registries, with
// a live preview of what a run would copy.

import { get, harbor, list, post, put, segment, v1 } from "../../api.js";
import { html, useMemo, useState } from "../../view.js";
import { useAction, useLoad } from "../../load.js";
import { notify } from "../../notice.js";
import { go, to } from "../../route.js";
import { useSession } from "../../session.js";
import { Area, Check, Choice, Text } from "../../ui/field.js";
import { Card, Page } from "../../ui/page.js";
import { Failure, Loading, Remark } from "../../ui/state.js";
import { EndpointForm } from "../registries/form.js";
import { Advanced } from "./advanced.js";
import { UNITS, body, draftOf, gaps } from "./draft.js";
import { useFeatures } from "./features.js";
import { Filters } from "./filters.js";
import { Destinations, Registry } from "./places.js";
import { Preview, draftPlan } from "./preview.js";
import { Trigger, cronError } from "./starts.js";

const BACK = { href: to("replications"), text: "Replications" };

/** Every endpoint, and Local where one is configured. */
async function allEndpoints(signal) {
  const [{ items }, local] = await Promise.all([
    list(v1("/endpoints"), { page_size: 0, sort: "name" }, signal),
    get(v1("/endpoints/0"), {}, signal).catch(() => undefined),
  ]);
  const isConfigured = local && !local.url.endsWith("local.invalid") && !items.some((it) => it.id === 0);
  return isConfigured ? [local, ...items] : items;
}

/** New Replication Rule; Edit where `stored` is a rule; a further one like `copied`. */
export function RuleForm({ stored, copied }) {
  const { is } = useSession();
  const endpoints = useLoad(allEndpoints, []);
  const features = useFeatures();
  const [draft, setDraft] = useState(() => (copied ? { ...draftOf(copied), name: `${copied.name}-copy` } : draftOf(stored)));
  const [tried, setTried] = useState(false);
  const [making, setMaking] = useState();
  const set = (more) => setDraft((old) => ({ ...old, ...more }));
  const missing = gaps(draft);
  const save = useAction(async () => {
    const sent = body(draft, features);
    if (stored) await put(harbor(`/replication/policies/${segment(stored.id)}`), sent);
    else await post(harbor("/replication/policies"), sent);
    notify(stored ? `The rule “${sent.name}” was changed.` : `The rule “${sent.name}” was created.`);
    go(stored ? `/replications/${stored.id}` : await pathOf(sent.name));
  });
  const submit = (event) => {
    event.preventDefault();
    setTried(true);
    if (!Object.keys(missing).length && !cronError(draft)) save.run();
    else setTimeout(showFault);
  };
  const title = stored ? `Edit ${stored.name}` : copied ? `Copy of ${copied.name}` : "New Replication Rule";
  const back = stored ? { href: to("replications", stored.id), text: stored.name } : BACK;
  if (!is("admin")) return html`<${Page} title=${title} back=${back}><${Remark} look="warn">Only administrators change rules.<//><//>`;
  if (endpoints.error) return html`<${Page} title=${title} back=${back}><${Failure} error=${endpoints.error} onRetry=${endpoints.reload} /><//>`;
  if (!endpoints.data || !features.ready) return html`<${Page} title=${title} back=${back}><${Loading} /><//>`;
  const given = { draft, set, features, errors: tried ? missing : {}, endpoints: endpoints.data, onNew: (use) => setMaking(() => use) };
  const made = (endpoint) => {
    endpoints.set([...endpoints.data, endpoint].sort((one, other) => one.name.localeCompare(other.name)));
    making(String(endpoint.id));
    notify(`The endpoint “${endpoint.name}” was created.`);
  };
  return html`<${Page} title=${title} back=${back}>
    <div class="with-preview">
      <form class="card rule-form" onSubmit=${submit} novalidate autocomplete="off">
        <${Fields} ...${given} />
        <${Failure} title="The rule was not saved." error=${save.error} />
        <div class="actions form-foot">
          <button class="primary" disabled=${save.busy}>${save.busy ? "Saving…" : "Save"}</button>
          <a class="button" href=${back.href}>Cancel</a>
        </div>
      </form>
      <aside class="preview" aria-label="Preview"><${PreviewCard} draft=${draft} features=${features} /></aside>
    </div>
    ${making && html`<${EndpointForm} onSaved=${made} onClose=${() => setMaking(undefined)} />`}
  <//>`;
}

/** Goes to the first field that is wrong, also where its part of the form is closed. */
function showFault() {
  const field = document.querySelector("main [aria-invalid=true]");
  field?.closest("details")?.setAttribute("open", "");
  field?.focus();
}

function PreviewCard({ draft, features }) {
  const plan = useMemo(() => draftPlan(draft, features), [draft, features]);
  return html`<${Card} title="Preview"><${Preview} plan=${plan} /><//>`;
}

function Fields({ draft, set, features, errors, endpoints, onNew }) {
  const field = (name) => ({ value: draft[name], onChange: (value) => set({ [name]: value }) });
  return html`
    <${Text} label="Name" required maxlength="256" error=${errors.name} ...${field("name")} />
    <${Area} label="Description" rows="2" spellcheck=${true} ...${field("description")} />
    <${Registry} label="Source registry" endpoints=${endpoints} error=${errors.source} ...${field("source")}
      onNew=${() => onNew((source) => set({ source }))} />
    <${Filters} draft=${draft} set=${set} features=${features} />
    <${Destinations} draft=${draft} set=${set} endpoints=${endpoints} errors=${errors} onNew=${onNew} />
    <${Trigger} draft=${draft} set=${set} features=${features} />
    <div class="row">
      <${Text} label="Bandwidth" inputmode="decimal" placeholder="unlimited" error=${errors.speed} hint="Of each task." ...${field("speed")} />
      <${Choice} label="Unit" options=${UNITS} ...${field("unit")} />
    </div>
    <div class="checks">
      <${Check} label="Override" hint="A tag that is another artifact at the destination is overwritten." checked=${draft.override} onChange=${(override) => set({ override })} />
      <${Check} label="Copy by chunk" hint="Large layers go up in parts, for destinations behind proxies that cut long uploads." checked=${draft.chunks} onChange=${(chunks) => set({ chunks })} />
      <${Check} label="Enable rule" checked=${draft.enabled} onChange=${(enabled) => set({ enabled })} />
      <${Check} label="Single active replication" disabled=${draft.trigger === "event_based"} checked=${draft.single && draft.trigger !== "event_based"} onChange=${(single) => set({ single })}
        hint=${draft.trigger === "event_based" ? "Not for event based rules." : "A run that is due while one goes on is left out."} />
    </div>
    ${features.options && html`<${Advanced} options=${draft.options} onChange=${(options) => set({ options })} />`}`;
}

/** The address of a rule that was just made. */
async function pathOf(name) {
  const { items } = await list(harbor("/replication/policies"), { page_size: 1, sort: "-creation_time" });
  return items[0]?.name === name ? `/replications/${items[0].id}` : "/replications";
}
