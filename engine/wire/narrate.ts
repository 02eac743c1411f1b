/**
 * From journal records to what watchers are told. Owns: the expansion of one journal event into one event for each
 * step it concerns. Pure, and browser-safe like the rest of the folder.
 */
import type { Millis } from "../base/clock.ts";
import type { JournalRecord, RunEvent, StepProblem } from "../run/event.ts";
import { type Derived, foldEvent, follows } from "../run/fold.ts";
import type { Run, Step } from "../run/state.ts";
import { runLabel, stepLabel } from "../run/words/label.ts";
import type { Marker, WireEvent } from "./frame.ts";

/** What a watcher is told, but for its number in the record. */
type Told = WireEvent extends infer E ? E extends WireEvent ? Omit<E, "n"> : never : never;

/**
 * Applies a record to the run and says what it meant. Per journal event, its own wire event comes first and then those
 * of the steps that it changed besides.
 *
 * @throws {RangeError} if the record does not follow the last one
 */
export function narrate(run: Run, record: JournalRecord): WireEvent[][] {
  follows(run, record);
  let n = 0;
  return record.events.map((event) => {
    const told = narrateEvent(run, event, record.seq, record.at, n);
    n += told.length;
    return told;
  });
}

/**
 * Applies one event of the record `seq` and says what it meant.
 *
 * @param n how many events of the record were told before
 */
export function narrateEvent(run: Run, event: RunEvent, seq: number, at: Millis, n: number): WireEvent[] {
  const derived = foldEvent(run, event, at);
  const base = { seq, at };
  const own = event.type === "step.interrupted" ? [] : [ownEvent(run, event, base)];
  return [...own, ...derivedEvents(run, event, derived, base)].map((told, i) =>
    ({ ...told, n: n + i }) as WireEvent
  );
}

type Base = { seq: number; at: Millis };

/** What became of a step that was interrupted is told as what followed from that. */
type OwnEvent = Exclude<RunEvent, { type: "step.interrupted" }>;

function ownEvent(run: Run, event: OwnEvent, base: Base): Told {
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
    case "run.expiring":
    case "run.reopened":
    case "run.restored":
    case "run.changed":
      return { ...base, type: event.type, label: runLabel(run) };
    case "run.marked":
      return { ...base, type: event.type, label: runLabel(run), checkpoint: event.checkpoint };
    case "signal.received": {
      const { signal: { id, name, source }, result: { answer } } = event;
      return { ...base, type: event.type, label: runLabel(run), signal: id, name, source, answer };
    }
    case "run.ended":
      return { ...base, type: event.type, label: event.outcome, ...present({ problem: event.problem }) };
    default:
      return stepEvent(run.steps.get(event.step)!, event, base);
  }
}

function stepEvent(step: Step, event: Extract<OwnEvent, { step: string }>, base: Base): Told {
  const common = { ...base, step: event.step, label: stepLabel(step), attempt: step.attempts };
  switch (event.type) {
    case "step.started":
      return { ...common, type: event.type, reason: event.reason };
    case "step.continued":
      return { ...common, type: event.type };

    case "step.delayed":
      return { ...common, type: event.type, due: event.due };
    case "step.held":
      return {
        ...common,
        type: event.type,
        wait: event.wait,
        ...present({ due: event.due, why: event.why }),
      };
    case "step.suspended": {
      const { wait, waitpoint, due, about } = event;
      return { ...common, type: event.type, wait, waitpoint, ...present({ due, about }) };
    }
    case "waitpoint.opened":
      return { ...common, type: event.type, waitpoint: event.waitpoint };
    case "child.opened":
      return { ...common, type: event.type, child: event.child };
    case "child.ended":
      return { ...common, type: event.type, child: event.child, outcome: event.outcome };
    case "step.resumed":
      return { ...common, type: event.type, ...present({ due: event.due }) };
    case "step.escalated":
      return { ...common, type: event.type, due: event.due };
    case "step.reserved":
      return { ...common, type: event.type, amounts: event.amounts };
    case "step.stopping":
      return { ...common, type: event.type, as: event.as };
    case "effect.intended":
      return { ...common, type: event.type, effect: event.effect, description: event.description };
    case "effect.done":
    case "effect.failed":
    case "effect.in-doubt":
    case "effect.compensated":
    case "effect.compensation-failed":
    case "effect.noted":
      return {
        ...common,
        type: event.type,
        effect: event.effect,
        ...present({ by: event.by, note: event.note }),
      };
    case "step.woken": {
      const { attempt: _, ...rest } = common;
      return { ...rest, type: "step.queued" };
    }
    case "step.succeeded": {
      const { value, usage, warnings, display } = event;
      const rest = present({ usage, warnings, display });
      return { ...common, type: event.type, marker: "succeeded", value, ...rest };
    }
    case "step.retried":
      return {
        ...common,
        type: event.type,
        marker: failureMarker(event.problem),
        due: event.due,
        problem: event.problem,
        ...present({ usage: event.usage }),
      };
    case "step.failed":
      return {
        ...common,
        type: event.type,
        marker: failureMarker(event.problem),
        problem: event.problem,
        ...present({ usage: event.usage }),
      };
    case "map.opened":
      return { ...common, type: event.type, count: event.count };
    case "step.declined":
      return { ...common, type: "step.skipped", reason: "not_taken", marker: "skipped" };
    case "step.cancelled":
      return {
        ...common,
        type: event.type,
        ...(event.attempt === 0 ? {} : { marker: event.as }),
        ...present({ reason: step.skipped, unsettled: event.unsettled }),
      };
    case "join.settled": {
      const { attempt: _, ...rest } = common;
      return { ...rest, type: event.type, met: step.join === "met" };
    }
    case "step.supplied": {
      const { attempt: _, ...rest } = common;
      return { ...rest, type: event.type, value: event.value };
    }
  }
}

function failureMarker({ code }: StepProblem): Marker {
  if (code === "timed-out") return "timed-out";
  return code === "recovery_limit" ? "lease-expired" : "failed";
}

function derivedEvents(run: Run, event: RunEvent, derived: Derived, base: Base): Told[] {
  const of = (name: string) => run.steps.get(name)!;
  const about = (step: string) => ({ ...base, step, label: stepLabel(of(step)) });
  const given = event.type === "run.released" || event.type === "step.interrupted" && !event.lost;
  const lost: Marker = given ? "released" : "lease-expired";
  return [
    ...derived.reopened.map((step): Told => ({
      ...about(step),
      type: "step.reopened",
      attempt: of(step).attempts,
    })),
    ...derived.restored.map((step): Told => {
      const { value, problem, skipped, because, warnings, usage, display, endedAt } = of(step);
      const end = present({ value, problem, reason: skipped, because, warnings, usage, display });
      return { ...about(step), type: "step.restored", endedAt: endedAt!, ...end };
    }),
    ...derived.reused.map((step): Told => {
      const { value, plan } = of(step);
      return { ...about(step), type: "step.reused", value: value!, ...present({ run: plan.reuse!.run }) };
    }),
    ...derived.interrupted.map((step): Told => {
      const { attempts, due } = of(step);
      return {
        ...about(step),
        type: "step.retried",
        marker: lost,
        attempt: attempts,
        due: due ?? base.at,
      };
    }),
    ...derived.stopped.map((step): Told => {
      const { attempts, outcome, skipped } = of(step);
      const rest = present({ reason: skipped });
      return {
        ...about(step),
        type: "step.cancelled",
        attempt: attempts,
        marker: outcome as Marker,
        ...rest,
      };
    }),
    ...derived.stopping.map((step): Told => ({
      ...about(step),
      type: "step.stopping",
      attempt: of(step).attempts,
      as: "cancelled",
    })),
    ...derived.skipped.map((step): Told => {
      const { skipped, because } = of(step);
      return { ...about(step), type: "step.skipped", reason: skipped!, ...present({ because }) };
    }),
    ...derived.ready.map((step): Told => ({ ...about(step), type: "step.queued" })),
    ...spendEvent(run, event, derived, base),
  ];
}

/** What the run has used, when that has changed by more than time, and at its beginning where there is a limit. */
function spendEvent(run: Run, event: RunEvent, { spend }: Derived, base: Base): Told[] {
  const begins = event.type === "run.queued" && run.limits !== undefined;
  if (spend === undefined && !begins) return [];
  const { limits, spent } = run;
  const warned = spend?.warned ?? [];
  return [{
    ...base,
    type: "run.spent",
    label: runLabel(run),
    spent: { ...spent },
    ...present({ limits: limits && { ...limits } }),
    ...(warned.length === 0 ? {} : { warned }),
  }];
}

/** An object without the fields that are undefined. */
function present<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}
