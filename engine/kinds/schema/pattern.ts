/**
 * How long a text a pattern may be tried on. Owns: a bound on what the backtracking of a regular expression can cost,
 * because nothing can interrupt it once it runs. Never: matching.
 *
 * P1 The work for a text within the limit is bounded by about {@link BUDGET} steps, whatever the text.
 */
import { shown } from "../../notebook/problem.ts";

/** Longest pattern, in characters. */
const LONGEST_PATTERN = 200;
/** Highest count in `{n,m}`. */
const MOST_REPEATS = 1000;
const BUDGET = 2e7;
/** Shortest limit that is still of use; a pattern that allows less is refused. */
const LEAST_LIMIT = 64;
/** Longest text that any pattern is tried on. */
const LONGEST_TEXT = 100_000;

/** What trying a pattern can cost. */
export interface PatternCost {
  /** Longest text that it may be tried on, in UTF-16 code units. */
  limit: number;
  /** Most steps for a text of this length. */
  steps(length: number): number;
}

/** How a pattern may be used. */
export type PatternUse = { ok: true } & PatternCost | { ok: false; fault: string };

/**
 * The longest text that a pattern may be tried on, or why it may not be used. Refused are lookaround, references to
 * groups, and a repeated group that itself repeats or chooses, which is what takes exponential time. The time of what
 * is left is a power of the text's length: the more of its parts repeat, the lower the limit.
 *
 * @example
 * ```ts
 * const one = patternUse("^[a-z]+$"), three = patternUse("^[a-z]+-[0-9]+-[a-z]+$"), bad = patternUse("^(a+)+$");
 * if (!one.ok || !three.ok || bad.ok || one.limit <= three.limit) throw new Error("limits do not hold");
 * ```
 */
export function patternUse(pattern: string): PatternUse {
  if (pattern.length > LONGEST_PATTERN) {
    return { ok: false, fault: `A pattern is ${pattern.length} characters long, over ${LONGEST_PATTERN}` };
  }
  try {
    new RegExp(pattern, "u");
  } catch {
    return { ok: false, fault: `'${shown(pattern)}' is not a regular expression` };
  }
  if (/\(\?<?[=!]|\(\?[a-z-]+:|\\[1-9]|\\k/.test(pattern)) {
    return {
      ok: false,
      fault: `Pattern '${
        shown(pattern)
      }' uses lookaround, flags or a reference to a group, which are not allowed`,
    };
  }
  const cost = costOf(pattern);
  if (cost === undefined) {
    return { ok: false, fault: `Pattern '${shown(pattern)}' repeats a group that repeats or chooses` };
  }
  const power = Math.max(1, cost.unbounded + (pattern.startsWith("^") && !cost.choosesAtTop ? 0 : 1));
  const limit = Math.floor(Math.min(LONGEST_TEXT, (BUDGET / cost.ways) ** (1 / power)));
  return limit < LEAST_LIMIT
    ? { ok: false, fault: `Pattern '${shown(pattern)}' repeats in too many places` }
    : { ok: true, limit, steps: (length) => cost.ways * length ** power };
}

interface Cost {
  /** Parts that can take any number of characters. */
  unbounded: number;
  /** Ways in which all other parts can match, multiplied. */
  ways: number;
  choosesAtTop: boolean;
}

/** A token of a valid pattern: an escape, a class, the start of a group, a quantifier or another character. */
const TOKEN =
  /\\(?:[pPu]\{[^}]*\}|u[0-9a-fA-F]{4}|.)|\[(?:\\.|[^\]\\])*\]|\((?:\?(?::|<[^>]*>))?|[*+?]\??|\{\d+(?:,\d*)?\}\??|[^]/gu;

/** `undefined` if a group that repeats holds something that does not match in exactly one way. */
function costOf(pattern: string): Cost | undefined {
  const cost: Cost = { unbounded: 0, ways: 1, choosesAtTop: false };
  /** For each open group whether it repeats or chooses inside. */
  const open: boolean[] = [];
  let closed: boolean | undefined;
  for (const [token] of pattern.matchAll(TOKEN)) {
    const before = closed;
    closed = undefined;
    if (token.startsWith("(")) open.push(false);
    else if (token === ")") {
      closed = open.pop()!;
      if (closed && open.length > 0) open[open.length - 1] = true;
    } else if (token === "|") {
      cost.ways *= 2;
      if (open.length > 0) open[open.length - 1] = true;
      else cost.choosesAtTop = true;
    } else if (/^(?:[*+?]\??|\{\d)/.test(token)) {
      const { least, most } = countsOf(token);
      if (before === true && most > 1) return undefined;
      if (most !== Infinity && most > MOST_REPEATS || least > MOST_REPEATS) return undefined;
      if (most === Infinity) cost.unbounded++;
      else cost.ways *= most - least + 1;
      if (open.length > 0) open[open.length - 1] = true;
    }
  }
  return cost;
}

function countsOf(quantifier: string): { least: number; most: number } {
  const [first] = quantifier;
  if (first === "?") return { least: 0, most: 1 };
  if (first === "*" || first === "+") return { least: 0, most: Infinity };
  const [, least, comma, most] = /^\{(\d+)(,?)(\d*)\}/.exec(quantifier)!;
  return {
    least: Number(least),
    most: comma === "" ? Number(least) : most === "" ? Infinity : Number(most),
  };
}
