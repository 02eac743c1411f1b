/**
 * Why a run is as it is, as answers to questions (EN-302, EN-304). Owns: putting them together from its state.
 */
import { EngineError } from "../../base/errors.ts";
import type { Run } from "../../run/state.ts";
import { type RunLabel, runLabel, type StepLabel, stepLabel } from "../../run/words/label.ts";
import { runWait, stepWait, type Wait } from "../../run/words/wait.ts";

/** A run's state, whole, with its one word and why it is not moving. */
export interface RunState {
  label: RunLabel;
  vector: Pick<Run, "phase" | "intent" | "outcome">;
  /** Absent: it is moving, or it has ended. */
  wait?: Wait;
  /** Journal records that this is the state after. */
  seq: number;
  steps: number;
  /** How many steps have each label. */
  byLabel: Partial<Record<StepLabel, number>>;
}

/** The same of one step. */
export interface StepState {
  label: StepLabel;
  attempt: number;
  wait?: Wait;
}

/** The state of a run. */
export function stateOf(run: Run): RunState {
  const { phase, intent, outcome, seq, steps } = run;
  const byLabel: RunState["byLabel"] = {};
  for (const step of steps.values()) {
    const label = stepLabel(step);
    byLabel[label] = (byLabel[label] ?? 0) + 1;
  }
  const wait = runWait(run);
  return {
    label: runLabel(run),
    vector: { phase, intent, outcome },
    ...(wait === undefined ? {} : { wait }),
    seq,
    steps: steps.size,
    byLabel,
  };
}

/** The state of a step. Throws `step_not_found`. */
export function stepStateOf(run: Run, name: string): StepState {
  const step = run.steps.get(name);
  if (step === undefined) {
    throw new EngineError("step_not_found", `Run ${run.id} has no cell of this name: ${name.slice(0, 64)}`);
  }
  const wait = stepWait(run, step);
  return { label: stepLabel(step), attempt: step.attempts, ...(wait === undefined ? {} : { wait }) };
}
