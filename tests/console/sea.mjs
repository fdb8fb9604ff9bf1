// A daemon and three registries between which it may sail, each in a temporary directory; all of
// them end with `close`.

import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createWriteStream, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serve } from "./serve.mjs";

export const FIRST_PASSWORD = "the first password";
export const USER = "alice";
export const SECRET = "s3cret";
const PATIENCE = 60_000;

/** `{ url, plain, other, sealed, api, close }`: the daemon, registries, and requests as admin. */
export async function start() {
  const folder = mkdtempSync(join(tmpdir(), "portolan-console-"));
  const children = [];
  const begin = (name, command, args, env) => {
    const log = createWriteStream(join(folder, `${name}.log`));
    const child = spawn(command, args, { env: { PATH: process.env.PATH, ...env } });
    child.stdout.pipe(log);
    child.stderr.pipe(log);
    children.push(child);
    return child;
  };
  certificate(folder);
  const registries = {};
  for (const [name, guarded] of [["plain", false], ["other", false], ["sealed", true]]) {
    const port = await freePort();
    writeFileSync(join(folder, `${name}.yml`), configuration(folder, name, port, guarded));
    begin(name, "docker-registry", ["serve", join(folder, `${name}.yml`)]);
    registries[name] = `${guarded ? "https" : "http"}://127.0.0.1:${port}`;
  }
  const daemon = begin("daemon", process.env.PORTOLAN, ["serve", "--listen", "127.0.0.1:0", "--data-dir", join(folder, "data")],
    { PORTOLAN_ADMIN_PASSWORD: FIRST_PASSWORD });
  const url = await listening(daemon);
  await eventually(() => fetch(`${registries.plain}/v2/`).then((it) => it.ok, () => false));
  for (const [repository, tag, seed] of [["tools/compass", "1.0", 1], ["tools/compass", "1.1", 2], ["tools/sextant", "2.1", 3]]) {
    await image(registries.plain, repository, tag, seed);
  }
  const close = async () => {
    for (const child of children) child.kill();
    await Promise.all(children.map((child) => child.exitCode ?? new Promise((end) => child.on("exit", end))));
    rmSync(folder, { recursive: true, force: true });
  };
  // For work on the console itself: what is on disk, not what was built.
  const front = process.env.CONSOLE_FROM_DISK ? await serve(url) : url;
  return { url: front, daemon: url, folder, ...registries, api: api(url), close };
}

/** Asks the daemon as the administrator; `password` may be changed. */
function api(url) {
  const ask = async (method, path, body) => {
    const pair = Buffer.from(`admin:${ask.password}`).toString("base64");
    const headers = { authorization: `Basic ${pair}`, "content-type": "application/json" };
    const response = await fetch(url + path, { method, headers, body: body && JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  };
  ask.password = FIRST_PASSWORD;
  return ask;
}

/** Waits until something holds. */
export async function eventually(holds) {
  const end = Date.now() + PATIENCE;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not within a minute: ${holds}`);
    await new Promise((wake) => setTimeout(wake, 50));
  }
}

function listening(daemon) {
  return new Promise((found, failed) => {
    let log = "";
    daemon.stderr.on("data", (chunk) => {
      log += chunk;
      const [, url] = /listening on (http:\S+)/.exec(log) ?? [];
      if (url) found(url);
    });
    daemon.on("exit", (code) => failed(new Error(`the daemon ended with ${code}:\n${log}`)));
  });
}

function certificate(folder) {
  execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "365", "-subj", "/CN=localhost",
    "-keyout", join(folder, "tls.key"), "-out", join(folder, "tls.crt"),
    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], { stdio: "ignore" });
  const line = execFileSync("htpasswd", ["-Bbn", USER, SECRET], { encoding: "utf8" });
  writeFileSync(join(folder, "htpasswd"), line);
}

/** JSON is YAML. */
function configuration(folder, name, port, guarded) {
  const tls = { certificate: join(folder, "tls.crt"), key: join(folder, "tls.key") };
  return JSON.stringify({
    version: "0.1",
    log: { level: "warn", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder, name) }, delete: { enabled: true } },
    http: { addr: `127.0.0.1:${port}`, ...(guarded ? { tls } : {}) },
    ...(guarded ? { auth: { htpasswd: { realm: "basic-realm", path: join(folder, "htpasswd") } } } : {}),
  });
}

const freePort = () => new Promise((found) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => found(port));
  });
});

const digestOf = (bytes) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

async function blob(base, repository, bytes) {
  const begun = await fetch(`${base}/v2/${repository}/blobs/uploads/`, { method: "POST" });
  const place = new URL(begun.headers.get("location"), base);
  place.searchParams.set("digest", digestOf(bytes));
  const headers = { "content-type": "application/octet-stream" };
  const put = await fetch(place, { method: "PUT", headers, body: bytes });
  if (!put.ok) throw new Error(`a blob was refused: ${put.status}`);
  return { digest: digestOf(bytes), size: bytes.length };
}

const OCI = "application/vnd.oci.image";

async function manifest(base, repository, reference, body) {
  const bytes = Buffer.from(JSON.stringify(body));
  const put = await fetch(`${base}/v2/${repository}/manifests/${reference ?? digestOf(bytes)}`, {
    method: "PUT", headers: { "content-type": body.mediaType }, body: bytes,
  });
  if (!put.ok) throw new Error(`a manifest was refused: ${put.status}`);
  return { mediaType: body.mediaType, digest: digestOf(bytes), size: bytes.length };
}

/** Pushes an image of one layer; without a tag it is one by its digest. */
export async function image(base, repository, tag, seed, architecture = "amd64") {
  const layer = Buffer.alloc(200_000 + seed * 1000, seed);
  const config = Buffer.from(JSON.stringify({ architecture, os: "linux", seed, rootfs: { type: "layers", diff_ids: [] } }));
  return manifest(base, repository, tag, {
    schemaVersion: 2, mediaType: `${OCI}.manifest.v1+json`,
    config: { mediaType: `${OCI}.config.v1+json`, ...(await blob(base, repository, config)) },
    layers: [{ mediaType: `${OCI}.layer.v1.tar`, ...(await blob(base, repository, layer)) }],
  });
}

/** Pushes an index of one image for each architecture. */
export async function index(base, repository, tag, seed, architectures) {
  const manifests = [];
  for (const architecture of architectures) {
    const child = await image(base, repository, undefined, seed + manifests.length, architecture);
    manifests.push({ ...child, platform: { os: "linux", architecture } });
  }
  return manifest(base, repository, tag, { schemaVersion: 2, mediaType: `${OCI}.index.v1+json`, manifests });
}
