/**
 * How a step moves between phases and the lists of its run. Owns: these moves. Never: what they mean for other steps; that
 * is `settle.ts`. Called only by the fold.
 */
import type { Millis } from "../../base/clock.ts";
import type { Dimension } from "../../notebook/spend/limits.ts";
import { isHeld, type Run, type Step, type StepOutcome, type StepPhase } from "../state.ts";
import { dropChild } from "./child.ts";
import { doubtIntended } from "../effects/fold.ts";
import { closeWaitpoints, dropSignals } from "./wait.ts";

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
  /** After that: they have an end again that they had before. */
  restored: string[];
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

function unlist(run: Run, step: Step): void {
  const { plan: { cell } } = step;
  run.open.delete(cell);
  run.ready.delete(cell);
  run.waiting.delete(cell);
  run.parked.delete(cell);
  run.deciding.delete(cell);
  run.short.delete(cell);
  if (step.away === undefined) return;
  step.away = undefined;
  run.away.delete(cell);
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
  doubtIntended(step);
  unlist(run, step);
  dropChild(run, step);
  closeWaitpoints(run, step.plan.cell);
}

/** Readies a step that waits for nothing any more. */
export function makeReady(run: Run, step: Step, at: Millis, derived: Derived): void {
  if (step.phase !== "idle") return;
  enter(run, step, "ready", "slot", at);
  derived.ready.push(step.plan.cell);
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
  step.endedIn = run.seq;
  run.left--;
}
