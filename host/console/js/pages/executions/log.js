// The log of a task, as text; grows while the task goes on.

import { get, v1 } from "../../api.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "../../view.js";
import { Copy } from "../../ui/copy.js";
import { Dialog } from "../../ui/dialog.js";
import { Failure, Loading } from "../../ui/state.js";
import { Outcome, isRunning, nameOf } from "./words.js";

const POLL = 1000;
/** After a failure. */
const LATER = 5000;
/** Lines that are kept in the page; the whole log can be opened besides. */
const MOST = 5000;

export function Log({ execution, task, onClose }) {
  const { lines, dropped, error } = useLog(execution, task);
  const [follows, setFollows] = useState(true);
  const box = useRef();
  useLayoutEffect(() => {
    if (follows && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines]);
  const scrolled = ({ target }) => setFollows(target.scrollHeight - target.scrollTop - target.clientHeight < 40);
  const whole = `/api/v2.0/replication/executions/${execution}/tasks/${task.id}/log`;
  const footer = html`
    <span class="first log-state"><${Outcome} status=${task.status} />${isRunning(task) && html`<span class="muted">${follows ? "new lines appear here" : "scroll down to follow"}</span>`}</span>
    <a class="button" href=${whole} target="_blank" rel="noreferrer">Open as text</a>
    <button type="button" onClick=${onClose}>Close</button>`;
  return html`<${Dialog} title="Log of Task ${task.id}" wide onClose=${onClose} onSubmit=${onClose} footer=${footer}>
    <p class="muted log-what"><span><code>${nameOf(task.src_resource)}</code> → <code>${nameOf(task.dst_resource)}</code></span>
      ${lines && html`<${Copy} text=${lines.join("\n")} what="log" />`}</p>
    <${Failure} error=${error} />
    ${!lines && !error && html`<${Loading} />`}
    ${lines && !lines.length && html`<p class="muted">${isRunning(task) ? "Nothing is written yet." : "Nothing was written."}</p>`}
    ${lines?.length > 0 && html`<div class="log" ref=${box} onScroll=${scrolled} tabindex="0" role="log" aria-live="off" aria-label="Log of task ${task.id}">
      ${dropped && html`<p class="muted">Earlier lines are left out here.</p>`}
      ${lines.map((line, at) => html`<${Line} key=${at} line=${line} />`)}
    </div>`}
  <//>`;
}

function useLog(execution, task) {
  const [state, setState] = useState({});
  const running = useRef();
  running.current = isRunning(task);
  useEffect(() => {
    const stop = new AbortController();
    let [from, timer] = [0, undefined];
    const turn = async () => {
      const last = !running.current;
      try {
        const { lines, next } = await get(v1(`/executions/${execution}/tasks/${task.id}/log`), { from }, stop.signal);
        from = next;
        setState(({ lines: old = [] }) => ({ lines: [...old, ...lines].slice(-MOST), dropped: next > MOST, error: undefined }));
        if (!last || lines.length) timer = setTimeout(turn, lines.length ? 0 : POLL);
      } catch (error) {
        if (error.name === "AbortError") return;
        setState((old) => ({ ...old, error }));
        timer = setTimeout(turn, LATER);
      }
    };
    turn();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [execution, task.id]);
  return state;
}

/** Time, level and text; the level is also a word, never a colour alone. */
function Line({ line }) {
  const [, at, level, text] = line.match(/^(\S+) \[(\w+)\] (.*)$/) ?? ["", "", "", line];
  const clock = at ? new Date(at).toLocaleTimeString(undefined, { hour12: false }) : "";
  return html`<p class="log-line ${level.toLowerCase()}"><time datetime=${at} title=${at}>${clock}</time>
    <span class="log-level">${level}</span><span class="log-text">${text}</span></p>`;
}
