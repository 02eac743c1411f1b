/** Checkpoints of a run and going back to one. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  checkpointsOf,
  findCheckpoint,
  MAX_CHECKPOINTS,
} from "../../../../engine/run/checkpoint/checkpoint.ts";
import type { RunCommand } from "../../../../engine/run/command.ts";
import { newRun } from "../../../../engine/run/fold.ts";
import { nextCommand } from "../../../../engine/run/next.ts";
import { replay } from "../../../../engine/run/replay.ts";
import { fromSnapshot, takeSnapshot } from "../../../../engine/run/snapshot.ts";
import { illegal, type Run } from "../../../../engine/run/state.ts";
import { isRejected, transition } from "../../../../engine/run/transition.ts";
import { runLabel } from "../../../../engine/run/words/label.ts";
import { emptyView, reduceAll } from "../../../../engine/wire/reduce.ts";
import { narrate } from "../../../../engine/wire/narrate.ts";
import { decide, planOf, started, type StepSpec, TestRun } from "../_run_after.ts";
import { stateText } from "../_model.ts";

const ann = { by: "ann" };
const CHAIN = { a: {}, b: { needs: ["a"] }, c: { needs: ["b"] }, d: { needs: ["c"] } };

/** Lets a run go on until nothing follows by itself; what starts succeeds with its name and attempt. */
function settle(test: TestRun): void {
  for (let left = 1_000;; left--) {
    assert(left > 0, "it does not come to rest");
    const next = nextCommand(test.run, 100, test.now);
    if (next !== undefined) test.tell(next);
    else {
      const step = [...test.run.open][0];
      if (step === undefined) return;
      succeed(test, step);
    }
  }
}

function succeed(test: TestRun, step: string): void {
  const { attempts } = test.run.steps.get(step)!;
  test.now += 10;
  const value = { inline: `${step}${attempts}` };
  test.tell({ type: "succeedAttempt", step, attempt: attempts, value, frames: 0 });
}

const values = (run: Run) =>
  Object.fromEntries(
    [...run.steps].map(([name, { value }]) => [name, value && "inline" in value ? value.inline : undefined]),
  );
const mark = (test: TestRun, label?: string) =>
  test.tell({ type: "markCheckpoint", ...ann, ...(label === undefined ? {} : { label }) });
const restore = (test: TestRun, checkpoint: string) =>
  decide(test, { type: "restoreRun", checkpoint, ...ann });

Deno.test("EN-1401 a run has a checkpoint after every third level, those that were named, and one for each cell that ended", () => {
  const test = started({ ...CHAIN, e: { needs: ["d"] }, f: { needs: ["e"] }, g: { needs: ["f"] } });
  assertEquals(checkpointsOf(test.run), []);
  mark(test, "before all");
  settle(test);
  const found = checkpointsOf(test.run);
  assertEquals(found.map(({ id, reason, label }) => [id, reason, label]), [
    ["cp_1", "manual", "before all"],
    ["level:3", "auto", "after level 3"],
    ["level:6", "auto", "after level 6"],
  ]);
  assertEquals(found.map(({ seq }) => seq), [
    3,
    test.run.steps.get("c")!.endedIn,
    test.run.steps.get("f")!.endedIn,
  ]);
  assertEquals(findCheckpoint(test.run, "cell:b")?.seq, test.run.steps.get("b")!.endedIn);
  assertEquals([findCheckpoint(test.run, "cell:nobody"), findCheckpoint(test.run, "cp_2")], [
    undefined,
    undefined,
  ]);
});

Deno.test("EN-1402 restored to a checkpoint, what ended later is open again, attempts count on, and nothing runs before it is resumed", () => {
  const test = started(CHAIN);
  settle(test);
  assertEquals(test.run.outcome, "succeeded");
  assertEquals(restore(test, "cell:b"), "run.restored");
  assertEquals(runLabel(test.run), "paused");
  assertEquals(nextCommand(test.run, 100, test.now), undefined);
  assertEquals(values(test.run), { a: "a1", b: "b1", c: undefined, d: undefined });
  test.tell({ type: "resumeRun", ...ann });
  settle(test);
  assertEquals(test.run.outcome, "succeeded");
  assertEquals(values(test.run), { a: "a1", b: "b1", c: "c2", d: "d2" });
});

Deno.test("EN-1402 a value that a restart replaced is back when the run is restored to a point at which it held", () => {
  const test = started(CHAIN);
  settle(test);
  mark(test);
  test.tell({ type: "restartRun", from: ["b"], ...ann });
  settle(test);
  mark(test);
  assertEquals(values(test.run), { a: "a1", b: "b2", c: "c2", d: "d2" });
  assertEquals(restore(test, "cp_1"), "run.restored");
  assertEquals(values(test.run), { a: "a1", b: "b1", c: "c1", d: "d1" });
  assertEquals(runLabel(test.run), "paused", "though all had ended then");
  assertEquals(restore(test, "cp_2"), "run.restored");
  assertEquals(values(test.run), { a: "a1", b: "b2", c: "c2", d: "d2" });
  test.tell({ type: "resumeRun", ...ann });
  settle(test);
  assertEquals(test.run.outcome, "succeeded");
  assertEquals(values(test.run).d, "d2", "nothing ran again");
});

Deno.test("EN-1402 a value that held at a named checkpoint is back, however often its step was opened again since", () => {
  const test = started({ a: {} });
  settle(test);
  mark(test);
  for (let i = 0; i < 30; i++) {
    test.tell({ type: "retryStep", step: "a", ...ann });
    settle(test);
  }
  assertEquals(values(test.run), { a: "a31" });
  assertEquals(restore(test, "cp_1"), "run.restored");
  assertEquals(values(test.run), { a: "a1" });
  assertEquals(test.run.steps.get("a")!.former!.length, 11);
});

Deno.test("EN-1402 a run that goes on, or has an open attempt, is not restored; a checkpoint that is none is named", () => {
  const test = started(CHAIN);
  mark(test);
  test.start("a");
  assertEquals(restore(test, "cp_1"), "/run_busy");
  test.tell({ type: "pauseRun", ...ann });
  assertEquals(restore(test, "cp_1"), "/run_busy", "its attempt is open");
  succeed(test, "a");
  assertEquals(restore(test, "cp_9"), "/checkpoint_not_found");
  assertEquals(restore(test, "cell:b"), "/checkpoint_not_found", "it has not ended");
  assertEquals(restore(test, "cp_1"), "run.restored");
  assertEquals([...test.run.ready], ["a"]);
});

Deno.test("EN-1402 what waits for a signal waits no more: its waitpoint is closed, and it asks anew", () => {
  const test = started({ a: {}, b: {} });
  mark(test);
  test.start("a").suspend("a");
  test.tell({ type: "pauseRun", ...ann });
  assertEquals(test.run.waitpoints?.length, 1);
  assertEquals(restore(test, "cp_1"), "run.restored");
  assertEquals(test.run.waitpoints ?? [], []);
  assertEquals(test.run.steps.get("a")!.phase, "ready");
});

Deno.test("EN-1401 a run has so many named checkpoints and no more, and the refusal says how many", () => {
  const test = started(CHAIN);
  for (let i = 0; i < MAX_CHECKPOINTS; i++) mark(test);
  const refused = transition(test.run, { type: "markCheckpoint", ...ann }, test.now);
  assert(isRejected(refused) && refused.rejected === "checkpoint_limit" && refused.reason.includes("200"));
});

Deno.test("V1 whoever follows a restored run sees the ends that hold again, and no value that does not", () => {
  const test = started(CHAIN);
  settle(test);
  mark(test);
  test.tell({ type: "restartRun", from: ["c"], ...ann });
  settle(test);
  restore(test, "cp_1");
  restore(test, "cell:b");
  const run = newRun("run_1", test.plan);
  const groups = test.journal.map((record) => ({
    cursor: String(record.seq),
    items: narrate(run, record).flat().map((event) => ({ kind: "event" as const, event })),
  }));
  const at = (count: number) => reduceAll(emptyView("run_1"), groups.slice(0, count)).cells;
  const all = at(groups.length);
  assertEquals(Object.values(all).map(({ label }) => label), ["succeeded", "succeeded", "queued", "waiting"]);
  assertEquals([all.b!.value, all.c!.value], [{ inline: "b1" }, undefined]);
  const back = at(groups.length - 1);
  assertEquals([back.c!.label, back.c!.value], ["succeeded", { inline: "c1" }]);
});

const plan = fc.array(fc.array(fc.nat(), { maxLength: 2 }), { minLength: 1, maxLength: 7 }).map((needs) =>
  planOf(
    Object.fromEntries(needs.map((from, i): [string, StepSpec] => [`c${i}`, {
      errors: "continue",
      needs: i === 0 ? [] : [...new Set(from.map((n) => `c${n % i}`))],
    }])),
  )
);
const ops = fc.array(
  fc.tuple(
    fc.constantFrom(
      "go",
      "go",
      "go",
      "go",
      "succeed",
      "succeed",
      "fail",
      "delay",
      "mark",
      "restore",
      "restart",
      "pause",
      "resume",
      "snapshot",
    ),
    fc.nat(20),
  ),
  { maxLength: 60, size: "max" },
);

Deno.test("S1 S2 EN-1402 a restored run has of each step what its journal up to the checkpoint gives it, over restarts and snapshots", () => {
  let restored = 0;
  let formers = 0;
  fc.assert(
    fc.property(plan, ops, (plan, ops) => {
      const test = new TestRun(plan);
      const told = (command: RunCommand) => {
        if (!isRejected(transition(test.run, command, test.now))) test.tell(command);
      };
      let kept: { text: string; at: number } | undefined;
      for (const [op, n] of ops) {
        test.now += 5;
        const names = [...test.run.steps.keys()];
        const open = [...test.run.open];
        const at = { step: open[n % open.length]!, frames: 0, attempt: 0 };
        if (open.length > 0) at.attempt = test.run.steps.get(at.step)!.attempts;
        if (op === "go") {
          const next = nextCommand(test.run, 3, test.now);
          if (next !== undefined) test.tell(next);
        } else if (op === "mark") mark(test);
        else if (op === "restart") told({ type: "restartRun", from: [names[n % names.length]!], ...ann });
        else if (op === "pause" || op === "resume") told({ type: `${op}Run`, ...ann });
        else if (op === "snapshot") {
          kept = { text: JSON.stringify(takeSnapshot(test.run)), at: test.journal.length };
        } else if (op === "restore") {
          const points = [
            ...checkpointsOf(test.run),
            ...names.flatMap((name) => findCheckpoint(test.run, `cell:${name}`) ?? []),
          ];
          const point = points[n % points.length];
          if (
            point === undefined ||
            isRejected(transition(test.run, { type: "restoreRun", checkpoint: point.id, ...ann }, 0))
          ) continue;
          const then = replay("run_1", plan, test.journal.slice(0, point.seq));
          formers += [...test.run.steps.values()].some(({ former }) => former !== undefined) ? 1 : 0;
          test.tell({ type: "restoreRun", checkpoint: point.id, ...ann });
          restored++;
          for (const [name, step] of test.run.steps) {
            const past = then.steps.get(name)!;
            if (past.phase === "ended") {
              assertEquals(
                [step.phase, step.outcome, step.value, step.problem, step.skipped],
                [past.phase, past.outcome, past.value, past.problem, past.skipped],
                name,
              );
            } else assert(step.phase === "idle" || step.phase === "ready", `${name} is ${step.phase}`);
          }
        } else if (open.length > 0) {
          if (op === "succeed") {
            test.tell({ type: "succeedAttempt", ...at, value: { inline: `${at.step}${at.attempt}` } });
          } else if (op === "delay") test.tell({ type: "delayAttempt", ...at, ms: 7 });
          else {
            const problem = { category: "code_error", message: "no" } as const;
            test.tell({ type: "failAttempt", ...at, problem, jitter: 0 });
          }
        }
        assertEquals(illegal(test.run), undefined, "S2");
      }
      assertEquals(stateText(replay("run_1", plan, test.journal)), stateText(test.run), "S1 the journal");
      if (kept !== undefined) {
        const again = fromSnapshot("run_1", plan, JSON.parse(kept.text));
        for (const record of test.journal.slice(kept.at)) narrate(again, record);
        assertEquals(stateText(again), stateText(test.run), "S1 a snapshot");
      }
    }),
    { numRuns: 1500 },
  );
  assert(restored > 100 && formers > 20, `too few of what this is about: ${restored}, ${formers}`);
});
