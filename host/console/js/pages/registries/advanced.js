// What few endpoints need: a proxy, a client certificate, further hosts that it works with, and a
// budget.

import { html } from "../../view.js";
import { Area, Text } from "../../ui/field.js";
import { Budget } from "../budget.js";

export function Advanced({ field, stored }) {
  const used = stored && (stored.proxy || stored.client_certificate || stored.allowed_hosts?.length || stored.budget);
  return html`<details open=${Boolean(used)}>
    <summary>Advanced</summary>
    <div class="stack">
      <${Text} label="Proxy" inputmode="url" placeholder="http://proxy.example.com:3128" ...${field("proxy")}
        hint="Requests to this endpoint go through it." />
      <${Area} label="Client certificate" class="mono" placeholder="-----BEGIN CERTIFICATE-----"
        hint="PEM, for a registry that asks for one." ...${field("clientCertificate")} />
      <${Area} label="Client key" class="mono" placeholder="-----BEGIN PRIVATE KEY-----"
        hint=${stored?.client_key ? "A key is stored. Leave this empty to keep it." : "PEM; it is stored sealed and never shown."}
        ...${field("clientKey")} />
      <${Area} label="Allowed hosts" class="mono" placeholder="https://auth.example.com credentials"
        hint="Hosts besides its own that this endpoint works with, one in each line with what for: credentials, signed, data or storage. A token server on another host is one."
        ...${field("hosts")} />
      <${Budget} hint="For all work with this endpoint together, whichever rule it is for." ...${field("budget")} />
    </div>
  </details>`;
}
