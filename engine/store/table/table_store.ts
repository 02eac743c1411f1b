/**
 * A store on top of a table. Owns: the verbs of the port that need no session, the limits, and closing.
 * Never: how a table keeps its records; nor a session's writes (`session_chain.ts`).
 */
import { type Clock, systemClock } from "../../base/clock.ts";
import { EngineError } from "../../base/errors.ts";
import { systemIds } from "../../base/ids.ts";
import { inboxKey, sessionKey } from "../keys.ts";
import { assertKey, assertWithin, LIMITS } from "../limits.ts";
import { packKey } from "../pack_key.ts";
import type { Check, CommitResult, Entry, Key, ListOptions, Put, Session, Store } from "../store.ts";
import { Patience } from "./patience.ts";
import { SessionChain } from "./session_chain.ts";
import type { Scan, Table } from "./table.ts";

/** Entries read at a time by `list`: with values at the limit 6 MB. */
const BATCH = 100;

/** Options of the drivers. */
export interface StoreOptions {
  /** For leases and waits. Default: the machine's. */
  clock?: Clock;
  /** A number in [0, 1), for jitter. */
  random?: () => number;
}

/** See the module comment. */
export class TableStore implements Store {
  readonly limits = LIMITS;
  readonly #table: Table;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #chains = new WeakMap<Session, SessionChain>();
  readonly #underWay = new Set<Promise<unknown>>();
  #closed: Promise<void> | undefined;

  constructor(table: Table, { clock = systemClock, random = systemIds(clock).random }: StoreOptions = {}) {
    this.#table = table;
    this.#clock = clock;
    this.#random = random;
  }

  openSession(worker: string, ttlMs: number, address: string): Promise<Session | undefined> {
    return this.#use(async () => {
      assertKey(sessionKey(worker));
      const chain = await SessionChain.open(this.#chainStore(), worker, ttlMs, address);
      if (chain !== undefined) this.#chains.set(chain.session, chain);
      return chain?.session;
    });
  }

  async renew(session: Session): Promise<boolean> {
    return await this.commit(session, [], [], []) === "ok";
  }

  closeSession(session: Session): Promise<void> {
    return this.#use(async () => {
      await this.#chains.get(session)?.close();
    });
  }

  commit(
    session: Session,
    checks: readonly Check[],
    puts: readonly Put[],
    deletes: readonly Key[],
  ): Promise<CommitResult> {
    return this.#use(async () => {
      assertWithin({ checks, puts, deletes });
      return await this.#chains.get(session)?.commit(checks, puts, deletes) ?? "fenced";
    });
  }

  submit(puts: readonly Put[], unless: readonly Key[]): Promise<"ok" | "exists"> {
    return this.#use(async () => {
      const checks = unless.map((key) => ({ key, version: null }));
      assertWithin({ checks, puts });
      const patience = this.#patience();
      for (;;) {
        let failure: { error: unknown } | undefined;
        try {
          if (await this.#table.write(checks, puts, []) !== undefined) return "ok";
        } catch (error) {
          failure = { error };
        }
        const there = (await this.#read(unless)).filter((entry) => entry !== undefined);
        if (there.some((entry) => puts.some((put) => isEqual(put, entry)))) return "ok";
        if (there.length > 0) return "exists";
        // Refused, yet nothing is there any more: what stood in the way was deleted meanwhile.
        if (failure !== undefined) await patience.next(failure.error);
      }
    });
  }

  post(run: string, id: string, command: Uint8Array): Promise<void> {
    return this.#use(async () => {
      const key = inboxKey(run, id);
      const put = { key, value: command };
      assertWithin({ puts: [put] });
      await this.#retry(() => this.#table.write([{ key, version: null }], [put], []));
    });
  }

  get(keys: readonly Key[]): Promise<(Entry | undefined)[]> {
    return this.#use(() => this.#read(keys));
  }

  async *list(prefix: Key, options: ListOptions = {}): AsyncGenerator<Entry, void, void> {
    const { reverse = false, limit = Infinity } = options;
    let after = options.after;
    packKey(prefix);
    if (after !== undefined) assertExtends(prefix, after);
    for (let left = limit; left > 0;) {
      const scan: Scan = { limit: Math.min(left, BATCH), reverse };
      if (after !== undefined) scan.after = after;
      const batch = await this.#use(() => this.#retry(() => this.#table.scan(prefix, scan)));
      yield* batch;
      if (batch.length < scan.limit) return;
      left -= batch.length;
      after = batch.at(-1)!.key;
    }
  }

  close(): Promise<void> {
    return this.#closed ??= (async () => {
      await Promise.allSettled(this.#underWay);
      await this.#table.close();
    })();
  }

  async #read(keys: readonly Key[]): Promise<(Entry | undefined)[]> {
    keys.forEach(assertKey);
    return await this.#retry(() => this.#table.read(keys));
  }

  /** For calls that may be sent twice without harm. */
  async #retry<T>(call: () => Promise<T>): Promise<T> {
    const patience = this.#patience();
    for (;;) {
      try {
        return await call();
      } catch (error) {
        await patience.next(error);
      }
    }
  }

  #patience(): Patience {
    return new Patience(
      this.#clock,
      this.#random,
      (error) => this.#table.isBusy(error),
      (error) => this.#table.isFull?.(error) ?? false,
    );
  }

  #chainStore() {
    return {
      table: this.#table,
      clock: this.#clock,
      patience: () => this.#patience(),
      read: async (key: Key) => (await this.#read([key]))[0],
    };
  }

  /** Counts a call as under way, so that `close` can wait for it. */
  #use<T>(act: () => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) {
      return Promise.reject(new EngineError("store_unavailable", "The store is closed"));
    }
    const call = act();
    this.#underWay.add(call);
    const done = () => this.#underWay.delete(call);
    call.then(done, done);
    return call;
  }
}

function isEqual(put: Put, entry: Entry): boolean {
  return packKey(put.key) === packKey(entry.key) && put.value.length === entry.value.length &&
    put.value.every((byte, i) => byte === entry.value[i]);
}

function assertExtends(prefix: Key, after: Key): void {
  const [start, whole] = [packKey(prefix), packKey(after)];
  if (whole.length > start.length && whole.startsWith(start)) return;
  throw new RangeError(
    `A list's after must extend its prefix: ${JSON.stringify(after)} is not in ${JSON.stringify(prefix)}`,
  );
}
