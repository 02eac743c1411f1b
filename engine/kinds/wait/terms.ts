/**
 * What an approval asks and of whom. Owns: the shape that the cell leaves with its waitpoint and the front doors read,
 * and who may decide. Never: drawing it.
 */
import { isObject, type Json, type JsonObject } from "../../base/json.ts";
import type { Condition } from "../../run/waits/types.ts";

/** What stands with the waitpoint of an approval. */
export interface ApprovalTerms {
  ask: string;
  context?: Json;
  /** What is approved; whoever decides may change it if there is a value or a schema. */
  value?: Json;
  schema?: JsonObject | boolean;
  /** Who may decide; absent: whoever may run things here. */
  deciders?: string[];
  /** How many different people have to approve. */
  needed: number;
  /** Whoever started the run may not decide. */
  twoPerson?: true;
}

/** Names of the signals with which an approval is decided. */
export const APPROVE = "approve";
export const REJECT = "reject";

/** Who an answer by a link comes from: the link, and nobody whose name is known. */
export const LINK = "link";

/** Reads terms that were stored; those of a newer version as far as they are known. */
export function readTerms(value: Json | undefined): ApprovalTerms {
  const given = isObject(value) ? value : {};
  const { ask, context, schema, deciders, needed, twoPerson } = given;
  return {
    ask: typeof ask === "string" ? ask : "",
    ...(context === undefined ? {} : { context }),
    ...(given.value === undefined ? {} : { value: given.value }),
    ...(isObject(schema) || typeof schema === "boolean" ? { schema } : {}),
    ...(Array.isArray(deciders) ? { deciders: deciders.filter((name) => typeof name === "string") } : {}),
    needed: typeof needed === "number" ? needed : 1,
    ...(twoPerson === true ? { twoPerson } : {}),
  };
}

/** One rejection, or as many different people who approve as are needed. */
export function conditionOf({ needed }: Pick<ApprovalTerms, "needed">): Condition {
  const approvals: Condition = {
    type: "count",
    n: needed,
    distinct: "sources",
    of: [{ type: "signal", name: APPROVE }],
  };
  return { type: "count", n: 1, distinct: "signals", of: [{ type: "signal", name: REJECT }, approvals] };
}

/**
 * Why somebody may not decide; nothing if they may. A link has no name, so that it serves neither for named deciders nor
 * for a second person.
 *
 * @example
 * ```ts
 * const terms: ApprovalTerms = { ask: "Go?", needed: 1, deciders: ["ann"], twoPerson: true };
 * if (mayNotDecide(terms, "ben", "cleo") !== "Only ann may decide this") throw new Error("ben is no decider");
 * if (mayNotDecide(terms, "ann", "ann") === undefined) throw new Error("the second person is another one");
 * if (mayNotDecide(terms, "ann", "ben") !== undefined) throw new Error("ann may");
 * ```
 */
export function mayNotDecide(
  { deciders, twoPerson }: ApprovalTerms,
  who: string,
  author: string,
): string | undefined {
  if (deciders !== undefined && !deciders.includes(who)) return `Only ${deciders.join(", ")} may decide this`;
  if (twoPerson && (who === author || who === LINK)) {
    return who === LINK
      ? "Two different people are needed, so that this is decided in the studio and not by a link"
      : "Whoever started the run may not decide this: it needs a second person";
  }
}
