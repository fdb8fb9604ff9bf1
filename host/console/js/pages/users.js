// Users: who may log in, and what they may do. A password is never shown.

import { get, logIn, post, put, remove, v1 } from "../api.js";
import { html, useState } from "../view.js";
import { time } from "../format.js";
import { useAction, useLoad } from "../load.js";
import { notify } from "../notice.js";
import { useSession } from "../session.js";
import { Confirm, Dialog } from "../ui/dialog.js";
import { Choice, Text } from "../ui/field.js";
import { Icon } from "../ui/icon.js";
import { Page } from "../ui/page.js";
import { Failure } from "../ui/state.js";
import { Table } from "../ui/table.js";

/** Roles, and what each may do. */
const ROLES = {
  viewer: "Looks at everything that is no secret.",
  operator: "Also runs and stops rules.",
  admin: "May do everything.",
};

/** A choice among the roles; what the chosen one may do stands below. */
export const RoleChoice = (given) => html`<${Choice} label="Role" options=${Object.keys(ROLES)} hint=${ROLES[given.value]} ...${given} />`;

export function Users() {
  const session = useSession();
  const users = useLoad((signal) => get(v1("/users"), {}, signal), []);
  const [open, setOpen] = useState({});
  const shut = () => setOpen({});
  const drop = useAction(async (user) => {
    await remove(v1(`/users/${user.id}`));
    notify(`The user “${user.name}” was deleted.`);
    users.reload();
  });
  const columns = [
    { label: "Name", cell: (row) => (row.name === session.name ? `${row.name} (you)` : row.name) },
    { label: "Role", cell: (row) => row.role },
    { label: "Created", cell: (row) => time(row.created) },
    { label: "Changed", cell: (row) => time(row.updated) },
    { label: "Actions", cell: (row) => html`<div class="actions">
      <button class="small" aria-label="Edit ${row.name}" onClick=${() => setOpen({ edit: row })}><${Icon} name="edit" />Edit</button>
      <button class="small" aria-label="Delete ${row.name}" disabled=${row.name === session.name}
        onClick=${() => setOpen({ remove: row })}><${Icon} name="trash" />Delete</button></div>` },
  ];
  const add = html`<button class="primary" onClick=${() => setOpen({ make: true })}><${Icon} name="plus" />New User</button>`;
  const own = session.kind === "user" && html`<button onClick=${() => setOpen({ own: true })}>Change my password</button>`;
  return html`<${Page} title="Users" lead="People who may log in. Programs have tokens instead." actions=${html`${own}${add}`}>
    <${Table} caption="Users" columns=${columns} rows=${users.data} error=${users.error} onRetry=${users.reload} />
    ${open.make && html`<${UserForm} onDone=${users.reload} onClose=${shut} />`}
    ${open.edit && html`<${UserForm} stored=${open.edit} onDone=${users.reload} onClose=${shut} />`}
    ${open.own && html`<${OwnPassword} onClose=${shut} />`}
    ${open.remove && html`<${Confirm} title="Delete User" verb="Delete" action=${drop} argument=${open.remove} onClose=${shut}>
      <p>Delete <strong>${open.remove.name}</strong>? Open sessions of that user end at once.</p><//>`}
  <//>`;
}

function UserForm({ stored, onDone, onClose }) {
  const [draft, setDraft] = useState({ name: stored?.name ?? "", role: stored?.role ?? "viewer", password: "" });
  const field = (name) => ({ value: draft[name], onChange: (value) => setDraft({ ...draft, [name]: value }) });
  const save = useAction(async () => {
    const { name, role, password } = draft;
    if (stored) await put(v1(`/users/${stored.id}`), { role, ...(password ? { password } : {}) });
    else await post(v1("/users"), { name, role, password });
    notify(stored ? `The user “${name}” was changed.` : `The user “${name}” was created.`);
    onDone();
    onClose();
  });
  const ready = draft.name && (stored || draft.password);
  const footer = html`<button type="button" onClick=${onClose}>Cancel</button>
    <button class="primary" disabled=${!ready || save.busy}>${save.busy ? "Saving…" : "OK"}</button>`;
  return html`<${Dialog} title=${stored ? `Edit ${stored.name}` : "New User"} onClose=${onClose} footer=${footer}
    note=${html`<${Failure} quiet error=${save.error} />`} onSubmit=${() => ready && save.run()}>
    ${!stored && html`<${Text} label="Name" required maxlength="64" hint="Small letters, digits, dots, dashes and underscores." ...${field("name")} />`}
    <${RoleChoice} ...${field("role")} />
    <${Text} label=${stored ? "New password" : "Password"} type="password" autocomplete="new-password" required=${!stored}
      hint=${stored ? "Leave it empty to keep the one there is. A new one ends open sessions." : ""} ...${field("password")} />
  <//>`;
}

/** Old and new password, for `onDone`; a new one ends every session, so this one begins anew. */
export function PasswordFields({ draft, setDraft }) {
  const { name } = useSession();
  const field = (key) => ({ type: "password", required: true, value: draft[key], onChange: (value) => setDraft({ ...draft, [key]: value }) });
  const differs = draft.again && draft.next !== draft.again;
  // Whose password it is, for what keeps passwords.
  return html`
    <input hidden type="text" autocomplete="username" value=${name} readonly />
    <${Text} label="Current password" autocomplete="current-password" ...${field("old")} />
    <${Text} label="New password" autocomplete="new-password" hint="A long sentence is easier to keep than a short riddle." ...${field("next")} />
    <${Text} label="New password again" autocomplete="new-password" error=${differs ? "This is not the same as above." : ""} ...${field("again")} />`;
}

export const noPassword = { old: "", next: "", again: "" };
export const isComplete = (draft) => Boolean(draft.old && draft.next && draft.next === draft.again);

/** Changes one's own password, and goes on in a new session. */
export async function changePassword(session, draft) {
  await put(v1("/users/current/password"), { old_password: draft.old, new_password: draft.next });
  session.again(await logIn(session.name, draft.next));
}

function OwnPassword({ onClose }) {
  const session = useSession();
  const [draft, setDraft] = useState(noPassword);
  const save = useAction(async () => {
    await changePassword(session, draft);
    notify("Your password was changed.");
    onClose();
  });
  const footer = html`<button type="button" onClick=${onClose}>Cancel</button>
    <button class="primary" disabled=${!isComplete(draft) || save.busy}>${save.busy ? "Changing…" : "Change password"}</button>`;
  return html`<${Dialog} title="Change My Password" onClose=${onClose} footer=${footer}
    note=${html`<${Failure} quiet error=${save.error} />`} onSubmit=${() => isComplete(draft) && save.run()}>
    <${PasswordFields} draft=${draft} setDraft=${setDraft} />
  <//>`;
}
