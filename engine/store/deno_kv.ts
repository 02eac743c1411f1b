/**
 * The store on Deno KV: a file, or a server that speaks KV Connect. They differ in how they are opened only.
 * Owns: all that is particular to Deno KV. Never: `sum`, `min`, `max` (a failed one can leave half a write behind),
 * `watch` and queues (they do not see other processes), expiry (swept once a minute).
 */
import type { Check, Entry, Key, Put, Store } from "./store.ts";
import type { Scan, Table } from "./table/table.ts";
import { type StoreOptions, TableStore } from "./table/table_store.ts";

/** The part of `Deno.Kv` that the driver uses. */
export type Kv = Pick<Deno.Kv, "getMany" | "list" | "atomic" | "close">;

/** Where the database is. */
export interface DenoKvOptions extends StoreOptions {
  /** Path of the file, `:memory:`, or an `http(s)` address, whose access token is in `DENO_KV_ACCESS_TOKEN`. */
  location: string;
  /** An open database instead of the one at `location`; closed with the store. */
  kv?: Kv;
}

/** A server that is silent for so long has not answered; well below a session's time to live. */
const LONGEST_REQUEST_MS = 5_000;

/** `getMany` takes no more. */
const KEYS_A_READ = 10;

/** Opens a store. Nothing guards a file from a second process: `open.ts` does. */
export async function denoKvStore({ location, kv, ...options }: DenoKvOptions): Promise<Store> {
  return new TableStore(new DenoKvTable(kv ?? await openKv(location)), options);
}

async function openKv(location: string): Promise<Kv> {
  if (!/^https?:/i.test(location)) return await Deno.openKv(location);
  // Deno's own client waits 44 ms on bodies over 1,000 bytes; this one takes 1 ms.
  const { openKv } = await import("@deno/kv");
  // The client's own retries would send a write again in silence; the store knows when that is right.
  const options = { implementation: "remote" as const, maxRetries: 0, fetcher: fetchInTime };
  return await openKv(location, options) as unknown as Kv;
}

function fetchInTime(input: string, init?: RequestInit): Promise<Response> {
  return fetch(input, { ...init, signal: AbortSignal.timeout(LONGEST_REQUEST_MS) });
}

class DenoKvTable implements Table {
  constructor(private readonly kv: Kv) {}

  async read(keys: readonly Key[]): Promise<(Entry | undefined)[]> {
    const groups: Key[][] = [];
    for (let i = 0; i < keys.length; i += KEYS_A_READ) groups.push(keys.slice(i, i + KEYS_A_READ));
    const read = await Promise.all(
      groups.map((group): Promise<Deno.KvEntryMaybe<unknown>[]> => this.kv.getMany(group)),
    );
    return read.flat().map((entry) => entry.versionstamp === null ? undefined : toEntry(entry));
  }

  async scan(prefix: Key, { after, limit, reverse }: Scan): Promise<Entry[]> {
    const selector: Deno.KvListSelector = after === undefined
      ? { prefix }
      : reverse
      ? { prefix, end: after }
      : { prefix, start: justAfter(after) };
    const found: Entry[] = [];
    for await (const entry of this.kv.list(selector, { limit, reverse, batchSize: limit })) {
      found.push(toEntry(entry));
    }
    return found;
  }

  async write(
    checks: readonly Check[],
    puts: readonly Put[],
    deletes: readonly Key[],
  ): Promise<string | undefined> {
    const atomic = this.kv.atomic();
    for (const { key, version } of checks) atomic.check({ key, versionstamp: version });
    for (const { key, value } of puts) atomic.set(key, value);
    for (const key of deletes) atomic.delete(key);
    const result = await atomic.commit();
    return result.ok ? result.versionstamp : undefined;
  }

  isBusy(error: unknown): boolean {
    return error instanceof Error && error.message.includes("database is locked");
  }

  isFull(error: unknown): boolean {
    return error instanceof Error && error.message.includes("database or disk is full");
  }

  close(): void {
    this.kv.close();
  }
}

/** The first possible key after `key`, because a list's `start` is inclusive: an empty byte part sorts before all others. */
function justAfter(key: Key): Deno.KvKey {
  return [...key, new Uint8Array()];
}

function toEntry({ key, value, versionstamp }: Deno.KvEntry<unknown>): Entry {
  return { key: key as Key, value: value as Uint8Array, version: versionstamp };
}
