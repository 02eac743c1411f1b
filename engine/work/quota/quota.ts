/**
 * The records of quotas. Owns: their shapes, read strictly, and whom a quota concerns.
 */
import { z } from "zod";
import type { JsonObject } from "../../base/json.ts";
import { isObject } from "../../base/json.ts";
import type { Attempt } from "../../kinds/kind.ts";
import { LONGEST_WINDOW_MS, MOST_QUOTA, QUOTA_NAME } from "../../notebook/spend/quotas.ts";
import type { QuotaRule } from "../../run/spend/window.ts";
import { decodeRecord } from "../../store/codec.ts";
import type { Entry } from "../../store/store.ts";
import { count, millis } from "../event_schema.ts";

/** A quota that somebody has made. Without `on` it concerns the cells that name it. */
export interface Quota extends QuotaRule {
  name: string;
  on?: { kind: string } | { provider: string };
}

const most = z.int().min(1).max(MOST_QUOTA);
/** A quota as it is stored, and as a request gives it. */
export const quotaSchema = z.strictObject({
  name: z.string().regex(QUOTA_NAME, "Not a name"),
  windowMs: z.int().min(1).max(LONGEST_WINDOW_MS).optional(),
  max: most.optional(),
  maxConcurrent: most.optional(),
  on: z.union([
    z.strictObject({ kind: z.string().min(1).max(64) }),
    z.strictObject({ provider: z.string().min(1).max(64) }),
  ]).optional(),
}).refine(isRule, "Give windowMs with max, or maxConcurrent, or both");

/** Whether a rule says something, and a window says how many. */
export function isRule({ windowMs, max, maxConcurrent }: QuotaRule): boolean {
  return (windowMs === undefined) === (max === undefined) &&
    (max !== undefined || maxConcurrent !== undefined);
}

const slot = z.strictObject({ attempt: count, at: millis });
const wait = z.strictObject({ until: millis });

type Stored = Pick<Entry, "key" | "value">;
/** Reads a quota. Throws `store_corrupt`, as all of these. */
export const readQuota = (entry: Stored): Quota => decodeRecord(entry, (value) => quotaSchema.parse(value));
/** Reads who holds a slot. */
export const readSlot = (entry: Stored): z.infer<typeof slot> =>
  decodeRecord(entry, (value) => slot.parse(value));
/** Reads until when a step's place among those that wait is kept. */
export const readWait = (entry: Stored): z.infer<typeof wait> =>
  decodeRecord(entry, (value) => wait.parse(value));

/** Whether a quota is about an attempt by its kind or by who answers its prompts. */
export function concerns({ on }: Quota, { cell, frontMatter }: Attempt): boolean {
  if (on === undefined || cell.kind === "invalid") return false;
  if ("kind" in on) return cell.kind === on.kind;
  return cell.kind === "agent" && providerOf(cell.header, frontMatter.data) === on.provider;
}

function providerOf(header: JsonObject, { defaults }: JsonObject): string | undefined {
  const model = header.model ?? (isObject(defaults) ? defaults.model : undefined);
  return typeof model === "string" ? model.split("/", 1)[0] : undefined;
}
