// What this daemon's API takes and does, read once from its own description, so that the forms show
// nothing that would not be heard.

import { text } from "../../api.js";
import { useEffect, useState } from "../../view.js";

const NONE = { syntax: false, options: false, zone: false, retry: false, hooks: false };
let asked;

async function read() {
  const description = await text("/openapi.json");
  const names = (name) => description.includes(`"${name}"`);
  return {
    syntax: names("syntax"),
    options: names("backup_tag"),
    zone: names("time_zone"),
    hooks: description.includes("/hooks/"),
    retry: description.includes("/executions/{id}/retry"),
  };
}

/** `{ syntax, options, zone, hooks, retry }`, all false until it is known; `ready` tells. */
export function useFeatures() {
  const [features, setFeatures] = useState(NONE);
  useEffect(() => {
    let here = true;
    asked ??= read().catch(() => {
      asked = undefined;
      return NONE;
    });
    asked.then((found) => here && setFeatures({ ...found, ready: true }));
    return () => (here = false);
  }, []);
  return features;
}
