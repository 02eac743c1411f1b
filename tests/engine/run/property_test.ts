import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { RunCommand } from "../../../engine/run/command.ts";
import type { RunOutcome } from "../../../engine/run/event.ts";
import { nextCommand } from "../../../engine/run/next.ts";
import { timersOf } from "../../../engine/run/timers.ts";
import { replay } from "../../../engine/run/replay.ts";
import { isRejected, transition } from "../../../engine/run/transition.ts";
import { planOf, type StepSpec, TestRun } from "./_run_after.ts";

const MODES = ["value", "optional", "after", "any"] as const;

/** A random acyclic plan with how each cell will go. */
const scenario = fc.array(
  fc.record({
    needs: fc.array(fc.tuple(fc.nat(), fc.constantFrom(...MODES)), { maxLength: 3 }),
    fails: fc.boolean(),
    errors: fc.constantFrom("stop" as const, "continue" as const),
  }),
  { minLength: 1, maxLength: 12 },
).map((cells) =>
  cells.map(({ needs, fails, errors }, i) => ({
    cell: `c${i}`,
    fails,
    spec: {
      errors,
      needs: i === 0
        ? []
        : [...new Map(needs.map(([from, mode]) => [from % i, `c${from % i}:${mode}`])).values()],
    } satisfies StepSpec,
  }))
);
type Scenario = { cell: string; fails: boolean; spec: { errors: "stop" | "continue"; needs: string[] } }[];

/** What each cell comes to if nothing stops the run: the plainest evaluation of the graph, cell by cell. */
function reference(cells: Scenario): Map<string, "succeeded" | "failed" | "skipped"> {
  const ends = new Map<string, "succeeded" | "failed" | "skipped">();
  for (const { cell, fails, spec } of cells) {
    const blocked = spec.needs.some((text) => {
      const [from, mode] = text.split(":");
      return (mode === "value" || mode === "after") && ends.get(from!) !== "succeeded";
    });
    ends.set(cell, blocked ? "skipped" : fails ? "failed" : "succeeded");
  }
  return ends;
}

/** Drives a run to its end; open attempts end in the order that `picks` says, duplicates and stale reports in between. */
function drive(cells: Scenario, picks: number[], concurrency: number): TestRun {
  const test = new TestRun(
    planOf(Object.fromEntries(cells.map(({ cell, spec }) => [cell, spec])), concurrency),
  );
  test.tell({ type: "startRun" });
  const fails = new Map(cells.map(({ cell, fails }) => [cell, fails]));
  for (let turn = 0; test.run.phase !== "ended"; turn++) {
    const next = nextCommand(test.run, 100, test.now);
    if (next !== undefined) {
      test.tell(next);
      continue;
    }
    const open = [...test.run.open];
    if (open.length === 0) {
      test.now = Math.min(...timersOf(test.run).map(({ due }) => due));
      continue;
    }
    const pick = picks.length === 0 ? 0 : picks[turn % picks.length]!;
    if (pick % 7 === 3) {
      test.tell({ type: "adoptRun" });
      if (pick % 2 === 0) continue;
    }
    const step = open[pick % open.length]!;
    if (!test.run.open.has(step)) continue;
    if (fails.get(step)) test.fail(step);
    else test.succeed(step);
    const stale = {
      type: "cancelAttempt",
      step,
      attempt: test.run.steps.get(step)!.attempts,
      frames: 0,
    } as RunCommand;
    assert(isRejected(transition(test.run, stale, test.now)), "S3 an attempt ended twice");
  }
  return test;
}

const picks = fc.array(fc.nat(1000), { maxLength: 30 });

Deno.test("S5 P6 without a stopping failure the outcome is the graph's own, whatever order attempts end in", () => {
  fc.assert(fc.property(scenario, picks, fc.integer({ min: 1, max: 4 }), (cells, order, concurrency) => {
    const going = cells.map((cell) => ({ ...cell, spec: { ...cell.spec, errors: "continue" as const } }));
    // Recoveries are bounded, so only orders without too many losses of one step end as the reference does.
    const test = drive(going, order.map((pick) => pick % 7 === 3 ? pick + 1 : pick), concurrency);
    const ends = reference(going);
    for (const [cell, end] of ends) assertEquals(test.run.steps.get(cell)!.outcome, end, cell);
    const failed = [...ends.values()].includes("failed");
    const sinks = going.filter(({ cell }) =>
      !going.some(({ spec }) => spec.needs.some((n) => n.split(":")[0] === cell))
    );
    const expected: RunOutcome = !failed
      ? "succeeded"
      : sinks.some(({ cell }) => ends.get(cell) === "succeeded")
      ? "partial"
      : "failed";
    assertEquals(test.run.outcome, expected);
  }));
});

Deno.test("S1 S3 S4 P13 any history with losses ends, ends each step once, and replays to the same state", () => {
  fc.assert(fc.property(scenario, picks, fc.integer({ min: 1, max: 4 }), (cells, order, concurrency) => {
    const test = drive(cells, order, concurrency);
    const ended = new Set<string>();
    const begun = new Set<string>();
    for (const { events } of test.journal) {
      for (const event of events) {
        if (event.type === "step.started") begun.add(event.step);
        if (event.type !== "step.succeeded" && event.type !== "step.failed") continue;
        assert(!ended.has(event.step), `${event.step} ended twice`);
        ended.add(event.step);
        const needs = cells.find(({ cell }) => cell === event.step)!.spec.needs;
        for (const need of needs) {
          const [from, mode] = need.split(":");
          if (mode === "value") assert(ended.has(from!), `${event.step} ran before ${from}`);
        }
      }
    }
    assertEquals(test.run.left, 0);
    assertEquals(test.run.open.size, 0);
    assertEquals(test.run.ready.size, 0);
    const again = replay(test.run.id, test.plan, test.journal);
    assertEquals([...again.steps], [...test.run.steps]);
    assertEquals(again.outcome, test.run.outcome);
  }));
});
