/**
 * Changing a record that is nobody's run's. Owns: that any process may, whoever works on the store, and that of two who
 * change it neither overwrites the other.
 */
import { EngineError } from "../../base/errors.ts";
import type { Ids } from "../../base/ids.ts";
import type { Entry, Key, Put, Store } from "../../store/store.ts";

const TTL_MS = 15_000;

/** What a change writes. */
export interface Change<T> {
  puts?: Put[];
  deletes?: Key[];
  result: T;
}

/**
 * Reads a record and writes what `change` says of it, again if somebody was faster. Without puts and deletes nothing is
 * written. What `change` throws ends it.
 */
export async function changeRecord<T>(
  { store, ids }: { store: Store; ids: Ids },
  key: Key,
  change: (entry: Entry | undefined) => Change<T> | Promise<Change<T>>,
): Promise<T> {
  const session = await store.openSession(ids.next("wrk"), TTL_MS, "");
  if (session === undefined) throw new EngineError("internal", "Two sessions drew one id");
  try {
    for (;;) {
      const [entry] = await store.get([key]);
      const { puts = [], deletes = [], result } = await change(entry);
      if (puts.length + deletes.length === 0) return result;
      const checks = [{ key, version: entry?.version ?? null }];
      const answer = await store.commit(session, checks, puts, deletes);
      if (answer === "ok") return result;
      if (answer === "fenced") throw new EngineError("session_lost", "Nothing was changed; try again");
    }
  } finally {
    await store.closeSession(session);
  }
}
