/**
 * Whether an expression of text and blocks is right, for an editor to ask at each change. Owns: which problem is told.
 * Never: evaluation.
 */
import { compile } from "../blocks/compile.ts";
import { parseFromText } from "../blocks/parse.ts";

/** What an editor shows. */
export interface Validity {
  valid: boolean;
  error?: string;
  suggestion?: string;
  /** Where in the text the problem begins, in UTF-16 code units. */
  position?: number;
}

/**
 * Tells the first problem of an expression, if it has one.
 *
 * @example
 * ```ts
 * const { valid, suggestion, position } = validate("a == b");
 * if (valid || suggestion !== "Use = to compare" || position !== 3) throw new Error("not told");
 * ```
 */
export function validate(expression: string): Validity {
  const { problems } = compile(parseFromText(expression));
  const first = problems.toSorted((a, b) => a.start - b.start)[0];
  if (first === undefined) return { valid: true };
  return {
    valid: false,
    error: first.message,
    ...(first.suggestion === undefined ? {} : { suggestion: first.suggestion }),
    position: first.start,
  };
}
