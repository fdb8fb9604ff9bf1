// Values as people read them. Every function gives text; none of them asks for anything.

const UNSET = "0001-01-01";
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const exactly = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
const plain = new Intl.NumberFormat();
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

/** `Nov 21, 2026, 8:16 PM`; a dash for a time that is unset. */
export const time = (value) => (isSet(value) ? moment.format(new Date(value)) : "–");
/** The same with seconds and time zone, for `title`. */
export const fullTime = (value) => (isSet(value) ? exactly.format(new Date(value)) : "");
export const isSet = (value) => Boolean(value) && !String(value).startsWith(UNSET);

/** `5 minutes ago`, `in 2 days`. */
export function ago(value, now = Date.now()) {
  if (!isSet(value)) return "–";
  const seconds = (new Date(value).getTime() - now) / 1000;
  const steps = [["day", 86400], ["hour", 3600], ["minute", 60]];
  for (const [unit, length] of steps) {
    if (Math.abs(seconds) >= length) return relative.format(Math.round(seconds / length), unit);
  }
  return Math.abs(seconds) < 10 ? "just now" : relative.format(Math.round(seconds), "second");
}

/** `1,234`. */
export const count = (value) => plain.format(value ?? 0);

/** A message with its first letter large; names and addresses that it begins with stay as they are. */
export const sentence = (text) => text.replace(/^[a-z]+(?=[ ,;]|: |$)/, (word) => word.charAt(0).toUpperCase() + word.slice(1));

/** `1 artifact`, `2 artifacts`. */
export const plural = (number, one, many = `${one}s`) =>
  `${count(number)} ${number === 1 ? one : many}`;

/** `3.2 GB`, powers of 1000 as registries show them; a dash where unknown. */
export function bytes(value) {
  if (value === undefined || value === null) return "–";
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let amount = value;
  let unit = 0;
  while (amount >= 1000 && unit < units.length - 1) {
    amount /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || amount >= 100 ? 0 : 1;
  return `${amount.toFixed(digits)} ${units[unit]}`;
}

/** `12.3 MB/s`. */
export const rate = (perSecond) => `${bytes(perSecond)}/s`;

/** `4 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`, of seconds. */
export function duration(seconds) {
  if (seconds === undefined || seconds === null || !Number.isFinite(seconds)) return "–";
  const whole = Math.max(0, Math.round(seconds));
  const steps = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const first = steps.findIndex(([, length]) => whole >= length);
  if (first < 0) return seconds > 0 ? "under 1 s" : "0 s";
  const parts = [];
  let rest = whole;
  for (const [unit, length] of steps.slice(first, first + 2)) {
    const amount = Math.floor(rest / length);
    rest -= amount * length;
    if (amount) parts.push(`${amount} ${unit}`);
  }
  return parts.join(" ");
}

/** `sha256:178a0903dd60…`: enough to know it by. */
export const shortDigest = (digest) => (digest ? `${digest.slice(0, digest.indexOf(":") + 13)}…` : "–");
