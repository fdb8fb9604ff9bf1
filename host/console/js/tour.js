// How far the first steps are: a password of one's own, an endpoint, a rule. Over when there is a
// rule, or when somebody says so.

import { get, harbor, list, v1 } from "./api.js";
import { useLoad } from "./load.js";

const OVER = "portolan-tour-over";

export const isOver = () => localStorage.getItem(OVER) === "yes";
export const setOver = () => localStorage.setItem(OVER, "yes");

/** `{ initial, endpoints, rules }`: whether the password is the first one, and how many there are. */
export async function progress(session, signal) {
  const [users, endpoints, rules] = await Promise.all([
    session.kind === "user" ? get(v1("/users"), {}, signal) : [],
    list(v1("/endpoints"), { page_size: 1 }, signal),
    list(harbor("/replication/policies"), { page_size: 1 }, signal),
  ]);
  const own = users.find((it) => it.name === session.name);
  // A user changes with the password, and with the role, which administrators rarely change.
  return { initial: Boolean(own && own.created === own.updated), endpoints: endpoints.total, rules: rules.total };
}

/** Whether an administrator still has to be led: `undefined` as long as that is not known. */
export function useTour(session, path) {
  const asks = session.is("admin") && !isOver();
  const state = useLoad((signal) => (asks ? progress(session, signal) : Promise.resolve(undefined)), [asks, asks && path]);
  if (!asks || state.error) return false;
  return state.data ? state.data.rules === 0 : undefined;
}
