/**
 * How events change a run: the fold of its journal. Owns: the only code, with the folder `fold/`, that changes
 * a {@link Run}. Never: decisions. What is decided is in `transition.ts`; here every event has exactly one meaning.
 *
 * S1 Folding the journal over the plan gives the state, whoever folds and whenever.
 * S3 A step ends once; only `run.reopened` and `run.restored` open it again.
 * S4 A step is `ready` only when all that it needs has settled, and its join with them.
 * S6 A join settles once, by `join.settled`.
 *
 * The fold changes the run in place, because a run of 10,000 cells has as many events and copying would cost the
 * square of that. A caller that must keep the old state folds the journal again.
 */
import type { Millis } from "../base/clock.ts";
import type { Need, Plan, StoredValue } from "../plan/types.ts";
import { recoveryDelayMs } from "./backoff.ts";
import type { JournalRecord, RunEvent } from "./event.ts";
import { endChild, openChild } from "./fold/child.ts";
import { foldJoinSettled } from "./fold/join_settled.ts";
import { openMap } from "./fold/map.ts";
import { newStep } from "./fold/new_step.ts";
import { reopen } from "./fold/reopen.ts";
import { restore } from "./fold/restore.ts";
import { claim, giveSignalsBack, openWaitpoint, receive } from "./fold/wait.ts";
import { changeLimits, count, reserve } from "./fold/spend.ts";
import { doubtIntended, foldEffect, foldUndo } from "./effects/fold.ts";
import { nothing } from "./spend/amounts.ts";
import { type Derived, enter, finish, leave, makeReady, stepOf } from "./fold/move.ts";
import { end } from "./fold/settle.ts";
import { DEFAULT_PRIORITY, type Run, type Step, type WorkerSession } from "./state.ts";
import { idleUntil } from "./timers.ts";

export type { Derived } from "./fold/move.ts";

/** A run before its first event. */
export function newRun(id: string, plan: Plan): Run {
  const successors = new Map<string, Need[]>(plan.steps.map((step) => [step.cell, []]));
  for (const step of plan.steps) {
    for (const need of step.needs) successors.get(need.cell)?.push({ ...need, cell: step.cell });
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
    events: 0,
    createdAt: 0,
    since: 0,
    priority: DEFAULT_PRIORITY,
    tags: {},
    restarts: 0,
    ...(plan.limits === undefined ? {} : { limits: plan.limits }),
    spent: nothing(),
    steps: new Map(plan.steps.map((step) => [step.cell, newStep(step)])),
    maps: [],
    successors,
    halted: false,
    ready: new Set(),
    open: new Set(),
    away: new Set(),
    routed: plan.steps.some(({ requires }) => requires !== undefined),
    waiting: new Set(),
    parked: new Set(),
    deciding: new Set(),
    short: new Set(),
    left: plan.steps.length,
  };
}

/**
 * Applies one journal record.
 *
 * @throws {RangeError} if the record does not follow the last one: the journal has a gap
 */
export function foldRecord(run: Run, record: JournalRecord): Derived[] {
  follows(run, record);
  return record.events.map((event) => foldEvent(run, event, record.at));
}

/** Moves the run to a record's number. Throws a `RangeError` if the record does not follow the last one. */
export function follows(run: Run, { seq }: JournalRecord): void {
  if (seq !== run.seq + 1) throw new RangeError(`Journal of ${run.id} has ${seq} after ${run.seq}`);
  run.seq = seq;
}

/** Applies one event. */
export function foldEvent(run: Run, event: RunEvent, at: Millis): Derived {
  const derived: Derived = {
    ready: [],
    skipped: [],
    reused: [],
    interrupted: [],
    stopped: [],
    stopping: [],
    reopened: [],
    restored: [],
  };
  run.events++;
  if ("step" in event) foldStep(run, stepOf(run, event.step), event, at, derived);
  else foldRun(run, event, at, derived);
  return derived;
}

type StepEvent = Extract<RunEvent, { step: string }>;

function foldRun(run: Run, event: Exclude<RunEvent, StepEvent>, at: Millis, derived: Derived): void {
  switch (event.type) {
    case "run.queued":
      run.notebook = event.notebook;
      run.author = event.author;
      run.params = event.params;
      run.createdAt = run.since = at;
      run.startAt = event.startAt;
      run.deadline = event.deadline;
      run.priority = event.priority ?? DEFAULT_PRIORITY;
      run.lane = event.lane;
      run.tags = event.tags ?? {};
      foldQueued(run, at, derived);
      break;
    case "run.started":
      run.phase = "active";
      run.since = at;
      run.startedAt ??= at;
      run.startAt = undefined;
      break;
    case "run.adopted":
      for (const name of withOwner(run)) interrupt(run, stepOf(run, name), at, derived, true);
      break;
    case "run.released":
      for (const name of withOwner(run)) interrupt(run, stepOf(run, name), at, derived, false);
      // Whether it waits for the clock or a person is in its steps, and the record's time says as of when.
      run.phase = "active";
      run.phase = idleUntil(run, at) <= at ? "queued" : "suspended";
      run.since = at;
      break;
    case "run.paused":
      tell(run, "pause", at);
      break;
    case "run.resumed":
      tell(run, "go", at);
      break;
    case "run.stopping":
      tell(run, "stop", at);
      break;
    case "run.cancelling":
      tell(run, "cancel", at);
      break;
    case "run.expiring":
      run.expiring = true;
      tell(run, "cancel", at);
      break;
    case "run.ended":
      foldEnded(run, event, at, derived);
      break;
    case "run.reopened":
      reopen(run, event, at, derived);
      break;
    case "run.marked": {
      const { checkpoint: id, reason, label } = event;
      const marked = { id, seq: run.seq, at, reason, ...(label === undefined ? {} : { label }) };
      run.checkpoints = [...run.checkpoints ?? [], marked];
      break;
    }
    case "run.restored":
      restore(run, event.seq, at, derived);
      break;
    case "run.changed":
      if (event.priority !== undefined) run.priority = event.priority;
      if (event.lane !== undefined) run.lane = event.lane ?? undefined;
      if (event.tags !== undefined) run.tags = event.tags;
      if (event.deadline !== undefined) run.deadline = event.deadline ?? undefined;
      if (event.limits !== undefined || event.cells !== undefined) changeLimits(run, event, derived);
      break;
    case "signal.received":
      receive(run, event, at);
      break;
  }
}

function foldStep(run: Run, step: Step, event: StepEvent, at: Millis, derived: Derived): void {
  if (step.attempt === "open" && CLOSING.has(event.type)) {
    // What was cancelled has been called; what is held has not been called again.
    const untold = GIVING_BACK.has(event.type) ? "release" : "estimate";
    count(run, step, "usage" in event ? event.usage : undefined, untold, at, derived);
  }
  switch (event.type) {
    case "step.started":
      begin(run, step, at);
      step.attempts = event.attempt;
      step.startedAt = at;
      step.manual =
        step.saved =
        step.frames =
        step.ranMs =
        step.signals =
        step.counted =
          undefined;
      goAway(run, step, event.on);
      break;
    case "step.continued":
      begin(run, step, at);
      goAway(run, step, event.on);
      break;
    case "step.interrupted":
      interrupt(run, step, at, derived, event.lost);
      break;
    case "step.delayed":
      giveBack(step, event, at);
      enter(run, step, "suspended", "delay", at, event.due);
      break;
    case "waitpoint.opened": {
      const { step: cell, attempt, name, expiresAt } = event;
      openWaitpoint(run, { id: event.waitpoint, step: cell, attempt, name, createdAt: at, expiresAt });
      break;
    }
    case "step.suspended": {
      const { wait, waitpoint, condition, timeout, resumeDelayMs, expiresAt, about } = event;
      giveBack(step, event, at);
      step.signals = undefined;
      step.suspension = {
        wait,
        waitpoint,
        condition,
        ...(timeout === undefined ? {} : { timeout }),
        ...(resumeDelayMs === undefined ? {} : { resumeDelayMs }),
      };
      enter(run, step, "suspended", wait, at, event.due);
      openWaitpoint(run, {
        id: waitpoint,
        step: event.step,
        attempt: event.attempt,
        name: event.step,
        createdAt: at,
        expiresAt,
        wait,
        ...(about === undefined ? {} : { about }),
      });
      break;
    }
    case "child.opened":
      openChild(run, step, event.child);
      break;
    case "child.ended":
      endChild(run, event.child);
      break;
    case "step.resumed":
      claim(run, step, event);
      if (step.attempt === "open") {
        // It kept its slot: what has run so far counts, and it is called again.
        const wasAway = step.away !== undefined;
        giveBack(step, { saved: event.saved, frames: event.frames ?? 0 }, at);
        if (wasAway) enter(run, step, "ready", "slot", at);
        else begin(run, step, at);
      } else if (event.due === undefined) enter(run, step, "ready", "slot", at);
      else enter(run, step, "suspended", "delay", at, event.due);
      break;
    case "step.escalated":
      step.suspension = { ...step.suspension!, escalated: true };
      enter(run, step, "suspended", step.suspension.wait, at, event.due);
      break;
    case "step.held":
      if (step.attempt === "open") giveBack(step, event, at);
      // What a person says of a doubt is acted on in a time of its own; its timeout may be why there is one.
      if (event.wait === "doubt" && step.attempt === "held") step.ranMs = 0;
      step.want = event.want;
      step.holdWhy = event.why;
      enter(run, step, "ready", event.wait, at, event.due);
      break;
    case "step.reserved":
      reserve(run, step, event, derived);
      break;
    case "effect.intended":
    case "effect.done":
    case "effect.failed":
    case "effect.in-doubt":
    case "effect.compensated":
    case "effect.compensation-failed":
    case "effect.noted":
      foldEffect(step, event);
      foldUndo(run, event);
      break;
    case "step.woken":
      enter(run, step, "ready", "slot", at);
      break;
    case "step.succeeded":
      step.source = "ran";
      step.value = event.value;
      step.usage = event.usage;
      step.warnings = event.warnings;
      step.display = event.display;
      step.problem = undefined;
      // It came to an end before its abort did.
      step.skipped = step.because = undefined;
      step.quality = (event.warnings?.length ?? 0) > 0 ? "warned" : "clean";
      if (event.fallback || readsSubstitute(run, step)) step.substitute = true;
      end(run, step, "succeeded", at, derived);
      break;
    case "step.retried":
      leave(run, step);
      enter(run, step, "ready", "backoff", at, event.due);
      step.problem = event.problem;
      break;
    case "step.failed":
      step.problem = event.problem;
      step.usage = event.usage;
      if (step.plan.errors === "stop") run.halted = true;
      end(run, step, "failed", at, derived);
      break;
    case "map.opened":
      giveBack(step, event, at);
      openMap(run, step, event, at, derived);
      break;
    case "step.declined":
      step.skipped = "not_taken";
      step.because = undefined;
      end(run, step, "skipped", at, derived);
      break;
    case "step.stopping":
      step.told = event.as;
      break;
    case "step.cancelled":
      if (event.unsettled) step.unsettled = true;
      if (event.as === "cancelled") haltsFor(run, step);
      if (event.as === "skipped") step.skipped = event.timedOut ? "timed_out" : "asked";
      end(run, step, event.as, at, derived);
      break;
    case "join.settled":
      foldJoinSettled(run, step, at, derived);
      break;
    case "step.supplied":
      step.source = "supplied";
      step.substitute = true;
      step.value = event.value;
      step.problem = undefined;
      end(run, step, "succeeded", at, derived);
      break;
  }
}

/** Events with which an open attempt ends, gives its slot back or is called again. */
const CLOSING: ReadonlySet<string> = new Set(
  ("step.delayed step.suspended step.resumed step.held map.opened step.declined step.succeeded step.retried " +
    "step.failed step.cancelled").split(" "),
);
/** Those of them after which nothing has been called that was set aside for. */
const GIVING_BACK: ReadonlySet<string> = new Set(
  "step.delayed step.suspended step.resumed step.held map.opened step.declined".split(" "),
);

/** An open attempt gives its slot back and keeps what its handler gets when it goes on. */
function giveBack(step: Step, { saved, frames }: { saved?: StoredValue; frames: number }, at: Millis): void {
  step.ranMs = (step.ranMs ?? 0) + Math.max(0, at - step.since);
  step.attempt = "held";
  doubtIntended(step);
  step.saved = saved;
  step.frames = frames;
}

function readsSubstitute(run: Run, { plan }: Step): boolean {
  return plan.needs.some(({ cell, mode }) =>
    (mode === "value" || mode === "optional") && run.steps.get(cell)!.substitute === true
  );
}

function tell(run: Run, intent: Run["intent"], at: Millis): void {
  run.intent = intent;
  run.since = at;
}

/** Settles what the plan takes from earlier runs, then readies what waits for nothing. */
function foldQueued(run: Run, at: Millis, derived: Derived): void {
  for (const step of run.steps.values()) {
    step.since = at;
    if (step.plan.action !== "reuse" || step.plan.reuse === undefined) continue;
    step.source = step.plan.reuse.run === undefined ? "supplied" : "reused";
    step.value = step.plan.reuse.value;
    if (step.source === "supplied") step.substitute = true;
    derived.reused.push(step.plan.cell);
    end(run, step, "succeeded", at, derived);
  }
  for (const step of run.steps.values()) {
    if (step.phase === "idle" && step.pending === 0) makeReady(run, step, at, derived);
  }
}

/** What has not ended ends with its run: an attempt that was held as the run did, all else as not begun. */
function foldEnded(
  run: Run,
  { outcome, problem }: Extract<RunEvent, { type: "run.ended" }>,
  at: Millis,
  derived: Derived,
): void {
  const expired = outcome === "expired";
  for (const step of run.steps.values()) {
    if (step.phase === "ended") continue;
    const held = step.attempt === "held";
    if (!held) step.skipped = expired ? "run_expired" : "run_stopped";
    (held ? derived.stopped : derived.skipped).push(step.plan.cell);
    finish(run, step, !held ? "skipped" : expired ? "expired" : "cancelled", at);
  }
  run.phase = "ended";
  run.outcome = outcome;
  run.problem = problem;
  run.since = at;
  run.endedAt = at;
}

function begin(run: Run, step: Step, at: Millis): void {
  enter(run, step, "running", "none", at);
  step.attempt = "open";
}

/** Open attempts that are with the run's owner. */
function withOwner(run: Run): string[] {
  return [...run.open].filter((name) => !run.away.has(name));
}

function goAway(run: Run, step: Step, on: WorkerSession | undefined): void {
  if (on === undefined) return;
  step.away = on;
  run.away.add(step.plan.cell);
}

/** A step is cancelled: one that was told so itself follows its policy, one that ends with its run or a join does not. */
function haltsFor(run: Run, step: Step): void {
  if (run.intent !== "cancel" && step.skipped !== "not_needed" && step.plan.errors === "stop") {
    run.halted = true;
  }
}

/** An open attempt was lost with its worker, or given back by it. */
function interrupt(run: Run, step: Step, at: Millis, derived: Derived, lost: boolean): void {
  const { cell } = step.plan;
  giveSignalsBack(run, step);
  doubtIntended(step);
  count(run, step, undefined, "estimate", at, derived);
  if (lost) step.recoveries++;
  step.uncounted++;
  // It was told to end, and it has.
  if (step.told !== undefined) {
    if (step.told === "skipped") step.skipped = "asked";
    else haltsFor(run, step);
    (step.told === "skipped" ? derived.skipped : derived.stopped).push(cell);
    return end(run, step, step.told, at, derived);
  }
  const delay = lost ? recoveryDelayMs(step.recoveries) : 0;
  if (delay > 0) enter(run, step, "ready", "backoff", at, at + delay);
  else enter(run, step, "ready", "slot", at);
  step.attempt = "interrupted";
  derived.interrupted.push(cell);
}
