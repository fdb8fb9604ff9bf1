// State that comes from the daemon: what is asked for, what is being done, a page of a listing.

import { get, list } from "./api.js";
import { useCallback, useEffect, useRef, useState } from "./view.js";

/**
 * Asks when `deps` change: `{ data, error, loading, reload, set }`. `ask` is given an AbortSignal.
 * Data that was there stays while it is asked for again.
 */
export function useLoad(ask, deps) {
  const [state, setState] = useState({ data: undefined, error: undefined, loading: true });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    setState((old) => ({ ...old, loading: true }));
    ask(stop.signal).then(
      (data) => stop.signal.aborted || setState({ data, error: undefined, loading: false }),
      (error) => stop.signal.aborted || setState((old) => ({ ...old, error, loading: false })),
    );
    return () => stop.abort();
  }, [...deps, turn]);
  const reload = useCallback(() => setTurn((old) => old + 1), []);
  const set = useCallback((data) => setState({ data, error: undefined, loading: false }), []);
  return { ...state, reload, set };
}

/**
 * Something a button does: `{ run, busy, error, clear }`. `run` gives whether it went well; while it
 * is busy it does nothing.
 */
export function useAction(act) {
  const [state, setState] = useState({ busy: false, error: undefined });
  const busy = useRef(false);
  const run = async (...given) => {
    if (busy.current) return false;
    busy.current = true;
    setState({ busy: true, error: undefined });
    try {
      await act(...given);
      setState({ busy: false, error: undefined });
      return true;
    } catch (error) {
      setState({ busy: false, error });
      return false;
    } finally {
      busy.current = false;
    }
  };
  return { ...state, run, clear: () => setState({ busy: false, error: undefined }) };
}

/**
 * A listing of Harbor's kind, page by page: gives `rows`, `total`, `reload` and what `Table` and
 * `Search` take (`...listing.table`, `...listing.search`). `match` makes `q` of what is searched for.
 */
export function useListing(path, { sort: first = "", size: usual = 25, match = byName, more } = {}) {
  const [view, setView] = useState({ page: 1, size: usual, sort: first, word: "" });
  const { page, size, sort, word } = view;
  const extra = JSON.stringify(more ?? {});
  const loaded = useLoad(
    (signal) => list(path, { page, page_size: size, sort, q: match(word), ...JSON.parse(extra) }, signal),
    [path, page, size, sort, word, extra],
  );
  const total = loaded.data?.total ?? 0;
  // The last row of the last page may have been deleted.
  useEffect(() => {
    if (loaded.data && page > 1 && (page - 1) * size >= total) setView((old) => ({ ...old, page: 1 }));
  }, [loaded.data]);
  const rows = loaded.data?.items;
  const table = {
    rows, sort, page, size, total,
    loading: loaded.loading, error: loaded.error, onRetry: loaded.reload,
    onSort: (next) => setView((old) => ({ ...old, sort: next, page: 1 })),
    onPage: (next) => setView((old) => ({ ...old, page: next })),
    onSize: (next) => setView((old) => ({ ...old, size: next, page: 1 })),
  };
  const search = {
    value: word,
    onSearch: (next) => setView((old) => ({ ...old, word: next, page: 1 })),
  };
  return { rows: rows ?? [], total, word, reload: loaded.reload, loading: loaded.loading, table, search };
}

/** Harbor's fuzzy match; its grammar has no escapes, so its own signs are left out. */
const byName = (word) => (word ? `name=~${word.replace(/[,=~{}[\]()]/g, "")}` : undefined);

/**
 * A listing that goes on by tokens: `{ rows, next, more, reload, loading, error }`; `more` asks for
 * the next page. `pick` takes the rows out of an answer.
 */
export function useMore(path, params, pick) {
  const [state, setState] = useState({ rows: undefined, next: undefined });
  const query = JSON.stringify(params);
  const [turn, setTurn] = useState(0);
  const action = useAction(async () => {
    const answer = await get(path, { ...JSON.parse(query), page_token: state.next });
    setState((old) => ({ rows: [...old.rows, ...pick(answer)], next: answer.next_page_token }));
  });
  const first = useLoad(async (signal) => {
    const answer = await get(path, JSON.parse(query), signal);
    if (!signal.aborted) setState({ rows: pick(answer), next: answer.next_page_token });
  }, [path, query, turn]);
  return {
    ...state,
    loading: first.loading || action.busy,
    error: first.error ?? action.error,
    more: action.run,
    reload: () => setTurn((old) => old + 1),
  };
}
