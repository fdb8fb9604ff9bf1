// How things stand: a status as icon and words, and what is shown instead of content that is being
// loaded, is not there, or could not be had.

import { html } from "../view.js";
import { Icon } from "./icon.js";

const LOOKS = {
  good: "ok", bad: "bad", warn: "warn", busy: "wait", idle: "stop", info: "info",
};

/** A status in words, with an icon; `look` is good, bad, warn, busy, idle or info. */
export const Status = ({ look, children }) => html`<span class="status ${look}">
  <${Icon} name=${LOOKS[look]} /><span>${children}</span>
</span>`;

/** Why something was refused, read out at once unless `quiet`. `error` is an Error, or nothing. */
export function Failure({ error, title, onRetry, quiet }) {
  if (!error) return null;
  return html`<div class="message bad" role=${quiet ? undefined : "alert"}>
    <${Icon} name="bad" />
    <div>${title && html`<strong>${title} </strong>`}<span class="lines">${error.message}</span>
      ${onRetry && html`<p><button type="button" onClick=${onRetry}>Try again</button></p>`}</div>
  </div>`;
}

/** A remark that stays: `look` is good, warn or info. */
export const Remark = ({ look = "info", children }) => html`<div class="message ${look}">
  <${Icon} name=${LOOKS[look]} /><div>${children}</div>
</div>`;

/** Instead of content that is on its way. */
export const Loading = ({ what = "Loading" }) => html`<p class="loading" role="status">
  <span class="spinner" aria-hidden="true"></span>${what}…
</p>`;

/** Instead of a list that has nothing in it: what it is for, and what to do. */
export const Empty = ({ icon, title, children }) => html`<div class="empty">
  ${icon && html`<${Icon} name=${icon} />`}
  <p class="empty-title">${title}</p>${children}
</div>`;
