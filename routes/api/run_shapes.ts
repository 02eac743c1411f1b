/**
 * Runs, steps and attempts as answers show them (AP-401 to AP-403, as far as they exist). Owns: these shapes, in which
 * times are ISO 8601. Never: reading anything.
 */
import type { Explanation } from "../../engine/mod.ts";
import { written } from "../../engine/notebook/spend/limits.ts";
import type { ScopeUsage, Wait } from "../../engine/mod.ts";
import type { RunDetails, RunSummary } from "../../engine/mod.ts";
import type { CellView, RunView } from "../../engine/wire/view.ts";

/** A time as answers show it. */
export const iso = (at: number): string => new Date(at).toISOString();

/** Fields that are times, without those that are absent. */
export function isoTimes<K extends string>(times: Partial<Record<K, number>>): Partial<Record<K, string>> {
  return Object.fromEntries(
    Object.entries<number | undefined>(times).flatMap(([name, at]) =>
      at === undefined ? [] : [[name, iso(at)]]
    ),
  ) as Partial<Record<K, string>>;
}

/** Why something does not move. */
export function waitShape({ since, until, ...wait }: Wait) {
  return { ...wait, ...isoTimes({ since, until }) };
}

/** The sentences of {@link Wait}, as one text. */
export function sentenceOf(wait: Wait): string {
  return `${wait.what}. ${wait.next}.`;
}

/** What of a budget is used, in the units in which people write limits; `unknown` counts calls that are not in it. */
export function usageShape({ limits, settled: { unknown, ...settled }, reserved }: ScopeUsage) {
  return {
    settled: written(settled),
    reserved: written(reserved),
    ...limits === undefined ? {} : { limits: written(limits) },
    ...unknown === undefined ? {} : { unknown: { tokens: unknown.tokens, usd: unknown.usdMicros } },
  };
}

/** Why a run or a step does not move, with all that has a part in it. */
export function explanationShape({ wait, timer, ...rest }: Explanation) {
  return {
    ...rest,
    ...wait === undefined ? {} : { wait: waitShape(wait) },
    ...isoTimes({ timer }),
  };
}

/** A run in a list. */
export function summaryShape(run: RunSummary) {
  const { id, notebook, version, label, createdAt, startedAt, endedAt, startAt, deadline } = run;
  const { priority = 50, lane = "default", tags = {}, parent } = run;
  return {
    id,
    notebook,
    version,
    label,
    ...isoTimes({ createdAt, startedAt, endedAt, scheduledAt: startAt, deadline }),
    priority,
    lane,
    tags,
    ...parent === undefined ? {} : { parent },
    ...run.origin === undefined ? {} : { forkedFrom: run.origin },
  };
}

/** A run by itself. */
export function runShape(details: RunDetails, { problem, cursor }: RunView) {
  const { state, lease: { worker, epoch }, author, plan } = details;
  const { vector, wait, steps: total, byLabel } = state;
  return {
    ...summaryShape({ ...details, label: state.label }),
    author,
    vector,
    ...wait === undefined ? {} : { wait: waitShape(wait) },
    concurrency: plan.concurrency,
    restarts: details.restarts,
    ...worker === undefined ? {} : { owner: { worker, epoch } },
    counts: { total, byLabel },
    ...problem === undefined ? {} : { problem },
    cursor,
  };
}

/** One cell of a run; `undefined` if the run has no such cell. */
export function stepShape(details: RunDetails, view: RunView, name: string) {
  const state = Object.hasOwn(details.steps, name) ? details.steps[name] : undefined;
  // That of an item is its cell's.
  const of = name.split("[", 1)[0]!;
  const step = details.plan.steps.find(({ cell }) => cell === of);
  if (state === undefined || step === undefined) return undefined;
  const cell: Partial<CellView> = Object.hasOwn(view.cells, name) ? view.cells[name]! : {};
  const {
    value,
    problem,
    usage,
    progress,
    warnings,
    reusedFrom,
    skipped,
    because,
    stopping,
    unsettled,
    child,
  } = cell;
  const known = {
    value,
    problem,
    usage,
    progress,
    warnings,
    reusedFrom,
    skipped,
    because,
    stopping,
    unsettled,
    child,
  };
  return {
    run: details.id,
    step: name,
    kind: step.kind,
    label: state.label,
    attempts: state.attempt,
    ...state.wait === undefined ? {} : { wait: waitShape(state.wait) },
    needs: of === name ? step.needs : [],
    why: step.why,
    ...isoTimes({ startedAt: cell.startedAt, endedAt: cell.endedAt, due: cell.due }),
    ...Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined)),
  };
}
