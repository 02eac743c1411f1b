/**
 * What a watcher of a run receives. Owns: the closed unions of frames and events on the wire.
 * Never: how a run produces them, nor how they travel (`sse.ts`). Browser-safe.
 *
 * T2 Frames of an attempt have `seq` 1, 2, 3 … without repeats, and none after the event that ends it; what is missing is
 * told by a gap in its place.
 */
import type { JsonObject } from "../base/json.ts";
import type { Limits } from "../notebook/spend/limits.ts";
import type { StoredValue } from "../plan/types.ts";
import type { AttemptReason, RunOutcome, StepProblem, Usage, Warning } from "../run/event.ts";
import type { Warned } from "../run/fold/move.ts";
import type { Amounts, Spent } from "../run/spend/amounts.ts";
import type { Hold, SkipReason } from "../run/state.ts";
import type { SignalResult, WaitKind } from "../run/waits/types.ts";
import type { RunLabel, StepLabel } from "../run/words/label.ts";

/** One entry of an attempt's output stream, by `type`. */
export type FrameBody =
  /** A piece of the output's text; pieces join without separator. */
  | { type: "text"; text: string }
  /** A piece of a model's reasoning. */
  | { type: "reasoning"; text: string }
  /** One line from the cell (`console.log`) or from its kind. */
  | { type: "log"; level: "debug" | "info" | "warn" | "error"; text: string }
  /** How far the attempt is, 0 to 1; absent if it cannot say. */
  | { type: "progress"; part?: number; text: string };

/** A frame with its place. */
export type Frame = FrameBody & {
  /** Name of the cell. */
  step: string;
  attempt: number;
  seq: number;
  /** Epoch milliseconds. */
  at: number;
};

/**
 * How an attempt's frames end (EN-1605): named by the event that ends the attempt, in the commit that ends it, so that a
 * stream is never open once its attempt is over.
 */
export type Marker =
  | "succeeded"
  | "failed"
  | "cancelled"
  | "expired"
  | "skipped"
  | "timed-out"
  | "lease-expired"
  | "released";

/** What every event carries. */
interface EventBase {
  /** Journal record that it comes from; several events may share one. */
  seq: number;
  /** Its number among the events of that record, from 0: with `seq` it names the event. */
  n: number;
  /** Epoch milliseconds. */
  at: number;
}

/** A change of a run or of one of its steps. A journal event that stands for many steps comes as one event each. */
export type WireEvent =
  & EventBase
  & (
    | {
      type: "run.queued";
      run: string;
      notebook: string;
      version: string;
      author: string;
      label: RunLabel;
      /** Cells of the run, in run order. */
      steps: string[];
    }
    | {
      type:
        | "run.started"
        | "run.adopted"
        | "run.released"
        | "run.paused"
        | "run.resumed"
        | "run.stopping"
        | "run.cancelling"
        | "run.expiring"
        /** Steps are to run again; each comes with its own event after this one. */
        | "run.reopened"
        /** The run is as it was at a checkpoint, and paused; steps that change come with events of their own. */
        | "run.restored"
        | "run.changed";
      label: RunLabel;
    }
    /** The run was sent a signal; what it carries is only for whoever takes it. */
    | {
      type: "signal.received";
      label: RunLabel;
      signal: string;
      name: string;
      source: string;
      answer: SignalResult["answer"];
    }
    /** What the run's calls have used, or may use, has changed; `warned`: of these limits that is nearly all. */
    | { type: "run.spent"; label: RunLabel; spent: Spent; limits?: Limits; warned?: Warned[] }
    /** The present point of the run has a name. */
    | { type: "run.marked"; label: RunLabel; checkpoint: string }
    | { type: "run.ended"; label: RunOutcome; problem?: StepProblem }
    | { type: "step.queued"; step: string; label: StepLabel }
    /** It runs again: what it came to before holds no more. */
    | { type: "step.reopened"; step: string; label: StepLabel; attempt: number }
    /** After that: it has an end again that it had before. */
    | {
      type: "step.restored";
      step: string;
      label: StepLabel;
      value?: StoredValue;
      problem?: StepProblem;
      reason?: SkipReason;
      because?: string;
      warnings?: Warning[];
      usage?: Usage;
      display?: JsonObject;
      endedAt: number;
    }
    | { type: "step.started"; step: string; label: StepLabel; attempt: number; reason: AttemptReason }
    /** Attempt `attempt` gives its slot back until `due`; then the same attempt goes on. */
    | { type: "step.delayed"; step: string; label: StepLabel; attempt: number; due: number }
    /** It may not start or go on, and why; with `due`, until then. */
    | {
      type: "step.held";
      step: string;
      label: StepLabel;
      attempt: number;
      wait: Hold;
      due?: number;
      why?: string;
    }
    /** Attempt `attempt` gives its slot back until what it waits for has come, at the latest at `due`. */
    | {
      type: "step.suspended";
      step: string;
      label: StepLabel;
      attempt: number;
      wait: WaitKind;
      waitpoint: string;
      due?: number;
      about?: StoredValue;
    }
    /** It has begun a run of its own, and that one has ended. */
    | { type: "child.opened"; step: string; label: StepLabel; attempt: number; child: string }
    | {
      type: "child.ended";
      step: string;
      label: StepLabel;
      attempt: number;
      child: string;
      outcome: RunOutcome;
    }
    /** An address for signals to a step is open. */
    | { type: "waitpoint.opened"; step: string; label: StepLabel; attempt: number; waitpoint: string }
    /** What it waited for has come; it goes on, at once or at `due`. */
    | { type: "step.resumed"; step: string; label: StepLabel; attempt: number; due?: number }
    /** Its time is over, and an operator is to see to it until `due`. */
    | { type: "step.escalated"; step: string; label: StepLabel; attempt: number; due: number }
    /** What it did to the outside world: about to, has, has not, or nobody knows; `by` absent: the engine says so. */
    | {
      type:
        | "effect.intended"
        | "effect.done"
        | "effect.failed"
        | "effect.in-doubt"
        | "effect.compensated"
        | "effect.compensation-failed"
        | "effect.noted";
      step: string;
      label: StepLabel;
      attempt: number;
      effect: string;
      /** With `effect.intended`: what it is about to do. */
      description?: string;
      by?: string;
      note?: string;
    }
    /** It has set aside what its next call may use; only where a limit asks for that. */
    | { type: "step.reserved"; step: string; label: StepLabel; attempt: number; amounts: Amounts }
    | { type: "step.continued"; step: string; label: StepLabel; attempt: number }
    /** A person told its open attempt to end. */
    | { type: "step.stopping"; step: string; label: StepLabel; attempt: number; as: "cancelled" | "skipped" }
    | {
      type: "step.succeeded";
      step: string;
      label: StepLabel;
      attempt: number;
      marker: Marker;
      value: StoredValue;
      usage?: Usage;
      warnings?: Warning[];
      display?: JsonObject;
    }
    /** The value of an earlier run was taken; `run` names it, and is absent if the value was given by hand. */
    | { type: "step.reused"; step: string; label: StepLabel; value: StoredValue; run?: string }
    /** The attempt failed or was lost and another follows, not before `due`; `problem` is absent if its worker was lost. */
    | {
      type: "step.retried";
      step: string;
      label: StepLabel;
      attempt: number;
      marker: Marker;
      due: number;
      problem?: StepProblem;
      usage?: Usage;
    }
    | {
      type: "step.failed";
      step: string;
      label: StepLabel;
      attempt: number;
      marker: Marker;
      problem: StepProblem;
      usage?: Usage;
    }
    | {
      type: "step.skipped";
      step: string;
      label: StepLabel;
      reason: SkipReason;
      because?: string;
      /** Of the attempt in which its `when` turned out to be false. */
      attempt?: number;
      marker?: Marker;
    }
    /** It was stopped: `label` says how it counts. `unsettled`: its attempt ignored the abort and may still be at work. */
    | {
      type: "step.cancelled";
      step: string;
      label: StepLabel;
      attempt: number;
      /** Absent if no attempt was open. */
      marker?: Marker;
      reason?: SkipReason;
      unsettled?: true;
    }
    /** Its items are known, each of which is a step `step[i]`; attempt `attempt` goes on when they have ended. */
    | { type: "map.opened"; step: string; label: StepLabel; attempt: number; count: number }
    /** Its join has settled: it waits for no more of those that count, or is skipped. */
    | { type: "join.settled"; step: string; label: StepLabel; met: boolean }
    | { type: "step.supplied"; step: string; label: StepLabel; value: StoredValue }
  );

/**
 * Frames of an attempt that are no longer kept: those from `from` to `to`, or to an end that nobody knows because the
 * attempt was lost with its worker.
 */
export interface Gap {
  step: string;
  attempt: number;
  from: number;
  to?: number;
}

/** One group on the wire: what came, and the cursor after it. */
export interface WireGroup {
  /** Where to go on after this group: opaque, at most 2 KiB. */
  cursor: string;
  items: (
    | { kind: "frame"; frame: Frame }
    | { kind: "gap"; gap: Gap }
    | { kind: "event"; event: WireEvent }
  )[];
  /** The run has ended and this is the last group. */
  end?: true;
}

/** What a cell's value is shown as, when it is not shown as plain JSON. Decided by the kind, in `step.succeeded`. */
export type Display =
  /** `text` of the value, or the value itself, is Markdown. */
  | { as: "markdown"; port?: string }
  /** A Vega-Lite specification; drawn by the server. */
  | { as: "chart" };
