/**
 * How long what a run left is kept. Owns: reading `retention` of the front matter, and the defaults.
 * Never: when something is deleted.
 */
import { isObject } from "../base/json.ts";
import type { FrontMatter } from "./types.ts";

/** What is kept of a notebook's ended runs (SG-110). */
export interface Retention {
  /** This many of its newest runs are kept, however old. */
  keepRuns: number;
  /** A run is kept for so many days after its end, however many there are. */
  keepDays: number;
  /** Its frames are kept for so many days after its end; values, problems and journal stay as long as the run. */
  keepFramesDays: number;
}

/** What holds where nobody says. */
export const DEFAULT_RETENTION: Retention = { keepRuns: 100, keepDays: 30, keepFramesDays: 7 };

/** Longest that may be asked for, a hundred years: a time of day must stay a number that a key can hold. */
export const MAX_KEEP_DAYS = 36_500;
/** Most runs of a notebook that may be asked for. */
export const MAX_KEEP_RUNS = 1_000_000;

const MOST: Retention = {
  keepRuns: MAX_KEEP_RUNS,
  keepDays: MAX_KEEP_DAYS,
  keepFramesDays: MAX_KEEP_DAYS,
};

/**
 * What the front matter says of retention; `undefined` if nothing.
 *
 * @example
 * ```ts
 * import { parse } from "./parse.ts";
 * const { notebook } = parse("---\nretention: { keepDays: 2 }\n---\n");
 * if (retentionOf(notebook.frontMatter)?.keepDays !== 2) throw new Error("not read");
 * ```
 */
export function retentionOf({ data }: FrontMatter): Partial<Retention> | undefined {
  const given = isObject(data.retention) ? data.retention : {};
  const found: Partial<Retention> = {};
  for (const key of Object.keys(DEFAULT_RETENTION) as (keyof Retention)[]) {
    const value = given[key];
    if (typeof value !== "number" || !(value >= 0 && value <= MOST[key])) continue;
    if (key !== "keepRuns" || Number.isInteger(value)) found[key] = value;
  }
  return Object.keys(found).length === 0 ? undefined : found;
}
