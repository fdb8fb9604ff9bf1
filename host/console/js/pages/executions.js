// Executions: runs of all rules, and one of them with its tasks.

import { harbor, list } from "../api.js";
import { html } from "../view.js";
import { useLoad } from "../load.js";
import { replace } from "../route.js";
import { Page } from "../ui/page.js";
import { Execution } from "./executions/execution.js";
import { Runs } from "./executions/listing.js";

/** `#/executions?status=Failed`, and one of them: `#/executions/3`. */
export function Executions({ parts: [id], query }) {
  return id ? html`<${Execution} key=${id} id=${id} />` : html`<${List} query=${query} />`;
}

function List({ query }) {
  const rules = useLoad((signal) => list(harbor("/replication/policies"), { page_size: 100, sort: "name" }, signal), []);
  const filters = Object.fromEntries(["rule", "status", "trigger"].map((name) => [name, query.get(name) ?? undefined]));
  const narrow = (next) => {
    const kept = new URLSearchParams(Object.entries(next).filter(([, value]) => value));
    replace(kept.size ? `/executions?${kept}` : "/executions");
  };
  return html`<${Page} title="Executions" lead="Runs of replication rules, newest first.">
    <${Runs} rules=${rules.data?.items ?? []} filters=${filters} onFilter=${narrow} />
  <//>`;
}
