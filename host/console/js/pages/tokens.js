// Tokens: what programs log in with. A token's text is shown once, when it is made.

import { get, post, remove, v1 } from "../api.js";
import { html, useState } from "../view.js";
import { ago, fullTime, isSet, time } from "../format.js";
import { useAction, useLoad } from "../load.js";
import { notify } from "../notice.js";
import { Copy } from "../ui/copy.js";
import { Confirm, Dialog } from "../ui/dialog.js";
import { Choice, Text } from "../ui/field.js";
import { Icon } from "../ui/icon.js";
import { Page } from "../ui/page.js";
import { Empty, Failure, Remark, Status } from "../ui/state.js";
import { Table } from "../ui/table.js";
import { RoleChoice } from "./users.js";

const LIVES = [["30", "30 days"], ["90", "90 days"], ["365", "A year"], ["", "Never"]];
const DAY = 86_400_000;

export function Tokens() {
  const tokens = useLoad((signal) => get(v1("/tokens"), {}, signal), []);
  const [open, setOpen] = useState({});
  const drop = useAction(async (token) => {
    await remove(v1(`/tokens/${token.id}`));
    notify(`The token “${token.name}” was deleted.`);
    tokens.reload();
  });
  const add = html`<button class="primary" onClick=${() => setOpen({ form: true })}><${Icon} name="plus" />New Token</button>`;
  const columns = [
    { label: "Name", cell: (row) => row.name },
    { label: "Role", cell: (row) => row.role },
    { label: "Expires", cell: expiry },
    { label: "Last used", cell: (row) => html`<span title=${fullTime(row.last_used)}>${isSet(row.last_used) ? ago(row.last_used) : "never"}</span>` },
    { label: "Created", cell: (row) => `${time(row.created)} by ${row.created_by}` },
    { label: "Actions", cell: (row) => html`<button class="small" onClick=${() => setOpen({ remove: row })}
      aria-label="Delete ${row.name}"><${Icon} name="trash" />Delete</button>` },
  ];
  const empty = html`<${Empty} icon="tokens" title="No tokens yet">
    <p>Programs log in with a token instead of somebody's password: as a bearer token, or as the password of <code>robot$NAME</code>.</p>${add}<//>`;
  return html`<${Page} title="Tokens" lead="What programs log in with." actions=${add}>
    <${Table} caption="Tokens" columns=${columns} rows=${tokens.data} error=${tokens.error} onRetry=${tokens.reload} empty=${empty} />
    ${open.form && html`<${NewToken} onDone=${tokens.reload} onClose=${() => setOpen({})} />`}
    ${open.remove && html`<${Confirm} title="Delete Token" verb="Delete" action=${drop} argument=${open.remove} onClose=${() => setOpen({})}>
      <p>Delete <strong>${open.remove.name}</strong>? Whatever uses it is refused from the next request on.</p>
    <//>`}
  <//>`;
}

const expiry = ({ expires }) => {
  if (!isSet(expires)) return "never";
  return new Date(expires) < new Date() ? html`<${Status} look="warn">expired ${ago(expires)}<//>` : html`<span title=${fullTime(expires)}>${ago(expires)}</span>`;
};

function NewToken({ onDone, onClose }) {
  const [draft, setDraft] = useState({ name: "", role: "viewer", days: "90" });
  const [made, setMade] = useState();
  const field = (name) => ({ value: draft[name], onChange: (value) => setDraft({ ...draft, [name]: value }) });
  const make = useAction(async () => {
    const expires = draft.days ? new Date(Date.now() + Number(draft.days) * DAY).toISOString() : undefined;
    setMade(await post(v1("/tokens"), { name: draft.name, role: draft.role, expires }));
    onDone();
  });
  if (made) {
    return html`<${Dialog} title="Token ${made.name}" onClose=${onClose} onSubmit=${onClose}
      footer=${html`<button class="primary">Done</button>`}>
      <${Remark} look="warn">This is shown once. Keep it where the program finds it.<//>
      <p class="secret"><code>${made.secret}</code><${Copy} text=${made.secret} what="token" /></p>
    <//>`;
  }
  const footer = html`<button type="button" onClick=${onClose}>Cancel</button>
    <button class="primary" disabled=${!draft.name || make.busy}>${make.busy ? "Creating…" : "Create token"}</button>`;
  return html`<${Dialog} title="New Token" onClose=${onClose} onSubmit=${() => draft.name && make.run()} footer=${footer} note=${html`<${Failure} quiet error=${make.error} />`}>
    <${Text} label="Name" required maxlength="64" hint="Small letters, digits, dots, dashes and underscores." ...${field("name")} />
    <${RoleChoice} ...${field("role")} />
    <${Choice} label="Expires after" options=${LIVES} ...${field("days")} />
  <//>`;
}
