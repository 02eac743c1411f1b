/**
 * Text and blocks to plain JSONata. Owns: the place of a block, what it takes from its left, and where a problem of the
 * compiled text came from. Never: evaluation.
 *
 * K2 What compiles, parses. Whatever does not has a problem at its block or at its place in the text.
 * K3 A block binds tighter than any operator: it takes the whole path on its left and nothing else.
 */
import { explain, type ExpressionProblem, parseExpression } from "../expression.ts";
import { isOperand, lexemes, placeAt } from "../scan.ts";
import {
  AGGREGATES,
  type BlockProblem,
  type BlockSpec,
  type HybridExpression,
  OPERATIONS,
  titleOf,
} from "./model.ts";
import { markerOf } from "./parse.ts";

/** Compiled text, or why there is none. */
export interface Compiled {
  text?: string;
  problems: BlockProblem[];
}

/** A piece of the compiled text: from the person's text (`at`), from a block's config (`block`), or ours. */
interface Part {
  text: string;
  at?: number;
  block?: number;
  blank?: boolean;
}

/** A block's own place in `rawText`. */
interface Spot {
  spec: BlockSpec;
  start: number;
  end: number;
}

/** A block in JSONata, behind its left path; without one, in operand place. */
type Rule = (left: Part[] | undefined) => Part[];

/** They go on with a path and do not end it. */
const PATH = new Set([".", "@", "#", "^"]);
/** One character of a text: a surrogate pair, or any one code unit. */
const CHARACTER = String.raw`/[\uD800-\uDBFF][\uDC00-\uDFFF]|[\s\S]/`;

/**
 * Compiles an expression.
 *
 * @returns its JSONata, unless there are problems
 *
 * @example
 * ```ts
 * import { parseFromText } from "./parse.ts";
 *
 * const { text } = compile(parseFromText("1 + items{{block:aggregate:sum:price}} * 2"));
 * if (text !== "1 + $sum([(items).(price)]) * 2") throw new Error("not as told");
 * ```
 */
export function compile(expression: HybridExpression): Compiled {
  const problems = [...expression.problems];
  const assembly = new Assembly();
  const spots: Spot[] = [];
  let at = 0;
  for (const piece of expression.content) {
    if (piece.type === "text") {
      assembly.text(piece.text, at);
      at += piece.text.length;
      continue;
    }
    const spot = { spec: piece, start: at, end: at + markerOf(piece).length };
    const number = spots.push(spot);
    at = spot.end;
    const problem = checkBlock(piece, number, spot);
    if (problem !== undefined) problems.push(problem);
    assembly.block(ruleOf(piece, number), number);
  }
  if (problems.length > 0) return { problems };
  const { parts } = assembly;
  const text = parts.map((part) => part.text).join("");
  for (const problem of parseExpression(text).problems) {
    const found = locate(problem, text, parts, spots, expression.rawText);
    if (found !== undefined) problems.push(found);
  }
  return problems.length > 0 ? { problems } : { text, problems };
}

/** Puts the parts of the compiled text together, from left to right. */
class Assembly {
  readonly parts: Part[] = [];
  /** By open bracket: the part with which the present operand begins. */
  #starts = [0];
  #last = "";
  #operand = false;

  text(text: string, offset: number): void {
    const next = lexemes(text, 0, this.#operand);
    for (let lexeme = next(); lexeme !== undefined; lexeme = next()) {
      const { type, start, end } = lexeme;
      const value = text.slice(start, end);
      const blank = type === "space" || type === "comment";
      this.parts.push({ text: value, at: offset + start, ...(blank ? { blank } : {}) });
      if (blank) continue;
      const before = this.#operand;
      this.#operand = isOperand(text, lexeme, before);
      if (type === "open") this.#starts.push(this.parts.length);
      else if (type === "close") {
        if (this.#starts.length > 1) this.#starts.pop();
      } else if (!this.#operand && !PATH.has(value)) {
        this.#starts[this.#starts.length - 1] = this.parts.length;
      }
      this.#last = type === "open" || type === "operator" ? value : "";
    }
  }

  block(rule: Rule, number: number): void {
    if (this.#last === "~>") {
      this.#add(
        [{ text: "function($__in){ " }, ...rule([{ text: "$__in" }]), { text: " }" }].map((part) => ({
          block: number,
          ...part,
        })),
      );
      return;
    }
    let start = this.#starts.at(-1)!;
    while (this.parts[start]?.blank) start++;
    const left = this.parts.splice(start);
    if (this.#last === ".") {
      const dot = left.findLastIndex((part) => !part.blank);
      if (dot > 0) left.splice(dot, 1);
    }
    const isPostfix = left.some((part) => !part.blank);
    if (isPostfix) { while (left.at(-1)?.blank && !left.at(-1)!.text.startsWith("/*")) left.pop(); }
    else this.parts.push(...left.splice(0));
    this.#add(rule(isPostfix ? left : undefined));
  }

  #add(parts: Part[]): void {
    this.parts.push(...parts);
    this.#operand = true;
    this.#last = "";
  }
}

function ruleOf({ blockType, config }: BlockSpec, block: number): Rule {
  const own = (text: string): Part => ({ text, block });
  const given = (left: Part[] | undefined): Part[] =>
    left === undefined ? [own("$")] : [own("("), ...left, own(")")];
  const at = (left: Part[] | undefined, path: string): Part[] =>
    left === undefined ? [own(`(${path})`)] : [...given(left), own(`.(${path})`)];
  return (left) => {
    switch (blockType) {
      case "field":
        return at(left, config.path);
      case "filter":
        return [own("(["), ...given(left), own(`[$boolean(${config.condition})]])`)];
      case "map":
        return [own("(["), ...given(left), own(`.(${config.expression})])`)];
      case "aggregate":
        return [
          own(`$${config.function}([`),
          ...(config.path.trim() === "" ? given(left) : at(left, config.path)),
          own("])"),
        ];
      case "transform": {
        const then = config.operation === "reverse"
          ? `$type($__in) = "string" ? $join($reverse([$match($__in, ${CHARACTER}).match])) : $reverse($__in)`
          : `$type($__in) = "array" ? [$__in.$${config.operation}($)] : $${config.operation}($__in)`;
        return [own("($__in := "), ...given(left), own(`; ${then})`)];
      }
      case "unknown":
        return [];
    }
  };
}

function checkBlock(spec: BlockSpec, block: number, { start, end }: Spot): BlockProblem | undefined {
  const name = `Block ${block} (${titleOf(spec)})`;
  const problem = (code: BlockProblem["code"], message: string, suggestion?: string): BlockProblem => ({
    code,
    message,
    start,
    end,
    block,
    ...(suggestion === undefined ? {} : { suggestion }),
  });
  const { blockType, config } = spec;
  if (blockType === "unknown") return problem("block_unknown", `Unknown block type: ${config.type}`);
  if (blockType === "transform") {
    return OPERATIONS.includes(config.operation)
      ? undefined
      : problem("block_invalid", `${name} has no operation '${config.operation}'`);
  }
  if (blockType === "aggregate" && !Object.hasOwn(AGGREGATES, config.function)) {
    return problem("block_invalid", `${name} has no function '${config.function}'`);
  }
  const [text, what] = blockType === "filter"
    ? [config.condition, "condition"]
    : blockType === "map"
    ? [config.expression, "expression"]
    : [config.path, "path"];
  if (blockType === "aggregate" && text.trim() === "") return undefined;
  // Names are judged in the whole, as a variable of the text around is known in the block; but `$__in` there is ours.
  const wrong = parseExpression(text).problems.find(({ code, reason }) =>
    code !== "expression_unknown" || reason.startsWith("Names beginning $__")
  );
  if (wrong === undefined) return undefined;
  return wrong.code === "expression_empty"
    ? problem("block_incomplete", `${name} has no ${what}`)
    : problem("block_invalid", `${name}: ${explain(wrong)}`, wrong.suggestion);
}

/** A problem of the compiled text, at the place that it came from. Our own `$__in` is none. */
function locate(
  problem: ExpressionProblem,
  text: string,
  parts: readonly Part[],
  spots: readonly Spot[],
  raw: string,
): BlockProblem | undefined {
  const offset = offsetAt(text, problem);
  let from = 0;
  let index = 0;
  while (index < parts.length - 1 && from + parts[index]!.text.length <= offset) {
    from += parts[index++]!.text.length;
  }
  const part = parts[index];
  const number = part?.block;
  if (number !== undefined && text.startsWith("$__in", offset)) return undefined;
  const suggestion = problem.suggestion === undefined ? {} : { suggestion: problem.suggestion };
  if (number !== undefined) {
    const { spec, start, end } = spots[number - 1]!;
    const message = `Block ${number} (${titleOf(spec)}): ${explain(problem, placeAt(raw, start))}`;
    return { code: "block_invalid", message, start, end, block: number, ...suggestion };
  }
  const start = (part?.at ?? 0) + Math.max(0, offset - from);
  return {
    code: "expression_invalid",
    message: explain(problem, placeAt(raw, start)),
    start,
    end: (part?.at ?? 0) + (part?.text.length ?? 0),
    ...suggestion,
  };
}

function offsetAt(text: string, { line, column }: { line: number; column: number }): number {
  let start = 0;
  for (let n = 1; n < line; n++) start = text.indexOf("\n", start) + 1;
  return start + column - 1;
}
