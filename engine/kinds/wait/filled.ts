/**
 * Header values with placeholders filled in. Owns: that a text which is one placeholder becomes the value itself, and any
 * other text a text.
 */
import { isObject, type Json } from "../../base/json.ts";
import { parseTemplate } from "../../expr/template.ts";
import { type ExpressionEvaluator, fillPrompt } from "../agent/prompt.ts";
import { paramsOf } from "../jsonata.ts";
import { type Attempt, failed, type Outcome } from "../kind.ts";

/** The filled value, or how the attempt ends without it. */
export type Filled = { ok: true; value: Json } | { ok: false; outcome: Outcome };

/** Fills every text in a value; keys are left as they are. Data that is put in is never read for placeholders. */
export async function filled(value: Json, attempt: Attempt, evaluator: ExpressionEvaluator): Promise<Filled> {
  if (typeof value === "string") return await filledText(value, attempt, evaluator);
  if (typeof value !== "object" || value === null) return { ok: true, value };
  const entries: [string, Json][] = [];
  for (const [key, inner] of Object.entries(value)) {
    const part = await filled(inner, attempt, evaluator);
    if (!part.ok) return part;
    entries.push([key, part.value]);
  }
  return { ok: true, value: isObject(value) ? Object.fromEntries(entries) : entries.map(([, part]) => part) };
}

async function filledText(text: string, attempt: Attempt, evaluator: ExpressionEvaluator): Promise<Filled> {
  const { segments } = parseTemplate(text.trim());
  const [only] = segments;
  if (segments.length === 1 && only!.type === "hole") {
    const { inputs, startedAt, key, signal } = attempt;
    const result = await evaluator.evaluate({
      expression: only!.expr,
      input: { ...inputs },
      params: paramsOf(attempt),
      now: startedAt,
      seed: `${key}/${attempt.attempt}`,
      signal,
    });
    if (signal.aborted) return { ok: false, outcome: { type: "cancelled" } };
    if (result.ok) return { ok: true, value: result.value ?? null };
    const message = `Placeholder {{ ${only!.expr} }}: ${result.message}`;
    return { ok: false, outcome: failed(result.category, message, result.code) };
  }
  const parts = await fillPrompt(text, attempt.cell.headerLine, attempt, evaluator);
  return parts.ok ? { ok: true, value: parts.parts.map((part) => part.text).join("") } : parts;
}
