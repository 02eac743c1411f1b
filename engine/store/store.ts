/**
 * The port to whatever keeps the engine's records. Owns: the contract, in words. Drivers: `memory.ts`, `deno_kv.ts`,
 * `postgres.ts`.
 * Never: what the records mean; a value is bytes (`codec.ts` writes and reads them).
 *
 * The port speaks of transitions, not of fields: there is no `set`. Every write of engine state is a `commit` under a
 * session, and the session's record is checked and rewritten in the same atomic operation, so that
 *
 * L1 one session at most can commit for a worker's runs;
 * L2 a worker's epoch only grows;
 * L3 a refused commit leaves no trace;
 * C1 a commit that answered `ok` is durable, any other is whole or absent;
 * C4 no operation exceeds a limit of `limits.ts`: one that would throws a `RangeError` naming it, before any write.
 */
import type { Millis } from "../base/clock.ts";

/** A key: parts from general to special. In one position all parts have one type. Numbers are whole and >= 0. */
export type Key = readonly (string | number)[];

/** A record to write. */
export interface Put {
  key: Key;
  value: Uint8Array;
}

/** A record as read. `version` is opaque and changes with each write of the key. */
export interface Entry extends Put {
  version: string;
}

/** What a commit requires of a key: this version, or absence (`null`). */
export interface Check {
  key: Key;
  version: string | null;
}

/** Which keys `list` walks. Both bounds are open: keys that begin with `prefix`, after `after` (before it if reversed). */
export interface ListOptions {
  after?: Key;
  limit?: number;
  reverse?: boolean;
}

/**
 * A worker's leased right to write. The driver keeps the fields true after each accepted write; nobody else sets them.
 */
export interface Session {
  readonly worker: string;
  readonly epoch: number;
  readonly ttlMs: number;
  /** Number of the latest accepted write under this epoch. Grows; the number of a refused write is not used again. */
  turn: number;
  /** By the store's clock. */
  expiresAt: Millis;
}

/** Answer to a commit. `fenced`: another session has this worker's place; never write under this one again. */
export type CommitResult = "ok" | "conflict" | "fenced";

/** What one operation of a caller may hold; a session's own record comes on top. The same in all drivers: `limits.ts`. */
export interface Limits {
  /** One value. */
  valueBytes: number;
  /** One key, packed. */
  oneKeyBytes: number;
  /** All keys, packed: of checks, puts and deletes. */
  keyBytes: number;
  /** Puts and deletes. */
  mutations: number;
  checks: number;
  /** All keys and values. */
  commitBytes: number;
}

/** Where the engine's records live. All methods may throw `EngineError("store_unavailable")`, and all that write `storage_full`. */
export interface Store {
  readonly limits: Limits;
  /**
   * Takes the place of `worker` with an epoch one higher than the record says (1 if there is none), whoever had it:
   * callers make sure that no two live processes use one worker id. `undefined` if another caller was faster.
   */
  openSession(worker: string, ttlMs: number, address: string): Promise<Session | undefined>;
  /** Extends the session. False: fenced. */
  renew(session: Session): Promise<boolean>;
  /** Deletes the session's record if it is still this session's. */
  closeSession(session: Session): Promise<void>;
  /**
   * Writes all of `puts`, then `deletes`, or nothing. A reply that was lost is settled inside, by reading the session's
   * record back: this turn there means done, the turn before means send again, else fenced.
   * `conflict`: a check failed and the session stands. Past `expiresAt` it answers `fenced` without asking the store.
   * After a thrown `store_unavailable` or `storage_full` it is open whether the records were written; if they were, the next commit
   * answers `fenced`, because what the caller holds in memory is then behind the store. Calls under one session take turns.
   */
  commit(
    session: Session,
    checks: readonly Check[],
    puts: readonly Put[],
    deletes: readonly Key[],
  ): Promise<CommitResult>;
  /**
   * Makes records appear whole, from any process and without a session: for a new run and what it names.
   * `exists`: one of `unless` was there, and nothing was written. Never overwrites engine state: every key of `puts`
   * must be new or content-addressed. A lost reply is settled by the keys that are in both lists: if one holds the
   * bytes of `puts`, it is taken for this very write and answered `ok`. So name one there that never changes and that
   * no other caller would write alike, such as the run's first event.
   */
  submit(puts: readonly Put[], unless: readonly Key[]): Promise<"ok" | "exists">;
  /** Appends a command to a run's inbox under `["in", run, id]`; any process may. A repeated id changes nothing. */
  post(run: string, id: string, command: Uint8Array): Promise<void>;
  /** Reads keys; absent ones are `undefined`, in the order asked. Any number of keys. */
  get(keys: readonly Key[]): Promise<(Entry | undefined)[]>;
  /**
   * Walks keys in order: parts compare by number, or by UTF-8 bytes; a shorter key comes before its extensions.
   * `prefix` itself is not listed. Reads in batches, each of them true at one moment; what is written during the walk
   * is seen if it lies ahead. An `after` that does not extend `prefix` is a `RangeError`.
   */
  list(prefix: Key, options?: ListOptions): AsyncIterable<Entry>;
  /** Ends every use: later calls throw `store_unavailable`. Waits for what is under way. A second call does nothing. */
  close(): Promise<void>;
}
