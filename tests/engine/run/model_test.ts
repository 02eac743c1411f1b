/**
 * Runs of random graphs under random commands, held against the reference after every one of them (section 26 of the
 * engine's specification). More sequences: `deno task test:model`.
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { RunCommand } from "../../../engine/run/command.ts";
import type { Plan } from "../../../engine/plan/types.ts";
import { timersOf } from "../../../engine/run/timers.ts";
import { modelRuns } from "../../_support/model_runs.ts";
import { Model, stateText } from "./_model.ts";
import { type End, evaluate, outcomeOfEnds } from "./_reference.ts";
import { planOf } from "./_run_after.ts";

const MODES = ["value", "optional", "after", "any"] as const;

/** A random acyclic plan of up to eight cells. */
const plans: fc.Arbitrary<Plan> = fc.tuple(
  fc.array(
    fc.record({
      needs: fc.array(fc.tuple(fc.nat(7), fc.constantFrom(...MODES)), { maxLength: 4 }),
      attempts: fc.integer({ min: 1, max: 3 }),
      errors: fc.constantFrom("stop" as const, "continue" as const),
      reuse: fc.integer({ min: 0, max: 9 }).map((n) => n === 9),
      fallback: fc.integer({ min: 0, max: 5 }).map((n) => n === 5),
      join: fc.nat(5),
      instead: fc.nat(20),
      rest: fc.constantFrom("cancel-remaining" as const, "let-run" as const),
    }),
    { minLength: 1, maxLength: 8, size: "max" },
  ),
  fc.integer({ min: 1, max: 4 }),
).map(([cells, concurrency]) => {
  const specs = cells.map(({ needs: drawn, join, instead, ...spec }, i) => {
    const modes = new Map(i === 0 ? [] : drawn.map(([to, mode]) => [to % i, mode]));
    const needs = [...modes].toSorted(([a], [b]) => a - b).map(([to, mode]) => `c${to}:${mode}`);
    const counted = [...modes.values()].filter((mode) => mode !== "any").length;
    const joins = join < counted;
    const other = [...modes].filter(([, mode]) => !joins || mode === "any")[instead]?.[0];
    return [`c${i}`, {
      ...spec,
      needs,
      ...(joins ? { join: join + 1 } : {}),
      ...(other === undefined ? {} : { instead: `c${other}` }),
    }];
  });
  const plan = planOf(Object.fromEntries(specs), concurrency);
  for (const [i, { fallback }] of cells.entries()) if (fallback) plan.steps[i]!.fallback = { inline: 0 };
  return plan;
});

/** What may happen and how often in relation to the rest. `n` picks a step or a report, `m` how much. */
const OPS: Record<string, number> = {
  settle: 12,
  go: 6,
  succeed: 8,
  passing: 7,
  time: 7,
  crash: 5,
  delay: 5,
  resume: 4,
  fail: 3,
  restart: 3,
  retry: 3,
  restore: 2,
  late: 2,
  pause: 2,
  release: 2,
  cancelStep: 2,
  restartFrom: 2,
  again: 1,
  keep: 1,
  start: 4,
  join: 1,
  perish: 1,
  claim: 1,
  supply: 1,
  skip: 1,
  change: 1,
  decline: 2,
  gaveUp: 1,
  stop: 1,
  cancel: 1,
  deadline: 1,
};
const often = (ops: Record<string, number>) =>
  fc.constantFrom(...Object.entries(ops).flatMap(([op, times]) => Array<string>(times).fill(op)));
/** At most so many operations; most courses have about half of them. */
const courseOf = (ops: Record<string, number>, maxLength: number) =>
  fc.array(fc.record({ op: often(ops), n: fc.nat(7), m: fc.nat(5) }), { maxLength, size: "max" });
type Op = { op: string; n: number; m: number };

const by = "ann";
const TIMES = [1_000, 1, 499, 1_000, 4_000, 60_000];
const DELAYS = [0, 1, 500, 1_000, 30_000, 60_000];

/** A run under operations, with the reports of its attempts, which may come again. */
class Course {
  readonly model: Model;
  readonly #reports: RunCommand[] = [];
  #last: RunCommand | undefined;

  constructor(plan: Plan, options: { startAt?: number; deadline?: number } = {}) {
    this.model = new Model(plan, options);
  }

  do({ op, n, m }: Op): void {
    const { model } = this;
    const names = [...model.run.steps.keys()];
    const step = names[n % names.length]!;
    switch (op) {
      case "go":
        return void model.step();
      case "settle":
        for (let i = 0; i < 20 && model.step(); i++);
        return;
      case "start":
        return this.#tell({ type: "startAttempt", step });
      case "join":
        return this.#tell({ type: "settleJoin", step });
      case "succeed":
      case "fail":
      case "passing":
      case "delay":
      case "decline":
      case "gaveUp":
        return this.#report(op, n, m);
      case "pause":
      case "resume":
      case "stop":
      case "cancel":
        return this.#tell({ type: `${op}Run`, by });
      case "deadline":
        this.#tell({ type: "changeRun", deadline: m === 0 ? null : model.now + TIMES[m]!, by });
        return this.#tell({ type: "expireRun" });
      case "change":
        return this.#tell({ type: "changeRun", priority: m, by });
      case "restart":
        return this.#tell({ type: "restartRun", by });
      case "restartFrom":
        return this.#tell({ type: "restartRun", from: [step], by });
      case "retry":
      case "skip":
        return this.#tell({ type: `${op}Step`, step, by });
      case "cancelStep":
        return this.#tell({ type: "cancelStep", step, by });
      case "supply":
        return this.#tell({ type: "supplyValue", step, value: { inline: m }, by });
      case "release":
        return this.#tell({ type: "releaseRun", reason: "drained" });
      case "claim":
        return this.#tell({ type: "startRun" });
      case "crash":
        return this.#tell({ type: "adoptRun" });
      // A worker is lost again and again, with whatever it has just begun.
      case "perish":
        for (let i = 0; i < 6; i++) for (const op of ["settle", "crash", "time"]) this.do({ op, n, m: 5 });
        return;
      case "time":
        model.now += TIMES[m]!;
        return model.check();
      case "late":
        return this.#late(n);
      case "again":
        return this.#last === undefined ? undefined : void model.apply(this.#last);
      case "restore":
        return model.restore();
      case "keep":
        return model.keepSnapshot();
    }
  }

  /** Lets the run come to its end: resumed, each open attempt succeeding, time passing. */
  finish(): void {
    const { model } = this;
    for (let left = 1_000; model.run.phase !== "ended"; left--) {
      assert(left > 0, "it does not come to an end");
      if (model.run.intent === "pause") model.apply({ type: "resumeRun", by });
      else if (model.step()) continue;
      else if (model.run.open.size > 0) this.#report("succeed", 0, 0);
      else model.now = Math.max(model.now, ...[Math.min(...timersOf(model.run).map(({ due }) => due))]);
    }
  }

  #tell(command: RunCommand): void {
    this.model.apply(command);
    this.#last = command;
  }

  /** An open attempt ends, if there is one. */
  #report(how: string, n: number, m: number): void {
    const open = [...this.model.run.open];
    const step = open[n % open.length];
    if (step === undefined) return;
    const at = { step, attempt: this.model.run.steps.get(step)!.attempts, frames: 0 };
    const category = how === "passing" ? "network" : "code_error";
    const command: RunCommand = how === "succeed"
      ? { type: "succeedAttempt", ...at, value: { inline: step } }
      : how === "delay"
      ? { type: "delayAttempt", ...at, ms: DELAYS[m]!, saved: { inline: m } }
      : how === "decline"
      ? { type: "declineAttempt", ...at }
      : how === "gaveUp"
      ? { type: "cancelAttempt", ...at, ...(m === 0 ? { unsettled: true } : {}) }
      : { type: "failAttempt", ...at, problem: { category, message: "cut" }, jitter: 0 };
    this.#reports.push(command);
    this.#tell(command);
  }

  /** A report comes again, late and out of order. That of a delay can be told from a second delay by nobody. */
  #late(n: number): void {
    const command = this.#reports[this.#reports.length - 1 - n];
    if (command === undefined || command.type === "delayAttempt") return;
    const { step, attempt } = command as { step: string; attempt: number };
    const open = this.model.run.open.has(step) && this.model.run.steps.get(step)!.attempts === attempt;
    if (!open) assertEquals(this.model.apply(command), false, "S3 P12 a late report changes something");
  }
}

/** Runs a course and says what was told to it if something does not hold. */
function explained(course: Course, act: () => void): void {
  try {
    act();
  } catch (error) {
    const told = course.model.told.slice(-60).join("\n");
    throw new Error(`${error instanceof Error ? error.message : error}\n${told}`, { cause: error });
  }
}

const options = fc.oneof(
  { weight: 4, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: fc.constantFrom({ startAt: 1_500 }, { deadline: 3_000 }, { deadline: 100_000 }) },
);

Deno.test("S1 S2 S3 S4 S5 S6 T1 P3 P4 P6 P7 P12 P13 a run under any commands is what the reference says, at every step", () => {
  fc.assert(
    fc.property(plans, options, courseOf(OPS, 80), (plan, options, ops) => {
      const course = new Course(plan, options);
      explained(course, () => {
        for (const op of ops) course.do(op);
        course.finish();
        assertEquals(stateText(course.model.replayed()), stateText(course.model.run), "P13");
      });
    }),
    modelRuns(200),
  );
});

/** What changes when things happen, and never what comes of them. */
const NEUTRAL = {
  settle: 8,
  go: 4,
  report: 12,
  time: 5,
  crash: 3,
  resume: 3,
  restore: 2,
  late: 2,
  pause: 1,
  release: 1,
  claim: 1,
};
/** How the tries of each cell go: so many pass without success, then it succeeds or fails for good. */
const scripts = fc.array(
  fc.record({
    flaky: fc.nat(3),
    good: fc.boolean(),
    delays: fc.nat(2),
    taken: fc.integer({ min: 0, max: 3 }).map((n) => n > 0),
  }),
  {
    minLength: 8,
    maxLength: 8,
  },
);

Deno.test("S5 P6 P10 whatever the order, delays, losses and repeats, a run comes to what its graph comes to", () => {
  fc.assert(
    fc.property(plans, scripts, courseOf(NEUTRAL, 80), (drawn, scripts, ops) => {
      const plan: Plan = {
        ...drawn,
        steps: drawn.steps.map((step) => ({ ...step, errors: "continue" as const })),
      };
      const index = (cell: string) => Number(cell.slice(1));
      const course = new Course(plan);
      const { model } = course;
      const delayed = new Map<string, number>();
      const end = (n: number): void => {
        const open = [...model.run.open];
        const step = open[n % open.length];
        if (step === undefined) return;
        const { flaky, good, delays, taken } = scripts[index(step)]!;
        const waited = delayed.get(step) ?? 0;
        delayed.set(step, waited + 1);
        const op = !taken
          ? "decline"
          : waited < delays
          ? "delay"
          : model.ref.cells.get(step)!.failures < flaky
          ? "passing"
          : good
          ? "succeed"
          : "fail";
        course.do({ op, n: open.indexOf(step), m: waited });
      };
      explained(course, () => {
        for (const { op, n, m } of ops) {
          // More losses than a step may have would end it.
          const counted = [...model.ref.cells.values()].some(({ losses }) => losses >= 5);
          if (op === "report") end(n);
          else if (op !== "crash" || !counted) course.do({ op, n, m });
        }
        for (let left = 1_000; model.run.phase !== "ended"; left--) {
          assert(left > 0, "it does not come to an end");
          if (model.run.intent === "pause") course.do({ op: "resume", n: 0, m: 0 });
          else if (model.step()) continue;
          else if (model.run.open.size > 0) end(left);
          else model.now = Math.max(model.now, ...timersOf(model.run).map(({ due }) => due));
        }
        const ends = evaluate(plan, (cell) => {
          const { flaky, good, taken } = scripts[index(cell)]!;
          if (!taken) return "untaken";
          return good && flaky < plan.steps[index(cell)]!.retry.attempts ? "succeeded" : "failed";
        });
        const unneeded = (cell: string) => model.run.steps.get(cell)!.skipped === "not_needed";
        for (const cell of ends.keys()) {
          const { outcome } = model.run.steps.get(cell)!;
          // Whether a join still finds something to end is up to the order, and nothing else is.
          if (unneeded(cell)) ends.set(cell, outcome as End);
          assertEquals(outcome, ends.get(cell), cell);
        }
        assertEquals(model.run.outcome, outcomeOfEnds(plan, ends, false, unneeded));
      });
    }),
    modelRuns(200),
  );
});
