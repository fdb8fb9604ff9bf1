// Tokens, users, what a viewer sees, and a session that ends.

import { must } from "../walker.mjs";
import { PASSWORD } from "./beginning.mjs";

export const STEPS = [
  ["a token is shown once, and works", token],
  ["a user is created, changed, and sees what a viewer may", user],
  ["a session that ends leads to the log-in, and then to the same page", ends],
];

async function token(walker, sea) {
  const { page } = walker;
  await walker.menu("Tokens");
  await walker.look("tokens-empty");
  await walker.button(page, "New Token").first().click();
  const form = walker.dialog("New Token");
  await walker.field(form, "Name").fill("ci");
  await form.getByLabel("Role").selectOption("operator");
  await walker.look("token-form");
  await walker.button(form, "Create token").click();
  const made = walker.dialog("Token ci");
  const text = await made.getByText(/^portolan_[0-9a-f]{64}$/).innerText();
  await walker.look("token-shown");
  const asked = await fetch(`${sea.url}/api/portolan/v1/sessions/current`, { headers: { authorization: `Bearer ${text}` } });
  must((await asked.json()).role === "operator", "the token works");
  await walker.button(made, "Done").click();
  await walker.says(walker.row("ci"), "operator");
  await walker.look("tokens");
  await walker.button(page, "Delete ci").click();
  await walker.button(walker.dialog("Delete Token"), "Delete").click();
  await walker.says(page, "No tokens yet");
}

async function user(walker) {
  const { page } = walker;
  await walker.menu("Users");
  await walker.button(page, "New User").click();
  const form = walker.dialog("New User");
  await walker.field(form, "Name").fill("Ada");
  await form.getByLabel("Password").fill("ada's password");
  await walker.button(form, "OK").click();
  await walker.says(form, /name/i);
  await walker.look("user-form");
  await walker.field(form, "Name").fill("ada");
  await walker.button(form, "OK").click();
  await walker.row("ada").waitFor();
  await walker.look("users");
  await walker.button(page, "Log out").click();
  await walker.heading("Portolan");
  await page.getByLabel("User name").fill("ada");
  await page.getByLabel("Password").fill("ada's password");
  await walker.button(page, "Log in").click();
  await walker.menu("Registries");
  must((await page.getByRole("button", { name: "New Endpoint" }).count()) === 0, "a viewer makes no endpoints");
  must((await page.getByRole("link", { name: "Users", exact: true }).count()) === 0, "a viewer sees no users");
  await walker.look("registries-viewer");
  await walker.button(page, "Log out").click();
  await walker.heading("Portolan");
  await walker.logIn(PASSWORD);
}

async function ends(walker) {
  const { page } = walker;
  await walker.menu("System");
  // What is asked for later would meet the end of the session before the button does.
  await page.getByText("Runs for").waitFor();
  await walker.context.clearCookies();
  await walker.button(page, "Refresh").click();
  await walker.heading("Portolan");
  await walker.logIn(PASSWORD);
  await walker.heading("System");
}
