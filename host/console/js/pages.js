// Which page an address names. A page is a component that is given the rest of the address as
// `parts`, and `query`.

import { html } from "./view.js";
import { to } from "./route.js";
import { Page } from "./ui/page.js";
import { Audit } from "./pages/audit.js";
import { Executions } from "./pages/executions.js";
import { Plugins } from "./pages/plugins.js";
import { Registries } from "./pages/registries.js";
import { Replications } from "./pages/replications.js";
import { System } from "./pages/system.js";
import { Tokens } from "./pages/tokens.js";
import { Tour } from "./pages/tour.js";
import { Users } from "./pages/users.js";

const PAGES = {
  audit: Audit,
  executions: Executions,
  plugins: Plugins,
  registries: Registries,
  replications: Replications,
  system: System,
  tokens: Tokens,
  users: Users,
  welcome: Tour,
};

/** The page at a route. */
export function pageOf({ parts: [first = "", ...rest], query }) {
  if (!first) return null;
  const Known = Object.hasOwn(PAGES, first) ? PAGES[first] : Nowhere;
  return html`<${Known} parts=${rest} query=${query} />`;
}

export const Nowhere = () => html`<${Page} title="Not here" lead="There is no such page, or what it showed was deleted.">
  <p><a href=${to("registries")}>Go to the registries</a></p>
<//>`;
