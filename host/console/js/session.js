// Who is logged in, for every component below the shell.

import { createContext, useContext } from "./view.js";

const RANKS = ["viewer", "operator", "admin"];

export const Session = createContext({});

/** `{ name, role, kind, is(role), again(session) }`; `is` tells whether the role is at least that. */
export const useSession = () => useContext(Session);

/** Whether a role includes another. */
export const atLeast = (role) => (least) => RANKS.indexOf(role) >= RANKS.indexOf(least);
