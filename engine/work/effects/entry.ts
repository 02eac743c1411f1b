/**
 * The entries of the effect log. Owns: their shape, read strictly, and what the entries of one effect come to.
 *
 * EF-004 Entries are only ever added; the state of an effect is the fold of its entries.
 */
import { z } from "zod";
import { EngineError } from "../../base/errors.ts";
import { type Descriptor, holdsPlaceholders, type Operation } from "../../notebook/effects/descriptor.ts";
import type { StoredValue } from "../../plan/types.ts";
import type { Intent } from "../../run/event.ts";
import { type EffectState, mayBecome } from "../../run/effects/types.ts";
import { decodeRecord } from "../../store/codec.ts";
import type { Entry } from "../../store/store.ts";
import { count, descriptor, intent, millis, stored } from "../event_schema.ts";

/** What every entry has. */
interface EntryBase {
  effectId: string;
  /** Number of the journal record that names it. */
  seq: number;
  /** Epoch milliseconds. */
  at: number;
  /** `engine`, or the person who said so. */
  by: string;
  note?: string;
}

/** An entry of the log (EF-005). */
export type EffectEntry =
  & EntryBase
  & (
    | {
      type: "effect.intended";
      notebookId: string;
      version: string;
      runId: string;
      cell: string;
      /** The step: the cell, or one of its items. */
      stepId: string;
      attempt: number;
      sessionId: string;
      epoch: number;
    }
      & Omit<Intent, "effect" | "key" | "hash">
      & { idempotencyKey: string; requestHash: string }
    | { type: "effect.done"; result?: StoredValue; descriptor?: Descriptor }
    | { type: "effect.failed"; error?: { code: string; message: string } }
    | { type: "effect.in-doubt" }
    | { type: "effect.compensated"; message?: string }
    | { type: "effect.compensation-failed"; message: string }
    | { type: "effect.noted"; resend?: "asked" | "sent"; undo?: true }
  );

/** What the entries of an effect come to. */
export interface Effect {
  id: string;
  state: EffectState;
  runId: string;
  notebookId: string;
  version: string;
  cell: string;
  stepId: string;
  attempt: number;
  operation: Operation;
  service: string;
  description: string;
  descriptor: Descriptor;
  handler?: string;
  parameters: StoredValue;
  requestHash: string;
  idempotencyKey: string;
  generation: number;
  slot: string;
  result?: StoredValue;
  error?: { code: string; message: string };
  /** When it was intended, and when its state last changed. */
  at: number;
  changedAt: number;
  entries: EffectEntry[];
}

const words = z.string().max(2_000);
const base = {
  effectId: z.string().max(64),
  seq: z.int().positive(),
  at: millis,
  by: words,
  note: words.optional(),
};
const { effect: _, key, hash, ...rest } = intent;
const entry = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("effect.intended"),
    ...base,
    notebookId: z.string(),
    version: z.string(),
    runId: z.string(),
    cell: z.string(),
    stepId: z.string(),
    attempt: count,
    sessionId: z.string(),
    epoch: count,
    ...rest,
    idempotencyKey: key,
    requestHash: hash,
  }),
  z.strictObject({
    type: z.literal("effect.done"),
    ...base,
    result: stored.optional(),
    descriptor: descriptor.optional(),
  }),
  z.strictObject({
    type: z.literal("effect.failed"),
    ...base,
    error: z.strictObject({ code: words, message: words }).optional(),
  }),
  z.strictObject({ type: z.literal("effect.in-doubt"), ...base }),
  z.strictObject({ type: z.literal("effect.compensated"), ...base, message: words.optional() }),
  z.strictObject({ type: z.literal("effect.compensation-failed"), ...base, message: words }),
  z.strictObject({
    type: z.literal("effect.noted"),
    ...base,
    resend: z.enum(["asked", "sent"]).optional(),
    undo: z.literal(true).optional(),
  }),
]) satisfies z.ZodType<EffectEntry>;

/** Reads an entry. Throws `store_corrupt`. */
export const readEntry = (found: Pick<Entry, "key" | "value">): EffectEntry =>
  decodeRecord(found, (value) => entry.parse(value));

/**
 * What the entries of one effect come to, oldest first.
 *
 * @throws {EngineError} `store_corrupt` if they do not begin with `effect.intended`, or one follows that may not (E1)
 */
export function foldEntries(entries: readonly EffectEntry[]): Effect {
  const [first, ...later] = entries;
  if (first?.type !== "effect.intended") throw corrupt(first, "it does not begin with what was intended");
  const { effectId: id, type: _, seq: __, by: ___, note: ____, sessionId: _____, epoch: ______, ...known } =
    first;
  const effect: Effect = { ...known, id, state: "intended", changedAt: first.at, entries: [...entries] };
  for (const next of later) {
    if (next.type === "effect.noted") continue;
    if (next.type === "effect.intended") throw corrupt(first, "it was intended twice");
    const state = next.type.slice("effect.".length) as EffectState;
    if (!mayBecome(effect.state, state)) throw corrupt(first, `it went from ${effect.state} to ${state}`);
    effect.state = state;
    effect.changedAt = next.at;
    if (next.type === "effect.done" && next.result !== undefined) effect.result = next.result;
    if (next.type === "effect.done") effect.descriptor = next.descriptor ?? unfilled(effect.descriptor);
    if (next.type === "effect.failed" && next.error !== undefined) effect.error = next.error;
  }
  return effect;
}

/** Of what a person says is done: its placeholders were never filled in, and must not be sent as they stand. */
function unfilled(declared: Descriptor): Descriptor {
  if (!holdsPlaceholders(declared)) return declared;
  const why = "nobody heard what came of it";
  return { type: "irreversible", reason: `Compensation could not be prepared: ${why}` };
}

function corrupt(first: EffectEntry | undefined, why: string): EngineError {
  return new EngineError("store_corrupt", `Effect ${first?.effectId ?? ""} cannot be read, because ${why}`);
}
