// What Harbor's rules do not have, against the daemon itself: narrower selections, tags that never
// move, what is kept of those that do; and runs of what failed.

import { SECRET, USER, image, index } from "../sea.mjs";
import { must } from "../walker.mjs";

const ENDPOINTS = "/api/portolan/v1/endpoints";
const POLICIES = "/api/v2.0/replication/policies";
const NAME = "narrow";
const REPOSITORY = "options/app";

export const STEPS = [
  ["the advanced options narrow what the preview shows", narrows],
  ["they are stored, and told on the rule's page", stored],
  ["a run brings what they leave, of one platform alone", runs],
  ["a second run leaves immutable tags, and keeps what it moves", again],
  ["what failed is tried again, and runs again when it is mended", retries],
];

const tags = async (base) => (await (await fetch(`${base}/v2/narrow/app/tags/list`)).json()).tags.sort().join();

async function push(sea, seed) {
  await image(sea.plain, REPOSITORY, "v1.0.0", 61);
  await image(sea.plain, REPOSITORY, "v1.1.0", seed);
  await index(sea.plain, REPOSITORY, "v2.0.0", seed + 1, ["amd64", "arm64"]);
}

async function narrows(walker, sea) {
  const { page } = walker;
  await push(sea, 70);
  await walker.menu("Replications");
  await page.getByRole("link", { name: "New Replication Rule" }).first().click();
  await walker.heading("New Replication Rule");
  await page.getByRole("textbox", { name: "Name", exact: true }).fill(NAME);
  await page.getByLabel("Source registry").selectOption({ label: "plain" });
  await page.getByLabel("Destination registry").selectOption({ label: "other" });
  await page.getByLabel("Namespace").fill("narrow");
  await page.getByLabel("Name pattern").fill("options/**");
  const preview = page.getByRole("complementary", { name: "Preview" });
  await walker.says(preview, /^3 artifacts to copy/);
  await page.getByText("Advanced", { exact: true }).click();
  await page.getByLabel("Older than").fill("1h");
  await walker.says(preview, /^Nothing to copy|^0 artifacts to copy/);
  await page.getByLabel("Older than").fill("soon");
  await walker.says(page, /soon/);
  await page.getByLabel("Older than").fill("");
  await page.getByLabel("Only the newest").fill("2");
  await walker.says(preview, /^2 artifacts to copy/);
  await page.getByLabel("Platforms").fill("linux/amd64");
  await page.getByLabel("Index of more platforms").selectOption("rewrite");
  await page.getByLabel("Immutable tags").fill("v1.*");
  await page.getByLabel("Keep what is overwritten as").fill("{tag}-before");
  await page.getByLabel("Delete tags that the source no longer has").check();
  await page.getByLabel("Gone for").fill("48h");
  await page.getByLabel("At most, in percent").fill("2.5");
  await page.getByLabel("Executions to keep").fill("7");
  await page.getByLabel("Megabytes a second").fill("fast");
  await page.getByText("Advanced", { exact: true }).click();
  await walker.button(page, "Save").click();
  await walker.says(page, "Give a number, or leave it empty for no limit.");
  must(await page.getByLabel("Megabytes a second").evaluate((it) => it === document.activeElement), "what is no number has the focus");
  await page.getByLabel("Megabytes a second").fill("50");
  await walker.says(preview, /^2 artifacts to copy/);
  await walker.look("rule-form-options");
}

async function stored(walker, sea) {
  const { page } = walker;
  await walker.button(page, "Save").click();
  await walker.heading(NAME);
  const { options } = (await sea.api("GET", POLICIES)).find((it) => it.name === NAME);
  const told = JSON.stringify([options.platforms, options.latest.count, options.immutable_tags, options.backup_tag, options.budget.bytes_per_second, options.prune, options.history.executions]);
  must(told === JSON.stringify([{ include: ["linux/amd64"], index: "rewrite" }, 2, ["v1.*"], "{tag}-before",
    50_000_000, { enabled: true, max_share: 0.025, grace: "48h" }, 7]), `it is stored as it was typed: ${told}`);
  await walker.says(page, "linux/amd64, rewrite index");
  await walker.says(page, "50 MB/s");
  await walker.says(page, "tags gone from the source for 48h, at most 2.5 % at once");
  await walker.says(page, "7 executions");
  await walker.look("rule-options");
}

async function replicate(walker) {
  const { page } = walker;
  await walker.button(page, "Replicate").click();
  await walker.button(walker.dialog("Replication Rule"), "Replicate").click();
  await page.getByRole("heading", { level: 1, name: /^Execution \d+$/ }).waitFor();
}

async function runs(walker, sea) {
  await replicate(walker);
  await walker.says(walker.page.getByRole("definition"), "Succeeded");
  must((await tags(sea.other)) === "v1.1.0,v2.0.0", `the newest two are there: ${await tags(sea.other)}`);
  const accept = "application/vnd.oci.image.index.v1+json";
  const there = await (await fetch(`${sea.other}/v2/narrow/app/manifests/v2.0.0`, { headers: { accept } })).json();
  must(there.manifests.map((it) => it.platform.architecture).join() === "amd64", "one platform went");
}

async function again(walker, sea) {
  const { page } = walker;
  await push(sea, 80);
  await walker.menu("Replications");
  await page.getByRole("link", { name: NAME, exact: true }).click();
  await replicate(walker);
  await walker.says(page.getByRole("definition"), "Succeeded");
  await walker.says(page, /^1 copied, .* 1 already there$/);
  must((await tags(sea.other)) === "v1.1.0,v2.0.0,v2.0.0-before", `what was moved is kept: ${await tags(sea.other)}`);
  await walker.look("execution-options");
}

async function retries(walker, sea) {
  const { page } = walker;
  const vault = { name: "vault", type: "docker-registry", url: sea.sealed, insecure: true, unchecked: true,
    credential: { type: "basic", access_key: USER, access_secret: "wrong" } };
  const made = await sea.api("POST", ENDPOINTS, vault);
  const plain = (await sea.api("GET", ENDPOINTS)).find((it) => it.name === "plain").id;
  await sea.api("POST", POLICIES, { name: "to the vault", enabled: true, src_registry: { id: plain }, dest_registry: { id: made.id },
    filters: [{ type: "name", value: "tools/sextant" }] });
  await walker.menu("Replications");
  await page.getByRole("link", { name: "to the vault", exact: true }).click();
  await replicate(walker);
  await walker.says(page.getByRole("definition"), "Failed");
  await walker.look("execution-refused");
  await sea.api("PUT", `${ENDPOINTS}/${made.id}`, { access_secret: SECRET });
  const before = page.url();
  await walker.button(page, "Retry failed").click();
  await page.waitForURL((url) => url.href !== before);
  await walker.says(page.getByRole("definition"), "Succeeded");
  await walker.says(page, "1 of 1 artifact");
}
