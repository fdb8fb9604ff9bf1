// Small drawings. They say nothing by themselves: text stands beside each, or names its button.

import { html } from "../view.js";

const PATHS = {
  ok: "M3 8.5 6.5 12 13 4.5",
  bad: "M4 4l8 8M12 4l-8 8",
  warn: "M8 2.5 14.5 13.5H1.5zM8 6.5v3.2M8 11.6v.2",
  wait: "M8 4.5V8l2.5 1.7M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0",
  stop: "M4.5 4.5h7v7h-7z",
  run: "M5 3.5v9l7.5-4.5z",
  plus: "M8 3v10M3 8h10",
  edit: "M10.5 3.5l2 2L5.5 12.5l-2.7.7.7-2.7z",
  trash: "M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5M6.7 7v3.5M9.3 7v3.5",
  search: "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10M10.7 10.7 14 14",
  menu: "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
  close: "M4 4l8 8M12 4l-8 8",
  left: "M10 3.5 5.5 8l4.5 4.5",
  right: "M6 3.5 10.5 8 6 12.5",
  up: "M4 9.5 8 5.5l4 4",
  down: "M4 6.5l4 4 4-4",
  copy: "M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z",
  refresh: "M13 3v3.5H9.5M12.8 6.3A5.2 5.2 0 1 0 13 9.5",
  info: "M8 7.2v4M8 4.7v.2M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0",
  welcome: "M8 1.5 9.3 8 8 14.5 6.7 8zM1.5 8 8 7.2 14.5 8 8 8.8z",
  registries: "M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.2M5 11h.2",
  replications: "M2.5 5.5h10L9.5 2.5M13.5 10.5h-10l3 3",
  executions: "M2 8h2.7l2-5 2.7 10 2-5H14",
  plugins: "M6 2v3M10 2v3M3.5 5h9v3a4.5 4.5 0 0 1-9 0zM8 12.5V14.5",
  tokens: "M10.5 9a3.5 3.5 0 1 0-3.4-2.6L2.5 11v2.5H5v-1.8h1.8v-1.8L8 8.7c.7.2 1.6.3 2.5.3M11 5.2v.2",
  users: "M8 7.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5M3 13.5c.4-2.7 2.4-4 5-4s4.6 1.3 5 4",
  audit: "M4 2.5h8v11H4zM6 5.5h4M6 8h4M6 10.5h2.5",
  system: "M8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4M8 1.8v2M8 12.2v2M1.8 8h2M12.2 8h2M3.6 3.6 5 5M11 11l1.4 1.4M12.4 3.6 11 5M5 11l-1.4 1.4",
  logout: "M6.5 2.5h-4v11h4M6.5 8h7M10.5 5l3 3-3 3",
  folder: "M1.8 4h4.5l1.4 1.8h6.5v7H1.8z",
  tag: "M2.5 2.5h5.2l5.8 5.8-5.2 5.2L2.5 7.7zM5.3 5.3v.2",
  upload: "M8 10.5v-8M4.8 5.5 8 2.3l3.2 3.2M2.5 10.5v3h11v-3",
  download: "M8 2.5v8M4.8 7.3 8 10.5l3.2-3.2M2.5 11v2.5h11V11",
};

/** `<${Icon} name="ok" />` */
export const Icon = ({ name }) => html`<svg
  class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
  <path d=${PATHS[name]} fill="none" stroke="currentColor" stroke-width="1.4"
    stroke-linecap="round" stroke-linejoin="round" />
</svg>`;

/** The compass rose. */
export const Mark = () => html`<svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
  <circle cx="16" cy="16" r="11" fill="none" stroke="currentColor" stroke-opacity=".5" stroke-width="1.5" />
  <path d="M16 2.5 19 16l-3 13.5L13 16z" fill="currentColor" />
  <path d="M2.5 16 16 14l13.5 2L16 18z" fill="currentColor" fill-opacity=".65" />
</svg>`;
