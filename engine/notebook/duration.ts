/**
 * Spans of time as a notebook writes them. Owns: the units. Never: which spans a key allows.
 */
import type { Json } from "../base/json.ts";

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const DURATION = /^(\d{1,9})(ms|s|m|h|d)$/;

/** What a duration looks like, for messages. */
export const DURATION_FORM = "a duration such as 500ms, 30s, 10m, 2h or 2d";

/**
 * Milliseconds of `500ms 30s 10m 2h 2d`. The number 0 and the text `0` are 0; any other number without a unit is not a
 * duration.
 *
 * @returns `undefined` if the value is not a duration
 *
 * @example
 * ```ts
 * if (durationMs("10m") !== 600_000 || durationMs(0) !== 0) throw new Error("not read");
 * if (durationMs("10") !== undefined || durationMs(10) !== undefined) throw new Error("units are required");
 * ```
 */
export function durationMs(value: Json | undefined): number | undefined {
  if (value === 0 || value === "0") return 0;
  if (typeof value !== "string") return undefined;
  const match = DURATION.exec(value);
  if (match === null) return undefined;
  return Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
}
