/**
 * Attempts that another worker makes than the one that owns the run (EN-513 to EN-515). Owns: these decisions.
 *
 * S7 A report counts only from the session that the attempt is with: one that comes late or again changes nothing.
 */
import type { AttemptReport, Rejected, RunCommand, Transition } from "../command.ts";
import type { RunEvent } from "../event.ts";
import type { Run, WorkerSession } from "../state.ts";
import { lostInDoubt } from "../effects/commands.ts";
import { openAttempt, reasonOf } from "./attempt.ts";
import { type Handlers, happen, noStep, refuse, runEnded, SAME } from "./decide.ts";
import { lostTooOften, MAX_RECOVERIES } from "./run.ts";

/** The handlers. */
export const routeCommands: Handlers<"routeAttempt" | "loseAttempt"> = {
  routeAttempt(run, { step: name, attempt, on }) {
    const step = run.steps.get(name);
    if (step === undefined) return noStep(run, name);
    if (run.phase === "ended") return runEnded(run);
    if (isWith(run, name, on) && step.attempts === attempt) return SAME;
    if (step.wait !== "capability" || step.due !== undefined) {
      return refuse("attempt_stale", `Step ${name} is not offered any more`);
    }
    if (run.intent !== "go" || run.halted) return refuse("not_ready", `Step ${name} may not start now`);
    const goesOn = step.attempt === "held";
    const next = goesOn ? step.attempts : step.attempts + 1;
    if (attempt !== next) return refuse("attempt_stale", `Attempt ${attempt} of ${name} is over`);
    const begun: RunEvent = goesOn
      ? { type: "step.continued", step: name, attempt, on }
      : { type: "step.started", step: name, attempt, reason: reasonOf(step), on };
    return happen(run.phase === "active" ? [begun] : [{ type: "run.started" }, begun]);
  },

  loseAttempt(run, { step: name, attempt, lost }) {
    const other = openAttempt(run, name, attempt);
    if (other !== undefined) return other;
    const step = run.steps.get(name)!;
    if (step.away === undefined) return refuse("attempt_stale", `Step ${name} is with its run's owner`);
    const tooOften = lost && step.recoveries >= MAX_RECOVERIES && step.told === undefined;
    const instead = tooOften ? lostInDoubt(step) ?? lostTooOften(step) : undefined;
    return happen([instead ?? { type: "step.interrupted", step: name, attempt, lost }]);
  },
};

/** What a report means: what it would mean from the owner, if it comes from whoever the attempt is with. */
export function reported(
  run: Run,
  { step: name, on, report }: { step: string; on: WorkerSession; report: AttemptReport },
  decide: (command: RunCommand) => Transition | Rejected,
): Transition | Rejected {
  if (report.step !== name || !isWith(run, name, on)) {
    return refuse("attempt_stale", `Attempt ${report.attempt} of ${name} is not with ${on.worker} any more`);
  }
  const decision = decide(report);
  // One that may go on at once is called again by whoever claims it then.
  return "rejected" in decision
    ? decision
    : { ...decision, actions: decision.actions.filter(({ type, step }) => type !== "run" || step !== name) };
}

function isWith(run: Run, name: string, on: WorkerSession): boolean {
  const away = run.steps.get(name)?.away;
  return away !== undefined && away.worker === on.worker && away.session === on.session;
}
