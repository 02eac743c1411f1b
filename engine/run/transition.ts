/**
 * What a command does to a run: events to make durable and actions to carry out after. Owns: every decision about a
 * run. Never: awaits, reads a clock, draws a number or changes the run it is given; `fold.ts` applies the events.
 *
 * S2 Total over states and commands: each pair has a transition or a reason for its rejection.
 * S3 A result of an attempt that is not the open one is refused and changes nothing.
 */
import type { Millis } from "../base/clock.ts";
import type { FailureCategory } from "../plan/types.ts";
import { retryDelayMs } from "./backoff.ts";
import type { Rejected, RunAction, RunCommand, Transition } from "./command.ts";
import type { AttemptReason, RunEvent } from "./event.ts";
import { isOver, outcomeOf, problemOf } from "./outcome.ts";
import type { Run, Step } from "./state.ts";

/** Attempts of one step that may be lost with their worker; the next one fails the step. */
export const MAX_RECOVERIES = 5;

const LONGEST_RETRY_AFTER_MS = 3_600_000;

/** Changes nothing: it was already so. */
const SAME: Transition = { events: [], actions: [] };

type Handlers = {
  [T in RunCommand["type"]]: (
    run: Run,
    command: Extract<RunCommand, { type: T }>,
    now: Millis,
  ) => Transition | Rejected;
};

/**
 * Decides on a command. Pure.
 *
 * @param now epoch ms, for due times
 * @returns what happens, or why not: commands race, so a refusal is normal
 */
export function transition(run: Run, command: RunCommand, now: Millis): Transition | Rejected {
  const handle = HANDLERS[command.type] as (
    run: Run,
    command: RunCommand,
    now: Millis,
  ) => Transition | Rejected;
  return handle(run, command, now);
}

/** Whether a decision is a refusal. */
export function isRejected(decision: Transition | Rejected): decision is Rejected {
  return "rejected" in decision;
}

const HANDLERS: Handlers = {
  queueRun(run, { event }) {
    return run.seq === 0 ? happen([event]) : SAME;
  },

  startRun(run) {
    if (run.phase === "ended") return refuse("run_ended", `Run ${run.id} has ended`);
    return run.phase === "active" ? SAME : happen([{ type: "run.started" }]);
  },

  adoptRun(run) {
    if (run.phase === "ended") return SAME;
    const events: RunEvent[] = run.phase === "queued" ? [{ type: "run.started" }] : [{ type: "run.adopted" }];
    for (const name of run.phase === "active" ? run.open : []) {
      const step = run.steps.get(name)!;
      if (step.recoveries >= MAX_RECOVERIES) events.push(lostTooOften(step));
    }
    return happen(events);
  },

  releaseRun(run) {
    return run.phase === "active" ? happen([{ type: "run.released" }]) : SAME;
  },

  pauseRun(run, { type: _, ...told }) {
    if (run.phase === "ended") return refuse("run_ended", `Run ${run.id} has ended`);
    return run.intent === "go" ? happen([{ type: "run.paused", ...told }]) : SAME;
  },

  resumeRun(run, { type: _, ...told }) {
    if (run.phase === "ended") return refuse("run_ended", `Run ${run.id} has ended`);
    return run.intent === "pause" ? happen([{ type: "run.resumed", ...told }]) : SAME;
  },

  stopRun(run, { type: _, ...told }) {
    if (run.phase === "ended") return refuse("run_ended", `Run ${run.id} has ended`);
    const stops = run.intent === "go" || run.intent === "pause";
    return stops ? happen([{ type: "run.stopping", ...told }]) : SAME;
  },

  cancelRun(run, { type: _, ...told }) {
    if (run.phase === "ended") return refuse("run_ended", `Run ${run.id} has ended`);
    if (run.intent === "cancel") return SAME;
    const actions = [...run.open].map((step): RunAction => ({
      type: "abort",
      step,
      attempt: run.steps.get(step)!.attempts,
    }));
    return happen([{ type: "run.cancelling", ...told }], actions);
  },

  startAttempt(run, { step: name }, now) {
    const step = run.steps.get(name);
    if (step === undefined) return refuse("step_not_found", `Run ${run.id} has no step ${name}`);
    if (step.phase === "ended") return refuse("step_ended", `Step ${name} has ended`);
    if (step.phase === "running") return refuse("attempt_open", `Step ${name} has an open attempt`);
    if (!mayStart(run, step, now)) return refuse("not_ready", `Step ${name} may not start yet`);
    const attempt = step.attempts + 1;
    return happen([{ type: "step.started", step: name, attempt, reason: reasonOf(step) }], [{
      type: "run",
      step: name,
      attempt,
    }]);
  },

  succeedAttempt(run, { type: _, ...result }) {
    return openAttempt(run, result.step, result.attempt) ?? happen([{ type: "step.succeeded", ...result }]);
  },

  failAttempt(run, command, now) {
    const { step: name, attempt, problem, frames, usage } = command;
    const stale = openAttempt(run, name, attempt);
    if (stale !== undefined) return stale;
    const step = run.steps.get(name)!;
    const what = { step: name, attempt, problem, frames, ...(usage === undefined ? {} : { usage }) };
    if (!triesAgain(run, step, problem.category)) return happen([{ type: "step.failed", ...what }]);
    const tries = triesOf(step);
    const wait = Math.max(retryDelayMs(step.plan.retry, tries, command.jitter), asked(command.retryAfterMs));
    const due = now + wait;
    return happen([{ type: "step.retried", ...what, due }], [{ type: "wake", step: name, due }]);
  },

  cancelAttempt(run, { step, attempt, frames }) {
    return openAttempt(run, step, attempt) ?? happen([{ type: "step.cancelled", step, attempt, frames }]);
  },

  endRun(run) {
    if (run.phase === "ended") return SAME;
    if (!isOver(run)) return refuse("not_ready", `Run ${run.id} has something left to do`);
    const problem = problemOf(run);
    return happen([{
      type: "run.ended",
      outcome: outcomeOf(run),
      ...(problem === undefined ? {} : { problem }),
    }]);
  },
};

function happen(events: RunEvent[], actions: RunAction[] = []): Transition {
  return { events, actions };
}

function refuse(rejected: Rejected["rejected"], reason: string): Rejected {
  return { rejected, reason };
}

/** Nothing, if `attempt` is the open attempt of the step; else why its result is not taken. */
function openAttempt(run: Run, name: string, attempt: number): Rejected | undefined {
  const step = run.steps.get(name);
  if (step === undefined) return refuse("step_not_found", `Run ${run.id} has no step ${name}`);
  if (step.attempt === "open" && step.attempts === attempt) return undefined;
  return refuse("attempt_stale", `Attempt ${attempt} of ${name} is over`);
}

/** Whether a step may start an attempt now, worker slots apart. */
export function mayStart(run: Run, step: Step, now: Millis): boolean {
  return step.phase === "ready" && run.phase === "active" && run.intent === "go" && !run.halted &&
    run.open.size < run.plan.concurrency && (step.due ?? 0) <= now;
}

function reasonOf(step: Step): AttemptReason {
  if (step.attempts === 0) return "first";
  return step.attempt === "interrupted" ? "recovery" : "retry";
}

/** A lost attempt is no try of the step's own, so it does not use up `attempts`. */
function triesAgain(run: Run, step: Step, category: FailureCategory): boolean {
  return (run.intent === "go" || run.intent === "pause") && !run.halted &&
    step.plan.retry.on.includes(category) &&
    triesOf(step) < step.plan.retry.attempts;
}

function triesOf(step: Step): number {
  return step.attempts - step.recoveries - step.released;
}

/** EN-405: what the other side asks for is a floor, up to an hour; what is not a number asks for nothing. */
function asked(retryAfterMs = 0): number {
  return retryAfterMs > 0 ? Math.min(retryAfterMs, LONGEST_RETRY_AFTER_MS) : 0;
}

function lostTooOften(step: Step): RunEvent {
  return {
    type: "step.failed",
    step: step.plan.cell,
    attempt: step.attempts,
    frames: 0,
    problem: {
      category: "unknown",
      code: "recovery_limit",
      message: `The worker was lost ${
        MAX_RECOVERIES + 1
      } times during this cell. Look at what it does, then run it again`,
    },
  };
}
