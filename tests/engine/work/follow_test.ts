/** What a reader of a run sees, whatever happens while it reads. */
import { assert, assertEquals } from "@std/assert";
import { memoryStore } from "../../../engine/store/memory.ts";
import type { Store } from "../../../engine/store/store.ts";
import { ended, engineOf, gate, happened, notebookOf, ScriptedKind, turn, withMethods } from "./_harness.ts";

/** Holds back the next list of this kind of record until `let_go`, before or after it was read. */
function slowList(store: Store, kind: string, when: "before" | "after") {
  const [held, arrived] = [gate(), gate()];
  let armed = false;
  const slow = withMethods(store, {
    async *list(prefix, options) {
      const holds = armed && prefix[0] === kind;
      if (holds) armed = false;
      const hold = async () => {
        arrived.open();
        await held.opened;
      };
      if (holds && when === "before") await hold();
      const found = [];
      for await (const entry of store.list(prefix, options)) found.push(entry);
      if (holds && when === "after") await hold();
      yield* found;
    },
  });
  return { store: slow, arm: () => armed = true, arrived: arrived.opened, letGo: held.open };
}

for (const when of ["before", "after"] as const) {
  for (
    const [kind, early] of [["event", true], ["event", false], ["frame", true], ["frame", false]] as const
  ) {
    const name = `${kind}s held ${when} reading, ${early ? "some" : "none"} of its output there already`;
    Deno.test(`T2 a step that ends while a reader reads the store is told once: ${name}`, async () => {
      const slow = slowList(memoryStore(), kind, when);
      const [go, on] = [gate(), gate()];
      const behaviour = new ScriptedKind({
        a: async ({ emit }) => {
          if (early) emit({ type: "log", level: "info", text: "one" });
          await go.opened;
          if (!early) emit({ type: "log", level: "info", text: "one" });
          emit({ type: "log", level: "info", text: "two" });
          return { type: "succeeded", value: 1 };
        },
        b: async ({ emit }) => {
          emit({ type: "text", text: "three" });
          await on.opened;
          return { type: "succeeded", value: 2 };
        },
      });
      const engine = await engineOf(slow.store, behaviour);
      const { run } = await engine.submit({
        notebook: "n",
        text: notebookOf({ a: [], b: ["a"] }),
        author: "t",
      });
      await happened(engine, run, "step.started", "a");
      const witness = happened(engine, run, "step.started", "b");
      // The witness is at its live part before the reader's list is held.
      for (let i = 0; i < 5; i++) await turn();
      slow.arm();
      const frames: string[] = [];
      const events: string[] = [];
      const reading = (async () => {
        for await (const { items } of engine.follow(run, { signal: AbortSignal.timeout(10_000) })) {
          for (const item of items) {
            if (item.kind === "frame") {
              frames.push(`${item.frame.step}#${item.frame.attempt}:${item.frame.seq}`);
            } else if (item.kind === "event") {
              events.push(
                "step" in item.event ? `${item.event.type} ${item.event.step}` : item.event.type,
              );
            }
          }
        }
      })();
      await slow.arrived;
      go.open();
      await witness;
      slow.letGo();
      for (let i = 0; i < 5; i++) await turn();
      on.open();
      await reading;
      assertEquals(frames, [...new Set(frames)], "a frame was told twice");
      assertEquals(frames, ["a#1:1", "a#1:2", "b#1:1"]);
      assertEquals(events.filter((event) => event.startsWith("step.s")), [
        "step.started a",
        "step.succeeded a",
        "step.started b",
        "step.succeeded b",
      ]);
      await engine.close();
    });
  }
}

Deno.test("EN-601 paused, resumed and paused again within one turn, a run shows as paused", async () => {
  const held = gate();
  let holding = false;
  const arrived = gate();
  const inner = memoryStore();
  const store = withMethods(inner, {
    async commit(session, checks, puts, deletes) {
      if (holding) {
        arrived.open();
        await held.opened;
      }
      return await inner.commit(session, checks, puts, deletes);
    },
  });
  const go = gate();
  const kind = new ScriptedKind({ a: async () => (await go.opened, { type: "succeeded", value: 1 }) });
  const engine = await engineOf(store, kind);
  const { run } = await engine.submit({ notebook: "n", text: notebookOf({ a: [], b: ["a"] }), author: "t" });
  await happened(engine, run, "step.started");
  holding = true;
  const told = [engine.tell(run, { type: "pauseRun", by: "ann" })];
  await arrived.opened;
  // The first is in flight; these two are there for the next turn.
  told.push(
    engine.tell(run, { type: "resumeRun", by: "ann" }),
    engine.tell(run, { type: "pauseRun", by: "ann" }),
  );
  for (let i = 0; i < 5; i++) await turn();
  holding = false;
  held.open();
  await Promise.all(told);
  assertEquals((await engine.view(run)).label, "pausing");
  assertEquals((await engine.runs({})).map(({ label }) => label), ["paused"]);
  go.open();
  await happened(engine, run, "step.succeeded");
  assertEquals((await engine.view(run)).label, "paused");
  assertEquals(kind.calls, ["a#1"]);
  await engine.tell(run, { type: "resumeRun", by: "ann" });
  assertEquals((await ended(engine, run)).label, "succeeded");
  await engine.close();
});

Deno.test("EN-606 who follows a restarted run from its beginning follows it past its first end", async () => {
  const go = gate();
  const kind = new ScriptedKind({
    a: async ({ attempt }) => {
      if (attempt === 1) return { type: "failed", problem: { category: "code_error", message: "broken" } };
      await go.opened;
      return { type: "succeeded", value: 1 };
    },
  });
  const engine = await engineOf(memoryStore(), kind);
  const { run } = await engine.submit({ notebook: "n", text: notebookOf({ a: [] }), author: "t" });
  await ended(engine, run);
  await engine.tell(run, { type: "restartRun", by: "ann" });
  await happened(engine, run, "step.reopened");
  const ends: boolean[] = [];
  const following = (async () => {
    for await (const { end } of engine.follow(run, { signal: AbortSignal.timeout(10_000) })) {
      ends.push(end ?? false);
    }
  })();
  const end = engine.ended(run, AbortSignal.timeout(10_000));
  for (let i = 0; i < 5; i++) await turn();
  go.open();
  assertEquals(await end, { label: "succeeded", unsettled: [] });
  await following;
  assertEquals(ends.indexOf(true), ends.length - 1);
  await engine.close();
});

Deno.test("a view of a chain costs in proportion to its cells", async () => {
  const costs: number[] = [];
  for (const length of [500, 5_000]) {
    const cells = Object.fromEntries(
      Array.from({ length }, (_, i) => [`c${i}`, i === 0 ? [] : [`c${i - 1}`]]),
    );
    const engine = await engineOf(memoryStore(), new ScriptedKind());
    const { run } = await engine.submit({ notebook: "n", text: notebookOf(cells), author: "t" });
    assertEquals((await ended(engine, run)).label, "succeeded");
    const times: number[] = [];
    for (let i = 0; i < 3; i++) {
      const from = performance.now();
      await engine.view(run);
      times.push(performance.now() - from);
    }
    costs.push(Math.min(...times));
    await engine.close();
  }
  // Ten times the cells; the square of that would be a hundred times the cost.
  assert(costs[1]! / costs[0]! < 40, `500 cells took ${costs[0]} ms, 5,000 took ${costs[1]} ms`);
});

Deno.test("AP-712 EN-606 the end of a run that was opened again is the last one, read at once or by halves", async () => {
  let fails = true;
  const behaviour = new ScriptedKind({
    a: () =>
      fails
        ? { type: "failed", problem: { category: "code_error", message: "not yet" } }
        : { type: "succeeded", value: 1 },
  });
  const engine = await engineOf(memoryStore(), behaviour);
  const heard: string[] = [];
  engine.onRun(({ id, label }) => heard.push(`${id} ${label}`));
  const { run } = await engine.submit({ notebook: "n", text: notebookOf({ a: [] }), author: "t" });
  const first = await ended(engine, run);
  fails = false;
  heard.length = 0;
  await engine.tell(run, { type: "restartRun", by: "t" });
  assert(
    heard.some((told) => told.startsWith(run) && !told.endsWith("failed")),
    `who follows hears: ${heard}`,
  );
  assertEquals((await ended(engine, run)).label, "succeeded");
  const read = async (after?: string) => {
    const seen: [string[], boolean][] = [];
    for await (const { items, end } of engine.follow(run, { after, signal: new AbortController().signal })) {
      seen.push([items.map((item) => item.kind === "event" ? item.event.type : "frame"), end ?? false]);
    }
    return seen;
  };
  for (const after of [undefined, first.cursor]) {
    const seen = await read(after);
    assertEquals(seen.filter(([, end]) => end).length, 1);
    assertEquals(seen.at(-1)![1], true);
    assertEquals(seen.flat(2).includes("run.reopened"), true);
  }
  assertEquals(await engine.ended(run, AbortSignal.timeout(5_000)), { label: "succeeded", unsettled: [] });
  await engine.close();
});
