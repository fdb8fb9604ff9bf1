// The shell: who is logged in, the menu, and the page that the address names.

import { SESSION_ENDED, get, logOut, v1 } from "./api.js";
import { Fragment, html, useEffect, useErrorBoundary, useState } from "./view.js";
import { Notices } from "./notice.js";
import { replace, to, useRoute } from "./route.js";
import { Session, atLeast, useSession } from "./session.js";
import { useTour } from "./tour.js";
import { Icon, Mark } from "./ui/icon.js";
import { Failure, Loading } from "./ui/state.js";
import { Login } from "./pages/login.js";
import { pageOf } from "./pages.js";

const TOUR = ["welcome", "Getting started"];
const MENU = [
  ["registries", "Registries"],
  ["replications", "Replications"],
  ["executions", "Executions"],
  ["plugins", "Plug-ins"],
  ["tokens", "Tokens", "admin"],
  ["users", "Users", "admin"],
  ["audit", "Audit log", "admin"],
  ["system", "System"],
];

export function App() {
  const [who, setWho] = useState();
  const [error, setError] = useState();
  const begin = () => {
    setError(undefined);
    get(v1("/sessions/current")).then(setWho, (error) => (error.status === 401 ? setWho(null) : setError(error)));
  };
  useEffect(() => {
    const ended = () => setWho(null);
    window.addEventListener(SESSION_ENDED, ended);
    begin();
    return () => window.removeEventListener(SESSION_ENDED, ended);
  }, []);
  if (error) return html`<main class="alone"><${Failure} error=${error} onRetry=${begin} /></main>`;
  if (who === undefined) return html`<main class="alone"><${Loading} /></main>`;
  if (who === null) return html`<${Login} onDone=${setWho} />`;
  const is = atLeast(who.role);
  return html`<${Session.Provider} value=${{ ...who, is, again: setWho }}>
    <${Shell} who=${who} is=${is} onLogOut=${() => logOut().finally(() => setWho(null))} />
  <//>`;
}

function Shell({ who, is, onLogOut }) {
  const route = useRoute();
  const [open, setOpen] = useState(false);
  const [first = ""] = route.parts;
  useEffect(() => setOpen(false), [route]);
  const leads = useTour(useSession(), route.path);
  useEffect(() => {
    if (!first && leads !== undefined) replace(leads ? "/welcome" : "/registries");
  }, [first, leads]);
  const shut = (event) => event.key === "Escape" && setOpen(false);
  const skip = (event) => {
    event.preventDefault();
    document.querySelector("h1")?.focus();
  };
  return html`<div class="shell">
    <a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    <header class="bar" onKeyDown=${shut}>
      <a class="brand" href=${to("registries")}><${Mark} /><span>Portolan</span></a>
      <button type="button" class="bare menu-button" aria-expanded=${open ? "true" : "false"} aria-controls="menu"
        onClick=${() => setOpen(!open)}><${Icon} name=${open ? "close" : "menu"} /><span>Menu</span></button>
      <nav id="menu" class=${open ? "menu open" : "menu"} aria-label="Main">
        <ul>${(leads ? [TOUR, ...MENU] : MENU).filter(([, , role]) => !role || is(role)).map(([name, label]) => html`<li key=${name}>
          <a href=${to(name)} aria-current=${first === name ? "page" : undefined}><${Icon} name=${name} />${label}</a>
        </li>`)}</ul>
        <div class="who">
          <p><strong>${who.name}</strong><span>Role: ${who.role}</span></p>
          ${who.kind === "user" && html`<button type="button" onClick=${onLogOut}><${Icon} name="logout" />Log out</button>`}
        </div>
      </nav>
    </header>
    <main id="main"><${Guarded} key=${first}>${pageOf(route)}<//></main>
    <${Notices} />
  </div>`;
}

/** A fault of one page leaves the menu alone. */
function Guarded({ children }) {
  const [error, reset] = useErrorBoundary((error) => console.error(error));
  if (error) return html`<${Failure} title="This page cannot be shown." error=${error} onRetry=${reset} />`;
  return html`<${Fragment}>${children}<//>`;
}
