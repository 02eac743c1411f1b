/**
 * A store that tells a log how long each call took. Owns: those entries. Never: keys' values, which may be private.
 */
import type { Clock } from "../base/clock.ts";
import type { JsonObject } from "../base/json.ts";
import type { Log } from "../base/log.ts";
import type { Put, Store } from "./store.ts";

/** Wraps a store; the answers are the store's own. A list counts as one call, from its first entry to its last. */
export function observed(store: Store, log: Log, clock: Pick<Clock, "monotonic">): Store {
  async function timed<T>(
    name: string,
    metadata: JsonObject,
    call: () => Promise<T>,
    outcome: (result: T) => string = () => "ok",
  ): Promise<T> {
    const from = clock.monotonic();
    const write = (word: string) =>
      log.write({
        level: "debug",
        source: "engine",
        message: `store.${name} ${word}`,
        durationMs: clock.monotonic() - from,
        metadata,
      });
    try {
      const result = await call();
      write(outcome(result));
      return result;
    } catch (error) {
      write(`threw ${(error as Error).name}`);
      throw error;
    }
  }
  return {
    limits: store.limits,
    openSession: (worker, ttlMs, address) =>
      timed(
        "openSession",
        { worker },
        () => store.openSession(worker, ttlMs, address),
        (session) => session === undefined ? "taken" : "ok",
      ),
    renew: (session) =>
      timed(
        "renew",
        { worker: session.worker },
        () => store.renew(session),
        (stands) => stands ? "ok" : "fenced",
      ),
    closeSession: (session) =>
      timed("closeSession", { worker: session.worker }, () => store.closeSession(session)),
    commit: (session, checks, puts, deletes) =>
      timed(
        "commit",
        { puts: puts.length, deletes: deletes.length, bytes: bytesOf(puts) },
        () => store.commit(session, checks, puts, deletes),
        String,
      ),
    submit: (puts, unless) =>
      timed(
        "submit",
        { puts: puts.length, bytes: bytesOf(puts) },
        () => store.submit(puts, unless),
        String,
      ),
    post: (run, id, command) =>
      timed("post", { run, bytes: command.length }, () => store.post(run, id, command)),
    get: (keys) => timed("get", { keys: keys.length }, () => store.get(keys)),
    async *list(prefix, options) {
      const from = clock.monotonic();
      let entries = 0;
      try {
        for await (const entry of store.list(prefix, options)) {
          entries++;
          yield entry;
        }
      } finally {
        log.write({
          level: "debug",
          source: "engine",
          message: "store.list ended",
          durationMs: clock.monotonic() - from,
          metadata: { prefix: prefix.map(String), entries },
        });
      }
    },
    close: () => timed("close", {}, () => store.close()),
  };
}

function bytesOf(puts: readonly Put[]): number {
  return puts.reduce((sum, { value }) => sum + value.length, 0);
}
