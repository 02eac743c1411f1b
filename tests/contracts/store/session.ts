/** Sessions: epochs, take-over, expiry, renewal. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../../../engine/base/errors.ts";
import { sessionKey } from "../../../engine/store/keys.ts";
import { readSessionRecord } from "../../../engine/store/table/session_chain.ts";
import { type ContractTest, openSession } from "./stage.ts";
import { contents, put } from "./read.ts";

const BEYOND = [put(["run", "late"], "late")];

export const sessionTests: ContractTest[] = [
  ["L2 epochs only grow, from 1, over take-overs and reopening", async (stage) => {
    const epochs: number[] = [];
    for (let i = 0; i < 4; i++) {
      epochs.push((await openSession(stage.store)).epoch);
      await stage.again();
    }
    assertEquals(epochs, [1, 2, 3, 4]);
    assertEquals((await openSession(stage.store, "wrk_2")).epoch, 1);
  }],

  [
    "EN-103 the session's record says epoch, expiry, turn and address, and each commit renews it",
    async (stage) => {
      const session = await openSession(stage.store, "wrk_1", 1000);
      const read = async () => readSessionRecord((await stage.store.get([sessionKey("wrk_1")]))[0]!);
      const { epoch, turn, expiresAt, address } = await read();
      assertEquals([epoch, turn, expiresAt, address], [1, 0, stage.clock.now() + 1000, "unix:/tmp/wrk"]);
      await stage.clock.advance(600);
      assertEquals(await stage.store.commit(session, [], [], []), "ok");
      const renewed = await read();
      assertEquals([renewed.turn, renewed.expiresAt], [1, stage.clock.now() + 1000]);
      assertEquals([session.turn, session.expiresAt], [1, stage.clock.now() + 1000]);
      await stage.clock.advance(600);
      assertEquals(
        await stage.store.commit(session, [], [], []),
        "ok",
        "the lease ran from the first commit",
      );
    },
  ],

  ["L1 L3 EN-104 after a take-over the old session is fenced for ever and leaves no trace", async (stage) => {
    const old = await openSession(stage.store);
    assertEquals(await stage.store.commit(old, [], [put(["run", "a"], "old")], []), "ok");
    const heir = await openSession(stage.store);
    const before = await contents(stage.store);
    assertEquals(await stage.store.commit(old, [], BEYOND, [["run", "a"]]), "fenced");
    assertEquals(await stage.store.commit(old, [], BEYOND, []), "fenced");
    assertEquals(await stage.store.renew(old), false);
    await stage.store.closeSession(old);
    assertEquals(await contents(stage.store), before);
    assertEquals(await stage.store.commit(heir, [], [put(["run", "a"], "new")], []), "ok");
    assertEquals(heir.epoch, 2);
  }],

  ["EN-104 past its expiry a session is fenced, by its own worker and for ever", async (stage) => {
    const session = await openSession(stage.store, "wrk_1", 1000);
    await stage.clock.advance(999);
    assert(await stage.store.renew(session));
    await stage.clock.advance(1000);
    assertEquals(await stage.store.commit(session, [], BEYOND, []), "fenced");
    assertEquals(await stage.store.renew(session), false);
    assertEquals(await contents(stage.store), []);
    assertEquals((await openSession(stage.store)).epoch, 2);
  }],

  ["EN-1703 a wall clock that jumps back does not prolong a session", async (stage) => {
    const session = await openSession(stage.store, "wrk_1", 1000);
    await stage.clock.advance(1000);
    const jumped = stage.clock.now() - 60_000;
    stage.clock.now = () => jumped;
    assertEquals(await stage.store.commit(session, [], BEYOND, []), "fenced");

    const other = await openSession(stage.store, "wrk_2", 1000);
    stage.clock.now = () => jumped + 1000;
    assertEquals(await stage.store.renew(other), false);
    stage.clock.now = () => jumped;
    assertEquals(await stage.store.renew(other), false, "once fenced, always fenced");
  }],

  ["renewals and commits under one session take turns", async (stage) => {
    const session = await stage.session();
    const results = await Promise.all([
      stage.store.commit(session, [], [put(["run", "a"])], []),
      stage.store.renew(session),
      stage.store.commit(session, [], [put(["run", "b"])], []),
      stage.store.renew(session),
    ]);
    assertEquals(results, ["ok", true, "ok", true]);
    assertEquals(session.turn, 4);
  }],

  ["sessions of different workers do not disturb each other", async (stage) => {
    const one = await openSession(stage.store, "wrk_1");
    const two = await openSession(stage.store, "wrk_2");
    for (let i = 0; i < 5; i++) {
      assertEquals(await stage.store.commit(one, [], [put(["event", "a", i])], []), "ok");
      assertEquals(await stage.store.commit(two, [], [put(["event", "b", i])], []), "ok");
    }
  }],

  ["of callers who take one place at the same moment the store serves one at a time", async (stage) => {
    const sessions = await Promise.all(
      Array.from({ length: 5 }, () => stage.store.openSession("wrk_1", 15_000, "")),
    );
    const open = sessions.filter((session) => session !== undefined);
    assert(open.length >= 1);
    assertEquals(new Set(open.map((session) => session.epoch)).size, open.length);
    const answers = await Promise.all(open.map((session) => stage.store.renew(session)));
    assertEquals(answers.filter((stands) => stands).length, 1);
  }],

  ["closing a session removes its record and fences it", async (stage) => {
    const session = await stage.session();
    await stage.store.closeSession(session);
    assertEquals(await stage.store.get([sessionKey("wrk_1")]), [undefined]);
    assertEquals(await stage.store.commit(session, [], BEYOND, []), "fenced");
    await stage.store.closeSession(session);
    assertEquals(await contents(stage.store), []);
  }],

  [
    "L3 a session of an earlier holder of the name is fenced, even where epoch and turn are equal",
    async (stage) => {
      const old = await openSession(stage.store);
      const heir = await openSession(stage.store);
      await stage.store.closeSession(heir);
      const third = await openSession(stage.store);
      assertEquals(third.epoch, old.epoch);
      assertEquals(await stage.store.commit(third, [], [], []), "ok");
      assertEquals(await stage.store.commit(old, [], BEYOND, []), "fenced");
      assertEquals(await contents(stage.store), []);
    },
  ],

  ["a closed store refuses every call and closes twice", async (stage) => {
    const { store } = stage;
    const session = await stage.session();
    const last = store.commit(session, [], [put(["run", "a"])], []);
    await store.close();
    assertEquals(await last, "ok", "close did not wait for what was under way");
    await store.close();
    const calls: (() => Promise<unknown>)[] = [
      () => store.openSession("wrk_2", 1000, ""),
      () => store.commit(session, [], [], []),
      () => store.renew(session),
      () => store.closeSession(session),
      () => store.submit([], []),
      () => store.post("a", "b", new Uint8Array()),
      () => store.get([["run", "a"]]),
      () => store.list(["run"])[Symbol.asyncIterator]().next(),
    ];
    for (const call of calls) {
      const error = await assertRejects(call, EngineError);
      assertEquals(error.code, "store_unavailable");
    }
  }],

  ["closing a session that was taken over leaves its heir's record", async (stage) => {
    const old = await openSession(stage.store);
    const heir = await openSession(stage.store);
    await stage.store.closeSession(old);
    assertEquals(await stage.store.renew(heir), true);
  }],
];
