// The daemon itself: release, size, health, and a backup of all it has stored.

import { download, get, harbor, v1 } from "../api.js";
import { html, useState } from "../view.js";
import { bytes, duration } from "../format.js";
import { useAction, useLoad } from "../load.js";
import { notify } from "../notice.js";
import { to } from "../route.js";
import { useSession } from "../session.js";
import { Text } from "../ui/field.js";
import { Icon } from "../ui/icon.js";
import { Card, Facts, Page } from "../ui/page.js";
import { Failure, Loading, Status } from "../ui/state.js";

const LEAST = 8;

export function System() {
  const { is } = useSession();
  const isAdmin = is("admin");
  const state = useLoad(async (signal) => {
    const [version, health, volumes] = await Promise.all([
      get(v1("/version"), {}, signal), get(harbor("/health"), {}, signal),
      isAdmin ? get(harbor("/systeminfo/volumes"), {}, signal) : undefined,
    ]);
    return { version, health, disk: volumes?.storage?.[0] };
  }, []);
  return html`<${Page} title="System" lead="The daemon that serves this console."
    actions=${html`<button onClick=${state.reload}><${Icon} name="refresh" />Refresh</button>`}>
    <${Failure} error=${state.error} onRetry=${state.reload} />
    ${!state.data && !state.error && html`<${Loading} />`}
    ${state.data && html`<${Release} ...${state.data} />`}
    <${Card} title="Looking further">
      <ul class="links">
        <li><a href="/docs">The API, for people</a><p class="hint">Every operation, with the role that it needs.</p></li>
        <li><a href="/openapi.json">The API, for programs</a><p class="hint">OpenAPI 3.1.</p></li>
        <li><a href="/metrics">Metrics</a><p class="hint">Counters and latencies in the format that Prometheus reads.</p></li>
        ${isAdmin && html`<li><a href=${to("welcome")}>Getting started</a><p class="hint">The first steps, once more.</p></li>`}
      </ul>
    <//>
    ${isAdmin && html`<${Backup} />`}
  <//>`;
}

function Release({ version, health, disk }) {
  const down = health.components.filter((it) => it.status !== "healthy");
  const well = down.length
    ? html`<${Status} look="bad">${down.map((it) => `${it.name}: ${it.error ?? it.status}`).join(", ")}<//>`
    : html`<${Status} look="good">Healthy<//>`;
  const share = disk ? Math.round((100 * (disk.total - disk.free)) / disk.total) : 0;
  return html`<${Card} title="Portolan ${version.version}">
    <${Facts} items=${[
      ["Health", well],
      ["Runs for", duration(version.uptime_seconds)],
      ["Store", version.store_bytes === undefined ? "in memory, gone with the daemon" : bytes(version.store_bytes)],
      ["Disk", disk && `${bytes(disk.free)} free of ${bytes(disk.total)} (${share} % used)`],
      ["Build", `${version.build.os} ${version.build.arch}, ${version.build.profile}`],
    ]} />
  <//>`;
}

function Backup() {
  const [phrase, setPhrase] = useState("");
  const [again, setAgain] = useState("");
  const make = useAction(async () => {
    save(await download(v1("/backup"), { passphrase: phrase }), `portolan-${new Date().toISOString().slice(0, 10)}.backup`);
    setPhrase("");
    setAgain("");
    notify("The backup was downloaded. Without its passphrase it cannot be opened.");
  });
  const ready = phrase.length >= LEAST && phrase === again;
  const submit = (event) => {
    event.preventDefault();
    if (ready) make.run();
  };
  return html`<${Card} title="Backup">
    <p class="muted">Everything the daemon has stored as of one moment, secrets and their key included, in one file sealed under a
      passphrase. <code>portolan restore FILE --data-dir DIR</code> fills an empty directory from it.</p>
    <form class="stack narrow" onSubmit=${submit}>
      <${Text} label="Passphrase" type="password" autocomplete="new-password" value=${phrase} onChange=${setPhrase}
        hint="${LEAST} characters at least. It is kept nowhere: who loses it loses the backup." />
      <${Text} label="Passphrase again" type="password" autocomplete="new-password" value=${again} onChange=${setAgain}
        error=${again && again !== phrase ? "This is not the same as above." : ""} />
      <${Failure} error=${make.error} />
      <div><button class="primary" disabled=${!ready || make.busy}><${Icon} name="download" />${make.busy ? "Making the backup…" : "Download a backup"}</button></div>
    </form>
  <//>`;
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
