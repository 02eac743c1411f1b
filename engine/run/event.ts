/**
 * What can have happened to a run: the closed union of journal events. Owns: the union and what each field says.
 * Never: how an event changes the state; that is `fold.ts`.
 *
 * Events do not grow with the graph: `run.ended`, `run.reopened`, `step.failed` and `join.settled` stand for whatever
 * the fold derives from them.
 */
import type { Millis } from "../base/clock.ts";
import type { JsonObject } from "../base/json.ts";
import type { FailureCategory, StoredValue } from "../plan/types.ts";
import type { Descriptor, Operation } from "../notebook/effects/descriptor.ts";
import type { Limits } from "../notebook/spend/limits.ts";
import type { Amounts } from "./spend/amounts.ts";
import type { Hold, WorkerSession } from "./state.ts";
import type { Condition, Signal, SignalResult, Timeout, WaitKind } from "./waits/types.ts";

/** What went wrong in a step or a run, for a person and for the retry rule. */
export interface StepProblem {
  category: FailureCategory;
  /** Stable name such as `expression_timeout`, if there is one. */
  code?: string;
  /** First line is plain words; a stack or detail may follow on further lines. */
  message: string;
}

/** What an attempt used. Absent: not known, which is not 0. */
export interface Usage {
  model?: string;
  inputTokens?: number;
  outputTokens?: number;
  /** Of the input: out of and into the provider's cache. */
  cacheReadTokens?: number;
  cacheWriteTokens?: number;
  /** Of the output. */
  reasoningTokens?: number;
  /** Millionths of a US dollar; absent if the price is not known. */
  usdMicros?: number;
  /** Version of the table of prices by which that was found. */
  prices?: string;
  /** Calls that this is the sum of; 1 if absent. */
  calls?: number;
}

/** Something about a success that a person should know; it makes the step `warned` (EN-413). */
export interface Warning {
  type: "performance" | "cost" | "resource" | "deprecation" | "quality";
  severity: "low" | "medium" | "high";
  message: string;
  suggestion?: string;
}

/** Why an attempt began: its step's first, another try, instead of one that was lost, or because a person said so. */
export type AttemptReason = "first" | "retry" | "recovery" | "manual";

/** How a run can end. */
export type RunOutcome = "succeeded" | "partial" | "failed" | "stopped" | "cancelled" | "expired";

/** How an attempt that was aborted, or a step that was told to end, ends. */
export type StoppedAs = "cancelled" | "expired" | "skipped";

/** Who told a run something, and why if they said. */
interface Told {
  by: string;
  reason?: string;
}

/** Who said what became of an effect, and what they wrote; without `by` the engine. */
interface Said {
  by?: string;
  note?: string;
}

/** What an attempt is about to do to the outside world. */
export interface Intent {
  /** Its id. */
  effect: string;
  /** Which of its step's effects it is, whatever the attempt. */
  slot: string;
  key: string;
  /** How often what the slot did was undone before. */
  generation: number;
  operation: Operation;
  service: string;
  /** A sentence for a person. */
  description: string;
  descriptor: Descriptor;
  handler?: string;
  /** The request, as it is sent again. */
  parameters: StoredValue;
  /** SHA-256 of the request. */
  hash: string;
  /** It may be sent again while it is in doubt. */
  again?: true;
}

/** New limits by dimension; those that are absent stay, null takes one away. */
export type LimitChange = { [D in keyof Limits]: Limits[D] | null };

/** An event of a run's journal. `step` is a cell's name. */
export type RunEvent =
  | {
    type: "run.queued";
    notebook: string;
    version: string;
    plan: StoredValue;
    params: StoredValue;
    author: string;
    /** Not to begin before. */
    startAt?: Millis;
    /** When it expires, whatever it is doing then. */
    deadline?: Millis;
    /** 0 to 100; 50 if absent. */
    priority?: number;
    /** Absent: the default lane. */
    lane?: string;
    tags?: Record<string, string>;
  }
  /** A worker claimed it; again after each time that it was given back. */
  | { type: "run.started" }
  | { type: "run.adopted" }
  /**
   * Its owner gave it back in good order: open attempts are interrupted and count no recovery. Whether it is queued or
   * suspended then follows from what it waits for.
   */
  | { type: "run.released"; reason?: "drained" | "operator" | "waiting" }
  | { type: "run.paused" } & Told
  | { type: "run.resumed" } & Told
  | { type: "run.stopping" } & Told
  | { type: "run.cancelling" } & Told
  /** Its deadline has passed. */
  | { type: "run.expiring" }
  | { type: "run.ended"; outcome: RunOutcome; problem?: StepProblem }
  /** Steps run again: those of `from`, or all that did not succeed, and everything below them. */
  | { type: "run.reopened"; from?: string[]; restart: boolean } & Told
  /** A point of the run has a name: the end of this record. */
  | { type: "run.marked"; checkpoint: string; reason: "error" | "manual"; label?: string; by: string }
  /** The run is as it was at the end of record `seq`, and paused; what it has done and spent since stays counted. */
  | { type: "run.restored"; checkpoint: string; seq: number } & Told
  | {
    type: "run.changed";
    priority?: number;
    /** Null: the default lane. */
    lane?: string | null;
    tags?: Record<string, string>;
    /** Null: none any more. */
    deadline?: Millis | null;
    /** Limits of the run and of cells in it; null: none any more. */
    limits?: LimitChange;
    cells?: Record<string, LimitChange>;
    by: string;
  }
  /** `on`: another worker than the run's owner runs it, which has what the step requires. */
  | { type: "step.started"; step: string; attempt: number; reason: AttemptReason; on?: WorkerSession }
  /** An attempt that had given its slot back goes on. */
  | { type: "step.continued"; step: string; attempt: number; on?: WorkerSession }
  /** The worker that ran it for the owner was lost, or gave it back (`lost: false`). */
  | { type: "step.interrupted"; step: string; attempt: number; lost: boolean }
  /** An attempt gives its slot back until `due`; its handler is called again with `saved`. */
  | {
    type: "step.delayed";
    step: string;
    attempt: number;
    due: Millis;
    saved?: StoredValue;
    /** Sequence number of the attempt's last frame so far, 0 for none. */
    frames: number;
  }
  /**
   * A step that is ready may not start, and why; if its attempt was open, it gives its slot back and is called again
   * with `saved`. Until `due`, or, without it, until something else wakes it.
   */
  | {
    type: "step.held";
    step: string;
    attempt: number;
    wait: Hold;
    due?: Millis;
    saved?: StoredValue;
    frames: number;
    /** What the attempt has used so far. */
    usage?: Usage;
    /** With `budget`: what it needs of the run's own budgets, which wake it once they have it. */
    want?: Amounts;
    /** Why, where more is known than `wait` says; a sentence without a full stop. */
    why?: string;
  }
  /** An address for signals to a step is open, ahead of its suspension. */
  | {
    type: "waitpoint.opened";
    step: string;
    attempt: number;
    waitpoint: string;
    name: string;
    expiresAt: Millis;
  }
  /** An attempt gives its slot back until `condition` is met; its handler is called again with `saved` and the signals. */
  | {
    type: "step.suspended";
    step: string;
    attempt: number;
    wait: WaitKind;
    waitpoint: string;
    /** Until when the waitpoint takes signals. */
    expiresAt: Millis;
    condition: Condition;
    timeout?: Timeout;
    /** When its time is over, as `timeout` says. */
    due?: Millis;
    resumeDelayMs?: number;
    /** What it is about, for whoever is to answer. */
    about?: StoredValue;
    saved?: StoredValue;
    frames: number;
  }
  /** A signal was taken; one without a key that counts for nothing is not recorded. */
  | {
    type: "signal.received";
    signal: Signal;
    /** Names it for a day: the same again gets `result` again. */
    key?: string;
    result: SignalResult;
  }
  /** A run of the step's own is there, in the commit that has this event, and the step will wait for it (EN-810). */
  | { type: "child.opened"; step: string; attempt: number; child: string }
  /** It has ended. */
  | { type: "child.ended"; step: string; child: string; outcome: RunOutcome }
  /** A suspension is over: its waitpoints are closed and its attempt goes on, at once or at `due`. */
  | {
    type: "step.resumed";
    step: string;
    attempt: number;
    /** Ids of the signals that closed it. */
    signals: string[];
    /** The engine's own signal, if one did: its time was over, or an operator resumed it. */
    own?: Signal;
    due?: Millis;
    /** Of an attempt that was never suspended, because what it waits for had come already. */
    saved?: StoredValue;
    frames?: number;
    reason?: string;
  }
  /** Its time is over and an operator is to see to it, until `due`. */
  | { type: "step.escalated"; step: string; attempt: number; due: Millis }
  /** Set aside for the next call of an open attempt, before it is made (EN-1102); `usage`: what it has used so far. */
  | { type: "step.reserved"; step: string; attempt: number; amounts: Amounts; usage?: Usage }
  /** An attempt is about to act on the outside world; nothing is sent before this is durable (EF-006). */
  | { type: "effect.intended"; step: string; attempt: number } & Intent
  /** What it did has happened; without `by` the engine heard so. */
  | {
    type: "effect.done";
    step: string;
    attempt: number;
    effect: string;
    result?: StoredValue;
    /** How it is undone, filled in with what came of it. */
    descriptor?: Descriptor;
  } & Said
  /** It has not happened. */
  | {
    type: "effect.failed";
    step: string;
    attempt: number;
    effect: string;
    error?: { code: string; message: string };
  } & Said
  /** Nobody knows whether it has happened. */
  | { type: "effect.in-doubt"; step: string; attempt: number; effect: string } & Said
  /** It has happened and was undone; `message`: by what. */
  | { type: "effect.compensated"; step: string; attempt: number; effect: string; message?: string } & Said
  /** It has happened and could not be undone; `message`: why. */
  | { type: "effect.compensation-failed"; step: string; attempt: number; effect: string; message: string }
    & Said
  /**
   * Something about it; `resend`: a person asked for it to be sent again, or it is about to be; `undo`: what undoes it is
   * about to be sent.
   */
  | {
    type: "effect.noted";
    step: string;
    attempt: number;
    effect: string;
    resend?: "asked" | "sent";
    undo?: true;
  } & Said
  /** What it waited for is over, or a person cut the wait short. */
  | { type: "step.woken"; step: string }
  | {
    type: "step.succeeded";
    step: string;
    attempt: number;
    value: StoredValue;
    /** Sequence number of the attempt's last frame, 0 for none. */
    frames: number;
    usage?: Usage;
    warnings?: Warning[];
    /** How the value should be shown, if the kind says so: see `engine/wire/display.ts`. */
    display?: JsonObject;
    /** The attempt failed, and the value is the one that the cell names for that. */
    fallback?: true;
  }
  | {
    type: "step.retried";
    step: string;
    attempt: number;
    problem: StepProblem;
    due: Millis;
    frames: number;
    usage?: Usage;
  }
  | {
    type: "step.failed";
    step: string;
    attempt: number;
    problem: StepProblem;
    frames: number;
    usage?: Usage;
  }
  /** An attempt has found the items of its step, each of which is now a step `cell[i]`; it goes on when they have ended. */
  | {
    type: "map.opened";
    step: string;
    attempt: number;
    /** A list of `count` values. */
    items: StoredValue;
    count: number;
    frames: number;
  }
  /** The `when` of a step is false: the attempt that found that out ends it. */
  | { type: "step.declined"; step: string; attempt: number; frames: number }
  /** A person told one running step to end; its attempt is aborted. */
  | { type: "step.stopping"; step: string; as: "cancelled" | "skipped" } & Told
  | {
    type: "step.cancelled";
    step: string;
    /** 0 if the step never had an attempt. */
    attempt: number;
    frames: number;
    as: StoppedAs;
    /** With `as: skipped`: it waited and its time was over. */
    timedOut?: true;
    /** The attempt did not settle within its time after the abort; whether it has stopped is not known. */
    unsettled?: true;
    usage?: Usage;
  }
  /**
   * The join of a step has settled: as what its votes say, and with an end to those upstreams that nothing needs any
   * more, unless they are to go on.
   */
  | { type: "join.settled"; step: string }
  | { type: "step.supplied"; step: string; value: StoredValue } & Told;

/** One journal record: all events of a run in one turn. */
export interface JournalRecord {
  /** 1, 2, 3 … without gaps. */
  seq: number;
  at: Millis;
  /** The session that wrote it; empty in the first, which is written by whoever submits. */
  session: string;
  epoch: number;
  events: RunEvent[];
}
