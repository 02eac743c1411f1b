/** What tests do in a store's database behind its back. */
import postgres from "postgres";
import { packKey } from "../../../../engine/store/pack_key.ts";
import type { Key } from "../../../../engine/store/store.ts";
import type { PostgresServer } from "../../../_support/postgres_server.ts";

/** A transaction that is open. */
export interface Holder {
  /** Holds another key as well; waits until it is free. */
  also(key: Key): Promise<void>;
  /** Ends it without a change. */
  letGo(): Promise<void>;
  /** Makes what it did true for all. */
  keep(): Promise<void>;
}

/** Holds the row of a key that is there; of one that is absent, its place in the index, by making a row. */
export async function holding(address: string, key: Key): Promise<Holder> {
  const url = new URL(address);
  const schema = url.searchParams.get("schema");
  url.searchParams.delete("schema");
  const client = postgres(url.href, { max: 1, onnotice: () => {} });
  const also = async (key: Key) => {
    const packed = `'\\x${Uint8Array.from(packKey(key), (byte) => byte.charCodeAt(0)).toHex()}'`;
    await client.unsafe(
      `insert into ${schema}.wf_kv values (${packed}, '', nextval('${schema}.wf_version'))
       on conflict (key) do update set value = excluded.value`,
    );
  };
  await client.unsafe("begin");
  await also(key);
  const end = async (how: string) => {
    await client.unsafe(how);
    await client.end();
  };
  return { also, letGo: () => end("rollback"), keep: () => end("commit") };
}

/** Resolves when so many backends of stores wait for a lock. */
export async function waiting(server: PostgresServer, count: number): Promise<void> {
  const until = performance.now() + 5_000;
  for (;;) {
    const [row] = await server.sql(
      "select count(*)::int from pg_stat_activity where application_name = 'weft' and wait_event_type = 'Lock'",
    );
    if (row!.count === count) return;
    if (performance.now() > until) throw new Error(`${row!.count} backends wait for a lock, not ${count}`);
  }
}
