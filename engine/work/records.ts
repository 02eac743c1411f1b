/**
 * The engine's records as they are stored, read strictly: heads, plans, journal records, frames, leases, commands.
 * Owns: their schemas. Never: keys (`engine/store/keys.ts`).
 *
 * Unknown fields are refused, because a record that says more than this version knows was written by a newer one.
 */
import { z } from "zod";
import { ERROR_CODES, type ErrorCode } from "../base/errors.ts";
import type { Json } from "../base/json.ts";
import { ON_LIMIT } from "../notebook/spend/limits.ts";
import type { Plan } from "../plan/types.ts";
import { type ControlCommand, RESOLUTIONS } from "../run/command.ts";
import type { JournalRecord } from "../run/event.ts";
import type { Snapshot } from "../run/snapshot.ts";
import { HOLDS, type WorkerSession } from "../run/state.ts";
import type { SignalResult } from "../run/waits/types.ts";
import { decodeRecord } from "../store/codec.ts";
import type { Entry } from "../store/store.ts";
import type { Frame } from "../wire/frame.ts";
import type { RunHead } from "./commit/live_run.ts";
import { LANE_STATES, type LaneRules, LEAST_WEIGHT, MOST_WEIGHT } from "./lanes/lane.ts";
import { attemptReport } from "./routed/report_schema.ts";
import type { Registration } from "./workers/registration.ts";
import {
  category,
  cellLimits,
  count,
  event,
  json,
  laneName,
  limitChange,
  millis,
  on,
  runId,
  runOutcome,
  sent,
  signalResult,
  stored,
  tags,
  told,
} from "./event_schema.ts";

const record = z.strictObject({
  seq: z.int().positive(),
  at: millis,
  session: z.string(),
  epoch: count,
  events: z.array(event),
}) satisfies z.ZodType<JournalRecord>;

const ofFrame = { step: z.string(), attempt: count, seq: z.int().positive(), at: millis };
const frame = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("text"), text: z.string(), ...ofFrame }),
  z.strictObject({ type: z.literal("reasoning"), text: z.string(), ...ofFrame }),
  z.strictObject({
    type: z.literal("log"),
    level: z.enum(["debug", "info", "warn", "error"]),
    text: z.string(),
    ...ofFrame,
  }),
  z.strictObject({ type: z.literal("progress"), part: z.number().optional(), text: z.string(), ...ofFrame }),
]) satisfies z.ZodType<Frame>;

const head = z.strictObject({
  id: z.string(),
  notebook: z.string(),
  version: z.string(),
  author: z.string(),
  plan: stored,
  createdAt: millis,
  startedAt: millis.optional(),
  endedAt: millis.optional(),
  phase: z.enum(["queued", "active", "suspended", "ended"]),
  intent: z.enum(["go", "pause", "stop", "cancel"]),
  outcome: z.enum(["none", "succeeded", "partial", "failed", "stopped", "cancelled", "expired"]),
  startAt: millis.optional(),
  deadline: millis.optional(),
  priority: z.int().optional(),
  lane: laneName.optional(),
  tags: tags.optional(),
  parent: z.strictObject({ run: runId, step: z.string(), above: z.array(z.string()).max(8) }).optional(),
  origin: z.strictObject({ run: runId, seq: z.int().min(0), checkpoint: z.string().max(200).optional() })
    .optional(),
  epoch: count.optional(),
  wakeAt: millis.optional(),
  retention: z.strictObject({
    keepRuns: count.optional(),
    keepDays: millis.optional(),
    keepFramesDays: millis.optional(),
  }).optional(),
  due: z.strictObject({ at: count, what: z.enum(["frames", "run"]) }).optional(),
  trimmedAt: millis.optional(),
  deletedAt: millis.optional(),
}) satisfies z.ZodType<RunHead>;

/** Which session owns a run, and how often it changed owner. */
export interface Lease {
  session: string;
  epoch: number;
  /** The lane of the run; absent: the default one. */
  lane?: string;
}

/** Which session runs an attempt for its run's owner. */
export interface StepLease extends WorkerSession {
  attempt: number;
}

const lease = z.strictObject({
  session: z.string(),
  epoch: count,
  lane: laneName.optional(),
}) satisfies z.ZodType<Lease>;

/** That of a cell, or of one of its items. */
const name = z.string().max(72);
const toRun = <T extends string>(type: T) => z.strictObject({ type: z.literal(type), ...told });
const toStep = <T extends string>(type: T) => z.strictObject({ type: z.literal(type), step: name, ...told });
const command = z.discriminatedUnion("type", [
  toRun("pauseRun"),
  toRun("resumeRun"),
  toRun("stopRun"),
  toRun("cancelRun"),
  z.strictObject({ type: z.literal("restartRun"), from: z.array(name).optional(), ...told }),
  z.strictObject({ type: z.literal("markCheckpoint"), label: z.string().max(200).optional(), by: told.by }),
  z.strictObject({ type: z.literal("restoreRun"), checkpoint: z.string().max(200), ...told }),
  z.strictObject({
    type: z.literal("changeRun"),
    by: told.by,
    priority: z.int().min(0).max(100).optional(),
    lane: laneName.nullable().optional(),
    tags: tags.optional(),
    deadline: millis.nullable().optional(),
    limits: limitChange.optional(),
    cells: cellLimits.optional(),
  }),
  z.strictObject({ type: z.literal("releaseRun"), reason: z.enum(["drained", "operator", "waiting"]) }),
  toStep("retryStep"),
  toStep("skipStep"),
  toStep("cancelStep"),
  z.strictObject({ type: z.literal("supplyValue"), step: name, value: stored, ...told }),
  z.strictObject({
    type: z.literal("applySignal"),
    signal: z.strictObject(sent),
    waitpoint: name.optional(),
    key: z.string().max(256).optional(),
  }),
  z.strictObject({
    type: z.literal("childEnded"),
    child: runId,
    n: z.int().positive(),
    outcome: runOutcome,
  }),
  z.strictObject({
    type: z.literal("resumeSuspension"),
    step: name,
    id: z.string(),
    payload: stored.optional(),
    ...told,
  }),
  toStep("closeSuspension"),
  z.strictObject({ type: z.literal("routeAttempt"), step: name, attempt: count, on }),
  z.strictObject({ type: z.literal("reportAttempt"), step: name, on, report: attemptReport }),
  z.strictObject({ type: z.literal("loseAttempt"), step: name, attempt: count, lost: z.boolean() }),
  z.strictObject({ type: z.literal("wakeStep"), step: name, wait: z.enum(HOLDS).optional() }),
  z.strictObject({
    type: z.literal("resolveEffect"),
    step: name,
    effect: z.string().max(64),
    as: z.enum(RESOLUTIONS),
    result: stored.optional(),
    by: told.by,
    note: told.by,
  }),
  z.strictObject({
    type: z.literal("compensateEffect"),
    step: name,
    effect: z.string().max(64),
    by: told.by,
  }),
]) satisfies z.ZodType<ControlCommand>;

/** What became of a command, kept for a day (EN-511). */
export type CommandAnswer =
  | { state: "applied"; at: number; result?: SignalResult }
  | { state: "refused"; at: number; code: string; reason: string };

const answer = z.discriminatedUnion("state", [
  z.strictObject({ state: z.literal("applied"), at: millis, result: signalResult.optional() }),
  z.strictObject({ state: z.literal("refused"), at: millis, code: z.string(), reason: z.string() }),
]) satisfies z.ZodType<CommandAnswer>;

const snapshot = z.strictObject({ seq: z.int().positive(), state: stored });
const fields = z.record(z.string(), json);
const names = z.array(z.string());
const state = z.strictObject({
  run: fields,
  steps: z.record(z.string(), fields),
  ready: names,
  open: names,
  waiting: names,
  parked: names,
});

const limits = z.strictObject({
  tokens: count.optional(),
  usdMicros: count.optional(),
  ms: count.optional(),
  calls: count.optional(),
});

const step = z.strictObject({
  cell: z.string(),
  kind: z.string(),
  needs: z.array(z.strictObject({
    cell: z.string(),
    mode: z.enum(["value", "optional", "after", "any"]),
    join: z.literal(true).optional(),
  })),
  join: z.strictObject({
    need: z.int().positive(),
    of: z.int().positive(),
    rest: z.enum(["cancel-remaining", "let-run"]),
    gives: z.enum(["any", "quorum", "all"]),
  }).optional(),
  each: z.strictObject({ concurrency: z.int().positive(), errors: z.enum(["stop", "continue"]) }).optional(),
  action: z.enum(["run", "reuse"]),
  why: z.string(),
  fingerprint: z.string(),
  retry: z.strictObject({
    attempts: z.int().positive(),
    backoff: z.enum(["fixed", "linear", "exponential"]),
    initialMs: millis,
    factor: z.number(),
    maxMs: millis,
    jitter: z.enum(["none", "full", "equal"]),
    on: z.array(category),
  }),
  timeoutMs: millis,
  errors: z.enum(["stop", "continue"]),
  fallback: stored.optional(),
  instead: z.string().optional(),
  limits: limits.optional(),
  onLimit: z.enum(ON_LIMIT).optional(),
  requires: names.optional(),
  reuse: z.strictObject({ run: z.string().optional(), value: stored }).optional(),
});

const plan = z.strictObject({
  version: z.string(),
  steps: z.array(step),
  concurrency: z.int().positive(),
  limits: limits.optional(),
  onLimit: z.enum(ON_LIMIT).optional(),
  estimate: z.strictObject({ tokens: count, usdMicros: count.nullable() }).optional(),
  skipped: z.array(z.strictObject({ cell: z.string(), why: z.string() })).optional(),
});

const hold = z.strictObject({ at: millis });
const role = z.strictObject({ worker: z.string(), epoch: count, until: millis });
const lane = z.strictObject({
  weight: z.number().min(LEAST_WEIGHT).max(MOST_WEIGHT),
  maxRuns: count.optional(),
  state: z.enum(LANE_STATES),
}) satisfies z.ZodType<LaneRules>;
const worker = z.strictObject({
  session: z.string(),
  capabilities: z.array(z.string()),
  lanes: z.array(laneName).optional(),
  slots: count,
  code: z.string(),
  startedAt: millis,
}) satisfies z.ZodType<Registration>;
const offer = z.strictObject({ attempt: z.int().positive() });
const offerSet = z.strictObject({ requires: names });
const stepLease = z.strictObject({ ...on.shape, attempt: z.int().positive() });
const past = z.strictObject({ run: z.string(), fingerprint: z.string(), at: millis });
const request = z.strictObject({ made: z.string(), fingerprint: z.string(), at: millis });

type Stored = Pick<Entry, "key" | "value">;

/** Reads the head of a run. Throws `store_corrupt`, as all of these. */
export const readHead = (entry: Stored): RunHead => decodeRecord(entry, (value) => head.parse(value));
/** Reads a journal record. */
export const readRecord = (entry: Stored): JournalRecord =>
  decodeRecord(entry, (value) => record.parse(value));
/** Reads a batch of frames. */
export const readFrames = (entry: Stored): Frame[] =>
  decodeRecord(entry, (value) => z.array(frame).parse(value));
/** Reads a lease. */
export const readLease = (entry: Stored): Lease => decodeRecord(entry, (value) => lease.parse(value));
/** Reads the rules of a lane. */
export const readLane = (entry: Stored): LaneRules => decodeRecord(entry, (value) => lane.parse(value));
/** Reads what a worker offers. */
export const readWorker = (entry: Stored): Registration =>
  decodeRecord(entry, (value) => worker.parse(value));
/** Reads what is offered: the number of the attempt. */
export const readOffer = (entry: Stored): z.infer<typeof offer> =>
  decodeRecord(entry, (value) => offer.parse(value));
/** Reads which attempt is to end. */
export const readStepStop = readOffer;
/** Reads what a set of capabilities is. */
export const readOfferSet = (entry: Stored): z.infer<typeof offerSet> =>
  decodeRecord(entry, (value) => offerSet.parse(value));
/** Reads which session runs an attempt. */
export const readStepLease = (entry: Stored): StepLease =>
  decodeRecord(entry, (value) => stepLease.parse(value));
/** Reads a posted command. */
export const readPosted = (entry: Stored): ControlCommand =>
  decodeRecord(entry, (value) => command.parse(value));
/** Reads what became of a command. */
export const readAnswer = (entry: Stored): CommandAnswer =>
  decodeRecord(entry, (value) => answer.parse(value));
/** Reads where the last snapshot of a run is. */
export const readSnapshot = (entry: Stored): z.infer<typeof snapshot> =>
  decodeRecord(entry, (value) => snapshot.parse(value));
/** Reads the state that a snapshot holds, as kept among the artifacts. Throws what zod throws. */
export const readState = (value: Json): Snapshot => state.parse(value) as Snapshot;
/** Reads whose the last value of a cell is. */
export const readPast = (entry: Stored): z.infer<typeof past> =>
  decodeRecord(entry, (value) => past.parse(value));
/** Reads what a request key has made. */
export const readRequest = (entry: Stored): z.infer<typeof request> =>
  decodeRecord(entry, (value) => request.parse(value));
/** Reads since when a run names a content. */
export const readHold = (entry: Stored): z.infer<typeof hold> =>
  decodeRecord(entry, (value) => hold.parse(value));
/** Reads who has a role. */
export const readRole = (entry: Stored): z.infer<typeof role> =>
  decodeRecord(entry, (value) => role.parse(value));
/** Reads a plan, as kept among the artifacts. Throws what zod throws. */
export const readPlan = (value: Json): Plan => plan.parse(value) as Plan;

/** A code of this version; one of a newer version stands in its sentence. */
export function knownCode(code: string): ErrorCode {
  return Object.hasOwn(ERROR_CODES, code) ? code as ErrorCode : "run_busy";
}
