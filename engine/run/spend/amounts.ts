/**
 * What attempts use, as sums. Owns: the arithmetic of spend and reservations, and what of a usage is not known. Pure;
 * all amounts are whole numbers.
 *
 * E4 What is not known is counted as unknown, or at the estimate that was reserved for it; never as 0.
 */
import { type Dimension, DIMENSIONS, type Limits } from "../../notebook/spend/limits.ts";
import type { Usage } from "../event.ts";

/** An amount of each dimension; absent is 0. `usdMicros: null`: it costs something, and nobody knows what. */
export interface Amounts {
  tokens?: number;
  usdMicros?: number | null;
  ms?: number;
  calls?: number;
}

/** What was used so far. */
export interface Spent {
  tokens: number;
  usdMicros: number;
  ms: number;
  calls: number;
  /** Calls of which the tokens, or the price, are not known and which are not in the sum. */
  unknown?: { tokens?: number; usdMicros?: number };
}

/** One budget in a run: its own or that of one of its cells. */
export interface Scope {
  limits?: Limits;
  spent?: Spent;
  reserved?: Amounts;
}

/** Nothing used yet. */
export function nothing(): Spent {
  return { tokens: 0, usdMicros: 0, ms: 0, calls: 0 };
}

/** A sum with an amount more, or less for -1. */
export function plus(sum: Amounts, amounts: Amounts, sign: 1 | -1 = 1): Amounts {
  const result: Amounts = {};
  for (const dimension of DIMENSIONS) {
    const value = (sum[dimension] ?? 0) + sign * (amounts[dimension] ?? 0);
    if (value !== 0) result[dimension] = value;
  }
  return result;
}

/** What a call is known to have used; `unknown` names what is not. */
export interface Used {
  amounts: Amounts;
  unknown: Dimension[];
}

/**
 * What an attempt has used by its `usage`, which is the sum of its calls so far.
 *
 * @param estimate what was reserved for its last call: stands in for what the provider does not tell
 * @param counted what of the attempt is in the sums already, so that an estimate comes on top of it
 */
export function usedBy(usage: Usage, estimate: Amounts | undefined, counted: Amounts = {}): Used {
  const { inputTokens, outputTokens, usdMicros } = usage;
  const amounts: Amounts = { calls: usage.calls ?? 1 };
  const unknown: Dimension[] = [];
  const guessed = (dimension: "tokens" | "usdMicros") => {
    const guess = estimate?.[dimension];
    if (typeof guess !== "number") return void unknown.push(dimension);
    amounts[dimension] = (counted[dimension] ?? 0) + guess;
  };
  if (inputTokens !== undefined && outputTokens !== undefined) amounts.tokens = inputTokens + outputTokens;
  else guessed("tokens");
  if (usdMicros !== undefined) amounts.usdMicros = usdMicros;
  else if (amounts.tokens === undefined || inputTokens === undefined || outputTokens === undefined) {
    guessed("usdMicros");
  } else unknown.push("usdMicros");
  return { amounts, unknown };
}

/** Adds what was used to a sum, which is changed. */
export function add(spent: Spent, { amounts, unknown }: Used): void {
  for (const dimension of DIMENSIONS) spent[dimension] += amounts[dimension] ?? 0;
  for (const dimension of unknown) {
    if (dimension !== "tokens" && dimension !== "usdMicros") continue;
    spent.unknown = { ...spent.unknown, [dimension]: (spent.unknown?.[dimension] ?? 0) + 1 };
  }
}

/**
 * The first dimension in which a scope has no room for what is wanted besides what is spent and reserved; nothing if all
 * fits. What costs nothing fits also where more was spent than the limit. An unknown price fits no limit in dollars.
 */
export function lacking({ limits, spent, reserved }: Scope, want: Amounts): Dimension | undefined {
  if (limits === undefined) return undefined;
  for (const dimension of DIMENSIONS) {
    const limit = limits[dimension];
    const wanted = want[dimension];
    if (limit === undefined || wanted === undefined || wanted === 0) continue;
    if (wanted === null) return dimension;
    if ((spent?.[dimension] ?? 0) + (reserved?.[dimension] ?? 0) + wanted > limit) return dimension;
  }
}

/** Part of a limit from which on people are warned (EN-1104). */
export const WARN_AT = 0.8;

/** The dimensions of a scope that are nearly used up, of which nobody was warned before. */
export function nearlyUsed(
  { limits = {}, spent }: Scope,
  warned: readonly Dimension[] = [],
  warnAt = WARN_AT,
): Dimension[] {
  return DIMENSIONS.filter((dimension) => {
    const limit = limits[dimension];
    return limit !== undefined && !warned.includes(dimension) && (spent?.[dimension] ?? 0) >= limit * warnAt;
  });
}
