// Requests to the daemon's JSON API, and nothing else. A refusal becomes a `Refusal` whose message
// is the daemon's own sentence. Never keeps a password.

import { sentence } from "./format.js";

const CSRF = "portolan-csrf";
const OWN = "/api/portolan/v1";

/** Fired on `window` when a request is answered 401: whoever was logged in is no longer. */
export const SESSION_ENDED = "portolan-session-ended";

/** Why a request was refused: `status` is 0 where there was no answer at all. */
export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.name = "Refusal";
    this.status = status;
  }
}

/** `v1("/users")`: an address of Portolan's own API. */
export const v1 = (path) => OWN + path;
/** `harbor("/registries")`: an address of the API as Harbor has it. */
export const harbor = (path) => "/api/v2.0" + path;

/** An address with those parameters that are neither empty nor undefined. */
export function withQuery(path, params = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== null && value !== "") query.set(name, value);
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

/** A segment of a path: slashes and all. */
export const segment = encodeURIComponent;

export const get = async (path, params, signal) =>
  (await ask("GET", withQuery(path, params), undefined, signal)).json();

/** A page of a listing as Harbor's API has them: the rows, and how many there are in all. */
export async function list(path, params, signal) {
  const response = await ask("GET", withQuery(path, params), undefined, signal);
  const items = await response.json();
  return { items: items ?? [], total: Number(response.headers.get("x-total-count") ?? items.length) };
}

export const post = async (path, body, signal) => parsed(await ask("POST", path, body, signal));
export const put = async (path, body, signal) => parsed(await ask("PUT", path, body, signal));
export const remove = async (path) => parsed(await ask("DELETE", path));
export const text = async (path, params, signal) =>
  (await ask("GET", withQuery(path, params), undefined, signal)).text();
/** A file as the answer: for downloads. */
export const download = async (path, body) => (await ask("POST", path, body)).blob();

/** Logs in; gives `{name, role, kind}`. */
export async function logIn(username, password) {
  const session = await post(v1("/sessions"), { username, password });
  localStorage.setItem(CSRF, session.csrf);
  return session;
}

export async function logOut() {
  try {
    await remove(v1("/sessions/current"));
  } finally {
    localStorage.removeItem(CSRF);
  }
}

async function ask(method, path, body, signal) {
  const init = { method, signal, headers: { accept: "application/json" }, credentials: "same-origin" };
  if (method !== "GET") init.headers["x-portolan-csrf"] = localStorage.getItem(CSRF) ?? "";
  if (body instanceof Blob) {
    init.body = body;
  } else if (body !== undefined) {
    init.headers["content-type"] = "application/json";
    init.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, "The daemon does not answer. Is it running, and is this computer connected to it?");
  }
  if (response.ok) return response;
  throw await refusal(response, path);
}

async function refusal(response, path) {
  let message = "";
  try {
    message = (await response.json()).errors[0].message;
  } catch {
    message = `The daemon answered ${response.status} ${response.statusText}.`;
  }
  if (response.status === 401 && !path.endsWith("/sessions")) {
    window.dispatchEvent(new Event(SESSION_ENDED));
  }
  // Harbor's envelope says the name alone.
  if (response.status === 403 && !message.includes(" ")) {
    message = `${message} may not do this: it needs a role with more rights. Ask an administrator.`;
  }
  return new Refusal(response.status, inOurWords(message));
}

/** What the daemon says, as the console says it. */
export function inOurWords(message) {
  // What Harbor's API calls a policy is a rule here.
  const plain = message.replace(/^validation failure list:\n/, "").replace(/^policy /, "rule ")
    .replace(/\bthe policy `/g, "the rule `").replace(/\ba policy \(/g, "a rule (").replace(/ policies \(/g, " rules (")
    .replace("` is taken by another policy", "` is taken by another rule");
  return sentence(plain);
}

async function parsed(response) {
  const body = await response.text();
  const kind = response.headers.get("content-type") ?? "";
  return body && kind.startsWith("application/json") ? JSON.parse(body) : undefined;
}
