// A rule while its form is filled in: from the daemon's JSON, and back into the bodies that save
// and plan it. No drawing here.

import { hasNumbers, optionsBody, optionsDraft } from "./options.js";
import { destinations } from "./words.js";

const EMPTY = { name: { value: "", excludes: false, syntax: "glob" }, label: { value: "", excludes: false } };

/** Kilobits, as Harbor's form has it, and the API's kibibytes. */
const KILOBITS = 1000 / 8 / 1024;
export const UNITS = [["kB", "KiB/s"], ["Kbps", "Kbps"], ["Mbps", "Mbps"]];
const FACTOR = { kB: 1, Kbps: KILOBITS, Mbps: KILOBITS * 1000 };

/** A blank form, or that of a stored rule. */
export function draftOf(rule) {
  const one = (type) => rule?.filters?.find((it) => it.type === type);
  const settings = rule?.trigger?.trigger_settings;
  return {
    name: rule?.name ?? "",
    description: rule?.description ?? "",
    source: rule ? String(rule.src_registry.id) : "",
    names: several(rule, "name", EMPTY.name),
    tags: several(rule, "tag", EMPTY.name),
    labels: several(rule, "label", EMPTY.label),
    resource: one("resource")?.value ?? "",
    destinations: rule
      ? destinations(rule).map((it) => ({ registry: String(it.registry.id), namespace: it.namespace ?? "" }))
      : [{ registry: "", namespace: "" }],
    flatten: String(rule?.dest_namespace_replace_count ?? 1),
    trigger: rule?.trigger?.type ?? "manual",
    cron: settings?.cron ?? "0 0 3 * * *",
    zone: settings?.time_zone ?? "",
    deletion: Boolean(rule?.deletion),
    speed: rule?.speed > 0 ? String(rule.speed) : "",
    unit: "kB",
    override: rule ? Boolean(rule.override) : true,
    chunks: Boolean(rule?.copy_by_chunk),
    enabled: rule ? Boolean(rule.enabled) : true,
    single: Boolean(rule?.single_active_replication),
    options: optionsDraft(rule?.options),
  };
}

/** At least one line of each kind is there to fill in. */
function several(rule, type, empty) {
  const found = (rule?.filters ?? []).filter((it) => it.type === type).map((it) => ({
    value: Array.isArray(it.value) ? it.value.join(", ") : it.value,
    excludes: it.decoration === "excludes",
    syntax: it.syntax ?? "glob",
  }));
  return found.length ? found : [{ ...empty }];
}

const listed = (text) => text.split(",").map((it) => it.trim()).filter(Boolean);

/** What selects and names artifacts: all that a plan depends on. */
export function selection(draft, features) {
  const pattern = (type) => ({ value, excludes, syntax }) => ({
    type, value: value.trim(),
    ...(excludes ? { decoration: "excludes" } : type === "name" ? {} : { decoration: "matches" }),
    ...(features.syntax ? { syntax } : {}),
  });
  const filled = (filters) => filters.filter((it) => it.value.trim());
  return {
    src_registry: { id: Number(draft.source) },
    dest_registry: { id: Number(draft.destinations[0].registry) },
    destinations: draft.destinations.filter((it) => it.registry !== "").map((it) => ({
      registry: { id: Number(it.registry) }, namespace: it.namespace.trim(),
    })),
    dest_namespace_replace_count: Number(draft.flatten),
    filters: [
      ...filled(draft.names).map(pattern("name")),
      ...filled(draft.tags).map(pattern("tag")),
      ...filled(draft.labels).map(({ value, excludes }) => (
        { type: "label", value: listed(value), decoration: excludes ? "excludes" : "matches" })),
      ...(draft.resource ? [{ type: "resource", value: draft.resource }] : []),
    ],
    override: draft.override,
    ...(features.options ? { options: optionsBody(draft.options) } : {}),
  };
}

/** Body of `POST` and `PUT /replication/policies`. */
export const body = (draft, features) => ({
  ...selection(draft, features),
  name: draft.name.trim(),
  description: draft.description,
  trigger: draft.trigger === "scheduled"
    ? { type: "scheduled", trigger_settings: { cron: draft.cron.trim(), ...(features.zone ? { time_zone: draft.zone.trim() } : {}) } }
    : { type: draft.trigger },
  deletion: draft.trigger === "event_based" && draft.deletion,
  speed: draft.speed.trim() ? Math.max(1, Math.round(Number(draft.speed) * FACTOR[draft.unit])) : 0,
  copy_by_chunk: draft.chunks,
  enabled: draft.enabled,
  single_active_replication: draft.single && draft.trigger !== "event_based",
});

/** Body that stores a rule as it is but for `change`: a PUT replaces everything. */
export const changed = (rule, change) => ({
  name: rule.name,
  description: rule.description ?? "",
  src_registry: { id: rule.src_registry.id },
  dest_registry: { id: rule.dest_registry.id },
  destinations: destinations(rule).map((it) => ({ registry: { id: it.registry.id }, namespace: it.namespace ?? "" })),
  dest_namespace_replace_count: rule.dest_namespace_replace_count,
  trigger: rule.trigger,
  filters: rule.filters,
  deletion: Boolean(rule.deletion),
  override: Boolean(rule.override),
  enabled: Boolean(rule.enabled),
  speed: rule.speed,
  copy_by_chunk: rule.copy_by_chunk,
  single_active_replication: rule.single_active_replication,
  ...change,
});

/** What is still missing, in words by field; empty when the rule can be saved. */
export function gaps(draft) {
  const found = {};
  if (!draft.name.trim()) found.name = "A rule needs a name.";
  if (draft.source === "") found.source = "Choose where to copy from.";
  draft.destinations.forEach((it, at) => {
    if (it.registry === "") found[`destination-${at}`] = "Choose where to copy to.";
  });
  const speed = draft.speed.trim();
  if (speed && !(Number(speed) > 0)) found.speed = "Give a number above 0, or leave it empty for no limit.";
  if (!hasNumbers(draft.options)) found.options = "One of the numbers is none.";
  return found;
}
