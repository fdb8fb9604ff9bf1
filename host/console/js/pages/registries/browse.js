// One endpoint, and what is at it: repositories, then the artifacts of one. All of it is asked for
// live, page by page.

import { get, segment, v1 } from "../../api.js";
import { html, useEffect, useState } from "../../view.js";
import { ago, bytes, fullTime, plural, shortDigest, time } from "../../format.js";
import { useLoad, useMore } from "../../load.js";
import { nameOf, providers } from "../../providers.js";
import { to } from "../../route.js";
import { useSession } from "../../session.js";
import { Copy } from "../../ui/copy.js";
import { Search } from "../../ui/field.js";
import { Icon } from "../../ui/icon.js";
import { Card, Facts, Page } from "../../ui/page.js";
import { Empty, Failure, Loading } from "../../ui/state.js";
import { Table } from "../../ui/table.js";
import { budgetWords } from "../budget.js";
import { Health } from "../registries.js";
import { EndpointForm } from "./form.js";
import { HookWays, useWebhook } from "./webhook.js";

/** How many artifacts are asked for at once. */
const AT_ONCE = 4;

/** `parts` is the endpoint's id, and perhaps `repositories` and a name. */
export function Browse({ parts: [id, , repository] }) {
  const endpoint = useLoad((signal) => get(v1(`/endpoints/${segment(id)}`), {}, signal), [id]);
  if (endpoint.error) return html`<${Page} title="Registry" back=${{ href: to("registries"), text: "Registries" }}>
    <${Failure} error=${endpoint.error} onRetry=${endpoint.reload} /><//>`;
  if (!endpoint.data) return html`<${Loading} />`;
  return repository
    ? html`<${Artifacts} key=${repository} endpoint=${endpoint.data} repository=${repository} />`
    : html`<${Overview} endpoint=${endpoint.data} onChange=${endpoint.reload} />`;
}

function Overview({ endpoint, onChange }) {
  const { is } = useSession();
  const [edits, setEdits] = useState(false);
  const known = useLoad(providers, []);
  const hook = useWebhook(is("operator") ? endpoint.id : undefined);
  const { credential: { access_key: key, access_secret: secret } = {} } = endpoint;
  const actions = is("admin") && endpoint.id !== 0
    && html`<button onClick=${() => setEdits(true)}><${Icon} name="edit" />Edit</button>`;
  return html`<${Page} title=${endpoint.name} lead=${endpoint.description} actions=${actions} back=${{ href: to("registries"), text: "Registries" }}>
    <${Card} title="Endpoint">
      <${Facts} items=${[
        ["Status", html`<${Health} endpoint=${endpoint} />`],
        ["Endpoint URL", endpoint.url],
        ["Provider", nameOf(known.data, endpoint.type)],
        ["Access ID", key],
        ["Access Secret", secret && "stored, never shown"],
        ["Verify Remote Cert", endpoint.insecure ? "No" : "Yes"],
        ["CA Certificate", endpoint.ca_certificate && "its own"],
        ["Proxy", endpoint.proxy],
        ["Budget", budgetWords(endpoint.budget)],
        ["Settings", endpoint.settings && html`<code>${JSON.stringify(endpoint.settings)}</code>`],
        ["Webhooks", hook.data?.supported && html`<${HookWays} hook=${hook} />`],
        ["Created", time(endpoint.creation_time)],
        ["Changed", time(endpoint.update_time)],
      ]} />
    <//>
    <${Repositories} id=${endpoint.id} />
    ${edits && html`<${EndpointForm} stored=${endpoint} onSaved=${() => [onChange(), hook.reload()]} onClose=${() => setEdits(false)} />`}
  <//>`;
}

function Repositories({ id }) {
  const [prefix, setPrefix] = useState("");
  const found = useMore(v1(`/endpoints/${id}/repositories`), { prefix, limit: 50 }, (answer) => answer.repositories);
  const columns = [
    { label: "Repository", cell: (row) => html`<a href=${to("registries", id, "repositories", row.name)}>${row.name}</a>` },
    { label: "Visibility", cell: (row) => (row.private === undefined ? "–" : row.private ? "Private" : "Public") },
  ];
  const empty = html`<${Empty} icon="folder" title=${prefix ? "No name begins so" : "No repositories"}>
    ${!prefix && html`<p>The registry is empty, or does not list what it has.</p>`}<//>`;
  return html`<section class="stack">
    <div class="toolbar"><h2>Repositories</h2><${Search} label="Name begins with" value=${prefix} onSearch=${setPrefix} /></div>
    <${Table} caption="Repositories" columns=${columns} rows=${found.rows} rowKey=${(row) => row.name}
      loading=${found.loading} error=${found.rows ? undefined : found.error} onRetry=${found.reload} empty=${empty} />
    <${More} found=${found} noun=${["repository", "repositories"]} />
  </section>`;
}

function Artifacts({ endpoint, repository }) {
  const path = v1(`/endpoints/${endpoint.id}/repositories/${segment(repository)}/artifacts`);
  const found = useMore(path, { limit: 50 }, (answer) => answer.artifacts);
  const details = useDetails(path, found.rows);
  const columns = [
    { label: "Tags", wide: true, cell: (row) => (row.tags.length ? html`<span class="chips">
      ${row.tags.map((tag) => html`<span class="chip" key=${tag}>${tag}</span>`)}</span>` : "untagged") },
    { label: "Digest", cell: ({ digest }) => (digest ? html`<span class="copyable"><code title=${digest}>${shortDigest(digest)}</code><${Copy} text=${digest} what="digest" /></span>` : "–") },
    { label: "Type", cell: (row) => row.artifact_type || kind(row.media_type) },
    { label: "Size", end: true, cell: (row) => (row.manifests ? plural(row.manifests, "manifest") : bytes(row.size)) },
    { label: "Pushed", cell: (row) => html`<span title=${fullTime(row.pushed)}>${ago(row.pushed)}</span>` },
  ];
  const empty = html`<${Empty} icon="tag" title="No artifacts"><p>The repository is there, and nothing is in it.</p><//>`;
  return html`<${Page} title=${repository} lead="At ${endpoint.name}, ${endpoint.url}" back=${{ href: to("registries", endpoint.id), text: endpoint.name }}>
    <${Table} caption="Artifacts" columns=${columns} rows=${found.rows?.map((row) => ({ ...details[nameOfArtifact(row)], ...known(row) }))} rowKey=${nameOfArtifact}
      loading=${found.loading} error=${found.rows ? undefined : found.error} onRetry=${found.reload} empty=${empty} />
    <${More} found=${found} noun=${["artifact", "artifacts"]} />
  <//>`;
}

/** What the listing tells of an artifact, without what it leaves open. */
const known = (row) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null && value !== undefined));
const nameOfArtifact = (row) => row.tags[0] ?? row.digest;

/** Many listings tell tags alone: the rest is asked for one artifact after the other, a few at once. */
function useDetails(path, rows) {
  const [details, setDetails] = useState({});
  useEffect(() => {
    const stop = new AbortController();
    const open = (rows ?? []).filter((row) => (!row.digest || row.size === undefined) && !details[nameOfArtifact(row)]);
    const work = async () => {
      for (let row = open.shift(); row && !stop.signal.aborted; row = open.shift()) {
        const name = nameOfArtifact(row);
        const told = await get(`${path}/${segment(name)}`, {}, stop.signal);
        setDetails((old) => ({ ...old, [name]: told }));
      }
    };
    // One that is refused leaves its row, and what comes after it, as the listing has them.
    for (let at = 0; at < AT_ONCE; at += 1) work().catch(() => open.splice(0));
    return () => stop.abort();
  }, [path, rows?.length]);
  return details;
}

/** How much is shown, and a button for more. */
function More({ found, noun }) {
  if (!found.rows?.length) return null;
  return html`<div class="toolbar">
    <p class="muted" aria-live="polite">${plural(found.rows.length, ...noun)}${found.next ? " so far" : ""}</p>
    ${found.next && html`<button disabled=${found.loading} onClick=${found.more}>${found.loading ? "Loading…" : "Load more"}</button>`}
    <${Failure} error=${found.error} />
  </div>`;
}

const kind = (media) => ({
  "application/vnd.oci.image.index.v1+json": "OCI index",
  "application/vnd.oci.image.manifest.v1+json": "OCI image",
  "application/vnd.docker.distribution.manifest.list.v2+json": "Docker manifest list",
  "application/vnd.docker.distribution.manifest.v2+json": "Docker image",
})[media] ?? media ?? "–";
