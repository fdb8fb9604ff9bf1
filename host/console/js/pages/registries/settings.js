// A provider's own settings: fields made from the JSON Schema of its adapter. What somebody leaves
// alone is left out, so that the adapter's default holds.

import { html } from "../../view.js";
import { Area, Check, Choice, Text } from "../../ui/field.js";

/** Whether a schema asks for anything. */
export const asks = (schema) => Object.keys(schema?.properties ?? {}).length > 0;

/** The fields. `value` is the settings as they are; `onChange` is given the new ones. */
export function Settings({ schema, value, onChange }) {
  const required = new Set(schema.required ?? []);
  const set = (name, next) => {
    const { [name]: _, ...rest } = value;
    onChange(next === undefined ? rest : { ...rest, [name]: next });
  };
  return html`<fieldset><legend>Provider settings</legend>
    ${Object.entries(schema.properties).map(([name, rule]) => html`<${Setting} key=${name}
      name=${name} rule=${rule} value=${value[name]} required=${required.has(name)}
      onChange=${(next) => set(name, next)} />`)}
  </fieldset>`;
}

function Setting({ name, rule, value, required, onChange }) {
  const label = rule.title || name;
  const hint = [rule.description, defaultOf(rule)].filter(Boolean).join(" ");
  const usual = { label, hint, required, name: `setting-${name}` };
  if (rule.enum) {
    const options = [["", required ? "Choose…" : "Default"], ...rule.enum.map((it) => [String(it), String(it)])];
    return html`<${Choice} ...${usual} value=${value === undefined ? "" : String(value)} options=${options}
      onChange=${(text) => onChange(rule.enum.find((it) => String(it) === text))} />`;
  }
  if (rule.type === "boolean" && typeof rule.default === "boolean") {
    return html`<${Check} label=${label} hint=${rule.description} checked=${value ?? rule.default}
      onChange=${(on) => onChange(on === rule.default ? undefined : on)} />`;
  }
  if (rule.type === "boolean") {
    return html`<${Choice} ...${usual} value=${value === undefined ? "" : String(value)}
      options=${[["", "Default"], ["true", "Yes"], ["false", "No"]]}
      onChange=${(text) => onChange(text === "" ? undefined : text === "true")} />`;
  }
  if (rule.type === "integer" || rule.type === "number") {
    return html`<${Text} ...${usual} type="number" min=${rule.minimum} max=${rule.maximum}
      step=${rule.type === "integer" ? 1 : "any"} value=${value ?? ""}
      onChange=${(text) => onChange(text === "" ? undefined : Number(text))} />`;
  }
  if (rule.type === "array" && (rule.items?.type ?? "string") === "string") {
    const lines = (text) => text.split("\n").map((line) => line.trimStart()).filter((line, at, all) => line || at === all.length - 1);
    return html`<${Area} ...${usual} hint="${hint} One in each line." value=${(value ?? []).join("\n")}
      onChange=${(text) => onChange(text.trim() ? lines(text) : undefined)} />`;
  }
  if (rule.type === "string") {
    return html`<${Text} ...${usual} type=${rule.writeOnly ? "password" : "text"} maxlength=${rule.maxLength}
      value=${value ?? ""} onChange=${(text) => onChange(text === "" ? undefined : text)} />`;
  }
  const shown = typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value, null, 2);
  return html`<${Area} ...${usual} hint="${hint} As JSON." value=${shown} class="mono"
    onChange=${(text) => onChange(text.trim() ? parsed(text) : undefined)} />`;
}

const defaultOf = (rule) =>
  (rule.default === undefined || typeof rule.default === "boolean" ? "" : `Default: ${rule.default}.`);

/** Text that is no JSON yet stays text, and the daemon says what is wrong with it. */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Lists without the empty last line that somebody is about to fill. */
export const finished = (settings) => Object.fromEntries(Object.entries(settings).map(([name, value]) =>
  [name, Array.isArray(value) ? value.map((it) => it.trim()).filter(Boolean) : value]));
