/**
 * What a step can wait for besides the clock: signals, and what is kept of them. Owns: the shapes.
 * Never: when a wait is over (`condition.ts`), nor how it changes a run (`engine/run/fold`).
 */
import type { Millis } from "../../base/clock.ts";
import type { Json, JsonObject } from "../../base/json.ts";
import type { StoredValue } from "../../plan/types.ts";

/** For whom a suspended step waits: anybody with a signal, people who decide, runs of its own. */
export const WAIT_KINDS = ["signal", "approval", "children"] as const;

/** One of {@link WAIT_KINDS}. */
export type WaitKind = typeof WAIT_KINDS[number];

/** What a `count` counts: signals from different senders, any signals, signals to different waitpoints. */
export const DISTINCT = ["sources", "signals", "waitpoints"] as const;

/** When a suspension is over (EN-1009). */
export type Condition =
  /** A signal of this name whose payload holds all that `match` says. */
  | { type: "signal"; name: string; match?: Json }
  | { type: "allOf"; of: Condition[] }
  /** `n` of those that any of `of` takes; each such node counts for itself. */
  | { type: "count"; n: number; distinct: typeof DISTINCT[number]; of: Condition[] }
  /** An operator resumes it. */
  | { type: "operator" }
  /** Its time runs out. */
  | { type: "timeout" };

/** Depth and nodes of a condition. */
export const MOST_DEPTH = 4;
export const MOST_NODES = 64;
/** Most that a `count` may ask for. */
export const MOST_COUNT = 100;

/** What happens when the time of a suspension is over (EN-1011). */
export const AT_TIMEOUT = ["fail", "cancel", "skip", "auto-resume"] as const;

/** One of {@link AT_TIMEOUT}. */
export type AtTimeout = typeof AT_TIMEOUT[number];

/** How long a suspension lasts and what then; `escalate` leaves it to an operator for another while. */
export type Timeout =
  | { ms: number; then: AtTimeout }
  | { ms: number; then: "escalate"; escalation: { ms: number; then: AtTimeout } };

/** A signal that a run has taken. */
export interface Signal {
  id: string;
  name: string;
  /** Who sent it, as the front door has verified it; never what the sender says of itself. */
  source: string;
  at: Millis;
  payload?: StoredValue;
  /** Of a payload that is not inline: its plain fields, for `match`. */
  facts?: JsonObject;
  /** Only this step may take it, because it came to the waitpoint `waitpoint` of the step. */
  step?: string;
  waitpoint?: string;
  /** The engine's own: nobody can send one. */
  type?: "operator" | "timeout";
}

/** An address to which signals for one step may be sent, while it is open. */
export interface Waitpoint {
  id: string;
  step: string;
  attempt: number;
  name: string;
  createdAt: Millis;
  /** Signals that come later are refused. */
  expiresAt: Millis;
  /** Absent: opened ahead of the suspension. */
  wait?: WaitKind;
  /** What it is about, for whoever is to answer. */
  about?: StoredValue;
}

/** What a suspended step waits for. */
export interface Suspension {
  wait: WaitKind;
  /** Its own waitpoint; the step may have opened others before. */
  waitpoint: string;
  condition: Condition;
  timeout?: Timeout;
  /** It waits for an operator by now. */
  escalated?: true;
  resumeDelayMs?: number;
}

/** What of a condition is still missing: so many signals of any of these names. */
export interface Missing {
  names: string[];
  count: number;
}

/** What became of a signal (EN-1006). */
export interface SignalResult {
  /**
   * `applied`: it counts for a step that waits. `buffered`: it is kept for one that will. `ignored`: its waitpoint does
   * not wait for it. `duplicate`: its waitpoint has one like it already.
   */
  answer: "applied" | "buffered" | "ignored" | "duplicate";
  /** What the step still waits for; empty if it goes on. */
  needs: Missing[];
  /** Its key was used before: this is the first one's answer. */
  replayed?: true;
}

/** Signals that wait in a run for a step that takes them, and signals that a run takes at all. */
export const MOST_UNCLAIMED = 1_000;
export const MOST_SIGNALS = 10_000;
/** How long the answer to a signal with a key is remembered (EN-1005). */
export const KEY_MS = 86_400_000;
/** How long a waitpoint is open that no suspension waits on (EN-1012), and one whose suspension has no timeout. */
export const OPENED_MS = 3_600_000;
export const LONGEST_WAIT_MS = 365 * 86_400_000;

/** Id of the `n`th waitpoint of a run; `runOfWaitpoint` reads it back. */
export function waitpointId(run: string, n: number): string {
  return `wp_${run.replace(/^run_/, "")}_${n}`;
}

/**
 * The run that a waitpoint belongs to, by its id; nothing if it is no such id.
 *
 * @example
 * ```ts
 * if (runOfWaitpoint(waitpointId("run_01ab", 3)) !== "run_01ab") throw new Error("not its run");
 * if (runOfWaitpoint("run_01ab") !== undefined) throw new Error("not an id");
 * ```
 */
export function runOfWaitpoint(id: string): string | undefined {
  const found = /^wp_([0-9a-z]{1,40})_([1-9]\d{0,8})$/.exec(id);
  return found === null ? undefined : `run_${found[1]}`;
}
