/** Steps that are ready and may not start: what holds them, what lets them go. */
import { assertEquals } from "@std/assert";
import { foldEvent } from "../../../engine/run/fold.ts";
import { nextCommand } from "../../../engine/run/next.ts";
import { fromSnapshot, takeSnapshot } from "../../../engine/run/snapshot.ts";
import { type Hold, HOLDS, illegal } from "../../../engine/run/state.ts";
import { idleUntil } from "../../../engine/run/timers.ts";
import { runLabel, stepLabel } from "../../../engine/run/words/label.ts";
import { runWait } from "../../../engine/run/words/wait.ts";
import { planOf, TestRun } from "./_run_after.ts";

function held(wait: Hold, due?: number): TestRun {
  const test = new TestRun(planOf({ a: {} }));
  test.tell({ type: "startRun" });
  const at = due === undefined ? {} : { due };
  foldEvent(test.run, { type: "step.held", step: "a", attempt: 0, wait, frames: 0, ...at }, test.now);
  return test;
}

for (const wait of HOLDS) {
  Deno.test(`S2 EN-303 a step held for ${wait} does not start, says why, and its run has nothing to do`, () => {
    const { run, now } = held(wait);
    assertEquals(illegal(run), undefined);
    assertEquals(nextCommand(run, 4, now), undefined);
    assertEquals(idleUntil(run, now), Infinity);
    assertEquals(runLabel(run), "held");
    assertEquals(stepLabel(run.steps.get("a")!), wait === "doubt" ? "in-doubt" : "held");
    assertEquals(runWait(run)?.wait, wait);
    const snapshot = takeSnapshot(run);
    assertEquals(takeSnapshot(fromSnapshot("run_1", run.plan, snapshot)), snapshot);
  });
}

Deno.test("T1 a step held until a time starts then and not before", () => {
  const { run, now } = held("quota", 5_000);
  assertEquals(idleUntil(run, now), 5_000);
  assertEquals(nextCommand(run, 4, 4_999), undefined);
  assertEquals(nextCommand(run, 4, 5_000), { type: "startAttempt", step: "a" });
});

Deno.test("S3 an open attempt that is held gives its slot back and goes on as the same attempt", () => {
  const test = new TestRun(planOf({ a: {} }));
  test.tell({ type: "startRun" });
  test.start("a");
  const { run, now } = test;
  const saved = { inline: { so: "far" } };
  const what = { type: "step.held", step: "a", attempt: 1, wait: "budget", saved, frames: 3 } as const;
  foldEvent(run, what, now);
  assertEquals([run.open.size, illegal(run)], [0, undefined]);
  foldEvent(run, { type: "step.woken", step: "a" }, now);
  const { attempt, attempts, saved: kept } = test.start("a").run.steps.get("a")!;
  assertEquals([attempt, attempts, kept], ["open", 1, saved]);
});
