/**
 * A store that does not take records for a while: out of reach, or full. Owns: what counts as that, who tells of it and
 * how often. Never: how long to wait; whoever waits says.
 *
 * A full store is told of once, and again only after it has taken something: everything that is tried meanwhile fails
 * alike, and a person can do one thing about it.
 */
import { EngineError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Store } from "../store/store.ts";

/** Whether an error is one that waiting may cure. */
export function isOutage(error: unknown): error is EngineError {
  return error instanceof EngineError &&
    (error.code === "store_unavailable" || error.code === "storage_full");
}

/** Tells of an error that is waited out; the store itself tells that it is full. */
export function tellOutage(log: Log, { code, message }: EngineError): void {
  if (code !== "storage_full") log.write({ level: "warn", source: "engine", code, message });
}

/** A store that tells the log once that it is full, and once that it has room again. */
export function tellingFull(store: Store, log: Log): Store {
  let full = false;
  const noting = async <T>(write: Promise<T>): Promise<T> => {
    try {
      const answer = await write;
      if (full) {
        log.write({ level: "info", source: "engine", message: "The store takes records again" });
      }
      full = false;
      return answer;
    } catch (error) {
      if (error instanceof EngineError && error.code === "storage_full" && !full) {
        full = true;
        const message = "The store is full: nothing can be written, and runs wait. Make room on its disk";
        log.write({ level: "error", source: "engine", code: error.code, message });
      }
      throw error;
    }
  };
  return {
    limits: store.limits,
    openSession: (...session) => noting(store.openSession(...session)),
    renew: (session) => noting(store.renew(session)),
    closeSession: (session) => noting(store.closeSession(session)),
    commit: (...operation) => noting(store.commit(...operation)),
    submit: (...records) => noting(store.submit(...records)),
    post: (...command) => noting(store.post(...command)),
    get: (keys) => store.get(keys),
    list: (prefix, options) => store.list(prefix, options),
    close: () => store.close(),
  };
}
