// The dialogue in which an endpoint is made or changed: fields in the order that Harbor's users
// know. Also opened from the form of a rule, where an endpoint is missing.

import { harbor, post, put, v1 } from "../../api.js";
import { html, useState } from "../../view.js";
import { useAction, useLoad } from "../../load.js";
import { nameOf, providers, reasonOf } from "../../providers.js";
import { rulesUsing } from "../../usage.js";
import { Dialog } from "../../ui/dialog.js";
import { Area, Check, Choice, Text } from "../../ui/field.js";
import { Failure, Loading, Remark } from "../../ui/state.js";
import { isBudget } from "../budget.js";
import { Credentials } from "./credentials.js";
import { Advanced } from "./advanced.js";
import { change, creation, draftOf, ping, withProvider } from "./draft.js";
import { Settings, asks } from "./settings.js";
import { Webhook } from "./webhook.js";

/**
 * New Registry Endpoint, or Edit Endpoint where `stored` is one. `onSaved` is given the endpoint as
 * the daemon has it; `onClose` follows in any case.
 */
export function EndpointForm({ stored, onSaved, onClose }) {
  const known = useLoad(providers, []);
  const [draft, setDraft] = useState(() => draftOf(stored));
  const [works, setWorks] = useState(false);
  const chosen = known.data?.find((it) => it.provider === draft.type);
  const test = useAction(async () => {
    await post(harbor("/registries/ping"), ping(draft, stored));
    setWorks(true);
  });
  const save = useAction(async (unchecked) => {
    const body = { ...(stored ? change(draft, stored) : creation(draft)), unchecked };
    const saved = stored ? await put(v1(`/endpoints/${stored.id}`), body) : await post(v1("/endpoints"), body);
    onSaved(saved);
    onClose();
  });
  const forget = () => {
    setWorks(false);
    test.clear();
    save.clear();
  };
  const set = (more) => {
    forget();
    setDraft((old) => ({ ...old, ...more }));
  };
  const choose = (provider) => {
    const next = known.data.find((it) => it.provider === provider);
    if (next) set(withProvider(draft, next, chosen));
  };
  const retest = () => {
    forget();
    test.run();
  };
  const ready = Boolean(draft.type && draft.url.trim() && isBudget(draft.budget));
  const footer = html`
    <button type="button" class="first" disabled=${!ready || test.busy} onClick=${retest}>
      ${test.busy ? "Testing…" : "Test Connection"}</button>
    <button type="button" onClick=${onClose}>Cancel</button>
    <button class="primary" disabled=${!ready || !draft.name.trim() || save.busy}>${save.busy ? "Saving…" : "OK"}</button>`;
  return html`<${Dialog} title=${stored ? "Edit Endpoint" : "New Registry Endpoint"} footer=${footer} onClose=${onClose}
    note=${html`<${Outcome} test=${test} works=${works} save=${save} />`}
    onSubmit=${() => ready && draft.name.trim() && save.run(false)}>
    <${Failure} error=${known.error} onRetry=${known.reload} />
    ${!known.data && !known.error && html`<${Loading} />`}
    ${stored && html`<${UsedBy} id=${stored.id} />`}
    ${known.data && html`<${Fields} known=${known.data} draft=${draft} set=${set} choose=${choose} chosen=${chosen} stored=${stored} />`}
  <//>`;
}

function Fields({ known, draft, set, choose, chosen, stored }) {
  const field = (name) => ({ value: draft[name], onChange: (value) => set({ [name]: value }) });
  const options = [...(draft.type ? [] : [["", "Choose a provider…"]]), ...known.map((it) => [it.provider, it.name])];
  if (stored && !chosen) options.push([draft.type, nameOf(known, draft.type)]);
  return html`
    <${Choice} label="Provider" required value=${draft.type} options=${options} onChange=${choose}
      disabled=${Boolean(stored)} hint=${chosen?.hint || chosen?.description} />
    ${stored && !chosen && html`<${Remark} look="warn">There is no adapter for this provider now: approve its plug-in first.<//>`}
    <${Text} label="Name" required maxlength="64" ...${field("name")} />
    <${Area} label="Description" rows="2" spellcheck=${true} ...${field("description")} />
    <${Address} draft=${draft} set=${set} chosen=${chosen} />
    <${Credentials} draft=${draft} set=${set} chosen=${chosen} stored=${stored} />
    ${chosen && asks(chosen.schema) && html`<${Settings} schema=${chosen.schema} ...${field("settings")} />`}
    <${Check} label="Verify Remote Cert" checked=${draft.verify} onChange=${(verify) => set({ verify })}
      hint=${draft.url.startsWith("http://") ? "This address is plain HTTP: there is no certificate to verify."
        : draft.verify ? "" : "Any certificate is accepted, also that of somebody in between. Verifying with the registry's own, given below, is better."} />
    <${Area} label="CA Certificate" class="mono" disabled=${!draft.verify} placeholder="-----BEGIN CERTIFICATE-----"
      hint="PEM. Only for a registry whose certificate this computer does not trust already." ...${field("ca")} />
    <${Webhook} draft=${draft} field=${field} set=${set} stored=${stored} />
    <${Advanced} field=${field} stored=${stored} />`;
}

/** Free text; a choice of presets beside it where the provider has some; locked where it has one. */
function Address({ draft, set, chosen }) {
  const presets = chosen?.presets ?? [];
  const preset = presets.some(([, url]) => url === draft.url) ? draft.url : "";
  const fixed = Boolean(chosen?.fixedUrl);
  return html`<div class="row">
    ${presets.length > 0 && html`<${Choice} label="Region or site" value=${preset}
      options=${[["", "Another address"], ...presets.map(([name, url]) => [url, name])]}
      onChange=${(url) => set({ url })} />`}
    <${Text} label="Endpoint URL" required inputmode="url" maxlength="256" readonly=${fixed} placeholder="https://registry.example.com"
      value=${draft.url} onChange=${(url) => set({ url })} class="address"
      hint=${fixed ? "This provider has one address." : ""} />
  </div>`;
}

/** Says which enabled rules a change would reach. */
function UsedBy({ id }) {
  const rules = useLoad((signal) => rulesUsing([id], signal), [id]);
  const enabled = rules.data?.filter((rule) => rule.enabled) ?? [];
  if (!enabled.length) return null;
  return html`<${Remark} look="warn">Enabled rules use this endpoint: ${enabled.map((rule) => rule.name).join(", ")}. Their next runs go by what is changed here.<//>`;
}

/** Which endpoint it is need not be said here. */
const plainly = (error) => error && new Error(reasonOf(error.message));

/** What testing and saving came to. */
function Outcome({ test, works, save }) {
  return html`
    ${test.busy && html`<${Loading} what="Asking the registry" />`}
    ${works && html`<${Remark} look="good">The connection works.<//>`}
    <${Failure} quiet title="The connection does not work." error=${plainly(test.error)} />
    <${Failure} quiet title="The endpoint was not saved." error=${plainly(save.error)} />
    ${save.error?.status === 400 && html`<${Remark} look="warn">
      <p>Is it only down for now? Saved anyway, it is shown as unhealthy until it answers.</p>
      <button type="button" onClick=${() => save.run(true)}>Save anyway</button>
    <//>`}`;
}
