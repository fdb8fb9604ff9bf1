// What Harbor's rules do not have: narrower selections, what goes with an artifact, the destination's
// tags, what is deleted and kept, and what a rule may use.

import { html, useState } from "../../view.js";
import { Area, Check, Choice, Text } from "../../ui/field.js";
import { Budget } from "../budget.js";
import { isCount, isPercent, isUsed } from "./options.js";

const INDEXES = [["whole", "Whole"], ["sparse", "Sparse"], ["rewrite", "Rewritten"]];
const INDEX_HINTS = {
  whole: "All platforms are copied.",
  sparse: "The index stays as it is; other platforms are missing.",
  rewrite: "A new index of these platforms alone, with another digest.",
};
const NEWER = [["semver", "Version in the tag"], ["push_time", "Time of the push"]];

export function Advanced({ options, onChange }) {
  const field = (name) => ({ value: options[name], onChange: (value) => onChange({ ...options, [name]: value }) });
  const count = (name) => ({ ...field(name), error: isCount(options[name]) ? "" : "Give a whole number, or leave it empty." });
  // It does not close under somebody who empties its last field.
  const [open] = useState(() => isUsed(options));
  return html`<details open=${open}><summary>Advanced</summary>
    <div class="stack">
      <fieldset><legend>Which artifacts</legend>
        <${Area} label="Platforms" rows="2" class="mono" placeholder="linux/amd64" hint="One in each line; all where it is empty." ...${field("platforms")} />
        ${options.platforms.trim() && html`<${Choice} label="Index of more platforms" options=${INDEXES} hint=${INDEX_HINTS[options.index]} ...${field("index")} />`}
        <div class="row">
          <${Text} label="Only the newest" placeholder="all" inputmode="numeric" hint="So many of each repository, after the filters."
            error=${isCount(options.latestCount) ? "" : "Give a whole number, or leave it empty for all."} ...${field("latestCount")} />
          <${Choice} label="Newest by" options=${NEWER} ...${field("latestBy")} />
        </div>
        <div class="row">
          <${Text} label="Older than" placeholder="72h" hint="Quarantine since it was first seen." ...${field("ageMin")} />
          <${Text} label="Younger than" placeholder="2160h" hint="Since its push, where the source tells." ...${field("ageMax")} />
        </div>
        <${Area} label="Media types" rows="2" class="mono" placeholder="application/vnd.oci.image.*" hint="One in each line; all where it is empty." ...${field("mediaTypes")} />
        <${Check} label="Copy referrers" hint="Signatures, SBOMs and attestations go with what they belong to."
          checked=${options.referrers} onChange=${(referrers) => onChange({ ...options, referrers })} />
        ${options.referrers && html`<${Area} label="Only referrers of these types" rows="2" class="mono" hint="Artifact types, one in each line; all where it is empty." ...${field("artifactTypes")} />`}
      </fieldset>
      <fieldset><legend>Tags at the destination</legend>
        <${Area} label="Immutable tags" rows="2" class="mono" placeholder="v*" hint="Tags like these are never moved once they are there, whatever Override says." ...${field("immutableTags")} />
        <${Text} label="Keep what is overwritten as" placeholder="{tag}-before" hint="{tag} stands for the tag. Nothing is kept where it is empty." ...${field("backupTag")} />
      </fieldset>
      <fieldset><legend>What is gone at the source</legend>
        <${Check} label="Delete tags that the source no longer has" hint="In repositories that this rule filled, after a whole run that copied everything. The preview shows what would go."
          checked=${options.prune} onChange=${(prune) => onChange({ ...options, prune })} />
        ${options.prune && html`<div class="row">
          <${Text} label="Gone for" placeholder="24h" hint="A tag that is missing for less stays." ...${field("pruneGrace")} />
          <${Text} label="At most, in percent" inputmode="decimal" hint="Where more of the tags are gone, none is deleted and the run says so."
            error=${isPercent(options.pruneShare) ? "" : "Give a number from 0 to 100."} ...${field("pruneShare")} />
        </div>`}
      </fieldset>
      <fieldset><legend>History</legend>
        <div class="row">
          <${Text} label="Executions to keep" placeholder="as the daemon says" inputmode="numeric" hint="The newest that have ended." ...${count("keptRuns")} />
          <${Text} label="Days to keep them" placeholder="as the daemon says" inputmode="numeric" hint="Since they ended." ...${count("keptDays")} />
        </div>
      </fieldset>
      <${Budget} hint="For all executions of the rule together." ...${field("budget")} />
    </div>
  </details>`;
}
