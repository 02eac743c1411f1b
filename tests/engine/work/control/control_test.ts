/** Telling runs and steps what to do: here, through the inbox of another process, after the end. */
import { assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../../../../engine/base/errors.ts";
import type { Engine, Instruction } from "../../../../engine/mod.ts";
import { encodeRecord } from "../../../../engine/store/codec.ts";
import { memoryStore } from "../../../../engine/store/memory.ts";
import { ManualClock } from "../../../_support/manual_clock.ts";
import {
  ended,
  engineOf,
  gate,
  happened,
  inboxEmptied,
  journalOf,
  kept,
  notebookOf,
  pass,
  ScriptedKind,
  untilAborted,
  valuesOf,
} from "../_harness.ts";

const CHAIN = notebookOf({ a: [], b: ["a"], c: ["b"] });
const by = "ann";

const codeOf = async (act: Promise<unknown>) => (await assertRejects(() => act, EngineError)).code;

async function submit(engine: Engine, text: string): Promise<string> {
  return (await engine.submit({ notebook: "n", text, author: "t" })).run;
}

Deno.test("EN-605 a running step is cancelled alone: its attempt is aborted, and its error policy decides the rest", async () => {
  for (
    const [errors, label, other] of [["stop", "failed", "skipped"], ["continue", "partial", "succeeded"]]
  ) {
    const clock = new ManualClock();
    const kind = new ScriptedKind({
      a: untilAborted,
      s: async ({ clock }) => (await clock.sleep(500), { type: "succeeded", value: 1 }),
    });
    const engine = await engineOf(memoryStore({ clock }), kind, { clock });
    const text = notebookOf({ a: [], b: ["a"], s: [], t: ["s"] }, { a: `errors: ${errors}` });
    const run = await submit(engine, text);
    await pass(clock, happened(engine, run, "step.started", "a"), 1);
    await pass(clock, engine.tell(run, { type: "cancelStep", step: "a", by }), 1);
    const view = await pass(clock, ended(engine, run), 10);
    const labels = ["a", "b", "t"].map((name) => view.cells[name]!.label);
    assertEquals([view.label, labels], [label, ["cancelled", "skipped", other]]);
    assertEquals(view.cells.b!.skipped, "upstream_cancelled");
    await pass(clock, engine.close());
  }
});

Deno.test("EN-605 a step is skipped in any state: what it has open is aborted, what needs it is skipped", async () => {
  const clock = new ManualClock();
  const kind = new ScriptedKind({ a: untilAborted });
  const engine = await engineOf(memoryStore({ clock }), kind, { clock });
  const text = notebookOf({ a: [], b: ["a"], c: [], d: ["c"] });
  const run = await submit(engine, text);
  await pass(clock, happened(engine, run, "step.succeeded", "d"), 1);
  await pass(clock, engine.tell(run, { type: "skipStep", step: "b", by }), 1);
  assertEquals(await codeOf(engine.tell(run, { type: "skipStep", step: "d", by })), "step_ended");
  await pass(clock, engine.tell(run, { type: "skipStep", step: "a", by }), 1);
  const view = await pass(clock, ended(engine, run), 1);
  assertEquals(view.label, "succeeded", "skipping by hand is no failure");
  assertEquals(["a", "b"].map((name) => [view.cells[name]!.label, view.cells[name]!.skipped]), [
    ["skipped", "asked"],
    ["skipped", "asked"],
  ]);
  await pass(clock, engine.close());
});

Deno.test("EN-605 a value given by hand ends a step that is not running, and is what those below read", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const kind = new ScriptedKind({
    a: () => ({ type: "failed", problem: { category: "network", message: "cut" } }),
    x: untilAborted,
  });
  const engine = await engineOf(store, kind, { clock });
  const text = notebookOf({ a: [], b: ["a"], x: [] }, {
    a: "retry: { attempts: 2, initial: 10s, jitter: none }",
  });
  const run = await submit(engine, text);
  await pass(clock, happened(engine, run, "step.retried"), 1);
  assertEquals(
    await codeOf(engine.tell(run, { type: "supplyValue", step: "x", value: 1, by })),
    "attempt_open",
  );
  await pass(clock, engine.tell(run, { type: "supplyValue", step: "a", value: 41, by }), 1);
  assertEquals(
    await codeOf(engine.tell(run, { type: "supplyValue", step: "a", value: 1, by })),
    "step_ended",
  );
  await pass(clock, engine.tell(run, { type: "skipStep", step: "x", by }), 1);
  const view = await pass(clock, ended(engine, run), 1);
  assertEquals([view.cells.a!.label, valuesOf(view).b], ["supplied", 42]);
  assertEquals(kind.calls.filter((call) => call.startsWith("a")), ["a#1"]);
  const plan = await engine.plan({ notebook: "n", text, cells: ["b"] });
  assertEquals(
    plan.plan?.steps.map(({ action }) => action),
    ["run", "run"],
    "what was made of it is not reused later",
  );
  await pass(clock, engine.close());
});

Deno.test("EN-605 a retry by hand cuts a wait short, and opens a step that ended with all below it", async () => {
  const clock = new ManualClock();
  let good = false;
  const kind = new ScriptedKind({
    b: ({ attempt }) => {
      if (good || attempt === 3) return { type: "succeeded", value: attempt };
      return {
        type: "failed",
        problem: { category: attempt === 1 ? "network" : "code_error", message: "no" },
      };
    },
    z: untilAborted,
  });
  const engine = await engineOf(memoryStore({ clock }), kind, { clock });
  const cells = notebookOf({ a: [], b: ["a"], c: ["b"], z: [] }, {
    b: "errors: continue\nretry: { attempts: 2, initial: 50s, jitter: none }",
  });
  const run = await submit(engine, cells);
  await pass(clock, happened(engine, run, "step.retried"), 1);
  assertEquals(await codeOf(engine.tell(run, { type: "retryStep", step: "c", by })), "not_ready");
  assertEquals(await codeOf(engine.tell(run, { type: "retryStep", step: "z", by })), "attempt_open");
  await pass(clock, engine.tell(run, { type: "retryStep", step: "b", by }), 1);
  await pass(clock, happened(engine, run, "step.failed"), 1);
  assertEquals((await engine.view(run)).cells.c!.label, "skipped");
  await pass(clock, engine.tell(run, { type: "retryStep", step: "b", by }), 1);
  await pass(clock, happened(engine, run, "step.succeeded", "c"), 1);
  assertEquals(kind.calls, ["a#1", "z#1", "b#1", "b#2", "b#3", "c#1"]);
  const view = await engine.view(run);
  assertEquals([view.cells.b!.reason, view.cells.b!.earlier.length], ["manual", 2]);
  good = true;
  await pass(clock, engine.tell(run, { type: "cancelRun", by }), 1);
  assertEquals((await pass(clock, ended(engine, run), 1)).label, "cancelled");
  await pass(clock, engine.tell(run, { type: "retryStep", step: "a", by }), 1);
  const again = await pass(clock, ended(engine, run), 1);
  assertEquals([again.label, kind.calls.slice(6)], ["partial", ["a#2", "b#4", "c#2"]], "z stays cancelled");
  await pass(clock, engine.close());
});

Deno.test("EN-606 a restart runs what did not succeed and all below again, keeps the rest, at most ten times", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  let good = false;
  const kind = new ScriptedKind({
    b: () =>
      good
        ? { type: "succeeded", value: 5 }
        : { type: "failed", problem: { category: "code_error", message: "no" } },
  });
  const engine = await engineOf(store, kind, { clock });
  const run = await submit(engine, CHAIN);
  assertEquals((await pass(clock, ended(engine, run), 1)).label, "failed");
  for (let i = 1; i <= 10; i++) {
    await pass(clock, engine.tell(run, { type: "restartRun", by }), 1);
    assertEquals((await pass(clock, ended(engine, run), 1)).label, "failed");
  }
  assertEquals(kind.calls, ["a#1", ...Array.from({ length: 11 }, (_, i) => `b#${i + 1}`)]);
  assertEquals(await codeOf(engine.tell(run, { type: "restartRun", by })), "restart_limit");
  const other = await submit(engine, CHAIN);
  await pass(clock, ended(engine, other), 1);
  good = true;
  await pass(clock, engine.tell(other, { type: "restartRun", by }), 1);
  const view = await pass(clock, ended(engine, other), 1);
  assertEquals([view.label, valuesOf(view)], ["succeeded", { a: 1, b: 5, c: 6 }]);
  assertEquals(await codeOf(engine.tell(other, { type: "restartRun", by })), "step_ended");
  await pass(clock, engine.tell(other, { type: "restartRun", from: ["b"], by }), 1);
  await pass(clock, ended(engine, other), 1);
  assertEquals(kind.calls.slice(-2), ["b#3", "c#2"]);
  await pass(clock, engine.close());
});

Deno.test("EN-606 a run that has not ended cannot be restarted", async () => {
  const clock = new ManualClock();
  const engine = await engineOf(memoryStore({ clock }), new ScriptedKind({ a: untilAborted }), { clock });
  const run = await submit(engine, CHAIN);
  await pass(clock, happened(engine, run, "step.started"), 1);
  assertEquals(await codeOf(engine.tell(run, { type: "restartRun", by })), "run_busy");
  await pass(clock, engine.close());
});

Deno.test("EN-511 a command of another process is applied once by the owner, and its answer is kept", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const owner = await engineOf(kept(store), new ScriptedKind({ a: untilAborted }), { clock });
  const client = await engineOf(kept(store), new ScriptedKind(), { clock, worker: null });
  const run = await submit(owner, CHAIN);
  await pass(clock, happened(owner, run, "step.started"), 1);
  const from = clock.now();
  const told = await pass(clock, client.tell(run, { type: "pauseRun", by }), 1);
  assertEquals(told.state, "applied");
  const answer = await client.command(run, told.command);
  assertEquals(
    [answer.state, "at" in answer && answer.at - from <= 250],
    ["applied", true],
    "EN-510 within 250 ms",
  );
  await store.post(run, told.command, encodeRecord({ type: "resumeRun", by }));
  await pass(clock, inboxEmptied(store), 50);
  assertEquals(
    (await owner.state(run)).vector.intent,
    "pause",
    "an id that was answered is not applied again",
  );
  const refused = await codeOf(pass(clock, client.tell(run, { type: "skipStep", step: "nobody", by }), 1));
  assertEquals(refused, "step_not_found");
  assertEquals(await codeOf(client.command(run, "cmd_none")), "command_not_found");
  await pass(clock, owner.close());
  await client.close();
});

Deno.test("EN-511 a command with a key is given once, and the same key for another command conflicts", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const engine = await engineOf(store, new ScriptedKind({ a: untilAborted }), { clock });
  const run = await submit(engine, notebookOf({ a: [] }, { a: "timeout: 0" }));
  await pass(clock, happened(engine, run, "step.started"), 1);
  const pause: Instruction = { type: "pauseRun", by };
  const first = await pass(clock, engine.tell(run, pause, { key: "k" }), 1);
  await pass(clock, engine.tell(run, { type: "resumeRun", by }), 1);
  const again = await pass(clock, engine.tell(run, pause, { key: "k" }), 1);
  assertEquals([again.command, again.state], [first.command, "applied"]);
  assertEquals((await engine.state(run)).vector.intent, "go");
  assertEquals(await codeOf(engine.tell(run, { type: "stopRun", by }, { key: "k" })), "idempotency_conflict");
  await clock.advance(86_400_001);
  const later = await pass(clock, engine.tell(run, pause, { key: "k" }), 1);
  assertEquals(later.command === first.command, false, "a key is known for a day");
  await pass(clock, engine.close());
});

Deno.test("EN-604 waiting for a cancel ends with the last attempt and names those that ignored the abort", async () => {
  const clock = new ManualClock();
  const deaf = gate();
  const kind = new ScriptedKind({
    a: untilAborted,
    b: async () => (await deaf.opened, { type: "succeeded", value: 1 }),
  });
  const engine = await engineOf(memoryStore({ clock }), kind, { clock });
  const run = await submit(engine, notebookOf({ a: [], b: [] }));
  await pass(clock, happened(engine, run, "step.started", "b"), 1);
  await pass(clock, engine.tell(run, { type: "cancelRun", by }), 1);
  const from = clock.now();
  const end = await pass(clock, engine.ended(run, AbortSignal.timeout(10_000)), 100);
  assertEquals(end, { label: "cancelled", unsettled: ["b"] });
  assertEquals(clock.now() - from >= 5_000 && clock.now() - from < 6_000, true);
  deaf.open();
  await pass(clock, engine.close());
});

Deno.test("EN-512 an operator makes the owner hand a run back; its attempt counts no recovery, and its epoch grows", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const kind = new ScriptedKind({
    a: (attempt) => attempt.attempt === 1 ? untilAborted(attempt) : { type: "succeeded", value: 1 },
  });
  const engine = await engineOf(store, kind, { clock });
  const run = await submit(engine, notebookOf({ a: [] }));
  await pass(clock, happened(engine, run, "step.started"), 1);
  assertEquals(await codeOf(engine.release(run, { expectEpoch: 7 })), "lease_lost");
  assertEquals(await pass(clock, engine.release(run, { expectEpoch: 1 }), 1), { epoch: 1 });
  const view = await pass(clock, ended(engine, run), 1);
  assertEquals([view.label, kind.calls], ["succeeded", ["a#1", "a#2"]]);
  const released = (await journalOf(store, run)).find(({ type }) => type === "run.released");
  assertEquals(released, { type: "run.released", reason: "operator" });
  assertEquals(await engine.release(run), { epoch: 2 }, "EN-505 the number goes on");
  await pass(clock, engine.close());
});

Deno.test("EN-512 with force the whole session of the owner is taken, and its runs are taken up anew", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const kind = new ScriptedKind({
    a: (attempt) => attempt.attempt === 1 ? untilAborted(attempt) : { type: "succeeded", value: 1 },
  });
  const stuck = await engineOf(kept(store), kind, { clock, worker: "w1" });
  const other = await engineOf(kept(store), kind, { clock, worker: "w2" });
  const run = await submit(stuck, notebookOf({ a: [] }));
  await pass(clock, happened(stuck, run, "step.started"), 1);
  await pass(clock, other.release(run, { force: true }), 1);
  const view = await pass(clock, ended(other, run), 10);
  assertEquals([view.label, kind.calls], ["succeeded", ["a#1", "a#2"]]);
  for (const engine of [stuck, other]) await pass(clock, engine.close());
});

Deno.test("EN-208 priority and tags of a run can be changed, also of one that has ended", async () => {
  const clock = new ManualClock();
  const engine = await engineOf(memoryStore({ clock }), new ScriptedKind(), { clock });
  const run = await submit(engine, CHAIN);
  await pass(clock, ended(engine, run), 1);
  await pass(clock, engine.tell(run, { type: "changeRun", tags: { team: "blue" }, by }), 1);
  const [summary] = await engine.runs({});
  assertEquals([summary!.tags, summary!.label], [{ team: "blue" }, "succeeded"]);
  assertEquals(await codeOf(engine.tell(run, { type: "changeRun", deadline: 9e12, by })), "run_ended");
  await pass(clock, engine.close());
});
