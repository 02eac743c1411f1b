/**
 * Whether a quota lets one more begin. Owns: the sliding window, slots, and whose turn it is. Pure.
 *
 * Q2 Whoever holds a slot is counted until it is free, however long that takes; the window counts beginnings.
 */
import type { Millis } from "../../base/clock.ts";

/** What a quota allows: `max` beginnings in any `windowMs`, and `maxConcurrent` at a time; one of them or both. */
export interface QuotaRule {
  windowMs?: Millis;
  max?: number;
  maxConcurrent?: number;
}

/** What is known of a quota as one asks. */
export interface QuotaUse {
  now: Millis;
  /** When the latest of those in the window began, at most `max` of them, the oldest first. */
  begun: readonly Millis[];
  /** Slots that are held. */
  holders: number;
  /** Others who ask and came before. */
  ahead: number;
}

/**
 * Nothing if it may begin now. Else when it is worth asking again; `Infinity` where only the end of another tells.
 *
 * @example
 * ```ts
 * const rule = { windowMs: 1000, max: 2, maxConcurrent: 5 };
 * const at = (begun: number[], ahead = 0) => freeAt(rule, { now: 1500, begun, holders: 0, ahead });
 * if (at([600]) !== undefined) throw new Error("has room");
 * if (at([600, 1400]) !== 1600) throw new Error("when the first leaves the window");
 * if (at([600, 1400], 1) !== 2400) throw new Error("one is ahead");
 * ```
 */
export function freeAt({ windowMs, max, maxConcurrent }: QuotaRule, use: QuotaUse): Millis | undefined {
  const { now, begun, holders, ahead } = use;
  const full = maxConcurrent !== undefined && holders + ahead >= maxConcurrent;
  if (windowMs === undefined || max === undefined) return full ? Infinity : undefined;
  const over = begun.length + ahead - max;
  if (over < 0) return full ? Infinity : undefined;
  // Who is ahead goes in as the window moves on, and then stays in it for a whole window.
  const rounds = Math.floor(over / max);
  const leaves = begun[over % max] ?? now;
  const at = Math.max(leaves, now - windowMs) + windowMs * (rounds + 1);
  return full ? Math.max(at, now) : at;
}
