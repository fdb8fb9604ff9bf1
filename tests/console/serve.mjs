// The console from the files on disk, before a daemon that does the rest: what is edited is there
// when the page is loaded again, and nothing is built. Loopback only.
//   node tests/console/serve.mjs http://127.0.0.1:8282 [PORT]

import { existsSync, readFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const FILES = join(dirname(fileURLToPath(import.meta.url)), "../../host/console");
const KINDS = { ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const PREFIX = "/console/disk/";

/** Serves on a port, 0 for any; gives the address. The policy is the daemon's own. */
export async function serve(daemon, port = 0) {
  const page = await fetch(daemon);
  const policy = page.headers.get("content-security-policy");
  const server = createServer((asked, answer) => {
    const { pathname } = new URL(asked.url, daemon);
    if (pathname === "/") {
      answer.writeHead(200, { "content-type": "text/html; charset=utf-8", "content-security-policy": policy });
      answer.end(readFileSync(join(FILES, "index.html"), "utf8").replaceAll("{release}", "disk"));
      return;
    }
    if (pathname.startsWith(PREFIX)) return file(join(FILES, pathname.slice(PREFIX.length)), answer);
    pass(daemon, asked, answer);
  });
  await new Promise((ready) => server.listen(port, "127.0.0.1", ready));
  server.unref();
  return `http://127.0.0.1:${server.address().port}`;
}

function file(path, answer) {
  if (!existsSync(path)) return answer.writeHead(404).end();
  const headers = { "content-type": KINDS[extname(path)] ?? "text/plain", "cache-control": "no-store", "content-encoding": "gzip" };
  answer.writeHead(200, headers).end(gzipSync(readFileSync(path)));
}

/** On to the daemon, as if its own page had asked. */
function pass(daemon, asked, answer) {
  const { hostname, port, host, origin } = new URL(daemon);
  const headers = { ...asked.headers, host };
  if (headers.origin) headers.origin = origin;
  const passed = request({ hostname, port, method: asked.method, path: asked.url, headers }, (answered) => {
    answer.writeHead(answered.statusCode, answered.headers);
    answered.pipe(answer);
  });
  passed.on("error", (error) => answer.writeHead(502).end(error.message));
  answer.on("close", () => passed.destroy());
  asked.pipe(passed);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = await serve(process.argv[2] ?? "http://127.0.0.1:8282", Number(process.argv[3] ?? 0));
  console.log(`the console from disk is at ${server}/`);
  setInterval(() => {}, 1 << 30);
}
