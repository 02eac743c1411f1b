/** What a contract test stands on: a driver, its open store, a clock to move and faults to inject. */
import type { Session, Store } from "../../../engine/store/store.ts";
import type { ManualClock } from "../../_support/manual_clock.ts";

/** What can happen to one write on its way. */
export type Fault =
  /** It happens, its answer does not come. */
  | "lost after"
  /** It does not happen, and no answer comes. */
  | "lost before"
  /** Another process is writing. */
  | "locked"
  /** Not for writes: the next read of keys gets no answer. */
  | "unreadable";

/** A driver, one of its databases, and the ways to hurt it. */
export interface Driver {
  /** Opens an empty store. `faults` is emptied by the store's writes (and reads of keys, if
   * `unreadable` is next), one for each; `undefined` is a write that goes well. */
  open(clock: ManualClock, faults: (Fault | undefined)[]): Promise<Store>;
  /** Closes the store and opens its database again. Absent: nothing is left after closing. */
  reopen?(store: Store, clock: ManualClock): Promise<Store>;
  /** Opens the same database a second time. Absent: there is one owner by construction. */
  second?(store: Store, clock: ManualClock): Promise<Store>;
}

/** How to run a driver. */
export interface Profile {
  driver: Driver;
  /** Reopen the database at each `again` of a test. */
  reopenBetweenSteps?: boolean;
  /** Tests that cannot hold for the driver, by name, and why. */
  skip?: { reason: string; tests: string[] }[];
}

/** A test's store and what it needs around it. */
export interface Stage {
  readonly clock: ManualClock;
  /** The store, which `again` may replace. */
  readonly store: Store;
  readonly driver: Driver;
  /** Faults of the next writes. */
  readonly faults: (Fault | undefined)[];
  /** Marks a step: in a reopening profile the store is closed and opened, and its sessions are gone. */
  again(): Promise<void>;
  /** This stage's session, opened when it is needed. */
  session(): Promise<Session>;
}

/** One test of a contract. */
export type ContractTest = [name: string, run: (stage: Stage) => Promise<void>];

/** A session that is there for sure. */
export async function openSession(store: Store, worker = "wrk_1", ttlMs = 15_000): Promise<Session> {
  const session = await store.openSession(worker, ttlMs, "unix:/tmp/wrk");
  if (session === undefined) throw new Error("no session");
  return session;
}
