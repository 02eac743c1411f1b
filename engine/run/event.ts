/**
 * What can have happened to a run: the closed union of journal events. Owns: the union and what each field says.
 * Never: how an event changes the state; that is `fold.ts`.
 *
 * Events do not grow with the graph: `run.ended` and `step.failed` stand for whatever the fold derives from them.
 */
import type { Millis } from "../base/clock.ts";
import type { JsonObject } from "../base/json.ts";
import type { FailureCategory, StoredValue } from "../plan/types.ts";

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
  /** Millionths of a US dollar; absent if the price is not known. */
  usdMicros?: number;
}

/** Something about a success that a person should know; it makes the step `warned`. */
export interface Warning {
  type: "performance" | "cost" | "resource" | "deprecation" | "quality";
  message: string;
  suggestion?: string;
}

/** Why an attempt began. */
export type AttemptReason = "first" | "retry" | "recovery";

/** How a run can end. */
export type RunOutcome = "succeeded" | "partial" | "failed" | "stopped" | "cancelled";

/** An event of a run's journal. `step` is a cell's name. */
export type RunEvent =
  | {
    type: "run.queued";
    notebook: string;
    version: string;
    plan: StoredValue;
    params: StoredValue;
    author: string;
  }
  | { type: "run.started" }
  | { type: "run.adopted" }
  /** Its owner gave it back in good order: open attempts are interrupted and count no recovery. */
  | { type: "run.released" }
  | { type: "run.paused"; reason?: string; by: string }
  | { type: "run.resumed"; reason?: string; by: string }
  | { type: "run.stopping"; reason?: string; by: string }
  | { type: "run.cancelling"; reason?: string; by: string }
  | { type: "run.ended"; outcome: RunOutcome; problem?: StepProblem }
  | { type: "step.started"; step: string; attempt: number; reason: AttemptReason }
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
  | { type: "step.cancelled"; step: string; attempt: number; frames: number };

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
