// To be written.

import { html } from "../view.js";
import { Page } from "../ui/page.js";

export const Tour = () => html`<${Page} title="Tour"><//>`;
