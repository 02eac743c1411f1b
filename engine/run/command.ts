/**
 * What a run can be told: the closed union of commands, and the answers. Owns: the union.
 */
import type { Millis } from "../base/clock.ts";
import type { JsonObject } from "../base/json.ts";
import type { ErrorCode } from "../base/errors.ts";
import type { StoredValue } from "../plan/types.ts";
import type { RunEvent, StepProblem, Usage, Warning } from "./event.ts";

/** A command to a run. `step` is a cell's name. */
export type RunCommand =
  /** Its first command, by whoever makes it. */
  | { type: "queueRun"; event: Extract<RunEvent, { type: "run.queued" }> }
  | { type: "startRun" }
  | { type: "adoptRun" }
  | { type: "releaseRun" }
  | { type: "pauseRun"; by: string; reason?: string }
  | { type: "resumeRun"; by: string; reason?: string }
  | { type: "stopRun"; by: string; reason?: string }
  | { type: "cancelRun"; by: string; reason?: string }
  | { type: "startAttempt"; step: string }
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
  | { type: "cancelAttempt"; step: string; attempt: number; frames: number }
  /** Ends a run that has nothing left to do; whoever applies commands asks for it (`next.ts`). */
  | { type: "endRun" };

/** What the worker must do once the events are durable. */
export type RunAction =
  | { type: "run"; step: string; attempt: number }
  | { type: "abort"; step: string; attempt: number }
  | { type: "wake"; step: string; due: Millis };

/** A command that changes nothing, because of the state; normal, since commands race. */
export interface Rejected {
  rejected: ErrorCode;
  reason: string;
}

/** A command's effect: events to make durable, then actions to carry out. No events: it was already so. */
export interface Transition {
  events: RunEvent[];
  actions: RunAction[];
}
