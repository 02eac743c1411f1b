/**
 * What a value in a header may be. Owns: rules and how they are applied. Never: which key has which rule; that is
 * `keys.ts`.
 */
import { isObject, type Json, type JsonObject } from "../../base/json.ts";
import { DURATION_FORM, durationMs } from "../duration.ts";
import { didYouMean, nearest } from "../nearest.ts";
import { configProblem, type Report, shown } from "../problem.ts";
import type { Place } from "../types.ts";

/** What a value may be. */
export interface Rule {
  /** Ends the sentence "… must be". */
  expected: string;
  fits(value: Json): boolean;
  /** The whole message, where the plain sentence is not wanted. */
  message?: string;
  /** For an object: its keys. Absent: any. */
  keys?: Rules;
  /** For an object or a list: what each of its values may be. */
  each?: Rule;
}

/** Rules by key. */
export type Rules = Readonly<Record<string, Rule>>;

export const anything: Rule = { expected: "any value", fits: () => true };
export const text: Rule = { expected: "text", fits: (value) => typeof value === "string" };
export const yesOrNo: Rule = { expected: "true or false", fits: (value) => typeof value === "boolean" };
export const schema: Rule = {
  expected: "a JSON Schema",
  fits: (value) => isObject(value) || typeof value === "boolean",
};
export const duration: Rule = { expected: DURATION_FORM, fits: (value) => durationMs(value) !== undefined };

/** Text that is not blank. */
export function filled(message: string): Rule {
  return {
    expected: "text that is not blank",
    message,
    fits: (value) => typeof value === "string" && value.trim() !== "",
  };
}

/** One of the words. */
export function oneOf(...words: readonly string[]): Rule {
  return {
    expected: `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`,
    fits: (value) => words.includes(value as string),
  };
}

/** A number from `min` to `max`. */
export function number(min = -Infinity, max = Infinity, message?: string): Rule {
  const from = min === -Infinity ? "" : ` from ${min}`;
  return {
    expected: max === Infinity ? `a number${from}` : `a number${from} to ${max}`,
    ...(message === undefined ? {} : { message }),
    fits: (value) => typeof value === "number" && value >= min && value <= max,
  };
}

/** A whole number from `min` to `max`. */
export function whole(min: number, max = Infinity, message?: string): Rule {
  const rule = number(min, max, message);
  return {
    ...rule,
    expected: rule.expected.replace("a number", "a whole number"),
    fits: (value) => Number.isInteger(value) && rule.fits(value),
  };
}

/** Text of a pattern. */
export function matching(pattern: RegExp, expected: string): Rule {
  return { expected, fits: (value) => typeof value === "string" && pattern.test(value) };
}

/** A list whose every value fits. */
export function listOf(each: Rule, expected: string, max = Infinity): Rule {
  return { expected, fits: (value) => Array.isArray(value) && value.length <= max, each };
}

/** An object with these keys, or with any. */
export function object(keys?: Rules, expected = "keys and values"): Rule {
  return { expected, fits: isObject, ...(keys === undefined ? {} : { keys }) };
}

/** An object whose every value fits. */
export function mapOf(each: Rule, expected: string): Rule {
  return { expected, fits: isObject, each };
}

/** Either of two rules. */
export function either(one: Rule, other: Rule): Rule {
  return {
    expected: `${one.expected} or ${other.expected}`,
    fits: (value) => accepts(one, value) || accepts(other, value),
  };
}

/** Whether a value and everything in it fits. */
export function accepts(rule: Rule, value: Json): boolean {
  let good = rule.fits(value);
  applyRule(rule, value, [], { owner: "", placeOf: () => ({ line: 1, column: 1 }), open: true }, () => {
    good = false;
  });
  return good;
}

/** Whose values are checked. */
export interface Subject {
  /** As messages name it: a cell's name, or `front matter`. */
  owner: string;
  /** Name of the cell, if it is one's. */
  cell?: string;
  /** Where a key stands. */
  placeOf(path: readonly string[]): Place;
  /** Whether an unknown key at the top is only a problem if it is near to a known one. */
  open?: boolean;
}

/** Applies the rules to an object; `path` is how one gets to it from the subject. Unknown keys are warnings (ST-704). */
export function applyRules(
  rules: Rules,
  values: JsonObject,
  path: readonly string[],
  subject: Subject,
  report: Report,
): void {
  for (const [key, value] of Object.entries(values)) {
    const rule = Object.hasOwn(rules, key) ? rules[key] : undefined;
    if (rule === undefined) reportUnknown(rules, key, path, subject, report);
    else applyRule(rule, value, [...path, key], subject, report);
  }
}

function applyRule(
  rule: Rule,
  value: Json,
  path: readonly string[],
  subject: Subject,
  report: Report,
): void {
  if (!rule.fits(value)) {
    const message = rule.message ?? `${named(path, subject)} must be ${rule.expected}`;
    report(
      configProblem("value_invalid", subject.placeOf(path), message, {
        ...(subject.cell === undefined ? {} : { cell: subject.cell }),
        expected: rule.expected,
      }),
    );
    return;
  }
  if (rule.keys !== undefined && isObject(value)) applyRules(rule.keys, value, path, subject, report);
  if (rule.each !== undefined && typeof value === "object" && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      applyRule(rule.each, inner, [...path, key], subject, report);
    }
  }
}

function reportUnknown(
  rules: Rules,
  key: string,
  path: readonly string[],
  subject: Subject,
  report: Report,
): void {
  const near = nearest(key, Object.keys(rules));
  if (near === undefined && subject.open && path.length === 0) return;
  const owner = path.length === 0 && subject.cell === undefined
    ? subject.owner
    : `'${[...(subject.cell === undefined ? [] : [subject.owner]), ...path].map(shown).join(".")}'`;
  report(
    configProblem(
      "key_unknown",
      subject.placeOf([...path, key]),
      `Unknown key '${shown(key)}' in ${owner}${didYouMean(near)}`,
      {
        severity: "warning",
        ...(subject.cell === undefined ? {} : { cell: subject.cell }),
        ...(near === undefined ? {} : { expected: near }),
      },
    ),
  );
}

/** `'retry.attempts' of 'scout'`. */
function named(path: readonly string[], { owner, cell }: Subject): string {
  return `'${path.map(shown).join(".")}' of ${cell === undefined ? owner : `'${owner}'`}`;
}
