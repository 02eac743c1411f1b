/**
 * How one step's change reaches the lists of its run and the steps below it. Owns: moving between phases, and the
 * cascade of an end (EN-704, EN-706). Called only by the fold.
 */
import type { Millis } from "../../base/clock.ts";
import type { Dimension } from "../../notebook/spend/limits.ts";
import type { Need } from "../../plan/types.ts";
import { closeWaitpoints, dropSignals } from "./wait.ts";
import { vote } from "./join.ts";
import {
  isHeld,
  isUntaken,
  type Run,
  type SkipReason,
  type Step,
  type StepOutcome,
  type StepPhase,
} from "../state.ts";

/** Steps that an event changed besides the one it names, in the order of change. */
export interface Derived {
  ready: string[];
  skipped: string[];
  reused: string[];
  /** Open attempts that were lost with their worker, or given back by it. */
  interrupted: string[];
  /** Ended because they or their run were told to, by `run.adopted`, `run.released` or `run.ended`. */
  stopped: string[];
  /** Told to end, because a join has settled without them. */
  stopping: string[];
  /** Run again. */
  reopened: string[];
  /** What the run's calls used or may use has changed, and of which limits that is nearly all. */
  spend?: { warned: Warned[] };
}

/** A limit that is nearly used up. */
export interface Warned {
  /** Absent: the run's. */
  cell?: string;
  dimension: Dimension;
  used: number;
  limit: number;
}

/** The step of a name. Throws a `RangeError` if the plan has none. */
export function stepOf(run: Run, name: string): Step {
  const step = run.steps.get(name);
  if (step === undefined) {
    throw new RangeError(`Journal of ${run.id} names a step that its plan lacks: ${name}`);
  }
  return step;
}

/** Moves a step to a phase that is not its end; with `due` it waits there for the clock. */
export function enter(
  run: Run,
  step: Step,
  phase: Exclude<StepPhase, "ended">,
  wait: Step["wait"],
  at: Millis,
  due?: Millis,
): void {
  unlist(run, step);
  step.phase = phase;
  step.wait = wait;
  if (due !== undefined) run.waiting.add(step.plan.cell);
  else if (phase === "running") run.open.add(step.plan.cell);
  else if (phase === "suspended" || isHeld(step)) run.parked.add(step.plan.cell);
  else if (phase === "ready") run.ready.add(step.plan.cell);
  step.due = due;
  step.since = at;
  if (!isHeld(step)) step.want = step.holdWhy = undefined;
  else if (step.want !== undefined && due === undefined && wait === "budget") run.short.add(step.plan.cell);
}

function unlist(run: Run, { plan: { cell } }: Step): void {
  run.open.delete(cell);
  run.ready.delete(cell);
  run.waiting.delete(cell);
  run.parked.delete(cell);
  run.deciding.delete(cell);
  run.short.delete(cell);
}

/** Closes a step's attempt, if it has one that goes on. */
export function leave(run: Run, step: Step): void {
  if (step.attempt !== "none") step.attempt = "closed";
  step.saved =
    step.frames =
    step.ranMs =
    step.told =
    step.suspension =
    step.signals =
    step.counted =
    step.want =
    step.holdWhy =
      undefined;
  unlist(run, step);
  closeWaitpoints(run, step.plan.cell);
}

/** Readies a step that waits for nothing any more. */
export function makeReady(run: Run, step: Step, at: Millis, derived: Derived): void {
  if (step.phase !== "idle") return;
  enter(run, step, "ready", "slot", at);
  derived.ready.push(step.plan.cell);
}

/** Ends a step and tells its successors, and theirs, without recursion: a cascade may be 10,000 deep. */
export function end(
  run: Run,
  step: Step,
  outcome: Exclude<StepOutcome, "none">,
  at: Millis,
  derived: Derived,
): void {
  const ended = [step];
  finish(run, step, outcome, at);
  for (let last = ended.pop(); last !== undefined; last = ended.pop()) {
    for (const { cell, mode, join } of run.successors.get(last.plan.cell) ?? []) {
      const next = stepOf(run, cell);
      if (next.phase !== "idle") continue;
      if (join) {
        vote(run, next, last);
        continue;
      }
      const reason = skipReason(mode, last);
      if (reason === undefined) {
        next.pending--;
        if (next.pending === 0) makeReady(run, next, at, derived);
        continue;
      }
      next.skipped = reason;
      next.because = last.plan.cell;
      finish(run, next, "skipped", at);
      derived.skipped.push(cell);
      ended.push(next);
    }
  }
}

/** Ends a step without telling its successors, which end with the run as well. */
export function finish(run: Run, step: Step, outcome: Exclude<StepOutcome, "none">, at: Millis): void {
  leave(run, step);
  dropSignals(run, step.plan.cell);
  step.phase = "ended";
  step.wait = "none";
  step.due = undefined;
  step.outcome = outcome;
  step.since = step.endedAt = at;
  run.left--;
}

/** What an upstream's end means for who needs it (EN-704): a reason to skip, or nothing. */
export function skipReason(mode: Need["mode"], upstream: Step): SkipReason | undefined {
  const { outcome } = upstream;
  if (outcome === "succeeded" || mode === "any" || mode === "optional") return undefined;
  if (isUntaken(upstream)) return mode === "after" ? undefined : "not_taken";
  if (outcome === "failed" || outcome === "expired") return "upstream_failed";
  return outcome === "cancelled" ? "upstream_cancelled" : "upstream_skipped";
}
