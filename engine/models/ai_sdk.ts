/**
 * Providers over the network, through the Vercel AI SDK. Owns: the call, the clock that watches it, and what each
 * part of its stream means here. Never: retries; the SDK's own are off, the cell's policy decides.
 *
 * P3 Nothing is sent before a cell names the provider; a missing key fails without a request.
 * P4 A stream ends with exactly one `finish` or `error`, except after an abort, when it just ends.
 */
import type { LanguageModel, TextStreamPart, ToolSet } from "ai";
import type { FailureCategory } from "../plan/types.ts";
import { type GuardedFetch, guardedFetch } from "./guarded_fetch.ts";
import type { ModelPart, ModelRequest, Provider } from "./model.ts";
import { modelsWithPrice } from "./prices.ts";
import { type ErrorPart, providerError } from "./provider_error.ts";

/** How a provider is spoken to. */
export interface ProviderSettings {
  name: string;
  description: string;
  /** `openai` is its Responses API; every other server of that family is `compatible`. */
  protocol: "openai" | "anthropic" | "google" | "compatible";
  /** With its path, without a slash at the end. */
  baseUrl: string;
  key?: string;
  /** Variables that may hold the key, the first one first; a key is needed if there is one. */
  keyVariables: string[];
  /** Sent with each request. */
  headers: Record<string, string>;
  /** Why the provider cannot be called, such as a base URL that is none. */
  problem?: string;
}

/** A stream that gives nothing for so long is given up. */
const STALLED_AFTER_MS = 60_000;

/** A provider that is called over the network. */
export function networkProvider(settings: ProviderSettings): Provider {
  const { name, description, key, keyVariables } = settings;
  // Servers that refuse to count tokens in a stream; known only by asking.
  const quirks = { usageRefused: false };
  const keyMissing = key === undefined ? keyVariables[0] : undefined;
  return {
    name,
    description,
    models: modelsWithPrice(name),
    ...(keyMissing === undefined ? {} : { keyMissing }),
    stream: (request) => stream(settings, quirks, request),
  };
}

interface Quirks {
  usageRefused: boolean;
}

async function* stream(
  settings: ProviderSettings,
  quirks: Quirks,
  request: ModelRequest,
): AsyncIterable<ModelPart> {
  const refusal = refusalOf(settings);
  if (refusal !== undefined) return yield refusal;
  let sent = false;
  for await (const part of call(settings, quirks, request)) {
    // Asked again without token counts: only if nothing was given out yet, and only once for a server.
    if (part.type === "error" && !sent && !quirks.usageRefused && refusesUsage(settings, part)) {
      quirks.usageRefused = true;
      return yield* call(settings, quirks, request);
    }
    sent = true;
    yield part;
  }
}

/** What stops a call before a request is made. */
function refusalOf({ name, key, keyVariables, problem }: ProviderSettings): ErrorPart | undefined {
  if (problem !== undefined) {
    return { type: "error", category: "invalid_input", code: "provider_invalid", message: problem };
  }
  if (key !== undefined || keyVariables.length === 0) return undefined;
  const message = `No key for provider ${name}. Set ${keyVariables.join(" or ")} and start again`;
  return { type: "error", category: "auth", code: "key_missing", message };
}

function refusesUsage({ protocol }: ProviderSettings, { category, message }: ErrorPart): boolean {
  return protocol === "compatible" && category === "invalid_input" &&
    /stream_options|include_usage/.test(message);
}

async function* call(
  settings: ProviderSettings,
  quirks: Quirks,
  request: ModelRequest,
): AsyncIterable<ModelPart> {
  const guard = guardedFetch();
  const watch = watchFor(request);
  try {
    const parts = await open(settings, quirks, request, guard, watch.signal);
    for await (const part of parts) {
      if (request.signal.aborted) return;
      if (part.type !== "ping" && part.type !== "abort") watch.progress();
      const mine = translate(part, guard, settings, request);
      if (mine === undefined) continue;
      yield mine;
      if (mine.type === "finish" || mine.type === "error") return;
    }
    if (!request.signal.aborted) yield watch.stalled() ? stalled(settings.name) : cut(settings.name);
  } catch (error) {
    if (request.signal.aborted) return;
    yield watch.stalled() ? stalled(settings.name) : providerError(error, errorContext(settings, request));
  } finally {
    watch.end();
  }
}

/** Starts the call. The SDK is loaded by the first call that needs it: it takes a fifth of a second. */
async function open(
  settings: ProviderSettings,
  quirks: Quirks,
  request: ModelRequest,
  guard: GuardedFetch,
  signal: AbortSignal,
): Promise<AsyncIterable<TextStreamPart<ToolSet>>> {
  Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false });
  const { streamText, Output, jsonSchema } = await import("ai");
  const result = streamText({
    model: await modelOf(settings, quirks, request.model, guard.fetch),
    ...(request.system === "" ? {} : { instructions: request.system }),
    prompt: request.prompt.map((part) => part.text).join(""),
    maxRetries: 0,
    abortSignal: signal,
    // Without this the SDK prints what goes wrong, with the prompt in it.
    onError: () => {},
    ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
    ...(request.maxTokens === undefined ? {} : { maxOutputTokens: request.maxTokens }),
    ...(request.schema === undefined
      ? {}
      : { output: Output.object({ schema: jsonSchema(request.schema) }) }),
  });
  return result.stream;
}

async function modelOf(
  { name, protocol, baseUrl: baseURL, key, headers }: ProviderSettings,
  quirks: Quirks,
  model: string,
  fetch: typeof globalThis.fetch,
): Promise<LanguageModel> {
  const shared = { baseURL, headers, fetch, ...(key === undefined ? {} : { apiKey: key }) };
  switch (protocol) {
    case "openai":
      return (await import("@ai-sdk/openai")).createOpenAI(shared).responses(model);
    case "anthropic":
      return (await import("@ai-sdk/anthropic")).createAnthropic(shared)(model);
    case "google":
      return (await import("@ai-sdk/google")).createGoogle(shared)(model);
    case "compatible": {
      const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
      const includeUsage = !quirks.usageRefused;
      return createOpenAICompatible({ ...shared, name, includeUsage, supportsStructuredOutputs: true })(
        model,
      );
    }
  }
}

/** A part of the SDK's stream as one of ours; `undefined` for those that say nothing here. */
function translate(
  part: TextStreamPart<ToolSet>,
  guard: GuardedFetch,
  settings: ProviderSettings,
  request: ModelRequest,
): ModelPart | undefined {
  switch (part.type) {
    case "text-delta":
      return part.text === "" ? undefined : { type: "text", text: part.text };
    case "reasoning-delta":
      return part.text === "" ? undefined : { type: "reasoning", text: part.text };
    case "error":
      // The SDK calls a stream without finish reason an error; whether it is one is seen at its finish.
      return isUnfinished(part.error)
        ? undefined
        : providerError(part.error, errorContext(settings, request));
    case "finish":
      return finishOf(part, guard, settings.name);
    default:
      return undefined;
  }
}

function isUnfinished(error: unknown): boolean {
  return error instanceof Error && error.message.includes("without a finish reason");
}

type Finish = Extract<TextStreamPart<ToolSet>, { type: "finish" }>;

function finishOf(
  { finishReason, rawFinishReason, totalUsage }: Finish,
  guard: GuardedFetch,
  name: string,
): ModelPart {
  const known = (["stop", "length", "content-filter"] as const).find((reason) => reason === finishReason);
  if (known === undefined && rawFinishReason === undefined && !guard.sawDone()) return cut(name);
  const { inputTokens, outputTokens, inputTokenDetails, outputTokenDetails } = totalUsage;
  const { cacheReadTokens, cacheWriteTokens } = inputTokenDetails;
  const { reasoningTokens } = outputTokenDetails;
  return {
    type: "finish",
    reason: known ?? "other",
    ...(inputTokens === undefined ? {} : { inputTokens }),
    ...(outputTokens === undefined ? {} : { outputTokens }),
    // Providers without caches say 0, which tells nobody anything.
    ...(cacheReadTokens ? { cacheReadTokens } : {}),
    ...(cacheWriteTokens ? { cacheWriteTokens } : {}),
    ...(reasoningTokens ? { reasoningTokens } : {}),
  };
}

interface Watch {
  /** Aborts with the request, and when nothing came for too long. */
  signal: AbortSignal;
  progress(): void;
  stalled(): boolean;
  end(): void;
}

/** One sleeper for the whole stream that looks, whenever it wakes, when something last came. */
function watchFor({ clock, signal }: ModelRequest): Watch {
  const silence = new AbortController();
  const over = new AbortController();
  let last = clock.monotonic();
  const watching = async () => {
    while (!over.signal.aborted && !signal.aborted) {
      const left = last + STALLED_AFTER_MS - clock.monotonic();
      if (left <= 0) return silence.abort();
      await clock.sleep(left, over.signal);
    }
  };
  watching();
  return {
    signal: AbortSignal.any([signal, silence.signal]),
    progress: () => last = clock.monotonic(),
    stalled: () => silence.signal.aborted,
    end: () => over.abort(),
  };
}

function cut(name: string): ErrorPart {
  return failure(
    "network",
    "provider_stream_cut",
    `The stream of ${name} ended before the answer was complete`,
  );
}

function stalled(name: string): ErrorPart {
  return failure("timeout", "provider_stalled", `${name} sent nothing for ${STALLED_AFTER_MS / 1000} s`);
}

function failure(category: FailureCategory, code: string, message: string): ErrorPart {
  return { type: "error", category, code, message };
}

function errorContext({ name, key, headers }: ProviderSettings, { prompt, system, clock }: ModelRequest) {
  const secrets = [key ?? "", ...Object.values(headers), system, ...prompt.map((part) => part.text)];
  return { name, secrets, now: clock.now() };
}
