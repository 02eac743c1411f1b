/** Budgets of a run and its cells: what is set aside, what is counted, what waits and what wakes it. */
import { assert, assertEquals } from "@std/assert";
import type { Limits, OnLimit } from "../../../../engine/notebook/spend/limits.ts";
import type { Plan } from "../../../../engine/plan/types.ts";
import type { RunCommand } from "../../../../engine/run/command.ts";
import type { Usage } from "../../../../engine/run/event.ts";
import { nextCommand } from "../../../../engine/run/next.ts";
import { replay } from "../../../../engine/run/replay.ts";
import { fromSnapshot, takeSnapshot } from "../../../../engine/run/snapshot.ts";
import { illegal } from "../../../../engine/run/state.ts";
import { isRejected, transition } from "../../../../engine/run/transition.ts";
import { idleUntil } from "../../../../engine/run/timers.ts";
import { runLabel } from "../../../../engine/run/words/label.ts";
import { runWait, stepWait } from "../../../../engine/run/words/wait.ts";
import { narrate } from "../../../../engine/wire/narrate.ts";
import { newRun } from "../../../../engine/run/fold.ts";
import { decide, planOf, type StepSpec, TestRun } from "../_run_after.ts";

const ann = { by: "ann" };

function under(
  limits: Limits,
  steps: Record<string, StepSpec> = { a: {}, b: {} },
  onLimit?: OnLimit,
): TestRun {
  const plan: Plan = { ...planOf(steps), limits, ...(onLimit === undefined ? {} : { onLimit }) };
  const test = new TestRun(plan);
  test.tell({ type: "startRun" });
  return test;
}

function reserve(
  test: TestRun,
  step: string,
  ...wants: { tokens?: number; usdMicros?: number | null }[]
): string {
  return decide(test, { type: "reserveSpend", step, attempt: test.run.steps.get(step)!.attempts, wants });
}

function hold(test: TestRun, step: string, tokens: number): string {
  const attempt = test.run.steps.get(step)!.attempts;
  return decide(test, { type: "holdAttempt", step, attempt, wait: "budget", want: { tokens }, frames: 0 });
}

function end(test: TestRun, step: string, usage?: Usage): void {
  const attempt = test.run.steps.get(step)!.attempts;
  test.tell({
    type: "succeedAttempt",
    step,
    attempt,
    value: { inline: 1 },
    frames: 0,
    ...(usage === undefined ? {} : { usage }),
  });
}

const used = (tokens: number): Usage => ({ model: "m", inputTokens: tokens, outputTokens: 0, usdMicros: 0 });

Deno.test("EN-1102 what does not fit beside what others have set aside is refused, and once it is given back it fits", () => {
  const test = under({ tokens: 10 }).start("a", "b");
  assertEquals(reserve(test, "a", { tokens: 7 }), "step.reserved");
  assertEquals(reserve(test, "b", { tokens: 4 }), "/budget_exceeded");
  assertEquals(reserve(test, "b", { tokens: 4 }, { tokens: 3 }), "step.reserved", "the next best fits");
  assertEquals(test.run.reserved, { tokens: 10 });
  end(test, "a", used(2));
  assertEquals([test.run.spent.tokens, test.run.reserved], [2, { tokens: 3 }]);
});

Deno.test("EN-1102 the budgets of cell and run both have room, or none takes it", () => {
  const test = under({ tokens: 100 }, { a: { limits: { tokens: 5 } }, b: {} }).start("a", "b");
  assertEquals(reserve(test, "a", { tokens: 6 }), "/budget_exceeded");
  assertEquals(test.run.reserved, undefined);
  assertEquals(reserve(test, "b", { tokens: 6 }), "step.reserved");
});

Deno.test("EN-1103 E4 what was used is recorded above the limit too", () => {
  const test = under({ tokens: 10 }).start("a");
  reserve(test, "a", { tokens: 10 });
  end(test, "a", used(500));
  assertEquals([test.run.spent.tokens, test.run.spent.calls, test.run.steps.get("a")!.spent?.tokens], [
    500,
    1,
    500,
  ]);
});

Deno.test("E4 what a provider does not tell counts at its estimate, without one as unknown, and never as 0", () => {
  const test = under({ tokens: 10 }).start("a", "b");
  reserve(test, "a", { tokens: 7, usdMicros: null });
  end(test, "a", { model: "m" });
  assertEquals(test.run.spent, { tokens: 7, usdMicros: 0, ms: 0, calls: 1, unknown: { usdMicros: 1 } });
  end(test, "b", { model: "m", inputTokens: 3 });
  assertEquals(test.run.spent, {
    tokens: 7,
    usdMicros: 0,
    ms: 0,
    calls: 2,
    unknown: { usdMicros: 2, tokens: 1 },
  });
});

Deno.test("E4 an unknown price fits no limit in dollars, and any other", () => {
  const test = under({ usdMicros: 1_000_000 }).start("a");
  const decision = transition(test.run, {
    type: "reserveSpend",
    step: "a",
    attempt: 1,
    wants: [{ usdMicros: null }],
  }, 0);
  assert(
    isRejected(decision) && /price of the model is not known/.test(decision.reason),
    JSON.stringify(decision),
  );
  assertEquals(
    reserve(under({ tokens: 9 }).start("a"), "a", { tokens: 1, usdMicros: null }),
    "step.reserved",
  );
});

Deno.test("EN-1106 an attempt that was lost, given back or cancelled in its call counts at what it had set aside", () => {
  for (const type of ["adoptRun", "releaseRun", "cancelAttempt"] as const) {
    const test = under({ tokens: 10 }).start("a");
    reserve(test, "a", { tokens: 4 });
    if (type === "cancelAttempt") test.tell({ type: "cancelStep", step: "a", ...ann });
    if (type === "adoptRun") test.tell({ type });
    else if (type === "releaseRun") test.tell({ type, reason: "drained" });
    else test.tell({ type, step: "a", attempt: 1, frames: 0 });
    assertEquals(
      [test.run.spent.tokens, test.run.reserved, illegal(test.run)],
      [4, undefined, undefined],
      type,
    );
  }
});

Deno.test("EN-1102 an attempt of several calls is counted once for each, and its last reservation ends with it", () => {
  const test = under({ tokens: 20 }).start("a");
  reserve(test, "a", { tokens: 8 });
  const next: RunCommand = {
    type: "reserveSpend",
    step: "a",
    attempt: 1,
    wants: [{ tokens: 9 }],
    usage: used(6),
  };
  assertEquals(decide(test, next), "step.reserved");
  assertEquals([test.run.spent.tokens, test.run.reserved], [6, { tokens: 9 }]);
  end(test, "a", { ...used(11), calls: 2 });
  assertEquals([test.run.spent.tokens, test.run.spent.calls, test.run.reserved], [11, 2, undefined]);
});

Deno.test("EN-1104 what does not fit waits for a budget and says why; raised, it goes on by itself as the same attempt", () => {
  const test = under({ tokens: 10 }).start("a");
  assertEquals(hold(test, "a", 40), "step.held");
  assertEquals([runLabel(test.run), runWait(test.run)?.wait], ["running", "slot"], "b may start");
  test.start("b");
  end(test, "b", used(3));
  const { run } = test;
  assertEquals([runLabel(run), idleUntil(run, 0), illegal(run)], ["held", Infinity, undefined]);
  const { wait, what } = stepWait(run, run.steps.get("a")!)!;
  assertEquals(wait, "budget");
  assert(/has used 0 tokens of 10 tokens/.test(what), what);
  test.tell({ type: "changeRun", limits: { tokens: 20 }, ...ann });
  assertEquals(nextCommand(run, 4, 0), undefined, "not enough");
  test.tell({ type: "changeRun", limits: { tokens: 43 }, ...ann });
  assertEquals(nextCommand(run, 4, 0), { type: "wakeStep", step: "a" });
  test.tell({ type: "wakeStep", step: "a" });
  assertEquals(nextCommand(run, 4, 0), { type: "startAttempt", step: "a" });
  assertEquals([test.start("a").run.steps.get("a")!.attempts, run.short.size], [1, 0]);
});

Deno.test("EN-1104 what waits for a budget goes on when another attempt gives back what it did not use", () => {
  const test = under({ tokens: 10 }).start("a", "b");
  reserve(test, "a", { tokens: 9 });
  hold(test, "b", 5);
  assertEquals(nextCommand(test.run, 4, 0), undefined);
  end(test, "a", used(2));
  assertEquals(nextCommand(test.run, 4, 0), { type: "wakeStep", step: "b" });
});

Deno.test("EN-1104 onLimit: a cell fails with category budget, or stops its run, or waits; the cell's word beats the notebook's", () => {
  const fails = under({ tokens: 1 }, { a: {} }, "fail").start("a");
  assertEquals(hold(fails, "a", 9), "step.failed");
  assertEquals(fails.run.steps.get("a")!.problem?.category, "budget");
  assertEquals(fails.run.outcome, "failed");
  const stops = under({ tokens: 1 }, { a: {}, b: { needs: ["a"] } }, "stop").start("a");
  assertEquals(hold(stops, "a", 9), "step.held run.stopping");
  assertEquals([stops.run.outcome, stops.run.steps.get("a")!.outcome], ["stopped", "cancelled"]);
  const waits = under({ tokens: 1 }, { a: { onLimit: "pause" } }, "fail").start("a");
  assertEquals(hold(waits, "a", 9), "step.held");
});

Deno.test("EN-1101 minutes: once the time of its attempts is used up, nothing starts until it is raised", () => {
  const test = under({ ms: 1_000 }, { a: {}, b: { needs: ["a"] } }).start("a");
  test.now += 1_500;
  end(test, "a");
  assertEquals(test.run.spent.ms, 1_500);
  const command = nextCommand(test.run, 4, test.now)!;
  assertEquals(command, { type: "holdStep", step: "b", wait: "budget" });
  assertEquals(decide(test, command), "step.held");
  assertEquals(decide(test, command), "same");
  assertEquals([nextCommand(test.run, 4, test.now), idleUntil(test.run, test.now)], [undefined, Infinity]);
  test.tell({ type: "changeRun", limits: { ms: null }, ...ann });
  assertEquals(nextCommand(test.run, 4, test.now), { type: "wakeStep", step: "b" });
});

Deno.test("EN-1104 80 % of a limit warns once per scope and dimension, and anew of one that was changed", () => {
  const test = under({ tokens: 100, calls: 50 }, { a: { limits: { tokens: 90 } }, b: {}, c: {}, d: {} })
    .start("a", "b", "c", "d");
  end(test, "a", used(79));
  end(test, "b", used(1));
  test.tell({ type: "changeRun", limits: { tokens: 200 }, ...ann });
  end(test, "c", used(90));
  end(test, "d", used(1));
  const run = newRun("run_1", test.plan);
  const warned = test.journal.flatMap((record) => narrate(run, record).flat())
    .flatMap((event) => event.type === "run.spent" ? event.warned ?? [] : []);
  assertEquals(warned, [
    { cell: "a", dimension: "tokens", used: 79, limit: 90 },
    { dimension: "tokens", used: 80, limit: 100 },
    { dimension: "tokens", used: 170, limit: 200 },
  ]);
});

Deno.test("S1 a run with budgets comes back from its journal and from a snapshot as it was", () => {
  const specs = { a: { limits: { tokens: 5 } }, b: {}, c: {}, later: { needs: ["a"] } };
  const test = under({ tokens: 10 }, specs).start("a", "b");
  reserve(test, "a", { tokens: 4 });
  hold(test, "b", 8);
  const cells = { b: { calls: 3 }, later: { calls: 2 } };
  test.tell({ type: "changeRun", limits: { tokens: null }, cells, ...ann });
  const snapshot = takeSnapshot(test.run);
  const again = fromSnapshot("run_1", test.plan, JSON.parse(JSON.stringify(snapshot)));
  assertEquals(takeSnapshot(again), snapshot);
  assertEquals([...again.short], ["b"]);
  assertEquals(again.steps.get("later")!.limits, { calls: 2 });
  assertEquals(takeSnapshot(replay("run_1", test.plan, test.journal)), snapshot);
});

Deno.test("S1 a snapshot stays as it is while the run goes on to spend", () => {
  const test = under({ tokens: 100 }, { a: {}, b: { needs: ["a"] } }).start("a");
  reserve(test, "a", { tokens: 4 });
  decide(test, { type: "reserveSpend", step: "a", attempt: 1, wants: [{ tokens: 4 }], usage: used(3) });
  const snapshot = takeSnapshot(test.run);
  const text = JSON.stringify(snapshot);
  test.now += 50;
  end(test, "a", used(7));
  assertEquals(JSON.stringify(snapshot), text);
});

Deno.test("E4 an attempt that is called again at once has run before and after", () => {
  const test = under({ tokens: 10 }, { a: {} }).start("a");
  test.tell({ type: "applySignal", signal: { id: "s1", name: "go", source: "ann" } });
  test.now += 300;
  const condition = { type: "signal", name: "go" } as const;
  test.tell({ type: "suspendAttempt", step: "a", attempt: 1, wait: "signal", condition, frames: 0 });
  assertEquals(test.run.steps.get("a")!.phase, "running");
  test.now += 20;
  end(test, "a");
  assertEquals(test.run.spent.ms, 320);
});
