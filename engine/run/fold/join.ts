/**
 * What a join counts, and which steps end with it. Owns: the votes, when they decide, and what is left over then.
 * Never: what follows for other steps; that is the fold of `join.settled`.
 *
 * S6 A join that has settled counts nothing more, until its step is opened again.
 *
 * The votes are counted as upstreams end, so that each end costs the same however many there are. A decided join settles
 * by an event of its own, `join.settled`, that names its step alone: which others end by it follows from the state
 * before it (EN-107), so that the decision, which asks for aborts, and every fold come to the same.
 */
import type { Need } from "../../plan/types.ts";
import type { Run, Step } from "../state.ts";

/** Upstreams of a step of which it is not known yet whether they let it run. */
export function pendingOf({ needs, join }: Step["plan"]): number {
  return join === undefined ? needs.length : needs.length - join.of + 1;
}

/** Counts the end of an upstream. Later ones than the one that decides do not count. */
export function vote(run: Run, step: Step, upstream: Step): void {
  if (step.join !== undefined || run.deciding.has(step.plan.cell)) return;
  if (upstream.outcome === "succeeded") (step.joined ??= []).push(upstream.plan.cell);
  else {
    step.against = (step.against ?? 0) + 1;
    step.because = upstream.plan.cell;
  }
  if (isDecided(step)) run.deciding.add(step.plan.cell);
}

/** Whether the votes of a join that has not settled decide it. */
export function isDecided(step: Step): boolean {
  return step.plan.join !== undefined && step.join === undefined &&
    (isMet(step) || step.plan.join.of - (step.against ?? 0) < step.plan.join.need);
}

/** Whether the votes are enough. */
export function isMet({ plan, joined = [] }: Step): boolean {
  return joined.length >= plan.join!.need;
}

/**
 * The steps that end as the join of a step settles (EN-804, EN-806): of those it counts, and of what runs only for them,
 * those that have not ended and that no other step needs which is not settled itself.
 */
export function leftOver(run: Run, step: Step): Set<Step> {
  const found = new Set<Step>();
  if (step.plan.join?.rest !== "cancel-remaining") return found;
  const met = isMet(step);
  const needed = ({ plan }: Step) =>
    run.successors.get(plan.cell)!.some(({ cell, join }) => {
      const below = run.steps.get(cell)!;
      // The step itself still needs what its join does not count, if it is to run.
      if (below === step) return met && !join;
      return !found.has(below) && below.phase === "idle" && !(join && below.join !== undefined);
    });
  // Those that run for something that ends; whether nothing else needs them may show only later.
  const wanted = new Set<Step>();
  const look = ({ plan }: Step, asks: (need: Need) => boolean | undefined) => {
    for (const need of plan.needs) {
      const upstream = run.steps.get(need.cell)!;
      if (asks(need)) wanted.add(upstream);
      if (wanted.has(upstream) && upstream.phase !== "ended" && !needed(upstream)) found.add(upstream);
    }
  };
  look(step, ({ join, mode }) => join || !met && isData(mode));
  // A set is walked in the order of adding, and what is added meanwhile comes up as well.
  for (const upstream of found) {
    // What one that waits reads runs for it; what only stands before it runs for itself.
    const waits = upstream.phase === "idle";
    look(upstream, ({ mode, join }) => waits && isData(mode) && !(join && upstream.join !== undefined));
  }
  return found;
}

function isData(mode: Need["mode"]): boolean {
  return mode === "value" || mode === "optional";
}
