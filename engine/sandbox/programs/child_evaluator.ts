/**
 * The program of an evaluator. Owns: evaluating one JSONata expression after another over data it is given.
 * Never: a permission.
 *
 * A request is one line of JSON on standard input, its answer one line on standard output. The expression's time
 * limit is looked at between steps; whoever asked kills this process when that does not help.
 *
 * X6 Equal requests have equal answers: time and randomness come from the request.
 */
import jsonata from "jsonata";
import type { EvaluatorAnswer, EvaluatorRequest } from "./evaluator_message.ts";
import { seededRandom } from "./seeded_random.ts";

/** Deep enough for parallel work, which the library counts as depth: grouping 10,000 items must pass. */
const STACK = 50_000;
const SEQUENCE = 1_000_000;
const CACHED = 500;
const RESULT_BYTES = 16 * 1024 * 1024;

const encoder = new TextEncoder();
const { stdin, stdout } = Deno;

type Expression = ReturnType<typeof jsonata>;

/** Compiled expressions, the least recently used first. */
const compiled = new Map<string, Expression>();

/** What draws for the request under way, and its time. The library asks the two globals that are replaced here. */
let random: () => number = () => 0;
let now = 0;
Object.assign(Math, { random: () => random() });
const RealDate = Date;
globalThis.Date = class extends RealDate {
  constructor(...parts: unknown[]) {
    // deno-lint-ignore no-explicit-any -- Date has constructors of several shapes, and all are passed on
    super(...(parts.length === 0 ? [now] : parts) as [any]);
  }
} as DateConstructor;

class NotJson extends Error {}

function compile(text: string, timeoutMs: number): Expression {
  const key = `${timeoutMs} ${text}`;
  const known = compiled.get(key);
  if (known !== undefined) {
    compiled.delete(key);
    compiled.set(key, known);
    return known;
  }
  const expression = jsonata(text, { timeout: timeoutMs, stack: STACK, sequence: SEQUENCE });
  expression.registerFunction("uuid", uuid, "<:s>");
  expression.registerFunction("eval", () => {
    throw new Error("$eval is not available");
  });
  if (compiled.size >= CACHED) compiled.delete(compiled.keys().next().value!);
  compiled.set(key, expression);
  return expression;
}

/** The form of a version 4 UUID, from the request's generator. */
function uuid(): string {
  return "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx".replace(/[xy]/g, (place) => {
    const digit = Math.floor(random() * 16);
    return (place === "x" ? digit : 8 + digit % 4).toString(16);
  });
}

/** A function of the language is an object that holds one of JavaScript's, and so is found as well. */
function checked(_key: string, value: unknown): unknown {
  if (typeof value === "function") throw new NotJson("a function");
  if (typeof value === "number" && !Number.isFinite(value)) throw new NotJson(String(value));
  return value;
}

async function evaluate(request: EvaluatorRequest): Promise<EvaluatorAnswer> {
  random = seededRandom(request.seed);
  now = request.now;
  let expression: Expression;
  try {
    expression = compile(request.expression, request.timeoutMs);
  } catch (error) {
    return { type: "invalid", ...wordsOf(error) };
  }
  try {
    const result = await evaluated(expression, request);
    if (result === undefined) return { type: "nothing" };
    const text = JSON.stringify(result, checked);
    const bytes = encoder.encode(text).length;
    return bytes > RESULT_BYTES ? { type: "too_large", bytes } : { type: "value", text };
  } catch (error) {
    if (error instanceof NotJson) return { type: "not_json", message: error.message };
    return { type: "failed", ...wordsOf(error) };
  }
}

async function evaluated(
  expression: Expression,
  { input, params, each }: EvaluatorRequest,
): Promise<unknown> {
  if (!each || !Array.isArray(input)) return await expression.evaluate(input, { params });
  const results: unknown[] = [];
  // Whatever stays undefined is null in JSON.
  for (const item of input) results.push(await expression.evaluate(item, { params }));
  return results;
}

/** The library throws plain objects with `code`, `message` and `position`; the engine beneath throws Errors. */
function wordsOf(error: unknown): { code?: string; message: string; position?: number; value?: string } {
  const { code, message, position, value } = Object(error) as Record<string, unknown>;
  return {
    message: typeof message === "string" ? message : String(error),
    ...(typeof code === "string" ? { code } : {}),
    ...(typeof position === "number" ? { position } : {}),
    ...(typeof value === "number" ? { value: String(value) } : {}),
  };
}

async function answer(line: string): Promise<void> {
  const bytes = encoder.encode(`${JSON.stringify(await evaluate(JSON.parse(line)))}\n`);
  for (let sent = 0; sent < bytes.length;) sent += stdout.writeSync(bytes.subarray(sent));
}

let held = "";
for await (const chunk of stdin.readable.pipeThrough(new TextDecoderStream())) {
  const lines = chunk.split("\n");
  if (lines.length === 1) {
    held += chunk;
    continue;
  }
  const first = held + lines[0];
  held = lines.pop()!;
  for (const line of [first, ...lines.slice(1)]) await answer(line);
}
