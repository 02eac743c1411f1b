/**
 * Making and ordering problems. Owns: their form. Never: the rules that find them.
 */
import type { Place, Problem } from "./types.ts";

/** What a rule says beyond place, code and message. `severity` is `error` unless told. */
export type ProblemDetail = Partial<Pick<Problem, "severity" | "cell" | "expected">>;

/** Takes a problem that was found. */
export type Report = (problem: Problem) => void;

/** A problem of the document's form: what is a cell, how it is named, how it is closed. */
export function structureProblem(
  code: string,
  place: Place,
  message: string,
  detail: ProblemDetail = {},
): Problem {
  return { code, severity: "error", type: "structure", message, ...detail, ...placeOf(place) };
}

/** A problem of a setting: a header key, a front matter key, a param. */
export function configProblem(
  code: string,
  place: Place,
  message: string,
  detail: ProblemDetail = {},
): Problem {
  return { code, severity: "error", type: "config", message, ...detail, ...placeOf(place) };
}

/** The problems in order of place; those of one place stay in the order in which they were found. */
export function inOrder(problems: readonly Problem[]): Problem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
}

const SHOWN_LENGTH = 60;

/**
 * Text from a file as a message may show it: on one line and short, whatever it was.
 *
 * @example
 * ```ts
 * if (shown("x".repeat(1000)).length > 70) throw new Error("too long for a sentence");
 * ```
 */
export function shown(text: string): string {
  const short = text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH).toWellFormed()}…` : text;
  // deno-lint-ignore no-control-regex -- control characters are what must not reach a message
  return short.replace(/[\u0000-\u001f\u007f\u2028\u2029]+/g, " ");
}

function placeOf({ line, column }: Place): Place {
  return { line, column };
}
