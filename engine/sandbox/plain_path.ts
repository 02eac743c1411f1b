/**
 * Names joined by dots, read without an evaluator. Owns: which expressions are so plain that reading own properties
 * gives exactly the language's result. Pure.
 * Never: a list on the way; what the language does there (mapping, flattening) is the evaluator's.
 */
import type { Ast } from "../expr/ast.ts";
import { isObject, type Json } from "../base/json.ts";

/** Keys by which the language tells its own functions from data; it does not look into an object that has one. */
const FUNCTION_MARKS = ["_jsonata_function", "_jsonata_lambda"];
const PLAIN_STEP = new Set(["type", "value", "position"]);
const PLAIN_PATH = new Set(["type", "steps"]);

/**
 * The value at a plain path, or `undefined` if the expression is not one or meets a list before its end.
 *
 * @returns an object whose `value` is absent where the language gives no value; the value is shared with `input`
 *
 * @example
 * ```ts
 * const name = (value: string) => ({ type: "name", value });
 * const found = readPlainPath({ type: "path", steps: [name("a"), name("b")] }, { a: { b: [1] } });
 * if (JSON.stringify(found) !== '{"value":[1]}') throw new Error("not found");
 * if (readPlainPath({ type: "path", steps: [name("a"), name("b")] }, { a: [{ b: 1 }] })) throw new Error("a list");
 * ```
 */
export function readPlainPath(ast: Readonly<Ast>, input: Json): { value?: Json } | undefined {
  if (ast.type !== "path" || ast.steps === undefined || !only(ast, PLAIN_PATH)) return undefined;
  let value = input;
  for (const step of ast.steps) {
    if (step.type !== "name" || typeof step.value !== "string" || !only(step, PLAIN_STEP)) return undefined;
    if (Array.isArray(value)) return undefined;
    if (!isObject(value)) return {};
    if (FUNCTION_MARKS.some((mark) => Object.hasOwn(value as object, mark))) return undefined;
    if (!Object.hasOwn(value, step.value)) return {};
    value = value[step.value]!;
  }
  return { value };
}

function only(node: object, keys: ReadonlySet<string>): boolean {
  return Object.keys(node).every((key) => keys.has(key));
}
