// What the log of a task says was done: artifacts, bytes, and why something was left or failed. The
// API counts these for a whole execution only. A line that is not understood counts for nothing.

import { get, v1 } from "../../api.js";
import { useEffect, useRef, useState } from "../../view.js";
import { isRunning, seconds } from "./words.js";

const POLL = 1500;
/** Most logs that are read at a time. */
const MOST = 10;
/** Lines of one answer. */
const LINES = 1000;

const fresh = () => ({ pushed: 0, there: 0, kept: 0, bytes: 0, last: undefined, error: undefined });

/** How many artifacts a task has: the API says it behind the name only. */
export const itemsOf = (task) => Number(task.src_resource?.match(/\[(\d+) item/)?.[1] ?? 0);
/** The name without it. */
export const nameOf = (resource) => resource.replace(/ \[\d+ item.*\]$/, "");

/** A tally with some more lines in it. */
export function tallied(tally, lines) {
  let next = { ...tally };
  for (const line of lines) {
    const [, level, text] = line.match(/^\S+ \[(\w+)\] (.*)$/) ?? ["", "", line];
    const copied = text.match(/ copied, (\d+) bytes$/);
    // A further try counts from the beginning: what was copied is there already then.
    if (text.startsWith("copying ")) next = { ...fresh(), bytes: next.bytes };
    else if (copied) next.bytes += Number(copied[1]);
    else if (/ pushed, sha/.test(text)) next.pushed += 1;
    else if (/ is there already/.test(text)) next.there += 1;
    else if (/ is there with another digest/.test(text)) next.kept += 1;
    if (level === "ERROR") next.error = text;
    if (level !== "INFO") next.last = text;
  }
  return next;
}

/** Tallies of tasks by id. What goes on is asked again and again; what has ended is read once. */
export function useTallies(execution, tasks) {
  const [tallies, setTallies] = useState(new Map());
  const kept = useRef(new Map());
  const wanted = tasks.filter((it) => it.status !== "Pending");
  const key = wanted.map((it) => `${it.id}${it.status}`).join();
  useEffect(() => {
    const stop = new AbortController();
    let timer;
    const turn = async () => {
      const unread = wanted.filter((it) => !kept.current.get(it.id)?.over).slice(0, MOST);
      await Promise.all(unread.map((task) => read(execution, task, kept.current, stop.signal)));
      if (stop.signal.aborted) return;
      setTallies(new Map(kept.current));
      if (unread.some(isRunning)) timer = setTimeout(turn, POLL);
      else if (unread.length === MOST) timer = setTimeout(turn, 0);
    };
    turn();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [execution, key]);
  return tallies;
}

async function read(execution, task, kept, signal) {
  let tally = kept.get(task.id) ?? { ...fresh(), from: 0 };
  const path = v1(`/executions/${execution}/tasks/${task.id}/log`);
  try {
    for (let more = true; more;) {
      const { lines, next } = await get(path, { from: tally.from, limit: LINES }, signal);
      tally = { ...tallied(tally, lines), from: next };
      more = lines.length === LINES;
    }
    const rate = tally.bytes / Math.max(1, seconds(task) ?? 1);
    kept.set(task.id, { ...tally, rate, over: !isRunning(task) });
  } catch (error) {
    // A daemon that is being started again answers soon.
    if (error.name !== "AbortError") kept.set(task.id, { ...tally, over: error.status >= 400 && error.status < 500 });
  }
}
