// The registry's webhooks: the secret they prove themselves with, and what to tell the registry. A
// stored secret is never shown.

import { get, v1 } from "../../api.js";
import { html } from "../../view.js";
import { ago } from "../../format.js";
import { useLoad } from "../../load.js";
import { Copy } from "../../ui/copy.js";
import { Check, Text } from "../../ui/field.js";
import { Failure, Loading } from "../../ui/state.js";

/** What the daemon says of an endpoint's webhooks; nothing without an id. */
export const useWebhook = (id) => useLoad((signal) => (id === undefined
  ? Promise.resolve(undefined) : get(v1(`/endpoints/${id}/webhook`), {}, signal)), [id]);

/** The part of the form: `field` gives the ties of one of the draft's fields. */
export function Webhook({ draft, field, set, stored }) {
  const hook = useWebhook(stored?.id);
  const kept = hook.data?.secret_set;
  if (hook.data && !hook.data.supported) return null;
  return html`<details open=${Boolean(kept)}>
    <summary>Webhooks</summary>
    <div class="stack">
      <p class="hint">With a secret, the registry can tell of a push at once: event-based rules run then.</p>
      <${Text} label="Webhook secret" type="password" autocomplete="new-password" maxlength="1024" ...${field("hookSecret")}
        hint=${kept ? "A secret is stored. Leave this empty to keep it."
          : `The same text is given to the registry.${stored ? "" : " The address for it is on the endpoint's page once it is saved."}`} />
      ${kept && !draft.hookSecret && html`<${Check} label="Remove the stored webhook secret" checked=${draft.dropHook}
        hint="No webhook is taken then." onChange=${(dropHook) => set({ dropHook })} />`}
      ${stored && html`<div class="field"><p class="as-label">To be set at the registry</p><${HookWays} hook=${hook} /></div>`}
    </div>
  </details>`;
}

/** Addresses, where the secret goes, and what became of the last delivery. */
export function HookWays({ hook }) {
  if (hook.error) return html`<${Failure} quiet error=${hook.error} />`;
  if (!hook.data) return html`<${Loading} />`;
  const { supported, secret_set: ready, ways, last_delivery: last } = hook.data;
  if (!supported) return "This provider sends none.";
  return html`<div class="stack tight">
    ${!ready && html`<p>None is taken until there is a webhook secret.</p>`}
    ${ways.map((way) => html`<${Way} key=${way.kind + way.header} way=${way} />`)}
    ${last && html`<p class="reason">Last delivery ${ago(last.at)}: ${OUTCOMES[last.outcome] ?? last.outcome}${last.detail && ` (${last.detail})`}</p>`}
  </div>`;
}

const OUTCOMES = {
  accepted: "accepted",
  repeated: "the same as one before",
  nothing: "nothing in it that rules run for",
  refused: "refused, its proof is wrong",
  closed: "refused, there was no secret",
  throttled: "put off, there were too many",
  unreadable: "not understood",
  failed: "not taken",
};

function Way({ way }) {
  const address = (way.url ?? location.origin + way.path).replace("{secret}", "SECRET");
  return html`<div><span class="copyable"><code class="breaks">${address}</code><${Copy} text=${address} what="address" /></span>
    <p class="reason">${PROOFS[way.kind]?.(way) ?? ""}</p></div>`;
}

const PROOFS = {
  "header-token": ({ header }) => (header.toLowerCase() === "authorization"
    ? html`The secret goes into the header <code>Authorization: Bearer SECRET</code>.`
    : html`The secret goes into the header <code>${header}</code>.`),
  "hmac-header": ({ header, hash }) => html`The registry signs with the secret (${hash}), in the header <code>${header}</code>.`,
  "url-token": () => html`The secret takes the place of <code>SECRET</code>, percent-encoded.`,
};
