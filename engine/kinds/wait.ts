/**
 * The kind `wait`: a cell that goes on at a time, or when a signal has come. Owns: what it waits for and what its value
 * is.
 *
 * The value is null for a time; for a signal what it carried, or with `count` a list of `{ source, at, payload }`; null
 * where its time was over and `onTimeout` is `auto-resume`.
 */
import type { Json } from "../base/json.ts";
import { durationMs } from "../notebook/duration.ts";
import type { Condition } from "../run/waits/types.ts";
import type { ExpressionEvaluator } from "./agent/prompt.ts";
import { type Attempt, failed, type Kind, type Outcome, type TakenSignal } from "./kind.ts";
import { filled } from "./wait/filled.ts";
import { timeoutOf } from "./wait/timeout.ts";

/** Longest wait for a time. */
const YEAR_MS = 365 * 86_400_000;

/** The kind, with the evaluator for its placeholders. */
export function waitKind({ evaluator }: { evaluator: ExpressionEvaluator }): Kind {
  return {
    name: "wait",
    title: "Wait",
    description: "Waits for a time or for a signal",
    attempts: 1,
    async run(attempt) {
      const { cell: { header }, signals, saved } = attempt;
      if (signals !== undefined) {
        return { type: "succeeded", value: valueOf(signals, header.count !== undefined) };
      }
      if (saved !== undefined) return { type: "succeeded", value: null };
      return typeof header.signal === "string"
        ? await forSignal(attempt, header.signal, evaluator)
        : await forTime(attempt, evaluator);
    },
  };
}

async function forTime(attempt: Attempt, evaluator: ExpressionEvaluator): Promise<Outcome> {
  const { cell: { header, name }, clock } = attempt;
  const key = header.for === undefined ? "until" : "for";
  const given = await filled(header[key] ?? null, attempt, evaluator);
  if (!given.ok) return given.outcome;
  const ms = key === "for" ? durationMs(given.value) : msUntil(given.value, clock.now());
  if (ms === undefined) {
    const form = key === "for" ? "a duration such as 10m" : "a time as 2026-11-20T09:30:00Z";
    return failed("invalid_input", `'${key}' of '${name}' must be ${form}: ${JSON.stringify(given.value)}`);
  }
  if (ms > YEAR_MS) return failed("invalid_input", `'${key}' of '${name}' is more than a year ahead`);
  return ms <= 0 ? { type: "succeeded", value: null } : { type: "delayed", ms, saved: true };
}

async function forSignal(attempt: Attempt, name: string, evaluator: ExpressionEvaluator): Promise<Outcome> {
  const { header } = attempt.cell;
  const match = header.match === undefined ? undefined : await filled(header.match, attempt, evaluator);
  if (match?.ok === false) return match.outcome;
  const one: Condition = { type: "signal", name, ...(match === undefined ? {} : { match: match.value }) };
  const distinct = header.distinct === "sources" ? "sources" : "signals";
  const timeout = timeoutOf(attempt.cell, undefined);
  return {
    type: "suspended",
    wait: "signal",
    condition: typeof header.count === "number"
      ? { type: "count", n: header.count, distinct, of: [one] }
      : one,
    ...(timeout === undefined ? {} : { timeout }),
  };
}

function valueOf(signals: readonly TakenSignal[], counted: boolean): Json {
  if (counted) {
    return signals.filter(({ type }) => type !== "timeout").map(({ source, at, payload = null }) => ({
      source,
      at: new Date(at).toISOString(),
      payload,
    }));
  }
  return signals.at(-1)?.payload ?? null;
}

function msUntil(value: Json, now: number): number | undefined {
  const at = typeof value === "string" && /^\d{4}-\d\d-\d\dT.*(?:Z|[+-]\d\d:\d\d)$/.test(value)
    ? Date.parse(value)
    : NaN;
  return Number.isNaN(at) ? undefined : at - now;
}
