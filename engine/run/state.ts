/**
 * The state of a run as a vector. Owns: shapes, and which vectors are legal.
 * Never: how the state changes; that is `fold.ts`. Nor its words: `words/`.
 *
 * S2 Every vector is legal: `illegal` names what is wrong with one that is not.
 *
 * ```
 *   run   queued ──▶ active ──▶ ended            step   idle ──▶ ready ──▶ running ──▶ ended
 *           ▲  ▲       │  ▲       │                       ▲     ▲ ▲ ▲ retry, │ │         │
 *           │  └───────┘  │       │ reopened              │     │ │ └recovery┘ │         │
 *           │ released    ▼       │                       │     │ └─ suspended ◀ delayed │
 *           │         suspended   │                       └─────┴───────── reopened ─────┘
 *           └─────────────────────┘
 * ```
 */
import type { Millis } from "../base/clock.ts";
import type { JsonObject } from "../base/json.ts";
import type { Dimension, Limits } from "../notebook/spend/limits.ts";
import type { Need, Plan, PlanStep, StoredValue } from "../plan/types.ts";
import type { RunOutcome, StepProblem, Usage, Warning } from "./event.ts";
import {
  type Signal,
  type SignalResult,
  type Suspension,
  WAIT_KINDS,
  type WaitKind,
  type Waitpoint,
} from "./waits/types.ts";
import { type Amounts, plus, type Spent } from "./spend/amounts.ts";
import { isUnsettled, mayBecome, type StepEffect } from "./effects/types.ts";
import type { Undo } from "./effects/undo.ts";

/** Where a step is. */
export type StepPhase = "idle" | "ready" | "running" | "suspended" | "ended";

/** A named point of a run to which it can be restored, or from which it can be forked (EN-1401). */
export interface Checkpoint {
  id: string;
  /** The record at whose end it stands. */
  seq: number;
  at: Millis;
  reason: "auto" | "error" | "manual";
  label?: string;
}

/** How a step ended. */
export type StepOutcome = "none" | "succeeded" | "failed" | "skipped" | "cancelled" | "expired";

/** Why a step was skipped. */
export type SkipReason =
  | "upstream_failed"
  | "upstream_skipped"
  | "upstream_cancelled"
  | "run_stopped"
  | "run_expired"
  /** Another item of its map failed, and the map stops then. */
  | "item_failed"
  /** Its `when` is false; with `because`, that of an upstream whose value it needs. */
  | "not_taken"
  /** So many of what its join counts did not succeed that it cannot be met any more. */
  | "join_impossible"
  /** A join that counted it has settled, and nothing else needs it. With outcome `cancelled` its attempt was aborted. */
  | "not_needed"
  /** A person said so. */
  | "asked"
  /** What it waited for did not come in time. */
  | "timed_out";

/** Why a step that is ready may not start: something else has to happen first, or its time to come. */
export const HOLDS = ["capability", "quota", "budget", "doubt", "operator"] as const;

/** One of {@link HOLDS}. */
export type Hold = typeof HOLDS[number];

/** The session of a worker. `session` is its name, because epochs begin anew once a session has been ended. */
export interface WorkerSession {
  worker: string;
  epoch: number;
  session: string;
}

/** One cell in one run. */
export interface Step {
  readonly plan: PlanStep;
  phase: StepPhase;
  /** `held`: it gave its slot back and goes on later; `interrupted`: lost with its worker. */
  attempt: "none" | "open" | "held" | "interrupted" | "closed";
  /** Number of the latest attempt, 0 before the first. */
  attempts: number;
  /** Attempts that ended by a lost worker, since the step was last opened. */
  recoveries: number;
  /** Attempts that are no tries of the step's own: lost, given back, or before it was opened again. */
  uncounted: number;
  source: "none" | "ran" | "reused" | "supplied";
  outcome: StepOutcome;
  /** What it waits for by itself; a paused run holds it besides (`wait.ts`). */
  wait: "none" | "inputs" | "slot" | "delay" | "backoff" | "items" | WaitKind | Hold;
  quality: "clean" | "warned";
  /** Upstreams that have not settled yet; all that a join counts are one. */
  pending: number;
  /** With a join, until it settles: which of those it counts succeeded, in that order, and how many ended otherwise. */
  joined?: string[];
  against?: number;
  /** How its join has settled, which it does once (S6). */
  join?: "met" | "impossible";
  /** With `each`, once its items are known (EN-809). */
  map?: ItemMap;
  /** The most attempts that an item of a map had which it has forgotten. */
  mapped?: number;
  /** When it came into this phase. */
  since: Millis;
  /** Start of the latest attempt. */
  startedAt?: Millis;
  endedAt?: Millis;
  /** The record in which it ended. */
  endedIn?: number;
  /** Ends that it had before it was opened again, oldest first; never changed, only replaced. */
  former?: readonly FormerEnd[];
  /** With wait `backoff` or `delay`, and with others where it is known: when it may go on. */
  due?: Millis;
  /** With attempt `held`: what the handler gets, the last frame so far, and how long it has run. */
  saved?: StoredValue;
  frames?: number;
  ranMs?: number;
  /** With wait `signal`, `approval` or `children`: for what exactly. */
  suspension?: Suspension;
  /** The run of its own that it waits for, or will; an attempt that was lost leaves it to the next one. */
  child?: string;
  /** What ended its last suspension: what the handler gets. */
  signals?: readonly Signal[];
  /** Its open attempt is not with the run's owner but with this session. */
  away?: WorkerSession;
  /** A person told its open attempt to end so. */
  told?: "cancelled" | "skipped";
  /** A person asked for the attempt that is to come. */
  manual?: true;
  value?: StoredValue;
  /** The last failure, also while a retry is due. */
  problem?: StepProblem;
  skipped?: SkipReason;
  /** The upstream that a skip came from. */
  because?: string;
  usage?: Usage;
  warnings?: Warning[];
  display?: JsonObject;
  /**
   * Its value is a fallback or was given by hand, or was made from one that was: it says nothing about what the cell
   * comes to by itself, so that no later run may reuse it.
   */
  substitute?: true;
  /** Its last attempt did not settle after its abort. */
  unsettled?: true;
  /** What its attempts may use together; the plan's until somebody changes it. */
  limits?: Limits;
  /** What its calls used, over all attempts; absent before the first. Its time counts where there is a limit to it. */
  spent?: Spent;
  /** Of its open attempt: what is set aside for a call, and what of it is in the sums already. */
  reserved?: Amounts;
  counted?: Amounts;
  /** Dimensions of its limits of which people were warned. */
  warned?: Dimension[];
  /** With wait `budget`: what it needs of the budgets of its run. Absent: others hold it. */
  want?: Amounts;
  /** With a hold: why, where more is known than its name says; a sentence without a full stop. */
  holdWhy?: string;
  /** What it did to the outside world, over all attempts, oldest first; never changed, only replaced. */
  effects?: readonly StepEffect[];
  /** Those of items that its map has forgotten, by name, for when there are such items again. */
  itemEffects?: Readonly<Record<string, readonly StepEffect[]>>;
}

/** A run that a step has begun. */
export interface ChildRun {
  readonly step: string;
  /** It has ended, and this run knows. */
  readonly ended?: true;
}

/** An end that a step had from one record until another, in which it was opened again. */
export type FormerEnd = Pick<Step, typeof OF_AN_END[number]> & { from: number; until: number };

/** What a step came to: what is forgotten when it is opened again. */
export const OF_AN_END = [
  "source",
  "outcome",
  "quality",
  "endedAt",
  "value",
  "problem",
  "skipped",
  "because",
  "joined",
  "against",
  "join",
  "usage",
  "warnings",
  "display",
  "unsettled",
  "substitute",
] as const satisfies (keyof Step)[];

/** The items of a step, each of which is a step `cell[i]`. */
export interface ItemMap {
  /** A list of `count` values. */
  readonly items: StoredValue;
  readonly count: number;
  /** The first that may not have begun. */
  next: number;
  /** Those that have begun and not ended, and all that have not. */
  underWay?: number;
  left: number;
  /** One has failed, and no other begins. */
  stopped?: true;
  /** When it was opened, and how many attempts its items count as made before. */
  readonly at: Millis;
  readonly from: number;
}

/** A run's state: the fold of its journal over its plan. */
export interface Run {
  readonly id: string;
  readonly plan: Plan;
  notebook: string;
  author: string;
  params?: StoredValue;
  phase: "queued" | "active" | "suspended" | "ended";
  intent: "go" | "pause" | "stop" | "cancel";
  outcome: "none" | RunOutcome;
  problem?: StepProblem;
  /** Its deadline has passed: with intent `cancel`, it ends as `expired`. */
  expiring?: true;
  /** Sequence number of the last journal record applied. */
  seq: number;
  /** Events applied, for deciding on snapshots. */
  events: number;
  createdAt: Millis;
  /** When it came into this phase, or was told its intent. */
  since: Millis;
  startedAt?: Millis;
  endedAt?: Millis;
  /** Not to begin before; gone once it has begun. */
  startAt?: Millis;
  deadline?: Millis;
  /** 0 to 100. */
  priority: number;
  /** Absent: the default lane. */
  lane?: string;
  tags: Readonly<Record<string, string>>;
  restarts: number;
  /** Checkpoints that somebody has named, oldest first; never changed, only replaced. */
  checkpoints?: readonly Checkpoint[];
  /** What its attempts may use together; the plan's until somebody changes it. */
  limits?: Limits;
  /** What they used, whatever the limits. */
  spent: Spent;
  /** What is set aside for calls under way: the sum over open attempts. */
  reserved?: Amounts;
  /** Dimensions of which people were warned. */
  warned?: Dimension[];
  /** Those of the plan, and after them those of maps, in the order of `maps`. */
  readonly steps: Map<string, Step>;
  /** Steps whose items are steps, in the order in which they became so; never changed, only replaced. */
  maps: readonly string[];
  /** Cells that need a cell, and how, from the plan. */
  readonly successors: ReadonlyMap<string, readonly Need[]>;
  /** A step failed whose policy is `stop`: nothing starts any more. */
  halted: boolean;
  /** Steps that wait for nothing but a slot, in the order in which they became so; starting one does not scan all. */
  readonly ready: Set<string>;
  /** Steps with an open attempt. */
  readonly open: Set<string>;
  /** Of those, the ones whose attempt is not with the run's owner. */
  readonly away: Set<string>;
  /** Some of its steps want a worker with more than others have. */
  readonly routed: boolean;
  /** Steps that wait for the clock: those with `due`. */
  readonly waiting: Set<string>;
  /** Steps that wait for something that no clock brings: held or suspended, without `due`. */
  readonly parked: Set<string>;
  /** Waitpoints that are open, in the order of opening; never changed, only replaced. */
  waitpoints?: readonly Waitpoint[];
  /** How many there have been. */
  waitpointsMade?: number;
  /** Runs that its steps have begun and not let go of, by their ids; never changed, only replaced. */
  children?: Readonly<Record<string, ChildRun>>;
  /** Signals that no step has taken yet, in the order in which they came; never changed, only replaced. */
  signals?: readonly Signal[];
  /** How many there have been. */
  signalsMade?: number;
  /** What became of signals with a key, for a day; never changed, only replaced. */
  answered?: Readonly<Record<string, { at: Millis; result: SignalResult }>>;
  /** The effect that its owner is undoing; never changed, only replaced. */
  undo?: Undo;
  /** Steps whose join is decided and has not settled; `next.ts` sees to that at once, whatever the run was told. */
  readonly deciding: Set<string>;
  /** Of those, the ones that go on once the run's own budgets have room for what they want. */
  readonly short: Set<string>;
  /** Steps not ended. */
  left: number;
}

/** Priority of a run for which nobody says. */
export const DEFAULT_PRIORITY = 50;

/** What makes the vector of a run or of one of its steps impossible (EN-301), in words; nothing if it is legal. */
export function illegal(run: Run): string | undefined {
  if ((run.phase === "ended") !== (run.outcome !== "none")) {
    return `a run in phase ${run.phase} has outcome ${run.outcome}`;
  }
  if (run.phase !== "active" && run.open.size > run.away.size) {
    return `a run in phase ${run.phase} has open attempts`;
  }
  for (const [name, step] of run.steps) {
    const wrong = illegalStep(step);
    if (wrong !== undefined) return `${name}: ${wrong}`;
    const listed = [run.ready, run.open, run.waiting, run.parked].map((list) => list.has(name));
    const timed = step.due !== undefined;
    const still = step.phase === "suspended" || isHeld(step);
    const belongs = [
      step.phase === "ready" && !timed && !still,
      step.phase === "running",
      timed,
      still && !timed,
    ];
    if (listed.join() !== belongs.join()) return `${name} is not listed as ${step.phase}`;
    if (run.deciding.has(name) && (step.phase !== "idle" || step.join !== undefined)) {
      return `${name} is about to settle in phase ${step.phase}`;
    }
    const short = step.wait === "budget" && step.want !== undefined && !timed;
    if (run.short.has(name) !== short) return `${name} is not listed as short of its budget`;
    if (run.away.has(name) !== (step.away !== undefined)) return `${name} is not listed as away`;
    if (step.away !== undefined && step.phase !== "running") return `${name} is away in phase ${step.phase}`;
    if (step.child !== undefined && run.children?.[step.child]?.step !== name) {
      return `${name} waits for a run that is not listed`;
    }
    if (step.reserved !== undefined && step.attempt !== "open") {
      return `${name}: a reservation with attempt ${step.attempt}`;
    }
  }
  const { undo } = run;
  const undone = undo && run.steps.get(undo.step)?.effects?.find(({ id }) => id === undo.effect);
  if (undo !== undefined && (undone === undefined || !mayBecome(undone.state, "compensated"))) {
    return `${undo.effect} is being undone and is ${undone?.state ?? "not there"}`;
  }
  for (const [child, { step }] of Object.entries(run.children ?? {})) {
    if (run.steps.get(step)?.child !== child) return `${child} is listed and ${step} does not wait for it`;
  }
  return wrongReserve(run);
}

/** E4 What is reserved in a run is what its open attempts have reserved. */
function wrongReserve(run: Run): string | undefined {
  let sum: Amounts = {};
  for (const name of run.open) sum = plus(sum, run.steps.get(name)!.reserved ?? {});
  const rest = plus(sum, run.reserved ?? {}, -1);
  return Object.keys(rest).length === 0 ? undefined : `reserved is off by ${JSON.stringify(rest)}`;
}

function illegalStep(step: Step): string | undefined {
  const { phase, attempt, outcome, source, quality, wait, due, suspension, effects } = step;
  if ((phase === "ended") !== (outcome !== "none")) return `phase ${phase} with outcome ${outcome}`;
  if ((phase === "running") !== (attempt === "open")) return `phase ${phase} with attempt ${attempt}`;
  if (phase === "suspended" && attempt !== "held") return `suspended with attempt ${attempt}`;
  if ((source !== "none") !== (outcome === "succeeded")) return `source ${source} with outcome ${outcome}`;
  if (quality === "warned" && outcome !== "succeeded") return `warned with outcome ${outcome}`;
  if ((wait === "backoff" || wait === "delay") && due === undefined) return `wait ${wait} with due ${due}`;
  if (due !== undefined && !WAITS_WITH_DUE.has(wait)) return `wait ${wait} with due ${due}`;
  if (HELD.has(wait) && phase !== "ready") return `phase ${phase} with wait ${wait}`;
  if (WAITING.has(wait) && phase !== "suspended") return `phase ${phase} with wait ${wait}`;
  if (suspension?.wait !== (WAITING.has(wait) ? wait : undefined)) {
    return `wait ${wait} with a suspension for ${suspension?.wait ?? "nothing"}`;
  }
  if (effects === undefined) return undefined;
  if (attempt !== "open" && effects.some(({ state }) => state === "intended")) {
    return `attempt ${attempt} with an effect under way`;
  }
  if ((outcome === "succeeded" || outcome === "failed") && effects.some(isUnsettled)) {
    return `outcome ${outcome} with an effect in doubt`;
  }
}

const HELD: ReadonlySet<string> = new Set(HOLDS);
const WAITING: ReadonlySet<string> = new Set(WAIT_KINDS);
const WAITS_WITH_DUE: ReadonlySet<string> = new Set(["backoff", "delay", ...WAIT_KINDS, ...HOLDS]);

/** Whether a step is ready but for one of {@link HOLDS}. */
export function isHeld({ wait }: Step): boolean {
  return HELD.has(wait);
}

/** Whether a step ended because its own `when` is false, which for an order alone is as good as a success. */
export function isUntaken({ skipped, because }: Step): boolean {
  return skipped === "not_taken" && because === undefined;
}
