/**
 * From a cell's text to a prompt. Owns: filling placeholders, and what of the prompt is instruction and what is
 * material. Never: calling a model.
 */
import { isObject, type Json, type JsonObject } from "../../base/json.ts";
import { parseTemplate, renderText, type Segment } from "../../expr/template.ts";
import type { PromptPart } from "../../models/model.ts";
import type { FailureCategory } from "../../plan/types.ts";
import type { Attempt, Outcome } from "../kind.ts";
import { failed } from "../kind.ts";
import { paramsOf } from "../jsonata.ts";

/** What an agent needs of the evaluator of expressions. `value` is absent where an expression gives nothing. */
export interface ExpressionEvaluator {
  evaluate(request: {
    expression: string;
    input: JsonObject;
    params?: JsonObject;
    now: number;
    seed: string;
    signal: AbortSignal;
  }): Promise<
    { ok: true; value?: Json } | { ok: false; category: FailureCategory; code?: string; message: string }
  >;
}

/** The filled parts, or how the attempt ends without them. */
export type FilledPrompt = { ok: true; parts: PromptPart[] } | { ok: false; outcome: Outcome };

/**
 * Fills a template of the cell. Data that is put in is never read for placeholders again.
 *
 * @param text the cell's source, or a header value
 * @param line line of the file on which `text` begins, for messages
 */
export async function fillPrompt(
  text: string,
  line: number,
  attempt: Attempt,
  evaluator: ExpressionEvaluator,
): Promise<FilledPrompt> {
  const { segments, unclosed } = parseTemplate(text);
  if (unclosed !== undefined) {
    const message = `Placeholder opened at line ${line + unclosed.line - 1} is not closed: add }}`;
    return { ok: false, outcome: failed("invalid_input", message, "placeholder_unclosed") };
  }
  const parts: PromptPart[] = [];
  for (const segment of segments) {
    if (segment.type === "text") parts.push({ type: "instruction", text: segment.text });
    else {
      const filled = await fillHole(segment, attempt, evaluator);
      if (!filled.ok) return filled;
      parts.push(...filled.parts);
    }
  }
  return { ok: true, parts };
}

async function fillHole(
  { expr }: Extract<Segment, { type: "hole" }>,
  attempt: Attempt,
  evaluator: ExpressionEvaluator,
): Promise<FilledPrompt> {
  const { inputs, startedAt, key, signal } = attempt;
  const result = await evaluator.evaluate({
    expression: expr,
    input: { ...inputs },
    params: paramsOf(attempt),
    now: startedAt,
    seed: `${key}/${attempt.attempt}`,
    signal,
  });
  if (signal.aborted) return { ok: false, outcome: { type: "cancelled" } };
  if (!result.ok) {
    const message = `Placeholder {{ ${expr} }}: ${result.message}`;
    return { ok: false, outcome: failed(result.category, message, result.code) };
  }
  if (result.value === undefined) {
    const message = `Placeholder {{ ${expr} }} has no value`;
    return { ok: false, outcome: failed("invalid_input", message, "placeholder_empty") };
  }
  const { value } = result;
  return {
    ok: true,
    parts: [{ type: "material", text: renderText(value), value: withNames(value, inputs), name: expr }],
  };
}

/**
 * `{{ docs.text }}` gives texts without the names of their files. A model that quotes its sources needs them, so a
 * text that is exactly the text of a file among the inputs is that file.
 */
function withNames(value: Json, inputs: Attempt["inputs"]): Json {
  const isText = typeof value === "string";
  if (!isText && !(Array.isArray(value) && value.every((item) => typeof item === "string"))) return value;
  const files = new Map<Json, Json>();
  for (const input of Object.values(inputs)) {
    for (const file of Array.isArray(input) ? input : [input]) {
      if (isObject(file) && typeof file.text === "string" && typeof file.path === "string") {
        files.set(file.text, file);
      }
    }
  }
  if (isText) return files.get(value) ?? value;
  return value.every((text) => files.has(text)) ? value.map((text) => files.get(text)!) : value;
}
