// Begins: finds out who is there, and draws the console.

import { html, render } from "./view.js";
import { App } from "./app.js";

const root = document.getElementById("app");
root.replaceChildren();
render(html`<${App} />`, root);
