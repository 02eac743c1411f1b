/**
 * What a language model is to the engine. Owns: request, stream and registry shapes.
 * Never: prompts of roles, retries, budgets. Providers: `local_extract.ts`, `mock.ts`, `ai_sdk.ts`.
 */
import type { Clock } from "../base/clock.ts";
import type { Json, JsonObject } from "../base/json.ts";
import type { FailureCategory } from "../plan/types.ts";

/**
 * A part of a prompt. Providers over the network join the `text`s; `local/extract` must know what is instruction (the
 * cell's own words) and what is material (what a placeholder put in), and reads documents out of `value`.
 */
export type PromptPart =
  | { type: "instruction"; text: string }
  | { type: "material"; text: string; value: Json; name: string };

/** One call. */
export interface ModelRequest {
  /** Model id within the provider, such as `gpt-5` or `extract`. */
  model: string;
  system: string;
  prompt: PromptPart[];
  temperature?: number;
  maxTokens?: number;
  /** The answer must be JSON of this schema. */
  schema?: JsonObject;
  /** The cell's `mock:` list, for `mock/script`. */
  script?: Json;
  /** Number of the attempt from 1, so that a script can play another part in each. Default 1. */
  attempt?: number;
  signal: AbortSignal;
  clock: Clock;
}

/** What comes out of a call, in order. `finish` or `error` is last; after an abort the stream just ends. */
export type ModelPart =
  | { type: "text"; text: string }
  | { type: "reasoning"; text: string }
  | {
    type: "finish";
    reason: "stop" | "length" | "content-filter" | "other";
    inputTokens?: number;
    outputTokens?: number;
    /** Of the input, what came out of and what went into the provider's cache. */
    cacheReadTokens?: number;
    cacheWriteTokens?: number;
    /** Of the output, what was reasoning. */
    reasoningTokens?: number;
    /** What the model was asked and did not do, in words. */
    notDone?: string;
  }
  | { type: "error"; category: FailureCategory; code?: string; message: string; retryAfterMs?: number };

/** A provider of models. */
export interface Provider {
  readonly name: string;
  /** One sentence for the model list. */
  readonly description: string;
  /** Models that are known without asking; others may exist. */
  readonly models: readonly string[];
  /** Name of the variable whose key is needed and absent; such a provider fails `auth` without a request. */
  readonly keyMissing?: string;
  /** Tokens that an answer to so many tokens has at most, where the provider's way of working bounds them. */
  mostOutput?(inputTokens: number): number;
  stream(request: ModelRequest): AsyncIterable<ModelPart>;
}

/** Price of a model in millionths of a US dollar per million tokens. */
export interface Price {
  input: number;
  output: number;
}

/** Providers by name, and prices. */
export interface Models {
  /** Finds the provider of `provider/model` (or `provider:model`); a sentence says what is wrong with the id. */
  resolve(
    id: string,
  ): { ok: true; provider: Provider; model: string; id: string } | { ok: false; reason: string };
  /** Millionths of a dollar for a call; `undefined` if the price is not known. */
  cost(id: string, inputTokens: number, outputTokens: number): number | undefined;
  /** Models that are known without asking a server. */
  list(): { id: string; description: string; keyMissing?: string }[];
  /** Every provider, also one whose models are not known; `keyMissing` names the variable that is not set. */
  providers(): { name: string; description: string; keyMissing?: string }[];
}
