/**
 * What waits do to a run's state: waitpoints that open and close, signals that come and are taken. Owns: these lists,
 * which are replaced and never changed, so that whoever holds one sees what changed since. Called only by the fold.
 *
 * EN-705 Whatever ends a step closes its waitpoints.
 */
import type { Millis } from "../../base/clock.ts";
import type { RunEvent } from "../event.ts";
import type { Run, Step } from "../state.ts";
import { KEY_MS, type Signal, type Waitpoint } from "../waits/types.ts";

/** A waitpoint is open from here on. */
export function openWaitpoint(run: Run, waitpoint: Waitpoint): void {
  run.waitpointsMade = (run.waitpointsMade ?? 0) + 1;
  run.waitpoints = [...run.waitpoints ?? [], waitpoint];
}

/** Closes the waitpoints of a step. */
export function closeWaitpoints(run: Run, cell: string): void {
  if (run.waitpoints === undefined) return;
  const open = run.waitpoints.filter(({ step }) => step !== cell);
  if (open.length < run.waitpoints.length) run.waitpoints = open.length === 0 ? undefined : open;
}

/** Drops signals that only this step could take: it has ended. */
export function dropSignals(run: Run, cell: string): void {
  if (run.signals === undefined) return;
  keep(run, run.signals.filter(({ step }) => step !== cell));
}

/** A signal was taken. */
export function receive(
  run: Run,
  { signal, key, result }: Extract<RunEvent, { type: "signal.received" }>,
  at: Millis,
): void {
  run.signalsMade = (run.signalsMade ?? 0) + 1;
  if (result.answer === "applied" || result.answer === "buffered") {
    run.signals = [...run.signals ?? [], signal];
  }
  if (key === undefined) return;
  const remembered = Object.entries(run.answered ?? {}).filter((entry) => at < entry[1].at + KEY_MS);
  run.answered = { ...Object.fromEntries(remembered), [key]: { at, result } };
}

/** A suspension is over: its signals are the step's, and its waitpoints are closed. */
export function claim(
  run: Run,
  step: Step,
  { signals, own }: Extract<RunEvent, { type: "step.resumed" }>,
): void {
  const { cell } = step.plan;
  const ids = new Set(signals);
  const taken = (run.signals ?? []).filter(({ id }) => ids.has(id));
  step.signals = own === undefined ? taken : [...taken, own];
  step.suspension = undefined;
  // What else came to its waitpoints came too late.
  keep(run, (run.signals ?? []).filter(({ id, step }) => !ids.has(id) && step !== cell));
  closeWaitpoints(run, cell);
}

/** An attempt was lost with what it had taken: the next one gets it again (T3). */
export function giveSignalsBack(run: Run, step: Step): void {
  const { cell } = step.plan;
  closeWaitpoints(run, cell);
  const given = (step.signals ?? []).map((signal) => ({ ...signal, step: cell }));
  step.signals = undefined;
  if (given.length === 0) return;
  run.signals = [...given, ...run.signals ?? []].sort((a: Signal, b: Signal) => a.at - b.at);
}

function keep(run: Run, signals: readonly Signal[]): void {
  run.signals = signals.length === 0 ? undefined : signals;
}
