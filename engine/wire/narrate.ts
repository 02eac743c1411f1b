/**
 * From journal records to what watchers are told. Owns: the expansion of one journal event into one event for each
 * step it concerns. Pure, and browser-safe like the rest of the folder.
 */
import type { Millis } from "../base/clock.ts";
import type { JournalRecord, RunEvent } from "../run/event.ts";
import { type Derived, foldEvent } from "../run/fold.ts";
import { type Run, runLabel, type Step, stepLabel } from "../run/state.ts";
import type { WireEvent } from "./frame.ts";

/**
 * Applies a record to the run and says what it meant. Per journal event, its own wire event comes first and then those
 * of the steps that it changed besides.
 *
 * @throws {RangeError} if the record does not follow the last one
 */
export function narrate(run: Run, record: JournalRecord): WireEvent[][] {
  if (record.seq !== run.seq + 1) {
    throw new RangeError(`Journal of ${run.id} has ${record.seq} after ${run.seq}`);
  }
  run.seq = record.seq;
  return record.events.map((event) => narrateEvent(run, event, record.seq, record.at));
}

/** Applies one event of the record `seq` and says what it meant. */
export function narrateEvent(run: Run, event: RunEvent, seq: number, at: Millis): WireEvent[] {
  const derived = foldEvent(run, event, at);
  const own = ownEvent(run, event, seq, at);
  return [own, ...derivedEvents(run, derived, seq, at)];
}

function ownEvent(run: Run, event: RunEvent, seq: number, at: Millis): WireEvent {
  const base = { seq, at };
  switch (event.type) {
    case "run.queued":
      return {
        ...base,
        type: event.type,
        run: run.id,
        notebook: event.notebook,
        version: event.version,
        author: event.author,
        label: runLabel(run),
        steps: run.plan.steps.map((step) => step.cell),
      };
    case "run.started":
    case "run.adopted":
    case "run.released":
    case "run.paused":
    case "run.resumed":
    case "run.stopping":
    case "run.cancelling":
      return { ...base, type: event.type, label: runLabel(run) };
    case "run.ended":
      return { ...base, type: event.type, label: event.outcome, ...present({ problem: event.problem }) };
    default:
      return stepEvent(run.steps.get(event.step)!, event, base);
  }
}

function stepEvent(
  step: Step,
  event: Extract<RunEvent, { step: string }>,
  base: { seq: number; at: Millis },
): WireEvent {
  const common = { ...base, step: event.step, attempt: event.attempt, label: stepLabel(step) };
  switch (event.type) {
    case "step.started":
      return { ...common, type: event.type, reason: event.reason };
    case "step.succeeded": {
      const { value, usage, warnings, display } = event;
      return { ...common, type: event.type, value, ...present({ usage, warnings, display }) };
    }
    case "step.retried":
      return { ...common, type: event.type, due: event.due, problem: event.problem };
    case "step.failed":
      return { ...common, type: event.type, problem: event.problem, ...present({ usage: event.usage }) };
    case "step.cancelled":
      return { ...common, type: event.type };
  }
}

function derivedEvents(run: Run, derived: Derived, seq: number, at: Millis): WireEvent[] {
  const of = (name: string) => run.steps.get(name)!;
  return [
    ...derived.reused.map((step): WireEvent => {
      const { value, plan } = of(step);
      return {
        seq,
        at,
        type: "step.reused",
        step,
        label: stepLabel(of(step)),
        value: value!,
        run: plan.reuse!.run,
      };
    }),
    ...derived.interrupted.map((step): WireEvent => {
      const { attempts } = of(step);
      return { seq, at, type: "step.retried", step, label: stepLabel(of(step)), attempt: attempts, due: at };
    }),
    ...derived.skipped.map((step): WireEvent => {
      const { skipped, because } = of(step);
      return {
        seq,
        at,
        type: "step.skipped",
        step,
        label: stepLabel(of(step)),
        reason: skipped!,
        ...present({ because }),
      };
    }),
    ...derived.ready.map((step): WireEvent => ({
      seq,
      at,
      type: "step.queued",
      step,
      label: stepLabel(of(step)),
    })),
  ];
}

/** An object without the fields that are undefined. */
function present<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}
