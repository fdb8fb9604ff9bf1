// The options of a rule that Harbor does not have, as a form keeps them: texts and switches. Gives
// the JSON of the API back. No drawing here.

import { budgetBody, budgetDraft, budgetWords, isBudget } from "../budget.js";

const joined = (list) => (list ?? []).join("\n");
const lines = (text) => text.split(/[\n,]/).map((it) => it.trim()).filter(Boolean);
const whole = (text) => Math.max(0, Math.round(Number(text) || 0));
const numbered = (value) => (value ? String(value) : "");

/** Options as texts. */
export const optionsDraft = (options = {}) => ({
  platforms: joined(options.platforms?.include),
  index: options.platforms?.index ?? "whole",
  latestCount: numbered(options.latest?.count),
  latestBy: options.latest?.by ?? "semver",
  ageMin: options.age?.min ?? "",
  ageMax: options.age?.max ?? "",
  mediaTypes: joined(options.media_types),
  referrers: options.referrers?.copy ?? true,
  artifactTypes: joined(options.referrers?.artifact_types),
  immutableTags: joined(options.immutable_tags),
  backupTag: options.backup_tag ?? "",
  budget: budgetDraft(options.budget),
});

/** The API's form. What the form does not ask for (pruning) is left out, and stays as it is. */
export const optionsBody = (draft) => ({
  platforms: { include: lines(draft.platforms), index: draft.index },
  latest: { count: whole(draft.latestCount), by: draft.latestBy },
  age: { min: draft.ageMin.trim(), max: draft.ageMax.trim() },
  media_types: lines(draft.mediaTypes),
  referrers: { copy: draft.referrers, artifact_types: lines(draft.artifactTypes) },
  immutable_tags: lines(draft.immutableTags),
  backup_tag: draft.backupTag.trim(),
  budget: budgetBody(draft.budget),
});

/** Whether a text is a number of artifacts, or empty. */
export const isCount = (text) => /^\d*$/.test(text.trim());

/** Whether every number is one. */
export const hasNumbers = (draft) => isCount(draft.latestCount) && isBudget(draft.budget);

/** Whether anything but the defaults is asked for. */
export const isUsed = (draft) => JSON.stringify(optionsBody(draft)) !== JSON.stringify(optionsBody(optionsDraft()));

/** What is asked for, as `[name, words]`. */
export function optionWords(options) {
  if (!options) return [];
  const { platforms, latest, age, budget, referrers } = options;
  return [
    ["Platforms", platforms?.include?.length && `${platforms.include.join(", ")}${platforms.index && platforms.index !== "whole" ? `, ${platforms.index} index` : ""}`],
    ["Newest", latest?.count && `${latest.count} by ${latest.by === "semver" ? "version" : "push time"}`],
    ["Age", [age?.min && `at least ${age.min}`, age?.max && `at most ${age.max}`].filter(Boolean).join(", ")],
    ["Media types", options.media_types?.join(", ")],
    ["Referrers", referrers && (referrers.copy === false ? "not copied" : referrers.artifact_types?.join(", "))],
    ["Immutable tags", options.immutable_tags?.join(", ")],
    ["Backup tag", options.backup_tag],
    ["Budget", budgetWords(budget)],
  ].filter(([, words]) => words);
}
