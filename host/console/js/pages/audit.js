// To be written.

import { html } from "../view.js";
import { Page } from "../ui/page.js";

export const Audit = () => html`<${Page} title="Audit"><//>`;
