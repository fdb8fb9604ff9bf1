// A button that puts a text on the clipboard; nothing where the browser does not let it (plain
// HTTP from another computer).

import { html } from "../view.js";
import { notify } from "../notice.js";
import { Icon } from "./icon.js";

export function Copy({ text, what }) {
  if (!navigator.clipboard) return null;
  const copy = () => navigator.clipboard.writeText(text).then(() => notify(`The ${what} was copied.`));
  return html`<button type="button" class="bare small" aria-label="Copy the ${what}" title="Copy the ${what}" onClick=${copy}>
    <${Icon} name="copy" /></button>`;
}
