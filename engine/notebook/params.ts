/**
 * Values of params for a run. Owns: which value fits which param, and what text becomes for one.
 * Never: reading files; a `file` or `files` param is a path or a pattern here.
 */
import { canonicalJson, type Json, type JsonObject, parseJson } from "../base/json.ts";
import { configProblem, type ProblemDetail, shown } from "./problem.ts";
import type { Param, Problem } from "./types.ts";

/** What is wrong with a value. */
export interface ValueFault {
  code: string;
  message: string;
  expected: string;
}

/**
 * The values with which a run begins: those given, else defaults, else null for a param that is not required. Text given
 * for a number is converted if nothing is lost by it, `true` and `false` for a boolean, JSON text for `json` (DF-624).
 * Text for `json` that is no JSON is a string, unless it begins with `{`, `[` or `"`: then it is a problem.
 *
 * @param given values by name, from a form, the API or the command line
 * @returns a value for each param without a problem, and the problems (DF-622) at the params' places
 *
 * @example
 * ```ts
 * const n = { name: "n", type: "number" as const, required: true, max: 9, place: { line: 3, column: 3 } };
 * if (resolveParams([n], { n: "5" }).values.n !== 5) throw new Error("not converted");
 * if (resolveParams([n], {}).problems[0]?.message !== "Param 'n' is required") throw new Error("not required");
 * ```
 */
export function resolveParams(
  params: readonly Param[],
  given: JsonObject,
): { values: JsonObject; problems: Problem[] } {
  const values: JsonObject = {};
  const problems: Problem[] = [];
  const known = new Set(params.map((param) => param.name));
  for (const name of Object.keys(given)) {
    if (known.has(name)) continue;
    const expected = known.size === 0 ? "no params" : [...known].join(", ");
    problems.push(
      configProblem("param_unknown", { line: 1, column: 1 }, `Unknown param '${shown(name)}'`, { expected }),
    );
  }
  for (const param of params) {
    const found = Object.hasOwn(given, param.name) ? converted(param, given[param.name]!) : param.default;
    if (found instanceof Unread) {
      const message = `Param '${param.name}' must be a ${param.type}: ${found.reason}`;
      problems.push(configProblem("param_invalid", param.place, message, { expected: found.expected }));
      continue;
    }
    if (found === undefined && param.required) {
      const detail: ProblemDetail = { expected: wanted(param) };
      problems.push(configProblem("param_missing", param.place, `Param '${param.name}' is required`, detail));
      continue;
    }
    const fault = found === undefined ? undefined : valueFault(param, found);
    if (fault === undefined) values[param.name] = found ?? null;
    else problems.push(configProblem(fault.code, param.place, fault.message, { expected: fault.expected }));
  }
  return { values, problems };
}

/** What is wrong with a value of the param's own type, if anything. No conversion: text is no number here. */
export function valueFault(param: Param, value: Json): ValueFault | undefined {
  const { name, type, min, max } = param;
  if (!ofType(param, value)) {
    const expected = wanted(param);
    return { code: "param_invalid", message: `Param '${name}' must be ${expected}`, expected };
  }
  if ((type === "file" || type === "files") && typeof value === "string" && leadsOut(value)) {
    const expected = "a relative path without .. that stays below the workspace";
    return { code: "param_invalid", message: `Param '${name}' must be ${expected}`, expected };
  }
  if (typeof value === "number" && (value < (min ?? value) || value > (max ?? value))) {
    const range = min === undefined
      ? `at most ${max}`
      : max === undefined
      ? `at least ${min}`
      : `between ${min} and ${max}`;
    return { code: "param_invalid", message: `Param '${name}' must be ${range}`, expected: range };
  }
  const choices = param.enum;
  if (choices !== undefined && !choices.some((choice) => canonicalJson(choice) === canonicalJson(value))) {
    const list = choices.map((choice) => typeof choice === "string" ? choice : JSON.stringify(choice)).join(
      ", ",
    );
    return { code: "param_invalid", message: `Param '${name}' must be one of ${list}`, expected: list };
  }
  return undefined;
}

/** A param's type at the end of "must be". */
function wanted({ type }: Param): string {
  return type === "boolean" ? "true or false" : `a ${type}`;
}

/** Whether a path or pattern names something outside the folder it is relative to. */
function leadsOut(path: string): boolean {
  return /^(?:[/\\]|[A-Za-z]:)/.test(path) || path.split(/[/\\]/).includes("..");
}

function ofType({ type }: Param, value: Json): boolean {
  if (type === "json") return true;
  if (type === "number") return typeof value === "number";
  if (type === "boolean") return typeof value === "boolean";
  return typeof value === "string";
}

/** Text that begins as JSON and is none: it was meant to be a value and not a text. */
class Unread {
  readonly expected = "JSON, or text that does not begin with {, [ or a double quote";

  constructor(readonly reason: string) {}
}

/** Text as the value of the param's type that it says exactly; anything else, and text that says none, as it is. */
function converted({ type }: Param, value: Json): Json | undefined | Unread {
  if (typeof value !== "string") return value;
  if (type === "number") return exactNumber(value) ?? value;
  if (type === "boolean") return value === "true" ? true : value === "false" ? false : value;
  if (type !== "json") return value;
  const read = parseJson(value);
  if (read.ok) return read.value;
  return /^\s*[{["]/.test(value) ? new Unread(read.reason) : value;
}

/** The number that a decimal text says, if a number can hold every digit of it. */
function exactNumber(text: string): number | undefined {
  if (text.length > 400 || !DECIMAL.test(text)) return undefined;
  const number = Number(text);
  return Number.isFinite(number) && digitsOf(text) === digitsOf(String(number)) ? number : undefined;
}

const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

/** One text for all ways to write a decimal number: sign, digits without outer zeros, exponent of the last digit. */
function digitsOf(text: string): string {
  const [mantissa, exponent = "0"] = text.toLowerCase().split("e");
  const [whole, fraction = ""] = mantissa!.replace(/^[+-]/, "").split(".");
  const digits = (whole + fraction).replace(/^0+/, "");
  const significant = digits.replace(/0+$/, "");
  if (significant === "") return "0";
  const last = Number(exponent) - fraction.length + digits.length - significant.length;
  return `${text.startsWith("-") ? "-" : ""}${significant}e${last}`;
}
