/**
 * How steps that have ended run again (EN-605, EN-606): the fold of `run.reopened`. Owns: which steps that concerns and
 * what is forgotten of them. Called only by the fold; whether a step may be opened again is decided by a command.
 */
import type { Millis } from "../../base/clock.ts";
import type { RunEvent } from "../event.ts";
import { dropChild } from "./child.ts";
import { effectsBefore } from "../effects/fold.ts";
import { pendingOf, vote } from "./join.ts";
import { admit, dropMap, itemsOf } from "./map.ts";
import { type Derived, enter, makeReady, stepOf } from "./move.ts";
import { skipReason } from "./settle.ts";
import { isUntaken, OF_AN_END, type Run, type Step } from "../state.ts";

/** Steps that did not come to a value and were to, in run order. */
export function unsuccessful(run: Run): string[] {
  return [...run.steps].flatMap(([name, step]) =>
    step.phase === "ended" && step.outcome !== "succeeded" && step.skipped !== "not_needed" &&
      !isUntaken(step) && !(step.plan.item && run.steps.get(step.plan.item.of)!.outcome === "succeeded")
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
    const { skipped, plan } = run.steps.get(name)!;
    if (skipped === "not_needed") addEnded(name);
    if (plan.item !== undefined) found.add(plan.item.of);
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
  for (const name of [...run.maps]) {
    const step = stepOf(run, name);
    const anew = from?.includes(name) || step.plan.needs.some(({ cell }) => again.has(cell));
    if (!again.has(name) || !anew) continue;
    for (const { plan } of itemsOf(run, step)) again.delete(plan.cell);
    dropMap(run, step);
  }
  for (const name of again) clear(run, stepOf(run, name), at);
  derived.reopened.push(...again);
  if (restart) run.restarts++;
  if (run.phase === "ended") run.intent = "go";
  goOn(run, at);
  // In run order, so that what a step needs is settled before it is asked for.
  for (const { cell } of run.plan.steps) {
    if (!again.has(cell)) continue;
    const step = stepOf(run, cell);
    if (step.map !== undefined) reopenMap(run, step);
    settleNeeds(run, step, at, derived);
    if (step.map !== undefined && step.phase !== "ended") admit(run, step, at, derived);
  }
}

/** A run that had ended is queued again. */
export function goOn(run: Run, at: Millis): void {
  if (run.phase === "ended") {
    run.phase = "queued";
    run.outcome = "none";
    run.problem = run.endedAt = run.expiring = undefined;
    // One that has passed would end it again before anybody could change it.
    if (run.deadline !== undefined && run.deadline <= at) run.deadline = undefined;
  }
  run.since = at;
  // A failure that stands elsewhere does not keep from running what somebody wants to run; it counts in the outcome.
  run.halted = false;
}

/** Of a map that is kept those items run again that are to, and its step waits for them (EN-809). */
function reopenMap(run: Run, step: Step): void {
  const left = itemsOf(run, step).filter(({ phase }) => phase !== "ended").length;
  Object.assign(step.map!, { next: 0, underWay: 0, left, stopped: undefined });
  if (left > 0) step.pending++;
}

/** Back to where it was before its first attempt; attempts count on. */
export function clear(run: Run, step: Step, at: Millis): void {
  if (step.phase === "ended") {
    run.left++;
    keepFormer(run, step);
  }
  step.attempt = step.attempts === 0 ? "none" : "closed";
  step.recoveries = 0;
  step.uncounted = step.attempts;
  step.pending = pendingOf(step.plan);
  dropChild(run, step);
  for (const key of [...OF_AN_ATTEMPT, ...OF_AN_END]) (step as Partial<Step>)[key] = undefined;
  step.source = step.outcome = "none";
  step.quality = "clean";
  step.manual = step.attempts > 0 ? true : undefined;
  effectsBefore(step);
  enter(run, step, "idle", "inputs", at);
}

/** What belongs to the attempts that are over. */
const OF_AN_ATTEMPT = [
  "endedIn",
  "due",
  "saved",
  "frames",
  "ranMs",
  "suspension",
  "signals",
  "told",
] as const satisfies (keyof Step)[];

/** Former ends that a step keeps besides those that hold at a checkpoint somebody has named. */
const MOST_FORMER = 10;

/** The end that a step has had stays known, for a run that goes back to when it held. */
function keepFormer(run: Run, step: Step): void {
  const end = Object.fromEntries(
    OF_AN_END.flatMap((key) => step[key] === undefined ? [] : [[key, step[key]]]),
  ) as Pick<Step, typeof OF_AN_END[number]>;
  const former = { ...end, from: step.endedIn ?? run.seq, until: run.seq };
  const named = run.checkpoints ?? [];
  step.former = [...step.former ?? [], former].filter(({ from, until }, i, all) =>
    i >= all.length - MOST_FORMER || named.some(({ seq }) => from <= seq && seq < until)
  );
}

/** What has settled already counts at once (R11); for a join in the order in which it ended. */
export function settleNeeds(run: Run, step: Step, at: Millis, derived: Derived): void {
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
    step.endedIn = run.seq;
    run.left--;
    derived.skipped.push(step.plan.cell);
  } else if (step.pending === 0) makeReady(run, step, at, derived);
}
