/**
 * The way to a PostgreSQL server. Owns: the client, how long it may be silent, and when it is replaced.
 * Never: SQL; nor trying again, which only the caller knows to be harmless.
 *
 * A client whose backend was killed can leave its queries without any answer. So each query has a time, and after any
 * error that did not come from the server as an answer to the query the client is dropped with all of its connections,
 * and the next query makes another.
 */
import type { Sql } from "postgres";
import { systemClock } from "../../base/clock.ts";
import { EngineError } from "../../base/errors.ts";

/** Of one process. A worker's commits take turns, so the others are for readers. */
const CONNECTIONS = 4;

/** A row as the functions of the schema give it. */
export interface Row {
  key?: Uint8Array;
  value?: Uint8Array;
  /** `null`: nothing was written. */
  version?: string | null;
}

/** What a statement can be given. */
export type Parameter = string | number | boolean | Uint8Array;

/** See the module comment. */
export class Connection {
  #client: Sql | undefined;
  #closing: Promise<unknown>[] = [];

  private constructor(private readonly connect: () => Sql, private readonly longestMs: number) {}

  /**
   * Does not connect yet: the first query does. Throws for an address that is none.
   *
   * @param longestMs how long the server may take to answer a query, the time to connect included
   */
  static async open(address: string, longestMs: number): Promise<Connection> {
    const { default: postgres } = await import("postgres");
    const connect = () =>
      postgres(address, {
        max: CONNECTIONS,
        connect_timeout: longestMs / 1000,
        max_lifetime: null,
        fetch_types: false,
        onnotice: () => {},
        connection: { application_name: "weft" },
      });
    const connection = new Connection(connect, longestMs);
    try {
      connection.#client = connect();
    } catch {
      // What it throws holds the address, and that the password.
      throw new EngineError("store_unavailable", "The address of a PostgreSQL store is not a URL");
    }
    return connection;
  }

  /** Runs one statement, prepared if it has parameters. Several without parameters are one transaction. */
  async query(text: string, parameters: Parameter[] = []): Promise<Row[]> {
    const client = this.#client ??= this.connect();
    const answered = new AbortController();
    const silence = systemClock.sleep(this.longestMs, answered.signal).then(() => {
      if (!answered.signal.aborted) throw new Error(`No answer in ${this.longestMs} ms`);
    });
    try {
      const sent = parameters.length === 0
        ? client.unsafe(text).simple()
        : client.unsafe(text, parameters, { prepare: true });
      return await Promise.race([sent, silence]) as unknown as Row[];
    } catch (error) {
      if (!isAnswer(error)) this.#drop(client);
      throw error;
    } finally {
      answered.abort();
    }
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    if (this.#client !== undefined) this.#drop(this.#client);
    await Promise.allSettled(this.#closing);
  }

  #drop(client: Sql): void {
    if (this.#client === client) this.#client = undefined;
    const closing = client.end({ timeout: 0 }).catch(() => {});
    this.#closing.push(closing);
    closing.then(() => this.#closing = this.#closing.filter((one) => one !== closing));
  }
}

/** Whether the server refused the statement, and will take the next. Classes 08 and 57P: it is going away. */
function isAnswer(error: unknown): boolean {
  const { name, code } = error as { name?: string; code?: string };
  return name === "PostgresError" && code !== undefined && !/^(08|57P)/.test(code);
}
