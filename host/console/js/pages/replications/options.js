// The options of a rule that Harbor does not have, as a form keeps them: texts and switches. Gives
// the JSON of the API back. No drawing here.

import { plural } from "../../format.js";
import { budgetBody, budgetDraft, budgetWords, isBudget } from "../budget.js";

/** Largest share that is pruned where nobody says another. */
const PERCENT = 10;
const joined = (list) => (list ?? []).join("\n");
const lines = (text) => text.split(/[\n,]/).map((it) => it.trim()).filter(Boolean);
const whole = (text) => Math.max(0, Math.round(Number(text) || 0));
const numbered = (value) => (value ? String(value) : "");
/** The API's share of one, without what its division leaves behind. */
const percent = (share) => String(Math.round(share * 1e6) / 1e4);
const share = (percent) => (isPercent(percent) ? Number(percent) : PERCENT) / 100;

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
  prune: options.prune?.enabled ?? false,
  pruneGrace: options.prune?.grace ?? "24h",
  pruneShare: options.prune ? percent(options.prune.max_share) : String(PERCENT),
  keptRuns: numbered(options.history?.executions),
  keptDays: numbered(options.history?.days),
  budget: budgetDraft(options.budget),
});

/** The API's form. */
export const optionsBody = (draft) => ({
  platforms: { include: lines(draft.platforms), index: draft.index },
  latest: { count: whole(draft.latestCount), by: draft.latestBy },
  age: { min: draft.ageMin.trim(), max: draft.ageMax.trim() },
  media_types: lines(draft.mediaTypes),
  referrers: { copy: draft.referrers, artifact_types: lines(draft.artifactTypes) },
  immutable_tags: lines(draft.immutableTags),
  backup_tag: draft.backupTag.trim(),
  prune: { enabled: draft.prune, grace: draft.pruneGrace.trim(), max_share: share(draft.pruneShare) },
  history: { executions: whole(draft.keptRuns), days: whole(draft.keptDays) },
  budget: budgetBody(draft.budget),
});

/** Whether a text is a number of artifacts, or empty. */
export const isCount = (text) => /^\d*$/.test(text.trim());

/** Whether a text is a number from 0 to 100. */
export const isPercent = (text) => text.trim() !== "" && Number(text) >= 0 && Number(text) <= 100;

/** Whether every number is one. */
export const hasNumbers = (draft) => isBudget(draft.budget) && (!draft.prune || isPercent(draft.pruneShare))
  && [draft.latestCount, draft.keptRuns, draft.keptDays].every(isCount);

/** Whether anything but the defaults is asked for. */
export const isUsed = (draft) => JSON.stringify(optionsBody(draft)) !== JSON.stringify(optionsBody(optionsDraft()));

/** What is asked for, as `[name, words]`. */
export function optionWords(options) {
  if (!options) return [];
  const { platforms, latest, age, budget, referrers, prune, history } = options;
  return [
    ["Platforms", platforms?.include?.length && `${platforms.include.join(", ")}${platforms.index && platforms.index !== "whole" ? `, ${platforms.index} index` : ""}`],
    ["Newest", latest?.count && `${latest.count} by ${latest.by === "semver" ? "version" : "push time"}`],
    ["Age", [age?.min && `at least ${age.min}`, age?.max && `at most ${age.max}`].filter(Boolean).join(", ")],
    ["Media types", options.media_types?.join(", ")],
    ["Referrers", referrers && (referrers.copy === false ? "not copied" : referrers.artifact_types?.join(", "))],
    ["Immutable tags", options.immutable_tags?.join(", ")],
    ["Backup tag", options.backup_tag],
    ["Pruning", prune?.enabled && `tags gone from the source for ${prune.grace}, at most ${percent(prune.max_share)} % at once`],
    ["History", [history?.executions && plural(history.executions, "execution"), history?.days && plural(history.days, "day")].filter(Boolean).join(", ")],
    ["Budget", budgetWords(budget)],
  ].filter(([, words]) => words);
}
