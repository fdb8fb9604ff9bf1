// An endpoint while its form is filled in: from the daemon's JSON, and back into the bodies of the
// requests that test and save it. No drawing here.

import { budgetBody, budgetDraft } from "../budget.js";
import { finished } from "./settings.js";

/** A blank form, or that of a stored endpoint; a secret never comes back from the daemon. */
export const draftOf = (stored) => ({
  type: stored?.type ?? "",
  name: stored?.name ?? "",
  description: stored?.description ?? "",
  url: stored?.url ?? "",
  accessId: stored?.credential?.access_key ?? "",
  secret: "",
  dropSecret: false,
  verify: !stored?.insecure,
  ca: stored?.ca_certificate ?? "",
  settings: stored?.settings ?? {},
  proxy: stored?.proxy ?? "",
  clientCertificate: stored?.client_certificate ?? "",
  clientKey: "",
  hookSecret: "",
  dropHook: false,
  hosts: (stored?.allowed_hosts ?? []).map((it) => `${it.pattern} ${it.uses.join(",")}`).join("\n"),
  budget: budgetDraft(stored?.budget),
});

/** The draft for another provider: what a provider fixes is filled in, what it does not is kept. */
export const withProvider = (draft, chosen, before) => ({
  ...draft,
  type: chosen.provider,
  url: chosen.fixedUrl ?? (before?.fixedUrl || isPreset(before, draft.url) ? "" : draft.url),
  accessId: chosen.fixedId ?? (chosen.noId || before?.fixedId ? "" : draft.accessId),
  secret: chosen.isKeyFile === Boolean(before?.isKeyFile) ? draft.secret : "",
  settings: {},
});

const isPreset = (provider, url) => provider?.presets.some(([, value]) => value === url);

/** The host uses of a line such as `https://auth.example.com credentials,data`. */
const allowed = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean).map((line) => {
  const [pattern, ...uses] = line.split(/[\s,]+/);
  return { pattern, uses: uses.length ? uses : ["data"] };
});

/** What both bodies have in common. */
const shared = (draft) => ({
  url: draft.url.trim(),
  insecure: !draft.verify,
  ca_certificate: draft.verify ? draft.ca : "",
  settings: finished(draft.settings),
  proxy: draft.proxy.trim(),
  client_certificate: draft.clientCertificate,
  allowed_hosts: allowed(draft.hosts),
  budget: budgetBody(draft.budget),
  ...(draft.clientKey ? { client_key: draft.clientKey } : {}),
});

/** A secret that was typed, an empty one that takes the stored one away, or nothing. */
const secretOf = (draft) => (draft.secret ? { access_secret: draft.secret } : draft.dropSecret ? { access_secret: "" } : {});

const hookOf = (draft) => (draft.hookSecret ? { webhook_secret: draft.hookSecret } : draft.dropHook ? { webhook_secret: "" } : {});

/** Body of `POST /endpoints`. */
export const creation = (draft) => ({
  ...pruned(shared(draft)),
  name: draft.name.trim(),
  description: draft.description,
  type: draft.type,
  ...hookOf(draft),
  ...(draft.accessId || draft.secret
    ? { credential: { type: "basic", access_key: draft.accessId, ...secretOf(draft) } } : {}),
});

/** Body of `PUT /endpoints/{id}`: what is absent stays. */
export const change = (draft, stored) => ({
  ...unlike(shared(draft), shared(draftOf(stored))),
  name: draft.name.trim(),
  description: draft.description,
  ...hookOf(draft),
  ...identity(draft, stored),
});

/** Body of `POST /registries/ping`. */
export const ping = (draft, stored) => (stored
  ? { id: stored.id, ...unlike(shared(draft), shared(draftOf(stored))), ...identity(draft, stored) }
  : { ...pruned(shared(draft)), type: draft.type, access_key: draft.accessId, credential_type: "basic", ...secretOf(draft) });

const identity = (draft, stored) => ({
  ...(draft.accessId === draftOf(stored).accessId ? {} : { access_key: draft.accessId }),
  ...secretOf(draft),
});

const isEmpty = (value) => value === "" || value === false || (typeof value === "object" && !Object.keys(value).length);
const pruned = (body) => Object.fromEntries(Object.entries(body).filter(([, value]) => !isEmpty(value)));
const unlike = (body, old) => Object.fromEntries(Object.entries(body)
  .filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(old[name])));
