// The browser, as somebody at a keyboard: finds things by what they are called, never by markup.
// What no page may do is checked all the time: ask another host, or log a fault.

import { createRequire } from "node:module";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const load = createRequire(join(process.env.NODE_MODULES, "x.js"));
const { chromium } = load("playwright-core");
const AXE = readFileSync(load.resolve("axe-core/axe.min.js"), "utf8");
const PATIENCE = 60_000;

/** Fails with `what` unless it holds. */
export function must(holds, what) {
  if (!holds) throw new Error(`it should be that ${what}`);
}

export class Walker {
  static async open(url) {
    const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
    const walker = new Walker();
    Object.assign(walker, { browser, url, faults: [], checked: 0 });
    await walker.fresh();
    return walker;
  }

  /** A browser without cookies or memory. */
  async fresh() {
    await this.context?.close();
    this.context = await this.browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-GB" });
    this.page = await this.context.newPage();
    this.page.setDefaultTimeout(PATIENCE);
    this.page.on("pageerror", (error) => this.faults.push(`a script failed: ${error.stack}`));
    this.page.on("console", (message) => {
      const isRefusal = message.text().startsWith("Failed to load resource");
      if (["error", "warning"].includes(message.type()) && !isRefusal) this.faults.push(message.text());
    });
    this.page.on("request", (request) => {
      const at = request.url();
      if (!at.startsWith(this.url) && !/^(data|blob|about):/.test(at)) this.faults.push(`asked for ${at}`);
    });
  }

  async logIn(password) {
    await this.page.getByLabel("User name").fill("admin");
    await this.page.getByLabel("Password").fill(password);
    await this.page.getByRole("button", { name: "Log in" }).click();
  }

  /** Goes to a page by the menu. */
  async menu(name) {
    await this.page.getByRole("navigation", { name: "Main" }).getByRole("link", { name, exact: true }).click();
    await this.heading(name);
  }

  heading(name) {
    return this.page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
  }

  /** The dialogue that is open. */
  dialog(name) {
    return this.page.getByRole("dialog", { name });
  }

  /** A field by its label, in a dialogue. */
  field(dialog, name) {
    return dialog.getByRole("textbox", { name, exact: true });
  }

  button(within, name) {
    return within.getByRole("button", { name, exact: true });
  }

  row(name) {
    return this.page.getByRole("row").filter({ has: this.page.getByRole("rowheader").filter({ hasText: name }) });
  }

  /** Waits for the words of an outcome. */
  async says(within, words) {
    await within.getByText(words).first().waitFor();
  }

  /** What the page, as it is now, does wrong by axe's rules; serious and critical alone. */
  async axe(name) {
    if (!(await this.page.evaluate(() => "axe" in window))) await this.page.evaluate(AXE);
    const { violations } = await this.page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
    for (const { id, impact, help, nodes } of violations) {
      const line = `${name}: ${impact} ${id}: ${help}: ${nodes.slice(0, 3).map((it) => it.html.slice(0, 160)).join(" | ")}`;
      if (["serious", "critical"].includes(impact)) this.faults.push(line);
      else console.log(`    (${line})`);
    }
    this.checked += 1;
  }

  /** Looks at what is open, light and dark, wide and narrow: axe, width, and a picture with `part` in it. */
  async look(name, part) {
    for (const width of [1280, 360]) {
      for (const scheme of ["light", "dark"]) {
        await this.page.setViewportSize({ width, height: 900 });
        await this.page.emulateMedia({ colorScheme: scheme });
        await this.settled();
        await part?.scrollIntoViewIfNeeded();
        const wide = await this.page.evaluate(() => document.documentElement.scrollWidth);
        if (wide > width) this.faults.push(`${name} is ${wide} wide in ${width}`);
        await this.axe(`${name}, ${scheme}, ${width}`);
        await this.picture(`${name}-${scheme}-${width}`);
      }
    }
    await this.page.setViewportSize({ width: 1280, height: 900 });
    await this.page.emulateMedia({ colorScheme: "light" });
  }

  /** Until nothing is being loaded. */
  async settled() {
    await this.page.waitForFunction(() => !document.querySelector(".spinner, [aria-busy='true']"));
  }

  async picture(name) {
    if (!process.env.PICTURES) return;
    mkdirSync(process.env.PICTURES, { recursive: true });
    const open = await this.page.getByRole("dialog").count();
    await this.page.screenshot({ path: join(process.env.PICTURES, `${name}.png`), fullPage: !open });
  }
}
