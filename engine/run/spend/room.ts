/**
 * Whether a run's budgets have room for a step. Owns: which budgets a step is under, and what is short, in words. Pure.
 * Never: budgets that runs share; those have ledgers (`engine/work/spend`).
 *
 * EN-1102 What a step wants fits all of its budgets, or none takes it.
 */
import type { Dimension, OnLimit } from "../../notebook/spend/limits.ts";
import type { Run, Step } from "../state.ts";
import { type Amounts, lacking, type Scope } from "./amounts.ts";

/** What is short where. */
export interface Shortage {
  /** Absent: the whole run's. */
  cell?: string;
  dimension: Dimension;
  scope: Scope;
  want: Amounts;
}

/** The first budget of a step, its own before its run's, that has no room for what it wants. */
export function shortage(run: Run, step: Step, want: Amounts): Shortage | undefined {
  const own = step.limits === undefined ? undefined : lacking(step, want);
  if (own !== undefined) return { cell: step.plan.cell, dimension: own, scope: step, want };
  const whole = run.limits === undefined ? undefined : lacking(run, want);
  return whole === undefined ? undefined : { dimension: whole, scope: run, want };
}

/** The first of the steps that are short of a budget for which there is room by now. */
export function hasRoomAgain(run: Run): string | undefined {
  for (const name of run.short) {
    const step = run.steps.get(name)!;
    if (shortage(run, step, step.want ?? {}) === undefined) return name;
  }
}

/** What any start needs of a budget of time. */
export const SOME_TIME: Amounts = { ms: 1 };

/** Whether the time that a step or its run may take is used up, so that the step may not start. */
export function isOutOfTime(run: Run, step: Step): boolean {
  if (run.limits?.ms === undefined && step.limits?.ms === undefined) return false;
  return shortage(run, step, SOME_TIME) !== undefined;
}

/** Whether a step is under a budget of its run. */
export function isLimited(run: Run, step: Step): boolean {
  return hasAny(run.limits) || hasAny(step.limits);
}

function hasAny(limits: object | undefined): boolean {
  return limits !== undefined && Object.keys(limits).length > 0;
}

/** What is to become of a step that does not fit. */
export function onLimitOf(run: Run, step: Step): OnLimit {
  return step.plan.onLimit ?? run.plan.onLimit ?? "pause";
}

/** An amount with its unit, as people read it. */
export function amountText(dimension: Dimension, amount: number): string {
  if (dimension === "usdMicros") return `$${(amount / 1_000_000).toFixed(amount % 10_000 === 0 ? 2 : 6)}`;
  if (dimension === "ms") return `${(amount / 60_000).toFixed(amount % 60_000 === 0 ? 0 : 1)} min`;
  const text = String(amount).replace(/\B(?=(\d{3})+$)/g, ",");
  const unit = dimension === "calls" && amount === 1 ? "call" : dimension;
  return `${text} ${unit}`;
}

/** What is short, as a sentence without a full stop. */
export function shortageText({ cell, dimension, scope, want }: Shortage): string {
  const whose = cell === undefined ? "The run" : `'${cell}'`;
  const limit = amountText(dimension, scope.limits?.[dimension] ?? 0);
  const spent = amountText(dimension, scope.spent?.[dimension] ?? 0);
  const wanted = want[dimension];
  if (wanted === null) {
    const part = cell === undefined ? "the run" : whose;
    return `The price of the model is not known, so that nobody can say whether a call fits the ${limit} of ${part}`;
  }
  const reserved = scope.reserved?.[dimension] ?? 0;
  const held = reserved === 0 ? "" : `, with ${amountText(dimension, reserved)} reserved for open calls`;
  const needs = dimension === "ms" || dimension === "calls"
    ? ""
    : `; the next call may take ${amountText(dimension, wanted ?? 0)}`;
  return `${whose} has used ${spent} of ${limit}${held}${needs}`;
}
