// Approving a plug-in: which of the hosts it asks for it gets, and for what.

import { post } from "../../api.js";
import { html, useState } from "../../view.js";
import { useAction } from "../../load.js";
import { notify } from "../../notice.js";
import { Dialog } from "../../ui/dialog.js";
import { Check } from "../../ui/field.js";
import { Failure, Remark } from "../../ui/state.js";

const MEANS = {
  credentials: "gets the endpoint's user name and password",
  signed: "gets requests signed with the endpoint's secret",
  data: "is asked for lists and manifests",
  storage: "blobs are read from there, without a login",
  "any-public-download": "public files are read from there, without a login",
};

export function Approval({ plugin, path, onDone, onClose }) {
  const asked = plugin.info.allowed_hosts;
  const had = new Set(plugin.granted.map((it) => it.pattern));
  const [chosen, setChosen] = useState(() => new Set(asked
    .filter((it) => plugin.state === "pending" || had.has(it.pattern)).map((it) => it.pattern)));
  const approve = useAction(async () => {
    await post(`${path}/approve`, { hosts: asked.filter((it) => chosen.has(it.pattern)) });
    notify(`The plug-in ${plugin.info.display_name || plugin.info.provider} was approved.`);
    onDone();
    onClose();
  });
  const toggle = (pattern, on) => {
    const next = new Set(chosen);
    if (on) next.add(pattern);
    else next.delete(pattern);
    setChosen(next);
  };
  const footer = html`<button type="button" onClick=${onClose}>Cancel</button>
    <button class="primary" disabled=${approve.busy}>${approve.busy ? "Approving…" : "Approve"}</button>`;
  return html`<${Dialog} title="Approve Plug-in" onClose=${onClose} footer=${footer} note=${html`<${Failure} quiet error=${approve.error} />`} onSubmit=${() => approve.run()}>
    <p>The component <code>${plugin.digest}</code> may then serve endpoints of the provider <code>${plugin.info.provider}</code>. Other bytes need another approval.</p>
    ${asked.length ? html`<fieldset><legend>Hosts besides the endpoint's own</legend>
      ${asked.map((it) => html`<${Check} key=${it.pattern} label=${it.pattern} checked=${chosen.has(it.pattern)}
        hint=${it.uses.map((use) => `${use}: ${MEANS[use] ?? use}`).join("; ")} onChange=${(on) => toggle(it.pattern, on)} />`)}
    </fieldset>` : html`<${Remark}>It asks for no host besides the endpoint's own.<//>`}
  <//>`;
}
