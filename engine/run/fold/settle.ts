/**
 * How the end of a step reaches the steps below it. Owns: the cascade (EN-704, EN-706). Called only by the fold.
 */
import type { Millis } from "../../base/clock.ts";
import type { Need } from "../../plan/types.ts";
import { isUntaken, type Run, type SkipReason, type Step, type StepOutcome } from "../state.ts";
import { vote } from "./join.ts";
import { closeItems, itemEnded } from "./map.ts";
import { type Derived, finish, makeReady, stepOf } from "./move.ts";

/** Ends a step and tells its successors, and theirs, without recursion: a cascade may be 10,000 deep. */
export function end(
  run: Run,
  step: Step,
  outcome: Exclude<StepOutcome, "none">,
  at: Millis,
  derived: Derived,
): void {
  const ended = [step];
  const began = step.phase !== "idle";
  finish(run, step, outcome, at);
  closeItems(run, step, at, derived);
  if (step.plan.item !== undefined) itemEnded(run, step, began, at, derived);
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

/** What an upstream's end means for who needs it (EN-704): a reason to skip, or nothing. */
export function skipReason(mode: Need["mode"], upstream: Step): SkipReason | undefined {
  const { outcome } = upstream;
  if (outcome === "succeeded" || mode === "any" || mode === "optional") return undefined;
  if (isUntaken(upstream)) return mode === "after" ? undefined : "not_taken";
  if (outcome === "failed" || outcome === "expired") return "upstream_failed";
  return outcome === "cancelled" ? "upstream_cancelled" : "upstream_skipped";
}
