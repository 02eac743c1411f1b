/**
 * Models that do what a test or a cell's `mock:` list says. Owns: `mock/echo` and `mock/script`.
 * Never: a network; time other than the request's clock.
 */
import { isObject, type Json, type JsonObject } from "../base/json.ts";
import { durationMs } from "../notebook/duration.ts";
import type { ModelPart, ModelRequest, Provider } from "./model.ts";
import { categoryOfStatus } from "./provider_error.ts";
import { countWords } from "./extract/words.ts";

const DESCRIPTION = "Answers by a script, for trying a notebook out. It calls nothing.";

/**
 * The provider `mock`. `echo` gives back the prompt. `script` plays the cell's `mock:` list in order:
 *
 * - `{ text }`, `{ reasoning }`: a piece; `{ tokens: n, every: ms }`: n pieces, `every` apart
 * - `{ delay }`: waits, in ms or as `2s`; `{ hang: true }`: waits until it is stopped
 * - `{ error: { status, message, retryAfter } }`: fails as a provider would, `retryAfter` in seconds
 * - `{ cut: true }`: the stream breaks off; `{ usage: { inputTokens, outputTokens } }`, `{ finish: "length" }`
 *
 * An entry with `attempt: n` plays in that attempt alone.
 */
export function mockModels(): Provider {
  return { name: "mock", description: DESCRIPTION, models: ["echo", "script"], stream };
}

async function* stream(request: ModelRequest): AsyncIterable<ModelPart> {
  if (request.model === "echo") yield* echo(request);
  else if (request.model === "script") yield* play(request);
  else {
    const message = `Model 'mock/${request.model}' does not exist; there are mock/echo and mock/script`;
    yield { type: "error", category: "not_found", message };
  }
}

async function* echo(request: ModelRequest): AsyncIterable<ModelPart> {
  const text = request.prompt.map((part) => part.text).join("");
  await Promise.resolve();
  if (request.signal.aborted) return;
  yield { type: "text", text };
  yield { type: "finish", reason: "stop", inputTokens: countWords(text), outputTokens: countWords(text) };
}

async function* play(request: ModelRequest): AsyncIterable<ModelPart> {
  if (!Array.isArray(request.script)) {
    const message = "mock/script needs a mock: list in the cell, such as `mock: [{ text: Hello }]`";
    return yield { type: "error", category: "invalid_input", code: "mock_invalid", message };
  }
  const finish: Finish = { type: "finish", reason: "stop" };
  for (const [i, entry] of request.script.entries()) {
    if (request.signal.aborted) return;
    if (!isObject(entry)) return yield wrong(i, "is not an object");
    if (entry.attempt !== undefined && entry.attempt !== (request.attempt ?? 1)) continue;
    for await (const part of playEntry(entry, i, finish, request)) {
      yield part;
      if (part.type === "error") return;
    }
  }
  if (!request.signal.aborted) yield finish;
}

type Finish = Extract<ModelPart, { type: "finish" }>;

async function* playEntry(
  entry: JsonObject,
  index: number,
  finish: Finish,
  { clock, signal }: ModelRequest,
): AsyncIterable<ModelPart> {
  if (typeof entry.text === "string") yield { type: "text", text: entry.text };
  else if (typeof entry.reasoning === "string") yield { type: "reasoning", text: entry.reasoning };
  else if (entry.delay !== undefined) await clock.sleep(millis(entry.delay), signal);
  else if (typeof entry.tokens === "number") {
    yield* tokens(entry.tokens, millis(entry.every ?? 0), { clock, signal });
  } else if (entry.error !== undefined) yield failure(isObject(entry.error) ? entry.error : {});
  else if (isObject(entry.usage)) setUsage(finish, entry.usage);
  else if (entry.finish === "length" || entry.finish === "content-filter") finish.reason = entry.finish;
  else if (entry.hang === true) await hang(signal);
  else if (entry.cut === true) yield CUT;
  else yield wrong(index, `does nothing that is known: ${Object.keys(entry).join(", ")}`);
}

const CUT: ModelPart = {
  type: "error",
  category: "network",
  code: "provider_stream_cut",
  message: "The stream of mock/script ended before the answer was complete",
};

async function* tokens(
  count: number,
  everyMs: number,
  { clock, signal }: Pick<ModelRequest, "clock" | "signal">,
): AsyncIterable<ModelPart> {
  for (let i = 1; i <= count; i++) {
    await clock.sleep(everyMs, signal);
    if (signal.aborted) return;
    yield { type: "text", text: `word${i} ` };
  }
}

function hang(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

function failure(error: JsonObject): ModelPart {
  const status = typeof error.status === "number" ? error.status : 500;
  const said = typeof error.message === "string" ? error.message : "as its script says";
  return {
    type: "error",
    category: categoryOfStatus(status),
    code: `http_${status}`,
    message: `mock/script answered ${status}: ${said}`,
    ...(typeof error.retryAfter === "number" ? { retryAfterMs: error.retryAfter * 1000 } : {}),
  };
}

const COUNTS = [
  "inputTokens",
  "outputTokens",
  "cacheReadTokens",
  "cacheWriteTokens",
  "reasoningTokens",
] as const;

function setUsage(finish: Finish, usage: JsonObject): void {
  for (const name of COUNTS) {
    const count = usage[name];
    if (typeof count === "number") finish[name] = count;
  }
}

function wrong(index: number, what: string): ModelPart {
  const message = `Entry ${index + 1} of the mock: list ${what}`;
  return { type: "error", category: "invalid_input", code: "mock_invalid", message };
}

/** A number of ms, or a duration as cells write it; 0 for anything else. */
function millis(value: Json): number {
  return typeof value === "number" ? Math.max(0, value) : durationMs(value) ?? 0;
}
