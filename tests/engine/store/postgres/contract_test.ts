/** The store on PostgreSQL: the contract, on a real server. */
import { openPostgresTable, postgresStore } from "../../../../engine/store/postgres.ts";
import type { Store } from "../../../../engine/store/store.ts";
import { TableStore } from "../../../../engine/store/table/table_store.ts";
import { postgresServer } from "../../../_support/postgres_server.ts";
import { FaultyTable } from "../../../contracts/store/faulty_table.ts";
import type { Driver } from "../../../contracts/store/stage.ts";
import { storeContract } from "../../../contracts/store_contract.ts";

const server = await postgresServer();
const random = () => 0;
const addresses = new WeakMap<Store, string>();

const known = (store: Store, address: string): Store => {
  addresses.set(store, address);
  return store;
};

const driver: Driver = {
  async open(clock, faults) {
    const address = server.address();
    const table = new FaultyTable(await openPostgresTable({ address }), faults);
    return known(new TableStore(table, { clock, random }), address);
  },
  async reopen(store, clock) {
    await store.close();
    const address = addresses.get(store)!;
    return known(await postgresStore({ address, clock, random }), address);
  },
  second: (store, clock) => postgresStore({ address: addresses.get(store)!, clock, random }),
};

storeContract("EN-113 PostgreSQL", { driver });
storeContract("EN-113 PostgreSQL, reopened between steps", { driver, reopenBetweenSteps: true });
