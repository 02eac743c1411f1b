/**
 * The kind `jsonata`: a cell whose value is that of an expression. Owns: what an attempt of it is.
 * Never: evaluation; that is `engine/sandbox/evaluator.ts`.
 */
import type { JsonObject } from "../base/json.ts";
import { stepTimeoutMs } from "../notebook/policy.ts";
import type { Evaluator } from "../sandbox/evaluator.ts";
import { displayOf } from "./display.ts";
import type { Attempt, Kind } from "./kind.ts";

const NO_VALUE = "The expression has no value, so the cell's value is null";
const CHECK_NAMES = "Check field names – they may not exist in your data";

/** Params among an attempt's inputs: what `$params` is in its expressions. */
export function paramsOf({ frontMatter, inputs }: Pick<Attempt, "frontMatter" | "inputs">): JsonObject {
  const names = frontMatter.params.map(({ name }) => name).filter((name) => Object.hasOwn(inputs, name));
  return Object.fromEntries(names.map((name) => [name, inputs[name]!]));
}

/** The kind. The `timeout` of cell or notebook, up to 60 s, is the expression's time limit; without one it is 5 s. */
export function jsonataKind({ evaluator }: { evaluator: Evaluator }): Kind {
  return {
    name: "jsonata",
    title: "Expression",
    description: "Selects and reshapes values with a JSONata expression",
    attempts: 1,
    evaluate: (evaluation) => evaluator.evaluate(evaluation),
    async run(attempt) {
      const { cell, inputs, startedAt, key, signal } = attempt;
      const timeoutMs = stepTimeoutMs(cell, attempt.frontMatter);
      const result = await evaluator.evaluate({
        expression: cell.source,
        input: { ...inputs },
        params: paramsOf(attempt),
        now: startedAt,
        seed: `${key}/${attempt.attempt}`,
        signal,
        ...(timeoutMs === undefined || timeoutMs === 0 ? {} : { timeoutMs }),
      });
      if (signal.aborted) return { type: "cancelled" };
      if (!result.ok) {
        const { category, code, message } = result;
        return { type: "failed", problem: { category, message, ...(code === undefined ? {} : { code }) } };
      }
      const { value } = result;
      if (value !== undefined) return { type: "succeeded", value, ...displayOf(value, cell) };
      const warning = {
        type: "quality",
        severity: "medium",
        message: NO_VALUE,
        suggestion: CHECK_NAMES,
      } as const;
      return { type: "succeeded", value: null, warnings: [warning] };
    },
  };
}
