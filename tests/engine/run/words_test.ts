/**
 * Labels and waits over every vector that commands can reach on a small plan: the states are walked breadth first, and
 * each is held against a plain reading of EN-302 to EN-304.
 */
import { assert, assertEquals } from "@std/assert";
import type { RunCommand } from "../../../engine/run/command.ts";
import { nextCommand } from "../../../engine/run/next.ts";
import { outcomeOf } from "../../../engine/run/outcome.ts";
import { illegal, type Run, type Step } from "../../../engine/run/state.ts";
import { timersOf } from "../../../engine/run/timers.ts";
import { isRejected, transition } from "../../../engine/run/transition.ts";
import { runLabel, stepLabel } from "../../../engine/run/words/label.ts";
import { runWait, stepWait, type Wait } from "../../../engine/run/words/wait.ts";
import { planOf, started, TestRun } from "./_run_after.ts";

const by = "ann";
const value = { inline: 1 };
const PLAN = planOf(
  { a: { attempts: 2 }, r: { reuse: true }, b: { needs: ["a", "r"], errors: "continue" } },
  1,
);
const AT = 1_000;

/** Every command that may be given next, at a time when all that waits is due or none is. */
function commandsFor(run: Run): RunCommand[] {
  const steps = [...run.steps.keys()];
  return [
    ...([
      "startRun",
      "adoptRun",
      "expireRun",
      "endRun",
    ] as const).map((type) => ({ type })),
    ...(["pauseRun", "resumeRun", "stopRun", "cancelRun"] as const).map((type) => ({ type, by })),
    { type: "restartRun", by },
    { type: "releaseRun", reason: "drained" },
    ...timersOf(run).map(({ id }): RunCommand => ({ type: "fireTimer", timer: id })),
    ...steps.flatMap((step): RunCommand[] => {
      const at = { step, attempt: run.steps.get(step)!.attempts, frames: 0 };
      const failed = (category: "network" | "code_error"): RunCommand => {
        return { type: "failAttempt", ...at, problem: { category, message: "cut" }, jitter: 0 };
      };
      const warnings = [{ type: "quality", severity: "low", message: "thin" } as const];
      return [
        { type: "startAttempt", step },
        { type: "succeedAttempt", ...at, value },
        { type: "succeedAttempt", ...at, value, warnings },
        failed("network"),
        failed("code_error"),
        { type: "delayAttempt", ...at, ms: 1_000 },
        { type: "cancelAttempt", ...at },
        ...(["retryStep", "skipStep", "cancelStep"] as const).map((type) => ({ type, step, by })),
        { type: "supplyValue", step, value, by },
      ];
    }),
  ];
}

/** What words may depend on: the vector, not its times and counts, which are bounded so that the walk ends. */
function vectorOf({ phase, intent, outcome, halted, expiring, startAt, steps }: Run): string {
  const of = (
    { phase, attempt, attempts, recoveries, uncounted, source, outcome, wait, quality, told }: Step,
  ) => [phase, attempt, attempts - uncounted, Math.min(recoveries, 2), source, outcome, wait, quality, told];
  return JSON.stringify([phase, intent, outcome, halted, expiring, startAt, [...steps.values()].map(of)]);
}

/** Every vector that can be reached from a plan's first, each once, up to `most`. */
function* reachable(make: () => TestRun, most: number): Generator<TestRun> {
  const known = new Set<string>();
  const queue: { commands: [RunCommand, number][] }[] = [{ commands: [] }];
  for (const { commands } of queue) {
    const test = make();
    for (const [command, now] of commands) {
      test.now = now;
      test.tell(command);
    }
    const vector = vectorOf(test.run);
    if (known.has(vector)) continue;
    known.add(vector);
    yield test;
    if (known.size >= most) return;
    for (const now of [test.now, test.now + 60_000]) {
      for (const command of commandsFor(test.run)) {
        const decision = transition(test.run, command, now);
        if (isRejected(decision) || decision.events.length === 0) continue;
        queue.push({ commands: [...commands, [command, now]] });
      }
    }
  }
}

/** EN-303, read from top to bottom. */
function labelOfStep({ outcome, quality, source, phase, wait }: Step): string {
  if (outcome === "succeeded" && quality === "warned") return "warned";
  if (outcome === "succeeded" && source !== "ran") return source;
  if (outcome !== "none") return outcome;
  if (phase === "running") return "running";
  if (phase === "suspended") return "suspended";
  if (wait === "backoff") return "retrying";
  return wait === "inputs" ? "waiting" : "queued";
}

/** EN-302, read from top to bottom. */
function labelOfRun(run: Run): string {
  const steps = [...run.steps.values()];
  const open = steps.some(({ attempt }) => attempt === "open");
  if (run.outcome !== "none") return run.outcome;
  if (run.intent === "cancel") return "cancelling";
  if (run.intent === "stop") return "stopping";
  if (run.intent === "pause") return open ? "pausing" : "paused";
  if (run.phase === "queued") return run.startAt === undefined ? "queued" : "delayed";
  const waits = steps.filter(({ due }) => due !== undefined).map(({ wait }) => wait);
  const ready = steps.some(({ phase, due }) => phase === "ready" && due === undefined);
  if (open || ready || waits.length === 0) return "running";
  return waits.includes("backoff") ? "retrying" : "waiting";
}

/** What EN-304 says that a step waits for. */
function waitOfStep(run: Run, { phase, wait }: Step): Wait["wait"] | undefined {
  if (phase === "ended" || phase === "running") return undefined;
  if (phase === "idle") return "inputs";
  if (phase === "suspended") return "delay";
  if (run.intent === "pause") return "pause";
  if (wait === "backoff") return "backoff";
  return run.phase === "active" ? "slot" : "worker";
}

Deno.test("S2 EN-302 EN-303 EN-304 every vector that can be reached is legal, has one label, and one wait unless it moves", () => {
  const seen = { run: new Set<string>(), step: new Set<string>(), wait: new Set<string>() };
  const starts = [
    () =>
      started({ a: { attempts: 2 }, r: { reuse: true }, b: { needs: ["a", "r"], errors: "continue" } }, 1),
    () => started({ a: { errors: "continue" }, b: {} }, 2),
    () => new TestRun(PLAN, { startAt: AT + 500, deadline: AT + 30_000 }),
  ];
  for (const start of starts) {
    for (const { run, now, journal } of reachable(start, 1_500)) {
      const where = `after ${journal.flatMap(({ events }) => events.map(({ type }) => type)).join(" ")}`;
      assertEquals(illegal(run), undefined, where);
      assertEquals(runLabel(run), labelOfRun(run), where);
      const wait = runWait(run);
      const over = nextCommand(run, 1, now)?.type === "endRun";
      assertEquals(wait === undefined || over, run.phase === "ended" || run.open.size > 0 || over, where);
      seen.run.add(runLabel(run));
      if (wait !== undefined) seen.wait.add(wait.wait);
      for (const [name, step] of run.steps) {
        assertEquals(stepLabel(step), labelOfStep(step), `${name} ${where}`);
        const wait = stepWait(run, step);
        assertEquals(wait?.wait, waitOfStep(run, step), `${name} ${where}`);
        if (wait !== undefined) assert(wait.what !== "" && wait.next !== "" && wait.since <= now, where);
        seen.step.add(stepLabel(step));
      }
      if (run.phase === "ended") assertEquals(run.outcome, outcomeOf(run), where);
    }
  }
  const words = (text: string) => text.split(" ").toSorted();
  assertEquals(
    [...seen.run].toSorted(),
    words(
      "cancelled cancelling delayed expired failed partial paused pausing queued retrying running stopped stopping succeeded waiting",
    ),
  );
  assertEquals(
    [...seen.step].toSorted(),
    words(
      "cancelled expired failed queued retrying reused running skipped succeeded supplied suspended waiting warned",
    ),
  );
  assertEquals([...seen.wait].toSorted(), words("backoff delay pause slot worker"));
});

Deno.test("R20 EN-303 labels and waits follow from the vector, and change with it at once", () => {
  const test = started({ a: { attempts: 2 }, b: {}, c: { needs: ["a"] } }).start("a").fail("a", "network");
  const words = (run: Run) => [
    runLabel(run),
    runWait(run)?.wait,
    ...[...run.steps.values()].flatMap((step) => [stepLabel(step), stepWait(run, step)?.wait]),
  ];
  assertEquals(words(test.run), [
    "running",
    "slot",
    "retrying",
    "backoff",
    "queued",
    "slot",
    "waiting",
    "inputs",
  ]);
  test.start("b").succeed("b");
  assertEquals(words(test.run).slice(0, 2), ["retrying", "backoff"]);
  assertEquals(runWait(test.run)?.until, test.now + 1_000);
});
