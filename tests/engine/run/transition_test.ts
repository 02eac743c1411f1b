import { assert, assertEquals } from "@std/assert";
import type { RunCommand } from "../../../engine/run/command.ts";
import { nextCommand } from "../../../engine/run/next.ts";
import { replay } from "../../../engine/run/replay.ts";
import { idleUntil, timersOf } from "../../../engine/run/timers.ts";
import { isRejected, MAX_RECOVERIES, transition } from "../../../engine/run/transition.ts";
import { runLabel, stepLabel } from "../../../engine/run/words/label.ts";
import { planOf, started, TestRun } from "./_run_after.ts";

const labels = (test: TestRun) =>
  Object.fromEntries([...test.run.steps].map(([name, step]) => [name, stepLabel(step)]));

const dues = (test: TestRun) => timersOf(test.run).map(({ step, due }) => [step, due]);

const rejection = (test: TestRun, command: RunCommand) => {
  const decision = transition(test.run, command, test.now);
  return isRejected(decision) ? decision.rejected : undefined;
};

Deno.test("S4 a step becomes ready when all that it needs has succeeded, not before", () => {
  const test = started({ a: {}, b: {}, c: { needs: ["a", "b"] } }).start("a", "b").succeed("a");
  assertEquals(labels(test), { a: "succeeded", b: "running", c: "waiting" });
  assertEquals(rejection(test, { type: "startAttempt", step: "c" }), "not_ready");
  test.succeed("b");
  assertEquals(labels(test).c, "queued");
});

Deno.test("S3 a result of an attempt that is not open is refused and changes nothing", () => {
  const test = started({ a: { attempts: 3 } }).start("a").fail("a", "network");
  const late = { step: "a", attempt: 1, value: { inline: 1 }, frames: 0 };
  assertEquals(rejection(test, { type: "succeedAttempt", ...late }), "attempt_stale");
  test.now += 1000;
  test.start("a");
  assertEquals(rejection(test, { type: "succeedAttempt", ...late }), "attempt_stale");
  test.succeed("a");
  const again = transition(test.run, { type: "succeedAttempt", ...late, attempt: 2 }, test.now);
  assertEquals(again, { events: [], actions: [] }, "EN-403 the report that ended it is answered as before");
  const { step, attempt } = { ...late, attempt: 2 };
  const other = { type: "cancelAttempt", step, attempt, frames: 0 } as const;
  assertEquals(rejection(test, other), "attempt_stale", "another report of the same attempt is not");
});

Deno.test("EN-407 a failed try is followed by another when its wait is over, and the due time is in the state", () => {
  const test = started({ a: { attempts: 2 } }).start("a").fail("a", "network");
  assertEquals(labels(test), { a: "retrying" });
  assertEquals(runLabel(test.run), "retrying");
  assertEquals(dues(test), [["a", test.now + 1000]]);
  assertEquals(nextCommand(test.run, 1, test.now + 999), undefined);
  assertEquals(nextCommand(test.run, 1, test.now + 1000), { type: "startAttempt", step: "a" });
});

Deno.test("EN-405 the other side's retry-after is a floor of the wait", () => {
  const test = started({ a: { attempts: 2 } }).start("a");
  const problem = { category: "network" as const, message: "busy" };
  test.tell({
    type: "failAttempt",
    step: "a",
    attempt: 1,
    problem,
    frames: 0,
    jitter: 0,
    retryAfterMs: 7000,
  });
  assertEquals(dues(test), [["a", test.now + 7000]]);
});

Deno.test("EN-406 a final category is not tried again, and the last try is the last", () => {
  assertEquals(labels(started({ a: { attempts: 5 } }).start("a").fail("a", "code_error")), { a: "failed" });
  const test = started({ a: { attempts: 2 } }).start("a").fail("a", "network");
  test.now += 1000;
  assertEquals(labels(test.start("a").fail("a", "network")), { a: "failed" });
});

Deno.test("EN-701 with policy stop running attempts finish, the rest is skipped and the run fails", () => {
  const test = started({ a: {}, b: {}, c: { needs: ["a"] }, d: { needs: ["b"] } }).start("a", "b").fail("a");
  assertEquals(nextCommand(test.run, 9, test.now), undefined);
  test.succeed("b");
  assertEquals(nextCommand(test.run, 9, test.now), { type: "endRun" });
  test.tell({ type: "endRun" });
  assertEquals(labels(test), { a: "failed", b: "succeeded", c: "skipped", d: "skipped" });
  assertEquals(runLabel(test.run), "failed");
  assertEquals(test.run.problem?.message, "a: it broke");
  assertEquals([test.run.steps.get("c")!.skipped, test.run.steps.get("d")!.skipped], [
    "upstream_failed",
    "run_stopped",
  ]);
});

Deno.test("EN-702 with policy continue other branches go on and the run is partial, or failed if no sink succeeded", () => {
  const both = { a: { errors: "continue" as const }, b: {}, c: { needs: ["a"] }, d: { needs: ["b"] } };
  const test = started(both).start("a", "b").fail("a").succeed("b").start("d").succeed("d");
  test.tell({ type: "endRun" });
  assertEquals(runLabel(test.run), "partial");
  const none = started({ a: { errors: "continue" }, c: { needs: ["a"] } }).start("a").fail("a");
  none.tell({ type: "endRun" });
  assertEquals(runLabel(none.run), "failed");
});

Deno.test("EN-704 what an upstream's end means: required skips, optional and any go on, after skips", () => {
  const test = started({
    a: { errors: "continue" },
    required: { needs: ["a"] },
    optional: { needs: ["a:optional"] },
    after: { needs: ["a:after"] },
    any: { needs: ["a:any"] },
    below: { needs: ["required:optional"] },
  }).start("a").fail("a");
  assertEquals(labels(test), {
    a: "failed",
    required: "skipped",
    optional: "queued",
    after: "skipped",
    any: "queued",
    below: "queued",
  });
});

Deno.test("EN-706 a skip cascade of any depth is one event", () => {
  const steps = Object.fromEntries(
    Array.from(
      { length: 10_000 },
      (_, i) => [`s${i}`, i === 0 ? { errors: "continue" as const } : { needs: [`s${i - 1}`] }],
    ),
  );
  const test = started(steps).start("s0");
  const problem = { category: "code_error" as const, message: "it broke" };
  const { events } = test.tell({
    type: "failAttempt",
    step: "s0",
    attempt: 1,
    problem,
    frames: 0,
    jitter: 0,
  });
  assertEquals(events.length, 1);
  assertEquals(test.run.steps.get("s9999")!.skipped, "upstream_skipped");
  assertEquals(test.run.left, 0);
});

Deno.test("EN-601 a paused run starts nothing, lets open attempts end, and goes on when it is resumed", () => {
  const test = started({ a: {}, b: { needs: ["a"] } }).start("a");
  test.tell({ type: "pauseRun", by: "ann" });
  assertEquals(runLabel(test.run), "pausing");
  test.succeed("a");
  assertEquals([runLabel(test.run), nextCommand(test.run, 9, test.now)], ["paused", undefined]);
  test.tell({ type: "resumeRun", by: "ann" });
  assertEquals(nextCommand(test.run, 9, test.now), { type: "startAttempt", step: "b" });
});

Deno.test("EN-601 a paused run can be stopped and cancelled", () => {
  for (const [type, outcome] of [["stopRun", "stopped"], ["cancelRun", "cancelled"]] as const) {
    const test = started({ a: {} });
    test.tell({ type: "pauseRun", by: "ann" });
    test.tell({ type, by: "ann" });
    assertEquals(nextCommand(test.run, 9, test.now), { type: "endRun" });
    test.tell({ type: "endRun" });
    assertEquals(runLabel(test.run), outcome);
  }
});

Deno.test("EN-602 stop lets open attempts end, starts none and ends the run as stopped", () => {
  const test = started({ a: {}, b: { needs: ["a"] } }).start("a");
  test.tell({ type: "stopRun", by: "ann" });
  assertEquals(runLabel(test.run), "stopping");
  test.succeed("a");
  assertEquals(nextCommand(test.run, 9, test.now), { type: "endRun" });
  test.tell({ type: "endRun" });
  assertEquals(runLabel(test.run), "stopped");
  assertEquals(labels(test), { a: "succeeded", b: "skipped" });
});

Deno.test("EN-603 cancel asks for the abort of open attempts at once", () => {
  const test = started({ a: {}, b: {} }).start("a", "b");
  const { actions } = test.tell({ type: "cancelRun", by: "ann" });
  assertEquals(actions, [{ type: "abort", step: "a", attempt: 1 }, { type: "abort", step: "b", attempt: 1 }]);
  test.tell({ type: "cancelAttempt", step: "a", attempt: 1, frames: 3 });
  assertEquals(nextCommand(test.run, 9, test.now), undefined, "b is still open");
  test.tell({ type: "cancelAttempt", step: "b", attempt: 1, frames: 0 });
  test.tell({ type: "endRun" });
  assertEquals([runLabel(test.run), labels(test)], ["cancelled", { a: "cancelled", b: "cancelled" }]);
});

Deno.test("a cancel after a stop is still heard, and a failure after it is not tried again", () => {
  const test = started({ a: { attempts: 3 } }).start("a");
  test.tell({ type: "stopRun", by: "ann" });
  test.tell({ type: "cancelRun", by: "ann" });
  assertEquals(runLabel(test.run), "cancelling");
  test.fail("a", "network");
  assertEquals(labels(test), { a: "failed" });
});

Deno.test("EN-508 an adopted run's open attempts are recovered, outside the cell's own tries, until the limit", () => {
  const test = started({ a: { attempts: 1 } });
  for (let i = 0; i <= MAX_RECOVERIES; i++) {
    test.start("a");
    assertEquals(test.run.steps.get("a")!.attempts, i + 1);
    const before = test.now;
    test.tell({ type: "adoptRun" });
    test.now += [0, 1_000, 2_000, 4_000, 8_000, 0][i]!;
    if (i > 0 && i < MAX_RECOVERIES) {
      assertEquals(nextCommand(test.run, 1, test.now - 1), undefined, "a later recovery waits");
    }
    if (i < MAX_RECOVERIES) assertEquals(idleUntil(test.run, before), test.now);
  }
  assertEquals(labels(test), { a: "failed" });
  assertEquals(test.run.steps.get("a")!.problem?.code, "recovery_limit");
});

Deno.test("EN-508 a recovery does not use up a try", () => {
  const test = started({ a: { attempts: 2 } }).start("a");
  test.tell({ type: "adoptRun" });
  const { events } = test.tell({ type: "startAttempt", step: "a" });
  assertEquals(events, [{ type: "step.started", step: "a", attempt: 2, reason: "recovery" }]);
  assertEquals(labels(test.fail("a", "network")), { a: "retrying" });
});

Deno.test("concurrency bounds open attempts and a free slot goes to who has waited longest", () => {
  const test = started({ a: {}, b: {}, c: {} }, 2);
  test.tell(nextCommand(test.run, 9, test.now)!);
  test.tell(nextCommand(test.run, 9, test.now)!);
  assertEquals(nextCommand(test.run, 9, test.now), undefined);
  test.succeed("a");
  assertEquals(nextCommand(test.run, 0, test.now), undefined, "the worker has no slot");
  assertEquals(nextCommand(test.run, 1, test.now), { type: "startAttempt", step: "c" });
});

Deno.test("EN-206 reused steps are settled from the start and run nothing", () => {
  const test = started({ a: { reuse: true }, b: { needs: ["a"] } });
  assertEquals(labels(test), { a: "reused", b: "queued" });
  assertEquals(test.run.steps.get("a")!.value, { inline: "a" });
});

Deno.test("a run whose every step is reused ends at once", () => {
  const test = started({ a: { reuse: true } });
  assertEquals(nextCommand(test.run, 9, test.now), { type: "endRun" });
});

Deno.test("an empty plan ends as succeeded", () => {
  const test = started({});
  test.tell({ type: "endRun" });
  assertEquals(runLabel(test.run), "succeeded");
});

Deno.test("S2 every command has an answer in every state and an ended run takes none", () => {
  const commands: RunCommand[] = [
    { type: "startRun" },
    { type: "adoptRun" },
    { type: "pauseRun", by: "x" },
    { type: "resumeRun", by: "x" },
    { type: "stopRun", by: "x" },
    { type: "cancelRun", by: "x" },
    { type: "startAttempt", step: "a" },
    { type: "startAttempt", step: "nobody" },
    { type: "succeedAttempt", step: "a", attempt: 1, value: { inline: 1 }, frames: 0 },
    {
      type: "failAttempt",
      step: "a",
      attempt: 1,
      problem: { category: "timeout", message: "" },
      frames: 0,
      jitter: 0,
    },
    { type: "cancelAttempt", step: "a", attempt: 1, frames: 0 },
    { type: "endRun" },
  ];
  const states: Record<string, TestRun> = {
    queued: new TestRun(planOf({ a: {} })),
    active: started({ a: {} }),
    running: started({ a: {} }).start("a"),
    ended: started({ a: {} }).start("a").succeed("a"),
  };
  states.ended!.tell({ type: "endRun" });
  for (const [name, test] of Object.entries(states)) {
    for (const command of commands) {
      const before = JSON.stringify([...test.run.steps]);
      const decision = transition(test.run, command, test.now);
      assertEquals(
        JSON.stringify([...test.run.steps]),
        before,
        `${command.type} changed a ${name} run by itself`,
      );
      if (name === "ended" && !isRejected(decision)) assertEquals(decision.events, []);
    }
  }
});

Deno.test("S1 replaying the journal gives the state that wrote it", () => {
  const test = started({ a: { attempts: 2 }, b: { needs: ["a"] }, c: { needs: ["b:any"] } }).start("a").fail(
    "a",
    "network",
  );
  test.now += 5000;
  test.start("a").succeed("a").start("b").fail("b");
  test.tell({ type: "endRun" });
  const again = replay(test.run.id, test.plan, test.journal);
  assertEquals([...again.steps], [...test.run.steps]);
  assertEquals({ ...again, steps: 0, successors: 0 }, { ...test.run, steps: 0, successors: 0 });
  assert(again.phase === "ended");
});
