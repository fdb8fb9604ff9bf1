// Dialogues: native <dialog>, so that the keyboard stays within, Escape closes, and the focus goes
// back to where it was.

import { html, useEffect, useId, useRef } from "../view.js";
import { Icon } from "./icon.js";
import { Failure } from "./state.js";

/**
 * A dialogue, open as long as it is drawn. `footer` has the buttons; `note` is what came of them,
 * in sight and read out; `onSubmit` is what its form does.
 */
export function Dialog({ title, onClose, onSubmit, footer, note, children, wide }) {
  const dialog = useRef();
  const id = useId();
  useEffect(() => {
    const opener = document.activeElement;
    dialog.current.showModal();
    const first = dialog.current.querySelector("[autofocus], .dialog-body :is(input, select, textarea):not([disabled], [hidden])");
    (first ?? dialog.current.querySelector(".dialog-foot button"))?.focus();
    return () => opener?.isConnected && opener.focus?.();
  }, []);
  const cancel = (event) => {
    event.preventDefault();
    onClose();
  };
  const submit = (event) => {
    event.preventDefault();
    event.stopPropagation();
    onSubmit?.();
  };
  return html`<dialog ref=${dialog} class=${wide ? "wide" : ""} aria-labelledby=${id} onCancel=${cancel}>
    <form onSubmit=${submit} novalidate autocomplete="off">
      <header class="dialog-head">
        <h2 id=${id}>${title}</h2>
        <button type="button" class="bare" aria-label="Close" onClick=${onClose}><${Icon} name="close" /></button>
      </header>
      <div class="dialog-body">${children}</div>
      <div class="dialog-note" aria-live="polite">${note}</div>
      <footer class="dialog-foot">${footer}</footer>
    </form>
  </dialog>`;
}

/** Asks before something cannot be undone. `action` is from `useAction`; it closes when done. */
export function Confirm({ title, verb, action, onClose, children, danger = true, argument }) {
  const confirm = async () => {
    if (await action.run(argument)) onClose();
  };
  const footer = html`
    <button type="button" onClick=${onClose}>Cancel</button>
    <button class=${danger ? "danger" : "primary"} aria-disabled=${action.busy} disabled=${action.busy}>
      ${action.busy ? `${verb}…` : verb}
    </button>`;
  return html`<${Dialog} title=${title} onClose=${onClose} onSubmit=${confirm} footer=${footer}
    note=${html`<${Failure} quiet error=${action.error} />`}>${children}<//>`;
}
