/** What a join counts, when it settles, and what ends with it (EN-803 to EN-806). */
import { assertEquals } from "@std/assert";
import { nextCommand } from "../../../../engine/run/next.ts";
import { fromSnapshot, takeSnapshot } from "../../../../engine/run/snapshot.ts";
import { illegal } from "../../../../engine/run/state.ts";
import { stepLabel } from "../../../../engine/run/words/label.ts";
import { stepWait } from "../../../../engine/run/words/wait.ts";
import { transition } from "../../../../engine/run/transition.ts";
import { started, type StepSpec, type TestRun } from "../_run_after.ts";

const GOES_ON = { errors: "continue" } as const;

/** Applies what follows by itself, as its owner would, but starts nothing; the actions that it asks for. */
function settle(test: TestRun) {
  const actions = [];
  for (let next = nextCommand(test.run, 0, test.now); next !== undefined;) {
    actions.push(...test.tell(next).actions);
    next = nextCommand(test.run, 0, test.now);
  }
  assertEquals(illegal(test.run), undefined, "S2");
  return actions;
}

const labels = (test: TestRun) =>
  Object.fromEntries([...test.run.steps].map(([name, step]) => [name, stepLabel(step)]));
const of = (test: TestRun, name: string) => test.run.steps.get(name)!;

/** `j` joins `a`, `b` and `c`. */
function joined(join: number, rest: StepSpec["rest"], more: Record<string, StepSpec> = {}): TestRun {
  const one = { a: GOES_ON, b: GOES_ON, c: GOES_ON };
  return started({ ...one, ...more, j: { needs: ["a", "b", "c"], join, rest } });
}

Deno.test("EN-803 S6 a join is met at its number of successes, in one event, and keeps the order of success", () => {
  const test = joined(2, "let-run").start("a", "b", "c").succeed("c");
  settle(test);
  assertEquals(labels(test).j, "waiting");
  test.fail("a").succeed("b");
  assertEquals(settle(test), []);
  assertEquals(test.journal.at(-1)!.events, [{ type: "join.settled", step: "j" }]);
  assertEquals([labels(test).j, of(test, "j").joined], ["queued", ["c", "b"]]);
  assertEquals(transition(test.run, { type: "settleJoin", step: "j" }, test.now), {
    events: [],
    actions: [],
  });
});

Deno.test("EN-805 S6 with let-run the others go on, and what they come to changes nothing of the join", () => {
  const test = joined(1, "let-run").start("a", "b", "c").succeed("b");
  assertEquals(settle(test), []);
  test.succeed("a").fail("c");
  settle(test);
  assertEquals([of(test, "j").joined, of(test, "j").join], [["b"], "met"]);
  assertEquals(labels(test), { a: "succeeded", b: "succeeded", c: "failed", j: "queued" });
  const settled = test.journal.flatMap(({ events }) => events).filter(({ type }) => type === "join.settled");
  assertEquals(settled.length, 1);
});

Deno.test("EN-804 what is left over ends as the join settles: idle ones in the event, running ones are aborted", () => {
  const more = { deep: GOES_ON, d: { needs: ["deep"], ...GOES_ON } };
  const test = started({
    a: GOES_ON,
    b: GOES_ON,
    ...more,
    j: { needs: ["a", "b", "d"], join: 1 },
  }).start("a", "b").succeed("a");
  assertEquals(settle(test), [{ type: "abort", step: "b", attempt: 1 }]);
  // What ran for one of them alone ends with it.
  assertEquals(labels(test), { a: "succeeded", b: "running", d: "skipped", deep: "skipped", j: "queued" });
  assertEquals([of(test, "d").skipped, of(test, "d").because], ["not_needed", "j"]);
  test.tell({ type: "cancelAttempt", step: "b", attempt: 1, frames: 0 });
  assertEquals([labels(test).b, of(test, "b").skipped], ["cancelled", "not_needed"]);
  test.start("j").succeed("j");
  settle(test);
  assertEquals(test.run.outcome, "succeeded", "what a join has ended did not go wrong");
});

Deno.test("EN-804 what does not heed its abort and fails has been cancelled all the same, and halts nothing", () => {
  const test = started({ a: GOES_ON, b: {}, j: { needs: ["a", "b"], join: 1 } }).start("a", "b").succeed("a");
  settle(test);
  test.fail("b");
  assertEquals([labels(test).b, test.run.halted], ["cancelled", false]);
  const inTime = joined(1, undefined).start("a", "b").succeed("a");
  settle(inTime);
  inTime.succeed("b");
  assertEquals([labels(inTime).b, of(inTime, "b").skipped], ["succeeded", undefined]);
});

Deno.test("EN-804 after a crash what was to be aborted has ended, and is not tried again", () => {
  const test = joined(1, undefined).start("a", "b").succeed("a");
  settle(test);
  test.tell({ type: "adoptRun" });
  settle(test);
  assertEquals(labels(test), { a: "succeeded", b: "cancelled", c: "skipped", j: "queued" });
});

Deno.test("EN-804 a cell that another unsettled cell needs is spared, until that one has settled too", () => {
  const both: Record<string, StepSpec> = {
    a: GOES_ON,
    b: GOES_ON,
    c: GOES_ON,
    own: { needs: ["c"] },
    j: { needs: ["a", "b", "c"], join: 1 },
    k: { needs: ["b", "a"], join: 1 },
  };
  const test = started(both).start("a").succeed("a");
  settle(test);
  assertEquals(labels(test), {
    a: "succeeded",
    b: "skipped",
    c: "queued",
    own: "waiting",
    j: "queued",
    k: "queued",
  });
  const later = started({ ...both, k: { needs: ["b", "a"], join: 2 } }).start("a").succeed("a");
  settle(later);
  assertEquals([labels(later).b, labels(later).k], ["queued", "waiting"]);
});

Deno.test("EN-806 a join that cannot be met any more skips its cell, and what ran only for it", () => {
  const test = joined(2, "cancel-remaining", { below: { needs: ["j"] } }).start("a", "b", "c").fail("a").fail(
    "b",
  );
  assertEquals(settle(test), [{ type: "abort", step: "c", attempt: 1 }]);
  assertEquals([of(test, "j").skipped, of(test, "j").because], ["join_impossible", "b"]);
  assertEquals([labels(test).below, of(test, "below").skipped], ["skipped", "upstream_skipped"]);
  const goesOn = joined(2, "let-run").start("a", "b", "c").fail("a").fail("b");
  assertEquals(settle(goesOn), []);
  assertEquals([labels(goesOn).j, labels(goesOn).c], ["skipped", "running"]);
});

Deno.test("EN-806 all of which one fails, with cancel-remaining, ends the others", () => {
  const test = joined(3, "cancel-remaining").start("a", "b").fail("b");
  assertEquals(settle(test), [{ type: "abort", step: "a", attempt: 1 }]);
  assertEquals(labels(test), { a: "running", b: "failed", c: "skipped", j: "skipped" });
});

Deno.test("EN-107 EN-706 the join of 1,000 cells is one event, and each end costs no look at the others", () => {
  const names = Array.from({ length: 1_000 }, (_, i) => `c${i}`);
  const test = started({
    ...Object.fromEntries(names.map((name) => [name, {}])),
    j: { needs: names, join: 1 },
  }, 1);
  test.start("c7").succeed("c7");
  const before = test.journal.length;
  settle(test);
  assertEquals(test.journal.length - before, 1);
  assertEquals(JSON.stringify(test.journal.at(-1)!.events).length < 100, true);
  assertEquals(test.run.left, 1);
});

Deno.test("S1 votes and a join about to settle go through a snapshot", () => {
  const test = joined(2, undefined).start("a", "b").succeed("b").fail("a");
  const half = JSON.parse(JSON.stringify(takeSnapshot(test.run)));
  const again = fromSnapshot("run_1", test.plan, half);
  assertEquals([again.steps.get("j")!.joined, again.steps.get("j")!.against], [["b"], 1]);
  test.start("c").succeed("c");
  assertEquals([...test.run.deciding], ["j"]);
  assertEquals([...fromSnapshot("run_1", test.plan, takeSnapshot(test.run)).deciding], ["j"]);
  settle(test);
  assertEquals(
    takeSnapshot(fromSnapshot("run_1", test.plan, takeSnapshot(test.run))),
    takeSnapshot(test.run),
  );
  // A snapshot is of its moment, whatever is counted after it.
  assertEquals(half.steps.j.joined, ["b"]);
});

Deno.test("R11 EN-606 a join that is opened again counts what has ended already, in the order in which it did", () => {
  const test = joined(1, "let-run").start("a", "b", "c").succeed("b");
  settle(test);
  test.now += 5;
  test.succeed("a", "c").start("j").succeed("j");
  settle(test);
  test.tell({ type: "restartRun", from: ["j"], by: "ann" });
  settle(test);
  assertEquals([of(test, "j").joined, [...test.run.ready]], [["b"], ["j"]]);
});

Deno.test("EN-606 what a join has ended is not run again with what failed, but is when the join starts over", () => {
  const test = started({
    a: GOES_ON,
    b: GOES_ON,
    x: GOES_ON,
    j: { needs: ["a", "b"], join: 1 },
  }).start("a", "x").succeed("a").fail("x").start("b");
  settle(test);
  test.tell({ type: "cancelAttempt", step: "b", attempt: 1, frames: 0 });
  test.start("j").succeed("j");
  settle(test);
  test.tell({ type: "restartRun", by: "ann" });
  assertEquals(labels(test), { a: "succeeded", b: "cancelled", x: "queued", j: "succeeded" });
  test.tell({ type: "startRun" });
  test.start("x").succeed("x");
  settle(test);
  test.tell({ type: "restartRun", from: ["a"], by: "ann" });
  assertEquals(labels(test), { a: "queued", b: "queued", x: "succeeded", j: "waiting" });
});

Deno.test("EN-304 a step that waits for its join says for how many of which", () => {
  const test = joined(2, "let-run", { z: {} }).start("a").succeed("a");
  assertEquals(stepWait(test.run, of(test, "j"))?.what, "It waits for 1 of b, c");
  const both = started({ a: {}, b: {}, z: {}, j: { needs: ["a", "b", "z:any"], join: 1 } });
  assertEquals(stepWait(both.run, of(both, "j"))?.what, "It waits for z, and for 1 of a, b");
});

Deno.test("EN-606 EN-811 what was not taken, and what stands after it, does not run again with what failed", () => {
  const test = started({ a: {}, x: GOES_ON, y: { needs: ["a:after"] } }).start("a", "x");
  test.tell({ type: "declineAttempt", step: "a", attempt: 1, frames: 0 });
  test.fail("x").start("y").succeed("y");
  settle(test);
  assertEquals([labels(test).a, test.run.outcome], ["skipped", "partial"]);
  test.tell({ type: "restartRun", by: "ann" });
  assertEquals(labels(test), { a: "skipped", x: "queued", y: "succeeded" });
});
