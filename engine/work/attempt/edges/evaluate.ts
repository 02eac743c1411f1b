/**
 * Expressions on edges. Owns: what they see besides their value. Never: the evaluator's limits.
 */
import type { JsonObject } from "../../../base/json.ts";
import type { Kinds } from "../../../kinds/kind.ts";
import type { Evaluate } from "./transform.ts";

/** An evaluator for the inputs of an attempt; each call draws its own random numbers (DF-302). */
export function evaluatorOn(
  kinds: Kinds,
  seed: string,
  given: { params: JsonObject; now: number; signal: AbortSignal },
): (input: string, ...what: Parameters<Evaluate>) => ReturnType<Evaluate> {
  let calls = 0;
  return async (input, expression, value, each = false) => {
    const kind = kinds.get("jsonata");
    if (kind?.evaluate === undefined) {
      return { ok: false, category: "unknown", message: "Expressions cannot be evaluated here" };
    }
    return await kind.evaluate({
      ...given,
      expression,
      // The language has no context without a value; null has no keys either.
      input: value ?? null,
      each,
      seed: `${seed}/${input}/${calls++}`,
    });
  };
}
