/**
 * How long to wait before the next try (EN-405). Owns: the arithmetic. Pure.
 */
import type { RetryPolicy } from "../plan/types.ts";

/**
 * Milliseconds before try `tries + 1`: `initialMs`, `initialMs * tries` or `initialMs * factor ** (tries - 1)`, capped
 * at `maxMs`, then jitter: `full` draws from [0, d], `equal` from [d/2, d].
 *
 * @param tries tries made so far, 1 or more
 * @param draw a number in [0, 1)
 *
 * @example
 * ```ts
 * const policy = {
 *   attempts: 5, backoff: "exponential", initialMs: 100, factor: 2, maxMs: 1000, jitter: "none", on: [],
 * } as const;
 * const waits = [1, 2, 3, 4, 5].map((tries) => retryDelayMs({ ...policy, on: [] }, tries, 0));
 * if (waits.join() !== "100,200,400,800,1000") throw new Error(waits.join());
 * ```
 */
export function retryDelayMs(policy: RetryPolicy, tries: number, draw: number): number {
  const { backoff, initialMs, factor, maxMs, jitter } = policy;
  const growth = backoff === "fixed" ? 1 : backoff === "linear" ? tries : factor ** (tries - 1);
  const wait = Math.min(initialMs * growth, maxMs);
  if (jitter === "none") return Math.round(wait);
  return Math.round(jitter === "full" ? wait * draw : wait / 2 + (wait / 2) * draw);
}

const FIRST_RECOVERY_MS = 1_000;
const LONGEST_RECOVERY_MS = 60_000;

/**
 * Milliseconds before the attempt that follows the loss of `recoveries` in a row (EN-508): none after the first, then
 * 1 s, doubled with each. Without jitter, because the fold of a journal must come out the same for everyone.
 */
export function recoveryDelayMs(recoveries: number): number {
  return recoveries <= 1 ? 0 : Math.min(FIRST_RECOVERY_MS * 2 ** (recoveries - 2), LONGEST_RECOVERY_MS);
}
