/**
 * The second table of EN-304, cell by cell: what each command does to a step in each phase.
 *
 * A cell is what happens (event types, `abort` where an attempt is told to end), then `>` and the phase or outcome
 * that the step is in after that; or `same`; or `/code` for a refusal.
 */
import { assertEquals } from "@std/assert";
import type { RunCommand } from "../../../engine/run/command.ts";
import { timersOf } from "../../../engine/run/timers.ts";
import { decide, started } from "./_run_after.ts";

const ann = { by: "ann" };
const value = { inline: 7 };
const problem = { category: "code_error", message: "it broke" } as const;

/** Step `s` of an active run in each phase; `z` keeps the run going. */
const steps = { u: {}, s: { needs: ["u"], attempts: 2 }, z: {} };
const STEPS = {
  idle: () => started(steps),
  ready: () => started(steps).start("u").succeed("u"),
  running: () => STEPS.ready().start("s"),
  suspended: () => STEPS.running().delay("s", 60_000),
  ended: () => STEPS.running().succeed("s"),
};
const s1 = { step: "s", attempt: 1, frames: 0 };
const passing = { category: "network", message: "cut" } as const;
type StepRow = [string, RunCommand, [string, string, string, string, string]];

const STEP_TABLE: StepRow[] = [
  ["startAttempt", { type: "startAttempt", step: "s" }, [
    "/not_ready",
    "step.started > running",
    "/attempt_open",
    "/step_suspended",
    "/step_ended",
  ]],
  ["succeed", { type: "succeedAttempt", ...s1, value }, [
    "/attempt_stale",
    "/attempt_stale",
    "step.succeeded > succeeded",
    "/attempt_stale",
    "same",
  ]],
  ["succeed of another attempt", { type: "succeedAttempt", ...s1, attempt: 2, value }, [
    "/attempt_stale",
    "/attempt_stale",
    "/attempt_stale",
    "/attempt_stale",
    "/attempt_stale",
  ]],
  ["fail for good", { type: "failAttempt", ...s1, problem, jitter: 0 }, [
    "/attempt_stale",
    "/attempt_stale",
    "step.failed > failed",
    "/attempt_stale",
    "/attempt_stale",
  ]],
  ["fail with tries left", { type: "failAttempt", ...s1, problem: passing, jitter: 0 }, [
    "/attempt_stale",
    "/attempt_stale",
    "step.retried > ready",
    "/attempt_stale",
    "/attempt_stale",
  ]],
  ["suspendStep", { type: "delayAttempt", ...s1, ms: 9 }, [
    "/attempt_stale",
    "/attempt_stale",
    "step.delayed > suspended",
    "same",
    "/step_ended",
  ]],
  ["an abort's end", { type: "cancelAttempt", ...s1 }, [
    "/attempt_stale",
    "/attempt_stale",
    "step.cancelled > cancelled",
    "/attempt_stale",
    "/attempt_stale",
  ]],
  ["interruptAttempt", { type: "adoptRun" }, [
    "run.adopted > idle",
    "run.adopted > ready",
    "run.adopted > ready",
    "run.adopted > suspended",
    "run.adopted > succeeded",
  ]],
  ["skipStep", { type: "skipStep", step: "s", ...ann }, [
    "step.cancelled > skipped",
    "step.cancelled > skipped",
    "step.stopping abort > running",
    "step.cancelled > skipped",
    "/step_ended",
  ]],
  ["cancelStep", { type: "cancelStep", step: "s", ...ann }, [
    "step.cancelled > cancelled",
    "step.cancelled > cancelled",
    "step.stopping abort > running",
    "step.cancelled > cancelled",
    "/step_ended",
  ]],
  ["supplyValue", { type: "supplyValue", step: "s", value, ...ann }, [
    "step.supplied > supplied",
    "step.supplied > supplied",
    "/attempt_open",
    "step.supplied > supplied",
    "/step_ended",
  ]],
  ["retryStep", { type: "retryStep", step: "s", ...ann }, [
    "/not_ready",
    "same",
    "/attempt_open",
    "/step_suspended",
    "run.reopened > ready",
  ]],
];

Deno.test("S2 EN-304 every command to a step has the answer of the table, in each phase", () => {
  for (const [name, command, cells] of STEP_TABLE) {
    for (const [column, make] of Object.values(STEPS).entries()) {
      const test = make();
      const what = decide(test, command);
      const { phase, outcome, source } = test.run.steps.get("s")!;
      const end = outcome === "none" ? phase : source === "supplied" ? source : outcome;
      const cell = what === "same" || what.startsWith("/") ? what : `${what} > ${end}`;
      assertEquals(cell, cells[column], `${name}, ${Object.keys(STEPS)[column]}`);
    }
  }
});

Deno.test("EN-403 the report that ended an attempt gets its first answer again, and so does what a person said", () => {
  const ends: [RunCommand, RunCommand?][] = [
    [{ type: "succeedAttempt", ...s1, value }],
    [{ type: "failAttempt", ...s1, problem, jitter: 0 }],
    [{ type: "cancelAttempt", ...s1 }],
    [{ type: "delayAttempt", ...s1, ms: 9 }],
    [{ type: "cancelAttempt", ...s1 }, { type: "skipStep", step: "s", ...ann }],
    [{ type: "cancelAttempt", ...s1 }, { type: "cancelStep", step: "s", ...ann }],
    [{ type: "cancelAttempt", ...s1 }, { type: "cancelRun", ...ann }],
  ];
  for (const [end, told] of ends) {
    const test = STEPS.running();
    if (told !== undefined) test.tell(told);
    test.tell(end);
    assertEquals(decide(test, end), "same", `${end.type} after ${told?.type}`);
    if (told !== undefined) assertEquals(decide(test, told), "same", `${told.type} again`);
  }
});

Deno.test("EN-304 a wait for the next try can be cut short, and what it was for then happens once", () => {
  const test = STEPS.running().fail("s", "network");
  const timer = timersOf(test.run).at(-1)!.id;
  assertEquals(decide(test, { type: "startAttempt", step: "s" }), "/not_ready");
  assertEquals(decide(test, { type: "retryStep", step: "s", ...ann }), "step.woken");
  assertEquals(decide(test, { type: "retryStep", step: "s", ...ann }), "same");
  assertEquals(decide(test, { type: "startAttempt", step: "s" }), "step.started");
  test.now += 1_000;
  assertEquals(decide(test, { type: "fireTimer", timer }), "same", "EN-1702");
});

Deno.test("P10 EN-701 a step that a person cancelled ends its run the same whether its worker reports that or dies of it", () => {
  for (const end of [{ type: "cancelAttempt", ...s1 }, { type: "adoptRun" }] as const) {
    const test = STEPS.running();
    test.tell({ type: "cancelStep", step: "s", ...ann });
    decide(test, end);
    assertEquals([test.run.outcome, test.run.steps.get("z")!.skipped], ["failed", "run_stopped"], end.type);
  }
});

for (const what of ["retryStep", "restartRun"] as const) {
  Deno.test(`EN-605 EN-606 of two cells that failed, the one that ${what} names runs again, and the run is failed still`, () => {
    const test = started({ a: {}, b: {}, c: { needs: ["a"] } }).start("a", "b").fail("a").fail("b");
    test.tell({ type: "endRun" });
    test.tell(what === "retryStep" ? { type: what, step: "a", ...ann } : { type: what, from: ["a"], ...ann });
    test.tell({ type: "startRun" });
    test.start("a").succeed("a").start("c").succeed("c");
    test.tell({ type: "endRun" });
    const ends = [...test.run.steps.values()].map(({ outcome }) => outcome);
    assertEquals([...ends, test.run.outcome], ["succeeded", "failed", "succeeded", "failed"]);
  });
}

Deno.test("EN-409 EN-606 a run that expired can be restarted: the deadline that has passed is not its deadline any more", () => {
  const test = started({ a: {} }, 1, { deadline: 5_000 });
  test.now = 5_000;
  test.tell({ type: "expireRun" });
  test.tell({ type: "endRun" });
  assertEquals(test.run.outcome, "expired");
  test.tell({ type: "restartRun", ...ann });
  test.tell({ type: "startRun" });
  test.start("a").succeed("a").tell({ type: "endRun" });
  assertEquals(test.run.outcome, "succeeded");
  const other = started({ a: {} }, 1, { deadline: 5_000 }).start("a").succeed("a");
  other.tell({ type: "endRun" });
  other.tell({ type: "restartRun", from: ["a"], ...ann });
  assertEquals(other.run.deadline, 5_000, "one that lies ahead is kept");
});

Deno.test("EN-606 a run is restarted ten times and no more", () => {
  const test = started({ a: {} }).start("a").succeed("a");
  const restart: RunCommand = { type: "restartRun", from: ["a"], ...ann };
  for (let i = 0; i < 10; i++) {
    test.tell({ type: "endRun" });
    assertEquals(decide(test, restart), "run.reopened");
    test.tell({ type: "startRun" });
    test.start("a").succeed("a");
  }
  test.tell({ type: "endRun" });
  assertEquals(decide(test, restart), "/restart_limit");
});
