// Executions as they go on, by server-sent events. A stream is closed while nobody looks at the
// page, since browsers keep few connections; where none can be had, the page asks now and then.

import { get, harbor, segment, v1 } from "../../api.js";
import { useEffect, useRef, useState } from "../../view.js";

const POLL = 5000;

/**
 * Listens while the page is seen, until the function it gives is called. `events` maps names of
 * events to what is done with their data; a handler that gives `true` ends it. `onLost` is called
 * every few seconds where there is no stream.
 */
function listen(path, events, onLost) {
  let [source, timer, over] = [undefined, undefined, false];
  const close = () => {
    source?.close();
    clearTimeout(timer);
    source = timer = undefined;
  };
  const hear = (name) => (event) => {
    if (events[name](JSON.parse(event.data)) !== true) return;
    over = true;
    close();
  };
  const open = () => {
    close();
    if (over || document.hidden) return;
    source = new EventSource(path);
    for (const name of Object.keys(events)) source.addEventListener(name, hear(name));
    source.onerror = () => {
      // Else the browser tries again by itself.
      if (source?.readyState !== EventSource.CLOSED) return;
      close();
      timer = setTimeout(() => {
        onLost();
        open();
      }, POLL);
    };
  };
  document.addEventListener("visibilitychange", open);
  open();
  return () => {
    over = true;
    document.removeEventListener("visibilitychange", open);
    close();
  };
}

/**
 * One execution as it goes on: `{ run, progress, tasks, changes, error, reload }`. `tasks` has the
 * newest state of each task that was told, `changes` counts how often one was that is new or of
 * another status.
 */
export function useExecution(id) {
  const [state, setState] = useState({ tasks: new Map(), changes: 0 });
  const [turn, setTurn] = useState(0);
  const read = (signal) => get(harbor(`/replication/executions/${segment(id)}`), {}, signal).then(
    (run) => signal?.aborted || setState((old) => ({ ...old, run, error: undefined })),
    (error) => signal?.aborted || setState((old) => ({ ...old, error })),
  );
  useEffect(() => {
    const stop = new AbortController();
    setState({ tasks: new Map(), changes: 0 });
    read(stop.signal);
    return () => stop.abort();
  }, [id, turn]);
  const told = (last) => ({ execution, progress, tasks: news }) => {
    setState((old) => {
      const tasks = new Map(old.tasks);
      news.forEach((task) => tasks.set(task.id, task));
      const moved = news.some((task) => old.tasks.get(task.id)?.status !== task.status);
      return { run: execution, progress, tasks, changes: old.changes + (moved ? 1 : 0) };
    });
    return last;
  };
  const known = Boolean(state.run);
  useEffect(() => {
    if (!known) return undefined;
    return listen(v1(`/executions/${segment(id)}/events`), { snapshot: told(false), end: told(true) }, () => read());
  }, [id, turn, known]);
  return { ...state, reload: () => setTurn((old) => old + 1) };
}

/** How much is done, 0 to 100: as the daemon says while it goes on, then by what became of tasks. */
export function percentOf(progress, run) {
  if (run.status === "Succeed") return 100;
  if (run.status === "InProgress" && progress?.planned) return progress.percent;
  const ended = run.status === "InProgress" ? run.succeed + run.failed + run.stopped : run.succeed;
  return run.total ? Math.floor((ended / run.total) * 100) : 0;
}

/** Everybody who listens to all executions shares one stream. */
const listeners = new Set();
let leave;

/** Executions of all rules as they change, for `onChange(executions)`. */
export function useExecutions(onChange, onLost) {
  const own = useRef();
  own.current = { onChange, onLost };
  useEffect(() => {
    listeners.add(own);
    leave ??= listen(v1("/events"), {
      executions: ({ executions }) => listeners.forEach((it) => it.current.onChange(executions)),
    }, () => listeners.forEach((it) => it.current.onLost()));
    return () => {
      listeners.delete(own);
      if (listeners.size) return;
      leave();
      leave = undefined;
    };
  }, []);
}
