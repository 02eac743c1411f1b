/**
 * The store on PostgreSQL: for several workers on several machines, with the database as the only arbiter.
 * Owns: how a table's operations become calls of the functions in `postgres/schema.ts`, one round trip each.
 * Never: a version for the whole store. Writers of different keys do not wait for each other.
 *
 * Where an address says nothing else, the records are in the schema `weft`; `?schema=name` names another, so that one
 * database can hold several stores.
 */
import { Buffer } from "node:buffer";
import { EngineError } from "../base/errors.ts";
import { AFTER_ALL, packKey, unpackKey } from "./pack_key.ts";
import { Connection, type Parameter, type Row } from "./postgres/connection.ts";
import { CHECK_FAILED, makeSchema } from "./postgres/schema.ts";
import type { Check, Entry, Key, Put, Store } from "./store.ts";
import type { Scan, Table } from "./table/table.ts";
import { type StoreOptions, TableStore } from "./table/table_store.ts";

/** Where the database is. */
export interface PostgresOptions extends StoreOptions {
  /** `postgres://user:password@host/database`, with `?schema=` if it is not `weft`. */
  address: string;
  /** A server that is silent for so long has not answered. Default 5,000, well below a session's time to live. */
  longestQueryMs?: number;
}

const LONGEST_QUERY_MS = 5_000;
const DEFAULT_SCHEMA = "weft";
/** A name that needs no quoting. */
const SCHEMA = /^[a-z_][a-z0-9_]{0,62}$/;

/** Keys read at a time: with values at the limit 6 MB. */
const KEYS_A_READ = 100;

/** What PostgreSQL says of a write that another one made impossible, and that can be sent again as it is. */
const BUSY = new Set(["40001", "40P01"]);

/** Opens a store, and makes its schema if the database has none. */
export async function postgresStore(options: PostgresOptions): Promise<Store> {
  return new TableStore(await openPostgresTable(options), options);
}

/** The table under {@link postgresStore}. */
export async function openPostgresTable(
  { address, longestQueryMs = LONGEST_QUERY_MS }: Omit<PostgresOptions, keyof StoreOptions>,
): Promise<Table> {
  const { database, schema } = splitAddress(address);
  const connection = await Connection.open(database, longestQueryMs);
  try {
    await makeSchema(connection, schema);
  } catch (error) {
    await connection.close();
    throw error;
  }
  return new PostgresTable(connection, schema);
}

/** Takes our own parameter out of an address; the rest is PostgreSQL's. */
function splitAddress(address: string): { database: string; schema: string } {
  const [database = "", query = ""] = address.split(/\?(.*)/s);
  const parameters = new URLSearchParams(query);
  const schema = parameters.get("schema") ?? DEFAULT_SCHEMA;
  if (!SCHEMA.test(schema)) {
    throw new EngineError(
      "store_unavailable",
      `The schema of a store must be a plain name in lower case: ${JSON.stringify(schema)}`,
    );
  }
  parameters.delete("schema");
  return { database: parameters.size === 0 ? database : `${database}?${parameters}`, schema };
}

class PostgresTable implements Table {
  constructor(private readonly connection: Connection, private readonly schema: string) {}

  async read(keys: readonly Key[]): Promise<(Entry | undefined)[]> {
    const found: (Entry | undefined)[] = [];
    for (let i = 0; i < keys.length; i += KEYS_A_READ) {
      const group = keys.slice(i, i + KEYS_A_READ);
      const packed = group.map(packKey);
      const rows = await this.#call("wf_read_1($1::bytea[])", [list(packed.map(hexOf))]);
      const byKey = new Map(rows.map((row) => [Buffer.from(row.key!).toString("latin1"), row]));
      for (const [at, key] of group.entries()) {
        const row = byKey.get(packed[at]!);
        found.push(row && toEntry(key, row));
      }
    }
    return found;
  }

  async scan(prefix: Key, { after, limit, reverse }: Scan): Promise<Entry[]> {
    const start = packKey(prefix);
    const bound = after === undefined ? undefined : packKey(after);
    const low = bound !== undefined && !reverse ? bound : start;
    const high = bound !== undefined && reverse ? bound : start + AFTER_ALL;
    const rows = await this.#call("wf_scan_1($1, $2, $3, $4)", [
      bytesOf(low),
      bytesOf(high),
      limit,
      reverse,
    ]);
    return rows.map((row) => toEntry(unpackKey(row.key!), row));
  }

  async write(
    checks: readonly Check[],
    puts: readonly Put[],
    deletes: readonly Key[],
  ): Promise<string | undefined> {
    const present = checks.filter(({ version }) => version !== null);
    const absent = checks.filter(({ version }) => version === null).map(({ key }) => packKey(key));
    // The last of several puts of a key is what stays.
    const values = new Map(puts.map(({ key, value }) => [packKey(key), value]));
    const gone = deletes.map(packKey);
    // To hold a place that stays empty against other writers, it is filled and emptied again.
    for (const key of absent.filter((key) => !values.has(key))) {
      values.set(key, NOTHING);
      gone.push(key);
    }
    try {
      const [row] = await this.#call(
        "wf_write_1($1::bytea[], $2::bigint[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[]) as version",
        [
          list(present.map(({ key }) => hexOf(packKey(key)))),
          list(present.map(({ version }) => version!)),
          list(absent.map(hexOf)),
          list([...values.keys()].map(hexOf)),
          list([...values.values()].map(hexOf)),
          list(gone.map(hexOf)),
        ],
      );
      return row?.version ?? undefined;
    } catch (error) {
      if (codeOf(error) === CHECK_FAILED) return undefined;
      throw error;
    }
  }

  isBusy(error: unknown): boolean {
    return BUSY.has(codeOf(error) ?? "");
  }

  close(): Promise<void> {
    return this.connection.close();
  }

  #call(call: string, parameters: Parameter[]): Promise<Row[]> {
    return this.connection.query(`select * from ${this.schema}.${call}`, parameters);
  }
}

const NOTHING = new Uint8Array();

function toEntry(key: Key, { value, version }: Row): Entry {
  return { key: [...key], value: Uint8Array.from(value!), version: version! };
}

function codeOf(error: unknown): string | undefined {
  return (error as { code?: string } | undefined)?.code;
}

/** A packed key as bytes. */
function bytesOf(packed: string): Uint8Array {
  return Buffer.from(packed, "latin1");
}

/** As an array's element that PostgreSQL reads as bytes. */
function hexOf(bytes: string | Uint8Array): string {
  const buffer = typeof bytes === "string"
    ? bytesOf(bytes) as Buffer
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return `"\\\\x${buffer.toString("hex")}"`;
}

function list(elements: readonly string[]): string {
  return `{${elements.join(",")}}`;
}
