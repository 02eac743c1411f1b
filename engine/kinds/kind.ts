/**
 * What a cell kind is to the engine. Owns: the contract between the executor and a kind.
 * Never: retries, checkpoints, leases; those are the executor's. A kind computes one attempt and returns how it went.
 */
import type { Clock } from "../base/clock.ts";
import type { Json, JsonObject } from "../base/json.ts";
import type { Descriptor, Operation } from "../notebook/effects/descriptor.ts";
import type { Cell, FrontMatter, Problem } from "../notebook/types.ts";
import type { RunOutcome, StepProblem, Usage, Warning } from "../run/event.ts";
import type { Condition, Timeout, WaitKind } from "../run/waits/types.ts";
import type { Amounts } from "../run/spend/amounts.ts";
import type { Hold } from "../run/state.ts";
import type { OnLimit } from "../notebook/spend/limits.ts";
import type { Evaluated, Evaluation } from "../sandbox/evaluator.ts";
import type { Display, FrameBody } from "../wire/frame.ts";

/** What an attempt is given. */
export interface Attempt {
  /** The cell as it stands in the run's version. */
  cell: Cell;
  /** Of the same version: its `defaults` apply to cells that do not say. */
  frontMatter: FrontMatter;
  /** Values by the names the cell uses: cells, inputs and params. Only what it names. */
  inputs: Readonly<Record<string, Json>>;
  run: string;
  /** Number from 1. */
  attempt: number;
  /** Same for every attempt of a step: `run/cell`. */
  key: string;
  /** Start of the attempt, epoch ms: what `$now()` says. */
  startedAt: number;
  /** What the attempt asked to be kept when it last gave its slot back; absent at its beginning. */
  saved?: Json;
  /** What ended the suspension that the attempt asked for; absent before. */
  signals?: readonly TakenSignal[];
  /** Aborts when the attempt must stop: timeout, cancel, lost lease. */
  signal: AbortSignal;
  /** Adds to the output stream. Never waits; the stream is durable before the attempt's end is. */
  emit(frame: FrameBody): void;
  spend: Spend;
  children: Children;
  /** The only way to act on the outside world (EN-1507). */
  effects: Effects;
  clock: Clock;
}

/** A signal that an attempt waited for. */
export interface TakenSignal {
  id: string;
  name: string;
  /** Who was found to send it. */
  source: string;
  /** Epoch ms. */
  at: number;
  payload?: Json;
  /** The engine's own: an operator resumed it, or its time was over. */
  type?: "operator" | "timeout";
}

/** What an attempt asks before it uses what may be limited. */
export interface Spend {
  /**
   * Sets the first of `wants` that fits aside for the next call, in every budget it is under or in none; resolves at once
   * where there is none. If nothing fits, the attempt ends with the outcome and is called again when there is room.
   *
   * @param wants the best first; the last is the least that will do
   * @param usage what the attempt has used so far, over several calls
   * @returns what was set aside; absent where nothing limits the call
   */
  reserve(
    wants: readonly Amounts[],
    usage?: Usage,
  ): Promise<{ ok: true; amounts?: Amounts } | { ok: false; outcome: Outcome }>;
}

/** What an attempt asks to have another notebook run. */
export interface Children {
  /**
   * Begins a run of a notebook of the workspace; an attempt that follows one which was lost gets the run that that one
   * began. The attempt then waits for a signal whose name is the run's id. If it cannot be, it ends with the outcome.
   */
  start(
    request: { notebook: string; params: JsonObject },
  ): Promise<{ ok: true; run: string } | { ok: false; outcome: Outcome }>;
  /** How a run has ended; nothing while it goes on. */
  result(run: string): Promise<ChildResult | undefined>;
}

/** How a run of another notebook has ended. */
export interface ChildResult {
  outcome: RunOutcome;
  /** Of the cells on which nothing follows: the one's value, or those of several by name. */
  value: Json;
  problem?: StepProblem;
  /** What it has used. */
  usage?: Usage;
}

/** How an attempt acts on the outside world. */
export interface Effects {
  /**
   * Acts once, whatever becomes of the attempt: what is intended is durable before `send` is called, and what was done
   * by an earlier attempt is not sent again. If it is not known what became of it, it is sent again where that is
   * declared, else `probe` is asked, else the attempt gives its slot back until a person says.
   *
   * @param send makes the request that it is given, with the key; what it throws is a bug of the kind
   * @param probe finds out whether the request that it is given has had its effect
   * @returns what came of it, or with what the attempt is to end
   */
  perform(intent: EffectIntent, send: Send, probe?: Probe): Promise<Performed>;
}

/** What an attempt is about to do. */
export interface EffectIntent {
  /** What is sent, whole: a retry sends this, byte for byte. */
  request: Json;
  /** A sentence for a person, at most 500 characters. */
  description: string;
  /** Whom it concerns: the host of a request, or `file` or `database`. */
  service: string;
  /** Default `api_call`. */
  operation?: Operation;
  /** How it is undone; default by operation and method. */
  descriptor?: Descriptor;
  /** The method of a request over HTTP, for the default. */
  method?: string;
  handler?: string;
  /** The request carries the key, so that the other side knows one that comes again. */
  sendsKey?: boolean;
  /**
   * Which effect of its step it is; default its number within this call. An attempt that goes on with what it saved must
   * name it.
   */
  slot?: string;
}

/** Makes a request. */
export type Send = (what: { key: string; request: Json; signal: AbortSignal }) => Promise<Called>;

/** What became of a request. */
export type Called =
  /** It has happened; `descriptor`: how it is undone, filled in with what came of it. */
  | { type: "done"; result: Json; descriptor?: Descriptor }
  /** It has not happened: nothing was sent, or the answer says so. */
  | { type: "failed"; problem: StepProblem; retryAfterMs?: number }
  /** It may have happened. */
  | { type: "unknown"; why: string };

/** Finds out whether a request has had its effect. */
export type Probe = (
  request: Json,
) => Promise<
  { type: "done"; result?: Json; descriptor?: Descriptor } | { type: "failed" } | { type: "unknown" }
>;

/**
 * What came of an effect: its result (`recorded`: of an earlier attempt) and how it is undone, or with what the attempt is
 * to end.
 */
export type Performed =
  | { ok: true; effect: string; result: Json; descriptor: Descriptor; recorded: boolean }
  | { ok: false; outcome: Outcome };

/** How an attempt went. It never throws to say so: what is thrown is a bug of the kind. */
export type Outcome =
  | { type: "succeeded"; value: Json; usage?: Usage; warnings?: Warning[]; display?: Display }
  | { type: "failed"; problem: StepProblem; usage?: Usage; retryAfterMs?: number }
  /** Gives its slot back for `ms`, then the same attempt is called again with `saved`, of 32 KiB of JSON at most. */
  | { type: "delayed"; ms: number; saved?: Json }
  /**
   * Gives its slot back until the condition is met, then the same attempt is called again with `saved` and the signals
   * that met it, after `resumeDelayMs` if given. `about` is for whoever is to answer.
   */
  | {
    type: "suspended";
    wait: WaitKind;
    condition: Condition;
    timeout?: Timeout;
    resumeDelayMs?: number;
    about?: Json;
    saved?: Json;
  }
  /** It is to be done for each of these, once for all of them; then the attempt goes on. */
  | { type: "mapped"; items: Json[] }
  /** There is nothing to do: the step is skipped as not taken. */
  | { type: "declined" }
  /** Gives its slot back for a reason that is not the clock's; called again with `saved` when that is over. */
  | {
    type: "held";
    wait: Hold;
    due?: number;
    saved?: Json;
    usage?: Usage;
    /** With `budget`: what it needs. */
    want?: Amounts;
    /** A sentence without a full stop. */
    why?: string;
    onLimit?: OnLimit;
  }
  | { type: "cancelled"; usage?: Usage };

/** What a step will use, as far as that can be said before it runs: `usdMicros: null` where the price is not known. */
export interface Estimate {
  tokens: number;
  usdMicros: number | null;
}

/** A kind of cell. */
export interface Kind {
  /** As in the info string. */
  readonly name: string;
  readonly title: string;
  /** One sentence for the palette. */
  readonly description: string;
  /** Tries when neither cell nor notebook says; an agent's is 3, every other's 1. */
  readonly attempts: number;
  /** What is wrong with a cell as it stands, in the file's places; errors refuse a run of it. */
  check?(cell: Cell): Problem[];
  /** How what a cell does to the outside world is undone; `undefined` for one that only reads. Absent: all do. */
  undo?(cell: Cell): Descriptor | undefined;
  /** What one attempt may use; absent for kinds that use nothing that is counted. */
  estimate?(cell: Cell, frontMatter: FrontMatter): Estimate | undefined;
  /** Of the kind whose cells are expressions: evaluates one over any value, for what stands between cells. */
  evaluate?(evaluation: Evaluation): Promise<Evaluated>;
  /** Runs one attempt. */
  run(attempt: Attempt): Promise<Outcome>;
}

/** Kinds by name. */
export type Kinds = ReadonlyMap<string, Kind>;

/** Shorthand for a failed outcome. */
export function failed(category: StepProblem["category"], message: string, code?: string): Outcome {
  return { type: "failed", problem: { category, message, ...(code === undefined ? {} : { code }) } };
}

/** A header value that must be an object, or an empty one. */
export function objectOf(value: Json | undefined): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}
