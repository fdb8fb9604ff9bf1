// Addresses within the console: `#/registries/3?tab=x`. The server sees none of them.

import { useEffect, useState } from "./view.js";

/** Where we are: `{ parts: ["registries", "3"], query: URLSearchParams, path: "/registries/3" }`. */
export function here() {
  const hash = location.hash.replace(/^#/, "") || "/";
  const [path, query = ""] = hash.split("?");
  const parts = path.split("/").filter(Boolean).map(decoded);
  return { path, parts, query: new URLSearchParams(query) };
}

/** Goes to `/registries/3`. */
export function go(path) {
  location.hash = path;
}

/** Goes there without a new entry in the history. */
export function replace(path) {
  history.replaceState(null, "", `#${path}`);
  window.dispatchEvent(new HashChangeEvent("hashchange"));
}

/** `href=${to("registries", 3)}` of a link; slashes within a part are escaped. */
export const to = (...parts) => `#/${parts.map(encodeURIComponent).join("/")}`;

/** The current route; draws again when it changes. */
export function useRoute() {
  const [route, set] = useState(here);
  useEffect(() => {
    const changed = () => set(here());
    window.addEventListener("hashchange", changed);
    return () => window.removeEventListener("hashchange", changed);
  }, []);
  return route;
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
