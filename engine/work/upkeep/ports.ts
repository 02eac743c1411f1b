/**
 * What the duties of upkeep share. Owns: how they write, read what may not be readable, and let others have a turn.
 *
 * Every write is an operation of its own under the worker's session, with checks of the versions it rests on: whoever is
 * fenced writes nothing, and a race that is lost changes nothing and is looked at again by the next pass.
 */
import type { CollectPorts } from "../../artifacts/collect.ts";
import { EngineError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Retention } from "../../notebook/policy.ts";
import type { Check, Entry, Key, Put } from "../../store/store.ts";
import type { Journals } from "../journal.ts";

/** See the module comment. `write` throws {@link UpkeepOver} once the session is lost. */
export interface UpkeepPorts extends CollectPorts {
  journals: Journals;
  log: Log;
  retention: Retention;
  /** What could not be read and the log has told of. */
  unreadable: Set<string>;
  /** Lets others go on; called between batches. Throws {@link UpkeepOver} when it is time to end. */
  breathe(): Promise<void>;
}

/** Thrown to end a pass because the session is over; no failure. */
export class UpkeepOver extends Error {
  override name = "UpkeepOver";
}

/** Thrown where a run came to have an owner again while its records were being deleted; the next pass looks again. */
export class Overtaken extends Error {
  override name = "Overtaken";
}

/** What a record says, or nothing if it cannot be read: the log has it once, and the others go on. */
export async function readable<T>(
  { log, unreadable }: Pick<UpkeepPorts, "log" | "unreadable">,
  id: string,
  read: () => T | Promise<T>,
): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== "store_corrupt") throw error;
    if (!unreadable.has(id)) {
      unreadable.add(id);
      log.write({ level: "error", source: "engine", code: error.code, message: error.message });
    }
  }
}

/** Entries in groups of at most `size`, for reads that go together. */
export async function* grouped(entries: AsyncIterable<Entry>, size: number): AsyncIterable<Entry[]> {
  let group: Entry[] = [];
  for await (const entry of entries) {
    if (group.push(entry) < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

/** Keys of an operation besides checks: well below `engine/store/limits.ts`, so that a turn waits little for one. */
const KEYS_A_COMMIT = 200;
const KEY_BYTES_A_COMMIT = 30_000;

/** Collects deletions and writes them in commits of bounded size, in the order in which they came. */
export class Deletions {
  #keys: Key[] = [];
  #bytes = 0;

  /**
   * @param between called after each commit that is not the last
   * @param checks what each commit rests on; {@link add} throws {@link Overtaken} when it does not hold any more
   */
  constructor(
    private readonly ports: UpkeepPorts,
    private readonly between: () => void,
    private readonly checks: Check[] = [],
  ) {}

  /** Deletes a key, at the latest with {@link end}. */
  async add(key: Key): Promise<void> {
    const bytes = sizeOf(key);
    if (this.#keys.length >= KEYS_A_COMMIT || this.#bytes + bytes > KEY_BYTES_A_COMMIT) await this.#flush();
    this.#keys.push(key);
    this.#bytes += bytes;
  }

  /** Writes what is left, with these records and deletions. False if that was overtaken. */
  end(puts: Put[], deletes: Key[]): Promise<boolean> {
    return this.ports.write(this.checks, puts, [...this.#keys.splice(0), ...deletes]);
  }

  async #flush(): Promise<void> {
    this.#bytes = 0;
    if (!await this.ports.write(this.checks, [], this.#keys.splice(0))) throw new Overtaken();
    this.between();
    await this.ports.breathe();
  }
}

function sizeOf(key: Key): number {
  return key.reduce<number>((size, part) => size + (typeof part === "string" ? part.length * 3 + 2 : 9), 0);
}
