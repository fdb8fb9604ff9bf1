// Which rules use an endpoint.

import { harbor, list } from "./api.js";
import { html } from "./view.js";
import { to } from "./route.js";

/** Most rules that are looked through; the daemon refuses what breaks a rule in any case. */
const MOST = 100;

/** The rules that name one of these endpoints. */
export async function rulesUsing(ids, signal) {
  const { items } = await list(harbor("/replication/policies"), { page_size: MOST }, signal);
  const named = (rule) => [rule.src_registry, rule.dest_registry, ...(rule.destinations ?? []).map((it) => it.registry)];
  return items.filter((rule) => named(rule).some((it) => ids.includes(it?.id)));
}

/** Their names, as links. */
export const RuleNames = ({ rules }) => rules.map((rule, at) => html`${at > 0 && ", "}<a href=${to("replications", rule.id)}>${rule.name}</a>`);
