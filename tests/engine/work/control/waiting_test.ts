/** What waits for the clock: delays, deadlines, retries that are far away, and runs that leave memory meanwhile. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../../../../engine/base/errors.ts";
import { leaseKey, readyPrefix, timerPrefix } from "../../../../engine/store/keys.ts";
import { memoryStore } from "../../../../engine/store/memory.ts";
import type { Store } from "../../../../engine/store/store.ts";
import { ManualClock } from "../../../_support/manual_clock.ts";
import {
  ended,
  engineOf,
  happened,
  journalOf,
  kept,
  notebookOf,
  pass,
  ScriptedKind,
  untilAborted,
} from "../_harness.ts";

const ONE = notebookOf({ a: [] });
const SECOND = 1_000;
const HOUR = 3_600_000;

/** Keys under which runs wait for an owner, by the first part. */
async function places(store: Store): Promise<{ ready: number; timers: number[] }> {
  const timers = await Array.fromAsync(store.list(timerPrefix), ({ key }) => Number(key[1]));
  return { ready: (await Array.fromAsync(store.list(readyPrefix("default")))).length, timers };
}

async function owned(store: Store, run: string): Promise<boolean> {
  return (await store.get([leaseKey(run)]))[0] !== undefined;
}

/** A notebook with one cell that fails once with a network error and then succeeds, an hour later. */
const PATIENT = notebookOf({ a: [], b: ["a"] }, {
  a: "retry: { attempts: 2, initial: 1h, max: 1h, jitter: none }",
});
const failsOnce = () =>
  new ScriptedKind({
    a: ({ attempt }) =>
      attempt === 1
        ? { type: "failed", problem: { category: "network", message: "cut" } }
        : { type: "succeeded", value: 1 },
  });

Deno.test("EN-410 an attempt that asks for a delay gives its slot back and goes on as the same attempt with what it saved", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const seen: unknown[] = [];
  let resumedAt = 0;
  const kind = new ScriptedKind({
    a: ({ attempt, saved, emit }) => {
      seen.push([attempt, saved]);
      resumedAt = clock.now();
      emit({ type: "text", text: saved === undefined ? "one " : "two" });
      if (saved === undefined) return { type: "delayed", ms: 20 * SECOND, saved: { page: 2 } };
      return { type: "succeeded", value: "done" };
    },
  });
  const engine = await engineOf(store, kind, { clock });
  const text = `---\nweft: 1\nconcurrency: 1\n---\n\n${notebookOf({ a: [], b: [] })}`;
  const { run } = await engine.submit({ notebook: "n", text, author: "t" });
  await pass(clock, happened(engine, run, "step.succeeded", "b"), 1);
  assertEquals(kind.calls, ["a#1", "b#1"], "b ran in the slot that a gave back");
  assertEquals((await engine.view(run)).cells.a!.label, "suspended");
  const state = await engine.stepState(run, "a");
  const { due } = (await journalOf(store, run)).find((event) => event.type === "step.delayed")!;
  assertEquals([state.wait?.wait, state.wait?.until], ["delay", due]);
  const view = await pass(clock, ended(engine, run), SECOND);
  assertEquals(seen, [[1, undefined], [1, { page: 2 }]]);
  assertEquals(resumedAt, due);
  assertEquals([view.label, view.cells.a!.text, view.cells.a!.attempt], ["succeeded", "one two", 1]);
  await pass(clock, engine.close());
});

Deno.test("EN-410 EN-2401 what is saved over a delay has a limit, which the failure names", async () => {
  const clock = new ManualClock();
  const kind = new ScriptedKind({ a: () => ({ type: "delayed", ms: 5, saved: "x".repeat(40_000) }) });
  const engine = await engineOf(memoryStore({ clock }), kind, { clock });
  const { run } = await engine.submit({ notebook: "n", text: ONE, author: "t" });
  const view = await pass(clock, ended(engine, run), 1);
  assertEquals([view.label, view.cells.a!.problem?.code], ["failed", "record_too_large"]);
  assert(view.cells.a!.problem?.message.includes("32768"), view.cells.a!.problem?.message);
  await pass(clock, engine.close());
});

Deno.test("EN-408 only running time counts against the timeout of an attempt that was delayed", async () => {
  const clock = new ManualClock();
  const kind = new ScriptedKind({
    a: async ({ saved, clock, signal }) => {
      await clock.sleep(6 * SECOND, signal);
      if (signal.aborted) return { type: "cancelled" };
      if (saved === 2) return { type: "succeeded", value: 1 };
      return { type: "delayed", ms: 60 * SECOND, saved: saved === undefined ? 1 : 2 };
    },
  });
  const engine = await engineOf(memoryStore({ clock }), kind, { clock });
  const run = async (timeout: string) => {
    const text = notebookOf({ a: [] }, { a: `timeout: ${timeout}` });
    return await pass(
      clock,
      ended(engine, (await engine.submit({ notebook: "n", text, author: "t" })).run),
      SECOND,
    );
  };
  assertEquals((await run("20s")).label, "succeeded", "three times 6 s of running fit 20 s");
  const late = await run("15s");
  assertEquals([late.label, late.cells.a!.problem?.category], ["failed", "timeout"]);
  await pass(clock, engine.close());
});

Deno.test("EN-1001 EN-1701 a run that waits for an hour leaves memory with one timer, and is claimed when its time has come", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const kind = failsOnce();
  const engine = await engineOf(store, kind, { clock });
  const from = clock.now();
  const { run } = await engine.submit({ notebook: "n", text: PATIENT, author: "t" });
  await pass(clock, happened(engine, run, "run.released"), 1);
  const { due } = (await journalOf(store, run)).find((event) => event.type === "step.retried")!;
  assertEquals(due - from < HOUR + 10, true);
  assertEquals(await places(store), { ready: 0, timers: [due] });
  assertEquals(await owned(store, run), false);
  assertEquals((await engine.state(run)).label, "retrying");
  await clock.advance(HOUR - 2 * SECOND);
  assertEquals(kind.calls, ["a#1"], "T1 never early");
  const view = await pass(clock, ended(engine, run), 100);
  assertEquals([view.label, kind.calls], ["succeeded", ["a#1", "a#2", "b#1"]]);
  const { startedAt } = view.cells.a!;
  assert(startedAt! >= due && startedAt! <= due + 100, `tried ${startedAt! - due} ms late`);
  assertEquals(await places(store), { ready: 0, timers: [] }, "its entry is gone");
  await pass(clock, engine.close());
});

Deno.test("EN-1702 a timer of a run that nobody owns fires for whoever is there then, and once", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const kind = failsOnce();
  const before = await engineOf(kept(store), kind, { clock });
  const { run } = await before.submit({ notebook: "n", text: PATIENT, author: "t" });
  await pass(clock, happened(before, run, "run.released"), 1);
  await pass(clock, before.close());
  await clock.advance(2 * HOUR);
  const engines = [
    await engineOf(kept(store), kind, { clock, worker: "w2" }),
    await engineOf(kept(store), kind, { clock, worker: "w3" }),
  ];
  const view = await pass(clock, ended(engines[0]!, run), 100);
  assertEquals([view.label, kind.calls], ["succeeded", ["a#1", "a#2", "b#1"]]);
  for (const engine of engines) await pass(clock, engine.close());
});

Deno.test("EN-601 a paused run leaves memory without a timer and goes on within 50 ms of being resumed", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const kind = new ScriptedKind({
    a: async (attempt) => {
      if (attempt.attempt === 1) await attempt.clock.sleep(SECOND);
      return { type: "succeeded", value: 1 };
    },
  });
  const engine = await engineOf(store, kind, { clock });
  const text = notebookOf({ a: [], b: ["a"] });
  const { run } = await engine.submit({ notebook: "n", text, author: "t" });
  await pass(clock, happened(engine, run, "step.started"), 1);
  await engine.tell(run, { type: "pauseRun", by: "ann" });
  await pass(clock, happened(engine, run, "run.released"));
  assertEquals([await places(store), await owned(store, run)], [{ ready: 0, timers: [] }, false]);
  assertEquals((await engine.state(run)).wait?.wait, "pause");
  await clock.advance(10 * HOUR);
  assertEquals(kind.calls, ["a#1"]);
  const resumedAt = clock.now();
  await pass(clock, engine.tell(run, { type: "resumeRun", by: "ann" }), 1);
  await pass(clock, ended(engine, run), 1);
  assertEquals(kind.calls, ["a#1", "b#1"]);
  assert(clock.now() - resumedAt <= 50, `went on after ${clock.now() - resumedAt} ms`);
  await pass(clock, engine.close());
});

for (const by of [-1, 0, 1]) {
  Deno.test(`EN-205 R25 a run asked for with a delay of ${by} ms runs once`, async () => {
    const clock = new ManualClock();
    const kind = new ScriptedKind();
    const engine = await engineOf(memoryStore({ clock }), kind, { clock });
    const startAt = clock.now() + by;
    const { run } = await engine.submit({ notebook: "n", text: ONE, author: "t", startAt });
    const view = await pass(clock, ended(engine, run), 1);
    assertEquals([view.label, kind.calls], ["succeeded", ["a#1"]]);
    assert(view.startedAt! >= startAt, "T1 it began early");
    await pass(clock, engine.close());
  });
}

Deno.test("EN-205 a run asked for an hour ahead is one timer until then, and can be told to end before", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const kind = new ScriptedKind();
  const engine = await engineOf(store, kind, { clock });
  const startAt = clock.now() + HOUR;
  const submit = async () => (await engine.submit({ notebook: "n", text: ONE, author: "t", startAt })).run;
  const [first, second, third] = [await submit(), await submit(), await submit()];
  assertEquals(await places(store), { ready: 0, timers: [startAt, startAt, startAt] });
  const { label, wait } = await engine.state(first);
  assertEquals([label, wait?.wait, wait?.until], ["delayed", "delay", startAt]);
  assertEquals((await engine.runs({}))[0]!.label, "delayed");
  await pass(clock, engine.tell(second, { type: "cancelRun", by: "ann" }), 1);
  assertEquals((await pass(clock, ended(engine, second), 1)).label, "cancelled");
  await pass(clock, engine.tell(third, { type: "pauseRun", by: "ann" }), 1);
  await pass(clock, ended(engine, first), 10 * SECOND);
  assertEquals(kind.calls, ["a#1"], "the cancelled one and the paused one did not begin");
  assertEquals((await engine.state(third)).label, "paused");
  await pass(clock, engine.close());
});

Deno.test("EN-409 a deadline expires a run whatever it is doing: its attempts are aborted, what waits ends too", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const kind = new ScriptedKind({ a: untilAborted, d: () => ({ type: "delayed", ms: HOUR }) });
  const engine = await engineOf(store, kind, { clock });
  const from = clock.now();
  const text = notebookOf({ a: [], b: ["a"], d: [] });
  const { run } = await engine.submit({ notebook: "n", text, author: "t", deadline: from + 40 * SECOND });
  const view = await pass(clock, ended(engine, run), SECOND);
  assertEquals(view.label, "expired");
  assertEquals(Object.values(view.cells).map(({ label }) => label), ["expired", "skipped", "expired"]);
  assertEquals(view.endedAt! >= from + 40 * SECOND && view.endedAt! <= from + 41 * SECOND, true);
  assertEquals(view.problem?.code, "deadline");
  await pass(clock, engine.close());
});

for (const [state, tell] of [["paused", "pauseRun"], ["delayed", undefined]] as const) {
  Deno.test(`EN-409 a deadline expires a run that is ${state} and owned by nobody`, async () => {
    const clock = new ManualClock();
    const store = memoryStore({ clock });
    const engine = await engineOf(store, new ScriptedKind({ a: () => ({ type: "delayed", ms: HOUR }) }), {
      clock,
    });
    const from = clock.now();
    const deadline = from + 10 * 60 * SECOND;
    const startAt = tell === undefined ? from + 5 * 60 * SECOND : undefined;
    const { run } = await engine.submit({ notebook: "n", text: ONE, author: "t", deadline, startAt });
    if (tell !== undefined) await pass(clock, engine.tell(run, { type: tell, by: "ann" }), 1);
    const view = await pass(clock, ended(engine, run), SECOND);
    assertEquals([view.label, view.endedAt! >= deadline, view.endedAt! < deadline + SECOND], [
      "expired",
      true,
      true,
    ]);
    await pass(clock, engine.close());
  });
}

Deno.test("EN-1703 a wall clock that jumps a minute either way fires nothing early and loses nothing", async () => {
  for (const jump of [-60 * SECOND, 60 * SECOND]) {
    const inner = new ManualClock();
    let step = 0;
    const clock = { now: () => inner.now() + step, monotonic: inner.monotonic, sleep: inner.sleep };
    const kind = new ScriptedKind({
      a: ({ saved }) =>
        saved === undefined
          ? { type: "delayed", ms: 10 * SECOND, saved: 1 }
          : { type: "succeeded", value: 1 },
    });
    const store = memoryStore({ clock });
    const engine = await engineOf(store, kind, { clock });
    const { run } = await engine.submit({ notebook: "n", text: ONE, author: "t" });
    await pass(inner, happened(engine, run, "step.delayed"), 1);
    const due = (await journalOf(store, run)).find((event) => event.type === "step.delayed")!.due;
    step = jump;
    await pass(inner, happened(engine, run, "step.continued"), 100);
    assert(clock.now() >= due, `went on ${due - clock.now()} ms early`);
    if (jump > 0) assert(inner.now() < due - 5 * SECOND, "a jump ahead is noticed at once");
    assertEquals((await pass(inner, ended(engine, run), 100)).label, "succeeded");
    await pass(inner, engine.close());
  }
});

Deno.test("EN-208 options that are over their limits are refused before anything is written", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const engine = await engineOf(store, new ScriptedKind(), { clock });
  const now = clock.now();
  const tags = Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`t${i}`, ""]));
  const table = [
    [{ startAt: now + 366 * 24 * HOUR }, "a year"],
    [{ deadline: now }, "after its beginning"],
    [{ deadline: now + 5, startAt: now + 6 }, "after its beginning"],
    [{ priority: 101 }, "0 to 100"],
    [{ overrides: { concurrency: 0 } }, "from 1"],
    [{ tags }, "32 tags"],
    [{ tags: { x: "y".repeat(257) } }, "256"],
  ] as const;
  for (const [options, words] of table) {
    await assertRejects(
      () => engine.submit({ notebook: "n", text: ONE, author: "t", ...options }),
      EngineError,
      words,
    );
  }
  assertEquals(await engine.runs({}), []);
  await pass(clock, engine.close());
});
