// Source resource filters: names, tags, labels and the kind of resource, in Harbor's order. Several
// of a kind are applied one after another.

import { html } from "../../view.js";
import { Choice, Text } from "../../ui/field.js";
import { Icon } from "../../ui/icon.js";

const DECORATIONS = [["matches", "Matching"], ["excludes", "Excluding"]];
const SYNTAXES = [["glob", "Glob"], ["regex", "Regex"], ["semver", "Versions"]];
const PLACES = {
  name: { glob: "library/**", regex: "^team/(app|web)-" },
  tag: { glob: "v*", regex: "^v1[.]", semver: ">=1.2, <2" },
};
const HINTS = {
  name: "All repositories where it is empty. ** stands for any path, * for one part of it, {a,b} for one of these.",
  tag: "All tags where it is empty. * stands for any characters, ? for one, {a,b} for one of these.",
  label: "Several are separated by commas; an artifact must have all of them.",
};

const SYNTAX_HINTS = {
  regex: "A regular expression. It may fit any part, unless it begins with ^ and ends with $.",
  semver: "A range of versions, || between alternatives. A tag that is no version is left out.",
};

export function Filters({ draft, set, features }) {
  const kind = (name) => ({ filters: draft[name], onChange: (filters) => set({ [name]: filters }), features });
  return html`<fieldset><legend>Source resource filter</legend>
    <${Several} type="name" label="Name" ...${kind("names")} decorated=${features.syntax} />
    <${Several} type="tag" label="Tag" ...${kind("tags")} decorated />
    <${Several} type="label" label="Label" ...${kind("labels")} decorated />
    <${Choice} label="Resource" value=${draft.resource} onChange=${(resource) => set({ resource })}
      options=${[["", "All"], ["image", "Image"], ["artifact", "Artifact"]]} />
  </fieldset>`;
}

/** The filters of one kind: one line each, the first is always there. */
function Several({ type, label, filters, onChange, decorated, features }) {
  const change = (at, more) => onChange(filters.map((it, other) => (other === at ? { ...it, ...more } : it)));
  const drop = (at) => onChange(filters.filter((_, other) => other !== at));
  const last = filters.at(-1);
  return html`<div class="filter" role="group" aria-label="${label} filters">
    ${filters.map((filter, at) => html`<${One} key=${at} type=${type} label=${at ? `${label} ${at + 1}` : label} filter=${filter}
      hint=${at === filters.length - 1 ? HINTS[type] : ""} decorated=${decorated} features=${features}
      onChange=${(more) => change(at, more)} onDrop=${at > 0 && (() => drop(at))} />`)}
    ${last.value && html`<p><button type="button" class="link" onClick=${() => onChange([...filters, { value: "", excludes: false, syntax: "glob" }])}>
      Add another ${label.toLowerCase()} filter</button></p>`}
  </div>`;
}

function One({ type, label, filter, hint, decorated, features, onChange, onDrop }) {
  const wanted = { name: label.replace("Name", "Name pattern"), tag: label.replace("Tag", "Tag pattern"), label: label.replace("Label", "Labels") }[type];
  const place = PLACES[type]?.[filter.syntax] ?? "";
  return html`<div class="row filter-row">
    ${decorated && html`<${Choice} label=${html`${label}<span class="away">: matching or excluding</span>`} value=${filter.excludes ? "excludes" : "matches"} options=${DECORATIONS}
      onChange=${(value) => onChange({ excludes: value === "excludes" })} />`}
    ${features.syntax && type !== "label" && html`<${Choice} label=${html`<span class="away">${label}: </span>Syntax`} value=${filter.syntax}
      options=${SYNTAXES.filter(([name]) => name in PLACES[type])}
      onChange=${(syntax) => onChange({ syntax })} />`}
    <${Text} label=${wanted} class="grow" placeholder=${place} value=${filter.value} hint=${hint && (SYNTAX_HINTS[filter.syntax] ?? hint)}
      onChange=${(value) => onChange({ value })} />
    ${onDrop && html`<button type="button" class="bare in-row" aria-label="Remove the filter ${label}" onClick=${onDrop}><${Icon} name="trash" /></button>`}
  </div>`;
}
