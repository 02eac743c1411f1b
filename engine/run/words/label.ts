/**
 * The one word for a run and for a step. Owns: labels, which are derived and never stored (EN-302, EN-303).
 *
 * S2 Every vector has one label.
 */
import type { RunOutcome } from "../event.ts";
import type { Run, Step } from "../state.ts";

/** The one word for a run. */
export type RunLabel =
  | RunOutcome
  | "cancelling"
  | "stopping"
  | "pausing"
  | "paused"
  | "delayed"
  | "queued"
  | "running"
  | "retrying"
  | "waiting";

/** The one word for a step. */
export type StepLabel =
  | "warned"
  | "reused"
  | "supplied"
  | "succeeded"
  | "failed"
  | "skipped"
  | "cancelled"
  | "expired"
  | "running"
  | "retrying"
  | "suspended"
  | "waiting"
  | "queued";

/**
 * The label of a run, first match wins: its outcome; what it was told; delayed; queued; running (an attempt is open, or
 * nothing is waited for); retrying; waiting.
 */
export function runLabel(run: Run): RunLabel {
  if (run.outcome !== "none") return run.outcome;
  if (run.intent === "cancel") return "cancelling";
  if (run.intent === "stop") return "stopping";
  if (run.intent === "pause") return run.open.size > 0 ? "pausing" : "paused";
  if (run.phase === "queued") return run.startAt === undefined ? "queued" : "delayed";
  if (run.open.size > 0) return "running";
  if (run.ready.size > 0 || run.waiting.size === 0) return "running";
  for (const name of run.waiting) if (run.steps.get(name)!.wait === "backoff") return "retrying";
  return "waiting";
}

/** The label of a step, first match wins: how it ended; running; retrying; suspended; waiting for inputs; queued. */
export function stepLabel(step: Step): StepLabel {
  if (step.outcome === "succeeded") {
    if (step.quality === "warned") return "warned";
    return step.source === "reused" || step.source === "supplied" ? step.source : "succeeded";
  }
  if (step.outcome !== "none") return step.outcome;
  if (step.phase === "running" || step.phase === "suspended") return step.phase;
  if (step.wait === "backoff") return "retrying";
  return step.phase === "idle" ? "waiting" : "queued";
}
