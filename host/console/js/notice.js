// Short messages about what was done, shown in a corner and read out by screen readers.

import { html, useEffect, useState } from "./view.js";
import { Icon } from "./ui/icon.js";

const LIFE = 6000;
let tell = () => {};

/** `notify("Endpoint hub was deleted")`; for refusals use `Failure` where they belong instead. */
export const notify = (message) => tell(message);

/** The place they appear at; once, in the shell. */
export function Notices() {
  const [shown, setShown] = useState([]);
  useEffect(() => {
    let next = 0;
    tell = (message) => {
      const id = next++;
      setShown((old) => [...old.slice(-1), { id, message }]);
      setTimeout(() => setShown((old) => old.filter((it) => it.id !== id)), LIFE);
    };
  }, []);
  return html`<div class="notices" role="status" aria-live="polite">
    ${shown.map((it) => html`<p key=${it.id}><${Icon} name="ok" />${it.message}</p>`)}
  </div>`;
}
