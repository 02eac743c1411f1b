/** The record of a waitpoint. Owns: its shape, read strictly. */
import { z } from "zod";
import { WAIT_KINDS, type Waitpoint } from "../../run/waits/types.ts";
import { decodeRecord } from "../../store/codec.ts";
import type { Entry } from "../../store/store.ts";
import { count, millis, stored } from "../event_schema.ts";

/** A waitpoint as the store tells of it, open or closed. */
export interface WaitpointRecord extends Waitpoint {
  run: string;
  notebook: string;
  /** Who started the run. */
  author: string;
  /** What came to it and counts, the payloads apart. */
  answers: { name: string; source: string; at: number; note?: string; type?: "operator" | "timeout" }[];
  closedAt?: number;
}

const record = z.strictObject({
  id: z.string(),
  step: z.string(),
  attempt: count,
  name: z.string(),
  createdAt: millis,
  expiresAt: millis,
  wait: z.enum(WAIT_KINDS).optional(),
  about: stored.optional(),
  run: z.string(),
  notebook: z.string(),
  author: z.string(),
  answers: z.array(z.strictObject({
    name: z.string(),
    source: z.string(),
    at: millis,
    note: z.string().optional(),
    type: z.enum(["operator", "timeout"]).optional(),
  })),
  closedAt: millis.optional(),
}) satisfies z.ZodType<WaitpointRecord>;

/** Reads the record of a waitpoint. Throws `store_corrupt`. */
export const readWaitpoint = (entry: Pick<Entry, "key" | "value">): WaitpointRecord =>
  decodeRecord(entry, (value) => record.parse(value));
