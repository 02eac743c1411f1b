/**
 * How what attempts use reaches the sums of their step and run. Owns: when a reservation ends and at what it counts.
 * Called only by the fold.
 *
 * E4 Spent is what was reported; a call of which nobody knows how it went counts as what was reserved for it (EN-1106).
 */
import type { Millis } from "../../base/clock.ts";
import type { Limits } from "../../notebook/spend/limits.ts";
import type { LimitChange, RunEvent, Usage } from "../event.ts";
import { add, type Amounts, nearlyUsed, nothing, plus, type Used, usedBy } from "../spend/amounts.ts";
import type { Run, Step } from "../state.ts";
import { type Derived, stepOf } from "./move.ts";

/** What becomes of a reservation of which no usage is told: the call may have been made, or it was not. */
type Untold = "estimate" | "release";

/** Adds what an open attempt has used since it was last counted, and ends its reservation. Its time is up to `at`. */
export function count(
  run: Run,
  step: Step,
  usage: Usage | undefined,
  untold: Untold,
  at: Millis,
  derived: Derived,
): void {
  const ms = Math.max(0, at - step.since);
  run.spent.ms += ms;
  if (step.limits?.ms !== undefined || step.spent !== undefined) (step.spent ??= nothing()).ms += ms;
  const { reserved } = step;
  if (usage !== undefined || reserved !== undefined) {
    spend(run, step, usedSince(step, usage, untold), derived);
    release(run, step);
  } else warn(run, step, derived);
}

/** Sets aside what an open attempt may use next; what it has used so far is counted. */
export function reserve(
  run: Run,
  step: Step,
  { amounts, usage }: Extract<RunEvent, { type: "step.reserved" }>,
  derived: Derived,
): void {
  if (usage !== undefined || step.reserved !== undefined) {
    spend(run, step, usedSince(step, usage, "estimate"), derived);
    release(run, step);
  }
  step.reserved = amounts;
  run.reserved = plus(run.reserved ?? {}, amounts);
}

/** New limits of the run and of cells; people are warned anew of those that changed. */
export function changeLimits(
  run: Run,
  { limits, cells = {} }: Pick<Extract<RunEvent, { type: "run.changed" }>, "limits" | "cells">,
  derived: Derived,
): void {
  if (limits !== undefined) change(run, limits);
  for (const [name, its] of Object.entries(cells)) change(stepOf(run, name), its);
  derived.spend ??= { warned: [] };
}

function change(scope: Pick<Run | Step, "limits" | "warned">, to: LimitChange): void {
  scope.limits = withChange(scope.limits, to);
  scope.warned = scope.warned?.filter((dimension) => !Object.hasOwn(to, dimension));
}

/** Limits after a change. */
export function withChange(limits: Limits | undefined, to: LimitChange): Limits {
  const after = Object.entries({ ...limits, ...to }).filter(([, value]) => value !== null);
  return Object.fromEntries(after);
}

function usedSince(step: Step, usage: Usage | undefined, untold: Untold): Used {
  const { reserved = {}, counted = {} } = step;
  if (usage === undefined) return { amounts: untold === "estimate" ? known(reserved) : {}, unknown: [] };
  const { amounts, unknown } = usedBy(usage, step.reserved, counted);
  const fresh = plus(amounts, counted, -1);
  step.counted = amounts;
  return { amounts: fresh, unknown };
}

/** Nothing is reserved at an unknown price where a limit asks for it, but elsewhere it may be. */
function known({ usdMicros, ...amounts }: Amounts): Amounts {
  return usdMicros === null || usdMicros === undefined ? amounts : { ...amounts, usdMicros };
}

function spend(run: Run, step: Step, used: Used, derived: Derived): void {
  add(run.spent, used);
  add(step.spent ??= nothing(), used);
  derived.spend ??= { warned: [] };
  warn(run, step, derived);
}

function release(run: Run, step: Step): void {
  if (step.reserved === undefined) return;
  const left = plus(run.reserved ?? {}, step.reserved, -1);
  run.reserved = Object.keys(left).length === 0 ? undefined : left;
  step.reserved = undefined;
}

/** EN-1104: once per scope and dimension. */
function warn(run: Run, step: Step, derived: Derived): void {
  for (const [scope, cell] of [[step, step.plan.cell], [run, undefined]] as const) {
    if (scope.limits === undefined) continue;
    for (const dimension of nearlyUsed(scope, scope.warned)) {
      scope.warned = [...scope.warned ?? [], dimension];
      derived.spend ??= { warned: [] };
      derived.spend.warned.push({
        ...(cell === undefined ? {} : { cell }),
        dimension,
        used: scope.spent?.[dimension] ?? 0,
        limit: scope.limits[dimension]!,
      });
    }
  }
}
