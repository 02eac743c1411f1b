/**
 * How a step is tried, timed and given up, and how long what a run left is kept. Owns: reading `retry`, `timeout` and
 * `errors` of a checked header over those of the front matter, and its `retention`, with the defaults. Never: when the
 * next try is due, or when something is deleted.
 */
import { isObject, type Json, type JsonObject } from "../base/json.ts";
import { durationMs } from "./duration.ts";
import type { Cell, FrontMatter } from "./types.ts";

/** Categories of failure, which `retry.on` may name; the first five are tried again by default. */
export const FAILURE_CATEGORIES = [
  "network",
  "timeout",
  "rate_limited",
  "unavailable",
  "overloaded",
  "invalid_input",
  "invalid_output",
  "code_error",
  "auth",
  "not_found",
  "refused",
  "budget",
  "unknown",
] as const;

/** One of {@link FAILURE_CATEGORIES}. */
export type FailureCategory = typeof FAILURE_CATEGORIES[number];

/** Ways in which the wait between tries can grow. */
export const BACKOFFS = ["fixed", "linear", "exponential"] as const;

/** How the wait between tries is spread. */
export const JITTERS = ["none", "full", "equal"] as const;

/** What to do when a step fails for good; `retry` is `continue` with more tries. */
export const ERROR_POLICIES = ["stop", "continue", "retry"] as const;

/** Most tries that a step may have. */
export const MAX_ATTEMPTS = 20;

/** When and how often a failed attempt is followed by another. */
export interface RetryPolicy {
  /** All tries, the first included. 1 to 20. */
  attempts: number;
  backoff: typeof BACKOFFS[number];
  initialMs: number;
  factor: number;
  maxMs: number;
  jitter: typeof JITTERS[number];
  /** Categories that are tried again. */
  on: FailureCategory[];
}

/** What holds for a step, nothing left open. */
export interface StepPolicies {
  retry: RetryPolicy;
  /** Longest an attempt may take, in ms; 0 is no limit. */
  timeoutMs: number;
  errors: "stop" | "continue";
}

/** What a request says for every step of its run. It beats what the notebook says (EN-208). */
export interface PolicyOverrides {
  errors?: typeof ERROR_POLICIES[number];
  /** As `retry` of a cell, durations as text. */
  retry?: JsonObject;
  /** Longest an attempt may take, in ms; 0 is no limit. */
  timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 300_000;
/** Tries of a cell without `retry` where the policy is `errors: retry`. */
const ATTEMPTS_OF_RETRY = 4;

/**
 * The policies of a step. Field by field the request beats the cell, that the front matter, and that the defaults: exponential backoff
 * from 1 s by 2 up to 60 s, equal jitter, the five categories that may pass by themselves, 300 s for an attempt, `stop`.
 * With `errors: retry` a cell for which nothing else is said has 4 tries.
 *
 * @param kindAttempts tries of the cell's kind when nobody says
 * @param overrides what the request says
 *
 * @example
 * ```ts
 * import { parse } from "./parse.ts";
 * import { cellsOf } from "./types.ts";
 * const { notebook } = parse("---\nerrors: retry\n---\n~~~ts a\ntimeout: 10s\n---\n1\n~~~\n");
 * const policies = stepPolicies(cellsOf(notebook)[0]!, notebook.frontMatter, 1);
 * if (policies.retry.attempts !== 4 || policies.timeoutMs !== 10_000) throw new Error("not read");
 * ```
 */
export function stepPolicies(
  cell: Cell,
  frontMatter: FrontMatter,
  kindAttempts: number,
  overrides: PolicyOverrides = {},
): StepPolicies {
  const front = frontMatter.data;
  const errors = choice([overrides.errors, cell.header.errors, front.errors], ERROR_POLICIES) ?? "stop";
  const attempts = errors === "retry" ? ATTEMPTS_OF_RETRY : kindAttempts;
  return {
    retry: retryRule([overrides.retry ?? {}, objectOf(cell.header.retry), objectOf(front.retry)], attempts),
    timeoutMs: overrides.timeoutMs ?? stepTimeoutMs(cell, frontMatter) ?? DEFAULT_TIMEOUT_MS,
    errors: errors === "stop" ? "stop" : "continue",
  };
}

/** Longest an attempt at a cell may take as cell or front matter say, in ms, 0 for no limit; `undefined` if neither does. */
export function stepTimeoutMs(cell: Cell, { data }: FrontMatter): number | undefined {
  return duration([cell.header.timeout, data.timeout]);
}

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
  const given = objectOf(data.retention);
  const found: Partial<Retention> = {};
  for (const key of Object.keys(DEFAULT_RETENTION) as (keyof Retention)[]) {
    const value = given[key];
    if (typeof value !== "number" || !(value >= 0 && value <= MOST[key])) continue;
    if (key !== "keepRuns" || Number.isInteger(value)) found[key] = value;
  }
  return Object.keys(found).length === 0 ? undefined : found;
}

/** The rule of the objects given, the first to name a field winning. */
function retryRule(given: JsonObject[], attempts: number): RetryPolicy {
  const values = (key: string) => given.map((retry) => retry[key]);
  const on = values("on").find(Array.isArray)?.flatMap((name) =>
    FAILURE_CATEGORIES.filter((known) => known === name)
  );
  return {
    attempts: number(values("attempts"), 1, MAX_ATTEMPTS) ?? attempts,
    backoff: choice(values("backoff"), BACKOFFS) ?? "exponential",
    initialMs: duration(values("initial")) ?? 1000,
    factor: number(values("factor"), 1, 100) ?? 2,
    maxMs: duration(values("max")) ?? 60_000,
    jitter: choice(values("jitter"), JITTERS) ?? "equal",
    on: on ?? ["network", "timeout", "rate_limited", "unavailable", "overloaded"],
  };
}

function objectOf(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}

function choice<T extends string>(values: (Json | undefined)[], known: readonly T[]): T | undefined {
  return values.map((value) => known.find((word) => word === value)).find((word) => word !== undefined);
}

function number(values: (Json | undefined)[], min: number, max: number): number | undefined {
  return values.find((value): value is number => typeof value === "number" && value >= min && value <= max);
}

function duration(values: (Json | undefined)[]): number | undefined {
  return values.map(durationMs).find((ms) => ms !== undefined);
}
