// Fields of forms: a label, the control, a hint, and what is wrong with it, tied together for
// screen readers. What is typed is mostly an identifier: no spelling is checked unless a field asks.

import { html, useId, useRef } from "../view.js";

/** The frame of a field. `control` is given `{ id, "aria-describedby", "aria-invalid" }`. */
export function Field({ label, hint, error, required, control, class: more = "" }) {
  const id = useId();
  const notes = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  const ties = { id, "aria-describedby": notes || undefined, "aria-invalid": error ? "true" : undefined };
  return html`<div class="field ${more}">
    <label for=${id}>${label}${required && html`<span class="required" aria-hidden="true"> *</span>`}</label>
    ${control({ ...ties, "aria-required": required ? "true" : undefined })}
    ${hint && html`<p class="hint" id="${id}-hint">${hint}</p>`}
    ${error && html`<p class="error" id="${id}-error">${error}</p>`}
  </div>`;
}

/** One line of text. Further properties go to the input. */
export const Text = ({ label, hint, error, required, value, onChange, class: more, ...rest }) => html`<${Field}
  label=${label} hint=${hint} error=${error} required=${required} class=${more}
  control=${(ties) => html`<input type="text" spellcheck=${false} autocorrect="off" autocapitalize="off" ...${rest} ...${ties}
    value=${value} onInput=${(event) => onChange(event.target.value)} />`} />`;

/** Several lines. */
export const Area = ({ label, hint, error, required, value, onChange, ...rest }) => html`<${Field}
  label=${label} hint=${hint} error=${error} required=${required}
  control=${(ties) => html`<textarea rows="3" spellcheck=${false} autocorrect="off" autocapitalize="off" ...${rest} ...${ties}
    value=${value} onInput=${(event) => onChange(event.target.value)}></textarea>`} />`;

/** A choice of `[value, text]` pairs, or of texts. */
export const Choice = ({ label, hint, error, required, value, onChange, options, ...rest }) => html`<${Field}
  label=${label} hint=${hint} error=${error} required=${required}
  control=${(ties) => html`<select ...${rest} ...${ties} value=${value}
    onChange=${(event) => onChange(event.target.value)}>
    ${options.map((option) => {
      const [name, text] = Array.isArray(option) ? option : [option, option];
      return html`<option key=${name} value=${name} selected=${name === value}>${text}</option>`;
    })}
  </select>`} />`;

/** Yes or no. */
export function Check({ label, hint, checked, onChange, ...rest }) {
  const id = useId();
  return html`<div class="field check">
    <input type="checkbox" ...${rest} id=${id} checked=${checked}
      aria-describedby=${hint ? `${id}-hint` : undefined}
      onChange=${(event) => onChange(event.target.checked)} />
    <div><label for=${id}>${label}</label>${hint && html`<p class="hint" id="${id}-hint">${hint}</p>`}</div>
  </div>`;
}

/** The text of a file somebody chooses, for `onText(text, name)`; the file itself goes nowhere. */
export function FilePick({ label, accept, onText, disabled }) {
  const id = useId();
  const pick = async (event) => {
    const [file] = event.target.files;
    if (file) onText(await file.text(), file.name);
    event.target.value = "";
  };
  return html`<span class="file-pick">
    <input type="file" id=${id} accept=${accept} disabled=${disabled} onChange=${pick} />
    <label for=${id}>${label}</label>
  </span>`;
}

/** Searches as somebody types, a moment after the last key. */
export function Search({ label, value, onSearch }) {
  const id = useId();
  const timer = useRef();
  const typed = (event) => {
    const word = event.target.value.trim();
    clearTimeout(timer.current);
    timer.current = setTimeout(() => word !== value && onSearch(word), 250);
  };
  return html`<div class="search" role="search">
    <label for=${id} class="away">${label}</label>
    <input id=${id} type="search" spellcheck=${false} autocorrect="off" autocapitalize="off" placeholder=${label} defaultValue=${value} onInput=${typed} />
  </div>`;
}
