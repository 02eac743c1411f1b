/**
 * The store that lives in this process and is gone with it: for trying things out and for tests.
 * Owns: an ordered map. Never: anything that another driver would answer otherwise.
 */
import { AFTER_ALL, packKey } from "./pack_key.ts";
import type { Check, Entry, Key, Put, Store } from "./store.ts";
import type { Scan, Table } from "./table/table.ts";
import { type StoreOptions, TableStore } from "./table/table_store.ts";

/**
 * Makes an empty store.
 *
 * @example
 * ```ts
 * const store = memoryStore();
 * const session = await store.openSession("wrk_1", 15_000, "");
 * const put = { key: ["run", "r1"], value: new Uint8Array([7]) };
 * if (await store.commit(session!, [{ key: put.key, version: null }], [put], []) !== "ok") throw new Error("refused");
 * const [entry] = await store.get([["run", "r1"]]);
 * if (entry?.value[0] !== 7) throw new Error("not kept");
 * await store.close();
 * ```
 */
export function memoryStore(options: StoreOptions = {}): Store {
  return new TableStore(new MemoryTable(), options);
}

/** The table under {@link memoryStore}: packed keys in order beside a map, so that a walk needs no sorting. */
export class MemoryTable implements Table {
  #order: string[] = [];
  #entries = new Map<string, Entry>();
  #version = 0;

  read(keys: readonly Key[]): Promise<(Entry | undefined)[]> {
    return Promise.resolve(keys.map((key) => copy(this.#entries.get(packKey(key)))));
  }

  scan(prefix: Key, { after, limit, reverse }: Scan): Promise<Entry[]> {
    const start = packKey(prefix);
    const bound = after === undefined ? undefined : packKey(after);
    let from = this.#place((bound !== undefined && !reverse ? bound : start) + "\x00");
    let to = bound !== undefined && reverse ? this.#place(bound) : this.#place(start + AFTER_ALL);
    if (reverse) from = Math.max(from, to - limit);
    else to = Math.min(to, from + limit);
    const found = this.#order.slice(from, to).map((packed) => copy(this.#entries.get(packed))!);
    return Promise.resolve(reverse ? found.reverse() : found);
  }

  write(
    checks: readonly Check[],
    puts: readonly Put[],
    deletes: readonly Key[],
  ): Promise<string | undefined> {
    const holds = checks.every(({ key, version }) => {
      return (this.#entries.get(packKey(key))?.version ?? null) === version;
    });
    if (!holds) return Promise.resolve(undefined);
    const version = String(++this.#version).padStart(16, "0");
    for (const { key, value } of puts) {
      const packed = packKey(key);
      if (!this.#entries.has(packed)) this.#order.splice(this.#place(packed), 0, packed);
      this.#entries.set(packed, { key: [...key], value: value.slice(), version });
    }
    for (const key of deletes) {
      const packed = packKey(key);
      if (this.#entries.delete(packed)) this.#order.splice(this.#place(packed), 1);
    }
    return Promise.resolve(version);
  }

  isBusy(): boolean {
    return false;
  }

  close(): void {
    this.#order = [];
    this.#entries.clear();
  }

  /** Number of keys before `packed`. */
  #place(packed: string): number {
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#order[middle]! < packed) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function copy(entry: Entry | undefined): Entry | undefined {
  return entry && { key: [...entry.key], value: entry.value.slice(), version: entry.version };
}
