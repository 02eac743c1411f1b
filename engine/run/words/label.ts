/**
 * The one word for a run and for a step. Owns: labels, which are derived and never stored (EN-302, EN-303).
 *
 * S2 Every vector has one label.
 */
import type { RunOutcome } from "../event.ts";
import { isHeld, type Run, type Step } from "../state.ts";

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
  | "waiting"
  | "held";

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
  | "in-doubt"
  | "held"
  | "waiting"
  | "queued";

/**
 * The label of a run, first match wins: its outcome; what it was told; delayed; queued; running (an attempt is open, or
 * nothing is waited for); retrying; waiting (for the clock or for an answer); held.
 */
export function runLabel(run: Run): RunLabel {
  if (run.outcome !== "none") return run.outcome;
  if (run.intent === "cancel") return "cancelling";
  if (run.intent === "stop") return "stopping";
  if (run.intent === "pause") return run.open.size > 0 ? "pausing" : "paused";
  if (run.phase === "queued") return run.startAt === undefined ? "queued" : "delayed";
  if (run.open.size > 0) return "running";
  if (run.ready.size > 0 || run.waiting.size + run.parked.size === 0) return "running";
  for (const name of run.waiting) if (run.steps.get(name)!.wait === "backoff") return "retrying";
  for (const names of [run.waiting, run.parked]) {
    for (const name of names) if (!isHeld(run.steps.get(name)!)) return "waiting";
  }
  return "held";
}

/**
 * The label of a step, first match wins: how it ended; in doubt; running; retrying; suspended; waiting for inputs; held;
 * queued.
 */
export function stepLabel(step: Step): StepLabel {
  if (step.outcome === "succeeded") {
    if (step.quality === "warned") return "warned";
    return step.source === "reused" || step.source === "supplied" ? step.source : "succeeded";
  }
  if (step.outcome !== "none") return step.outcome;
  if (step.wait === "doubt") return "in-doubt";
  if (step.phase === "running" || step.phase === "suspended") return step.phase;
  if (step.wait === "backoff") return "retrying";
  if (isHeld(step)) return "held";
  return step.phase === "idle" ? "waiting" : "queued";
}
