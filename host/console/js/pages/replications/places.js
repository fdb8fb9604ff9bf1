// Where a rule copies from and to. An endpoint that is not there yet can be made on the spot.

import { html } from "../../view.js";
import { Choice, Text } from "../../ui/field.js";
import { Icon } from "../../ui/icon.js";
import { FLATTENING, example, flattening } from "./words.js";

/** A drop-down of endpoints, and a button that opens the endpoint form. */
export function Registry({ label, value, endpoints, error, onChange, onNew }) {
  const chosen = endpoints.find((it) => String(it.id) === value);
  const options = [
    ...(value === "" ? [["", "Choose a registry…"]] : []),
    ...endpoints.map((it) => [String(it.id), it.status === "unhealthy" ? `${it.name} (unhealthy)` : it.name]),
    ...(value !== "" && !chosen ? [[value, value === "0" ? "Local" : `Registry ${value}, gone`]] : []),
  ];
  return html`<div class="field">
    <${Choice} label=${label} required value=${value} options=${options} error=${error} hint=${chosen?.url} onChange=${onChange} />
    <p><button type="button" class="link" onClick=${onNew}>New endpoint…<span class="away"> as ${label.toLowerCase()}</span></button></p>
  </div>`;
}

export function Destinations({ draft, set, endpoints, errors, onNew }) {
  const { destinations } = draft;
  const change = (at, more) => set({ destinations: destinations.map((it, other) => (other === at ? { ...it, ...more } : it)) });
  const levels = FLATTENING.some(([known]) => String(known) === draft.flatten) ? FLATTENING
    : [...FLATTENING, [Number(draft.flatten), flattening(Number(draft.flatten))]];
  return html`<fieldset><legend>Destination</legend>
    ${destinations.map((it, at) => html`<div class="row" key=${at}>
      <${Registry} label=${at ? `Destination registry ${at + 1}` : "Destination registry"} value=${it.registry} endpoints=${endpoints}
        error=${errors[`destination-${at}`]} onChange=${(registry) => change(at, { registry })} onNew=${() => onNew((id) => change(at, { registry: id }))} />
      <${Text} label=${at ? `Namespace ${at + 1}` : "Namespace"} placeholder="as at the source" value=${it.namespace} onChange=${(namespace) => change(at, { namespace })} />
      ${at > 0 && html`<button type="button" class="bare in-row" aria-label="Remove destination ${at + 1}"
        onClick=${() => set({ destinations: destinations.filter((_, other) => other !== at) })}><${Icon} name="trash" /></button>`}
    </div>`)}
    <p><button type="button" class="link" onClick=${() => set({ destinations: [...destinations, { registry: "", namespace: "" }] })}>Add another destination</button></p>
    <${Choice} label="Flattening" value=${draft.flatten} options=${levels.map(([value, words]) => [String(value), words])}
      onChange=${(flatten) => set({ flatten })} hint=${hintOf(draft)} />
  </fieldset>`;
}

function hintOf({ flatten, destinations: [{ namespace }] }) {
  const name = namespace.trim();
  return name ? `${example(Number(flatten), name)}.` : "Without a namespace names stay as they are at the source.";
}
