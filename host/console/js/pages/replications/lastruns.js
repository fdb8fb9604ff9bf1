// The last execution of each rule that is shown, kept up to date.

import { harbor, list } from "../../api.js";
import { useEffect, useState } from "../../view.js";
import { useExecutions } from "../executions/live.js";

const RUNS = harbor("/replication/executions");

/** By rule: its last execution, `null` where it has none, nothing while it is asked for. */
export function useLastRuns(rules) {
  const [found, setFound] = useState(new Map());
  const [turn, setTurn] = useState(0);
  const merge = (runs) => setFound((old) => {
    const next = new Map(old);
    for (const run of runs) {
      if (run.id >= (next.get(run.policy_id)?.id ?? 0)) next.set(run.policy_id, run);
    }
    return next;
  });
  const ids = rules.map((it) => it.id).join();
  useEffect(() => {
    if (!ids) return undefined;
    const stop = new AbortController();
    const ask = async () => {
      const recent = await list(RUNS, { page_size: 100, sort: "-id" }, stop.signal);
      merge([...recent.items].reverse());
      const known = new Set(recent.items.map((it) => it.policy_id));
      // Those that have not run for long are asked for one by one.
      for (const rule of rules.filter((it) => !known.has(it.id))) {
        const { items: [run = null] } = recent.total > recent.items.length
          ? await list(RUNS, { policy_id: rule.id, page_size: 1, sort: "-id" }, stop.signal) : { items: [] };
        setFound((old) => (old.get(rule.id) ? old : new Map(old).set(rule.id, run)));
      }
    };
    ask().catch((error) => error.name === "AbortError" || console.error(error));
    return () => stop.abort();
  }, [ids, turn]);
  useExecutions(merge, () => setTurn((old) => old + 1));
  return found;
}
