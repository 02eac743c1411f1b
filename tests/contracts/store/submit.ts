/** Submissions and posts: what any process may write without a session. */
import { assertEquals } from "@std/assert";
import { type ContractTest, openSession } from "./stage.ts";
import { contents, keysOf, put, textAt } from "./read.ts";

export const submitTests: ContractTest[] = [
  ["EN-201 a submission appears whole", async (stage) => {
    const puts = [
      put(["run", "a"], "head"),
      put(["event", "a", 1], "first"),
      put(["ready", "d", 5, "a"], ""),
    ];
    assertEquals(await stage.store.submit(puts, [["run", "a"]]), "ok");
    await stage.again();
    assertEquals((await contents(stage.store)).length, 3);
  }],

  ["a submission whose key exists writes nothing", async (stage) => {
    await stage.store.submit([put(["idem", "k"], "run a")], [["idem", "k"]]);
    await stage.again();
    const before = await contents(stage.store);
    const other = [put(["idem", "k"], "run b"), put(["run", "b"])];
    assertEquals(await stage.store.submit(other, [["idem", "none"], ["idem", "k"]]), "exists");
    assertEquals(await contents(stage.store), before);
  }],

  ["a key of unless need not be one of the puts", async (stage) => {
    await stage.store.submit([put(["stop"])], []);
    assertEquals(await stage.store.submit([put(["a"])], [["stop"]]), "exists");
    assertEquals(await stage.store.submit([put(["a"])], [["go"]]), "ok");
  }],

  ["a submission sent twice with the same bytes is the same submission", async (stage) => {
    const puts = [put(["run", "a"], "unique to this caller")];
    assertEquals(await stage.store.submit(puts, [["run", "a"]]), "ok");
    const [before] = await stage.store.get([["run", "a"]]);
    await stage.again();
    assertEquals(await stage.store.submit(puts, [["run", "a"]]), "ok");
    const [after] = await stage.store.get([["run", "a"]]);
    assertEquals(after?.version, before?.version);
  }],

  ["EN-203 of 50 simultaneous submissions with one key one is written", async (stage) => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => {
        return stage.store.submit([put(["idem", "k"], `run ${i}`), put(["run", i])], [["idem", "k"]]);
      }),
    );
    assertEquals(answers.filter((answer) => answer === "ok").length, 1);
    assertEquals(await textAt(stage.store, ["idem", "k"]), `run ${answers.indexOf("ok")}`);
    assertEquals(await keysOf(stage.store, ["run"]), [["run", answers.indexOf("ok")]]);
  }],

  ["a submission without conditions overwrites, as content-addressed records may be", async (stage) => {
    await stage.store.submit([put(["chunk", "s", 0], "same")], []);
    assertEquals(await stage.store.submit([put(["chunk", "s", 0], "same")], []), "ok");
    assertEquals(await stage.store.submit([], []), "ok");
  }],

  ["a submission does not disturb a session", async (stage) => {
    const session = await openSession(stage.store);
    await stage.store.submit([put(["run", "a"])], [["run", "a"]]);
    assertEquals(await stage.store.commit(session, [], [put(["run", "a"], "claimed")], []), "ok");
  }],

  [
    "EN-101 commands wait in the run's inbox in the order of their ids; a repeated id changes nothing",
    async (stage) => {
      await stage.store.post("a", "cmd_2", new Uint8Array([2]));
      await stage.store.post("a", "cmd_1", new Uint8Array([1]));
      await stage.again();
      await stage.store.post("a", "cmd_2", new Uint8Array([9]));
      await stage.store.post("b", "cmd_0", new Uint8Array());
      assertEquals(await keysOf(stage.store, ["in", "a"]), [["in", "a", "cmd_1"], ["in", "a", "cmd_2"]]);
      const [entry] = await stage.store.get([["in", "a", "cmd_2"]]);
      assertEquals([...entry!.value], [2]);
    },
  ],
];
