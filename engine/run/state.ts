/**
 * The state of a run as a vector, and the labels derived from it. Owns: shapes and labels.
 * Never: how the state changes; that is `fold.ts`.
 *
 * S2 Every vector is legal and has one label; labels are derived and never stored.
 *
 * ```
 *   run    queued ──▶ active ──▶ ended             step   idle ──▶ ready ──▶ running ──▶ ended
 *             └────────────────────▲                                 ▲  retry,   │
 *                                                                    └─ recovery ─┘
 * ```
 */
import type { Millis } from "../base/clock.ts";
import type { Need, Plan, PlanStep, StoredValue } from "../plan/types.ts";
import type { RunOutcome, StepProblem, Usage, Warning } from "./event.ts";
import type { JsonObject } from "../base/json.ts";

/** Where a step is. */
export type StepPhase = "idle" | "ready" | "running" | "ended";

/** How a step ended. */
export type StepOutcome = "none" | "succeeded" | "failed" | "skipped" | "cancelled";

/** Why a step was skipped. */
export type SkipReason = "upstream_failed" | "upstream_skipped" | "upstream_cancelled" | "run_stopped";

/** One cell in one run. */
export interface Step {
  readonly plan: PlanStep;
  phase: StepPhase;
  attempt: "none" | "open" | "interrupted" | "closed";
  /** Number of the latest attempt, 0 before the first. */
  attempts: number;
  /** Attempts that ended by a lost worker; they do not count as tries. */
  recoveries: number;
  /** Attempts that ended because their worker stopped in good order; they count as nothing. */
  released: number;
  source: "none" | "ran" | "reused";
  outcome: StepOutcome;
  wait: "none" | "inputs" | "slot" | "backoff";
  quality: "clean" | "warned";
  /** Upstreams that have not settled yet. */
  pending: number;
  /** Start of the latest attempt. */
  startedAt?: Millis;
  endedAt?: Millis;
  /** With wait `backoff`: when the next try may begin. */
  due?: Millis;
  value?: StoredValue;
  /** The last failure, also while a retry is due. */
  problem?: StepProblem;
  skipped?: SkipReason;
  /** The upstream that a skip came from. */
  because?: string;
  usage?: Usage;
  warnings?: Warning[];
  display?: JsonObject;
}

/** A run's state: the fold of its journal over its plan. */
export interface Run {
  readonly id: string;
  readonly plan: Plan;
  notebook: string;
  author: string;
  params?: StoredValue;
  phase: "queued" | "active" | "ended";
  intent: "go" | "pause" | "stop" | "cancel";
  outcome: "none" | RunOutcome;
  problem?: StepProblem;
  /** Sequence number of the last journal record applied. */
  seq: number;
  createdAt: Millis;
  startedAt?: Millis;
  endedAt?: Millis;
  readonly steps: Map<string, Step>;
  /** Cells that need a cell, and how, from the plan. */
  readonly successors: ReadonlyMap<string, readonly Need[]>;
  /** A step failed whose policy is `stop`: nothing starts any more. */
  halted: boolean;
  /** Steps in phase `ready`, in the order in which they became so; starting one does not scan all. */
  readonly ready: Set<string>;
  /** Steps with an open attempt. */
  readonly open: Set<string>;
  /** Steps not ended. */
  left: number;
}

/** The one word for a run. */
export type RunLabel =
  | RunOutcome
  | "cancelling"
  | "stopping"
  | "pausing"
  | "paused"
  | "queued"
  | "running"
  | "retrying";

/** The one word for a step. */
export type StepLabel =
  | "warned"
  | "reused"
  | "succeeded"
  | "failed"
  | "skipped"
  | "cancelled"
  | "running"
  | "retrying"
  | "waiting"
  | "queued";

/**
 * The label of a run, first match wins: its outcome; what it was told; queued; running; retrying.
 */
export function runLabel(run: Run): RunLabel {
  if (run.outcome !== "none") return run.outcome;
  if (run.intent === "cancel") return "cancelling";
  if (run.intent === "stop") return "stopping";
  if (run.intent === "pause") return run.open.size > 0 ? "pausing" : "paused";
  if (run.phase === "queued") return "queued";
  if (run.open.size > 0 || run.ready.size === 0) return "running";
  const onlyBackoff = [...run.ready].every((name) => run.steps.get(name)!.wait === "backoff");
  return onlyBackoff ? "retrying" : "running";
}

/** The label of a step, first match wins: how it ended; running; retrying; waiting for inputs; queued. */
export function stepLabel(step: Step): StepLabel {
  if (step.outcome === "succeeded") {
    if (step.quality === "warned") return "warned";
    return step.source === "reused" ? "reused" : "succeeded";
  }
  if (step.outcome !== "none") return step.outcome;
  if (step.phase === "running") return "running";
  if (step.wait === "backoff") return "retrying";
  return step.phase === "idle" ? "waiting" : "queued";
}
