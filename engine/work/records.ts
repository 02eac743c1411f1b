/**
 * The engine's records as they are stored, read strictly: heads, plans, journal records, frames, leases, commands.
 * Owns: their schemas. Never: keys (`engine/store/keys.ts`).
 *
 * Unknown fields are refused, because a record that says more than this version knows was written by a newer one.
 */
import { z } from "zod";
import type { Json } from "../base/json.ts";
import { FAILURE_CATEGORIES } from "../notebook/policy.ts";
import type { Plan } from "../plan/types.ts";
import type { RunCommand } from "../run/command.ts";
import type { JournalRecord, RunEvent } from "../run/event.ts";
import { decodeRecord } from "../store/codec.ts";
import type { Entry } from "../store/store.ts";
import type { Frame } from "../wire/frame.ts";
import type { RunHead } from "./commit/live_run.ts";

const json = z.json() as unknown as z.ZodType<Json>;
const count = z.int().nonnegative();
const millis = z.number().nonnegative();
const stored = z.union([
  z.strictObject({ inline: json }),
  z.strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/), bytes: count }),
]);
const category = z.enum(FAILURE_CATEGORIES);
const problem = z.strictObject({ category, code: z.string().optional(), message: z.string() });
const usage = z.strictObject({
  model: z.string().optional(),
  inputTokens: z.number().optional(),
  outputTokens: z.number().optional(),
  usdMicros: z.number().optional(),
});
const warning = z.strictObject({
  type: z.enum(["performance", "cost", "resource", "deprecation", "quality"]),
  message: z.string(),
  suggestion: z.string().optional(),
});
const told = { reason: z.string().optional(), by: z.string() };
const ofAttempt = { step: z.string(), attempt: count };
const endOfAttempt = { ...ofAttempt, frames: count, usage: usage.optional() };

const event = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("run.queued"),
    notebook: z.string(),
    version: z.string(),
    plan: stored,
    params: stored,
    author: z.string(),
  }),
  z.strictObject({ type: z.literal("run.started") }),
  z.strictObject({ type: z.literal("run.adopted") }),
  z.strictObject({ type: z.literal("run.released") }),
  z.strictObject({ type: z.literal("run.paused"), ...told }),
  z.strictObject({ type: z.literal("run.resumed"), ...told }),
  z.strictObject({ type: z.literal("run.stopping"), ...told }),
  z.strictObject({ type: z.literal("run.cancelling"), ...told }),
  z.strictObject({
    type: z.literal("run.ended"),
    outcome: z.enum(["succeeded", "partial", "failed", "stopped", "cancelled"]),
    problem: problem.optional(),
  }),
  z.strictObject({
    type: z.literal("step.started"),
    ...ofAttempt,
    reason: z.enum(["first", "retry", "recovery"]),
  }),
  z.strictObject({
    type: z.literal("step.succeeded"),
    ...endOfAttempt,
    value: stored,
    warnings: z.array(warning).optional(),
    display: z.record(z.string(), json).optional(),
  }),
  z.strictObject({ type: z.literal("step.retried"), ...endOfAttempt, problem, due: millis }),
  z.strictObject({ type: z.literal("step.failed"), ...endOfAttempt, problem }),
  z.strictObject({ type: z.literal("step.cancelled"), ...ofAttempt, frames: count }),
]) satisfies z.ZodType<RunEvent>;

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
  phase: z.enum(["queued", "active", "ended"]),
  intent: z.enum(["go", "pause", "stop", "cancel"]),
  outcome: z.enum(["none", "succeeded", "partial", "failed", "stopped", "cancelled"]),
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
}

const lease = z.strictObject({ session: z.string(), epoch: count }) satisfies z.ZodType<Lease>;

/** Commands that may come through the inbox, from any process. */
export type PostedCommand = Extract<RunCommand, { type: "pauseRun" | "resumeRun" | "stopRun" | "cancelRun" }>;

/** Short enough that the event which comes of it fits a record whatever else is in its turn. */
const words = z.string().max(2_000);
const tells = { reason: words.optional(), by: words };
const posted = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("pauseRun"), ...tells }),
  z.strictObject({ type: z.literal("resumeRun"), ...tells }),
  z.strictObject({ type: z.literal("stopRun"), ...tells }),
  z.strictObject({ type: z.literal("cancelRun"), ...tells }),
]) satisfies z.ZodType<PostedCommand>;

const step = z.strictObject({
  cell: z.string(),
  kind: z.string(),
  needs: z.array(z.strictObject({ cell: z.string(), mode: z.enum(["value", "optional", "after", "any"]) })),
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
  reuse: z.strictObject({ run: z.string(), value: stored }).optional(),
});

const plan = z.strictObject({
  version: z.string(),
  steps: z.array(step),
  concurrency: z.int().positive(),
  skipped: z.array(z.strictObject({ cell: z.string(), why: z.string() })).optional(),
});

const hold = z.strictObject({ at: millis });
const role = z.strictObject({ worker: z.string(), epoch: count, until: millis });
const past = z.strictObject({ run: z.string(), fingerprint: z.string(), at: millis });
const request = z.strictObject({ run: z.string(), fingerprint: z.string() });

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
/** Reads a posted command. */
export const readPosted = (entry: Stored): PostedCommand =>
  decodeRecord(entry, (value) => posted.parse(value));
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
