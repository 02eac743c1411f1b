/**
 * Ids and randomness. Owns: the only source of random bytes of the engine.
 * Never: secrets or tokens; those are `engine/access`.
 */
import type { Clock } from "./clock.ts";

/** What an id names; the prefix makes a stray id readable in a log. */
export type IdPrefix = "run" | "cmd" | "sig" | "req" | "wrk" | "inc" | "eff";

/** Makes ids; tests pass one that counts. */
export interface Ids {
  /** A new id, `prefix_` + 26 characters: 10 of time and 16 random, so that ids sort by time of making. */
  next(prefix: IdPrefix): string;
  /** A number in [0, 1), for jitter. */
  random(): number;
}

/** Crockford's base 32: no I, L, O, U, so that an id can be read aloud. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

/**
 * Ids of the form that ULID describes (https://github.com/ulid/spec), in lower case.
 *
 * @example
 * ```ts
 * import { systemClock } from "./clock.ts";
 * const ids = systemIds(systemClock);
 * if (!/^run_[0-9a-z]{26}$/.test(ids.next("run"))) throw new Error("not an id");
 * ```
 */
export function systemIds(clock: Clock): Ids {
  return {
    next: (prefix) => `${prefix}_${encodeTime(clock.now())}${encodeRandom()}`,
    random: () => Math.random(),
  };
}

function encodeTime(at: number): string {
  let text = "";
  for (let i = 0, rest = at; i < 10; i++, rest = Math.floor(rest / 32)) text = ALPHABET[rest % 32] + text;
  return text;
}

function encodeRandom(): string {
  let text = "";
  for (const byte of crypto.getRandomValues(new Uint8Array(16))) text += ALPHABET[byte % 32];
  return text;
}
