/**
 * What is known of a signal's payload without reading it. Owns: which of its fields a condition may match when the
 * payload itself is stored elsewhere.
 */
import { isObject, type Json, type JsonObject } from "../../base/json.ts";

const MOST_FIELDS = 32;
const MOST_CHARACTERS = 64;

/**
 * The plain fields of an object, short ones only: a record has little room.
 *
 * @example
 * ```ts
 * const facts = factsOf({ state: "paid", lines: [1, 2] });
 * if (facts?.state !== "paid" || facts.lines !== undefined) throw new Error("plain fields only");
 * ```
 */
export function factsOf(payload: Json): JsonObject | undefined {
  if (!isObject(payload)) return undefined;
  const plain = Object.entries(payload).filter(([key, value]) =>
    key.length <= MOST_CHARACTERS &&
    (typeof value === "string" ? value.length <= MOST_CHARACTERS : typeof value !== "object")
  );
  return Object.fromEntries(plain.slice(0, MOST_FIELDS));
}
