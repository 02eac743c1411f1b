/**
 * Whole engines under random courses: two workers on one store that crash at any await, come back, hand over, lose
 * answers and hear commands, often twice, in orders that a seed decides. At the end each journal is explained by the
 * reference command by command, and every run has ended (section 26 of the engine's specification).
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { EngineError } from "../../../../engine/base/errors.ts";
import type { Run } from "../../../../engine/run/state.ts";
import { modelRuns } from "../../../_support/model_runs.ts";
import { type End, evaluate, outcomeOfEnds } from "../../run/_reference.ts";
import { notebookOf } from "../_harness.ts";
import { assertExplained } from "./_facts.ts";
import { type Script, World } from "./_world.ts";

const MODES = ["value", "optional", "after", "any"] as const;

interface Cell {
  needs: [number, typeof MODES[number]][];
  attempts: number;
  errors: "stop" | "continue";
  fallback: boolean;
  /** So many of its needs that do not ask for any end have to succeed; absent: all. */
  join?: number;
  rest?: "cancel-remaining" | "let-run";
  script: Script;
}

const cells: fc.Arbitrary<Cell[]> = fc.array(
  fc.record({
    needs: fc.array(fc.tuple(fc.nat(7), fc.constantFrom(...MODES)), { maxLength: 3 }),
    attempts: fc.integer({ min: 1, max: 3 }),
    errors: fc.constantFrom("stop" as const, "continue" as const),
    fallback: fc.integer({ min: 0, max: 5 }).map((n) => n === 5),
    join: fc.nat(5),
    rest: fc.constantFrom("cancel-remaining" as const, "let-run" as const),
    script: fc.record({
      flaky: fc.nat(2),
      good: fc.integer({ min: 0, max: 3 }).map((n) => n > 0),
      delays: fc.nat(1),
      delayMs: fc.constantFrom(700, 45_000),
      taken: fc.integer({ min: 0, max: 5 }).map((n) => n > 0),
    }),
  }),
  { minLength: 1, maxLength: 8, size: "max" },
).map((cells) =>
  cells.map(({ join, ...cell }, i) => {
    const needs = i === 0 ? [] : [
      ...new Map(cell.needs.map(([to, mode]) => [to % i, [to % i, mode] as Cell["needs"][number]]))
        .values(),
    ].toSorted(([a], [b]) => a - b);
    const counted = needs.filter(([, mode]) => mode !== "any").length;
    return { ...cell, needs, ...(join < counted ? { join: join + 1 } : {}) };
  })
);

/** The notebook of these cells: each need in the words that make its mode. */
function textOf(cells: Cell[]): string {
  const of = (cell: Cell, ...modes: string[]) => cell.needs.filter(([, mode]) => modes.includes(mode));
  const reads = cells.map((cell, i) => [`c${i}`, of(cell, "value").map(([to]) => `c${to}`)]);
  const headers = cells.map((cell, i) => {
    const inputs = of(cell, "optional").map(([to]) => `x${to}: { from: c${to}, required: false }`);
    const after = of(cell, "after", "any").map(([to, mode]) => `"c${to}${mode === "any" ? "?" : ""}"`);
    const lines = [
      `retry: { attempts: ${cell.attempts}, initial: 1s, backoff: fixed, jitter: none }`,
      `errors: ${cell.errors}`,
      ...cell.fallback ? ["fallback: { value: 0 }"] : [],
      ...cell.join === undefined ? [] : [`join: { quorum: ${cell.join} }`, `rest: ${cell.rest}`],
      ...inputs.length === 0 ? [] : [`inputs: { ${inputs.join(", ")} }`],
      ...after.length === 0 ? [] : [`after: [${after.join(", ")}]`],
    ];
    return [`c${i}`, lines.join("\n")];
  });
  return notebookOf(Object.fromEntries(reads), Object.fromEntries(headers));
}

/** What may happen, and how often in relation to the rest. */
const OPS: Record<string, number> = {
  pump: 8,
  few: 6,
  end: 12,
  time: 5,
  crash: 3,
  crashAnother: 2,
  leave: 1,
  reopen: 1,
  loseAnswer: 2,
  loseCommit: 2,
  stall: 1,
  pause: 2,
  resume: 4,
};
/** Besides, what changes how a run ends. */
const FATEFUL: Record<string, number> = {
  ...OPS,
  stop: 1,
  cancel: 1,
  deadline: 1,
  restart: 2,
  retry: 2,
  skip: 1,
  cancelStep: 1,
  supply: 1,
  submit: 1,
  release: 1,
};
const courseOf = (ops: Record<string, number>) =>
  fc.array(
    fc.record({
      op: fc.constantFrom(...Object.entries(ops).flatMap(([op, times]) => Array<string>(times).fill(op))),
      n: fc.nat(7),
      m: fc.nat(5),
    }),
    { maxLength: 40, size: "max" },
  );
type Op = { op: string; n: number; m: number };

const by = "ann";
const TIMES = [1_000, 100, 1_000, 3_000, 6_000, 20_000];

/** A world under operations. */
class Course {
  readonly world: World;

  constructor(seed: number, readonly cells: Cell[], readonly concurrency: number) {
    this.world = new World(seed, cells.map(({ script }) => script));
  }

  async begin(): Promise<void> {
    this.world.boot(0);
    this.world.boot(1);
    await this.world.pump();
    await this.#submit(0);
    await this.world.pump(5);
  }

  async do({ op, n, m }: Op): Promise<void> {
    const { world } = this;
    const runs = await world.runs();
    const run = runs[m % runs.length];
    const step = `c${n % this.cells.length}`;
    switch (op) {
      case "pump":
        await world.pump();
        return await world.assertPlaces(true);
      case "few":
        return await world.pump(n);
      case "end":
        await world.endOne(n);
        return await world.pump(m);
      case "time":
        return await world.pass(TIMES[m]!);
      // The store does not answer while time passes.
      case "stall":
        return await world.clock.advance(TIMES[m]!);
      case "crash":
        return world.crash(n % 2);
      case "crashAnother":
        return world.crash(n % 2, `w${1 + m % 4}`);
      case "leave":
        return world.leave(n % 2);
      case "reopen":
        return await world.reopen();
      case "loseAnswer":
      case "loseCommit":
        world.processes[n % 2]!.loses = op === "loseAnswer" ? "answer" : "commit";
        return;
      case "submit":
        return await this.#submit(n);
      case "release":
        if (run !== undefined) world.engines[0]?.release(run, { force: m === 5 }).catch(() => {});
        return;
    }
    if (run === undefined) return;
    const key = m % 2 === 0 ? `${op}-${n}` : undefined;
    const tell = (command: Parameters<World["tell"]>[1]) => {
      world.tell(run, command, key);
      // The same again, perhaps by another way.
      if (n % 3 === 0) world.tell(run, command, key);
    };
    switch (op) {
      case "pause":
      case "resume":
      case "stop":
      case "cancel":
        return tell({ type: `${op}Run`, by });
      case "restart":
        return tell({ type: "restartRun", by, ...(m > 3 ? { from: [step] } : {}) });
      case "deadline":
        return tell({ type: "changeRun", deadline: world.clock.now() + TIMES[m]!, by });
      case "retry":
      case "skip":
        return tell({ type: `${op}Step`, step, by });
      case "cancelStep":
        return tell({ type: "cancelStep", step, by });
      case "supply":
        return tell({ type: "supplyValue", step, value: n, by });
    }
  }

  /** Lets every run come to its end. */
  async finish(): Promise<void> {
    const { world } = this;
    for (const process of world.processes) process.loses = undefined;
    // What was said late may still open a run again, so that all must have ended for a while.
    for (let left = 600, still = 0; still < 4; left--) {
      assert(left > 0, "the runs do not come to an end");
      await world.pump();
      const runs = await world.runs();
      const states = await Promise.all(runs.map((run) => world.journalOf(run)));
      still = states.every(({ phase }) => phase === "ended") ? still + 1 : 0;
      if (still === 0 && await world.endOne(0)) continue;
      if (left % 5 === 0) { for (const run of runs) world.tell(run, { type: "resumeRun", by }); }
      await world.pass(1_000);
    }
    // Whoever died with a lease is found out by then.
    await world.pass(25_000);
    await world.assertPlaces();
  }

  async #submit(n: number): Promise<void> {
    const { world, cells, concurrency } = this;
    const engine = world.engines[n % Math.max(1, world.engines.length)];
    if (engine === undefined) return;
    const submitted = engine.submit({
      notebook: "n",
      text: textOf(cells),
      author: by,
      overrides: { timeoutMs: 0, concurrency },
      ...(n % 2 === 1 ? { key: `submit-${n}` } : {}),
    });
    submitted.catch((error) => {
      if (!(error instanceof EngineError)) world.wrong.push(`submit: ${error?.stack}`);
    });
    await world.pump(5);
  }
}

/** Runs a course to its end and gives what each of its runs came to. */
async function play(seed: number, cells: Cell[], concurrency: number, ops: Op[]): Promise<Run[]> {
  const course = new Course(seed, cells, concurrency);
  const { world } = course;
  await course.begin();
  for (const op of ops) await course.do(op);
  await course.finish();
  const commands = new Map<string, string>();
  for (const { run, key, command } of world.told) {
    if (key === undefined) continue;
    assertEquals(commands.get(`${run} ${key}`) ?? command, command, "P12 a repeated key is another command");
    commands.set(`${run} ${key}`, command);
  }
  const ended: Run[] = [];
  for (const run of await world.runs()) {
    const { records, plan } = await world.journalOf(run);
    ended.push(assertExplained(run, plan, records));
  }
  return ended;
}

const ONE: Cell[] = [{
  needs: [],
  attempts: 1,
  errors: "stop",
  fallback: false,
  script: { flaky: 0, good: false, delays: 0, delayMs: 0, taken: true },
}];
/** Courses that found a bug: a seed, and operations with their two numbers. */
const found = (seed: number, ops: string): [number, Cell[], number, Op[]] => [
  seed,
  ONE,
  1,
  ops.split(", ").map((text) => text.split(" ")).map(([op, n, m]) => ({
    op: op!,
    n: Number(n),
    m: Number(m),
  })),
];
/** A course of whole engines takes as long as many of the state alone. */
const SHARE = 1 / 20;
const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const concurrencies = fc.integer({ min: 1, max: 4 });

Deno.test("S1 S2 S3 S4 S5 L1 L2 L4 C2 Q1 P1 P5 P6 P10 P12 P13 whatever workers do and are told, each journal is what the reference explains", async () => {
  await fc.assert(
    fc.asyncProperty(
      seeds,
      cells,
      concurrencies,
      courseOf(FATEFUL),
      async (seed, cells, concurrency, ops) => {
        const runs = await play(seed, cells, concurrency, ops);
        for (const run of runs) assertEquals(run.phase, "ended");
      },
    ),
    {
      ...modelRuns(20, SHARE),
      examples: [
        found(15, "crashAnother 0 2, release 0 0"),
        found(775005275, "cancel 0 3, retry 1 0, few 2 0, end 0 4, restart 0 3"),
        found(
          1355547889,
          "submit 0 0, pump 0 0, restart 0 0, pause 1 0, crash 3 0, cancel 1 3, few 0 0, end 0 3, stall 0 5, resume 1 0",
        ),
        found(10, "resume 0 3, stall 0 5, skip 0 1, restart 0 0, few 0 0, retry 4 0"),
      ],
    },
  );
});

Deno.test("S5 P6 P10 R01 crashes, restarts, takeovers and lost answers change nothing of what a run comes to", async () => {
  await fc.assert(
    fc.asyncProperty(seeds, cells, concurrencies, courseOf(OPS), async (seed, drawn, concurrency, ops) => {
      const cells = drawn.map((cell) => ({ ...cell, errors: "continue" as const }));
      const [run] = await play(seed, cells, concurrency, ops);
      if (run === undefined) return;
      const of = (cell: string) => cells[Number(cell.slice(1))]!;
      const ends = evaluate(run.plan, (cell) => {
        const { script: { good, flaky, taken }, attempts } = of(cell);
        if (!taken) return "untaken";
        return good && flaky < attempts ? "succeeded" : "failed";
      });
      const unneeded = (cell: string) => run.steps.get(cell)!.skipped === "not_needed";
      for (const [cell, end] of ends) {
        const step = run.steps.get(cell)!;
        // More losses than a step may have are an end of their own, and change what is below.
        if (step.problem?.code === "recovery_limit") return;
        if (unneeded(cell)) ends.set(cell, step.outcome as End);
        else assertEquals(step.outcome, end, cell);
      }
      assertEquals(run.outcome, outcomeOfEnds(run.plan, ends, false, unneeded));
    }),
    {
      ...modelRuns(20, SHARE),
      examples: [found(0, "leave 0 0, end 0 0, crash 0 0, loseAnswer 0 0, pump 0 0")],
    },
  );
});
