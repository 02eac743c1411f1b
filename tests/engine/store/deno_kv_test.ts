import { assertEquals } from "@std/assert";
import { openKv } from "@deno/kv";
import { denoKvStore, type Kv } from "../../../engine/store/deno_kv.ts";
import type { Store } from "../../../engine/store/store.ts";
import type { Driver } from "../../contracts/store/stage.ts";
import { openSession } from "../../contracts/store/stage.ts";
import { put, textAt } from "../../contracts/store/read.ts";
import { storeContract } from "../../contracts/store_contract.ts";
import { faultyKv } from "./faulty_kv.ts";

const random = () => 0;

const inMemory: Driver = {
  open: async (clock, faults) => {
    const kv = faultyKv(await Deno.openKv(":memory:"), faults);
    return await denoKvStore({ location: ":memory:", kv, clock, random });
  },
};

const folder = Deno.makeTempDirSync({ prefix: "weft-store-" });
addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

const paths = new WeakMap<Store, string>();
let files = 0;

async function openFile(
  path: string,
  clock: Parameters<Driver["open"]>[0],
  faults: Parameters<Driver["open"]>[1],
) {
  const kv = faultyKv(await Deno.openKv(path), faults);
  const store = await denoKvStore({ location: path, kv, clock, random });
  paths.set(store, path);
  return store;
}

const onDisk: Driver = {
  open: (clock, faults) => openFile(`${folder}/${++files}.db`, clock, faults),
  reopen: async (store, clock) => {
    await store.close();
    return await openFile(paths.get(store)!, clock, []);
  },
  second: (store, clock) => openFile(paths.get(store)!, clock, []),
};

storeContract("Deno KV in memory", {
  driver: inMemory,
  skip: [{
    reason: "a database in memory has one opening",
    tests: ["a session of the second opening of a database fences the first's"],
  }],
});
storeContract("Deno KV on disk", { driver: onDisk });
storeContract("Deno KV on disk, reopened between steps", { driver: onDisk, reopenBetweenSteps: true });

/** The client for servers, on its own in-process database: the same code packs keys and walks for both. */
const serverClient: Driver = {
  open: async (clock, faults) => {
    const kv = await openKv("", { implementation: "in-memory" }) as unknown as Kv;
    return await denoKvStore({ location: "", kv: faultyKv(kv, faults), clock, random });
  },
};
storeContract("Deno KV by the client for servers", {
  driver: serverClient,
  skip: [{
    reason: "its in-process database has one opening",
    tests: ["a session of the second opening of a database fences the first's"],
  }],
});

Deno.test("two openings of one file that write at the same time lose no update", async () => {
  const path = `${folder}/shared.db`;
  const stores = [await denoKvStore({ location: path }), await denoKvStore({ location: path })];
  await stores[0]!.submit([put(["count"], "0")], []);
  await Promise.all(stores.map(async (store, i) => {
    const session = await openSession(store, `wrk_${i}`);
    for (let done = 0; done < 50;) {
      const [seen] = await store.get([["count"]]);
      const next = String(Number(new TextDecoder().decode(seen!.value)) + 1);
      if (await store.commit(session, [seen!], [put(["count"], next)], []) === "ok") done++;
    }
  }));
  assertEquals(await textAt(stores[0]!, ["count"]), "100");
  for (const store of stores) await store.close();
});
