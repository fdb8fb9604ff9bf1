// Every page that was not looked at on the way, and states that are rare: empty, refused, unknown.

import { must } from "../walker.mjs";

export const STEPS = [
  ["the remaining pages", remaining],
  ["the audit log says who did what", audit],
  ["a backup is downloaded", backup],
  ["a daemon that does not answer is said to be so", silent],
];

async function remaining(walker) {
  for (const name of ["Registries", "Replications", "Executions", "System"]) {
    await walker.menu(name);
    await walker.look(name.toLowerCase());
  }
  await walker.page.goto(`${walker.url}/#/nowhere`);
  await walker.heading("Not here");
  await walker.look("nowhere");
}

async function audit(walker) {
  const { page } = walker;
  await walker.menu("Audit log");
  await walker.look("audit");
  await page.getByLabel("About").selectOption({ label: "Endpoints" });
  await walker.settled();
  await walker.says(page, "endpoint sealed-registry deleted");
  await page.getByRole("row").filter({ hasText: "endpoint sealed-registry changed" }).last()
    .getByRole("button", { name: /^Details/ }).click();
  const dialog = walker.dialog("Endpoint sealed-registry changed");
  await walker.says(dialog, "Signed by itself, in the cellar");
  await walker.look("audit-details");
  await walker.button(dialog.locator("footer"), "Close").click();
}

async function backup(walker) {
  const { page } = walker;
  await walker.menu("System");
  await page.getByLabel("Passphrase", { exact: true }).fill("a long sentence");
  await page.getByLabel("Passphrase again").fill("a long sentence");
  const [file] = await Promise.all([page.waitForEvent("download"), walker.button(page, "Download a backup").click()]);
  must(/^portolan-\d{4}-\d\d-\d\d\.backup$/.test(file.suggestedFilename()), file.suggestedFilename());
}

async function silent(walker) {
  const { page } = walker;
  await page.route("**/api/**", (route) => route.abort());
  await walker.menu("Tokens");
  await walker.says(page, "The daemon does not answer.");
  await walker.look("silent");
  await page.unroute("**/api/**");
  await walker.button(page, "Try again").click();
  await walker.says(page, "No tokens yet");
}
