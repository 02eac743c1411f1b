/**
 * JSONata text as something known: parsed, checked, its reads found. Owns: the limits on expression text, the messages
 * about it and the cache of parsed ones. Never: evaluation, which is a child process's work.
 *
 * J2 The library never sees text over the limits: it recurses on brackets, and copies the left side of `??` and `?:`.
 */
import jsonata from "jsonata";
import type { Place } from "../notebook/types.ts";
import type { Ast } from "./ast.ts";
import { FUNCTIONS, VOLATILE } from "./functions.ts";
import { type Reads, readsOf, type Reference } from "./references.ts";
import { lexemes, placeAt } from "./scan.ts";
import { suggestFunction, suggestSyntax } from "./suggest.ts";

/** Longest expression, in UTF-16 code units. */
export const MAX_EXPRESSION = 20_000;
/** Deepest nesting of brackets. */
export const MAX_BRACKETS = 100;
/** Most nodes that the copies of `??` and `?:` may make. */
const MAX_COPIED = 100_000;
/** Parsed expressions kept. */
const MAX_CACHED = 500;

/** What is wrong with an expression. Line and column count within its text, from 1. */
export interface ExpressionProblem extends Place {
  code:
    | "expression_empty"
    | "expression_too_long"
    | "expression_too_deep"
    | "expression_invalid"
    | "expression_eval"
    | "expression_unknown"
    /** Of a block; the reason is the whole sentence. */
    | "expression_block";
  /** For `expression_invalid` without the words around it; {@link explain} gives the sentence. */
  reason: string;
  suggestion?: string;
}

/** A parsed expression. Shared by all who parse the same text: never change one. */
export interface ParsedExpression {
  /** Absent if the text does not parse. */
  readonly ast?: Readonly<Ast>;
  readonly problems: readonly ExpressionProblem[];
  /** Names it reads from its input; empty if it does not parse. */
  readonly references: readonly Reference[];
  /** A function that it uses whose result changes from one time to the next, such as `now`. */
  readonly volatile?: string;
}

const cache = new Map<string, ParsedExpression>();

/**
 * Parses an expression. Equal text is parsed once while it is among the last 500 asked for.
 *
 * @example
 * ```ts
 * const good = parseExpression("[scout.claims[confidence > 0.8]]");
 * const bad = parseExpression("a = =");
 * if (good.references[0]?.name !== "scout" || good.references[0].port !== "claims") throw new Error("not found");
 * if (explain(bad.problems[0]!) === "") throw new Error("no words");
 * ```
 */
export function parseExpression(text: string): ParsedExpression {
  const known = cache.get(text);
  if (known !== undefined) {
    cache.delete(text);
    cache.set(text, known);
    return known;
  }
  const parsed = parse(text);
  cache.set(text, parsed);
  if (cache.size > MAX_CACHED) cache.delete(cache.keys().next().value!);
  return parsed;
}

/** Forgets all parsed expressions. */
export function clearCache(): void {
  cache.clear();
}

/**
 * A problem as a sentence.
 *
 * @param place where it stands, if not within the expression's own text
 */
export function explain(
  { code, reason, line, column, suggestion }: ExpressionProblem,
  place?: Place,
): string {
  if (code === "expression_invalid") {
    const at = place ?? { line, column };
    return `Invalid expression: ${reason} (line ${at.line}, column ${at.column})`;
  }
  return code === "expression_unknown" && suggestion?.startsWith("Did you mean")
    ? `${reason}. ${suggestion}`
    : reason;
}

function parse(text: string): ParsedExpression {
  const over = checkLimits(text);
  if (over !== undefined) return { problems: [over], references: [] };
  try {
    const ast = jsonata(text).ast() as Ast;
    const reads = readsOf(ast, text);
    const volatile = reads.variables.find(({ name }) => VOLATILE.has(name) && !reads.bound.has(name))?.name;
    const problems = checkNames(text, reads);
    return { ast, problems, references: reads.references, ...(volatile === undefined ? {} : { volatile }) };
  } catch (error) {
    return { problems: [syntaxProblem(text, error)], references: [] };
  }
}

function checkLimits(text: string): ExpressionProblem | undefined {
  const problem = (code: ExpressionProblem["code"], reason: string, offset = 0): ExpressionProblem => ({
    code,
    reason,
    ...placeAt(text, offset),
  });
  if (text.length > MAX_EXPRESSION) {
    return problem(
      "expression_too_long",
      `Expression is too long (${text.length} of ${MAX_EXPRESSION} characters)`,
    );
  }
  const deep = (offset: number) =>
    problem("expression_too_deep", `Expression is nested too deeply (limit ${MAX_BRACKETS})`, offset);
  // How many nodes the tree has up to here, by open bracket: in all, and since the last separator.
  const levels = [{ total: 0, operand: 0 }];
  let blank = true;
  const next = lexemes(text);
  for (let lexeme = next(); lexeme !== undefined; lexeme = next()) {
    const { type, start, end } = lexeme;
    if (type === "space" || type === "comment") continue;
    blank = false;
    const level = levels.at(-1)!;
    const value = text.slice(start, Math.min(end, start + 2));
    if (type === "open") {
      if (levels.length > MAX_BRACKETS) return deep(start);
      levels.push({ total: 0, operand: 0 });
    } else if (type === "close") {
      if (levels.length > 1) {
        levels.pop();
        levels.at(-1)!.operand += level.total + level.operand + 1;
      }
    } else if (type === "operator" && (value === "??" || value === "?:")) {
      level.total += 2 * level.operand + 1;
      level.operand = 0;
    } else if (type === "operator" && ",;:".includes(value)) {
      level.total += level.operand;
      level.operand = 0;
    } else {
      level.operand++;
    }
    const now = levels.at(-1)!;
    if (now.total + now.operand > MAX_COPIED) return deep(start);
  }
  return blank ? problem("expression_empty", "Empty expression") : undefined;
}

function syntaxProblem(text: string, error: unknown): ExpressionProblem {
  if (error instanceof RangeError) {
    return {
      code: "expression_too_deep",
      reason: "Expression is nested too deeply (limit 100)",
      ...placeAt(text, 0),
    };
  }
  const { message, position = 0, token } = error as { message?: string; position?: number; token?: unknown };
  const start = typeof token === "string" && text.slice(0, position).endsWith(token)
    ? position - token.length
    : position;
  return {
    code: "expression_invalid",
    reason: message ?? String(error),
    ...placeAt(text, Math.min(start, text.length)),
    suggestion: suggestSyntax(text),
  };
}

function checkNames(text: string, { variables, bound, plainCalls }: Reads): ExpressionProblem[] {
  const problems: ExpressionProblem[] = [];
  const add = (code: ExpressionProblem["code"], offset: number, reason: string, suggestion?: string) => {
    const place = placeAt(text, offset);
    if (problems.some((other) => other.line === place.line && other.column === place.column)) return;
    problems.push({ code, reason, ...place, ...(suggestion === undefined ? {} : { suggestion }) });
  };
  for (const { name, called, offset } of variables) {
    if (name === "eval") add("expression_eval", offset, "$eval is not available");
    else if (name.startsWith("__")) add("expression_unknown", offset, "Names beginning $__ are reserved");
    else if (name !== "$" && name !== "params" && !FUNCTIONS.has(name) && !bound.has(name)) {
      const what = called ? "function" : "variable";
      add("expression_unknown", offset, `Unknown ${what} $${name}`, suggestFunction(name));
    }
  }
  for (const { name, method, offset } of plainCalls) {
    const suggestion = method
      ? `Functions come first: $${FUNCTIONS.has(name) ? name : "map"}(items, …)`
      : FUNCTIONS.has(name)
      ? `Did you mean $${name}?`
      : suggestFunction(name);
    add("expression_unknown", offset, `Unknown function ${name}`, suggestion);
  }
  return problems.sort((a, b) => a.line - b.line || a.column - b.column);
}
