/**
 * When a run is over and how it ended. Owns: both questions. Pure.
 *
 * S5 The outcome is a function of the steps' ends and of what the run was told.
 */
import type { RunOutcome, StepProblem } from "./event.ts";
import type { Run, Step } from "./state.ts";

/** Whether nothing is running and nothing will start any more. */
export function isOver(run: Run): boolean {
  if (run.phase === "ended" || run.open.size > 0) return false;
  if (run.intent === "stop" || run.intent === "cancel") return true;
  return run.phase !== "queued" && (run.halted || run.left === 0);
}

/**
 * How a run that is over ended (EN-701, EN-702): as it was told; `failed` if a failure whose policy is
 * `stop` stands or no sink succeeded; `partial` if other branches went on; else `succeeded`.
 */
export function outcomeOf(run: Run): RunOutcome {
  if (run.expiring) return "expired";
  if (run.intent === "cancel") return "cancelled";
  if (run.intent === "stop") return "stopped";
  // What an item came to is the matter of its step.
  const steps = [...run.steps.values()].filter(({ plan }) => plan.item === undefined);
  if (run.halted || steps.some(({ outcome, plan }) => outcome === "failed" && plan.errors === "stop")) {
    return "failed";
  }
  // What a join has ended did not go wrong.
  const bad = ({ outcome, skipped }: Step) =>
    outcome === "failed" || outcome === "cancelled" && skipped !== "not_needed";
  if (!steps.some(bad)) return "succeeded";
  const sinks = steps.filter((step) => run.successors.get(step.plan.cell)?.length === 0);
  return sinks.some((step) => step.outcome === "succeeded") ? "partial" : "failed";
}

/** The problem of the first step in run order that failed. */
export function problemOf(run: Run): StepProblem | undefined {
  if (run.expiring) {
    return { category: "timeout", code: "deadline", message: "The run did not end before its deadline" };
  }
  for (const step of run.steps.values()) {
    if (step.outcome === "failed" && step.problem !== undefined && step.plan.item === undefined) {
      return { ...step.problem, message: `${step.plan.cell}: ${step.problem.message}` };
    }
  }
}
