// The first start: how fast the page is there, logging in, and the tour.

import { FIRST_PASSWORD } from "../sea.mjs";
import { must } from "../walker.mjs";

export const PASSWORD = "a password of my own";
const MOST_BYTES = 150_000;
const FIRST_PAINT = 300;

export const STEPS = [
  ["the first paint comes soon, and all of it is small", paints],
  ["a wrong password is said to be wrong, a right one leads to the tour", logsIn],
  ["the tour: a password of one's own", ownPassword],
  ["the tour: the first endpoint, then the first rule", firstEndpoint],
];

async function paints(walker, sea) {
  const times = [];
  let bytes = 0;
  for (let turn = 0; turn < 5; turn += 1) {
    await walker.fresh();
    await walker.page.goto(sea.url);
    await walker.heading("Portolan");
    times.push(await walker.page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime));
    bytes = await walker.page.evaluate(() => performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation"))
      .filter((it) => !it.name.includes("/api/")).reduce((sum, it) => sum + it.encodedBodySize, 0));
  }
  const best = Math.min(...times);
  console.log(`    first paint ${times.map((it) => it.toFixed(0)).join(", ")} ms; ${bytes} bytes compressed`);
  must(best <= FIRST_PAINT, `the first paint takes at most ${FIRST_PAINT} ms, and it took ${best}`);
  must(bytes > 10_000 && bytes <= MOST_BYTES, `at most ${MOST_BYTES} bytes are loaded, and it was ${bytes}`);
}

async function logsIn(walker) {
  await walker.look("login");
  await walker.logIn("a wrong password");
  await walker.says(walker.page, "The name or the password is wrong.");
  await walker.logIn(FIRST_PASSWORD);
  await walker.heading("Getting started");
  await walker.look("welcome");
}

async function ownPassword(walker, sea) {
  const { page } = walker;
  const fill = async (old, next, again) => {
    await page.getByLabel("Current password").fill(old);
    await page.getByLabel("New password", { exact: false }).first().fill(next);
    await page.getByLabel("New password again").fill(again);
  };
  await fill("wrong", PASSWORD, `${PASSWORD}!`);
  await walker.says(page, "This is not the same as above.");
  must(await walker.button(page, "Change password").isDisabled(), "two different passwords cannot be sent");
  await fill("wrong", PASSWORD, PASSWORD);
  await walker.button(page, "Change password").click();
  await walker.says(page, "The old password is wrong");
  await fill(FIRST_PASSWORD, PASSWORD, PASSWORD);
  await walker.button(page, "Change password").click();
  await walker.says(page, "The first password was changed.");
  sea.api.password = PASSWORD;
}

async function firstEndpoint(walker, sea) {
  const { page } = walker;
  await walker.button(page, "New Endpoint").click();
  const dialog = walker.dialog("New Registry Endpoint");
  await dialog.getByLabel("Provider").selectOption({ label: "Docker Registry" });
  await walker.field(dialog, "Name").fill("plain");
  await walker.field(dialog, "Description").fill("The registry of the workshop");
  await walker.field(dialog, "Endpoint URL").fill(sea.plain);
  await walker.button(dialog, "OK").click();
  await walker.says(page, "There is 1 endpoint.");
  await walker.look("welcome-rule");
  await page.getByRole("link", { name: "New Replication Rule" }).click();
  await page.waitForURL(/#\/replications\/new$/);
}
