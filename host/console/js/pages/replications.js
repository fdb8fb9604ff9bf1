// Replications: the rules there are, what they copy, and how they last ran.

import { get, harbor, segment } from "../api.js";
import { html, useEffect } from "../view.js";
import { useLoad } from "../load.js";
import { replace, to } from "../route.js";
import { Page } from "../ui/page.js";
import { Failure, Loading } from "../ui/state.js";
import { RuleForm } from "./replications/form.js";
import { List } from "./replications/listing.js";
import { Rule } from "./replications/rule.js";

/** `#/replications`, `/new`, `/new?copy=3`, `/3` and `/3/edit`. */
export function Replications({ parts: [id, what], query }) {
  const asksNew = !id && query.has("new");
  useEffect(() => {
    if (asksNew) replace("/replications/new");
  }, [asksNew]);
  if (asksNew) return null;
  if (!id) return html`<${List} />`;
  if (id === "new" && !query.get("copy")) return html`<${RuleForm} key="new" />`;
  if (id === "new") return html`<${Stored} key=${query.get("copy")} id=${query.get("copy")} draw=${(rule) => html`<${RuleForm} copied=${rule} />`} />`;
  const draw = what === "edit" ? (rule) => html`<${RuleForm} stored=${rule} />` : (rule, reload) => html`<${Rule} rule=${rule} onChange=${reload} />`;
  return html`<${Stored} key=${`${id}/${what}`} id=${id} draw=${draw} />`;
}

/** Asks for a rule, and draws with it. */
function Stored({ id, draw }) {
  const rule = useLoad((signal) => get(harbor(`/replication/policies/${segment(id)}`), {}, signal), [id]);
  if (rule.data) return draw(rule.data, rule.reload);
  return html`<${Page} title="Replication Rule" back=${{ href: to("replications"), text: "Replications" }}>
    ${rule.error ? html`<${Failure} error=${rule.error} onRetry=${rule.reload} />` : html`<${Loading} />`}<//>`;
}
