/**
 * The chain of writes of one session: each names the version of the session's record that it replaces.
 * Owns: fencing, and what became of a write whose answer was lost. Never: what is written besides.
 *
 * L1 a write passes only while the record is the one this session wrote last, so two sessions never both pass;
 * L3 the check is in the same atomic operation as the writes, so a refused one leaves no trace;
 * C1 `ok` is answered only for a write that the store confirmed or that was read back.
 *
 * An opening has turn 0 and a commit a turn of its own, so no two commits have the same `turn` and `previous`: reading
 * the record back tells whose it is.
 */
import type { Clock, Millis } from "../../base/clock.ts";
import { isObject, type Json } from "../../base/json.ts";
import { decodeRecord, encodeRecord } from "../codec.ts";
import { sessionKey } from "../keys.ts";
import type { Check, CommitResult, Entry, Key, Put, Session } from "../store.ts";
import type { Patience } from "./patience.ts";
import type { Table } from "./table.ts";

/** A session as the store has it. */
export interface SessionRecord {
  epoch: number;
  expiresAt: Millis;
  /** Number of the write that made this record. */
  turn: number;
  /** Where the worker can be woken. */
  address: string;
  /** Version of the record that this one replaced. */
  previous: string | null;
}

/** Reads a session's record; for whoever looks after sessions that have expired. */
export function readSessionRecord(entry: Pick<Entry, "key" | "value">): SessionRecord {
  return decodeRecord(entry, toSessionRecord);
}

function toSessionRecord(json: Json): SessionRecord | undefined {
  if (!isObject(json)) return undefined;
  const { epoch, expiresAt, turn, address, previous } = json;
  const numbers = [epoch, expiresAt, turn].every((n) => typeof n === "number");
  const texts = typeof address === "string" && (previous === null || typeof previous === "string");
  return numbers && texts ? { epoch, expiresAt, turn, address, previous } as SessionRecord : undefined;
}

/** What the chain needs of its store. */
export interface ChainStore {
  table: Table;
  clock: Clock;
  patience: () => Patience;
  /** Reads one key, with patience. */
  read(key: Key): Promise<Entry | undefined>;
}

/** See the module comment. */
export class SessionChain {
  readonly session: Session;
  /** Version of the record as this session wrote it last. */
  #version: string;
  /** Highest turn that was ever sent: one that was refused, or of which no answer came, is not used again. */
  #sent = 0;
  /** End of the lease on the clock that does not jump. */
  #deadline: number;
  #fenced = false;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly store: ChainStore,
    private readonly address: string,
    session: Session,
    version: string,
    deadline: number,
  ) {
    this.session = session;
    this.#version = version;
    this.#deadline = deadline;
  }

  /** Takes a worker's place; `undefined` if another caller was faster. */
  static async open(
    store: ChainStore,
    worker: string,
    ttlMs: number,
    address: string,
  ): Promise<SessionChain | undefined> {
    const key = sessionKey(worker);
    const patience = store.patience();
    for (;;) {
      const found = await store.read(key);
      const previous = found?.version ?? null;
      const epoch = found === undefined ? 1 : readSessionRecord(found).epoch + 1;
      const deadline = store.clock.monotonic() + ttlMs;
      const record: SessionRecord = {
        epoch,
        expiresAt: store.clock.now() + ttlMs,
        turn: 0,
        address,
        previous,
      };
      try {
        const put = { key, value: encodeRecord(record) };
        const version = await store.table.write([{ key, version: previous }], [put], []);
        if (version === undefined) return undefined;
        const session = { worker, epoch, ttlMs, turn: 0, expiresAt: record.expiresAt };
        return new SessionChain(store, address, session, version, deadline);
      } catch (error) {
        // Whether the record stands is not worth finding out: another epoch is free.
        await patience.next(error);
      }
    }
  }

  /** Writes under this session; calls take turns. */
  commit(
    checks: readonly Check[],
    puts: readonly Put[],
    deletes: readonly Key[],
  ): Promise<CommitResult> {
    return this.#inTurn(() => this.#commit(checks, puts, deletes));
  }

  /** Deletes the record if it is still this session's, and fences the session. */
  close(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#fenced) return;
      this.#fenced = true;
      const key = sessionKey(this.session.worker);
      const patience = this.store.patience();
      for (;;) {
        const found = await this.store.read(key);
        if (found === undefined || !this.#isOurs(found)) return;
        try {
          if (await this.store.table.write([{ key, version: found.version }], [], [key]) !== undefined) {
            return;
          }
        } catch (error) {
          await patience.next(error);
        }
      }
    });
  }

  async #commit(
    checks: readonly Check[],
    puts: readonly Put[],
    deletes: readonly Key[],
  ): Promise<CommitResult> {
    const { table, clock, read } = this.store;
    const key = sessionKey(this.session.worker);
    const patience = this.store.patience();
    const turn = ++this.#sent;
    // Counted from the first try, because that may be the one that is read back.
    const deadline = clock.monotonic() + this.session.ttlMs;
    while (!this.#expired()) {
      const record = this.#record(turn, clock.now() + this.session.ttlMs);
      let failure: { error: unknown } | undefined;
      try {
        const guards = [{ key, version: this.#version }, ...checks];
        const version = await table.write(guards, [{ key, value: encodeRecord(record) }, ...puts], deletes);
        if (version !== undefined) return this.#accept(record, version, deadline);
      } catch (error) {
        failure = { error };
      }
      const found = await read(key);
      if (found === undefined) break;
      const stored = readSessionRecord(found);
      if (stored.turn === turn && stored.previous === this.#version) {
        return this.#accept(stored, found.version, deadline);
      }
      if (found.version !== this.#version) break;
      if (failure === undefined) return "conflict";
      await patience.next(failure.error);
    }
    this.#fenced = true;
    return "fenced";
  }

  /** Whether a record is this session's: the one it wrote last, or one of which the answer never came. */
  #isOurs(found: Entry): boolean {
    if (found.version === this.#version) return true;
    const { epoch, turn, previous } = readSessionRecord(found);
    return epoch === this.session.epoch && turn === this.#sent && previous === this.#version;
  }

  #record(turn: number, expiresAt: Millis): SessionRecord {
    return { epoch: this.session.epoch, expiresAt, turn, address: this.address, previous: this.#version };
  }

  #accept(record: SessionRecord, version: string, deadline: number): "ok" {
    this.session.turn = record.turn;
    this.session.expiresAt = record.expiresAt;
    this.#version = version;
    this.#deadline = deadline;
    return "ok";
  }

  /** Past the expiry on either clock: the wall clock is what others see, the other one does not jump. */
  #expired(): boolean {
    const { clock } = this.store;
    return this.#fenced || clock.now() >= this.session.expiresAt || clock.monotonic() >= this.#deadline;
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#last.then(act);
    this.#last = result.catch(() => {});
    return result;
  }
}
