/**
 * What a database must be able to do to carry a store: ordered keys, and writes that are atomic under checks of
 * versions. Owns: that narrow port. `table_store.ts` makes a `Store` of it; the drivers implement it.
 */
import type { Check, Entry, Key, Put } from "../store.ts";

/** One step of a walk. */
export interface Scan {
  /** Open bound that extends the prefix. */
  after?: Key;
  limit: number;
  reverse: boolean;
}

/** See the module comment. Any method may throw what the database throws; a write that throws may have happened. */
export interface Table {
  /** Reads keys, in the order asked, at one moment per batch. */
  read(keys: readonly Key[]): Promise<(Entry | undefined)[]>;
  /** The next entries below `prefix`, all read at one moment. Fewer than `limit`: there are no more. */
  scan(prefix: Key, scan: Scan): Promise<Entry[]>;
  /**
   * Writes all, `puts` before `deletes`, or nothing.
   *
   * @returns the version that every record written has now and no record had before; `undefined`: a check failed
   */
  write(checks: readonly Check[], puts: readonly Put[], deletes: readonly Key[]): Promise<string | undefined>;
  /** Whether an error only says that someone else writes just now, so that trying again soon is right. */
  isBusy(error: unknown): boolean;
  /** Whether an error says that there is no room for what was to be written. Absent: it never does. */
  isFull?(error: unknown): boolean;
  close(): void | Promise<void>;
}
