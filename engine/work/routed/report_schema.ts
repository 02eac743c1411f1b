/**
 * What a worker says of an attempt that it runs for a run's owner, as it lies in the run's inbox. Owns: its schema.
 */
import { z } from "zod";
import type { AttemptReport } from "../../run/command.ts";
import { HOLDS } from "../../run/state.ts";
import { WAIT_KINDS } from "../../run/waits/types.ts";
import { ON_LIMIT } from "../../notebook/spend/limits.ts";
import {
  amounts,
  condition,
  count,
  descriptor,
  intent,
  json,
  millis,
  problem,
  stored,
  timeout,
  usage,
  warning,
} from "../event_schema.ts";

const of = { step: z.string().max(72), attempt: z.int().positive() };
const end = { ...of, frames: count };
const used = { usage: usage.optional() };
const words = z.string().max(2_000);

/** See the module comment. */
export const attemptReport = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("openWaitpoint"), ...of, name: z.string().max(72) }),
  z.strictObject({ type: z.literal("reserveSpend"), ...of, wants: z.array(amounts).max(10), ...used }),
  z.strictObject({ type: z.literal("intendEffect"), ...of, ...intent }),
  z.strictObject({
    type: z.literal("settleEffect"),
    ...of,
    effect: z.string().max(64),
    state: z.enum(["done", "failed", "in-doubt"]),
    result: stored.optional(),
    descriptor: descriptor.optional(),
    error: z.strictObject({ code: words, message: words }).optional(),
    why: words.optional(),
  }),
  z.strictObject({ type: z.literal("resendEffect"), ...of, effect: z.string().max(64) }),
  z.strictObject({
    type: z.literal("suspendAttempt"),
    ...end,
    wait: z.enum(WAIT_KINDS),
    condition,
    timeout: timeout.optional(),
    resumeDelayMs: millis.optional(),
    about: stored.optional(),
    saved: stored.optional(),
  }),
  z.strictObject({ type: z.literal("delayAttempt"), ...end, ms: millis, saved: stored.optional() }),
  z.strictObject({
    type: z.literal("holdAttempt"),
    ...end,
    wait: z.enum(HOLDS),
    due: millis.optional(),
    saved: stored.optional(),
    ...used,
    want: amounts.optional(),
    why: words.optional(),
    onLimit: z.enum(ON_LIMIT).optional(),
  }),
  z.strictObject({
    type: z.literal("succeedAttempt"),
    ...end,
    value: stored,
    ...used,
    warnings: z.array(warning).optional(),
    display: z.record(z.string(), json).optional(),
  }),
  z.strictObject({
    type: z.literal("failAttempt"),
    ...end,
    problem,
    ...used,
    retryAfterMs: millis.optional(),
    jitter: z.number().min(0).max(1),
  }),
  z.strictObject({ type: z.literal("openMap"), ...end, items: stored, count: count.max(1_000) }),
  z.strictObject({ type: z.literal("declineAttempt"), ...end }),
  z.strictObject({
    type: z.literal("cancelAttempt"),
    ...end,
    unsettled: z.literal(true).optional(),
    ...used,
  }),
]) satisfies z.ZodType<AttemptReport>;
