// What a run of a rule would do, counted from its plan: asked for a moment after the last change,
// page by page, and given up when the rule changes again. Nothing is copied.

import { get, post, v1, withQuery } from "../../api.js";
import { html, useEffect, useState } from "../../view.js";
import { bytes, count, plural, shortDigest } from "../../format.js";
import { Failure, Status } from "../../ui/state.js";
import { selection } from "./draft.js";

const PAUSE = 800;
const PAGE = 100;
/** Artifacts that are looked at before somebody asks for more: each is a question to a registry. */
const MOST = 1000;
const SHOWN = 100;

/** The plan of a stored rule. */
export const storedPlan = (rule) => ({
  key: `${rule.id} ${rule.update_time}`,
  ask: (params, signal) => get(v1(`/policies/${rule.id}/plan`), params, signal),
});

/** The plan of a rule that is being written; nothing as long as it has no two ends. */
export function draftPlan(draft, features) {
  if (draft.source === "" || draft.destinations.some((it) => it.registry === "")) return undefined;
  const body = selection(draft, features);
  return {
    key: JSON.stringify(body),
    ask: (params, signal) => post(withQuery(v1("/plans"), params), body, signal),
  };
}

const NOTHING = { counts: undefined, artifacts: [], reasons: new Map(), seen: 0 };

/** A plan as far as it is known: `{ counts, artifacts, reasons, busy, error, more }`. */
function usePlan(plan) {
  const [state, setState] = useState(NOTHING);
  const [turn, setTurn] = useState({ most: MOST });
  const key = plan?.key;
  useEffect(() => setTurn({ most: MOST }), [key]);
  useEffect(() => {
    if (!plan) {
      setState(NOTHING);
      return undefined;
    }
    const stop = new AbortController();
    const timer = setTimeout(() => follow(plan, turn, stop.signal, setState), turn.from ? 0 : PAUSE);
    if (!turn.from) setState((old) => ({ ...old, busy: true }));
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [key, turn]);
  const more = () => setTurn({ from: state, most: state.seen + MOST });
  return { ...state, more, again: () => setTurn({ most: MOST }) };
}

async function follow(plan, { from, most }, signal, set) {
  let state = { ...(from ?? NOTHING), busy: true, error: undefined };
  set((old) => ({ ...(from ?? old), busy: true, error: undefined }));
  try {
    do {
      const page = await plan.ask({ limit: PAGE, page_token: state.next }, signal);
      state = added(state, page);
      if (signal.aborted) return;
      set({ ...state, busy: Boolean(state.next) && state.seen < most });
    } while (state.next && state.seen < most);
  } catch (error) {
    if (error.name !== "AbortError" && !signal.aborted) set({ ...state, busy: false, error });
  }
}

function added(old, { artifacts, counts, next_page_token: next }) {
  const sums = { ...counts };
  for (const [name, value] of Object.entries(old.counts ?? {})) sums[name] += value;
  const reasons = new Map(old.reasons);
  for (const { decision, reason: told, destination_repository: name } of artifacts) {
    if (decision === "copy" || decision === "already-there") continue;
    // One reason of many repositories is one reason.
    const reason = name ? told.replaceAll(name, "a repository") : told;
    reasons.set(reason, { decision, number: (reasons.get(reason)?.number ?? 0) + 1 });
  }
  return {
    counts: sums, reasons, next,
    artifacts: [...old.artifacts, ...artifacts].slice(0, SHOWN),
    seen: old.seen + artifacts.length,
  };
}

/** `plan` is of `storedPlan` or `draftPlan`, or nothing. */
export function Preview({ plan }) {
  const { counts, reasons, artifacts, busy, error, next, seen, more, again } = usePlan(plan);
  if (!plan) return html`<p class="muted">Choose a source and a destination to see what a run would copy.</p>`;
  return html`<div class="stack" aria-busy=${busy ? "true" : "false"}>
    <p class="preview-state" role="status">${busy && html`<span class="spinner" aria-hidden="true"></span>`}
      ${busy ? (seen ? `Counting, ${count(seen)} looked at so far…` : "Asking the registries…") : counts && !error ? headline(counts, next) : ""}</p>
    ${counts && !error && seen > 0 && html`<${Numbers} counts=${counts} />`}
    <${Failure} title="There is no preview." error=${error} onRetry=${again} />
    ${!error && counts && html`<${Reasons} reasons=${reasons} />`}
    ${!busy && !error && next && html`<p><button type="button" onClick=${more}>Go on counting</button></p>`}
    ${!error && artifacts.length > 0 && html`<${Details} artifacts=${artifacts} seen=${seen} />`}
  </div>`;
}

/** `412 artifacts, 3.2 GB, 38 already there`. */
function headline({ copy, already_there: there, kept, delete: gone, skipped, refused, unknown: unclear, bytes: size, sizes_unknown: unknown }, more) {
  if (!copy && !there && !kept && !gone && !skipped && !refused && !unclear) return "Nothing: the source has no such artifacts.";
  const known = copy > unknown;
  const words = [
    `${copy ? plural(copy, "artifact") : "Nothing"} to copy${more ? " so far" : ""}`,
    copy > 0 && (known ? `${unknown ? "more than " : ""}${bytes(size)}` : "size not told by the source"),
    there > 0 && `${count(there)} already there`,
    gone > 0 && `${count(gone)} to delete`,
  ];
  return `${words.filter(Boolean).join(", ")}.`;
}

const KINDS = [
  ["copy", "to copy"], ["already_there", "already there"], ["kept", "left as they are there"], ["delete", "to delete there"],
  ["skipped", "left out"], ["refused", "not taken"], ["unknown", "unknown"],
];

const Numbers = ({ counts }) => html`<ul class="numbers">
  ${KINDS.filter(([name]) => counts[name] || name === "copy" || name === "already_there").map(([name, words]) => html`<li key=${name} class=${name}>
    <strong>${count(counts[name])}</strong><span>${words}</span></li>`)}
</ul>`;

const WORST = ["refused", "unknown", "delete", "kept", "skipped"];

function Reasons({ reasons }) {
  const rows = [...reasons].sort(([, one], [, other]) => WORST.indexOf(one.decision) - WORST.indexOf(other.decision) || other.number - one.number);
  if (!rows.length) return null;
  const rest = rows.slice(8).reduce((sum, [, { number }]) => sum + number, 0);
  return html`<ul class="reasons">
    ${rows.slice(0, 8).map(([reason, { number }]) => html`<li key=${reason}><strong>${count(number)}</strong> <span>${reason}</span></li>`)}
    ${rest > 0 && html`<li><strong>${count(rest)}</strong> <span>for other reasons</span></li>`}
  </ul>`;
}

const DECISIONS = {
  copy: ["info", "Copy"], "already-there": ["good", "Already there"], kept: ["warn", "Stays as it is"], delete: ["warn", "Deleted there"],
  skipped: ["idle", "Left out"], refused: ["bad", "Not taken"], unknown: ["warn", "Unknown"],
};

function Details({ artifacts, seen }) {
  return html`<details><summary>Show ${seen > artifacts.length ? `the first ${count(artifacts.length)} lines` : plural(artifacts.length, "line")}</summary>
    <ul class="plan">${artifacts.map((it) => html`<li key=${`${nameOf(it)} ${it.destination}`}>
      <code>${nameOf(it)}</code>${it.destination_repository && html` <span class="muted">→</span> <code>${it.destination_repository}</code>`}
      <p><${Decision} ...${it} />${it.size !== null && html`<span class="muted">${bytes(it.size)}</span>`}</p>
    </li>`)}</ul>
  </details>`;
}

const nameOf = ({ repository, tag, digest }) =>
  `${repository}${tag ? `:${tag}` : digest ? `@${shortDigest(digest)}` : ""}`;

const Decision = ({ decision, reason }) => html`
  <${Status} look=${DECISIONS[decision]?.[0] ?? "info"}>${DECISIONS[decision]?.[1] ?? decision}<//>
  ${decision !== "copy" && decision !== "already-there" && html`<span class="muted">${decision === "skipped" ? reason.replace(/^left out /, "") : reason}</span>`}`;
