/**
 * What a cell or a run may use at most, as a notebook says it. Owns: the dimensions, their units, reading `limits` and
 * `onLimit` of a checked header. Never: what was used, or what happens at a limit.
 */
import { isObject, type Json, type JsonObject } from "../../base/json.ts";

/** What is counted: tokens of prompts and answers, millionths of a US dollar, running time in ms, calls of models. */
export const DIMENSIONS = ["tokens", "usdMicros", "ms", "calls"] as const;

/** One of {@link DIMENSIONS}. */
export type Dimension = typeof DIMENSIONS[number];

/** The most of each dimension, all whole numbers; one that is absent has no limit. */
export type Limits = { [D in Dimension]?: number };

/** What happens to a step for which a limit leaves no room. */
export const ON_LIMIT = ["pause", "fail", "stop"] as const;

/** One of {@link ON_LIMIT}: it waits until somebody raises the limit, it fails, or its whole run stops. */
export type OnLimit = typeof ON_LIMIT[number];

/** How people write the dimensions, and how many of ours one of theirs is. */
export const WRITTEN = [
  ["tokens", "tokens", 1],
  ["usd", "usdMicros", 1_000_000],
  ["minutes", "ms", 60_000],
  ["calls", "calls", 1],
] as const satisfies readonly (readonly [string, Dimension, number])[];

/** Largest that a limit may be in our units: sums of a few of them stay whole numbers. */
export const MOST_LIMIT = 1e15;

/**
 * Limits as people write them, `{ tokens, usd, minutes, calls }`, in our units, rounded down. What is no number from 0 on
 * counts as absent.
 *
 * @returns `undefined` if none is given
 *
 * @example
 * ```ts
 * const limits = readLimits({ tokens: 20000, usd: 0.5, minutes: 2 });
 * if (limits?.usdMicros !== 500_000 || limits.ms !== 120_000) throw new Error("not read");
 * if (readLimits({}) !== undefined) throw new Error("limits out of nothing");
 * ```
 */
export function readLimits(given: Json | undefined): Limits | undefined {
  if (!isObject(given)) return undefined;
  const found: Limits = {};
  for (const [written, dimension, unit] of WRITTEN) {
    const value = given[written];
    if (typeof value === "number" && value >= 0) found[dimension] = inUnits(value, unit);
  }
  return Object.keys(found).length === 0 ? undefined : found;
}

/** A dollar amount such as 0.29 has no exact number; its micros do. */
function inUnits(value: number, unit: number): number {
  return Math.min(Math.floor(Number((value * unit).toPrecision(15))), MOST_LIMIT);
}

/** Limits as people write them; null says that there is none any more. */
export type WrittenLimits = { [W in typeof WRITTEN[number][0]]?: number | null };

/**
 * A change of limits, as people write it, in our units; null stays null. Numbers are 0 or more.
 *
 * @example
 * ```ts
 * const change = readLimitChange({ usd: 0.29, tokens: null });
 * if (change.usdMicros !== 290_000 || change.tokens !== null || "ms" in change) throw new Error("not read");
 * ```
 */
export function readLimitChange(given: WrittenLimits): { [D in Dimension]?: number | null } {
  return Object.fromEntries(WRITTEN.flatMap(([written, dimension, unit]) => {
    const value = given[written];
    return value === undefined ? [] : [[dimension, value === null ? null : inUnits(value, unit)]];
  }));
}

/** Amounts in our units as people write them; the other way round. */
export function written(amounts: { [D in Dimension]?: number | null }): WrittenLimits {
  return Object.fromEntries(WRITTEN.flatMap(([name, dimension, unit]) => {
    const value = amounts[dimension];
    return value === undefined ? [] : [[name, value === null ? null : value / unit]];
  }));
}

/** What a checked header or front matter says of limits. */
export function limitsOf(data: JsonObject): { limits?: Limits; onLimit?: OnLimit } {
  const limits = readLimits(data.limits);
  const onLimit = ON_LIMIT.find((word) => word === data.onLimit);
  return { ...(limits === undefined ? {} : { limits }), ...(onLimit === undefined ? {} : { onLimit }) };
}

/** Of limits the lowest wins (EN-208), dimension by dimension. */
export function lowest(...all: (Limits | undefined)[]): Limits | undefined {
  const found: Limits = {};
  for (const limits of all) {
    for (const dimension of DIMENSIONS) {
      const value = limits?.[dimension];
      if (value !== undefined) found[dimension] = Math.min(value, found[dimension] ?? Infinity);
    }
  }
  return Object.keys(found).length === 0 ? undefined : found;
}
