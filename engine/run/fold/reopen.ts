/**
 * How steps that have ended run again (EN-605, EN-606): the fold of `run.reopened`. Owns: which steps that concerns and
 * what is forgotten of them. Called only by the fold; whether a step may be opened again is decided by a command.
 */
import type { Millis } from "../../base/clock.ts";
import type { RunEvent } from "../event.ts";
import { pendingOf, vote } from "./join.ts";
import { type Derived, enter, makeReady, skipReason, stepOf } from "./settle.ts";
import { isUntaken, type Run, type Step } from "../state.ts";

/** Steps that did not come to a value and were to, in run order. */
export function unsuccessful(run: Run): string[] {
  return [...run.steps].flatMap(([name, step]) =>
    step.phase === "ended" && step.outcome !== "succeeded" && step.skipped !== "not_needed" &&
      !isUntaken(step)
      ? [name]
      : []
  );
}

/**
 * These steps and everything below them. A join of which one upstream runs again may come out otherwise, so that those
 * which it ended before run again as well.
 */
export function withAllBelow(run: Run, names: Iterable<string>): Set<string> {
  const found = new Set(names);
  const addEnded = (name: string) => {
    for (const { cell } of run.steps.get(name)!.plan.needs) {
      if (run.steps.get(cell)!.skipped === "not_needed") found.add(cell);
    }
  };
  // A set is walked in the order of adding, and what is added meanwhile comes up as well.
  for (const name of found) {
    if (run.steps.get(name)!.skipped === "not_needed") addEnded(name);
    for (const { cell, join } of run.successors.get(name) ?? []) {
      found.add(cell);
      if (join) addEnded(cell);
    }
  }
  return found;
}

/** Applies the event. */
export function reopen(
  run: Run,
  { from, restart }: Extract<RunEvent, { type: "run.reopened" }>,
  at: Millis,
  derived: Derived,
): void {
  const again = withAllBelow(run, from ?? unsuccessful(run));
  for (const name of again) clear(run, stepOf(run, name), at);
  derived.reopened.push(...again);
  if (restart) run.restarts++;
  if (run.phase === "ended") {
    run.phase = "queued";
    run.outcome = "none";
    run.intent = "go";
    run.problem = run.endedAt = run.expiring = undefined;
    // One that has passed would end it again before anybody could change it.
    if (run.deadline !== undefined && run.deadline <= at) run.deadline = undefined;
  }
  run.since = at;
  // A failure that stands elsewhere does not keep from running what somebody wants to run; it counts in the outcome.
  run.halted = false;
  // In run order, so that what a step needs is settled before it is asked for.
  for (const { cell } of run.plan.steps) {
    if (again.has(cell)) settleNeeds(run, stepOf(run, cell), at, derived);
  }
}

/** Back to where it was before its first attempt; attempts count on. */
function clear(run: Run, step: Step, at: Millis): void {
  if (step.phase === "ended") run.left++;
  step.attempt = step.attempts === 0 ? "none" : "closed";
  step.recoveries = 0;
  step.uncounted = step.attempts;
  step.source = step.outcome = "none";
  step.quality = "clean";
  step.pending = pendingOf(step.plan);
  for (const key of FORGOTTEN) step[key] = undefined;
  step.manual = step.attempts > 0 ? true : undefined;
  enter(run, step, "idle", "inputs", at);
}

/** What belongs to the attempts and the end that are over. */
const FORGOTTEN = [
  "endedAt",
  "due",
  "saved",
  "frames",
  "ranMs",
  "suspension",
  "signals",
  "told",
  "value",
  "problem",
  "skipped",
  "because",
  "joined",
  "against",
  "join",
  "usage",
  "warnings",
  "display",
  "unsettled",
  "substitute",
] as const satisfies (keyof Step)[];

/** What has settled already counts at once (R11); for a join in the order in which it ended. */
function settleNeeds(run: Run, step: Step, at: Millis, derived: Derived): void {
  const votes: Step[] = [];
  for (const { cell, mode, join } of step.plan.needs) {
    const upstream = stepOf(run, cell);
    if (upstream.phase !== "ended") continue;
    if (join) {
      votes.push(upstream);
      continue;
    }
    const reason = skipReason(mode, upstream);
    if (reason === undefined) step.pending--;
    else {
      step.skipped ??= reason;
      step.because ??= cell;
    }
  }
  votes.sort((a, b) => a.endedAt! - b.endedAt!).forEach((upstream) => vote(run, step, upstream));
  if (step.skipped !== undefined) {
    run.deciding.delete(step.plan.cell);
    step.phase = "ended";
    step.outcome = "skipped";
    step.wait = "none";
    step.endedAt = at;
    run.left--;
    derived.skipped.push(step.plan.cell);
  } else if (step.pending === 0) makeReady(run, step, at, derived);
}
