/** The store on PostgreSQL with several writers: whatever two of them check, only one can be right. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { openPostgresTable, postgresStore } from "../../../../engine/store/postgres.ts";
import type { Store } from "../../../../engine/store/store.ts";
import { postgresServer } from "../../../_support/postgres_server.ts";
import { keysOf, put, textAt } from "../../../contracts/store/read.ts";
import { openSession } from "../../../contracts/store/stage.ts";
import { holding, waiting } from "./behind.ts";

const server = await postgresServer();

/** Stores on one database, as so many processes would have them. */
async function sharing(
  count: number,
  act: (stores: Store[], address: string) => Promise<void>,
): Promise<void> {
  const address = server.address();
  const stores = await Promise.all(Array.from({ length: count }, () => postgresStore({ address })));
  await act(stores, address);
  for (const store of stores) await store.close();
}

Deno.test("EN-113 L1 two writers that wait for the same record: the second sees what the first did", async () => {
  await sharing(2, async ([one, two], address) => {
    await one!.submit([put(["a"], "0")], []);
    const [seen] = await one!.get([["a"]]);
    const sessions = [await openSession(one!, "w1"), await openSession(two!, "w2")];
    const holder = await holding(address, ["a"]);
    const answers = [one!, two!].map((store, i) =>
      store.commit(sessions[i]!, [seen!], [put(["a"], `by ${i}`), put(["own", i])], [])
    );
    await waiting(server, 2);
    await holder.letGo();
    assertEquals((await Promise.all(answers)).toSorted(), ["conflict", "ok"]);
    assertEquals(await keysOf(one!, ["own"]), [["own", (await answers[0]) === "ok" ? 0 : 1]]);
  });
});

Deno.test("EN-113 L3 a key that must be absent and is being written: whoever waited answers by how that ended", async () => {
  await sharing(1, async ([store], address) => {
    const session = await openSession(store!);
    const commit = (key: string) =>
      store!.commit(session, [{ key: [key], version: null }], [put(["beside", key]), put([key])], []);
    for (const end of ["letGo", "keep"] as const) {
      const holder = await holding(address, [end]);
      const answer = commit(end);
      await waiting(server, 1);
      await holder[end]();
      assertEquals(await answer, end === "keep" ? "conflict" : "ok");
    }
    assertEquals(await keysOf(store!, ["beside"]), [["beside", "letGo"]]);
    // The same where the key is only checked: it must not be there afterwards either.
    for (const end of ["letGo", "keep"] as const) {
      const holder = await holding(address, ["only", end]);
      const answer = store!.submit([put(["checked", end])], [["only", end]]);
      await waiting(server, 1);
      await holder[end]();
      assertEquals(await answer, end === "keep" ? "exists" : "ok");
    }
    assertEquals(await keysOf(store!, ["checked"]), [["checked", "letGo"]]);
    assertEquals(await keysOf(store!, ["only"]), [["only", "keep"]]);
  });
});

Deno.test("EN-113 a write that PostgreSQL ends because two wait for each other is busy, and passes when sent again", async () => {
  const address = server.address();
  const table = await openPostgresTable({ address });
  const puts = [put(["a"], "1"), put(["b"], "1")];
  await table.write([], puts, []);
  const holder = await holding(address, ["b"]);
  const write = table.write([], puts, []);
  write.catch(() => {});
  await waiting(server, 1);
  // It has waited for longer, so it is the one that is ended.
  await holder.also(["a"]);
  const error = await assertRejects(() => write, Error, "deadlock");
  assert(table.isBusy(error));
  await holder.letGo();
  assert(await table.write([], puts, []) !== undefined);
  assertEquals([table.isBusy(new Error("database is locked")), table.isBusy(undefined)], [false, false]);
  await table.close();
});

Deno.test("EN-113 writers of different keys do not wait for each other", async () => {
  await sharing(1, async ([store], address) => {
    const session = await openSession(store!);
    const holder = await holding(address, ["a"]);
    assertEquals(await store!.commit(session, [{ key: ["b"], version: null }], [put(["b"])], [["c"]]), "ok");
    assertEquals(await store!.submit([put(["d"])], [["d"]]), "ok");
    await holder.letGo();
  });
});

Deno.test("EN-113 of two writers who each require that the other's key is absent one at most passes", async () => {
  await sharing(2, async (stores) => {
    const sessions = await Promise.all(stores.map((store, i) => openSession(store, `w${i}`)));
    const passed = [0, 0, 0];
    for (let round = 0; round < 60; round++) {
      const keys = [["k", round, "a"], ["k", round, "b"]];
      const answers = await Promise.all(
        stores.map((store, i) =>
          store.commit(sessions[i]!, [{ key: keys[1 - i]!, version: null }], [put(keys[i]!)], [])
        ),
      );
      const there = (await keysOf(stores[0]!, ["k", round])).length;
      assertEquals(there, answers.filter((answer) => answer === "ok").length);
      passed[there]!++;
    }
    assertEquals(passed[2], 0);
    assert(passed[1]! > 0);
  });
});

Deno.test("EN-113 of two writers who each require the other's record as they saw it one at most passes", async () => {
  await sharing(2, async (stores) => {
    const keys = [["a"], ["b"]];
    await stores[0]!.submit(keys.map((key) => put(key, "0")), []);
    const sessions = await Promise.all(stores.map((store, i) => openSession(store, `w${i}`)));
    for (let round = 1; round <= 60; round++) {
      const seen = await stores[0]!.get(keys);
      const answers = await Promise.all(
        stores.map((store, i) =>
          store.commit(sessions[i]!, [seen[1 - i]!], [put(keys[i]!, String(round))], [])
        ),
      );
      assertEquals(answers.toSorted(), ["conflict", "ok"]);
      assertEquals(await textAt(stores[0]!, keys[answers.indexOf("ok")]!), String(round));
    }
  });
});

for (const isolation of ["read committed", "repeatable read", "serializable"]) {
  Deno.test(`EN-113 in a database whose transactions are ${isolation} by default no update is lost`, async () => {
    const address = `${server.address()}&default_transaction_isolation=${encodeURIComponent(isolation)}`;
    const stores = await Promise.all([1, 2].map(() => postgresStore({ address })));
    await stores[0]!.submit([put(["count"], "0")], []);
    await Promise.all(stores.map(async (store, i) => {
      const session = await openSession(store, `w${i}`);
      for (let done = 0; done < 20;) {
        const [seen] = await store.get([["count"]]);
        const next = String(Number(new TextDecoder().decode(seen!.value)) + 1);
        if (await store.commit(session, [seen!], [put(["count"], next)], []) === "ok") done++;
      }
    }));
    assertEquals(await textAt(stores[0]!, ["count"]), "40");
    for (const store of stores) await store.close();
  });
}

Deno.test("C1 a commit is durable when it is answered, whatever the database does by default", async () => {
  const address = server.address();
  const schema = new URL(address).searchParams.get("schema");
  const store = await postgresStore({ address: `${address}&synchronous_commit=off` });
  // What holds at the end of each transaction that writes.
  await server.sql(`
    create table ${schema}.seen (setting text);
    create function ${schema}.see() returns trigger language plpgsql as $$ begin
      insert into ${schema}.seen values (current_setting('synchronous_commit'));
      return null;
    end $$;
    create constraint trigger see after insert on ${schema}.wf_kv initially deferred
      for each row execute function ${schema}.see();
  `);
  await store.submit([put(["a"])], []);
  assertEquals(await server.sql(`select setting from ${schema}.seen`), [{ setting: "on" }]);
  await store.close();
});

Deno.test("EN-113 two processes that count until they succeed lose no update, also when one is killed", async () => {
  await sharing(1, async ([store], address) => {
    await store!.submit([put(["count"], "0")], []);
    const program = new URL("./count.ts", import.meta.url).pathname;
    const start = (worker: string, times: number) =>
      new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-check", program, address, worker, String(times)],
        stdout: "piped",
      }).spawn();
    const counters = [start("w1", 100), start("w2", 100)];
    const killed = start("w3", 1_000_000);
    const outputs = counters.map((counter) => counter.output());
    // It says each count that it made, and is killed among them.
    let said = "";
    for await (const bytes of killed.stdout) {
      said += new TextDecoder().decode(bytes);
      if (said.length > 20) killed.kill("SIGKILL");
    }
    await killed.status;
    for (const output of outputs) assert((await output).success);
    const count = Number(await textAt(store!, ["count"]));
    const least = 200 + said.length;
    assert(count === least || count === least + 1, `${count} is not ${least}, nor that and one not said`);
  });
});
