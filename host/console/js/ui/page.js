// The frame of a page: heading, one sentence, what can be done, content.

import { html, useEffect, useRef } from "../view.js";

/** Whoever opens the console begins where the browser begins. */
let isFirst = true;

/** The heading takes the focus when the page is new, so that screen readers begin there. */
export function Page({ title, lead, actions, back, children }) {
  const heading = useRef();
  useEffect(() => {
    document.title = `${title} · Portolan`;
  }, [title]);
  useEffect(() => {
    if (!isFirst && !document.querySelector("dialog[open]")) {
      heading.current?.focus({ preventScroll: true });
      window.scrollTo(0, 0);
    }
    isFirst = false;
  }, []);
  return html`<div class="page">
    ${back && html`<p class="back"><a href=${back.href}>← ${back.text}</a></p>`}
    <header class="page-head">
      <div><h1 ref=${heading} tabindex="-1">${title}</h1>${lead && html`<p class="lead">${lead}</p>`}</div>
      ${actions && html`<div class="actions">${actions}</div>`}
    </header>
    ${children}
  </div>`;
}

/** A box with a heading of its own. */
export const Card = ({ title, actions, children, level = 2 }) => html`<section class="card">
  ${(title || actions) && html`<header class="card-head">
    ${title && html`<${`h${level}`}>${title}<//>`}
    ${actions && html`<div class="actions">${actions}</div>`}
  </header>`}
  ${children}
</section>`;

/** Names and values: `items` is a list of `[name, value]`; empty values are left out. */
export const Facts = ({ items }) => html`<dl class="facts">
  ${items.filter(([, value]) => value !== undefined && value !== null && value !== "" && value !== false)
    .map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}
</dl>`;
