// When a rule runs: by hand, by a schedule, or when a registry says that something changed.

import { html } from "../../view.js";
import { ago, fullTime } from "../../format.js";
import { Check, Choice, Text } from "../../ui/field.js";
import { PRESETS, inWords, isZone, nextRun, parse } from "./cron.js";

const MODES = [["manual", "Manual"], ["scheduled", "Scheduled"], ["event_based", "Event Based"]];

export function Trigger({ draft, set, features }) {
  return html`<fieldset><legend>Trigger</legend>
    <${Choice} label="Trigger Mode" value=${draft.trigger} options=${MODES} onChange=${(trigger) => set({ trigger })}
      hint=${draft.trigger === "event_based" ? eventHint(draft, features) : ""} />
    ${draft.trigger === "scheduled" && html`<${Schedule} draft=${draft} set=${set} features=${features} />`}
    ${draft.trigger === "event_based" && html`<${Check} label="Delete remote resources when locally deleted" checked=${draft.deletion}
      onChange=${(deletion) => set({ deletion })} hint="What is deleted at the source is deleted at the destination, too." />`}
  </fieldset>`;
}

function eventHint({ source }, { hooks }) {
  if (!hooks || source === "") return "It runs as soon as the source says that something was pushed or deleted.";
  return `It runs as soon as the source says that something was pushed or deleted: let its webhook go to ${location.origin}/hooks/${source}.`;
}

function Schedule({ draft, set, features }) {
  const preset = PRESETS.some(([cron]) => cron === draft.cron) ? draft.cron : "";
  return html`
    <div class="row">
      <${Choice} label="Schedule" value=${preset} options=${[...(preset ? [] : [["", "Own schedule"]]), ...PRESETS]}
        onChange=${(cron) => set({ cron })} />
      <${Text} label="Cron string" required value=${draft.cron} class="mono-input" onChange=${(cron) => set({ cron })}
        error=${cronError(draft)} hint="Second, minute, hour, day of month, month, day of week." />
      ${features.zone && html`<${Text} label="Time zone" value=${draft.zone} list="zones" placeholder="UTC" onChange=${(zone) => set({ zone })}
        error=${isZone(draft.zone.trim()) ? "" : "No time zone is called that. One is Europe/Berlin."} />
        <datalist id="zones">${zones().map((it) => html`<option key=${it} value=${it}></option>`)}</datalist>`}
    </div>
    <p class="next-run" aria-live="polite">${next(draft)}</p>`;
}

const zones = () => Intl.supportedValuesOf?.("timeZone") ?? [];

/** What is wrong with the schedule; empty where nothing is. */
export function cronError({ trigger, cron }) {
  return trigger === "scheduled" ? parse(cron).error ?? "" : "";
}

function next({ cron, zone, trigger }) {
  const name = zone.trim();
  if (cronError({ trigger, cron }) || !isZone(name)) return "";
  const due = nextRun(cron, name);
  if (!due) return `${inWords(cron)}: it never comes.`;
  return `${inWords(cron)} (${name || "UTC"}). Next run ${ago(due.toISOString())}, ${fullTime(due.toISOString())}.`;
}
