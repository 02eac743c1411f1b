/**
 * A run in the memory of the worker that owns it. Owns: the shape, and the head record that lists read.
 */
import type { Retention } from "../../notebook/policy.ts";
import type { StoredValue } from "../../plan/types.ts";
import type { Run, RunLabel } from "../../run/state.ts";

/** The record under `run/{run}`: what lists show and what is needed to open the run. */
export interface RunHead {
  id: string;
  notebook: string;
  version: string;
  author: string;
  plan: StoredValue;
  createdAt: number;
  startedAt?: number;
  endedAt?: number;
  phase: Run["phase"];
  intent: Run["intent"];
  outcome: Run["outcome"];
  /** What its notebook says of how long it is kept; the engine's settings fill in the rest. */
  retention?: Partial<Retention>;
  /** Once it has ended: when it is looked at again, and for what. */
  due?: { at: number; what: "frames" | "run" };
  /** Its frames have gone, or are going since then. */
  trimmedAt?: number;
  /** Its deletion began then: it is no run any more. */
  deletedAt?: number;
}

/** An attempt that this worker runs. */
export interface OpenAttempt {
  attempt: number;
  abort: AbortController;
}

/** See the module comment. `run` changes only when a turn is built (`turn.ts`). */
export interface LiveRun {
  head: RunHead;
  readonly run: Run;
  readonly attempts: Map<string, OpenAttempt>;
}

/** The head of a run as its state now says. */
export function headOf({ head, run }: LiveRun): RunHead {
  const { phase, intent, outcome, startedAt, endedAt } = run;
  return {
    ...head,
    phase,
    intent,
    outcome,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(endedAt === undefined ? {} : { endedAt }),
  };
}

const INTENT_LABELS = { pause: "paused", stop: "stopping", cancel: "cancelling" } as const;

/** The label of a run as far as its head tells, which does not know what is open. */
export function headLabel(head: RunHead): RunLabel {
  if (head.outcome !== "none") return head.outcome;
  if (head.intent !== "go") return INTENT_LABELS[head.intent];
  return head.phase === "queued" ? "queued" : "running";
}
