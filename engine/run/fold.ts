/**
 * How events change a run: the fold of its journal. Owns: the only code that changes a {@link Run}.
 * Never: decisions. What is decided is in `transition.ts`; here every event has exactly one meaning.
 *
 * S1 Folding the journal over the plan gives the state, whoever folds and whenever.
 * S3 A step ends once; nothing here reopens one.
 * S4 A step is `ready` only when all that it needs has settled.
 *
 * The fold changes the run in place, because a run of 10,000 cells has as many events and copying would cost the
 * square of that. A caller that must keep the old state folds the journal again.
 */
import type { Millis } from "../base/clock.ts";
import type { Need, Plan, PlanStep } from "../plan/types.ts";
import type { JournalRecord, RunEvent } from "./event.ts";
import type { Run, SkipReason, Step } from "./state.ts";

/** Steps that an event changed besides the one it names, in the order of change. */
export interface Derived {
  ready: string[];
  skipped: string[];
  reused: string[];
  /** Open attempts that were lost with their worker. */
  interrupted: string[];
}

/** A run before its first event. */
export function newRun(id: string, plan: Plan): Run {
  const successors = new Map<string, Need[]>(plan.steps.map((step) => [step.cell, []]));
  for (const step of plan.steps) {
    for (const need of step.needs) successors.get(need.cell)?.push({ cell: step.cell, mode: need.mode });
  }
  return {
    id,
    plan,
    notebook: "",
    author: "",
    phase: "queued",
    intent: "go",
    outcome: "none",
    seq: 0,
    createdAt: 0,
    steps: new Map(plan.steps.map((step) => [step.cell, newStep(step)])),
    successors,
    halted: false,
    ready: new Set(),
    open: new Set(),
    left: plan.steps.length,
  };
}

function newStep(plan: PlanStep): Step {
  return {
    plan,
    phase: "idle",
    attempt: "none",
    attempts: 0,
    recoveries: 0,
    released: 0,
    source: "none",
    outcome: "none",
    wait: "inputs",
    quality: "clean",
    pending: plan.needs.length,
  };
}

/**
 * Applies one journal record.
 *
 * @throws {RangeError} if the record does not follow the last one: the journal has a gap
 */
export function foldRecord(run: Run, record: JournalRecord): Derived[] {
  if (record.seq !== run.seq + 1) {
    throw new RangeError(`Journal of ${run.id} has ${record.seq} after ${run.seq}`);
  }
  run.seq = record.seq;
  return record.events.map((event) => foldEvent(run, event, record.at));
}

/** Applies one event. */
export function foldEvent(run: Run, event: RunEvent, at: Millis): Derived {
  const derived: Derived = { ready: [], skipped: [], reused: [], interrupted: [] };
  switch (event.type) {
    case "run.queued":
      run.notebook = event.notebook;
      run.author = event.author;
      run.params = event.params;
      run.createdAt = at;
      foldQueued(run, at, derived);
      break;
    case "run.started":
      run.phase = "active";
      run.startedAt = at;
      break;
    case "run.adopted":
      for (const name of [...run.open]) {
        stepOf(run, name).recoveries++;
        interrupt(run, stepOf(run, name), derived);
      }
      break;
    case "run.released":
      for (const name of [...run.open]) {
        stepOf(run, name).released++;
        interrupt(run, stepOf(run, name), derived);
      }
      break;
    case "run.paused":
      run.intent = "pause";
      break;
    case "run.resumed":
      run.intent = "go";
      break;
    case "run.stopping":
      run.intent = "stop";
      break;
    case "run.cancelling":
      run.intent = "cancel";
      break;
    case "run.ended":
      for (const step of run.steps.values()) {
        if (step.phase !== "ended") skip(run, step, "run_stopped", undefined, at, derived);
      }
      run.phase = "ended";
      run.outcome = event.outcome;
      run.problem = event.problem;
      run.endedAt = at;
      break;
    case "step.started": {
      const step = stepOf(run, event.step);
      step.phase = "running";
      step.attempt = "open";
      step.attempts = event.attempt;
      step.wait = "none";
      step.startedAt = at;
      step.due = undefined;
      run.ready.delete(event.step);
      run.open.add(event.step);
      break;
    }
    case "step.succeeded": {
      const step = stepOf(run, event.step);
      step.source = "ran";
      step.value = event.value;
      step.usage = event.usage;
      step.warnings = event.warnings;
      step.display = event.display;
      step.problem = undefined;
      step.quality = (event.warnings?.length ?? 0) > 0 ? "warned" : "clean";
      end(run, step, "succeeded", at, derived);
      break;
    }
    case "step.retried": {
      const step = stepOf(run, event.step);
      close(run, step);
      step.phase = "ready";
      step.wait = "backoff";
      step.due = event.due;
      step.problem = event.problem;
      run.ready.add(event.step);
      break;
    }
    case "step.failed": {
      const step = stepOf(run, event.step);
      step.problem = event.problem;
      step.usage = event.usage;
      if (step.plan.errors === "stop") run.halted = true;
      end(run, step, "failed", at, derived);
      break;
    }
    case "step.cancelled":
      end(run, stepOf(run, event.step), "cancelled", at, derived);
      break;
  }
  return derived;
}

function stepOf(run: Run, name: string): Step {
  const step = run.steps.get(name);
  if (step === undefined) {
    throw new RangeError(`Journal of ${run.id} names a step that its plan lacks: ${name}`);
  }
  return step;
}

/** Settles what the plan takes from earlier runs, then readies what waits for nothing. */
function foldQueued(run: Run, at: Millis, derived: Derived): void {
  for (const step of run.steps.values()) {
    if (step.plan.action !== "reuse" || step.plan.reuse === undefined) continue;
    step.source = "reused";
    step.value = step.plan.reuse.value;
    derived.reused.push(step.plan.cell);
    end(run, step, "succeeded", at, derived);
  }
  for (const step of run.steps.values()) {
    if (step.phase === "idle" && step.pending === 0) makeReady(run, step, derived);
  }
}

function makeReady(run: Run, step: Step, derived: Derived): void {
  if (step.phase !== "idle") return;
  step.phase = "ready";
  step.wait = "slot";
  run.ready.add(step.plan.cell);
  derived.ready.push(step.plan.cell);
}

function interrupt(run: Run, step: Step, derived: Derived): void {
  run.open.delete(step.plan.cell);
  step.phase = "ready";
  step.attempt = "interrupted";
  step.wait = "slot";
  run.ready.add(step.plan.cell);
  derived.interrupted.push(step.plan.cell);
}

function close(run: Run, step: Step): void {
  if (step.attempt === "open" || step.attempt === "interrupted") step.attempt = "closed";
  run.open.delete(step.plan.cell);
  run.ready.delete(step.plan.cell);
}

/** Ends a step and tells its successors, and theirs, without recursion: a cascade may be 10,000 deep. */
function end(
  run: Run,
  step: Step,
  outcome: Exclude<Step["outcome"], "none">,
  at: Millis,
  derived: Derived,
): void {
  const ended = [step];
  finish(run, step, outcome, at);
  for (let last = ended.pop(); last !== undefined; last = ended.pop()) {
    for (const { cell, mode } of run.successors.get(last.plan.cell) ?? []) {
      const next = stepOf(run, cell);
      if (next.phase !== "idle") continue;
      const reason = skipReason(mode, last.outcome);
      if (reason === undefined) {
        next.pending--;
        if (next.pending === 0) makeReady(run, next, derived);
        continue;
      }
      next.skipped = reason;
      next.because = last.plan.cell;
      finish(run, next, "skipped", at);
      derived.skipped.push(cell);
      ended.push(next);
    }
  }
}

function skip(
  run: Run,
  step: Step,
  reason: SkipReason,
  because: string | undefined,
  at: Millis,
  derived: Derived,
): void {
  step.skipped = reason;
  step.because = because;
  finish(run, step, "skipped", at);
  derived.skipped.push(step.plan.cell);
}

function finish(run: Run, step: Step, outcome: Exclude<Step["outcome"], "none">, at: Millis): void {
  close(run, step);
  step.phase = "ended";
  step.wait = "none";
  step.due = undefined;
  step.outcome = outcome;
  step.endedAt = at;
  run.left--;
}

/** What an upstream's end means for who needs it (EN-704): a reason to skip, or nothing. */
function skipReason(mode: Need["mode"], outcome: Step["outcome"]): SkipReason | undefined {
  if (outcome === "succeeded" || mode === "any" || mode === "optional") return undefined;
  if (outcome === "failed") return "upstream_failed";
  return outcome === "cancelled" ? "upstream_cancelled" : "upstream_skipped";
}
