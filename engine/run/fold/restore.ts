/**
 * How a run goes back to a point of its journal (EN-1402): the fold of `run.restored`. Owns: which ends of steps hold then
 * and which are forgotten. Called only by the fold; whether a run may be restored is decided by a command.
 *
 * A step that had ended at that point has its end of then. Every other is as before its first attempt; attempts, frames,
 * what was spent and signals that were taken stay, because they happened. Nothing runs until somebody resumes the run.
 */
import type { Millis } from "../../base/clock.ts";
import type { FormerEnd, Run, Step } from "../state.ts";
import { dropMap } from "./map.ts";
import { type Derived, leave, stepOf } from "./move.ts";
import { clear, goOn, settleNeeds } from "./reopen.ts";
import { dropSignals } from "./wait.ts";

/** Applies the event: `to` is the last record that holds. */
export function restore(run: Run, to: number, at: Millis, derived: Derived): void {
  const back = new Map<string, FormerEnd>();
  const again = new Set<string>();
  for (const { cell } of run.plan.steps) {
    const step = stepOf(run, cell);
    if (step.phase === "ended" && step.endedIn! <= to) continue;
    const former = step.former?.find(({ from, until }) => from <= to && to < until);
    if (former === undefined) again.add(cell);
    else back.set(cell, former);
  }
  for (const name of [...run.maps]) {
    if (again.has(name) || back.has(name)) dropMap(run, stepOf(run, name));
  }
  for (const name of [...again, ...back.keys()]) {
    const step = stepOf(run, name);
    if (step.phase !== "ended") {
      leave(run, step);
      dropSignals(run, name);
    }
    clear(run, step, at);
  }
  derived.reopened.push(...again, ...back.keys());
  goOn(run, at);
  run.intent = "pause";
  for (const [name, former] of back) putBack(run, stepOf(run, name), former, at);
  derived.restored.push(...back.keys());
  for (const { cell } of run.plan.steps) {
    if (again.has(cell)) settleNeeds(run, stepOf(run, cell), at, derived);
  }
}

/** It holds again from now on; that it did before is among its former ends. */
function putBack(run: Run, step: Step, { from: _, until: __, ...end }: FormerEnd, at: Millis): void {
  Object.assign(step, end);
  step.phase = "ended";
  step.wait = "none";
  step.since = at;
  step.endedIn = run.seq;
  step.pending = 0;
  step.manual = undefined;
  run.left--;
}
