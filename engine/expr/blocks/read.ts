/**
 * An expression as it stands in a file, with or without blocks, as something known. Owns: from blocks to the text that
 * is evaluated, and the problems of both at their places. Never: evaluation.
 *
 * DF-401 Without a block it is plain JSONata. DF-304 Names beginning `$__` are the compiler's: what a person writes
 * with one is refused, what it wrote itself is not.
 */
import { type ExpressionProblem, type ParsedExpression, parseExpression } from "../expression.ts";
import { placeAt } from "../scan.ts";
import { compile } from "./compile.ts";
import { parseFromText } from "./parse.ts";

/** A parsed expression, and the text to evaluate. */
export interface ReadExpression extends ParsedExpression {
  /** Plain JSONata; the text itself if it has no block. */
  readonly text: string;
}

/**
 * Reads an expression. References of one with blocks stand where their name first does in it.
 *
 * @example
 * ```ts
 * const { text, references } = readExpression("items{{block:aggregate:sum:price}}");
 * if (text !== "$sum([(items).(price)])" || references[0]?.name !== "items") throw new Error("not compiled");
 * ```
 */
export function readExpression(text: string): ReadExpression {
  if (!text.includes("{{block:")) return { text, ...parseExpression(text) };
  const hybrid = parseFromText(text);
  if (hybrid.blockCount === 0) return { text, ...parseExpression(text) };
  const compiled = compile(hybrid);
  if (compiled.text === undefined) {
    const problems = compiled.problems.map(({ message, start, suggestion }): ExpressionProblem => ({
      code: "expression_block",
      reason: message,
      ...placeAt(text, start),
      ...(suggestion === undefined ? {} : { suggestion }),
    }));
    return { text, problems, references: [] };
  }
  const parsed = parseExpression(compiled.text);
  const references = parsed.references.map((reference) => ({
    ...reference,
    offset: Math.max(0, text.indexOf(reference.name)),
  }));
  return { ...parsed, text: compiled.text, problems: [], references };
}
