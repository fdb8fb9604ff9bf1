// Logging in. What was typed is sent once and kept nowhere.

import { logIn } from "../api.js";
import { html, useEffect, useState } from "../view.js";
import { useAction } from "../load.js";
import { Text } from "../ui/field.js";
import { Mark } from "../ui/icon.js";
import { Failure } from "../ui/state.js";

export function Login({ onDone }) {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const action = useAction(async () => onDone(await logIn(name, password)));
  useEffect(() => {
    document.title = "Log in · Portolan";
  }, []);
  const submit = (event) => {
    event.preventDefault();
    action.run();
  };
  const { error } = action;
  const said = error?.status === 401 ? new Error("The name or the password is wrong.") : error;
  return html`<main class="alone">
    <form class="login card" onSubmit=${submit}>
      <h1><${Mark} />Portolan</h1>
      <p class="lead">Log in to see registries and what goes between them.</p>
      <${Text} label="User name" value=${name} onChange=${setName} autocomplete="username" required autofocus />
      <${Text} label="Password" type="password" value=${password} onChange=${setPassword}
        autocomplete="current-password" required />
      <${Failure} error=${said} />
      <button class="primary" disabled=${action.busy || !name || !password}>${action.busy ? "Logging in…" : "Log in"}</button>
      <p class="hint">The first user is <code>admin</code>. At the first start its password was printed, and kept in
        the file <code>initial-admin-password</code> in the data directory.</p>
    </form>
  </main>`;
}
