// What there is an adapter for, and what a form asks for it.

import { get, v1 } from "./api.js";
import { sentence } from "./format.js";

/** Providers that work, by what they are called: `[{ provider, name, hint, … }]`. */
export async function providers(signal) {
  const plugins = await get(v1("/plugins"), {}, signal);
  const chosen = new Map();
  // An approved plug-in goes before a bundled one of the same provider.
  for (const plugin of plugins.filter((it) => it.state !== "pending")) {
    if (!chosen.has(plugin.info.provider) || plugin.state === "approved") {
      chosen.set(plugin.info.provider, wanted(plugin.info));
    }
  }
  return [...chosen.values()].sort((one, other) => one.name.localeCompare(other.name));
}

/** An adapter's description in the form's words. */
function wanted(info) {
  const { access_key: key, access_secret: secret } = info.credentials ?? {};
  return {
    provider: info.provider,
    name: info.display_name || info.provider,
    description: info.description,
    hint: info.hint,
    fixedUrl: info.endpoints?.Fixed?.[1],
    presets: info.endpoints?.Choice ?? [],
    noId: key === "None",
    fixedId: key?.Fixed,
    noSecret: secret === "None",
    isKeyFile: Boolean(secret?.File),
    schema: info.settings_schema ?? {},
    canPush: info.can_push,
  };
}

/** What a provider is called, where its adapter may be gone. */
export const nameOf = (known, provider) =>
  known?.find((it) => it.provider === provider)?.name ?? provider;

/** Why an endpoint is unhealthy, without saying again which one it is. */
export function reasonOf(text) {
  return sentence(text.replace(/^the endpoint .*? is unhealthy: /i, ""));
}
