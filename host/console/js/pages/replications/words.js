// A rule in words, for tables and pages. Every function gives text.

import { count } from "../../format.js";
import { inWords } from "./cron.js";

/** Flattening as Harbor names it: how many leading components of a name the namespace replaces. */
export const FLATTENING = [
  [-1, "Flatten All Levels"],
  [0, "No Flattening"],
  [1, "Flatten 1 Level"],
  [2, "Flatten 2 Levels"],
  [3, "Flatten 3 Levels"],
];

export const flattening = (levels) =>
  FLATTENING.find(([known]) => known === levels)?.[1] ?? `Flatten ${levels} Levels`;

/** An example of a name before and after. */
export function example(levels, namespace) {
  const parts = ["a", "b", "c", "image"];
  const kept = levels < 0 ? parts.slice(-1) : parts.slice(Math.min(levels, parts.length - 1));
  return `${parts.join("/")} becomes ${[namespace, ...kept].filter(Boolean).join("/")}`;
}

/** Kibibytes a second, as the API has bandwidth. */
export function bandwidth(speed) {
  if (!(speed > 0)) return "Unlimited";
  return speed % 1024 ? `${count(speed)} KiB/s` : `${count(speed / 1024)} MiB/s`;
}

/** `[name, "tools/**"]` of each filter. */
export const filters = (rule) => (rule.filters ?? []).map((it) => {
  const value = Array.isArray(it.value) ? it.value.join(", ") : it.value;
  const syntax = it.syntax && it.syntax !== "glob" ? `${it.syntax} ` : "";
  return [it.type, `${it.decoration === "excludes" ? "not " : ""}${syntax}${value}`];
});

/** What starts a rule. */
export function trigger({ trigger: { type, trigger_settings: settings } = {} }) {
  if (type === "scheduled") return `${inWords(settings.cron)}, ${settings.time_zone || "UTC"}`;
  return type === "event_based" ? "Event based" : "Manual";
}

/** `harbour-b / mirror` of a destination. */
export const place = ({ registry, namespace }) => (namespace ? `${registry.name}: ${namespace}` : registry.name);

export const destinations = (rule) => rule.destinations ?? [{ registry: rule.dest_registry, namespace: rule.dest_namespace }];
