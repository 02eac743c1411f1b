/**
 * Runs that are kept for ever. Owns: the pin of a run. Its head is its owner's to write, so the pin is a record beside it,
 * which any process may set; a deletion checks in its first commit that there is none.
 */
import { EngineError } from "../../base/errors.ts";
import { encodeRecord } from "../../store/codec.ts";
import { pinKey } from "../../store/keys.ts";
import type { Check, CommitResult, Key, Put, Store } from "../../store/store.ts";

/** Pins a run; pinning again changes nothing. */
export async function pin(store: Store, run: string): Promise<void> {
  const key = pinKey(run);
  await store.submit([{ key, value: encodeRecord(null) }], [key]);
}

/** Takes a pin away. Throws `session_lost` if the worker cannot write now. */
export async function unpin(
  run: string,
  claim: (checks: Check[], puts: Put[], deletes: Key[]) => Promise<CommitResult>,
): Promise<void> {
  if (await claim([], [], [pinKey(run)]) === "ok") return;
  throw new EngineError("session_lost", "The worker lost its session; send the command again");
}

/** Which of these runs are pinned. */
export async function isPinned(store: Store, runs: readonly string[]): Promise<boolean[]> {
  return (await store.get(runs.map(pinKey))).map((entry) => entry !== undefined);
}
