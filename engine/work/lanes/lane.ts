/**
 * What holds for the runs of a lane (EN-1302). Owns: the rules, their limits and what each state means.
 * Never: which run is next; that is `stride.ts` and the ranks inside a lane.
 *
 * | state    | takes new runs | starts those it has |
 * | -------- | -------------- | ------------------- |
 * | open     | yes            | yes                 |
 * | paused   | yes            | no                  |
 * | draining | no             | yes                 |
 * | closed   | no             | no                  |
 *
 * What has begun goes on in every state.
 */

/** States of a lane. */
export const LANE_STATES = ["open", "paused", "draining", "closed"] as const;

/** Bounds of a weight. */
export const LEAST_WEIGHT = 0.01;
export const MOST_WEIGHT = 10_000;

/** The rules of a lane. */
export interface LaneRules {
  /** Its share of the starts among lanes that have runs ready, 0.01 to 10,000. */
  weight: number;
  /** Runs that all workers together have under way; absent: as many as they like. */
  maxRuns?: number;
  state: typeof LANE_STATES[number];
}

/** The rules of a lane of which nothing is said. */
export const OPEN_LANE: LaneRules = { weight: 1, state: "open" };

/**
 * Whether a lane takes new runs.
 *
 * @example
 * ```ts
 * if (takesRuns({ weight: 1, state: "draining" }) || !startsRuns({ weight: 1, state: "draining" })) throw new Error("not drained");
 * ```
 */
export function takesRuns({ state }: LaneRules): boolean {
  return state === "open" || state === "paused";
}

/** Whether runs of a lane start. */
export function startsRuns({ state }: LaneRules): boolean {
  return state === "open" || state === "draining";
}
