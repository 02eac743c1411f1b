/**
 * Bodies of requests. Owns: their shapes; unknown fields are refused (AP-101). Never: what a value means.
 */
import { z } from "zod";
import type { Json, JsonObject } from "../engine/base/json.ts";
import { depthWithin } from "../engine/base/json.ts";
import {
  LANE_STATES,
  LEAST_WEIGHT,
  MISMATCHES,
  MOST_WEIGHT,
  quotaSchema,
  RESOLUTIONS,
} from "../engine/mod.ts";
import { LANE_NAME } from "../engine/notebook/syntax/lane_name.ts";
import { ON_LIMIT, readLimitChange, readLimits } from "../engine/notebook/spend/limits.ts";
import { BACKOFFS, ERROR_POLICIES, FAILURE_CATEGORIES, JITTERS } from "../engine/notebook/policy.ts";

/** Nothing takes longer than a year. */
const MOST_MS = 366 * 86_400_000;

/** A body was read from JSON, so that it is; zod's own copy of a value would lose a key `__proto__`. */
const anyJson = z.custom<Json>((value) => value !== undefined);
const params = z.record(z.string().max(64), anyJson).refine(
  (value) => depthWithin(value as JsonObject, 100),
  "Nested deeper than 100",
);
const name = z.string().min(1).max(64);
const cells = z.array(name).min(1).max(10_000);
const coordinate = z.number().min(-1e7).max(1e7);
/** AP-102: ISO 8601 with its zone; read as epoch ms. */
const time = z.iso.datetime({ offset: true, error: "Not a time as 2026-11-20T09:30:00Z" }).transform((text) =>
  Date.parse(text)
);
const ms = z.int().min(0).max(MOST_MS);
const lane = z.string().regex(LANE_NAME, "Not a name of a lane: letters, digits and . _ -, 64 at most");
const priority = z.int().min(0).max(100);
/** How many there may be and how long is the engine's to say, with a code of its own (`tag_limit`). */
const tags = z.record(z.string().min(1).max(1_000), z.string().max(10_000));
/** What may be used at most, as notebooks write it (EN-1101), in our units. */
const amount = z.number().min(0).max(1e9);
const written = { tokens: amount, usd: amount, minutes: amount, calls: amount };
const limits = z.strictObject(written).partial().transform(readLimits);
const change = z.strictObject({
  tokens: amount.nullable(),
  usd: amount.nullable(),
  minutes: amount.nullable(),
  calls: amount.nullable(),
}).partial();
/** Null takes a limit away. */
const limitChange = change.transform(readLimitChange);
const runLimitChange = change.extend({
  /** Those of cells, by name. */
  cells: z.record(z.string().max(72), limitChange)
    .refine((cells) => Object.keys(cells).length <= 100, "Change 100 cells at a time").optional(),
}).transform(({ cells, ...own }) => ({ own: readLimitChange(own), ...cells === undefined ? {} : { cells } }));
/** As `retry` of a cell, with durations in ms. */
const retry = z.strictObject({
  attempts: z.int().min(1).max(20).optional(),
  backoff: z.enum(BACKOFFS).optional(),
  initialMs: ms.optional(),
  factor: z.number().min(1).max(100).optional(),
  maxMs: ms.optional(),
  jitter: z.enum(JITTERS).optional(),
  on: z.array(z.enum(FAILURE_CATEGORIES)).optional(),
});

/** AP-601, as far as it exists. */
export const RunBody = z.strictObject({
  notebook: z.string().min(1).max(512),
  params: params.optional(),
  cells: cells.optional(),
  /** Values of cells, given by hand. */
  inputs: params.optional(),
  delayMs: ms.optional(),
  delayUntil: time.optional(),
  deadline: time.optional(),
  priority: priority.optional(),
  lane: lane.optional(),
  tags: tags.optional(),
  errors: z.enum(ERROR_POLICIES).optional(),
  concurrency: z.int().min(1).max(10_000).optional(),
  retry: retry.optional(),
  timeoutMs: ms.optional(),
  /** Of these and of the notebook's the lowest win (EN-208). */
  limits: limits.optional(),
  strict: z.boolean().optional(),
}).refine(({ delayMs, delayUntil }) => delayMs === undefined || delayUntil === undefined, {
  message: "Either delayMs or delayUntil",
  path: ["delayUntil"],
});
/** AP-510. */
export const PlanBody = z.strictObject({ params: params.optional(), cells: cells.optional() });
/** AP-509. */
export const LayoutBody = z.strictObject({
  positions: z.record(z.string().max(64), z.strictObject({ x: coordinate, y: coordinate })),
});
/** AP-511: a notebook's text. */
export const CheckBody = z.string();

const reason = z.string().max(2_000).optional();
/** A command to a run or a step: why, for whoever reads the journal (AP-616 to AP-618, AP-624). */
export const CommandBody = z.strictObject({ reason });
/** AP-619. */
export const RestartBody = z.strictObject({ reason, from: cells.optional() });
/** AP-620. */
export const CheckpointBody = z.strictObject({ label: z.string().min(1).max(200).optional() });
/** AP-621. */
export const RestoreBody = z.strictObject({ checkpoint: z.string().min(1).max(200), reason });
/** AP-622. */
export const ForkBody = z.strictObject({
  checkpoint: z.string().min(1).max(200).optional(),
  params: params.optional(),
  text: z.string().max(4 * 1024 * 1024).optional(),
  /** Of the notebook as it is now, or of one that a run has had. */
  version: z.string().regex(/^[0-9a-f]{64}$/, "Not a version: 64 hex digits").optional(),
  onMismatch: z.enum(MISMATCHES).optional(),
}).refine(
  ({ text, version }) => text === undefined || version === undefined,
  "Give text or version, not both",
);
/** AP-623, as far as it exists. */
export const ChangeBody = z.strictObject({
  priority: priority.optional(),
  /** Null: the default one. */
  lane: lane.nullable().optional(),
  tags: tags.optional(),
  deadline: time.nullable().optional(),
  /** Raised limits wake what they held (EN-1104). */
  limits: runLimitChange.optional(),
}).refine((change) => Object.keys(change).length > 0, "Name what is to change");
/** AP-911. */
export const LaneBody = z.strictObject({
  weight: z.number().min(LEAST_WEIGHT).max(MOST_WEIGHT).optional(),
  maxRuns: z.int().min(0).max(1_000_000).nullable().optional(),
  state: z.enum(LANE_STATES).optional(),
});
const sharedLimits = z.strictObject({ tokens: amount, usd: amount, calls: amount }).partial()
  .transform((given) => readLimits(given) ?? {});
const budgetRule = z.strictObject({
  /** Budgets of deployments come with deployments. */
  scope: z.union([z.literal("all"), z.strictObject({ notebook: z.string().min(1).max(512) })]),
  limits: sharedLimits,
  warnAt: z.number().min(0).max(1).default(0.8),
  onLimit: z.enum(ON_LIMIT).default("pause"),
  reset: z.enum(["day", "week", "month"]).optional(),
  timeZone: z.string().max(64).optional(),
});
/** AP-901. */
export const BudgetBody = budgetRule.extend({ name: z.string().max(64) });
/** AP-902: the name stands in the path. */
export const BudgetRuleBody = budgetRule;
/** AP-903. */
export const BudgetUseBody = z.strictObject({
  key: z.string().regex(/^[!-~]{1,255}$/, "Not 1 to 255 visible ASCII characters"),
  amounts: sharedLimits,
  run: z.string().min(1).max(64).optional(),
  step: z.string().min(1).max(72).optional(),
});
/** AP-905. */
export const ResetBody = z.strictObject({ reason: z.string().min(1).max(2_000) });
/** AP-907. */
export const QuotaBody = quotaSchema;
/** AP-908: the name stands in the path. */
export const QuotaRuleBody = z.record(z.string(), anyJson).transform((rule) => ({ ...rule, name: "path" }))
  .pipe(quotaSchema).transform(({ name: _, ...rule }) => rule);
/** AP-625: the value itself. */
export const ValueBody = anyJson;
const signalName = z.string().regex(/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/, "Not a name of a signal");
const signalKey = z.string().regex(/^[!-~]{1,255}$/, "Not 1 to 255 visible ASCII characters");
const note = z.string().max(500).optional();
/** AP-626. */
export const SignalBody = z.strictObject({
  name: signalName,
  payload: anyJson.optional(),
  key: signalKey.optional(),
});
/** AP-804. */
export const WaitpointSignalBody = z.strictObject({
  name: signalName.optional(),
  payload: anyJson.optional(),
  key: signalKey.optional(),
});
/** AP-805. */
export const OperateBody = z.strictObject({
  reason: z.string().min(1).max(2_000),
  payload: anyJson.optional(),
});
/** AP-808. */
export const DecideBody = z.strictObject({
  decision: z.enum(["approve", "reject"]),
  note,
  value: anyJson.optional(),
});
/** AP-810: fields of a form, or the same as JSON. */
export const LinkBody = z.strictObject({ decision: z.enum(["approve", "reject"]), note });
/** AP-811. */
export const RotateBody = z.strictObject({
  kid: z.string().max(32),
  secretHex: z.string().max(256).optional(),
  graceMs: ms.optional(),
});
/** AP-1102. */
export const ResolveBody = z.strictObject({
  as: z.enum(RESOLUTIONS),
  /** With `done`: what came of it. */
  result: anyJson.optional(),
  note: z.string().min(1).max(2_000),
});
/** AP-1103. */
export const CompensateBody = z.strictObject({ dry: z.boolean().optional() });
/** AP-627. */
export const ReleaseBody = z.strictObject({
  expectEpoch: z.int().min(0).optional(),
  force: z.boolean().optional(),
});
