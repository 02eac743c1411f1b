/** EN-111: writes whose answer is lost, and a database that is locked for a moment. */
import { assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../../../engine/base/errors.ts";
import { keysOf, put, textAt } from "./read.ts";
import { type ContractTest, type Fault, openSession } from "./stage.ts";

const FAULTS: Fault[] = ["lost after", "lost before", "locked"];

/** More than any bound on tries. */
const FOR_EVER = (fault: Fault): Fault[] => Array.from({ length: 1000 }, () => fault);

async function assertUnavailable(act: () => Promise<unknown>): Promise<void> {
  const error = await assertRejects(act, EngineError);
  assertEquals(error.code, "store_unavailable");
}

export const lossTests: ContractTest[] = [
  ...FAULTS.map((fault): ContractTest => [
    `EN-111 C1 a commit whose answer is ${fault} is settled: written once, session goes on`,
    async (stage) => {
      const session = await stage.session();
      const absent = [{ key: ["a"], version: null }];
      stage.faults.push(fault);
      assertEquals(await stage.store.commit(session, absent, [put(["a"])], []), "ok");
      assertEquals(stage.faults, []);
      const [first] = await stage.store.get([["a"]]);
      assertEquals(await stage.store.commit(session, [first!], [put(["b"])], []), "ok");
      assertEquals(await stage.store.renew(session), true);
    },
  ]),

  ["EN-111 several lost answers in a row are settled", async (stage) => {
    const session = await stage.session();
    stage.faults.push("lost before", ...FOR_EVER("locked").slice(0, 50), "lost after");
    assertEquals(await stage.store.commit(session, [], [put(["a"])], []), "ok");
    assertEquals(stage.faults, []);
    assertEquals(await stage.store.renew(session), true);
  }],

  ["EN-111 a lost answer of a commit that was refused is a conflict", async (stage) => {
    await stage.store.submit([put(["a"], "kept")], []);
    const session = await stage.session();
    stage.faults.push("lost after");
    const absent = [{ key: ["a"], version: null }];
    assertEquals(await stage.store.commit(session, absent, [put(["a"], "new")], []), "conflict");
    assertEquals(await textAt(stage.store, ["a"]), "kept");
    assertEquals(await stage.store.renew(session), true);
  }],

  ["L3 a lost answer after a take-over is fenced", async (stage) => {
    const old = await openSession(stage.store);
    const heir = await openSession(stage.store);
    await stage.store.renew(heir);
    for (const fault of FAULTS) {
      stage.faults.push(fault);
      assertEquals(await stage.store.commit(old, [], [put(["a"])], []), "fenced");
      stage.faults.length = 0;
    }
    assertEquals(await textAt(stage.store, ["a"]), undefined);
  }],

  ["a store that stays away ends a commit, which may be sent again if it was not written", async (stage) => {
    const session = await stage.session();
    stage.faults.push(...FOR_EVER("lost before"));
    await assertUnavailable(() => stage.store.commit(session, [], [put(["a"])], []));
    stage.faults.length = 0;
    assertEquals(await stage.store.commit(session, [], [put(["a"])], []), "ok");
  }],

  [
    "C1 a commit that was written but could not be read back fences the next, whose caller is behind",
    async (stage) => {
      const session = await stage.session();
      stage.faults.push("lost after", ...FOR_EVER("unreadable"));
      await assertUnavailable(() => stage.store.commit(session, [], [put(["a"])], []));
      stage.faults.length = 0;
      assertEquals(await stage.store.commit(session, [], [put(["a"], "other")], []), "fenced");
      assertEquals(await textAt(stage.store, ["a"]), "x");
      assertEquals((await openSession(stage.store)).epoch, session.epoch + 1);
    },
  ],

  ["a read without an answer is tried again, and ends if none comes", async (stage) => {
    await stage.store.submit([put(["a"], "there")], []);
    stage.faults.push("unreadable", "unreadable");
    assertEquals(await textAt(stage.store, ["a"]), "there");
    stage.faults.push(...FOR_EVER("unreadable"));
    await assertUnavailable(() => stage.store.get([["a"]]));
  }],

  ["a database that stays locked ends every kind of write", async (stage) => {
    const session = await stage.session();
    const writes: (() => Promise<unknown>)[] = [
      () => stage.store.commit(session, [], [put(["a"])], []),
      () => stage.store.submit([put(["b"])], [["b"]]),
      () => stage.store.post("r", "c", new Uint8Array(1)),
      () => stage.store.openSession("wrk_2", 1000, ""),
      () => stage.store.closeSession(session),
    ];
    for (const write of writes) {
      stage.faults.push(...FOR_EVER("locked"));
      await assertUnavailable(write);
      stage.faults.length = 0;
    }
    assertEquals(await keysOf(stage.store, []), [["session", "wrk_1"]]);
    assertEquals(await stage.store.commit(session, [], [put(["a"])], []), "fenced", "it was told to close");
  }],

  ["EN-104 a commit whose answer is lost past the expiry is fenced", async (stage) => {
    const session = await openSession(stage.store, "wrk_1", 1000);
    const original = stage.clock.now;
    const read = stage.store.commit(session, [], [put(["a"])], []);
    assertEquals(await read, "ok");
    stage.faults.push("lost before");
    const pending = stage.store.commit(session, [], [put(["b"])], []);
    // The clock jumps while the answer is awaited.
    stage.clock.now = () => original() + 1000;
    assertEquals(await pending, "fenced");
    assertEquals(await textAt(stage.store, ["b"]), undefined);
  }],

  ...FAULTS.map((fault): ContractTest => [
    `a submission, a post, an opening and a closing whose answer is ${fault} are settled`,
    async (stage) => {
      const { store, faults } = stage;
      faults.push(fault);
      assertEquals(await store.submit([put(["run", "a"]), put(["in", "a"])], [["run", "a"]]), "ok");
      faults.push(fault);
      assertEquals(await store.submit([put(["run", "a"], "other")], [["run", "a"]]), "exists");
      faults.push(fault);
      await store.post("a", "cmd_1", new Uint8Array([1]));
      faults.push(fault);
      const session = await openSession(store);
      assertEquals(await store.renew(session), true);
      faults.push(fault);
      await store.closeSession(session);
      assertEquals(faults, []);
      assertEquals(await keysOf(store, []), [["in", "a"], ["in", "a", "cmd_1"], ["run", "a"]]);
      assertEquals(await textAt(store, ["run", "a"]), "x");
    },
  ]),

  ["a session is closed also after a commit that could not be read back", async (stage) => {
    const session = await stage.session();
    stage.faults.push("lost after", ...FOR_EVER("unreadable"));
    await assertUnavailable(() => stage.store.commit(session, [], [], []));
    stage.faults.length = 0;
    await stage.store.closeSession(session);
    assertEquals(await keysOf(stage.store, []), []);
  }],
];
