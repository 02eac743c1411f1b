/** Commits: compare and set, all or nothing, two writers. */
import { assert, assertEquals } from "@std/assert";
import type { Check } from "../../../engine/store/store.ts";
import { type ContractTest, openSession } from "./stage.ts";
import { contents, put, textAt } from "./read.ts";

export const commitTests: ContractTest[] = [
  ["C1 a commit writes all of its puts and deletes", async (stage) => {
    const { store } = stage;
    await store.submit([put(["a", 1]), put(["a", 2])], []);
    const puts = [put(["a", 2], "two"), put(["a", 3], "three")];
    assertEquals(await store.commit(await stage.session(), [], puts, [["a", 1], ["a", "none"]]), "ok");
    await stage.again();
    assertEquals(await contents(stage.store), [[["a", 2], "two"], [["a", 3], "three"]]);
  }],

  ["all records of a commit have one new version, the others keep theirs", async (stage) => {
    const { store } = stage;
    await store.submit([put(["a"]), put(["b"])], []);
    const [before] = await store.get([["a"]]);
    await store.commit(await stage.session(), [], [put(["b"]), put(["c"])], []);
    await stage.again();
    const [a, b, c] = await stage.store.get([["a"], ["b"], ["c"]]);
    assertEquals(a?.version, before?.version);
    assertEquals(b?.version, c?.version);
    assert(b?.version !== a?.version);
  }],

  ["compare and set is exact: absence, presence, the version and no other", async (stage) => {
    await stage.store.submit([put(["there"], "1")], []);
    await stage.again();
    const [first] = await stage.store.get([["there"]]);
    const session = await stage.session();
    const cases: [string, Check, "ok" | "conflict"][] = [
      ["absent where it is there", { key: ["there"], version: null }, "conflict"],
      ["absent where it is absent", { key: ["gone"], version: null }, "ok"],
      ["a version where it is absent", { key: ["gone"], version: first!.version }, "conflict"],
      ["the version", { key: ["there"], version: first!.version }, "ok"],
      ["the version before", { key: ["there"], version: first!.version }, "conflict"],
    ];
    for (const [name, check, expected] of cases) {
      const before = await textAt(stage.store, ["there"]);
      const puts = expected === "ok" && check.version === null ? [] : [put(["there"], `after ${name}`)];
      assertEquals(await stage.store.commit(session, [check], puts, []), expected, name);
      if (expected === "conflict") assertEquals(await textAt(stage.store, ["there"]), before, name);
    }
    assertEquals(await textAt(stage.store, ["there"]), "after the version");
  }],

  ["a key that was deleted and written again has a new version, also with the same bytes", async (stage) => {
    const session = await stage.session();
    await stage.store.commit(session, [], [put(["a"])], []);
    const [first] = await stage.store.get([["a"]]);
    await stage.store.commit(session, [], [], [["a"]]);
    await stage.store.commit(session, [], [put(["a"])], []);
    const stale = [{ key: ["a"], version: first!.version }];
    assertEquals(await stage.store.commit(session, stale, [put(["a"], "stale")], []), "conflict");
  }],

  ["L3 a conflict writes nothing, and the session goes on", async (stage) => {
    const { store } = stage;
    await store.submit([put(["a"], "kept"), put(["b"], "kept")], []);
    const session = await stage.session();
    const before = await contents(store);
    const checks = [{ key: ["c"], version: null }, { key: ["a"], version: null }];
    for (let i = 0; i < 3; i++) {
      assertEquals(await store.commit(session, checks, [put(["c"]), put(["a"], "new")], [["b"]]), "conflict");
      assertEquals(await contents(store), before);
    }
    assertEquals(await store.commit(session, [], [put(["c"])], []), "ok");
    assertEquals(await store.renew(session), true);
  }],

  ["a delete that follows a put of the same key wins", async (stage) => {
    const session = await stage.session();
    assertEquals(await stage.store.commit(session, [], [put(["a"])], [["a"]]), "ok");
    await stage.again();
    assertEquals(await textAt(stage.store, ["a"]), undefined);
  }],

  ["of two writers who saw the same version one wins each round", async (stage) => {
    const sessions = [await openSession(stage.store, "wrk_1"), await openSession(stage.store, "wrk_2")];
    await stage.store.submit([put(["count"], "0")], []);
    let won = 0;
    for (let round = 0; round < 20; round++) {
      const [seen] = await stage.store.get([["count"]]);
      const next = [put(["count"], String(round + 1))];
      const answers = await Promise.all(
        sessions.map((session) => stage.store.commit(session, [seen!], next, [])),
      );
      assertEquals(answers.toSorted(), ["conflict", "ok"]);
      won += answers.filter((answer) => answer === "ok").length;
    }
    assertEquals(await textAt(stage.store, ["count"]), "20");
    assertEquals(won, 20);
  }],

  ["two writers that count until they succeed lose no update", async (stage) => {
    await stage.store.submit([put(["count"], "0")], []);
    const count = async (worker: string) => {
      const session = await openSession(stage.store, worker);
      for (let done = 0; done < 25;) {
        const [seen] = await stage.store.get([["count"]]);
        const value = Number(new TextDecoder().decode(seen!.value)) + 1;
        if (await stage.store.commit(session, [seen!], [put(["count"], String(value))], []) === "ok") done++;
      }
    };
    await Promise.all([count("wrk_1"), count("wrk_2")]);
    assertEquals(await textAt(stage.store, ["count"]), "50");
  }],

  ["a session of the second opening of a database fences the first's", async (stage) => {
    const second = await stage.driver.second!(stage.store, stage.clock);
    try {
      const session = await openSession(stage.store);
      const heir = await openSession(second);
      assertEquals(await stage.store.commit(session, [], [put(["a"], "old")], []), "fenced");
      assertEquals(await second.commit(heir, [], [put(["a"], "new")], []), "ok");
      assertEquals(await second.commit(session, [], [put(["a"], "old")], []), "fenced");
      assertEquals(await textAt(stage.store, ["a"]), "new");
    } finally {
      await second.close();
    }
  }],
];
