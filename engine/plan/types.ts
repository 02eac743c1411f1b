/**
 * What a run will do, decided before it begins and frozen. Owns: the shapes. Never: behaviour.
 */
import type { Json } from "../base/json.ts";
import type { FailureCategory, RetryPolicy, StepPolicies } from "../notebook/policy.ts";
import type { Limits, OnLimit } from "../notebook/spend/limits.ts";
import type { CellKind } from "../notebook/types.ts";

export type { FailureCategory, RetryPolicy };

/** A value as a record holds it: inline up to 8 KiB of JSON text, else by the hash of its canonical JSON. */
export type StoredValue = { inline: Json } | { sha256: string; bytes: number };

/** An upstream of a step. Several edges between two cells are one need. */
export interface Need {
  cell: string;
  /**
   * `value`: must succeed. `optional`: any end, null without a value. `after`: must not fail.
   * `any`: any end will do and nothing is bound.
   */
  mode: "value" | "optional" | "after" | "any";
  /** Its end counts for the join of the step, whatever the mode: a success for it, any other end against it. */
  join?: true;
}

/** How the upstreams of a step come together, where it does not need all of them (EN-803). */
export interface Join {
  /** Met at so many successes of the needs that count, of which there are `of`. */
  need: number;
  of: number;
  /** Whether the others end once it has settled. */
  rest: "cancel-remaining" | "let-run";
  /** What an input with a list of sources becomes: the first success, the successes in their order, or all in theirs. */
  gives: "any" | "quorum" | "all";
}

/** One cell in a run. */
export interface PlanStep {
  cell: string;
  kind: CellKind;
  needs: Need[];
  /** Absent: each need is one by itself. */
  join?: Join;
  /** It is done once for each of some items, so many at a time (EN-808). */
  each?: { concurrency: number; errors: "stop" | "continue" };
  /** In a run's state, never in a plan: the step is that of an item of another. */
  item?: { of: string; index: number };
  /** `reuse` takes `reuse.value` and runs nothing. */
  action: "run" | "reuse";
  /** Why, as words for a person. */
  why: string;
  /** Hashes over kind, source and header; params read; and the fingerprints of the cells whose values it reads. */
  fingerprint: string;
  /** What a worker must have to run it, sorted; absent: nothing. */
  requires?: string[];
  retry: RetryPolicy;
  /** Longest an attempt may take, in ms; 0 is no limit. */
  timeoutMs: number;
  errors: StepPolicies["errors"];
  /** Its value if it fails for good (EN-704). */
  fallback?: StoredValue;
  /** The cell whose value it takes then, if that one has one; this goes before `fallback`. */
  instead?: string;
  /** What its attempts may use together, and what happens when that does not suffice. */
  limits?: Limits;
  onLimit?: OnLimit;
  /** The run that the value comes from; without one it was given by hand. */
  reuse?: { run?: string; value: StoredValue };
}

/** The frozen plan of a run. Steps stand in run order: each after all that it needs. */
export interface Plan {
  /** SHA-256 of the notebook's text. */
  version: string;
  steps: PlanStep[];
  /** Attempts open at a time. */
  concurrency: number;
  /** What all its attempts may use together, and what happens where a cell does not say and that does not suffice. */
  limits?: Limits;
  onLimit?: OnLimit;
  /** What one attempt at each step may use, about; absent where none is counted. `usdMicros: null`: nobody knows. */
  estimate?: { tokens: number; usdMicros: number | null };
  /** Cells asked for that are left out, such as disabled ones, and why. */
  skipped?: { cell: string; why: string }[];
}

/** The last value that a cell of a notebook had in an ended step, by which a plan decides on reuse and staleness. */
export interface PastValue {
  run: string;
  fingerprint: string;
  value: StoredValue;
  /** When it ended. */
  at: number;
  /** It was given by hand or is a fallback; only a fork takes it over, as what it is. */
  substitute?: true;
}

/** Past values by cell. */
export type History = Readonly<Record<string, PastValue>>;
