/**
 * Commands by which a step waits without having ended, and sets aside what it may use. Owns: these decisions.
 *
 * E4 What a step may use is set aside in all budgets of its run before it is used, or in none.
 */
import type { Rejected, Transition } from "../command.ts";
import type { RunEvent, StepProblem } from "../event.ts";
import type { OnLimit } from "../../notebook/spend/limits.ts";
import { isHeld, type Run, type Step } from "../state.ts";
import { isOutOfTime, onLimitOf, shortage, shortageText, SOME_TIME } from "../spend/room.ts";
import { plus } from "../spend/amounts.ts";
import { doubtOf } from "../effects/types.ts";
import { failForGood, openAttempt, stopped } from "./attempt.ts";
import { type Handlers, happen, noStep, refuse, SAME } from "./decide.ts";

type SpendCommands = "holdAttempt" | "holdStep" | "wakeStep" | "reserveSpend";

/** The handlers. */
export const spendCommands: Handlers<SpendCommands> = {
  reserveSpend(run, { step: name, attempt, wants, usage }) {
    const other = openAttempt(run, name, attempt);
    if (other !== undefined) return other;
    const step = run.steps.get(name)!;
    if (run.intent === "cancel" || step.told !== undefined) {
      return refuse("not_ready", `Step ${name} was told to end`);
    }
    // Its last call is over, so that what was set aside for that one is free again.
    const own = withoutReserve(run, step);
    const amounts = wants.find((want) => shortage(own.run, own.step, want) === undefined);
    if (amounts === undefined) {
      const least = wants.at(-1) ?? {};
      const short = shortage(own.run, own.step, least);
      return refuse("budget_exceeded", short === undefined ? "Nothing was asked for" : shortageText(short));
    }
    const used = usage === undefined ? {} : { usage };
    return happen([{ type: "step.reserved", step: name, attempt, amounts, ...used }]);
  },

  holdAttempt(run, { type: _, onLimit, ...held }) {
    const { step: name, attempt, frames, usage } = held;
    const other = openAttempt(run, name, attempt);
    if (other !== undefined) return heldBefore(run, name, attempt) ?? other;
    const step = run.steps.get(name)!;
    const used = usage === undefined ? {} : { usage };
    // What was told to end while it made up its mind ends, and does not wait.
    if (run.intent === "cancel" || step.told !== undefined) {
      return stopped(run, { step: name, attempt, frames, ...used });
    }
    if (held.wait === "doubt" && doubtOf(step) === undefined) {
      // Somebody has said meanwhile what became of it.
      return happen([{ type: "step.held", ...held }, { type: "step.woken", step: name }]);
    }
    if (held.wait !== "budget") return happen([{ type: "step.held", ...held }]);
    const short = held.want === undefined ? undefined : shortage(run, step, held.want);
    const why = held.why ?? (short && shortageText(short));
    const event = { type: "step.held", ...held, ...(why === undefined ? {} : { why }) } as const;
    return atLimit(run, step, event, onLimit ?? onLimitOf(run, step));
  },

  holdStep(run, { step: name, wait, due }) {
    const step = run.steps.get(name);
    if (step === undefined) return noStep(run, name);
    if (step.phase === "ended") return refuse("step_ended", `Step ${name} has ended`);
    if (step.phase !== "ready") return refuse("not_ready", `Step ${name} is not about to start`);
    if (isHeld(step) && step.wait === wait && step.due === due) return SAME;
    const at = { step: name, attempt: step.attempts, frames: step.frames ?? 0 };
    const event = { type: "step.held", ...at, wait, ...(due === undefined ? {} : { due }) } as const;
    if (wait !== "budget" || !isOutOfTime(run, step)) return happen([event]);
    const why = shortageText(shortage(run, step, SOME_TIME)!);
    return atLimit(run, step, { ...event, want: SOME_TIME, why }, onLimitOf(run, step));
  },

  wakeStep(run, { step: name, wait }) {
    const step = run.steps.get(name);
    if (step === undefined) return noStep(run, name);
    if (step.phase === "ended") return refuse("step_ended", `Step ${name} has ended`);
    if (wait !== undefined && step.wait !== wait) return SAME;
    return isHeld(step) ? happen([{ type: "step.woken", step: name }]) : SAME;
  },
};

/** The author of what a budget does by itself. */
const BUDGET = "budget";

/** EN-1104: the step waits, fails, or stops its run. */
function atLimit(
  run: Run,
  step: Step,
  held: Extract<RunEvent, { type: "step.held" }>,
  onLimit: OnLimit,
): Transition {
  const { step: name, attempt, frames, usage, why = "A budget is used up" } = held;
  if (onLimit === "fail") {
    const problem: StepProblem = { category: "budget", code: "budget_exceeded", message: why };
    const used = usage === undefined ? {} : { usage };
    return failForGood(run, step, { step: name, attempt, frames, problem, ...used });
  }
  const stops = onLimit === "stop" && (run.intent === "go" || run.intent === "pause");
  return happen(stops ? [held, { type: "run.stopping", by: BUDGET, reason: why }] : [held]);
}

/** What a repeated report of a hold gets (EN-403), and one that comes when the step has ended. */
function heldBefore(run: Run, name: string, attempt: number): Transition | Rejected | undefined {
  const step = run.steps.get(name);
  if (step !== undefined && isHeld(step) && step.attempts === attempt) return SAME;
  return step?.phase === "ended" ? refuse("step_ended", `Step ${name} has ended`) : undefined;
}

/** A run and one of its steps as they are once what the step has set aside is free. */
function withoutReserve(run: Run, step: Step): { run: Run; step: Step } {
  if (step.reserved === undefined) return { run, step };
  const less = { ...run, reserved: plus(run.reserved ?? {}, step.reserved, -1) };
  return { run: less, step: { ...step, reserved: undefined } };
}
