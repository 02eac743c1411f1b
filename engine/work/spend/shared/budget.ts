/**
 * The records of budgets that runs share. Owns: their shapes, read strictly, and whom a budget concerns.
 *
 * E4 A ledger is what is settled; what is set aside lies beside it, each entry under its attempt.
 */
import { z } from "zod";
import { type Limits, ON_LIMIT, type OnLimit } from "../../../notebook/spend/limits.ts";
import type { Spent } from "../../../run/spend/amounts.ts";
import { isTimeZone, type Period, periodOf, type Reset, RESETS } from "../../../run/spend/calendar.ts";
import { decodeRecord } from "../../../store/codec.ts";
import type { Entry } from "../../../store/store.ts";
import { count, millis } from "../../event_schema.ts";

/** What may be limited for several runs together: time is each run's own. */
export const SHARED_DIMENSIONS = ["tokens", "usdMicros", "calls"] as const;

/** A budget that runs share. */
export interface Budget {
  name: string;
  /** All runs of the store, or those of a notebook. */
  scope: "all" | { notebook: string };
  limits: Pick<Limits, typeof SHARED_DIMENSIONS[number]>;
  /** Part of a limit from which on it is `warned`. */
  warnAt: number;
  onLimit: OnLimit;
  /** Absent: never by itself. */
  reset?: Reset;
  timeZone?: string;
}

/** What is settled of a budget in a period. */
export interface Ledger {
  /** When the period began; 0 without a reset. */
  from: number;
  used: Pick<Spent, "tokens" | "usdMicros" | "calls" | "unknown">;
}

/** Something set aside or settled under an attempt, or told from outside. */
export interface LedgerEntry {
  at: number;
  reserved?: Shared;
  settled?: Shared;
  /** Those whose tokens or price are not known, and which are not in `settled`. */
  unknown?: { tokens?: number; usdMicros?: number };
  /** What its step had used before. */
  before?: Shared & { unknown?: { tokens?: number; usdMicros?: number } };
  /** By which it came from outside. */
  key?: string;
}

/** An amount of each dimension; absent is 0. */
export type Shared = { tokens?: number; usdMicros?: number | null; calls?: number };

const limit = z.int().min(0).max(1e15).optional();
/** A budget as it is stored. */
export const budgetSchema = z.strictObject({
  name: z.string().regex(/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/, "Not a name"),
  scope: z.union([z.literal("all"), z.strictObject({ notebook: z.string().min(1).max(512) })]),
  limits: z.strictObject({ tokens: limit, usdMicros: limit, calls: limit }),
  warnAt: z.number().min(0).max(1),
  onLimit: z.enum(ON_LIMIT),
  reset: z.enum(RESETS).optional(),
  timeZone: z.string().max(64).refine(isTimeZone, "No such time zone").optional(),
}) satisfies z.ZodType<Budget>;

const unknown = z.strictObject({ tokens: count.optional(), usdMicros: count.optional() }).optional();
const amounts = { tokens: count.optional(), usdMicros: count.nullable().optional(), calls: count.optional() };
const ledger = z.strictObject({
  from: millis,
  used: z.strictObject({ tokens: count, usdMicros: count, calls: count, unknown }),
});
const entry = z.strictObject({
  at: millis,
  reserved: z.strictObject(amounts).optional(),
  settled: z.strictObject(amounts).optional(),
  unknown,
  before: z.strictObject({ ...amounts, unknown }).optional(),
  key: z.string().optional(),
});
const told = z.strictObject({ result: z.enum(["ok", "warned", "over"]), at: millis });

type Stored = Pick<Entry, "key" | "value">;
/** Reads a budget. Throws `store_corrupt`, as all of these. */
export const readBudget = (stored: Stored): Budget =>
  decodeRecord(stored, (value) => budgetSchema.parse(value));
/** Reads what is settled. */
export const readLedger = (stored: Stored): Ledger => decodeRecord(stored, (value) => ledger.parse(value));
/** Reads an entry of a ledger. */
export const readEntry = (stored: Stored): LedgerEntry => decodeRecord(stored, (value) => entry.parse(value));
/** Reads what was answered to a report from outside. */
export const readTold = (stored: Stored): z.infer<typeof told> =>
  decodeRecord(stored, (value) => told.parse(value));

/** Reads what a step wants that waits. */
export const readWant = (stored: Stored): Shared =>
  decodeRecord(stored, (value) => z.strictObject(amounts).parse(value));

/** The period of a budget at a time. */
export function periodOfBudget({ reset, timeZone }: Budget, now: number): Period {
  return reset === undefined ? { from: 0, to: Infinity } : periodOf(now, reset, timeZone);
}

/** Whether a budget is about the runs of a notebook. */
export function isAbout({ scope }: Budget, notebook: string): boolean {
  return scope === "all" || scope.notebook === notebook;
}
