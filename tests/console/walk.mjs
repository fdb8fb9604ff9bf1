// The walk: each step says what it shows, and is one that a new user takes. A failed step ends it.

import { start } from "./sea.mjs";
import { Walker } from "./walker.mjs";
import * as beginning from "./steps/beginning.mjs";
import * as endpoints from "./steps/endpoints.mjs";
import * as plugins from "./steps/plugins.mjs";
import * as replications from "./steps/replications.mjs";
import * as options from "./steps/options.mjs";
import * as accounts from "./steps/accounts.mjs";
import * as pages from "./steps/pages.mjs";

const sea = await start();
const walker = await Walker.open(sea.url);
let failed = false;
try {
  for (const part of [beginning, endpoints, plugins, replications, options, accounts, pages]) {
    for (const [title, step] of part.STEPS) {
      const begun = Date.now();
      await step(walker, sea);
      const faults = walker.faults.splice(0);
      if (faults.length) throw new Error(`${title}\n  ${faults.join("\n  ")}`);
      console.log(`ok ${title} (${((Date.now() - begun) / 1000).toFixed(1)} s)`);
    }
  }
  console.log(`axe looked ${walker.checked} times and found nothing serious or critical`);
} catch (error) {
  failed = true;
  console.error(`FAILED\n${error.stack}`);
  await walker.picture("failed").catch(() => {});
} finally {
  await walker.browser.close();
  await sea.close();
}
process.exit(failed ? 1 : 0);
