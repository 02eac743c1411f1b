/** A table whose writes and reads go wrong on purpose, on their way there or on their way back. */
import type { Check, Entry, Key, Put } from "../../../engine/store/store.ts";
import type { Scan, Table } from "../../../engine/store/table/table.ts";
import type { Fault } from "./stage.ts";

/** Another process writes just now; in the words of no database. */
class Locked extends Error {}

/** Takes one of `faults` for each write, until there are none. */
export class FaultyTable implements Table {
  constructor(private readonly table: Table, private readonly faults: (Fault | undefined)[]) {}

  read(keys: readonly Key[]): Promise<(Entry | undefined)[]> {
    if (this.faults[0] !== "unreadable") return this.table.read(keys);
    this.faults.shift();
    return Promise.reject(new TypeError("connection reset"));
  }

  scan(prefix: Key, scan: Scan): Promise<Entry[]> {
    return this.table.scan(prefix, scan);
  }

  async write(
    checks: readonly Check[],
    puts: readonly Put[],
    deletes: readonly Key[],
  ): Promise<string | undefined> {
    const fault = this.faults.shift();
    if (fault === "locked") throw new Locked();
    if (fault === "lost before") throw new TypeError("connection reset before the request");
    const version = await this.table.write(checks, puts, deletes);
    if (fault === "lost after") throw new TypeError("connection reset before the answer");
    return version;
  }

  isBusy(error: unknown): boolean {
    return error instanceof Locked || this.table.isBusy(error);
  }

  close(): void | Promise<void> {
    return this.table.close();
  }
}
