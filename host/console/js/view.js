// What every module draws with: html`…` makes elements, hooks keep state. The one place that
// names the libraries.

import { h, render, Fragment, createContext } from "../vendor/preact.mjs";
import htm from "../vendor/htm.mjs";

export {
  useCallback, useContext, useEffect, useErrorBoundary, useId, useLayoutEffect, useMemo, useRef,
  useState,
} from "../vendor/hooks.mjs";
export { render, Fragment, createContext };

/** html`<p class="x">${text}</p>`: text is always text, never markup. */
export const html = htm.bind(h);
