// A provider of a third party: uploaded, approved, and used with its settings.

import { must } from "../walker.mjs";

export const STEPS = [
  ["a plug-in is uploaded, and does nothing until it is approved", installs],
  ["an endpoint of a third party's provider, with its settings", uses],
  ["an approval is taken back", revokes],
];

async function installs(walker) {
  const { page } = walker;
  await walker.menu("Plug-ins");
  await page.getByLabel("Install from a file").setInputFiles(process.env.GUEST);
  await walker.heading("Acme Registry");
  await walker.says(page, "This plug-in does nothing yet.");
  await walker.look("plugin-pending");
  await walker.button(page, "Approve…").click();
  const dialog = walker.dialog("Approve Plug-in");
  await walker.look("plugin-approval");
  await walker.button(dialog, "Approve").click();
  await walker.says(page, "Approved");
  await walker.button(page, "Revoke").waitFor();
}

async function uses(walker, sea) {
  const { page } = walker;
  await walker.menu("Registries");
  await walker.button(page, "New Endpoint").click();
  const dialog = walker.dialog("New Registry Endpoint");
  await dialog.getByLabel("Provider").selectOption({ label: "Acme Registry" });
  await walker.says(dialog, "The address of your Acme Registry, without /v2.");
  await walker.field(dialog, "Name").fill("acme");
  await walker.field(dialog, "Endpoint URL").fill(sea.other);
  await dialog.getByLabel("Tier").selectOption({ label: "anchorage" });
  await walker.field(dialog, "Team").fill("pilots");
  await dialog.getByLabel("Retries").fill("99");
  await walker.button(dialog, "Test Connection").click();
  await walker.says(dialog, /retries/i);
  await dialog.getByLabel("Retries").fill("3");
  await walker.field(dialog, "Mirrors").fill("north\nsouth");
  await dialog.getByLabel("Audited").selectOption({ label: "No" });
  await walker.button(dialog, "Test Connection").click();
  await walker.says(dialog, "The connection works.");
  await walker.look("endpoint-settings");
  await walker.button(dialog, "OK").click();
  await dialog.waitFor({ state: "detached" });
  await walker.says(walker.row("acme"), "Acme Registry");
  const stored = (await sea.api("GET", "/api/portolan/v1/endpoints")).find((it) => it.name === "acme");
  const settings = { audited: false, mirrors: ["north", "south"], retries: 3, team: "pilots", tier: "anchorage" };
  const sorted = JSON.stringify(stored.settings, Object.keys(stored.settings).sort());
  must(sorted === JSON.stringify(settings), `its settings are stored: ${sorted}`);
}

async function revokes(walker) {
  const { page } = walker;
  await walker.menu("Plug-ins");
  await walker.look("plugins");
  await page.getByRole("link", { name: "Acme Registry" }).click();
  await walker.button(page, "Revoke").click();
  await walker.button(walker.dialog("Revoke Approval"), "Revoke").click();
  await walker.says(page, "Waits for approval");
  await walker.button(page, "Remove").click();
  await walker.button(walker.dialog("Remove Plug-in"), "Remove").click();
  await walker.heading("Plug-ins");
  await page.getByRole("link", { name: "Acme Registry" }).waitFor({ state: "detached" });
}
