// Schedules as Harbor writes them: six fields, seconds first. Says them in words and finds the next
// run; whether a schedule is allowed, the daemon decides. No drawing here.

const NAMES = {
  month: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
  weekday: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};
const FIELDS = [
  { name: "seconds", min: 0, max: 59 },
  { name: "minutes", min: 0, max: 59 },
  { name: "hours", min: 0, max: 23 },
  { name: "day of month", min: 1, max: 31 },
  { name: "month", min: 1, max: 12, words: NAMES.month },
  { name: "day of week", min: 0, max: 6, words: NAMES.weekday },
];
/** Longest gap between two leap days, and a year. */
const MOST_DAYS = 366 * 9;
const DAY = 86_400_000;

/** Schedules to begin with. */
export const PRESETS = [
  ["0 0 * * * *", "Every hour"],
  ["0 0 */6 * * *", "Every 6 hours"],
  ["0 0 0 * * *", "Every day at midnight"],
  ["0 0 3 * * *", "Every day at 03:00"],
  ["0 0 3 * * 0", "Every Sunday at 03:00"],
  ["0 0 3 1 * *", "The first day of every month at 03:00"],
];

/** `{ fields }` of a text, or `{ error }` with a sentence. */
export function parse(text) {
  const parts = text.trim().split(/\s+/).filter(Boolean);
  if (parts.length !== 6) {
    return { error: `A schedule has 6 fields (second, minute, hour, day of month, month, day of week); this one has ${parts.length}.` };
  }
  if (parts[0] !== "0") return { error: "The first field, seconds, must be 0." };
  if (parts[1] === "*") return { error: "The second field, minutes, must not be *: every minute is too often." };
  const fields = [];
  for (const [at, part] of parts.entries()) {
    const values = valuesOf(part, FIELDS[at]);
    if (!values) return { error: `“${part}” is no value of the field ${FIELDS[at].name}.` };
    fields.push(values);
  }
  return { fields };
}

/** The set of values of a field; `star` where it was written as all of them. */
function valuesOf(text, field) {
  const set = new Set();
  let star = false;
  for (const item of text.split(",").filter(Boolean)) {
    const range = rangeOf(item, field);
    if (!range) return undefined;
    star ||= range.star;
    for (let value = range.from; value <= range.to; value += range.step) set.add(value);
  }
  return { set, star };
}

function rangeOf(item, field) {
  const [range, stepText, more] = item.split("/");
  const step = stepText === undefined ? 1 : Number(stepText);
  if (more !== undefined || !Number.isInteger(step) || step < 1) return undefined;
  if (range === "*" || range === "?") return { from: field.min, to: field.max, step, star: stepText === undefined || step === 1 };
  const ends = range.split("-").map((word) => numberOf(word, field));
  const [from, to = stepText === undefined ? from : field.max] = ends;
  if (ends.length > 2 || ends.includes(undefined) || from < field.min || to > field.max || from > to) return undefined;
  return { from, to, step, star: false };
}

function numberOf(word, { words = [], min }) {
  const at = words.indexOf(word.toLowerCase());
  if (at >= 0) return at + min;
  return /^\d+$/.test(word) ? Number(word) : undefined;
}

/** The next run after `now`, as a Date, of a schedule in a time zone (UTC where none is said). */
export function nextRun(text, zone, now = new Date()) {
  const { fields } = parse(text);
  if (!fields) return undefined;
  const [, minutes, hours, days, months, weekdays] = fields;
  const fits = (day) => {
    const date = days.set.has(day.getUTCDate());
    const weekday = weekdays.set.has(day.getUTCDay());
    const both = days.star || weekdays.star ? date && weekday : date || weekday;
    return both && months.set.has(day.getUTCMonth() + 1);
  };
  // Clock time there, kept in a Date as if it were UTC.
  const there = now.getTime() + offset(now, zone);
  const midnight = Math.floor(there / DAY) * DAY;
  for (let at = 0; at < MOST_DAYS; at += 1) {
    const day = new Date(midnight + at * DAY);
    if (!fits(day)) continue;
    for (const hour of sorted(hours)) {
      for (const minute of sorted(minutes)) {
        const run = instant(day.getTime() + (hour * 60 + minute) * 60_000, zone);
        if (run > now) return run;
      }
    }
  }
  return undefined;
}

const sorted = ({ set }) => [...set].sort((one, other) => one - other);

/** How far a zone's clock is ahead of UTC at an instant, in milliseconds. */
function offset(date, zone) {
  if (!zone || zone === "UTC") return 0;
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric",
    hour: "numeric", minute: "numeric", second: "numeric",
  }).formatToParts(date);
  const part = (type) => Number(parts.find((it) => it.type === type).value);
  const clock = Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second"));
  return clock - Math.floor(date.getTime() / 1000) * 1000;
}

function instant(clock, zone) {
  const guess = new Date(clock - offset(new Date(clock), zone));
  return new Date(clock - offset(guess, zone));
}

/** Whether the browser knows a time zone. */
export function isZone(zone) {
  try {
    return Boolean(new Intl.DateTimeFormat("en", { timeZone: zone || "UTC" }));
  } catch {
    return false;
  }
}

const two = (number) => String(number).padStart(2, "0");
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September",
  "October", "November", "December"];
const list = new Intl.ListFormat("en", { type: "conjunction" });

/** `Every day at 03:00`; the text itself where it is too involved for a sentence. */
export function inWords(text) {
  const { fields } = parse(text);
  if (!fields) return text;
  const [, minute, hour, day, month, weekday] = text.trim().split(/\s+/);
  const when = timeWords(minute, hour, fields);
  const which = dayWords(day, month, weekday, fields);
  if (!when || which === undefined) return `Schedule ${text}`;
  if (!which) return when.every ? when.every : `Every day at ${when.at}`;
  return when.every ? `${when.every}, ${which}` : `${capital(which)} at ${when.at}`;
}

function timeWords(minute, hour, [, minutes, hours]) {
  const step = /^(?:\*|0)\/(\d+)$/;
  if (step.test(minute) && hours.star) return { every: `Every ${minute.match(step)[1]} minutes` };
  if (minutes.set.size !== 1) return undefined;
  const past = [...minutes.set][0];
  if (hours.star) return { every: past ? `Every hour at ${past} ${past === 1 ? "minute" : "minutes"} past` : "Every hour" };
  if (step.test(hour)) return { every: `Every ${hour.match(step)[1]} hours${past ? ` at ${past} minutes past` : ""}` };
  if (hours.set.size > 4) return undefined;
  return { at: list.format(sorted(hours).map((it) => `${two(it)}:${two(past)}`)) };
}

/** Which days, in words; empty for every day; undefined where words fail. */
function dayWords(day, month, weekday, [, , , days, months, weekdays]) {
  const named = months.star ? "" : list.format(sorted(months).map((it) => MONTHS[it - 1]));
  if (!days.star && !weekdays.star) return undefined;
  if (!weekdays.star) {
    const working = sorted(weekdays).join() === "1,2,3,4,5";
    const names = working ? "from Monday to Friday" : `every ${list.format(sorted(weekdays).map((it) => DAYS[it]))}`;
    return named ? `${names} in ${named}` : names;
  }
  if (!days.star) {
    if (days.set.size > 4) return undefined;
    return `on day ${list.format(sorted(days).map(String))} of ${named || "every month"}`;
  }
  return named ? `every day in ${named}` : "";
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
