/** Attempts that another worker makes: when they begin, whose report counts, and what is left when it is lost. */
import { assertEquals } from "@std/assert";
import type { AttemptReport, RunCommand } from "../../../../engine/run/command.ts";
import { foldEvent } from "../../../../engine/run/fold.ts";
import { nextCommand } from "../../../../engine/run/next.ts";
import { fromSnapshot, takeSnapshot } from "../../../../engine/run/snapshot.ts";
import { illegal } from "../../../../engine/run/state.ts";
import { isRejected, MAX_RECOVERIES, transition } from "../../../../engine/run/transition.ts";
import { runLabel, stepLabel } from "../../../../engine/run/words/label.ts";
import { narrateEvent } from "../../../../engine/wire/narrate.ts";
import { planOf, TestRun } from "../_run_after.ts";

const ON = { worker: "w2", epoch: 3, session: "wrk_1" };
const none = () => false;

/** A run that is told one thing after another. */
class Chain extends TestRun {
  after(command: RunCommand): this {
    this.tell(command);
    return this;
  }

  pass(ms: number): this {
    this.now += ms;
    return this;
  }
}

/** A run whose step `a`, which requires a gpu, is held for it, and `b` is running. */
function held(): Chain {
  const test = new Chain(planOf({ a: { requires: ["gpu"] }, b: {}, c: { needs: ["a"] } }));
  test.after({ type: "startRun" });
  test.start("b");
  test.after({ type: "holdStep", step: "a", wait: "capability" });
  return test;
}

function away(): Chain {
  return held().after({ type: "routeAttempt", step: "a", attempt: 1, on: ON });
}

const said = (report: AttemptReport, on = ON): RunCommand => ({
  type: "reportAttempt",
  step: "a",
  on,
  report,
});
const success: AttemptReport = {
  type: "succeedAttempt",
  step: "a",
  attempt: 1,
  value: { inline: 1 },
  frames: 2,
};

function refusal(test: Chain, command: RunCommand): string | undefined {
  const decision = transition(test.run, command, test.now);
  return isRejected(decision) ? decision.rejected : undefined;
}

Deno.test("EN-1304 a step that its owner may not run is held for the capability, whatever the slots; one that it may starts", () => {
  const test = new Chain(planOf({ a: { requires: ["gpu"] }, b: {} }));
  test.after({ type: "startRun" });
  const asked: string[][] = [];
  const covers = (requires: readonly string[]) => (asked.push([...requires]), false);
  assertEquals(nextCommand(test.run, 1, test.now, covers), {
    type: "holdStep",
    step: "a",
    wait: "capability",
  });
  assertEquals(nextCommand(test.run, 0, test.now, covers), {
    type: "holdStep",
    step: "a",
    wait: "capability",
  });
  assertEquals(asked[0], ["gpu"]);
  assertEquals(nextCommand(test.run, 1, test.now, () => true), { type: "startAttempt", step: "a" });
  assertEquals(nextCommand(test.run, 0, test.now, () => true), undefined);
  test.after({ type: "holdStep", step: "a", wait: "capability" });
  assertEquals(nextCommand(test.run, 1, test.now, covers), { type: "startAttempt", step: "b" });
});

Deno.test("S2 EN-513 an attempt that is away is open, counts for the concurrency, and its run may be given back meanwhile", () => {
  const test = away();
  const { run, now } = test;
  const step = run.steps.get("a")!;
  assertEquals([step.phase, step.attempt, step.attempts, step.away], ["running", "open", 1, ON]);
  assertEquals([stepLabel(step), runLabel(run), illegal(run)], ["running", "running", undefined]);
  assertEquals([...run.open].sort(), ["a", "b"]);
  const snapshot = takeSnapshot(run);
  const again = fromSnapshot("run_1", run.plan, snapshot);
  assertEquals([[...again.away], takeSnapshot(again)], [["a"], snapshot]);
  foldEvent(run, { type: "run.released", reason: "drained" }, now);
  assertEquals([run.phase, [...run.open], illegal(run)], ["queued", ["a"], undefined]);
});

Deno.test("EN-515 an adoption loses what was with the owner and leaves what is away", () => {
  const test = away().after({ type: "adoptRun" });
  const { steps } = test.run;
  assertEquals([steps.get("a")!.attempt, steps.get("b")!.attempt], ["open", "interrupted"]);
  test.after(said(success));
  assertEquals(steps.get("a")!.outcome, "succeeded");
});

Deno.test("S7 EN-514 a report counts once, and only from the session that the attempt is with", () => {
  const test = away();
  for (const on of [{ ...ON, session: "wrk_0" }, { ...ON, worker: "w3" }]) {
    assertEquals(refusal(test, said(success, on)), "attempt_stale");
  }
  assertEquals(refusal(test, said({ ...success, attempt: 2 })), "attempt_stale");
  assertEquals(refusal(test, said({ ...success, step: "b" })), "attempt_stale");
  test.after(said(success));
  assertEquals(refusal(test, said(success)), "attempt_stale");
  assertEquals([test.run.away.size, test.run.steps.get("a")!.away], [0, undefined]);
});

Deno.test("EN-513 who claims what is not offered any more is refused", () => {
  const claim = { type: "routeAttempt", step: "a", attempt: 1, on: ON } as const;
  const table: [string, Chain, Partial<typeof claim> | undefined, string | undefined][] = [
    ["the same again", away(), undefined, undefined],
    ["another", away(), { on: { ...ON, worker: "w9" } } as never, "attempt_stale"],
    ["an attempt that is over", held(), { attempt: 2 } as never, "attempt_stale"],
    ["a paused run", held().after({ type: "pauseRun", by: "t" }), undefined, "not_ready"],
    ["a skipped step", held().after({ type: "skipStep", step: "a", by: "t" }), undefined, "attempt_stale"],
    ["a step that nobody knows", held(), { step: "zz" } as never, "step_not_found"],
  ];
  for (const [what, test, other, code] of table) {
    assertEquals(refusal(test, { ...claim, ...other }), code, what);
  }
});

Deno.test("EN-513 a run that rests goes on when somebody has claimed what it offers", () => {
  const test = new Chain(planOf({ a: { requires: ["gpu"] } }));
  test.after({ type: "startRun" }).after({ type: "holdStep", step: "a", wait: "capability" });
  test.after({ type: "releaseRun", reason: "waiting" });
  assertEquals(test.run.phase, "suspended");
  test.after({ type: "routeAttempt", step: "a", attempt: 1, on: ON });
  assertEquals([test.run.phase, test.run.away.size], ["active", 1]);
});

Deno.test("EN-515 an attempt that is lost elsewhere is a recovery, up to the limit; one that is given back is none", () => {
  const test = away();
  for (let lost = 1; lost <= MAX_RECOVERIES; lost++) {
    const attempt = test.run.steps.get("a")!.attempts;
    test.after({ type: "loseAttempt", step: "a", attempt, lost: true });
    const { recoveries, phase } = test.run.steps.get("a")!;
    assertEquals([recoveries, phase, test.run.away.size], [lost, "ready", 0]);
    test.pass(600_000).after({ type: "holdStep", step: "a", wait: "capability" });
    test.after({ type: "routeAttempt", step: "a", attempt: attempt + 1, on: ON });
  }
  const attempt = MAX_RECOVERIES + 1;
  const given = { type: "loseAttempt", step: "a", attempt, lost: false } as const;
  const decision = transition(test.run, given, test.now);
  assertEquals(isRejected(decision) ? [] : decision.events, [
    { type: "step.interrupted", step: "a", attempt, lost: false },
  ]);
  test.after({ type: "loseAttempt", step: "a", attempt, lost: true });
  assertEquals(test.run.steps.get("a")!.problem?.code, "recovery_limit");
});

Deno.test("EN-601 what is told to end while it is away ends with its report, or with its worker", () => {
  const told = away().after({ type: "skipStep", step: "a", by: "t" });
  const cancelled = { type: "cancelAttempt", step: "a", attempt: 1, frames: 0 } as const;
  assertEquals(told.after(said(cancelled)).run.steps.get("a")!.outcome, "skipped");
  const lost = away().after({ type: "cancelStep", step: "a", by: "t" });
  lost.after({ type: "loseAttempt", step: "a", attempt: 1, lost: true });
  assertEquals(lost.run.steps.get("a")!.outcome, "cancelled");
});

Deno.test("W1 a watcher is told once that an attempt elsewhere was lost", () => {
  const { run, now } = away();
  const event = { type: "step.interrupted", step: "a", attempt: 1, lost: true } as const;
  const wire = narrateEvent(run, event, 9, now, 0);
  assertEquals(wire.map((told) => [told.type, "marker" in told && told.marker]), [
    ["step.retried", "lease-expired"],
  ]);
});

Deno.test("EN-1304 nextCommand asks for nothing of a run without requirements", () => {
  const test = new Chain(planOf({ a: {}, b: {} }));
  test.after({ type: "startRun" });
  assertEquals(nextCommand(test.run, 0, test.now, none), undefined);
  assertEquals(nextCommand(test.run, 1, test.now, none), { type: "startAttempt", step: "a" });
});
