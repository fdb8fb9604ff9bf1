// The procedure that a Harbor user knows: Registries, New Endpoint, and all that follows.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { SECRET, USER, eventually } from "../sea.mjs";
import { must } from "../walker.mjs";

const NAME = "sealed-registry";
const ENDPOINTS = "/api/portolan/v1/endpoints";

export const STEPS = [
  ["New Endpoint: a self-signed registry, tested until it works", makes],
  ["the endpoint is edited, and its secret stays", edits],
  ["a webhook secret is given, and what to tell the registry is said", hooks],
  ["an endpoint has a budget until it is taken away", budget],
  ["an endpoint that is down can be saved all the same", unchecked],
  ["deleting is refused while a rule uses it, and done after", deletes],
  ["a key-file provider: its form, and what it sends", keyFile],
  ["ECR: presets, settings, and what it sends", ecr],
  ["a provider with one address and no account", fixed],
  ["repositories and artifacts of an endpoint", browses],
  ["the list: search, sort, and the keyboard alone", list],
];

async function open(walker, provider) {
  await walker.menu("Registries");
  await walker.button(walker.page, "New Endpoint").click();
  const dialog = walker.dialog("New Registry Endpoint");
  await dialog.getByLabel("Provider").selectOption({ label: provider });
  return dialog;
}

async function makes(walker, sea) {
  const dialog = await open(walker, "Docker Registry");
  must(await walker.button(dialog, "Test Connection").isDisabled(), "nothing can be tested without an address");
  await walker.field(dialog, "Name").fill(NAME);
  await walker.field(dialog, "Description").fill("Signed by itself");
  await walker.field(dialog, "Endpoint URL").fill(sea.sealed);
  await walker.field(dialog, "Access ID").fill(USER);
  await dialog.getByLabel("Access Secret").fill("wrong");
  const test = async (words) => {
    await walker.button(dialog, "Test Connection").click();
    await walker.says(dialog, words);
  };
  await test(/certificate/i);
  await walker.look("endpoint-untrusted");
  await dialog.getByLabel("Verify Remote Cert").uncheck();
  must(await walker.field(dialog, "CA Certificate").isDisabled(), "no CA is asked for where nothing is verified");
  await test(/The connection does not work.*(401|refuses|wrong|credential)/is);
  await walker.look("endpoint-wrong-password");
  await dialog.getByLabel("Access Secret").fill(SECRET);
  await test("The connection works.");
  await walker.look("endpoint-works");
  await walker.button(dialog, "OK").click();
  await dialog.waitFor({ state: "detached" });
  await walker.says(walker.row(NAME), "Healthy");
  const stored = (await sea.api("GET", ENDPOINTS)).find((it) => it.name === NAME);
  must(stored.insecure === true && stored.credential.access_key === USER, "it is stored as it was typed");
}

async function edit(walker, name) {
  await walker.page.getByRole("checkbox", { name: `Select ${name}`, exact: true }).check();
  await walker.button(walker.page, "Edit").click();
  return walker.dialog("Edit Endpoint");
}

async function edits(walker, sea) {
  const dialog = await edit(walker, NAME);
  must(await dialog.getByLabel("Provider").isDisabled(), "the provider is fixed");
  must((await dialog.getByLabel("Access Secret").inputValue()) === "", "the secret is not shown");
  await walker.field(dialog, "Description").fill("Signed by itself, in the cellar");
  await walker.button(dialog, "Test Connection").click();
  await walker.says(dialog, "The connection works.");
  const sent = walker.page.waitForRequest((it) => it.method() === "PUT");
  await walker.button(dialog, "OK").click();
  const body = (await sent).postDataJSON();
  must(!("access_secret" in body) && !("url" in body), `only what changed is sent: ${JSON.stringify(body)}`);
  await dialog.waitFor({ state: "detached" });
  await walker.says(walker.row(NAME), "in the cellar");
  const stored = (await sea.api("GET", ENDPOINTS)).find((it) => it.name === NAME);
  must(stored.credential.access_secret === "*****" && stored.status === "healthy", "the secret stayed");
}

async function hooks(walker, sea) {
  const { page } = walker;
  const dialog = await edit(walker, NAME);
  await dialog.getByText("Webhooks", { exact: true }).click();
  await walker.says(dialog, "None is taken until there is a webhook secret.");
  await dialog.getByLabel("Webhook secret", { exact: true }).fill("aye aye");
  await walker.look("endpoint-webhook", dialog.getByText("To be set at the registry"));
  await walker.button(dialog, "OK").click();
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("link", { name: NAME, exact: true }).click();
  await walker.heading(NAME);
  const { id } = (await sea.api("GET", ENDPOINTS)).find((it) => it.name === NAME);
  await walker.says(page, "Authorization: Bearer SECRET");
  const address = await page.getByText(`/hooks/${id}`).first().innerText();
  const told = await fetch(address.replace(sea.url, sea.daemon), {
    method: "POST", headers: { authorization: "Bearer aye aye", "content-type": "application/json" }, body: '{"events":[]}',
  });
  must(told.status === 202, `${address} takes a webhook, and it was ${told.status}`);
  await page.reload();
  await walker.says(page, /^Last delivery/);
  await walker.look("registry-webhook");
  await walker.menu("Registries");
  const again = await edit(walker, NAME);
  await walker.says(again, "A secret is stored. Leave this empty to keep it.");
  await again.getByLabel("Remove the stored webhook secret").check();
  await walker.button(again, "OK").click();
  await again.waitFor({ state: "detached" });
  must(!(await sea.api("GET", `${ENDPOINTS}/${id}/webhook`)).secret_set, "the secret is gone");
}

async function budget(walker, sea) {
  const { page } = walker;
  const told = async () => JSON.stringify((await sea.api("GET", ENDPOINTS)).find((it) => it.name === NAME).budget ?? {});
  await walker.menu("Registries");
  const dialog = await edit(walker, NAME);
  await dialog.getByText("Advanced", { exact: true }).click();
  await dialog.getByLabel("Megabytes a second").fill("fast");
  await walker.says(dialog, "Give a number, or leave it empty for no limit.");
  must(await walker.button(dialog, "OK").isDisabled(), "no other number is saved in its place");
  await dialog.getByLabel("Megabytes a second").fill("2.5");
  await dialog.getByLabel("Requests a minute").fill("1200");
  await walker.look("endpoint-budget", dialog.getByLabel("Requests a minute"));
  await walker.button(dialog, "OK").click();
  await dialog.waitFor({ state: "detached" });
  must((await told()) === '{"bytes_per_second":2500000,"requests_per_minute":1200}', `it is stored as it was typed: ${await told()}`);
  await page.getByRole("link", { name: NAME, exact: true }).click();
  await walker.heading(NAME);
  await walker.says(page, "2.5 MB/s, 1,200 requests a minute");
  await walker.button(page, "Edit").click();
  const again = walker.dialog("Edit Endpoint");
  must((await again.getByLabel("Megabytes a second").inputValue()) === "2.5", "it is there when the form is opened again");
  await again.getByLabel("Megabytes a second").fill("");
  await walker.button(again, "OK").click();
  await again.waitFor({ state: "detached" });
  await walker.says(page, /^1,200 requests a minute$/);
  must((await told()) === '{"bytes_per_second":0,"requests_per_minute":1200}', `one of them is taken away: ${await told()}`);
  await walker.button(page, "Edit").click();
  await again.getByLabel("Requests a minute").fill("");
  await walker.button(again, "OK").click();
  await again.waitFor({ state: "detached" });
  await page.getByText("Budget", { exact: true }).waitFor({ state: "detached" });
  must((await told()) === "{}", `nothing is limited: ${await told()}`);
}

async function unchecked(walker) {
  const dialog = await open(walker, "Harbor");
  await walker.field(dialog, "Name").fill("asleep");
  await walker.field(dialog, "Endpoint URL").fill("http://127.0.0.1:1");
  await walker.button(dialog, "OK").click();
  await walker.says(dialog, "The endpoint was not saved.");
  await walker.look("endpoint-down");
  await walker.button(dialog, "Save anyway").click();
  await dialog.waitFor({ state: "detached" });
  await walker.says(walker.row("asleep"), "nothing listens");
}

async function deletes(walker, sea) {
  const all = await sea.api("GET", ENDPOINTS);
  const id = (name) => all.find((it) => it.name === name).id;
  await sea.api("POST", "/api/v2.0/replication/policies", {
    name: "keeps it", src_registry: { id: id("plain") }, dest_registry: { id: id(NAME) },
  });
  await walker.menu("Registries");
  const ask = async () => {
    const box = walker.page.getByRole("checkbox", { name: `Select ${NAME}`, exact: true });
    await box.check();
    await walker.button(walker.page, "Delete").click();
    const dialog = walker.dialog("Delete Endpoint");
    await walker.button(dialog, "Delete").click();
    return dialog;
  };
  const refused = await ask();
  await walker.says(refused, /keeps it/);
  await walker.look("endpoint-in-use");
  await walker.button(refused, "Cancel").click();
  const [rule] = await sea.api("GET", "/api/v2.0/replication/policies");
  await sea.api("DELETE", `/api/v2.0/replication/policies/${rule.id}`);
  const done = await ask();
  await done.waitFor({ state: "detached" });
  await walker.row(NAME).waitFor({ state: "detached" });
}

/** Answers a save itself: clouds are not asked from a test. Gives what was sent. */
async function sent(walker, dialog) {
  const { page } = walker;
  await page.route(`**${ENDPOINTS}`, (route) => (route.request().method() === "POST"
    ? route.fulfill({ status: 400, json: { errors: [{ code: "BAD_REQUEST", message: "not asked" }] } }) : route.continue()));
  const request = page.waitForRequest((it) => it.method() === "POST" && it.url().endsWith(ENDPOINTS));
  await walker.button(dialog, "OK").click();
  const body = (await request).postDataJSON();
  await walker.says(dialog, "Not asked");
  await page.unroute(`**${ENDPOINTS}`);
  return body;
}

async function keyFile(walker, sea) {
  const dialog = await open(walker, "Google GCR");
  const id = walker.field(dialog, "Access ID");
  must((await id.inputValue()) === "_json_key" && !(await id.isEditable()), "the access ID is filled in and locked");
  await walker.field(dialog, "Name").fill("google");
  await dialog.getByLabel("Region or site").selectOption({ label: "eu.gcr.io" });
  const key = JSON.stringify({ type: "service_account", project_id: "chart", private_key: "none" });
  writeFileSync(join(sea.folder, "key.json"), key);
  await dialog.getByLabel("Choose the key file…").setInputFiles(join(sea.folder, "key.json"));
  await eventually(async () => (await walker.field(dialog, "Access Secret").inputValue()) === key);
  await walker.field(dialog, "More projects").fill("one\ntwo\n");
  await walker.look("endpoint-key-file");
  const body = await sent(walker, dialog);
  must(body.type === "google-gcr" && body.url === "https://eu.gcr.io", "provider and address are sent");
  must(body.credential.access_key === "_json_key" && body.credential.access_secret === key, "the key is sent");
  must(JSON.stringify(body.settings.projects) === '["one","two"]', "lists are sent line by line");
  await walker.button(dialog, "Cancel").click();
}

async function ecr(walker) {
  const dialog = await open(walker, "Aws ECR");
  await walker.field(dialog, "Name").fill("amazon");
  await dialog.getByLabel("Region or site").selectOption({ label: "eu-central-1" });
  await walker.field(dialog, "Access ID").fill("AKIAEXAMPLE");
  await dialog.getByLabel("Access Secret").fill("not a key");
  await dialog.getByLabel("Tags of new repositories").selectOption({ label: "IMMUTABLE" });
  await dialog.getByLabel("Scan on push").selectOption({ label: "Yes" });
  await walker.look("endpoint-ecr");
  const body = await sent(walker, dialog);
  must(body.url === "https://api.ecr.eu-central-1.amazonaws.com", `the region's address is sent: ${body.url}`);
  const settings = { image_tag_mutability: "IMMUTABLE", scan_on_push: true };
  must(JSON.stringify(body.settings) === JSON.stringify(settings), `what was set is sent: ${JSON.stringify(body.settings)}`);
  must(body.credential.access_key === "AKIAEXAMPLE" && body.insecure !== true, "credentials are sent, verified");
  await walker.button(dialog, "Cancel").click();
}

async function fixed(walker) {
  const dialog = await open(walker, "Helm Hub");
  const address = walker.field(dialog, "Endpoint URL");
  must((await address.inputValue()) === "https://hub.helm.sh" && !(await address.isEditable()), "the address is locked");
  must((await dialog.getByLabel("Access Secret").count()) === 0, "no account is asked for");
  await dialog.getByLabel("Provider").selectOption({ label: "Docker Registry" });
  must((await address.inputValue()) === "" && (await address.isEditable()), "another provider has its own address");
  await walker.page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
}

async function browses(walker) {
  await walker.menu("Registries");
  await walker.page.getByRole("link", { name: "plain", exact: true }).click();
  await walker.heading("plain");
  await walker.row("tools/sextant").waitFor();
  await walker.look("registry");
  await walker.page.getByRole("link", { name: "tools/compass" }).click();
  await walker.heading("tools/compass");
  await walker.says(walker.row("1.1"), /^sha256:[0-9a-f]{12}…$/);
  await walker.says(walker.row("1.1"), /^20[0-9] kB$/);
  await walker.look("repository");
}

async function list(walker) {
  const { page } = walker;
  await walker.menu("Registries");
  await page.getByLabel("Search by name").fill("asl");
  await walker.row("plain").waitFor({ state: "detached" });
  await walker.row("asleep").waitFor();
  await page.getByLabel("Search by name").fill("");
  await walker.row("plain").waitFor();
  await walker.button(page, "Name").click();
  await page.getByRole("columnheader", { name: "Name", exact: true }).and(page.locator("[aria-sort=descending]")).waitFor();
  const names = () => page.getByRole("rowheader").allInnerTexts();
  await walker.settled();
  must((await names())[0].startsWith("plain"), `the last comes first: ${await names()}`);
  await walker.button(page, "New Endpoint").focus();
  await page.keyboard.press("Enter");
  await walker.dialog("New Registry Endpoint").waitFor();
  await page.keyboard.press("Escape");
  await walker.dialog("New Registry Endpoint").waitFor({ state: "detached" });
  await eventually(() => page.evaluate(() => document.activeElement.textContent === "New Endpoint"));
}
