/**
 * Requests that are made once although they are sent twice (EN-202, AP-107). Owns: the records of their names, and for
 * how long a name is known. Never: what a request does.
 *
 * A name is kept for a day. Its key holds the day on which it was used, so that old ones lie together and a new request
 * of an old name stands beside them.
 */
import type { Millis } from "../../base/clock.ts";
import { EngineError } from "../../base/errors.ts";
import { encodeRecord } from "../../store/codec.ts";
import { requestKey } from "../../store/keys.ts";
import type { Key, Put, Store } from "../../store/store.ts";
import { readRequest } from "../records.ts";

/** How long a name is known. */
export const KEPT_MS = 86_400_000;

/** What is known of a name. */
export interface Named {
  /** What the first request of this name made; absent: this is the first. */
  made?: string;
  /** Keys that must be absent when the request's records are written, or another one of the same name was faster. */
  unless: Key[];
  /** The record of the name, to be written with what the request makes. */
  put(made: string): Put;
}

/**
 * Looks a name up.
 *
 * @param fingerprint hash of what the request asks for
 * @throws {EngineError} `idempotency_conflict` if the first request of this name asked for something else
 */
export async function named(store: Store, name: string, fingerprint: string, now: Millis): Promise<Named> {
  const day = Math.floor(now / KEPT_MS);
  const keys = [requestKey(day, name), requestKey(day - 1, name)];
  const entries = await store.get(keys);
  const records = entries.map((entry) => entry === undefined ? undefined : readRequest(entry));
  const first = records.find((record) => record !== undefined && record.at > now - KEPT_MS);
  if (first !== undefined && first.fingerprint !== fingerprint) {
    throw new EngineError(
      "idempotency_conflict",
      `This key was used for another request, which made ${first.made}. Send that one again, or use a new key`,
    );
  }
  return {
    ...(first === undefined ? {} : { made: first.made }),
    unless: keys.filter((_, i) => records[i] === undefined),
    put: (made) => ({ key: keys[0]!, value: encodeRecord({ made, fingerprint, at: now }) }),
  };
}
