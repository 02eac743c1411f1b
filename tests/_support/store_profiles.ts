/**
 * Every kind of store that there is, for suites that must hold on each (EN-113). A database of a profile is opened as
 * often as a test likes, each time as another process would open it: with its own connection and its own clock.
 */
import type { Clock } from "../../engine/base/clock.ts";
import { denoKvStore } from "../../engine/store/deno_kv.ts";
import { MemoryTable } from "../../engine/store/memory.ts";
import { postgresStore } from "../../engine/store/postgres.ts";
import type { Store } from "../../engine/store/store.ts";
import { TableStore } from "../../engine/store/table/table_store.ts";
import { kvConnectServer } from "./kv_connect/server.ts";
import { postgresServer } from "./postgres_server.ts";

/** One way to keep records. */
export interface StoreProfile {
  name: string;
  /** An empty database; the function opens it. */
  make(): Promise<(clock?: Clock) => Promise<Store>>;
}

/** A table that its stores do not close, because it is all there is of the database. */
class KeptTable extends MemoryTable {
  override close(): void {}
}

/** Starts the servers that the profiles need. Call it outside of tests; they end after the tests of the file. */
export async function storeProfiles(): Promise<StoreProfile[]> {
  const postgres = await postgresServer();
  const kvConnect = kvConnectServer();
  Deno.env.set("DENO_KV_ACCESS_TOKEN", kvConnect.token);
  const folder = await Deno.makeTempDir({ prefix: "weft-profiles-" });
  let files = 0;
  Deno.test.afterAll(async () => {
    await kvConnect.stop();
    await Deno.remove(folder, { recursive: true });
  });
  const at = (open: (location: string, clock?: Clock) => Promise<Store>, place: () => string) => () => {
    const location = place();
    return Promise.resolve((clock?: Clock) => open(location, clock));
  };
  const denoKv = (location: string, clock?: Clock) => denoKvStore({ location, clock });
  return [
    {
      name: "memory",
      make() {
        const table = new KeptTable();
        return Promise.resolve((clock) => Promise.resolve(new TableStore(table, { clock })));
      },
    },
    { name: "Deno KV in a file", make: at(denoKv, () => `${folder}/${++files}.db`) },
    { name: "Deno KV over a network", make: at(denoKv, () => kvConnect.address()) },
    {
      name: "PostgreSQL",
      make: at((address, clock) => postgresStore({ address, clock }), () => postgres.address()),
    },
  ];
}
