// Access ID and access secret, as the provider wants them. A stored secret is never shown: what is
// left alone stays.

import { html } from "../../view.js";
import { Area, Check, FilePick, Text } from "../../ui/field.js";
import { Remark } from "../../ui/state.js";

const SOURCES = {
  file: (source) => `the file ${source.path}`,
  exec: (source) => `the credential helper ${source.helper}`,
  "aws-instance": () => "the role of the machine",
  "aws-web-identity": (source) => `the token in ${source.token_file}`,
};

export function Credentials({ draft, set, chosen, stored }) {
  if (chosen?.noId && chosen?.noSecret) return html`<${Remark}>This provider needs no account.<//>`;
  const source = SOURCES[stored?.credential_source?.kind]?.(stored.credential_source);
  const hasSecret = Boolean(stored?.credential?.access_secret);
  const kept = hasSecret ? "A secret is stored. Leave this empty to keep it." : "";
  return html`
    ${!chosen?.noId && html`<${Text} label="Access ID" value=${draft.accessId} readonly=${Boolean(chosen?.fixedId)}
      autocomplete="off" onChange=${(accessId) => set({ accessId })}
      hint=${chosen?.fixedId ? "The same for every account of this provider." : ""} />`}
    ${source && html`<${Remark}>The secret is read from ${source}.<//>`}
    ${!chosen?.noSecret && !source && html`<${Secret} draft=${draft} set=${set} isKeyFile=${chosen?.isKeyFile} kept=${kept} />`}
    ${hasSecret && !draft.secret && html`<${Check} label="Remove the stored secret" checked=${draft.dropSecret}
      onChange=${(dropSecret) => set({ dropSecret })} />`}`;
}

function Secret({ draft, set, isKeyFile, kept }) {
  if (!isKeyFile) {
    return html`<${Text} label="Access Secret" type="password" autocomplete="new-password" hint=${kept}
      value=${draft.secret} onChange=${(secret) => set({ secret, dropSecret: false })} />`;
  }
  return html`<div class="stack tight">
    <${Area} label="Access Secret" class="mono" rows="5" value=${draft.secret} autocomplete="off"
      placeholder=${'{ "type": "service_account", … }'}
      hint=${kept || "The whole text of the key file."} onChange=${(secret) => set({ secret, dropSecret: false })} />
    <div><${FilePick} label="Choose the key file…" accept=".json,application/json"
      onText=${(secret) => set({ secret, dropSecret: false })} /></div>
  </div>`;
}
