/**
 * The schema of journal events. Owns: what an event looks like in the store. `engine/run/event.ts` says what each means.
 */
import { z } from "zod";
import type { Json } from "../base/json.ts";
import { LANE_NAME } from "../notebook/syntax/lane_name.ts";
import { DESCRIPTORS, OPERATIONS, REVERSE_METHODS } from "../notebook/effects/descriptor.ts";
import { FAILURE_CATEGORIES } from "../notebook/policy.ts";
import type { RunEvent } from "../run/event.ts";
import { HOLDS } from "../run/state.ts";
import { AT_TIMEOUT, type Condition, DISTINCT, type SignalResult, WAIT_KINDS } from "../run/waits/types.ts";

/** Any JSON value, as it was read from JSON: zod's own copy of one would lose a key `__proto__`. */
export const json = z.custom<Json>((value) => value !== undefined);
/** A whole number that is not negative. */
export const count = z.int().nonnegative();
/** A time or a duration in milliseconds. */
export const millis = z.number().nonnegative();
/** A value as a record holds it. */
export const stored = z.union([
  z.strictObject({ inline: json }),
  z.strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/), bytes: count }),
]);
/** A category of failure. */
export const category = z.enum(FAILURE_CATEGORIES);
export const problem = z.strictObject({ category, code: z.string().optional(), message: z.string() });
export const usage = z.strictObject({
  model: z.string().optional(),
  inputTokens: z.number().optional(),
  outputTokens: z.number().optional(),
  cacheReadTokens: z.number().optional(),
  cacheWriteTokens: z.number().optional(),
  reasoningTokens: z.number().optional(),
  usdMicros: z.number().optional(),
  prices: z.string().optional(),
  calls: count.optional(),
});
const limit = count.nullable().optional();
/** New limits of a run or a cell. */
export const limitChange = z.strictObject({ tokens: limit, usdMicros: limit, ms: limit, calls: limit });
/** What may be used. */
export const amounts = z.strictObject({
  tokens: count.optional(),
  usdMicros: count.nullable().optional(),
  ms: count.optional(),
  calls: count.optional(),
});
/** New limits of cells by name. */
export const cellLimits = z.record(z.string(), limitChange);
export const warning = z.strictObject({
  type: z.enum(["performance", "cost", "resource", "deprecation", "quality"]),
  severity: z.enum(["low", "medium", "high"]).default("medium"),
  message: z.string(),
  suggestion: z.string().optional(),
});
/** Short enough that an event which carries it fits a record whatever else is in its turn. */
const words = z.string().max(2_000);
/** Who said something and why. */
export const told = { reason: words.optional(), by: words };
/** Tags of a run: at most 32, of 64 and 256 bytes. */
export const tags = z.record(z.string().max(64), z.string().max(256)).refine(
  (given) => Object.keys(given).length <= 32,
  "More than 32 tags",
);
/** Name of a lane. */
export const laneName = z.string().regex(LANE_NAME);
/** The session of a worker. */
export const on = z.strictObject({ worker: z.string(), epoch: count, session: z.string() });
const ofAttempt = { step: z.string(), attempt: count };
const endOfAttempt = { ...ofAttempt, frames: count, usage: usage.optional() };

/** When a suspension is over; deeper than any that is made is refused. */
export const condition: z.ZodType<Condition> = z.lazy(() =>
  z.discriminatedUnion("type", [
    z.strictObject({ type: z.literal("signal"), name: z.string(), match: json.optional() }),
    z.strictObject({ type: z.literal("allOf"), of: z.array(condition) }),
    z.strictObject({
      type: z.literal("count"),
      n: count,
      distinct: z.enum(DISTINCT),
      of: z.array(condition),
    }),
    z.strictObject({ type: z.literal("operator") }),
    z.strictObject({ type: z.literal("timeout") }),
  ])
);
const then = z.enum(AT_TIMEOUT);
export const timeout = z.union([
  z.strictObject({ ms: millis, then }),
  z.strictObject({
    ms: millis,
    then: z.literal("escalate"),
    escalation: z.strictObject({ ms: millis, then }),
  }),
]);
/** Of a signal, what whoever sends it says. */
export const sent = {
  id: z.string(),
  name: z.string().max(64),
  source: words,
  payload: stored.optional(),
  facts: z.record(z.string(), json).optional(),
};
const signal = z.strictObject({
  ...sent,
  at: millis,
  step: z.string().optional(),
  waitpoint: z.string().optional(),
  type: z.enum(["operator", "timeout"]).optional(),
});
/** What became of a signal. */
export const signalResult = z.strictObject({
  answer: z.enum(["applied", "buffered", "ignored", "duplicate"]),
  needs: z.array(z.strictObject({ names: z.array(z.string()), count })),
  replayed: z.literal(true).optional(),
}) satisfies z.ZodType<SignalResult>;

/** How a run ended. */
export const runOutcome = z.enum(["succeeded", "partial", "failed", "stopped", "cancelled", "expired"]);

/** Id of a run. */
export const runId = z.string().regex(/^run_[0-9a-z]{1,40}$/);

const manualSteps = z.array(words).max(20).optional();
/** How an effect is undone. */
export const descriptor = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal(DESCRIPTORS[0]),
    reverseOperation: z.strictObject({
      service: words,
      method: z.enum(REVERSE_METHODS),
      url: z.string().max(8_192).optional(),
      headers: z.record(z.string(), words).optional(),
      parameters: json,
    }),
  }),
  z.strictObject({ type: z.literal(DESCRIPTORS[1]), canRetry: z.boolean() }),
  z.strictObject({ type: z.literal(DESCRIPTORS[2]), reason: words, manualSteps }),
  z.strictObject({ type: z.literal(DESCRIPTORS[3]), compensatingService: words, payload: json }),
]);
/** What an effect is before it is sent. */
export const intent = {
  effect: z.string().max(64),
  slot: z.string().max(128),
  key: z.string().max(128),
  generation: count,
  operation: z.enum(OPERATIONS),
  service: words,
  description: words,
  descriptor,
  handler: words.optional(),
  parameters: stored,
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  again: z.literal(true).optional(),
};
const ofEffect = {
  ...ofAttempt,
  effect: z.string().max(64),
  by: words.optional(),
  note: words.optional(),
};

/** An event. */
export const event = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("run.queued"),
    notebook: z.string(),
    version: z.string(),
    plan: stored,
    params: stored,
    author: z.string(),
    startAt: millis.optional(),
    deadline: millis.optional(),
    priority: z.int().optional(),
    lane: laneName.optional(),
    tags: tags.optional(),
  }),
  z.strictObject({ type: z.literal("run.started") }),
  z.strictObject({ type: z.literal("run.adopted") }),
  z.strictObject({
    type: z.literal("run.released"),
    reason: z.enum(["drained", "operator", "waiting"]).optional(),
  }),
  z.strictObject({ type: z.literal("run.paused"), ...told }),
  z.strictObject({ type: z.literal("run.resumed"), ...told }),
  z.strictObject({ type: z.literal("run.stopping"), ...told }),
  z.strictObject({ type: z.literal("run.cancelling"), ...told }),
  z.strictObject({ type: z.literal("run.expiring") }),
  z.strictObject({
    type: z.literal("run.reopened"),
    from: z.array(z.string()).optional(),
    restart: z.boolean(),
    ...told,
  }),
  z.strictObject({
    type: z.literal("run.marked"),
    checkpoint: z.string().max(100),
    reason: z.enum(["error", "manual"]),
    label: z.string().max(200).optional(),
    by: words,
  }),
  z.strictObject({
    type: z.literal("run.restored"),
    checkpoint: z.string().max(200),
    seq: z.int().min(0),
    ...told,
  }),
  z.strictObject({
    type: z.literal("run.changed"),
    priority: z.int().optional(),
    lane: laneName.nullable().optional(),
    tags: tags.optional(),
    deadline: millis.nullable().optional(),
    limits: limitChange.optional(),
    cells: cellLimits.optional(),
    by: words,
  }),
  z.strictObject({
    type: z.literal("run.ended"),
    outcome: runOutcome,
    problem: problem.optional(),
  }),
  z.strictObject({
    type: z.literal("step.started"),
    ...ofAttempt,
    reason: z.enum(["first", "retry", "recovery", "manual"]),
    on: on.optional(),
  }),
  z.strictObject({ type: z.literal("step.continued"), ...ofAttempt, on: on.optional() }),
  z.strictObject({ type: z.literal("step.interrupted"), ...ofAttempt, lost: z.boolean() }),
  z.strictObject({
    type: z.literal("step.delayed"),
    ...ofAttempt,
    due: millis,
    saved: stored.optional(),
    frames: count,
  }),
  z.strictObject({
    type: z.literal("step.held"),
    ...ofAttempt,
    wait: z.enum(HOLDS),
    due: millis.optional(),
    saved: stored.optional(),
    frames: count,
    usage: usage.optional(),
    want: amounts.optional(),
    why: words.optional(),
  }),
  z.strictObject({
    type: z.literal("waitpoint.opened"),
    ...ofAttempt,
    waitpoint: z.string(),
    name: z.string(),
    expiresAt: millis,
  }),
  z.strictObject({
    type: z.literal("step.suspended"),
    ...ofAttempt,
    wait: z.enum(WAIT_KINDS),
    waitpoint: z.string(),
    expiresAt: millis,
    condition,
    timeout: timeout.optional(),
    due: millis.optional(),
    resumeDelayMs: millis.optional(),
    about: stored.optional(),
    saved: stored.optional(),
    frames: count,
  }),
  z.strictObject({ type: z.literal("child.opened"), ...ofAttempt, child: runId }),
  z.strictObject({ type: z.literal("child.ended"), step: z.string(), child: runId, outcome: runOutcome }),
  z.strictObject({
    type: z.literal("signal.received"),
    signal,
    key: z.string().optional(),
    result: signalResult,
  }),
  z.strictObject({
    type: z.literal("step.resumed"),
    ...ofAttempt,
    signals: z.array(z.string()),
    own: signal.optional(),
    due: millis.optional(),
    saved: stored.optional(),
    frames: count.optional(),
    reason: words.optional(),
  }),
  z.strictObject({ type: z.literal("step.escalated"), ...ofAttempt, due: millis }),
  z.strictObject({ type: z.literal("step.reserved"), ...ofAttempt, amounts, usage: usage.optional() }),
  z.strictObject({ type: z.literal("effect.intended"), ...ofAttempt, ...intent }),
  z.strictObject({
    type: z.literal("effect.done"),
    ...ofEffect,
    result: stored.optional(),
    descriptor: descriptor.optional(),
  }),
  z.strictObject({
    type: z.literal("effect.failed"),
    ...ofEffect,
    error: z.strictObject({ code: words, message: words }).optional(),
  }),
  z.strictObject({ type: z.literal("effect.in-doubt"), ...ofEffect }),
  z.strictObject({ type: z.literal("effect.compensated"), ...ofEffect, message: words.optional() }),
  z.strictObject({ type: z.literal("effect.compensation-failed"), ...ofEffect, message: words }),
  z.strictObject({
    type: z.literal("effect.noted"),
    ...ofEffect,
    resend: z.enum(["asked", "sent"]).optional(),
    undo: z.literal(true).optional(),
  }),
  z.strictObject({ type: z.literal("step.woken"), step: z.string() }),
  z.strictObject({
    type: z.literal("step.succeeded"),
    ...endOfAttempt,
    value: stored,
    warnings: z.array(warning).optional(),
    display: z.record(z.string(), json).optional(),
    fallback: z.literal(true).optional(),
  }),
  z.strictObject({ type: z.literal("step.retried"), ...endOfAttempt, problem, due: millis }),
  z.strictObject({ type: z.literal("step.failed"), ...endOfAttempt, problem }),
  z.strictObject({
    type: z.literal("map.opened"),
    ...ofAttempt,
    items: stored,
    count: z.int().nonnegative().max(1_000),
    frames: count,
  }),
  z.strictObject({ type: z.literal("step.declined"), ...ofAttempt, frames: count }),
  z.strictObject({
    type: z.literal("step.stopping"),
    step: z.string(),
    as: z.enum(["cancelled", "skipped"]),
    ...told,
  }),
  z.strictObject({
    type: z.literal("step.cancelled"),
    ...ofAttempt,
    frames: count,
    as: z.enum(["cancelled", "expired", "skipped"]).default("cancelled"),
    timedOut: z.literal(true).optional(),
    unsettled: z.literal(true).optional(),
    usage: usage.optional(),
  }),
  z.strictObject({ type: z.literal("join.settled"), step: z.string() }),
  z.strictObject({ type: z.literal("step.supplied"), step: z.string(), value: stored, ...told }),
]) satisfies z.ZodType<RunEvent>;
