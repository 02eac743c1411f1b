/**
 * What a page knows of a run: the fold of the wire's groups. Owns: the shape. Never: markup.
 * `reduce.ts` is the one function that changes it, on the server for the first paint and in the browser after.
 */
import type { JsonObject } from "../base/json.ts";
import type { Limits } from "../notebook/spend/limits.ts";
import type { StoredValue } from "../plan/types.ts";
import type { AttemptReason, RunOutcome, StepProblem, Usage, Warning } from "../run/event.ts";
import type { EffectState } from "../run/effects/types.ts";
import type { Spent } from "../run/spend/amounts.ts";
import type { Hold, SkipReason } from "../run/state.ts";
import type { WaitKind } from "../run/waits/types.ts";
import type { RunLabel, StepLabel } from "../run/words/label.ts";
import type { Wait } from "../run/words/wait.ts";

export type { RunLabel, StepLabel, StepProblem, Usage, Wait };

/** One line of a cell's log. */
export interface LogLine {
  at: number;
  level: "debug" | "info" | "warn" | "error";
  text: string;
}

/** An attempt that was followed by another. */
export interface PastAttempt {
  attempt: number;
  text: string;
  problem?: StepProblem;
}

/** What a page knows of an effect. */
export interface EffectView {
  id: string;
  description: string;
  state: EffectState;
}

/** Most effects kept for a cell. */
export const MAX_EFFECTS = 100;

/** What a page knows of one cell in a run. */
export interface CellView {
  label: StepLabel;
  attempt: number;
  reason?: AttemptReason;
  startedAt?: number;
  endedAt?: number;
  /** With label `retrying`, `suspended` or `held`: when it may go on. */
  due?: number;
  /** With label `held` or `in-doubt`: why it may not start. */
  held?: Hold;
  /** With label `suspended`: whom it waits for, where an answer goes, and what it is about. */
  waits?: { for: WaitKind; waitpoint: string; about?: StoredValue };
  /** The run of its own that it has begun last, and how that one has ended. */
  child?: { run: string; outcome?: RunOutcome };
  /** With it: why, where more is known. */
  heldWhy?: string;
  /** What it did to the outside world, in the order of doing; the last {@link MAX_EFFECTS}. */
  effects?: readonly EffectView[];
  /** It was told to end, and its attempt has not ended yet. */
  stopping?: "cancelled" | "skipped";
  /** Its last attempt ignored its abort and may still be at work. */
  unsettled?: true;
  /** Text streamed by the latest attempt, the last `MAX_TEXT` characters of it. */
  text: string;
  /** Characters dropped from the front of `text`. */
  textCut: number;
  reasoning: string;
  /** Part of the latest attempt's output, or all of it, is no longer kept. */
  trimmed?: true;
  logs: LogLine[];
  /** Of a map: how many items it has, and how many of them have ended. */
  items?: { count: number; ended: number };
  progress?: { part?: number; text: string };
  value?: StoredValue;
  display?: JsonObject;
  /** Run that a reused value comes from. */
  reusedFrom?: string;
  problem?: StepProblem;
  skipped?: SkipReason;
  because?: string;
  warnings?: Warning[];
  usage?: Usage;
  earlier: PastAttempt[];
  /** Sequence number of the last frame taken in of this attempt; frames up to it are ignored when they come again. */
  frameSeq: number;
  /** Place of the last event taken in, which only `reduce.ts` reads; events up to it are ignored when they come again. */
  eventAt: number;
}

/** What a page knows of a run. */
export interface RunView {
  run: string;
  notebook: string;
  version: string;
  label: RunLabel;
  createdAt: number;
  startedAt?: number;
  endedAt?: number;
  problem?: StepProblem;
  /** What its calls have used, with the limits of it all; absent before the first. */
  spend?: { spent: Spent; limits?: Limits };
  /** In run order. */
  cells: Record<string, CellView>;
  /** Cursor of the last group taken in. */
  cursor: string;
  /** As in a cell, for events of the run itself. */
  eventAt: number;
}

/** Longest text kept for a cell. */
export const MAX_TEXT = 262_144;

/** Most log lines kept for a cell. */
export const MAX_LOGS = 1000;

/** Longest text kept of an earlier attempt. */
export const MAX_PAST_TEXT = 16_384;

/** Most earlier attempts kept for a cell. */
export const MAX_EARLIER = 20;
