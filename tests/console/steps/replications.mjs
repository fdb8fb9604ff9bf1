// Rules: made with a preview, run, followed, stopped, changed; and executions with their tasks and logs.

import { eventually, image } from "../sea.mjs";
import { must } from "../walker.mjs";

const ENDPOINTS = "/api/portolan/v1/endpoints";
const POLICIES = "/api/v2.0/replication/policies";
const NAME = "to the other";
/** Kibibytes a second; the first quarter of a megabyte comes at once. */
const SLOW = 10;
/** Images of half a megabyte, so that there is something to look at. */
const LARGE = ["large/hull", "large/mast"].flatMap((repository) => ["a", "b", "c"].map((tag) => [repository, tag]));

export const STEPS = [
  ["schedules in words, and when they are due next", schedules],
  ["no executions yet", nothing],
  ["a rule's form says what is missing, and makes an endpoint on the spot", form],
  ["the preview counts, gives reasons, and says what is wrong", previews],
  ["a schedule is said in words, with its next run", schedule],
  ["the rule is saved, run, and followed to its end", runs],
  ["a second run finds everything there", again],
  ["a slow run shows its progress and log, and is stopped", stops],
  ["what failed says why", fails],
  ["a rule is disabled, edited, copied, and deleted", changes],
  ["executions by status, rule and trigger", executions],
];

/** In words, and the next run after 16:20:30 UTC of Saturday, 21 November 2026. */
const SCHEDULES = [
  ["0 0 * * * *", "", "Every hour", "2026-11-21T17:00"],
  ["0 */5 * * * *", "", "Every 5 minutes", "2026-11-21T16:25"],
  ["0 15 2,14 * * *", "", "Every day at 02:15 and 14:15", "2026-11-22T02:15"],
  ["0 0 3 * * 1-5", "", "From Monday to Friday at 03:00", "2026-11-23T03:00"],
  ["0 0 3 1 JAN ?", "", "On day 1 of January at 03:00", "2027-01-01T03:00"],
  ["0 0 0 29 feb *", "", "On day 29 of February at 00:00", "2028-02-29T00:00"],
  // A star with a step is a restriction: odd days, or Wednesdays.
  ["0 0 0 */2 * 3", "", "Schedule 0 0 0 */2 * 3", "2026-11-23T00:00"],
  ["0 0 2 * * *", "Europe/Berlin", "Every day at 02:00", "2026-11-22T01:00"],
  ["0 0 2 * * *", "America/New_York", "Every day at 02:00", "2026-11-22T07:00"],
  ["0 0 0 31 2 *", "", "On day 31 of February at 00:00", undefined],
  ["0 * * * * *", "", "0 * * * * *", undefined],
  ["0 0 24 * * *", "", "0 0 24 * * *", undefined],
];

async function schedules({ page }) {
  const told = await page.evaluate(async (cases) => {
    const place = new URL("pages/replications/cron.js", document.querySelector("script[type=module]").src);
    const { inWords, nextRun } = await import(place);
    const now = new Date("2026-11-21T16:20:30Z");
    return cases.map(([text, zone]) => [inWords(text), nextRun(text, zone, now)?.toISOString().slice(0, 16)]);
  }, SCHEDULES);
  SCHEDULES.forEach(([text, , words, due], at) => {
    must(told[at][0] === words && told[at][1] === due, `${text} is ${words}, due ${due}, and it was ${told[at].join(", ")}`);
  });
}

async function nothing(walker) {
  await walker.menu("Executions");
  await walker.says(walker.page, "No executions yet");
  await walker.look("executions-empty");
}

async function form(walker, sea) {
  const { page } = walker;
  if (!(await sea.api("GET", ENDPOINTS)).some((it) => it.name === "plain")) {
    await sea.api("POST", ENDPOINTS, { name: "plain", type: "docker-registry", url: sea.plain });
  }
  await walker.menu("Replications");
  await walker.says(page, "No replication rules yet");
  await walker.look("replications-empty");
  await page.getByRole("link", { name: "New Replication Rule" }).first().click();
  await walker.heading("New Replication Rule");
  await walker.button(page, "Save").click();
  await walker.says(page, "A rule needs a name.");
  await walker.says(page, "Choose where to copy to.");
  must(await page.getByRole("textbox", { name: "Name", exact: true }).evaluate((it) => it === document.activeElement), "the first gap has the focus");
  await walker.look("rule-form-gaps");
  await page.getByRole("textbox", { name: "Name", exact: true }).fill(NAME);
  await page.getByLabel("Description").fill("Tools for the other workshop");
  await page.getByLabel("Source registry").selectOption({ label: "plain" });
  await walker.button(page, "New endpoint… as destination registry").click();
  const dialog = walker.dialog("New Registry Endpoint");
  await dialog.getByLabel("Provider").selectOption({ label: "Docker Registry" });
  await walker.field(dialog, "Name").fill("other");
  await walker.field(dialog, "Endpoint URL").fill(sea.other);
  await walker.look("rule-form-endpoint");
  await walker.button(dialog, "OK").click();
  await dialog.waitFor({ state: "detached" });
  const chosen = page.getByLabel("Destination registry").locator("option:checked");
  must((await chosen.innerText()) === "other", "the new endpoint is chosen");
}

async function previews(walker) {
  const { page } = walker;
  const preview = page.getByRole("complementary", { name: "Preview" });
  await walker.says(preview, /^3 artifacts to copy/);
  await page.getByLabel("Name pattern").fill("tools/{compass");
  await walker.says(preview, "There is no preview.");
  await walker.look("rule-form-refused");
  await page.getByLabel("Name pattern").fill("tools/**");
  await page.getByLabel("Tag pattern").fill("1.*");
  await walker.says(preview, /^2 artifacts to copy/);
  await walker.says(preview, /left out by the tag filter/);
  await page.getByLabel("Namespace").fill("workshop");
  await walker.says(page, "a/b/c/image becomes workshop/b/c/image.");
  await preview.getByText(/^Show 3 lines/).click();
  await walker.says(preview, "workshop/compass");
  await walker.look("rule-form-preview");
}

async function schedule(walker) {
  const { page } = walker;
  await page.getByLabel("Trigger Mode").selectOption("scheduled");
  await page.getByLabel("Cron string").fill("0 * * * * *");
  await walker.says(page, /every minute is too often/);
  await page.getByLabel("Cron string").fill("0 30 2 * * 1-5");
  await walker.says(page, /^From Monday to Friday at 02:30 \(UTC\)\. Next run in /);
  await walker.look("rule-form-schedule");
  await page.getByLabel("Schedule").selectOption({ label: "Every day at 03:00" });
  await walker.says(page, /^Every day at 03:00 \(UTC\)/);
}

async function runs(walker, sea) {
  const { page } = walker;
  await walker.button(page, "Save").click();
  await walker.heading(NAME);
  await walker.says(page, "Every day at 03:00, UTC");
  const [rule] = await sea.api("GET", POLICIES);
  must(rule.enabled && rule.override && rule.dest_namespace === "workshop" && rule.dest_namespace_replace_count === 1, "it is stored as it was shown");
  await walker.button(page, "Show preview").click();
  await walker.says(page, /^2 artifacts to copy/);
  await walker.look("rule");
  await walker.button(page, "Replicate").click();
  await walker.button(walker.dialog("Replication Rule"), "Replicate").click();
  await page.getByRole("heading", { level: 1, name: /^Execution \d+$/ }).waitFor();
  await walker.says(page.getByRole("definition"), "Succeeded");
  await walker.says(page, "1 of 1 task ended");
  await walker.says(page, "workshop/compass");
  await walker.look("execution");
  const tags = await (await fetch(`${sea.other}/v2/workshop/compass/tags/list`)).json();
  must(tags.tags.sort().join() === "1.0,1.1", "both tags are at the other registry");
  await page.getByRole("button", { name: /^Log of task/ }).click();
  const log = page.getByRole("dialog");
  await walker.says(log, /1\.1 pushed/);
  await walker.look("execution-log");
  await walker.button(log.locator("footer"), "Close").click();
}

async function again(walker) {
  const { page } = walker;
  await walker.menu("Replications");
  await walker.says(walker.row(NAME), "Succeeded");
  await page.getByRole("checkbox", { name: `Select ${NAME}` }).check();
  await walker.says(page, `Executions of “${NAME}”`);
  await walker.look("replications-chosen");
  await walker.button(page, "Replicate").click();
  await walker.button(walker.dialog("Replication Rule"), "Replicate").click();
  await walker.says(page, "2 artifacts");
  await walker.says(page.getByRole("term").filter({ hasText: "Already there" }).locator(".."), "2 artifacts");
}

async function stops(walker, sea) {
  const { page } = walker;
  const [plain, other] = await Promise.all(["plain", "other"].map(async (name) => (await sea.api("GET", ENDPOINTS)).find((it) => it.name === name).id));
  for (const [at, [repository, tag]] of LARGE.entries()) await image(sea.plain, repository, tag, 300 + at);
  const slow = { name: "slow", enabled: true, speed: SLOW, src_registry: { id: plain }, dest_registry: { id: other }, dest_namespace: "slow", filters: [{ type: "name", value: "large/**" }] };
  await sea.api("POST", POLICIES, slow);
  await walker.menu("Replications");
  await page.getByRole("link", { name: "slow", exact: true }).click();
  await walker.says(page, `${SLOW} KiB/s`);
  await walker.button(page, "Replicate").click();
  await walker.button(walker.dialog("Replication Rule"), "Replicate").click();
  await page.getByRole("progressbar", { name: /^Progress of task/ }).first().waitFor();
  await walker.says(page, "of 6 artifacts");
  for (const words of [/^[\d.]+ [kM]?B of [\d.]+ [kM]B$/, /^[\d.]+ [kM]?B\/s$/, /^about .* left$/]) await walker.says(page, words);
  await walker.look("execution-running");
  await page.getByRole("button", { name: /^Log of task/ }).first().click();
  await walker.says(page.getByRole("dialog"), "new lines appear here");
  await page.keyboard.press("Escape");
  await walker.button(page, "Stop").click();
  await walker.says(page.getByRole("definition"), "Stopped");
  await walker.look("execution-stopped");
  if (await walker.button(page, "Retry stopped").count()) {
    const before = page.url();
    await walker.button(page, "Retry stopped").click();
    await page.waitForURL((url) => url.href !== before);
    await walker.button(page, "Stop").click();
    await walker.says(page.getByRole("definition"), "Stopped");
  }
}

async function fails(walker, sea) {
  const { page } = walker;
  const gone = { name: "sunk", type: "docker-registry", url: "http://127.0.0.1:9", unchecked: true };
  await sea.api("POST", ENDPOINTS, gone);
  const id = (name) => sea.api("GET", ENDPOINTS).then((all) => ({ id: all.find((it) => it.name === name).id }));
  await sea.api("POST", POLICIES, { name: "sinks", enabled: true, src_registry: await id("sunk"), dest_registry: await id("other") });
  await walker.menu("Replications");
  await page.getByRole("link", { name: "sinks", exact: true }).click();
  await walker.button(page, "Show preview").click();
  await walker.says(page, "There is no preview.");
  await walker.button(page, "Replicate").click();
  await walker.button(walker.dialog("Replication Rule"), "Replicate").click();
  await walker.says(page.getByRole("definition"), "Failed");
  await walker.says(page.getByRole("alert"), /connect|refused/);
  await walker.look("execution-failed");
}

async function changes(walker, sea) {
  const { page } = walker;
  await walker.menu("Replications");
  await page.getByRole("checkbox", { name: "Select slow" }).check();
  await walker.button(page, "Disable").click();
  await walker.says(walker.row("slow"), "Disabled");
  must(await walker.button(page, "Replicate").isDisabled(), "a disabled rule is not run");
  const kept = (await sea.api("GET", POLICIES)).find((it) => it.name === "slow");
  must(kept.speed === SLOW && kept.dest_namespace === "slow", "nothing else of it changed");
  await walker.button(page, "Edit").click();
  await walker.heading("Edit slow");
  await page.getByLabel("Bandwidth").fill("nonsense");
  await walker.button(page, "Save").click();
  await walker.says(page, /Give a number above 0/);
  await page.getByLabel("Bandwidth").fill("");
  await walker.look("rule-form-edit");
  await walker.button(page, "Save").click();
  await walker.heading("slow");
  await walker.says(page, "Unlimited");
  await page.getByRole("link", { name: "Copy", exact: true }).click();
  await walker.heading("Copy of slow");
  await walker.button(page, "Save").click();
  await walker.heading("slow-copy");
  await walker.button(page, "Delete").click();
  await walker.look("rule-delete");
  await walker.button(walker.dialog("Delete Replication Rule"), "Delete").click();
  await walker.heading("Replications");
  await eventually(async () => (await sea.api("GET", POLICIES)).every((it) => it.name !== "slow-copy"));
  await page.getByRole("searchbox").fill("sink");
  await walker.says(page, "1 – 1 of 1 items");
  await walker.look("replications-search");
}

async function executions(walker) {
  const { page } = walker;
  await walker.menu("Executions");
  await walker.look("executions-all");
  await page.getByLabel("Status", { exact: true }).selectOption({ label: "Failed" });
  await walker.says(page, "1 – 1 of 1 items");
  await page.getByLabel("Trigger", { exact: true }).selectOption({ label: "Scheduled" });
  await walker.says(page, "No execution is like that");
  await page.getByLabel("Trigger", { exact: true }).selectOption({ label: "Any trigger" });
  await page.getByLabel("Rule", { exact: true }).selectOption({ label: NAME });
  await page.getByLabel("Status", { exact: true }).selectOption({ label: "Succeeded" });
  await walker.says(page, "1 – 2 of 2 items");
}
