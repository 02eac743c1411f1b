/** Items of a map as steps: how many begin, what their ends mean, and what is kept over losses and restarts (EN-808, EN-809). */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { nextCommand } from "../../../../engine/run/next.ts";
import { replay } from "../../../../engine/run/replay.ts";
import { fromSnapshot, takeSnapshot } from "../../../../engine/run/snapshot.ts";
import { illegal } from "../../../../engine/run/state.ts";
import { timersOf } from "../../../../engine/run/timers.ts";
import { stepLabel } from "../../../../engine/run/words/label.ts";
import { stepWait } from "../../../../engine/run/words/wait.ts";
import { decide, started, type StepSpec, type TestRun } from "../_run_after.ts";

const of = (test: TestRun, name: string) => test.run.steps.get(name)!;
const label = (test: TestRun, name: string) => stepLabel(of(test, name));

/** A map `m` of `count` items, opened; `z` reads it. */
function opened(count: number, each: Partial<StepSpec["each"]> = {}, spec: StepSpec = {}): TestRun {
  const all = { concurrency: 2, errors: "stop" as const, ...each };
  const test = started({ u: {}, m: { needs: ["u"], each: all, ...spec }, z: { needs: ["m"] } }, 9);
  test.start("u").succeed("u").start("m");
  open(test, count);
  return test;
}

function open(test: TestRun, count: number): void {
  const items = { inline: Array.from({ length: count }, (_, i) => i) };
  test.tell({ type: "openMap", step: "m", attempt: of(test, "m").attempts, items, count, frames: 0 });
}

/** What always holds: legal vectors, and the same state by the journal and by a snapshot. */
function check(test: TestRun): void {
  assertEquals(illegal(test.run), undefined, "S2");
  const state = JSON.stringify(takeSnapshot(test.run));
  assertEquals(
    JSON.stringify(takeSnapshot(replay("run_1", test.plan, test.journal))),
    state,
    "S1 the journal",
  );
  const again = fromSnapshot("run_1", test.plan, JSON.parse(state));
  assertEquals(JSON.stringify(takeSnapshot(again)), state, "S1 a snapshot");
  assertEquals([again.left, [...again.steps.keys()]], [test.run.left, [...test.run.steps.keys()]]);
  assertEquals(test.run.left, [...test.run.steps.values()].filter(({ phase }) => phase !== "ended").length);
}

Deno.test("EN-808 each item is a step of its own, so many of which begin at a time, and their step goes on after the last", () => {
  const test = opened(3);
  assertEquals([label(test, "m"), [...test.run.ready]], ["suspended", ["m[0]", "m[1]"]]);
  assertEquals(stepWait(test.run, of(test, "m"))?.what, "It waits for 3 of its 3 items");
  assertEquals(stepWait(test.run, of(test, "m[2]"))?.wait, "slot");
  test.start("m[1]").succeed("m[1]");
  assertEquals([...test.run.ready], ["m[0]", "m[2]"]);
  test.start("m[0]", "m[2]").succeed("m[2]", "m[0]");
  check(test);
  assertEquals([...test.run.ready], ["m"]);
  test.start("m");
  assertEquals([of(test, "m").attempts, test.journal.at(-1)!.events[0]!.type], [1, "step.continued"]);
  test.succeed("m").start("z").succeed("z");
  test.tell({ type: "endRun" });
  check(test);
  assertEquals(test.run.outcome, "succeeded");
});

Deno.test("EN-107 the steps of 1,000 items are one event, and one end costs no look at the others", () => {
  const test = opened(1_000, { concurrency: 5 });
  assertEquals([test.run.steps.size, test.run.ready.size], [1_003, 5]);
  assertEquals(test.journal.at(-1)!.events.length, 1);
  check(test);
  // Items that have not begun take no room in a snapshot.
  assertEquals(Object.keys(takeSnapshot(test.run).steps).length, 7);
});

Deno.test("EN-808 with `stop` the first failed item skips those that wait, and those that run finish", () => {
  const test = opened(5, {}, { errors: "continue" }).start("m[0]", "m[1]").fail("m[0]");
  assertEquals([label(test, "m[1]"), label(test, "m[2]"), of(test, "m[4]").skipped], [
    "running",
    "skipped",
    "item_failed",
  ]);
  assertEquals([test.run.halted, test.run.ready.size], [false, 0]);
  test.succeed("m[1]");
  check(test);
  assertEquals([...test.run.ready], ["m"]);
});

Deno.test("EN-808 with `continue` the others go on, and the run's outcome is up to the step of the map", () => {
  const test = opened(3, { errors: "continue" }).start("m[0]", "m[1]").fail("m[0]").succeed("m[1]");
  test.start("m[2]").succeed("m[2]").start("m").succeed("m").start("z").succeed("z");
  test.tell({ type: "endRun" });
  assertEquals([test.run.outcome, test.run.problem], ["succeeded", undefined]);
  test.now += 1;
  assertEquals(
    decide(test, { type: "restartRun", by: "ann" }),
    "/step_ended",
    "and no restart runs it again",
  );
});

Deno.test("EN-809 R01 after a loss only items that had not ended begin again, as recoveries", () => {
  const test = opened(4).start("m[0]", "m[1]").succeed("m[0]");
  test.tell({ type: "adoptRun" });
  check(test);
  assertEquals([label(test, "m[0]"), label(test, "m"), [...test.run.ready]], [
    "succeeded",
    "suspended",
    ["m[2]", "m[1]"],
  ]);
  assertEquals(of(test, "m").attempts, 1, "nor does their step");
  test.start("m[1]");
  assertEquals(test.journal.at(-1)!.events[0], {
    type: "step.started",
    step: "m[1]",
    attempt: 2,
    reason: "recovery",
  });
});

Deno.test("EN-808 an item has retries of its own, and keeps its place among those under way", () => {
  const test = opened(3, {}, { attempts: 2 }).start("m[0]", "m[1]").fail("m[0]", "network");
  assertEquals([label(test, "m[0]"), test.run.ready.size], ["retrying", 0]);
  assertEquals(nextCommand(test.run, 9, test.now + 1_000), { type: "startAttempt", step: "m[0]" });
  check(test);
});

Deno.test("EN-605 a map that is cancelled, skipped or given a value ends its items: waiting ones at once, running ones aborted", () => {
  for (const type of ["cancelStep", "skipStep", "supplyValue"] as const) {
    const test = opened(3, {}, { errors: "continue" }).start("m[0]");
    const command = type === "supplyValue" ? { type, step: "m", value: { inline: 1 }, by: "ann" } : {
      type,
      step: "m",
      by: "ann",
    };
    const { actions } = test.tell(command);
    assertEquals(actions, [{ type: "abort", step: "m[0]", attempt: 1 }], type);
    assertEquals([label(test, "m[0]"), of(test, "m[1]").skipped], ["running", "not_needed"]);
    test.tell({ type: "cancelAttempt", step: "m[0]", attempt: 1, frames: 0 });
    check(test);
    assertEquals([label(test, "m[0]"), test.run.halted], ["cancelled", false]);
  }
});

Deno.test("EN-804 a join ends a map with its items", () => {
  const each = { concurrency: 2, errors: "stop" as const };
  const test = started({ m: { each }, a: {}, j: { needs: ["m", "a"], join: 1 } }).start("m", "a");
  open(test, 3);
  test.start("m[0]").succeed("a");
  const { actions } = test.tell({ type: "settleJoin", step: "j" });
  assertEquals(actions, [{ type: "abort", step: "m[0]", attempt: 1 }]);
  check(test);
  assertEquals([label(test, "m"), label(test, "m[1]")], ["cancelled", "skipped"]);
});

Deno.test("EN-606 a restart runs the items again that did not succeed, and the step of the map after them", () => {
  const test = opened(4, {}, { errors: "continue" }).start("m[0]", "m[1]").succeed("m[0]").fail("m[1]");
  test.start("m").fail("m");
  test.tell({ type: "endRun" });
  test.tell({ type: "restartRun", by: "ann" });
  test.tell({ type: "startRun" });
  check(test);
  assertEquals([label(test, "m[0]"), label(test, "m"), [...test.run.ready]], [
    "succeeded",
    "waiting",
    ["m[1]", "m[2]"],
  ]);
  test.start("m[1]", "m[2]").succeed("m[1]", "m[2]").start("m[3]").succeed("m[3]").start("m").succeed("m");
  assertEquals(of(test, "m").attempts, 2);
  test.start("z").succeed("z");
  test.tell({ type: "endRun" });
  check(test);
  assertEquals(test.run.outcome, "succeeded");
});

Deno.test("EN-606 T2 a map that starts over finds its items anew, and their attempts count on", () => {
  const test = opened(3).start("m[0]", "m[1]").succeed("m[0]", "m[1]").start("m[2]").succeed("m[2]");
  test.start("m").succeed("m").start("z").succeed("z");
  test.tell({ type: "endRun" });
  test.tell({ type: "restartRun", from: ["u"], by: "ann" });
  check(test);
  assertEquals([...test.run.steps.keys()], ["u", "m", "z"]);
  test.tell({ type: "startRun" });
  test.start("u").succeed("u").start("m");
  open(test, 2);
  test.start("m[0]");
  check(test);
  assertEquals(of(test, "m[0]").attempts, 2);
});

Deno.test("EN-605 one item can be skipped, cancelled and run again by itself", () => {
  const test = opened(2, { errors: "continue" });
  test.tell({ type: "skipStep", step: "m[0]", by: "ann" });
  test.start("m[1]").fail("m[1]").start("m").succeed("m");
  assertEquals([label(test, "m[0]"), label(test, "m[1]")], ["skipped", "failed"]);
  test.tell({ type: "retryStep", step: "m[1]", by: "ann" });
  check(test);
  assertEquals([label(test, "m[1]"), label(test, "m"), label(test, "z")], ["queued", "waiting", "waiting"]);
  test.start("m[1]").succeed("m[1]");
  assertEquals([...test.run.ready], ["m"]);
});

/** How each item goes: tries that pass without success, then well or not. */
const items = fc.array(fc.record({ flaky: fc.nat(2), good: fc.boolean() }), { minLength: 1, maxLength: 6 });
const picks = fc.array(fc.nat(99), { maxLength: 60 });

Deno.test("S1 S2 S3 S5 P6 P7 EN-808 whatever the order, losses and releases, a map comes to what its items come to", () => {
  fc.assert(
    fc.property(
      items,
      picks,
      fc.integer({ min: 1, max: 4 }),
      fc.constantFrom("stop" as const, "continue" as const),
      (items, picks, concurrency, errors) => {
        const test = opened(items.length, { concurrency, errors }, { attempts: 2, errors: "continue" });
        const tries = items.map(() => 0);
        const losses = items.map(() => 0);
        for (let turn = 0; of(test, "m").phase !== "ready" && of(test, "m").phase !== "running"; turn++) {
          assert(turn < 2_000, "it does not come to an end");
          check(test);
          const pick = turn > 300 ? 0 : picks[turn % (picks.length + 1)] ?? 0;
          if (pick % 11 === 3 && losses.every((count, i) => count < 5 || !test.run.open.has(`m[${i}]`))) {
            for (const name of test.run.open) losses[Number(name.slice(2, -1))]!++;
            test.tell({ type: "adoptRun" });
          }
          if (pick % 11 === 5) {
            test.tell({ type: "releaseRun", reason: "drained" });
            check(test);
          }
          const next = nextCommand(test.run, 9, test.now);
          if (next !== undefined && !(next.type === "startAttempt" && next.step === "m")) {
            test.tell(next);
            continue;
          }
          const underWay = [...test.run.steps.values()].filter(({ plan, phase }) =>
            plan.item !== undefined && phase !== "idle" && phase !== "ended"
          );
          assert(underWay.length <= concurrency, `${underWay.length} items are under way`);
          const name = [...test.run.open][pick % Math.max(1, test.run.open.size)];
          if (name === undefined) {
            if (of(test, "m").phase === "suspended") {
              test.now = Math.min(...timersOf(test.run).map(({ due }) => due));
            }
            continue;
          }
          const i = Number(name.slice(2, -1));
          const { flaky, good } = items[i]!;
          if (tries[i]! < flaky) test.fail(name, "network");
          else if (good) test.succeed(name);
          else test.fail(name);
          tries[i]!++;
        }
        const ends = items.map((_, i) => of(test, `m[${i}]`).outcome);
        const own = items.map(({ flaky, good }) => good && flaky < 2 ? "succeeded" : "failed");
        if (errors === "continue") assertEquals(ends, own);
        else {
          assertEquals(ends.includes("failed"), own.includes("failed"));
          for (const [i, end] of ends.entries()) assert(end === own[i] || end === "skipped", `${i} ${end}`);
          if (!own.includes("failed")) assertEquals(ends, own);
        }
      },
    ),
  );
});
