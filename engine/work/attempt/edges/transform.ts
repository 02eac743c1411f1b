/**
 * The transformations that stand on an edge. Owns: what each makes of a value. Never: which there are; that is
 * `engine/notebook/contracts`.
 *
 * DF-203 to DF-208. No value (`undefined`) is not null: it goes on to the next transformation as it is.
 */
import { type Json, jsonBytes } from "../../../base/json.ts";
import { parseTemplate, renderText } from "../../../expr/template.ts";
import type { Transformation } from "../../../notebook/contracts/contract.ts";
import type { Evaluated } from "../../../sandbox/evaluator.ts";

/** Evaluates an expression over a value, or over each item of a list. */
export type Evaluate = (expression: string, value: Json | undefined, each?: boolean) => Promise<Evaluated>;

/** The value after a transformation. */
export async function transformed(
  transformation: Transformation,
  value: Json | undefined,
  evaluate: Evaluate,
): Promise<Evaluated> {
  switch (transformation.type) {
    case "path":
      return await evaluate(transformation.text, value);
    case "aggregate": {
      const result = await evaluate(transformation.text, value);
      return result.ok ? { ok: true, value: result.value ?? null } : result;
    }
    case "template":
      return await filled(transformation.text, value, evaluate);
    case "map":
      return await forEach(transformation.text, itemsOf(value), evaluate);
    case "filter": {
      const items = itemsOf(value);
      const kept = await forEach(`$boolean(${transformation.text})`, items, evaluate);
      if (!kept.ok) return kept;
      const marks = kept.value;
      return { ok: true, value: items.filter((_, i) => marks[i] === true) };
    }
    case "batch":
      return { ok: true, value: batches(itemsOf(value), transformation.batchSize) };
  }
}

/** DF-205: what is no list counts as a list of one, no value as an empty one. */
function itemsOf(value: Json | undefined): Json[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}

/** Most items that go to the evaluator at once, and most bytes of their JSON unless one alone has more (DF-214). */
const GROUP = 256;
const GROUP_BYTES = 1024 * 1024;

async function forEach(
  expression: string,
  items: Json[],
  evaluate: Evaluate,
): Promise<{ ok: true; value: Json[] } | Extract<Evaluated, { ok: false }>> {
  const results: Json[] = [];
  for (const group of groups(items)) {
    const result = await evaluate(expression, group, true);
    if (!result.ok) return result;
    for (const each of result.value as Json[]) results.push(each);
  }
  return { ok: true, value: results };
}

function* groups(items: Json[]): Generator<Json[]> {
  let group: Json[] = [];
  let bytes = 0;
  for (const item of items) {
    const own = jsonBytes(item);
    if (group.length === GROUP || group.length > 0 && bytes + own > GROUP_BYTES) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(item);
    bytes += own;
  }
  if (group.length > 0) yield group;
}

function batches(items: Json[], size: number): Json[][] {
  return Array.from(
    { length: Math.ceil(items.length / size) },
    (_, i) => items.slice(i * size, (i + 1) * size),
  );
}

async function filled(template: string, value: Json | undefined, evaluate: Evaluate): Promise<Evaluated> {
  let text = "";
  for (const segment of parseTemplate(template).segments) {
    if (segment.type === "text") {
      text += segment.text;
      continue;
    }
    const result = await evaluate(segment.expr, value);
    if (!result.ok) return result;
    if (result.value === undefined) {
      const message = `Placeholder {{ ${segment.expr} }} has no value`;
      return { ok: false, category: "invalid_input", code: "placeholder_empty", message };
    }
    text += renderText(result.value);
  }
  return { ok: true, value: text };
}
