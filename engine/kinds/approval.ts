/**
 * The kind `approval`: a cell that goes on when people say so. Owns: what is asked, and what their answer is worth.
 * Never: who they are and whether they may; that is `engine/work/waits`.
 *
 * The value is `{ approved, value, by, note, at }`: what was approved, perhaps changed by whoever approved it, and who.
 */
import { isObject, type Json, type JsonObject } from "../base/json.ts";
import type { ExpressionEvaluator } from "./agent/prompt.ts";
import { type Attempt, failed, type Kind, type Outcome, type TakenSignal } from "./kind.ts";
import { schemaCheck } from "./schema/check.ts";
import { filled } from "./wait/filled.ts";
import { conditionOf, readTerms, REJECT } from "./wait/terms.ts";
import { timeoutOf } from "./wait/timeout.ts";

/** How long a decision is waited for if the cell does not say. */
const WEEK_MS = 7 * 86_400_000;
/** Keys of the header that are filled in. */
const FILLED = ["ask", "context", "value"] as const;

/** The kind, with the evaluator for its placeholders. */
export function approvalKind({ evaluator }: { evaluator: ExpressionEvaluator }): Kind {
  return {
    name: "approval",
    title: "Approval",
    description: "Waits until somebody approves or rejects",
    attempts: 1,
    // deno-lint-ignore require-await -- a kind answers later, whatever it finds
    run: async (attempt) =>
      attempt.signals === undefined ? ask(attempt, evaluator) : answered(attempt, attempt.signals),
  };
}

async function ask(attempt: Attempt, evaluator: ExpressionEvaluator): Promise<Outcome> {
  const { header, name } = attempt.cell;
  const terms: Record<string, Json> = { ask: `Go on after ${name}?` };
  for (const key of FILLED) {
    if (header[key] === undefined) continue;
    const part = await filled(header[key], attempt, evaluator);
    if (!part.ok) return part.outcome;
    terms[key] = part.value;
  }
  if (typeof terms.ask !== "string") terms.ask = JSON.stringify(terms.ask);
  if (isObject(header.schema)) {
    const read = await schemaCheck(header.schema);
    if (!read.ok) {
      return failed("invalid_input", `Schema of '${name}' is not valid: ${read.fault}`, "schema_invalid");
    }
  }
  for (const key of ["schema", "deciders", "needed", "twoPerson"]) {
    if (header[key] !== undefined) terms[key] = header[key];
  }
  const timeout = timeoutOf(attempt.cell, WEEK_MS);
  return {
    type: "suspended",
    wait: "approval",
    condition: conditionOf(readTerms(terms)),
    about: terms,
    saved: terms.value ?? null,
    ...(timeout === undefined ? {} : { timeout }),
  };
}

function answered({ cell, saved = null }: Attempt, signals: readonly TakenSignal[]): Outcome {
  const rejection = signals.find(({ name, type }) => name === REJECT && type === undefined);
  const last = rejection ?? signals.at(-1)!;
  const { note, value } = isObject(last.payload) ? last.payload : {};
  const by = signals.filter(({ type }) => type !== "timeout").map(({ source }) => source);
  const common = {
    by: rejection === undefined ? by : [rejection.source],
    note: note ?? null,
    at: new Date(last.at).toISOString(),
  };
  if (rejection !== undefined && cell.header.onReject !== "continue") {
    const why = typeof note === "string" && note !== "" ? `: ${note}` : "";
    return failed("refused", `${rejection.source} rejected it${why}`, "approval_rejected");
  }
  const timedOut = last.type === "timeout";
  const approved = rejection === undefined && !timedOut;
  const result: JsonObject = { approved, value: value ?? saved, ...common };
  if (timedOut) result.timedOut = true;
  return { type: "succeeded", value: result };
}
