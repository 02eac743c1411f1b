/**
 * How a decision on a command is put. Owns: the shape of a handler and shorthands for its answers.
 */
import type { Millis } from "../../base/clock.ts";
import type { Rejected, RunAction, RunCommand, Transition } from "../command.ts";
import type { RunEvent } from "../event.ts";
import type { Run, Step } from "../state.ts";

/** One handler for each of some commands. */
export type Handlers<T extends RunCommand["type"]> = {
  [K in T]: (run: Run, command: Extract<RunCommand, { type: K }>, now: Millis) => Transition | Rejected;
};

/** Changes nothing: it was already so. */
export const SAME: Transition = { events: [], actions: [] };

/** These events happen, and then these actions are carried out. */
export function happen(events: RunEvent[], actions: RunAction[] = []): Transition {
  return { events, actions };
}

/** Nothing happens, and why. */
export function refuse(rejected: Rejected["rejected"], reason: string): Rejected {
  return { rejected, reason };
}

/** The refusal of a command to a run that has ended. */
export function runEnded(run: Run): Rejected {
  return refuse("run_ended", `Run ${run.id} has ended`);
}

/** The refusal of a command to a step that the run lacks. */
export function noStep(run: Run, name: string): Rejected {
  return refuse("step_not_found", `Run ${run.id} has no step ${name}`);
}

/** Asks for the abort of every open attempt. */
export function abortAll(run: Run): RunAction[] {
  return [...run.open].map((step) => abort(run.steps.get(step)!));
}

/** Asks for the abort of a step's open attempt. */
export function abort({ plan, attempts }: Step): RunAction {
  return { type: "abort", step: plan.cell, attempt: attempts };
}
