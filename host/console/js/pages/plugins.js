// Plug-ins: the adapters there are, what they may reach, and how they do. One that was uploaded does
// nothing until an administrator has approved it with its hosts.

import { get, post, remove, segment, v1, withQuery } from "../api.js";
import { html, useState } from "../view.js";
import { count, shortDigest, time } from "../format.js";
import { useAction, useLoad } from "../load.js";
import { notify } from "../notice.js";
import { useSession } from "../session.js";
import { Copy } from "../ui/copy.js";
import { Confirm } from "../ui/dialog.js";
import { Icon } from "../ui/icon.js";
import { Card, Facts, Page } from "../ui/page.js";
import { Failure, Loading, Remark, Status } from "../ui/state.js";
import { Table } from "../ui/table.js";
import { Approval } from "./plugins/approval.js";

const LOOKS = {
  bundled: ["good", "Bundled"], approved: ["good", "Approved"], pending: ["warn", "Waits for approval"],
};

export function Plugins({ parts: [digest] }) {
  const plugins = useLoad((signal) => get(v1("/plugins"), {}, signal), []);
  if (plugins.error) return html`<${Page} title="Plug-ins"><${Failure} error=${plugins.error} onRetry=${plugins.reload} /><//>`;
  if (!plugins.data) return html`<${Loading} />`;
  const one = digest && plugins.data.find((it) => it.digest === digest);
  return one
    ? html`<${Details} plugin=${one} onChange=${plugins.reload} />`
    : html`<${List} plugins=${plugins.data} onChange=${plugins.reload} />`;
}

const hrefOf = (plugin) => `#/plugins/${segment(plugin.digest)}`;
const titleOf = ({ info }) => info.display_name || info.provider;

function List({ plugins, onChange }) {
  const { is } = useSession();
  const install = useAction(async (file) => {
    const made = await post(withQuery(v1("/plugins"), { source: file.name }), file);
    notify(`The plug-in ${titleOf(made)} was installed.`);
    onChange();
    location.hash = hrefOf(made);
  });
  const columns = [
    { label: "Plug-in", cell: (row) => html`<a href=${hrefOf(row)}>${titleOf(row)}</a>` },
    { label: "Status", cell: ({ state }) => html`<${Status} look=${LOOKS[state][0]}>${LOOKS[state][1]}<//>` },
    { label: "Provider", cell: (row) => html`<code>${row.info.provider}</code>` },
    { label: "Version", cell: (row) => row.info.version || "–" },
    { label: "Hosts granted", end: true, cell: (row) => count(row.granted.length) },
    { label: "Calls", end: true, cell: (row) => count(row.calls) },
    { label: "Traps", end: true, cell: (row) => count(row.faults) },
  ];
  return html`<${Page} title="Plug-ins" lead="Every provider is an adapter in a sandbox. It reaches its endpoint, and the hosts it was granted."
    actions=${is("admin") && html`<${Upload} action=${install} />`}>
    <${Failure} title="The plug-in was not installed." error=${install.error} />
    ${plugins.some((it) => it.state === "pending") && html`<${Remark} look="warn">A plug-in waits for approval: it does nothing until then.<//>`}
    <${Table} caption="Plug-ins" columns=${columns} rows=${plugins} rowKey=${(row) => row.digest} />
  <//>`;
}

function Upload({ action }) {
  const pick = (event) => {
    const [file] = event.target.files;
    event.target.value = "";
    if (file) action.run(file);
  };
  return html`<span class="file-pick"><input type="file" id="component" accept=".wasm,application/wasm" disabled=${action.busy} onChange=${pick} />
    <label for="component" class="primary"><${Icon} name="upload" />${action.busy ? "Installing…" : "Install from a file"}</label></span>`;
}

function Details({ plugin, onChange }) {
  const { is } = useSession();
  const [open, setOpen] = useState();
  const { info, state } = plugin;
  const path = v1(`/plugins/${segment(plugin.digest)}`);
  const revoke = useAction(async () => {
    await post(`${path}/revoke`);
    notify(`The approval of ${titleOf(plugin)} was taken back.`);
    onChange();
  });
  const drop = useAction(async () => {
    await remove(path);
    notify(`The plug-in ${titleOf(plugin)} was removed.`);
    location.hash = "#/plugins";
    onChange();
  });
  const actions = is("admin") && state !== "bundled" && html`
    <button class=${state === "pending" ? "primary" : ""} onClick=${() => setOpen("approve")}>${state === "pending" ? "Approve…" : "Change hosts…"}</button>
    ${state === "approved" && html`<button onClick=${() => setOpen("revoke")}>Revoke</button>`}
    <button class="danger" onClick=${() => setOpen("remove")}>Remove</button>`;
  const shut = () => setOpen(undefined);
  return html`<${Page} title=${titleOf(plugin)} lead=${info.description} actions=${actions} back=${{ href: "#/plugins", text: "Plug-ins" }}>
    ${state === "pending" && html`<${Remark} look="warn">This plug-in does nothing yet. Look at what it asks for, then approve it.<//>`}
    <${Card} title="Adapter">
      <${Facts} items=${[
        ["Status", html`<${Status} look=${LOOKS[state][0]}>${LOOKS[state][1]}<//>`],
        ["Provider", html`<code>${info.provider}</code>`],
        ["Version", info.version],
        ["Digest", html`<span class="copyable"><code title=${plugin.digest}>${shortDigest(plugin.digest)}</code><${Copy} text=${plugin.digest} what="digest" /></span>`],
        ["Came from", plugin.source || (state === "bundled" ? "this program" : "")],
        [state === "bundled" ? "Loaded" : "Installed", time(plugin.installed)],
        ["Can push", info.can_push ? "Yes" : "No, a source only"],
        ["Copies", info.resources.join(", ")],
        ["Calls", count(plugin.calls)],
        ["Traps", `${count(plugin.faults)} (calls that crashed, or used up their time or memory)`],
      ]} />
    <//>
    <${Hosts} plugin=${plugin} />
    ${open === "approve" && html`<${Approval} plugin=${plugin} path=${path} onDone=${onChange} onClose=${shut} />`}
    ${open === "revoke" && html`<${Confirm} title="Revoke Approval" verb="Revoke" action=${revoke} onClose=${shut}>
      <p>Take the approval of <strong>${titleOf(plugin)}</strong> back? Endpoints of this provider stop working until another adapter is approved; running calls finish.</p><//>`}
    ${open === "remove" && html`<${Confirm} title="Remove Plug-in" verb="Remove" action=${drop} onClose=${shut}>
      <p>Remove <strong>${titleOf(plugin)}</strong>? Its approval goes with it.</p><//>`}
  <//>`;
}

function Hosts({ plugin }) {
  const granted = new Set(plugin.granted.map((it) => it.pattern));
  const rows = plugin.info.allowed_hosts;
  if (!rows.length) {
    return html`<${Card} title="Hosts"><p class="muted">It asks for no host: it reaches the endpoints' own addresses alone.</p><//>`;
  }
  const columns = [
    { label: "Host", cell: (row) => html`<code>${row.pattern}</code>` },
    { label: "Uses", cell: (row) => html`<span class="chips">${row.uses.map((use) => html`<span class="chip" key=${use}>${use}</span>`)}</span>` },
    { label: "Granted", cell: (row) => (granted.has(row.pattern) ? html`<${Status} look="good">Granted<//>` : html`<${Status} look="idle">Not granted<//>`) },
  ];
  return html`<section class="stack"><h2>Hosts it asks for</h2>
    <${Table} caption="Hosts it asks for" columns=${columns} rows=${rows} rowKey=${(row) => row.pattern} />
  </section>`;
}
