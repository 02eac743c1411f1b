/**
 * The fold of `join.settled`. Owns: what a settled join means for its step and for what is left over.
 */
import type { Millis } from "../../base/clock.ts";
import type { Run, Step } from "../state.ts";
import { isMet, leftOver } from "./join.ts";
import { closeItems } from "./map.ts";
import { type Derived, finish, makeReady } from "./move.ts";
import { end } from "./settle.ts";

/**
 * Settles a join: its step waits for one thing less, or is skipped; what is left over ends, or is told to if it is
 * running and then counts as cancelled whatever it still reports, save a success.
 */
export function foldJoinSettled(run: Run, step: Step, at: Millis, derived: Derived): void {
  const rest = leftOver(run, step);
  const met = isMet(step);
  step.join = met ? "met" : "impossible";
  run.deciding.delete(step.plan.cell);
  if (met) {
    step.because = undefined;
    step.pending--;
    if (step.pending === 0) makeReady(run, step, at, derived);
  } else {
    step.skipped = "join_impossible";
    derived.skipped.push(step.plan.cell);
    end(run, step, "skipped", at, derived);
  }
  // No step that is not settled needs any of these, so that there is nobody to tell.
  for (const other of rest) dismiss(run, other, step.plan.cell, at, derived);
}

function dismiss(run: Run, step: Step, because: string, at: Millis, derived: Derived): void {
  // What a person has told it already stands.
  if (step.told !== undefined) return;
  step.skipped = "not_needed";
  step.because = because;
  if (step.phase === "running") {
    step.told = "cancelled";
    derived.stopping.push(step.plan.cell);
    return;
  }
  const held = step.attempt === "held";
  finish(run, step, held ? "cancelled" : "skipped", at);
  (held ? derived.stopped : derived.skipped).push(step.plan.cell);
  closeItems(run, step, at, derived);
}
