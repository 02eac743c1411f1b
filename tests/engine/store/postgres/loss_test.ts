/** The store on PostgreSQL when backends die, answers are lost and the server is away. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../../../../engine/base/errors.ts";
import { openStore } from "../../../../engine/store/open.ts";
import { openPostgresTable, postgresStore } from "../../../../engine/store/postgres.ts";
import { postgresServer } from "../../../_support/postgres_server.ts";
import { keysOf, put, textAt } from "../../../contracts/store/read.ts";
import { openSession } from "../../../contracts/store/stage.ts";
import { holding, waiting } from "./behind.ts";
import { proxyTo } from "./proxy.ts";

const server = await postgresServer();

/** Ends every backend of stores. */
const KILL = `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'weft'`;

Deno.test("EN-111 C1 a commit whose backend is killed while it waits is sent again and written once", async () => {
  const address = server.address();
  const store = await postgresStore({ address });
  const session = await openSession(store);
  await store.submit([put(["a"], "0")], []);
  const [seen] = await store.get([["a"]]);
  const holder = await holding(address, ["a"]);
  const answer = store.commit(session, [seen!], [put(["a"], "1"), put(["b"])], []);
  await waiting(server, 1);
  await server.sql(KILL);
  await holder.letGo();
  assertEquals(await answer, "ok");
  assertEquals(session.turn, 1);
  assertEquals([await textAt(store, ["a"]), await textAt(store, ["b"])], ["1", "x"]);
  await store.close();
});

Deno.test("EN-111 backends that are killed between calls are replaced without anyone noticing", async () => {
  const store = await postgresStore({ address: server.address() });
  const session = await openSession(store);
  for (let i = 0; i < 5; i++) {
    await server.sql(KILL);
    assertEquals(await store.commit(session, [], [put(["a", i])], []), "ok");
    await server.sql(KILL);
    assertEquals((await keysOf(store, ["a"])).length, i + 1);
  }
  await store.close();
});

Deno.test("EN-111 C1 a commit whose answer is cut off on the wire is settled: written once, session goes on", async () => {
  const proxy = proxyTo(server.host, server.port);
  const address = server.address().replace(`:${server.port}/`, `:${proxy.port}/`);
  const store = await postgresStore({ address });
  const session = await openSession(store);
  const none = { key: ["a"], version: null };
  // So that the statement is known to the server and the next commit is one exchange.
  assertEquals(await store.commit(session, [], [], []), "ok");
  proxy.replies = "cuts";
  const broken = proxy.broken();
  assertEquals(await store.commit(session, [none], [put(["a"])], []), "ok");
  await broken;
  assertEquals(await store.commit(session, [none], [put(["a"])], []), "conflict");
  assertEquals(session.turn, 2);
  assertEquals(await store.renew(session), true);
  await store.close();
  await proxy.shut();
});

Deno.test("a server that does not answer ends a call as store_unavailable, and the store goes on when it does", async () => {
  const proxy = proxyTo(server.host, server.port);
  const address = server.address().replace(`:${server.port}/`, `:${proxy.port}/`);
  const store = await postgresStore({ address, longestQueryMs: 300, random: () => 0 });
  await store.submit([put(["a"])], []);
  proxy.replies = "swallows";
  const silent = await assertRejects(() => store.get([["a"]]), EngineError, "No answer in 300 ms");
  assertEquals(silent.code, "store_unavailable");
  proxy.replies = "pass";
  assertEquals(await textAt(store, ["a"]), "x");
  await proxy.shut();
  const refused = await assertRejects(() => store.get([["a"]]), EngineError, "does not take or give records");
  assertEquals(refused.code, "store_unavailable");
  proxy.open();
  assertEquals(await textAt(store, ["a"]), "x");
  await store.close();
  await proxy.shut();
});

Deno.test("EN-111 after a silence the first try is good: nothing waits behind a query that has no answer", async () => {
  const proxy = proxyTo(server.host, server.port);
  const address = server.address().replace(`:${server.port}/`, `:${proxy.port}/`);
  const table = await openPostgresTable({ address, longestQueryMs: 300 });
  await table.write([], [put(["a"])], []);
  proxy.replies = "swallows";
  // More than there are connections.
  const silent = Array.from({ length: 10 }, () => table.read([["a"]]));
  const answers = await Promise.allSettled(silent);
  assertEquals(answers.map(({ status }) => status), silent.map(() => "rejected"));
  proxy.replies = "pass";
  assertEquals((await table.read([["a"], ["b"]])).map((entry) => entry?.key), [["a"], undefined]);
  await table.close();
  await proxy.shut();
});

Deno.test("AP-116 whatever is wrong with an address, the refusal does not tell its password", async () => {
  const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const nobody = free.addr.port;
  free.close();
  const secret = "hunter2";
  const cases: [address: string, words: string][] = [
    [`postgres://weft:${secret}@${server.host}:${server.port}/postgres`, "password authentication failed"],
    [`postgres://weft:${secret}@127.0.0.1:${nobody}/weft`, "ECONNREFUSED"],
    [`postgres://weft:a/${secret}@[127/weft`, "is not a URL"],
    [`postgresql://weft:${secret}@127.0.0.1/weft?schema=No+Name&password=${secret}`, "plain name"],
    [server.address().replace("/postgres?", "/none?"), 'database "none" does not exist'],
  ];
  for (const [address, words] of cases) {
    const error = await assertRejects(() => openStore(address), EngineError, words);
    assertEquals(error.code, "store_unavailable");
    const told = Deno.inspect(error, { depth: 9 });
    assert(!told.includes(secret) && !told.includes(server.password), told);
  }
});

Deno.test("a store is opened by its address, shared with others, and made by whoever comes first", async () => {
  const address = server.address();
  const opened = await Promise.all(Array.from({ length: 8 }, () => openStore(address)));
  assertEquals(opened.map(({ exclusive }) => exclusive), opened.map(() => false));
  await opened[0]!.store.submit([put(["a"])], []);
  for (const { store, release } of opened) {
    assertEquals(await textAt(store, ["a"]), "x");
    await release();
  }
  // The client's own parameters go with the address, such as this one for poolers that keep no statements.
  const elsewhere = await openStore(`${server.address()}&prepare=false`);
  assertEquals(await keysOf(elsewhere.store, []), [], "another schema is another store");
  const session = await openSession(elsewhere.store);
  assertEquals(await elsewhere.store.commit(session, [], [put(["a"])], []), "ok");
  assertEquals(await keysOf(elsewhere.store, ["a"]), []);
  assertEquals(await textAt(elsewhere.store, ["a"]), "x");
  await elsewhere.release();
});
