/**
 * What expressions in a cell's header come to. Owns: evaluating them as an expression cell would be, over the inputs of
 * the attempt; and what `when` makes of that. Never: which names they read (`engine/graph/references.ts`).
 */
import type { Json } from "../../base/json.ts";
import { type Attempt, failed, type Kinds, type Outcome } from "../../kinds/kind.ts";

/** The value of an expression, null for none; or how the attempt ends without one. */
export async function headerValue(
  kinds: Kinds,
  attempt: Attempt,
  key: "when" | "each",
  expression: string,
): Promise<{ ok: true; value: Json } | { ok: false; outcome: Outcome }> {
  const kind = kinds.get("jsonata");
  if (kind === undefined) {
    return { ok: false, outcome: failed("unknown", `'${key}' cannot be evaluated here`) };
  }
  // The time that the cell's own work may take says nothing of this.
  const cell = { ...attempt.cell, kind: "jsonata", header: {}, source: expression } as const;
  const outcome = await kind.run({ ...attempt, cell });
  if (outcome.type === "succeeded") return { ok: true, value: outcome.value };
  if (outcome.type !== "failed") return { ok: false, outcome };
  const { problem } = outcome;
  return {
    ok: false,
    outcome: { ...outcome, problem: { ...problem, message: `'${key}': ${problem.message}` } },
  };
}

/** EN-811: how an attempt ends whose `when` is false or has no value; nothing if it may go on. */
export async function checkCondition(kinds: Kinds, attempt: Attempt): Promise<Outcome | undefined> {
  const { when } = attempt.cell.header;
  if (typeof when !== "string") return undefined;
  const found = await headerValue(kinds, attempt, "when", when);
  if (!found.ok) return found.outcome;
  return isTrue(found.value) ? undefined : { type: "declined" };
}

/** What a condition in an expression makes of a value: false, 0, nothing, and what is empty or holds only such. */
function isTrue(value: Json): boolean {
  if (Array.isArray(value)) return value.some(isTrue);
  if (typeof value === "object" && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}
