/** Plans and runs for tests of the state machine. */
import { assertEquals } from "@std/assert";
import type { Limits, OnLimit } from "../../../engine/notebook/spend/limits.ts";
import type { Need, Plan, PlanStep } from "../../../engine/plan/types.ts";
import type { RunCommand, Transition } from "../../../engine/run/command.ts";
import type { JournalRecord, RunEvent } from "../../../engine/run/event.ts";
import { foldEvent, newRun } from "../../../engine/run/fold.ts";
import { nextCommand } from "../../../engine/run/next.ts";
import { illegal, type Run } from "../../../engine/run/state.ts";
import { isRejected, transition } from "../../../engine/run/transition.ts";

/** Needs as text: `a`, `a:optional`, `a:after`, `a:any`. */
export interface StepSpec {
  needs?: string[];
  /** How many of those needs that do not ask for any end have to succeed, and what becomes of the others. */
  join?: number;
  rest?: "cancel-remaining" | "let-run";
  /** Items under way at a time, and what a failed one means. */
  each?: { concurrency: number; errors: "stop" | "continue" };
  /** The need whose value it takes if it fails. */
  instead?: string;
  attempts?: number;
  errors?: "stop" | "continue";
  reuse?: boolean;
  limits?: Limits;
  onLimit?: OnLimit;
  requires?: string[];
}

export function planOf(steps: Record<string, StepSpec>, concurrency = 4): Plan {
  return {
    version: "v1",
    concurrency,
    steps: Object.entries(steps).map(([cell, spec]) => stepOf(cell, spec)),
  };
}

function stepOf(
  cell: string,
  {
    needs: texts = [],
    attempts = 1,
    errors = "stop",
    reuse = false,
    join,
    rest = "cancel-remaining",
    instead,
    each,
    ...limits
  }: StepSpec,
): PlanStep {
  const needs = texts.map((text): Need => {
    const [from, mode = "value"] = text.split(":");
    const need = { cell: from!, mode: mode as Need["mode"] };
    return join !== undefined && mode !== "any" ? { ...need, join: true } : need;
  });
  const of = needs.filter(({ join }) => join).length;
  return {
    cell,
    kind: "ts",
    needs,
    ...(join === undefined ? {} : { join: { need: join, of, rest, gives: "quorum" } }),
    action: reuse ? "reuse" : "run",
    why: "asked for",
    fingerprint: `f-${cell}`,
    retry: {
      attempts,
      backoff: "fixed",
      initialMs: 1000,
      factor: 2,
      maxMs: 60_000,
      jitter: "none",
      on: ["network", "timeout"],
    },
    timeoutMs: 0,
    errors,
    ...(instead === undefined ? {} : { instead }),
    ...(each === undefined ? {} : { each }),
    ...limits,
    ...(reuse ? { reuse: { run: "run_0", value: { inline: cell } } } : {}),
  };
}

type Queued = Extract<RunEvent, { type: "run.queued" }>;

export const QUEUED: Queued = {
  type: "run.queued",
  notebook: "n",
  version: "v1",
  plan: { inline: null },
  params: { inline: {} },
  author: "test",
};

/** A run in memory with the journal that made it. */
export class TestRun {
  readonly run: Run;
  readonly journal: JournalRecord[] = [];
  now = 1000;

  constructor(readonly plan: Plan, options: Partial<Queued> = {}) {
    this.run = newRun("run_1", plan);
    this.#write([{ ...QUEUED, ...options }]);
  }

  /** Applies a command; a rejection is a failure of the test's set-up. */
  tell(command: RunCommand): Transition {
    const decision = transition(this.run, command, this.now);
    if (isRejected(decision)) {
      throw new Error(`set-up command ${command.type} was rejected: ${decision.reason}`);
    }
    this.#write(decision.events);
    return decision;
  }

  start(...steps: string[]): this {
    for (const step of steps) this.tell({ type: "startAttempt", step });
    return this;
  }

  succeed(...steps: string[]): this {
    for (const step of steps) {
      this.tell({
        type: "succeedAttempt",
        step,
        attempt: this.run.steps.get(step)!.attempts,
        value: { inline: step },
        frames: 0,
      });
    }
    return this;
  }

  /** The open attempt gives its slot back for `ms`. */
  delay(step: string, ms: number): this {
    const attempt = this.run.steps.get(step)!.attempts;
    this.tell({ type: "delayAttempt", step, attempt, ms, frames: 0 });
    return this;
  }

  /** The open attempt waits for something, a signal `go` unless it says otherwise. */
  suspend(step: string, wait: Partial<Extract<RunCommand, { type: "suspendAttempt" }>> = {}): this {
    const attempt = this.run.steps.get(step)!.attempts;
    const condition = { type: "signal", name: "go" } as const;
    this.tell({ type: "suspendAttempt", step, attempt, wait: "signal", condition, frames: 0, ...wait });
    return this;
  }

  fail(step: string, category: "network" | "code_error" = "code_error"): this {
    const attempt = this.run.steps.get(step)!.attempts;
    const problem = { category, message: "it broke" };
    this.tell({ type: "failAttempt", step, attempt, problem, frames: 0, jitter: 0 });
    return this;
  }

  #write(events: RunEvent[]): void {
    if (events.length === 0) return;
    this.run.seq++;
    this.journal.push({ seq: this.run.seq, at: this.now, session: "w", epoch: 1, events });
    for (const event of events) foldEvent(this.run, event, this.now);
  }
}

/** A started run of these steps. */
export function started(
  steps: Record<string, StepSpec>,
  concurrency?: number,
  options?: Partial<Queued>,
): TestRun {
  const test = new TestRun(planOf(steps, concurrency), options);
  test.tell({ type: "startRun" });
  return test;
}

/** What a command does, as tables of commands say it: events and aborts, `same`, or `/code`. Ends a run that is over. */
export function decide(test: TestRun, command: RunCommand): string {
  const decision = transition(test.run, command, test.now);
  if (isRejected(decision)) return `/${decision.rejected}`;
  if (decision.events.length === 0) return "same";
  test.tell(command);
  const aborts = decision.actions.filter(({ type }) => type === "abort").map(({ type }) => type);
  const what = [...decision.events.map(({ type }) => type), ...aborts].join(" ");
  if (nextCommand(test.run, 0, test.now)?.type === "endRun") test.tell({ type: "endRun" });
  assertEquals(illegal(test.run), undefined, "S2");
  return what;
}
