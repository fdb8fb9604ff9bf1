// Registries: the endpoints there are, and how they are.

import { get, harbor, remove, segment, v1 } from "../api.js";
import { html, useState } from "../view.js";
import { time } from "../format.js";
import { useAction, useListing, useLoad } from "../load.js";
import { nameOf, providers, reasonOf } from "../providers.js";
import { notify } from "../notice.js";
import { to } from "../route.js";
import { useSession } from "../session.js";
import { RuleNames, rulesUsing } from "../usage.js";
import { Confirm } from "../ui/dialog.js";
import { Search } from "../ui/field.js";
import { Icon } from "../ui/icon.js";
import { Page } from "../ui/page.js";
import { Empty, Remark, Status } from "../ui/state.js";
import { Table } from "../ui/table.js";
import { Browse } from "./registries/browse.js";
import { EndpointForm } from "./registries/form.js";

const NOUN = "Registries";

/** `#/registries`, and what is at one of them: `#/registries/3`. */
export function Registries({ parts, query }) {
  return parts.length ? html`<${Browse} parts=${parts} query=${query} />` : html`<${List} query=${query} />`;
}

function List({ query }) {
  const { is } = useSession();
  const listing = useListing(v1("/endpoints"), { sort: "name" });
  const known = useLoad(providers, []);
  const [selected, setSelected] = useState(new Set());
  const [open, setOpen] = useState(query.has("new") && is("admin") ? { form: true } : {});
  const chosen = listing.rows.filter((row) => selected.has(row.id));
  const edit = async (id) => setOpen({ form: true, stored: await get(v1(`/endpoints/${id}`)) });
  const saved = (endpoint, stored) => {
    notify(stored ? `The endpoint “${endpoint.name}” was changed.` : `The endpoint “${endpoint.name}” was created.`);
    listing.reload();
  };
  const isBlank = listing.table.rows?.length === 0 && !listing.word;
  const add = html`<button class="primary" onClick=${() => setOpen({ form: true })}><${Icon} name="plus" />New Endpoint</button>`;
  const empty = listing.word
    ? html`<${Empty} icon="search" title="No endpoint has such a name" />`
    : html`<${Empty} icon="registries" title="No endpoints yet">
        <p>An endpoint is a registry and how to log in there. Rules copy artifacts between endpoints.</p>
        ${is("admin") && add}<//>`;
  return html`<${Page} title=${NOUN} lead="The registries that rules copy from and to." actions=${is("admin") && add}>
    ${!isBlank && html`<div class="toolbar">
      ${is("admin") && html`
        <button disabled=${chosen.length !== 1} onClick=${() => edit(chosen[0].id)}><${Icon} name="edit" />Edit</button>
        <button disabled=${!chosen.length} onClick=${() => setOpen({ remove: chosen })}><${Icon} name="trash" />Delete</button>`}
      <${Search} label="Search by name" ...${listing.search} />
    </div>`}
    <${Table} caption=${NOUN} columns=${columns(known.data)} empty=${empty} ...${listing.table}
      selected=${is("admin") ? selected : undefined} onSelect=${setSelected} />
    ${open.form && html`<${EndpointForm} stored=${open.stored} onSaved=${(it) => saved(it, open.stored)} onClose=${() => setOpen({})} />`}
    ${open.remove && html`<${Removal} endpoints=${open.remove} onClose=${() => {
      setOpen({});
      setSelected(new Set());
      listing.reload();
    }} />`}
  <//>`;
}

const columns = (known) => [
  { label: "Name", sort: "name", kind: "name", cell: (row) => html`<a href=${to("registries", row.id)}>${row.name}</a>
    ${row.description && html`<p class="reason">${row.description}</p>`}` },
  { label: "Status", cell: (row) => html`<${Health} endpoint=${row} />`, wide: true },
  { label: "Endpoint URL", sort: "url", kind: "url", cell: (row) => row.url },
  { label: "Provider", sort: "type", cell: (row) => nameOf(known, row.type) },
  { label: "Verify Remote Cert", sort: "insecure", cell: (row) => (row.insecure ? "No" : "Yes") },
  { label: "Authentication", cell: authentication },
  { label: "Creation Time", sort: "creation_time", cell: (row) => time(row.creation_time) },
];

const authentication = ({ credential, credential_source: source }) => {
  if (source && source.kind !== "static") return `Secret from ${source.kind}`;
  return credential?.access_key || credential?.access_secret ? `As ${credential.access_key || "–"}` : "None";
};

/** A status with its reason. */
export function Health({ endpoint: { status, status_text: text, status_reason: why } }) {
  const reason = reasonOf(text || why || "");
  if (status === "healthy") return html`<${Status} look="good">Healthy<//>`;
  if (status !== "unhealthy") return html`<${Status} look="idle">Not checked yet<//>`;
  return html`<${Status} look="bad">Unhealthy<//>${reason && html`<p class="reason">${reason}</p>`}`;
}

/** Asks before endpoints go; one that a rule uses stays, and the daemon says which rule. */
function Removal({ endpoints, onClose }) {
  const names = endpoints.map((it) => it.name).join(", ");
  const action = useAction(async () => {
    for (const { id } of endpoints) await remove(harbor(`/registries/${segment(id)}`));
    notify(endpoints.length === 1 ? `The endpoint “${names}” was deleted.` : `${endpoints.length} endpoints were deleted.`);
  });
  const rules = useLoad((signal) => rulesUsing(endpoints.map((it) => it.id), signal), []);
  const title = endpoints.length === 1 ? "Delete Endpoint" : `Delete ${endpoints.length} Endpoints`;
  return html`<${Confirm} title=${title} verb="Delete" action=${action} onClose=${onClose}>
    <p>Delete <strong>${names}</strong>? What is at the registry stays as it is; the history of runs stays readable.</p>
    ${rules.data?.length > 0 && html`<${Remark} look="warn">
      <p>In use by ${rules.data.length === 1 ? "the rule" : "the rules"} <${RuleNames} rules=${rules.data} />. Delete or change ${rules.data.length === 1 ? "it" : "these"} first.</p><//>`}
  <//>`;
}
