/** Rows of the table of regressions (section 25 of the engine's specification) that concern one worker and the time. */
import { assert, assertEquals } from "@std/assert";
import type { Outcome } from "../../../../engine/kinds/kind.ts";
import { memoryStore } from "../../../../engine/store/memory.ts";
import { ManualClock } from "../../../_support/manual_clock.ts";
import {
  ended,
  engineOf,
  gate,
  happened,
  journalOf,
  kept,
  notebookOf,
  pass,
  ScriptedKind,
  untilAborted,
  valuesOf,
} from "../_harness.ts";

const network: Outcome = { type: "failed", problem: { category: "network", message: "cut" } };

Deno.test("R01 EN-503 a run whose worker dies in the middle is finished by another, and nobody has to ask", async () => {
  const [stopped, clock] = [new ManualClock(), new ManualClock()];
  const store = memoryStore({ clock });
  const dead = await engineOf(kept(store), new ScriptedKind({ b: untilAborted }), { clock: stopped });
  const text = notebookOf({ a: [], b: ["a"], c: ["b"] });
  const { run } = await dead.submit({ notebook: "n", text, author: "t" });
  await happened(dead, run, "step.started", "b");
  const heir = new ScriptedKind();
  const engine = await engineOf(store, heir, { clock, worker: "w2" });
  const view = await pass(clock, ended(engine, run), 250);
  assertEquals([view.label, heir.calls, valuesOf(view)], ["succeeded", ["b#2", "c#1"], { a: 1, b: 2, c: 3 }]);
  await pass(stopped, dead.close());
  await pass(clock, engine.close());
});

Deno.test("R03 EN-408 a handler that hangs, deaf to its abort, times out and is tried again", async () => {
  const clock = new ManualClock();
  const hangs = () => new Promise<Outcome>(() => {});
  const kind = new ScriptedKind({
    deaf: ({ attempt }) => attempt === 1 ? hangs() : { type: "succeeded", value: 1 },
    polite: (attempt) => attempt.attempt === 1 ? untilAborted(attempt) : { type: "succeeded", value: 2 },
  });
  const store = memoryStore({ clock });
  const engine = await engineOf(store, kind, { clock });
  const header = "timeout: 10s\nretry: { attempts: 2, initial: 1s, jitter: none }";
  const text = notebookOf({ deaf: [], polite: [] }, { deaf: header, polite: header });
  const from = clock.now();
  const { run } = await engine.submit({ notebook: "n", text, author: "t" });
  const view = await pass(clock, ended(engine, run), 100);
  assertEquals([view.label, valuesOf(view)], ["succeeded", { deaf: 1, polite: 2 }]);
  const journal = await journalOf(store, run);
  const problems = journal.flatMap((event) => event.type === "step.retried" ? [event.problem.code] : []);
  assertEquals(problems, ["timed-out", "timed-out"]);
  const due = (step: string) =>
    journal.flatMap((event) =>
      event.type === "step.retried" && event.step === step ? [event.due - from] : []
    )[0]!;
  // At its timeout, and for the deaf one after the 5 s that it has to settle; then a wait of 1 s.
  assertEquals([Math.round(due("polite") / 1_000), Math.round(due("deaf") / 1_000)], [11, 16]);
  await pass(clock, engine.close());
});

Deno.test("R18 EN-602 EN-604 stop ends what waits and drains what runs, and its wait is over with the last attempt", async () => {
  const clock = new ManualClock();
  const go = gate();
  const kind = new ScriptedKind({
    runs: async () => (await go.opened, { type: "succeeded", value: 1 }),
    delayed: () => ({ type: "delayed", ms: 3_600_000 }),
    retries: () => network,
  });
  const engine = await engineOf(memoryStore({ clock }), kind, { clock });
  const text = notebookOf({ runs: [], delayed: [], retries: [], below: ["runs"] }, {
    retries: "retry: { attempts: 5, initial: 1h, jitter: none }",
  });
  const { run } = await engine.submit({ notebook: "n", text, author: "t" });
  await pass(clock, happened(engine, run, "step.retried"), 1);
  await pass(clock, engine.tell(run, { type: "stopRun", by: "ann" }), 1);
  let over = false;
  const waited = engine.ended(run, AbortSignal.timeout(10_000)).finally(() => over = true);
  await clock.advance(10_000);
  assertEquals([over, (await engine.state(run)).label], [false, "stopping"], "an attempt runs");
  go.open();
  assertEquals(await pass(clock, waited, 1), { label: "stopped", unsettled: [] });
  const { cells } = await engine.view(run);
  assertEquals(Object.fromEntries(Object.entries(cells).map(([name, { label }]) => [name, label])), {
    runs: "succeeded",
    delayed: "cancelled",
    retries: "skipped",
    below: "skipped",
  });
  assertEquals(kind.calls.toSorted(), ["delayed#1", "retries#1", "runs#1"]);
  await pass(clock, engine.close());
});

for (const owner of ["by the same engine", "by another"]) {
  Deno.test(`R22 EN-1606 an idle watcher of a run that is owned ${owner} wakes at its end within ${owner === "by another" ? "a poll" : "50 ms"}`, async () => {
    const clock = new ManualClock();
    const store = memoryStore({ clock });
    const go = gate();
    const kind = new ScriptedKind({ a: async () => (await go.opened, { type: "succeeded", value: 1 }) });
    const engine = await engineOf(store, kind, { clock });
    const watching = owner === "by another"
      ? await engineOf(kept(store), new ScriptedKind(), { clock, worker: null })
      : engine;
    const { run } = await engine.submit({ notebook: "n", text: notebookOf({ a: [] }), author: "t" });
    await pass(clock, happened(engine, run, "step.started"), 1);
    let awake = 0;
    const woken = watching.ended(run, AbortSignal.timeout(10_000)).finally(() => awake = clock.now());
    await clock.advance(20_000);
    assertEquals(awake, 0);
    const from = clock.now();
    go.open();
    assertEquals((await pass(clock, woken, 5))?.label, "succeeded");
    const bound = owner === "by another" ? 500 : 50;
    assert(awake - from <= bound, `woke ${awake - from} ms after`);
    await pass(clock, engine.close());
    if (watching !== engine) await watching.close();
  });
}

Deno.test("R25 T1 attempts that ask for a delay of -1, 0 and 1 ms go on once, and none early", async () => {
  for (const ms of [-1, 0, 1]) {
    const clock = new ManualClock();
    const at: number[] = [];
    const kind = new ScriptedKind({
      a: ({ saved }) => {
        at.push(clock.now());
        return saved === undefined ? { type: "delayed", ms, saved: 1 } : { type: "succeeded", value: 1 };
      },
    });
    const store = memoryStore({ clock });
    const engine = await engineOf(store, kind, { clock });
    const { run } = await engine.submit({ notebook: "n", text: notebookOf({ a: [] }), author: "t" });
    assertEquals((await pass(clock, ended(engine, run), 1)).label, "succeeded");
    await clock.advance(5_000);
    assertEquals([kind.calls, at[1]! - at[0]! >= ms], [["a#1", "a#1"], true], `${ms} ms`);
    const types = (await journalOf(store, run)).map(({ type }) => type);
    assertEquals(types.filter((type) => type === "step.continued").length, 1);
    await pass(clock, engine.close());
  }
});

Deno.test("R26 EN-410 an attempt that asks for 50 ms goes on after them, saved state and all, also when nobody rings", async () => {
  const clock = new ManualClock();
  const at: number[] = [];
  const kind = new ScriptedKind({
    a: ({ saved }) => {
      at.push(clock.now());
      const n = Number(saved ?? 0);
      return n < 3 ? { type: "delayed", ms: 50, saved: n + 1 } : { type: "succeeded", value: n };
    },
  });
  const engine = await engineOf(memoryStore({ clock }), kind, { clock });
  const { run } = await engine.submit({ notebook: "n", text: notebookOf({ a: [] }), author: "t" });
  assertEquals(valuesOf(await pass(clock, ended(engine, run), 1)), { a: 3 });
  const waits = at.slice(1).map((time, i) => time - at[i]!);
  for (const wait of waits) assert(wait >= 50 && wait <= 100, `waited ${waits}`);
  await pass(clock, engine.close());
});
