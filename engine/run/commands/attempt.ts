/**
 * Commands by whoever runs attempts: begin one, and how it went. Owns: these decisions, and when a step may start.
 */
import type { Millis } from "../../base/clock.ts";
import type { FailureCategory } from "../../plan/types.ts";
import { retryDelayMs } from "../backoff.ts";
import type { Rejected, Transition } from "../command.ts";
import type { AttemptReason, StepProblem, StoppedAs, Usage } from "../event.ts";
import { isHeld, isUntaken, type Run, type Step, type StepOutcome } from "../state.ts";
import { type Handlers, happen, noStep, refuse, SAME } from "./decide.ts";

const LONGEST_RETRY_AFTER_MS = 3_600_000;
/** Longest wait that an attempt may ask for: a year. */
export const LONGEST_DELAY_MS = 365 * 86_400_000;

type AttemptCommands =
  | "startAttempt"
  | "delayAttempt"
  | "succeedAttempt"
  | "failAttempt"
  | "declineAttempt"
  | "cancelAttempt";

/** The handlers. */
export const attemptCommands: Handlers<AttemptCommands> = {
  startAttempt(run, { step: name }, now) {
    const step = run.steps.get(name);
    if (step === undefined) return noStep(run, name);
    if (step.phase === "ended") return refuse("step_ended", `Step ${name} has ended`);
    if (step.phase === "running") return refuse("attempt_open", `Step ${name} has an open attempt`);
    if (step.phase === "suspended") return refuse("step_suspended", `Step ${name} is suspended`);
    if (!mayStart(run, step, now)) return refuse("not_ready", `Step ${name} may not start yet`);
    if (step.attempt === "held") {
      const attempt = step.attempts;
      return happen([{ type: "step.continued", step: name, attempt }], [{
        type: "run",
        step: name,
        attempt,
      }]);
    }
    const attempt = step.attempts + 1;
    return happen([{ type: "step.started", step: name, attempt, reason: reasonOf(step) }], [{
      type: "run",
      step: name,
      attempt,
    }]);
  },

  delayAttempt(run, { step: name, attempt, ms, saved, frames }, now) {
    const other = openAttempt(run, name, attempt);
    if (other !== undefined) return delayedBefore(run, name, attempt) ?? other;
    // What was told to end while it made up its mind ends, and does not wait for it.
    if (run.intent === "cancel" || run.steps.get(name)!.told !== undefined) {
      return stopped(run, { step: name, attempt, frames });
    }
    const due = now + Math.min(Math.max(0, ms), LONGEST_DELAY_MS);
    const kept = saved === undefined ? {} : { saved };
    return happen([{ type: "step.delayed", step: name, attempt, due, ...kept, frames }]);
  },

  succeedAttempt(run, { type: _, ...result }) {
    return openAttempt(run, result.step, result.attempt, ["succeeded"]) ??
      happen([{ type: "step.succeeded", ...result }]);
  },

  failAttempt(run, command, now) {
    const other = openAttempt(run, command.step, command.attempt, ["failed"]);
    return other ?? failing(run, run.steps.get(command.step)!, command, now);
  },

  declineAttempt(run, { type: _, ...ended }) {
    const step = run.steps.get(ended.step);
    const again = step !== undefined && isUntaken(step);
    const other = openAttempt(run, ended.step, ended.attempt, again ? ["skipped"] : []);
    if (other !== undefined) return other;
    // What was told to end ends as it was told.
    if (run.intent === "cancel" || step!.told !== undefined) return stopped(run, ended);
    return happen([{ type: "step.declined", ...ended }]);
  },

  cancelAttempt(run, { type: _, ...ended }) {
    return openAttempt(run, ended.step, ended.attempt, ["cancelled", "expired", "skipped"]) ??
      stopped(run, ended);
  },
};

/** How the latest attempt of a step has failed. */
export interface Failing {
  problem: StepProblem;
  frames: number;
  usage?: Usage;
  retryAfterMs?: number;
  jitter: number;
}

/** What a failure of the latest attempt means: another one, the value for that case, or the end of the step. */
export function failing(
  run: Run,
  step: Step,
  { problem, frames, usage, retryAfterMs, jitter }: Failing,
  now: Millis,
): Transition {
  const name = step.plan.cell;
  const attempt = step.attempts;
  const what = { step: name, attempt, problem, frames, ...(usage === undefined ? {} : { usage }) };
  // What comes of an attempt that was aborted for a join is no failure.
  if (step.skipped === "not_needed") {
    return stopped(run, { step: name, attempt, frames, ...(usage === undefined ? {} : { usage }) });
  }
  if (!triesAgain(run, step, problem.category)) return failForGood(run, step, what);
  const wait = Math.max(retryDelayMs(step.plan.retry, triesOf(step), jitter), asked(retryAfterMs));
  return happen([{ type: "step.retried", ...what, due: now + wait }]);
}

/** A step fails, or has the value that its plan names for that. */
export function failForGood(
  run: Run,
  step: Step,
  what: { step: string; attempt: number; problem: StepProblem; frames: number; usage?: Usage },
): Transition {
  const { instead } = step.plan;
  const other = instead === undefined ? undefined : run.steps.get(instead)?.value;
  const value = other ?? step.plan.fallback;
  if (value === undefined || step.told !== undefined || run.intent === "cancel") {
    return happen([{ type: "step.failed", ...what }]);
  }
  const { problem, ...rest } = what;
  const whose = other === undefined ? "'fallback'" : instead;
  const message = `Its last attempt failed, so the value of ${whose} is used: ${problem.message}`;
  const warnings = [{ type: "quality", severity: "high", message: message.slice(0, 300) } as const];
  return happen([{ type: "step.succeeded", ...rest, value, warnings, fallback: true }]);
}

/** An open attempt has ended because it was told to, or because its run was. */
export function stopped(
  run: Run,
  ended: { step: string; attempt: number; frames: number; unsettled?: true; usage?: Usage },
): Transition {
  const as: StoppedAs = run.expiring ? "expired" : run.steps.get(ended.step)!.told ?? "cancelled";
  return happen([{ type: "step.cancelled", as, ...ended }]);
}

/** What a repeated report of a delay or a suspension gets (EN-403), and one that comes when the step has ended. */
export function delayedBefore(run: Run, name: string, attempt: number): Transition | Rejected | undefined {
  const step = run.steps.get(name);
  if (step?.phase === "suspended" && step.attempts === attempt) return SAME;
  return step?.phase === "ended" ? refuse("step_ended", `Step ${name} has ended`) : undefined;
}

/**
 * Nothing, if `attempt` is the open attempt of the step. Else what becomes of its result: it is the one that ended the
 * step (EN-403), which has one of `outcomes` then, or it is not taken.
 */
export function openAttempt(
  run: Run,
  name: string,
  attempt: number,
  outcomes: StepOutcome[] = [],
): Transition | Rejected | undefined {
  const step = run.steps.get(name);
  if (step === undefined) return noStep(run, name);
  if (step.attempt === "open" && step.attempts === attempt) return undefined;
  const again = outcomes.includes(step.outcome) && step.attempts === attempt;
  return again ? SAME : refuse("attempt_stale", `Attempt ${attempt} of ${name} is over`);
}

/** Whether a step may start an attempt now, worker slots apart. */
export function mayStart(run: Run, step: Step, now: Millis): boolean {
  return step.phase === "ready" && !(isHeld(step) && step.due === undefined) && run.phase === "active" &&
    run.intent === "go" && !run.halted &&
    run.open.size < run.plan.concurrency && (step.due ?? 0) <= now;
}

/** Why the next attempt of a step begins. */
export function reasonOf(step: Step): AttemptReason {
  if (step.manual) return "manual";
  if (step.attempt === "interrupted") return "recovery";
  return step.attempts === 0 ? "first" : "retry";
}

/** A lost attempt is no try of the step's own, so it does not use up `attempts`. */
function triesAgain(run: Run, step: Step, category: FailureCategory): boolean {
  return (run.intent === "go" || run.intent === "pause") && !run.halted && step.told === undefined &&
    step.map === undefined && step.plan.retry.on.includes(category) &&
    triesOf(step) < step.plan.retry.attempts;
}

function triesOf(step: Step): number {
  return step.attempts - step.uncounted;
}

/** EN-405: what the other side asks for is a floor, up to an hour; what is not a number asks for nothing. */
function asked(retryAfterMs = 0): number {
  return retryAfterMs > 0 ? Math.min(retryAfterMs, LONGEST_RETRY_AFTER_MS) : 0;
}
