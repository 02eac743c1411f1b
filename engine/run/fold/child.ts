/**
 * The runs that steps have begun, in the state of their run. Owns: this list, which is replaced and never changed, so that
 * whoever holds one sees what changed since. Called only by the fold.
 *
 * EN-810 Whatever ends a step, or gives it another try, lets go of the run that it waited for.
 */
import type { ChildRun, Run, Step } from "../state.ts";

/** A step has begun a run. */
export function openChild(run: Run, step: Step, child: string): void {
  step.child = child;
  run.children = { ...run.children, [child]: { step: step.plan.cell } };
}

/** A run that a step has begun has ended. */
export function endChild(run: Run, child: string): void {
  const known = run.children?.[child];
  if (known !== undefined) run.children = { ...run.children, [child]: { ...known, ended: true } };
}

/** The step does not wait for its run any more. */
export function dropChild(run: Run, step: Step): void {
  if (step.child === undefined) return;
  const left = Object.entries(run.children ?? {}).filter(([child]) => child !== step.child);
  step.child = undefined;
  run.children = left.length === 0 ? undefined : Object.fromEntries<ChildRun>(left);
}
