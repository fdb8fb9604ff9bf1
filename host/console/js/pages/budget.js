// How much may be used in how much time, of a rule or of an endpoint: the daemon's JSON as texts of
// a form, and back. Empty is unlimited.

import { html } from "../view.js";
import { plural } from "../format.js";
import { Text } from "../ui/field.js";

const MEGABYTE = 1e6;
const numbered = (value) => (value ? String(value) : "");
const isNumber = (text) => Number(text) >= 0 && Number.isFinite(Number(text));
/** At least one of what is limited at all. */
const limit = (amount) => (amount > 0 ? Math.max(1, Math.round(amount)) : 0);

/** A budget as texts. */
export const budgetDraft = (budget) => ({
  bytesPerSecond: numbered(budget?.bytes_per_second / MEGABYTE),
  requestsPerMinute: numbered(budget?.requests_per_minute),
});

/** The API's form: what is unlimited is left out. */
export function budgetBody({ bytesPerSecond, requestsPerMinute }) {
  const bytes = limit(Number(bytesPerSecond) * MEGABYTE);
  const requests = limit(Number(requestsPerMinute));
  return { ...(bytes ? { bytes_per_second: bytes } : {}), ...(requests ? { requests_per_minute: requests } : {}) };
}

/** Whether both texts are numbers, or empty. */
export const isBudget = ({ bytesPerSecond, requestsPerMinute }) => isNumber(bytesPerSecond) && isNumber(requestsPerMinute);

/** `5 MB/s, 1,200 requests a minute`; empty where nothing is limited. */
export const budgetWords = (budget) => [
  budget?.bytes_per_second && `${budget.bytes_per_second / MEGABYTE} MB/s`,
  budget?.requests_per_minute && plural(budget.requests_per_minute, "request") + " a minute",
].filter(Boolean).join(", ");

/** The fields; what is no number is said at once. */
export function Budget({ hint, value, onChange }) {
  const field = (name) => ({
    placeholder: "unlimited", value: value[name], onChange: (text) => onChange({ ...value, [name]: text }),
    error: isNumber(value[name]) ? "" : "Give a number, or leave it empty for no limit.",
  });
  return html`<fieldset><legend>Budget</legend>
    <p class="hint">${hint}</p>
    <div class="row">
      <${Text} label="Megabytes a second" inputmode="decimal" ...${field("bytesPerSecond")} />
      <${Text} label="Requests a minute" inputmode="numeric" ...${field("requestsPerMinute")} />
    </div>
  </fieldset>`;
}
