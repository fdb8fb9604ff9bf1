// To be written.

import { html } from "../view.js";
import { Page } from "../ui/page.js";

export const Executions = () => html`<${Page} title="Executions"><//>`;
