/**
 * How much one operation may hold. Owns: the numbers and the check of them.
 *
 * C4 An operation over a limit throws a `RangeError` that names it, before any write. All drivers hold the same limits,
 * so what passes on one passes on all.
 */
import { packKey } from "./pack_key.ts";
import type { Check, Key, Limits, Put } from "./store.ts";

/**
 * What Deno KV takes. Sizes: https://docs.deno.com/deploy/kv/ and the source of `ext/kv`, each tried on Deno 2.9.6 by
 * `tests/engine/store/limits_test.ts`. Checks: 100 in a file, 10 on a remote server, so 10.
 */
export const DENO_KV_LIMITS: Limits = {
  valueBytes: 65_536,
  oneKeyBytes: 2_048,
  keyBytes: 81_920,
  mutations: 1_000,
  checks: 10,
  commitBytes: 819_200,
};

/**
 * What the engine plans for, below {@link DENO_KV_LIMITS} by enough for a session's record, and for Deno KV's way of
 * counting some keys twice. The tenth check is the session's.
 */
export const LIMITS: Limits = {
  valueBytes: 60_000,
  oneKeyBytes: 1_900,
  keyBytes: 72 * 1024,
  mutations: 900,
  checks: 9,
  commitBytes: 700 * 1024,
};

/** Size of an operation, by the names of {@link Limits}. */
export type OperationSize = Pick<Limits, "keyBytes" | "mutations" | "checks" | "commitBytes">;

/** An operation as a driver gets it. */
export interface Operation {
  checks?: readonly Check[];
  puts?: readonly Put[];
  deletes?: readonly Key[];
}

/**
 * Measures an operation, so that a caller can tell what still fits. Sizes of parts add up.
 * Throws a `RangeError` for a single key or value that is over its limit, or a key that is not allowed.
 *
 * @example
 * ```ts
 * const size = measure({ puts: [{ key: ["run", "r1"], value: new Uint8Array(10) }] });
 * if (size.mutations !== 1 || size.commitBytes !== 10 + size.keyBytes) throw new Error("sizes do not add up");
 * ```
 */
export function measure({ checks = [], puts = [], deletes = [] }: Operation, limits = LIMITS): OperationSize {
  let keyBytes = 0;
  let valueBytes = 0;
  for (const { key } of checks) keyBytes += keySize(key, limits);
  for (const key of deletes) keyBytes += keySize(key, limits);
  for (const { key, value } of puts) {
    keyBytes += keySize(key, limits);
    within("valueBytes", value.length, limits, key);
    valueBytes += value.length;
  }
  return {
    keyBytes,
    mutations: puts.length + deletes.length,
    checks: checks.length,
    commitBytes: keyBytes + valueBytes,
  };
}

/** Throws a `RangeError` that names the limit, if the operation is over one. */
export function assertWithin(operation: Operation, limits = LIMITS): void {
  const size = measure(operation, limits);
  for (const name of ["checks", "mutations", "keyBytes", "commitBytes"] as const) {
    within(name, size[name], limits);
  }
}

/** Throws a `RangeError` for a key that is not allowed: empty, too long, or with a part that no key can have. */
export function assertKey(key: Key): void {
  keySize(key, LIMITS);
}

function keySize(key: Key, limits: Limits): number {
  if (key.length === 0) throw new RangeError("A key has no parts");
  const size = packKey(key).length;
  within("oneKeyBytes", size, limits, key);
  return size;
}

function within(name: keyof Limits, size: number, limits: Limits, key?: Key): void {
  if (size <= limits[name]) return;
  const place = key === undefined ? "" : ` at ${JSON.stringify(key).slice(0, 200)}`;
  throw new RangeError(`An operation is over ${name}, which is ${limits[name]}${place}: ${size}`);
}
