import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../../../engine/base/errors.ts";
import { memoryStore } from "../../../engine/store/memory.ts";
import type { Store } from "../../../engine/store/store.ts";
import type { WireGroup } from "../../../engine/wire/frame.ts";
import { ManualClock } from "../../_support/manual_clock.ts";
import { ended, engineOf, gate, kept, notebookOf, ScriptedKind, valuesOf, withMethods } from "./_harness.ts";

const DIAMOND = notebookOf({ a: [], b: ["a"], c: ["a"], d: ["b", "c"] });

Deno.test("a run executes its cells in the order of their data and ends as succeeded", async () => {
  const kind = new ScriptedKind();
  const engine = await engineOf(memoryStore(), kind);
  const { run } = await engine.submit({ notebook: "n", text: DIAMOND, author: "t" });
  const view = await ended(engine, run);
  assertEquals(view.label, "succeeded");
  assertEquals(valuesOf(view), { a: 1, b: 2, c: 2, d: 5 });
  assertEquals(kind.calls.toSorted(), ["a#1", "b#1", "c#1", "d#1"]);
  assertEquals(await engine.value(run, "d"), 5);
  assertEquals((await engine.runs({ notebook: "n" })).map(({ id, label }) => [id, label]), [[
    run,
    "succeeded",
  ]]);
  await engine.close();
});

/** A store that tells of each commit before it is sent and can hold it back. */
function watched(store: Store, before: (puts: string[]) => Promise<void> | void): Store {
  return withMethods(store, {
    async commit(session, checks, puts, deletes) {
      await before(puts.map(({ key }) => key.join("/")));
      return await store.commit(session, checks, puts, deletes);
    },
  });
}

Deno.test("C2 EN-110 a successor starts only after the result before it is durable", async () => {
  const log: string[] = [];
  const kind = new ScriptedKind({
    b: () => {
      log.push("b runs");
      return { type: "succeeded", value: 1 };
    },
  });
  const held = gate();
  const arrived = gate();
  let commits = 0;
  const store = watched(memoryStore(), async (puts) => {
    if (!puts.some((key) => key.startsWith("event/"))) return;
    // The second turn of the run says that `a` succeeded and `b` started.
    if (++commits !== 2) return;
    arrived.open();
    await held.opened;
    log.push("durable");
  });
  const engine = await engineOf(store, kind);
  const { run } = await engine.submit({ notebook: "n", text: notebookOf({ a: [], b: ["a"] }), author: "t" });
  await arrived.opened;
  held.open();
  await ended(engine, run);
  assertEquals(log, ["durable", "b runs"]);
  await engine.close();
});

Deno.test("EN-105 what arrives while a commit is in flight goes into one next commit", async () => {
  let commits = 0;
  const store = watched(memoryStore(), (puts) => {
    if (puts.some((key) => key.startsWith("event/"))) commits++;
  });
  const cells = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`c${i}`, []]));
  const engine = await engineOf(store, new ScriptedKind());
  const text = `---\nweft: 1\nconcurrency: 20\n---\n\n${notebookOf(cells)}`;
  const view = await ended(engine, (await engine.submit({ notebook: "n", text, author: "t" })).run);
  assertEquals(view.label, "succeeded");
  assert(commits < 10, `20 parallel cells took ${commits} commits`);
  await engine.close();
});

Deno.test("a new engine on the same store goes on with a run: finished steps are not run again", async () => {
  const store = memoryStore();
  const stuck = gate();
  const first = new ScriptedKind({ b: async () => (await stuck.opened, { type: "cancelled" }) });
  const before = await engineOf(kept(store), first);
  const { run } = await before.submit({ notebook: "n", text: DIAMOND, author: "t" });
  for await (const { items } of before.follow(run, { signal: AbortSignal.timeout(5000) })) {
    if (
      items.some((item) =>
        item.kind === "event" && item.event.type === "step.succeeded" && item.event.step === "c"
      )
    ) break;
  }
  // The first process is gone without a word: its session is neither closed nor used again.
  const second = new ScriptedKind();
  const after = await engineOf(store, second);
  const view = await ended(after, run);
  assertEquals(view.label, "succeeded");
  assertEquals(second.calls, ["b#2", "d#1"]);
  assertEquals(view.cells.b!.reason, "recovery");
  assertEquals(valuesOf(view), { a: 1, b: 2, c: 2, d: 5 });
  stuck.open();
  await before.close();
  await after.close();
});

Deno.test("L1 a worker whose place was taken writes nothing more and drops its runs", async () => {
  const store = memoryStore();
  const release = gate();
  const started = gate();
  const slow = new ScriptedKind({
    a: async () => {
      started.open();
      await release.opened;
      return { type: "succeeded", value: "from the old owner" };
    },
  });
  const old = await engineOf(kept(store), slow);
  const { run } = await old.submit({ notebook: "n", text: notebookOf({ a: [] }), author: "t" });
  await started.opened;
  const fresh = await engineOf(
    store,
    new ScriptedKind({ a: () => ({ type: "succeeded", value: "from the new owner" }) }),
  );
  release.open();
  const view = await ended(fresh, run);
  assertEquals(valuesOf(view), { a: "from the new owner" });
  await old.close();
  await fresh.close();
});

Deno.test("EN-404 a cell that fails for a passing reason is tried again, and its output starts afresh", async () => {
  const kind = new ScriptedKind({
    a: ({ attempt, emit }) => {
      emit({ type: "text", text: `try ${attempt}` });
      if (attempt < 3) return { type: "failed", problem: { category: "network", message: "cut" } };
      return { type: "succeeded", value: attempt };
    },
  });
  const engine = await engineOf(memoryStore(), kind);
  const text = notebookOf({ a: [] }, { a: "retry: { attempts: 3, initial: 1ms, jitter: none }" });
  const view = await ended(engine, (await engine.submit({ notebook: "n", text, author: "t" })).run);
  assertEquals([view.label, view.cells.a!.text, view.cells.a!.attempt], ["succeeded", "try 3", 3]);
  assertEquals(view.cells.a!.earlier.map(({ text }) => text), ["try 1", "try 2"]);
  await engine.close();
});

Deno.test("EN-408 an attempt that takes longer than its timeout is aborted and fails", async () => {
  const kind = new ScriptedKind({
    a: ({ signal }) =>
      new Promise((resolve) =>
        signal.addEventListener("abort", () => resolve({ type: "cancelled" }), { once: true })
      ),
  });
  const engine = await engineOf(memoryStore(), kind);
  const text = notebookOf({ a: [] }, { a: "timeout: 1s" });
  const view = await ended(engine, (await engine.submit({ notebook: "n", text, author: "t" })).run);
  assertEquals([view.label, view.cells.a!.problem?.category], ["failed", "timeout"]);
  await engine.close();
});

Deno.test("EN-603 cancel reaches a running attempt and the run ends as cancelled", async () => {
  const running = gate();
  const kind = new ScriptedKind({
    a: ({ signal, emit }) => {
      emit({ type: "text", text: "half a sen" });
      running.open();
      return new Promise((resolve) => signal.addEventListener("abort", () => resolve({ type: "cancelled" })));
    },
  });
  const engine = await engineOf(memoryStore(), kind);
  const { run } = await engine.submit({ notebook: "n", text: DIAMOND, author: "t" });
  await running.opened;
  await engine.tell(run, { type: "cancelRun", by: "ann" });
  const view = await ended(engine, run);
  assertEquals([view.label, view.cells.a!.label, view.cells.d!.label], ["cancelled", "cancelled", "skipped"]);
  assertEquals(view.cells.a!.text, "half a sen", "partial output is kept");
  assertEquals(
    (await engine.tell(run, { type: "cancelRun", by: "ann" })).state,
    "applied",
    "it was so already",
  );
  await assertRejects(() => engine.tell(run, { type: "pauseRun", by: "ann" }), EngineError, "has ended");
  await engine.close();
});

Deno.test("EN-602 stop lets the running cell end and starts no other", async () => {
  const running = gate();
  const go = gate();
  const kind = new ScriptedKind({
    a: async () => {
      running.open();
      await go.opened;
      return { type: "succeeded", value: 1 };
    },
  });
  const engine = await engineOf(memoryStore(), kind);
  const { run } = await engine.submit({ notebook: "n", text: DIAMOND, author: "t" });
  await running.opened;
  await engine.tell(run, { type: "stopRun", by: "ann" });
  go.open();
  const view = await ended(engine, run);
  assertEquals([view.label, view.cells.a!.label, view.cells.b!.label], ["stopped", "succeeded", "skipped"]);
  assertEquals(kind.calls, ["a#1"]);
  await engine.close();
});

Deno.test("EN-412 a kind that throws fails its attempt and the engine goes on", async () => {
  const kind = new ScriptedKind({
    a: () => {
      throw new Error("a bug with a secret in its words");
    },
  });
  const engine = await engineOf(memoryStore(), kind);
  const view = await ended(engine, (await engine.submit({ notebook: "n", text: DIAMOND, author: "t" })).run);
  assertEquals(view.label, "failed");
  assert(!JSON.stringify(view).includes("secret"), "a bug's words reached the page");
  const again = await engine.submit({ notebook: "n", text: notebookOf({ b: [] }), author: "t" });
  assertEquals((await ended(engine, again.run)).label, "succeeded");
  await engine.close();
});

Deno.test("EN-206 running one cell reuses what it needs where that is fresh, and runs what is stale", async () => {
  const kind = new ScriptedKind();
  const engine = await engineOf(memoryStore(), kind);
  await ended(engine, (await engine.submit({ notebook: "n", text: DIAMOND, author: "t" })).run);
  kind.calls.length = 0;
  const one = await ended(
    engine,
    (await engine.submit({ notebook: "n", text: DIAMOND, author: "t", cells: ["d"] })).run,
  );
  assertEquals([kind.calls, one.cells.b!.label, valuesOf(one).d], [["d#1"], "reused", 5]);
  kind.calls.length = 0;
  const edited = DIAMOND.replace("return [a];", "return [a, a];");
  await ended(engine, (await engine.submit({ notebook: "n", text: edited, author: "t", cells: ["d"] })).run);
  assertEquals(kind.calls, ["b#1", "d#1"]);
  await engine.close();
});

Deno.test("EN-112 a value over 8 KiB reaches its reader unchanged", async () => {
  const big = { text: "ä€😀\u0000".repeat(20_000) };
  let seen: unknown;
  const kind = new ScriptedKind({
    a: () => ({ type: "succeeded", value: big }),
    b: ({ inputs }) => {
      seen = inputs.a;
      return { type: "succeeded", value: null };
    },
  });
  const engine = await engineOf(memoryStore(), kind);
  const { run } = await engine.submit({ notebook: "n", text: notebookOf({ a: [], b: ["a"] }), author: "t" });
  const view = await ended(engine, run);
  assertEquals(view.label, "succeeded");
  assertEquals(seen, big);
  assertEquals(await engine.value(run, "a"), big);
  await engine.close();
});

Deno.test("EN-204 what cannot run is refused before anything is written", async () => {
  const store = memoryStore();
  const engine = await engineOf(store, new ScriptedKind());
  const cases: [string, string][] = [
    [notebookOf({ a: ["b"], b: ["a"] }), "cycle_found"],
    ["```http x\nGET https://example.org/\n```\n", "kind_unknown"],
    ["```ts x\nreturn nothing_of_this_name;\n```\n", "notebook_invalid"],
    ["---\nweft: 1\nparams:\n  n: { type: number }\n---\n```ts x\nreturn n;\n```\n", "param_missing"],
  ];
  for (const [text, code] of cases) {
    const error = await assertRejects(() => engine.submit({ notebook: "n", text, author: "t" }), EngineError);
    assertEquals(error.code, code, error.message);
  }
  assertEquals(await engine.runs({}), []);
  await engine.close();
});

Deno.test("T2 EN-1607 any reader that stops and goes on by its cursor sees what an uninterrupted one sees", async () => {
  const kind = new ScriptedKind({
    a: async ({ emit, clock }) => {
      for (let i = 0; i < 60; i++) {
        emit({ type: "text", text: `${i} ` });
        if (i % 10 === 0) await clock.sleep(5);
      }
      return { type: "succeeded", value: 1 };
    },
  });
  const engine = await engineOf(memoryStore(), kind);
  const { run } = await engine.submit({ notebook: "n", text: DIAMOND, author: "t" });
  const flat = (groups: WireGroup[]) => groups.flatMap(({ items }) => items);
  const whole: WireGroup[] = [];
  for await (const group of engine.follow(run, { signal: AbortSignal.timeout(10_000) })) whole.push(group);
  for (const stopAfter of [1, 2, 3]) {
    const pieces: WireGroup[] = [];
    for (let after: string | undefined; pieces.at(-1)?.end !== true;) {
      let taken = 0;
      for await (const group of engine.follow(run, { after, signal: AbortSignal.timeout(10_000) })) {
        pieces.push(group);
        after = group.cursor;
        if (++taken === stopAfter) break;
      }
    }
    assertEquals(flat(pieces), flat(whole));
  }
  await engine.close();
});

Deno.test("EN-101 a command from a process without the run goes through the inbox and is applied once", async () => {
  const store = memoryStore();
  const running = gate();
  const kind = new ScriptedKind({
    a: ({ signal }) => {
      running.open();
      return new Promise((resolve) => signal.addEventListener("abort", () => resolve({ type: "cancelled" })));
    },
  });
  const owner = await engineOf(store, kind);
  const client = await engineOf(kept(store), kind, { worker: null });
  const { run } = await client.submit({ notebook: "n", text: DIAMOND, author: "cli" });
  await running.opened;
  await client.tell(run, { type: "cancelRun", by: "cli" });
  assertEquals((await ended(client, run)).label, "cancelled");
  const left = [];
  for await (const entry of store.list(["in"])) left.push(entry.key);
  assertEquals(left, []);
  await client.close();
  await owner.close();
});

Deno.test("EN-407 a step that waits for its next try is tried again when it is due, also after a restart", async () => {
  const store = memoryStore();
  const failed = gate();
  const first = new ScriptedKind({
    a: () => {
      failed.open();
      return { type: "failed", problem: { category: "network", message: "cut" } };
    },
  });
  // A process whose time stands still does nothing more, as one that is gone.
  const clock = new ManualClock(Date.now());
  const before = await engineOf(kept(store), first, { clock });
  const text = notebookOf({ a: [] }, { a: "retry: { attempts: 2, initial: 300ms, jitter: none }" });
  const { run } = await before.submit({ notebook: "n", text, author: "t" });
  for await (const { items } of before.follow(run, { signal: AbortSignal.timeout(5000) })) {
    if (items.some((item) => item.kind === "event" && item.event.type === "step.retried")) break;
  }
  const second = new ScriptedKind();
  const after = await engineOf(store, second);
  const view = await ended(after, run);
  assertEquals([view.label, second.calls, view.cells.a!.reason], ["succeeded", ["a#2"], "retry"]);
  await before.close();
  await after.close();
});

Deno.test("C4 whatever a kind says, its end fits a record and the run goes on", async () => {
  const flood = "€".repeat(1_000_000);
  const warning = { type: "quality" as const, message: flood, suggestion: flood };
  const kind = new ScriptedKind({
    a: ({ emit }) => {
      emit({ type: "text", text: "\u0001".repeat(300_000) });
      emit({ type: "log", level: "info", text: flood });
      return { type: "succeeded", value: flood, warnings: Array(1000).fill(warning) };
    },
    b: () => ({ type: "failed", problem: { category: "code_error", message: flood } }),
  });
  const engine = await engineOf(memoryStore(), kind);
  const view = await ended(
    engine,
    (await engine.submit({ notebook: "n", text: notebookOf({ a: [], b: ["a"] }), author: "t" })).run,
  );
  assertEquals([view.label, view.cells.a!.label, view.cells.b!.label], ["failed", "warned", "failed"]);
  assertEquals(await engine.value(view.run, "a"), flood);
  await engine.close();
});

Deno.test("EN-202 EN-203 50 requests with one key make one run; another request with that key is refused", async () => {
  const kind = new ScriptedKind();
  const engine = await engineOf(memoryStore(), kind);
  const request = { notebook: "n", text: DIAMOND, author: "t", key: "k-17" };
  const answers = await Promise.all(Array.from({ length: 50 }, () => engine.submit(request)));
  assertEquals(new Set(answers.map(({ run }) => run)).size, 1);
  await ended(engine, answers[0]!.run);
  const edited = { ...request, text: DIAMOND.replace("[a]", "[a, a]") };
  const replayed = { run: answers[0]!.run, replayed: true };
  assertEquals(await engine.submit(edited), replayed, "also if the notebook has changed since");
  const other = await assertRejects(() => engine.submit({ ...request, cells: ["a"] }), EngineError);
  assertEquals(other.code, "idempotency_conflict");
  assertEquals([(await engine.runs({})).length, kind.calls.length], [1, 4]);
  await engine.close();
});

Deno.test("EN-601 a pause lasts over a restart, and a resumed run goes on where it was", async () => {
  const store = memoryStore();
  const first = new ScriptedKind();
  const running = gate();
  const go = gate();
  const slow = new ScriptedKind({
    a: async () => {
      running.open();
      await go.opened;
      return { type: "succeeded", value: 1 };
    },
  });
  const before = await engineOf(kept(store), slow);
  const { run } = await before.submit({ notebook: "n", text: DIAMOND, author: "t" });
  await running.opened;
  await before.tell(run, { type: "pauseRun", by: "ann" });
  assertEquals((await before.view(run)).label, "pausing");
  go.open();
  for await (const { items } of before.follow(run, { signal: AbortSignal.timeout(5000) })) {
    if (items.some((item) => item.kind === "event" && item.event.type === "step.succeeded")) break;
  }
  assertEquals((await before.view(run)).label, "paused");
  await before.close();
  const after = await engineOf(store, first);
  assertEquals((await after.view(run)).label, "paused");
  await after.tell(run, { type: "resumeRun", by: "ann" });
  assertEquals(valuesOf(await ended(after, run)), { a: 1, b: 2, c: 2, d: 5 });
  assertEquals(first.calls.toSorted(), ["b#1", "c#1", "d#1"]);
  await after.close();
});
