/**
 * A run in the memory of the worker that owns it. Owns: the shape, and the head record that lists read.
 */
import type { Millis } from "../../base/clock.ts";
import type { Retention } from "../../notebook/policy.ts";
import type { StoredValue } from "../../plan/types.ts";
import { DEFAULT_PRIORITY, type Run } from "../../run/state.ts";
import { idleUntil } from "../../run/timers.ts";
import type { RunLabel } from "../../run/words/label.ts";
import { encodeRecord } from "../../store/codec.ts";
import { LANE, readyKey, timerKey } from "../../store/keys.ts";
import type { Loan } from "../spend/shared/loans.ts";
import type { Key, Put } from "../../store/store.ts";

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
  startAt?: number;
  deadline?: number;
  priority?: number;
  /** Absent: the default lane. */
  lane?: string;
  tags?: Record<string, string>;
  /** The step that began it, and the notebooks above it, the outermost first. */
  parent?: Lineage;
  /** The run that it goes on from. */
  origin?: Origin;
  /** How often it has changed owner; a lease goes on from here, so that an epoch never comes again. */
  epoch?: number;
  /** When nobody owns it: its entry among the timers. */
  wakeAt?: number;
  /** What its notebook says of how long it is kept; the engine's settings fill in the rest. */
  retention?: Partial<Retention>;
  /** Once it has ended: when it is looked at again, and for what. */
  due?: { at: number; what: "frames" | "run" };
  /** Frames written until then have gone, or are going since. */
  trimmedAt?: number;
  /** Its deletion began then: it is no run any more. */
  deletedAt?: number;
}

/** The run that a run goes on from: up to record `seq`, which is that of a checkpoint or was the last one (EN-1405). */
export interface Origin {
  run: string;
  seq: number;
  checkpoint?: string;
}

/** Where a run comes from that another one has begun (EN-810). */
export interface Lineage {
  run: string;
  step: string;
  /** Ids of the notebooks of the runs above it, the outermost first. */
  above: string[];
}

/** An attempt that this worker runs. */
export interface OpenAttempt {
  attempt: number;
  abort: AbortController;
}

/** Slots of quotas that one attempt holds. */
export interface HeldSlots {
  attempt: number;
  quotas: string[];
}

/** See the module comment. `run` changes only when a turn is built (`turn.ts`). */
export interface LiveRun {
  head: RunHead;
  readonly run: Run;
  readonly attempts: Map<string, OpenAttempt>;
  /** Owner changes so far, this one included. */
  epoch: number;
  /** It was given back, or has ended: whatever is said to it here has to be said to its next owner. */
  released?: true;
  /** It was taken up only to be told something: nothing of it starts here. */
  heldBack?: true;
  /** Events that its last snapshot holds. */
  snapshotAt: number;
  /** What the store lists of it as offered to other workers, by its key; absent: not known. */
  offers?: Map<string, Key>;
  /** When that changed. */
  offeredAt?: Millis;
  /** The runs of its own that have been told all that it was told. */
  reached: Run["children"];
  /** Slots of quotas that its open attempts hold, by step; absent before the first. */
  slots?: Map<string, HeldSlots>;
  /** What its open attempts have set aside in budgets that it shares, by step; absent before the first. */
  loans?: Map<string, Loan[]>;
  /** Ends what it sends to undo an effect; absent while it sends nothing. */
  undoing?: AbortController;
  /** The open waitpoints that the store lists. */
  listed: Run["waitpoints"];
}

/** A run that was read or made, in the hands of its owner. */
export function liveRun(head: RunHead, run: Run, epoch: number): LiveRun {
  return {
    head,
    run,
    attempts: new Map(),
    epoch,
    snapshotAt: run.events,
    reached: run.children,
    listed: run.waitpoints,
  };
}

/** The head of a run as its state now says. */
export function headOf({ head, run, epoch }: LiveRun): RunHead {
  const { phase, intent, outcome, startedAt, endedAt, startAt, deadline, priority, lane, tags } = run;
  const { id, notebook, version, author, plan, createdAt, retention, trimmedAt, parent, origin } = head;
  return {
    id,
    notebook,
    version,
    author,
    plan,
    createdAt,
    phase,
    intent,
    outcome,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(startAt === undefined ? {} : { startAt }),
    ...(deadline === undefined ? {} : { deadline }),
    ...(priority === DEFAULT_PRIORITY ? {} : { priority }),
    ...(lane === undefined ? {} : { lane }),
    ...(Object.keys(tags).length === 0 ? {} : { tags: { ...tags } }),
    ...(parent === undefined ? {} : { parent }),
    epoch,
    ...(retention === undefined ? {} : { retention }),
    ...(origin === undefined ? {} : { origin }),
    ...(trimmedAt === undefined ? {} : { trimmedAt }),
  };
}

/** How much earlier a run counts for each step of its priority (EN-1301). */
const HEAD_START_MS = 60_000;

/** A run's place in the queue: lower goes first. A lower priority goes first once it has waited for the difference. */
export function rankOf({ createdAt, startAt, priority = DEFAULT_PRIORITY }: RunHead): number {
  return (startAt ?? createdAt) - priority * HEAD_START_MS;
}

/** Its place among those that may be claimed, in its lane. */
export function readyAt(head: RunHead): Key {
  return readyKey(head.lane ?? LANE, rankOf(head), head.id);
}

/** Where a run that nobody owns is found: among the ready ones, among the timers, or only by a command (Q1). */
export function placeOf(head: RunHead, run: Run, now: Millis): { puts: Put[]; wakeAt?: Millis } {
  if (run.phase === "ended" && run.undo === undefined) return { puts: [] };
  const until = run.undo === undefined ? idleUntil(run, now) : now;
  if (until === Infinity) return { puts: [] };
  const key = until <= now ? readyAt(head) : timerKey(until, head.id);
  return { puts: [{ key, value: encodeRecord(null) }], ...(until <= now ? {} : { wakeAt: until }) };
}

/** Every key under which a run that nobody owns may be found, as its head tells. */
export function placesOf(head: RunHead): Key[] {
  const ready = readyAt(head);
  return head.wakeAt === undefined ? [ready] : [ready, timerKey(head.wakeAt, head.id)];
}

const INTENT_LABELS = { pause: "paused", stop: "stopping", cancel: "cancelling" } as const;

/** The label of a run as far as its head tells, which does not know what is open. */
export function headLabel(head: RunHead): RunLabel {
  if (head.outcome !== "none") return head.outcome;
  if (head.intent !== "go") return INTENT_LABELS[head.intent];
  if (head.phase === "queued") return head.startAt === undefined ? "queued" : "delayed";
  return head.phase === "suspended" ? "waiting" : "running";
}
