/** The store on a KV Connect server, over HTTP: the contract, lost answers, a server that is away. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../../../engine/base/errors.ts";
import { denoKvStore } from "../../../engine/store/deno_kv.ts";
import { openStore } from "../../../engine/store/open.ts";
import type { Store } from "../../../engine/store/store.ts";
import { kvConnectServer, type Trouble } from "../../_support/kv_connect/server.ts";
import type { ManualClock } from "../../_support/manual_clock.ts";
import { put, textAt } from "../../contracts/store/read.ts";
import { type Driver, type Fault, openSession } from "../../contracts/store/stage.ts";
import { storeContract } from "../../contracts/store_contract.ts";

const server = kvConnectServer();
Deno.env.set("DENO_KV_ACCESS_TOKEN", server.token);
Deno.test.afterAll(() => server.stop());

const locations = new WeakMap<Store, string>();

/** The server does to a database what a test says. */
const faultsOf = new Map<string, (Fault | undefined)[]>();
const troubled: Trouble = (database, action, request) => {
  const faults = faultsOf.get(database) ?? [];
  if (action === "atomic_write") {
    const fault = faults.shift();
    return fault && ({ "lost before": "refused", "lost after": "answer lost", locked: "locked" } as const)[
      fault as "locked"
    ];
  }
  // A read of keys asks for one entry of each range; a list never does in these tests.
  const ofKeys = request.messages(1).every((range) => range.bytes(2).length === 1);
  if (!ofKeys || faults[0] !== "unreadable") return undefined;
  faults.shift();
  return "refused";
};
server.trouble = troubled;

async function openAt(location: string, clock: ManualClock, faults: (Fault | undefined)[] = []) {
  faultsOf.set(new URL(location).pathname.slice(1), faults);
  const store = await denoKvStore({ location, clock, random: () => 0 });
  locations.set(store, location);
  return store;
}

const driver: Driver = {
  open: (clock, faults) => openAt(server.address(), clock, faults),
  async reopen(store, clock) {
    await store.close();
    return await openAt(locations.get(store)!, clock);
  },
  second: (store, clock) => openAt(locations.get(store)!, clock),
};

storeContract("EN-113 KV Connect over HTTP", { driver });
storeContract("EN-113 KV Connect over HTTP, reopened between steps", { driver, reopenBetweenSteps: true });

Deno.test("EN-111 the client sends nothing again by itself: each try is the store's", async () => {
  const store = await denoKvStore({ location: server.address(), random: () => 0 });
  server.trouble = (_, action) => action === "atomic_write" ? "refused" : undefined;
  const before = server.requests;
  const error = await assertRejects(() => store.post("r", "c", new Uint8Array(1)), EngineError, "503");
  assertEquals([error.code, server.requests - before], ["store_unavailable", 6]);
  server.trouble = troubled;
  await store.close();
});

Deno.test("EN-111 C1 a server that goes away and comes back costs no commit and repeats none", async () => {
  const store = await denoKvStore({ location: server.address(), random: () => 0 });
  const session = await openSession(store);
  assertEquals(await store.commit(session, [], [put(["a"], "1")], []), "ok");
  await server.stop();
  const commit = () => store.commit(session, [], [put(["a"], "2")], []);
  assertEquals((await assertRejects(commit, EngineError)).code, "store_unavailable");
  assertEquals((await assertRejects(() => textAt(store, ["a"]), EngineError)).code, "store_unavailable");
  server.start();
  assertEquals(await textAt(store, ["a"]), "1");
  assertEquals(await commit(), "ok");
  assertEquals(await textAt(store, ["a"]), "2");
  await store.close();
});

Deno.test("AP-116 a server that refuses the token, or is not there, is store_unavailable and tells no token", async () => {
  const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const nobody = free.addr.port;
  free.close();
  const right = server.token;
  try {
    Deno.env.set("DENO_KV_ACCESS_TOKEN", "hunter2");
    for (const address of [server.address(), `http://127.0.0.1:${nobody}/db`]) {
      const error = await assertRejects(() => openStore(address), EngineError, "cannot be opened");
      assertEquals(error.code, "store_unavailable");
      assert(!Deno.inspect(error, { depth: 9 }).includes("hunter2"));
    }
  } finally {
    Deno.env.set("DENO_KV_ACCESS_TOKEN", right);
  }
});
