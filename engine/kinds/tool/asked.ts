/**
 * What a person has allowed an attempt. Owns: what is asked before a program starts and before a tool is called, and that
 * an answer holds for exactly what was asked (SE-1301, SE-1303, SE-1304). Never: believing what a server says of itself.
 *
 * A1 Only an approval by a signal allows anything; an operator who resumes the step does not.
 */
import { isObject, type Json, type JsonObject } from "../../base/json.ts";
import type { Attempt, Outcome } from "../kind.ts";
import { failed } from "../kind.ts";
import { APPROVE, conditionOf, REJECT } from "../wait/terms.ts";

/** What is asked about: that a server starts, or that a tool is called. */
export type Matter = "start" | "call";

/** Hashes of what was allowed, and of what is being asked. */
export interface Allowed {
  start?: string;
  call?: string;
  asked?: Matter;
  hash?: string;
}

/** What an attempt has been allowed so far, or how it ends because somebody said no. */
export function allowedSoFar(
  { saved, signals = [] }: Pick<Attempt, "saved" | "signals">,
): { ok: true; allowed: Allowed } | { ok: false; outcome: Outcome } {
  const { asked, hash, ...allowed } = readAllowed(saved);
  if (asked === undefined || hash === undefined) return { ok: true, allowed };
  const rejection = signals.find(({ name, type }) => name === REJECT && type === undefined);
  if (rejection !== undefined) {
    const note = isObject(rejection.payload) ? rejection.payload.note : undefined;
    const why = typeof note === "string" && note !== "" ? `: ${note}` : "";
    return { ok: false, outcome: failed("refused", `${rejection.source} rejected it${why}`, "tool_denied") };
  }
  const approved = signals.some(({ name, type }) => name === APPROVE && type === undefined);
  // What was asked and is another thing by now stays known, so that the question can say so.
  return { ok: true, allowed: approved ? { ...allowed, [asked]: hash } : allowed };
}

function readAllowed(saved: Json | undefined): Allowed {
  const given = isObject(saved) ? saved : {};
  const text = (key: string) => typeof given[key] === "string" ? { [key]: given[key] } : {};
  const asked = given.asked === "start" || given.asked === "call" ? { asked: given.asked as Matter } : {};
  return { ...text("start"), ...text("call"), ...text("hash"), ...asked };
}

/** Gives the slot back until somebody approves or rejects. */
export function ask(
  matter: Matter,
  hash: string,
  allowed: Allowed,
  question: { ask: string; context: JsonObject },
): Outcome {
  return {
    type: "suspended",
    wait: "approval",
    condition: conditionOf({ needed: 1 }),
    about: { ...question },
    saved: { ...allowed, asked: matter, hash },
  };
}
