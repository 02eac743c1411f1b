/**
 * What a run can be told: the closed union of commands, and the answers. Owns: the union.
 */
import type { Millis } from "../base/clock.ts";
import type { JsonObject } from "../base/json.ts";
import type { ErrorCode } from "../base/errors.ts";
import type { StoredValue } from "../plan/types.ts";
import type { Condition, Signal, SignalResult, Timeout, WaitKind } from "./waits/types.ts";
import type { OnLimit } from "../notebook/spend/limits.ts";
import type { Descriptor } from "../notebook/effects/descriptor.ts";
import type { Intent, LimitChange, RunEvent, RunOutcome, StepProblem, Usage, Warning } from "./event.ts";
import type { Amounts } from "./spend/amounts.ts";
import type { Hold, WorkerSession } from "./state.ts";

/** Who says it, and why if they say. */
export interface Told {
  by: string;
  reason?: string;
}

/** A command that a person or another process may give, to a run or to one of its steps. */
export type ControlCommand =
  | { type: "pauseRun" } & Told
  | { type: "resumeRun" } & Told
  | { type: "stopRun" } & Told
  | { type: "cancelRun" } & Told
  /** Runs again what did not succeed, or `from`, and everything below; at most `MAX_RESTARTS` times. */
  | { type: "restartRun"; from?: string[] } & Told
  /** Gives the run's present point a name, to which it can be restored. */
  | { type: "markCheckpoint"; label?: string; by: string }
  /** Back to a checkpoint of a run that has ended or is paused; it is paused then. */
  | { type: "restoreRun"; checkpoint: string } & Told
  | {
    type: "changeRun";
    by: string;
    priority?: number;
    /** Null: the default lane. Where a run waits for its turn; one that has begun goes on. */
    lane?: string | null;
    tags?: Record<string, string>;
    deadline?: Millis | null;
    /** Raised limits wake what they held (EN-1104). */
    limits?: LimitChange;
    /** The same of cells, by name. */
    cells?: Record<string, LimitChange>;
  }
  /** Its owner hands it back, for another worker or for itself to claim again. */
  | { type: "releaseRun"; reason: "drained" | "operator" | "waiting" }
  /** Runs a step that has ended again with everything below it, or cuts the wait for its next try short. */
  | { type: "retryStep"; step: string } & Told
  | { type: "skipStep"; step: string } & Told
  | { type: "cancelStep"; step: string } & Told
  | { type: "supplyValue"; step: string; value: StoredValue } & Told
  /** A signal to the run, or to one of its waitpoints; the key names it for a day. */
  | {
    type: "applySignal";
    signal: Omit<Signal, "at" | "step" | "waitpoint" | "type">;
    waitpoint?: string;
    key?: string;
  }
  /** A run that a step has begun has ended, for the `n`th time; only the engine says so. */
  | { type: "childEnded"; child: string; n: number; outcome: RunOutcome }
  /** An operator ends a suspension: its attempt goes on with a signal of the operator's, or fails. */
  | { type: "resumeSuspension"; step: string; id: string; payload?: StoredValue } & Told
  | { type: "closeSuspension"; step: string } & Told
  /** A worker that has what a held step requires has claimed it. */
  | { type: "routeAttempt"; step: string; attempt: number; on: WorkerSession }
  /** What such a worker has to say of the attempt: that it goes on, or how it went. */
  | { type: "reportAttempt"; step: string; on: WorkerSession; report: AttemptReport }
  /** It is lost, or gives the attempt back. */
  | { type: "loseAttempt"; step: string; attempt: number; lost: boolean }
  /** What a step was held for is over; with `wait`, if it is held for that. */
  | { type: "wakeStep"; step: string; wait?: Hold }
  /** A person says what became of an effect, or that it is to be sent again; `result`: what it came to. */
  | {
    type: "resolveEffect";
    step: string;
    effect: string;
    as: Resolution;
    result?: StoredValue;
    by: string;
    note: string;
  }
  /** Undoes an effect, whether or not its run has ended; its step has. */
  | { type: "compensateEffect"; step: string; effect: string; by: string };

/** What a person may say of an effect (EF-048, EF-076). */
export const RESOLUTIONS = ["done", "not_done", "retry", "compensated"] as const;

/** One of {@link RESOLUTIONS}. */
export type Resolution = typeof RESOLUTIONS[number];

/** A command to a run. `step` is a cell's name. */
export type RunCommand =
  | ControlCommand
  /** Its first command, by whoever makes it. */
  | { type: "queueRun"; event: Extract<RunEvent, { type: "run.queued" }> }
  | { type: "startRun" }
  | { type: "adoptRun" }
  /** The deadline has passed. */
  | { type: "expireRun" }
  /** A wait is over; `timer` is an id of `timers.ts`. */
  | { type: "fireTimer"; timer: string }
  | { type: "startAttempt"; step: string }
  /** Opens an address for signals to a step whose attempt goes on, for an hour. */
  | { type: "openWaitpoint"; step: string; attempt: number; name: string }
  /** An open attempt begins a run of its own, which is made in the same commit. */
  | { type: "openChild"; step: string; attempt: number; child: string }
  | {
    type: "suspendAttempt";
    step: string;
    attempt: number;
    wait: WaitKind;
    condition: Condition;
    timeout?: Timeout;
    resumeDelayMs?: number;
    about?: StoredValue;
    saved?: StoredValue;
    frames: number;
  }
  | {
    type: "delayAttempt";
    step: string;
    attempt: number;
    ms: number;
    saved?: StoredValue;
    frames: number;
  }
  /** An open attempt gives its slot back, for a reason that is not the clock's. */
  | {
    type: "holdAttempt";
    step: string;
    attempt: number;
    wait: Hold;
    due?: Millis;
    saved?: StoredValue;
    frames: number;
    usage?: Usage;
    /** With `budget`: what it needs; the run's own budgets wake it, and `onLimit` of the plan may end it instead. */
    want?: Amounts;
    why?: string;
    /** With `budget` of one that runs share: what that one says. */
    onLimit?: OnLimit;
  }
  /** A step that is ready may not start. */
  | { type: "holdStep"; step: string; wait: Hold; due?: Millis }
  /**
   * Sets the first of `wants` that fits aside for the next call of an open attempt, in all of its run's budgets or in
   * none; the best comes first. `usage`: what the attempt has used so far.
   */
  | { type: "reserveSpend"; step: string; attempt: number; wants: Amounts[]; usage?: Usage }
  /** An open attempt is about to act on the outside world. */
  | { type: "intendEffect"; step: string; attempt: number } & Intent
  /** What became of that. */
  | {
    type: "settleEffect";
    step: string;
    attempt: number;
    effect: string;
    state: "done" | "failed" | "in-doubt";
    result?: StoredValue;
    descriptor?: Descriptor;
    error?: { code: string; message: string };
    /** With `in-doubt`: why nobody knows. */
    why?: string;
  }
  /** It is about to be sent again, while it is in doubt. */
  | { type: "resendEffect"; step: string; attempt: number; effect: string }
  /** How undoing an effect went: a sentence for the log, and what its caller is told. */
  | { type: "settleUndo"; step: string; effect: string; how: { ok: boolean; note: string; message: string } }
  | {
    type: "succeedAttempt";
    step: string;
    attempt: number;
    value: StoredValue;
    frames: number;
    usage?: Usage;
    warnings?: Warning[];
    display?: JsonObject;
  }
  | {
    type: "failAttempt";
    step: string;
    attempt: number;
    problem: StepProblem;
    frames: number;
    usage?: Usage;
    /** What the other side asked us to wait before the next try, in ms. */
    retryAfterMs?: number;
    /** A number in [0, 1) for the jitter of the next try, drawn by the caller because a transition draws nothing. */
    jitter: number;
  }
  /** An attempt has found the items of its step. */
  | { type: "openMap"; step: string; attempt: number; items: StoredValue; count: number; frames: number }
  /** The `when` of a step is false. */
  | { type: "declineAttempt"; step: string; attempt: number; frames: number }
  /** An aborted attempt has ended; `unsettled` if it did not settle in time and may still be at work. */
  | {
    type: "cancelAttempt";
    step: string;
    attempt: number;
    frames: number;
    unsettled?: true;
    usage?: Usage;
  }
  /** The votes of a step's join decide it; whoever applies commands asks for it (`next.ts`). */
  | { type: "settleJoin"; step: string }
  /** Ends a run that has nothing left to do; whoever applies commands asks for it (`next.ts`). */
  | { type: "endRun" };

/** What is said of an attempt by whoever runs it. */
export type AttemptReport = Extract<RunCommand, { type: typeof ATTEMPT_REPORTS[number] }>;

/** See {@link AttemptReport}. */
export const ATTEMPT_REPORTS = [
  "openWaitpoint",
  "reserveSpend",
  "intendEffect",
  "settleEffect",
  "resendEffect",
  "suspendAttempt",
  "delayAttempt",
  "holdAttempt",
  "succeedAttempt",
  "failAttempt",
  "openMap",
  "declineAttempt",
  "cancelAttempt",
] as const;

/** What the worker must do once the events are durable. */
export type RunAction =
  | { type: "run"; step: string; attempt: number }
  | { type: "abort"; step: string; attempt: number }
  /** That undoing it has begun is durable: what undoes it may be sent. */
  | { type: "undo"; step: string; attempt: number; effect: string };

/** A command that changes nothing, because of the state; normal, since commands race. */
export interface Rejected {
  rejected: ErrorCode;
  reason: string;
}

/** A command's effect: events to make durable, then actions to carry out. No events: it was already so. */
export interface Transition {
  events: RunEvent[];
  actions: RunAction[];
  /** What became of a signal. */
  result?: SignalResult;
}
