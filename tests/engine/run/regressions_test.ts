/** Rows of the table of regressions (section 25 of the engine's specification) that the state of a run decides. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { retryDelayMs } from "../../../engine/run/backoff.ts";
import { nextCommand } from "../../../engine/run/next.ts";
import { FAILURE_CATEGORIES, type RetryPolicy } from "../../../engine/notebook/policy.ts";
import { started } from "./_run_after.ts";

const policy = (change: Partial<RetryPolicy>): RetryPolicy => ({
  attempts: 5,
  backoff: "exponential",
  initialMs: 1_000,
  factor: 2,
  maxMs: 60_000,
  jitter: "equal",
  on: ["network"],
  ...change,
});

Deno.test("R04 EN-406 only a category that may pass is tried again", () => {
  for (const category of FAILURE_CATEGORIES) {
    const test = started({ a: { attempts: 3 } }).start("a");
    const problem = { category, message: "it broke" };
    test.tell({ type: "failAttempt", step: "a", attempt: 1, problem, frames: 0, jitter: 0.5 });
    const again = test.plan.steps[0]!.retry.on.includes(category);
    assertEquals(test.run.steps.get("a")!.phase, again ? "ready" : "ended", category);
  }
});

Deno.test("R04 EN-405 1,000 jittered delays spread over the whole range that the policy gives, and no further", () => {
  for (const [jitter, from] of [["full", 0], ["equal", 2_000]] as const) {
    const delays = Array.from({ length: 1_000 }, (_, i) => retryDelayMs(policy({ jitter }), 3, i / 1_000));
    assert(Math.min(...delays) >= from && Math.max(...delays) <= 4_000);
    const tenths = new Set(delays.map((delay) => Math.floor((delay - from) / ((4_000 - from) / 10))));
    assertEquals([tenths.size, new Set(delays).size >= 990], [10, true], `${jitter}: ${[...tenths]}`);
  }
  fc.assert(fc.property(
    fc.constantFrom("fixed" as const, "linear" as const, "exponential" as const),
    fc.constantFrom("none" as const, "full" as const, "equal" as const),
    fc.integer({ min: 1, max: 20 }),
    fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    (backoff, jitter, tries, draw) => {
      const delay = retryDelayMs(policy({ backoff, jitter }), tries, draw);
      assert(Number.isInteger(delay) && delay >= 0 && delay <= 60_000);
    },
  ));
});

Deno.test("R11 EN-210 a need that has ended already counts at once when a step is opened again", () => {
  const test = started({ a: {}, b: {}, c: { needs: ["a", "b"] } }).start("a", "b").succeed("a", "b");
  test.start("c").succeed("c").tell({ type: "endRun" });
  test.tell({ type: "restartRun", from: ["c"], by: "ann" });
  assertEquals([test.run.steps.get("c")!.pending, [...test.run.ready]], [0, ["c"]]);
  test.tell({ type: "startRun" });
  assertEquals(nextCommand(test.run, 1, test.now), { type: "startAttempt", step: "c" });
  const skipped = started({ a: { errors: "continue" }, c: { needs: ["a"] } }).start("a").fail("a");
  skipped.tell({ type: "endRun" });
  skipped.tell({ type: "restartRun", from: ["c"], by: "ann" });
  assertEquals(skipped.run.steps.get("c")!.skipped, "upstream_failed", "also one that is in the way");
});

Deno.test("R12 EN-508 EN-705 the loss that passes the cap ends the step and informs its successors in the same commit", () => {
  const test = started({ a: { errors: "continue" }, needs: { needs: ["a"] }, any: { needs: ["a:any"] } });
  for (let loss = 1; loss <= 6; loss++) {
    assertEquals(test.run.steps.get("a")!.phase, "ready", `after ${loss - 1} losses`);
    test.now += 60_000;
    test.start("a").tell({ type: "adoptRun" });
  }
  const { events } = test.journal.at(-1)!;
  assertEquals(events.map(({ type }) => type), ["run.adopted", "step.failed"]);
  const of = (name: string) => test.run.steps.get(name)!;
  assertEquals([of("a").problem?.code, of("a").attempt], ["recovery_limit", "closed"]);
  assertEquals([of("needs").skipped, of("any").phase], ["upstream_failed", "ready"]);
});

Deno.test("S4 R10 however a run's parts are put in order, no step is ready before all that it needs has ended", () => {
  const layers = fc.array(fc.uniqueArray(fc.nat(5), { maxLength: 4 }), { minLength: 2, maxLength: 6 });
  fc.assert(fc.property(layers, fc.infiniteStream(fc.nat(5)), (layers, picks) => {
    const steps = Object.fromEntries(layers.map((needs, i) => [
      `c${i}`,
      { needs: [...new Set(needs.filter(() => i > 0).map((need) => `c${need % i}`))] },
    ]));
    const test = started(steps, 6);
    const ended = new Set<string>();
    while (test.run.left > 0) {
      for (const name of test.run.ready) assert(steps[name]!.needs.every((need) => ended.has(need)), name);
      for (let next = nextCommand(test.run, 9, test.now); next !== undefined;) {
        test.tell(next);
        next = nextCommand(test.run, 9, test.now);
      }
      const open = [...test.run.open];
      const step = open[picks.next().value! % open.length]!;
      test.succeed(step);
      ended.add(step);
    }
  }));
});
