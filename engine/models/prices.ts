/**
 * What models cost. Owns: the table and its date. Never: a guess; a model that is not in it has no price, which
 * is not 0.
 */
import type { Price } from "./model.ts";

/** Day on which the table was last checked, against published lists of prices. */
export const PRICES_AS_OF = "2026-11-20";

/** Standard prices in US dollars per million tokens, input and output; caching and batches cost less. */
const USD: Record<string, [input: number, output: number]> = {
  "openai/gpt-4o": [2.5, 10],
  "openai/gpt-4o-mini": [0.15, 0.6],
  "openai/gpt-4.1": [2, 8],
  "openai/gpt-4.1-mini": [0.4, 1.6],
  "openai/gpt-4.1-nano": [0.1, 0.4],
  "openai/gpt-5": [1.25, 10],
  "openai/gpt-5-mini": [0.25, 2],
  "openai/gpt-5-nano": [0.05, 0.4],
  "openai/o4-mini": [1.1, 4.4],
  "anthropic/claude-3-5-haiku": [0.8, 4],
  "anthropic/claude-opus-4": [15, 75],
  "anthropic/claude-sonnet-4": [3, 15],
  "anthropic/claude-sonnet-4-5": [3, 15],
};

/** Providers whose calls cost nothing. */
const FREE = ["local/", "mock/"];
const MICROS = 1_000_000;

/**
 * Price of a model, by its canonical id; a dated version has the price of its model.
 *
 * @example
 * ```ts
 * if (priceOf("local/extract")?.output !== 0) throw new Error("local is not free");
 * if (priceOf("openai/gpt-4o-2024-11-20")?.input !== 2_500_000) throw new Error("a dated name is not known");
 * if (priceOf("openai/of-tomorrow") !== undefined) throw new Error("a price was made up");
 * ```
 */
export function priceOf(id: string): Price | undefined {
  if (FREE.some((prefix) => id.startsWith(prefix))) return { input: 0, output: 0 };
  const undated = id.replace(/-(?:\d{4}-\d{2}-\d{2}|\d{8}|latest)$/, "");
  const usd = Object.hasOwn(USD, undated) ? USD[undated] : undefined;
  return usd === undefined
    ? undefined
    : { input: Math.round(usd[0] * MICROS), output: Math.round(usd[1] * MICROS) };
}

/** Millionths of a dollar for a call, rounded up; `undefined` if the price is not known. */
export function costOf(id: string, inputTokens: number, outputTokens: number): number | undefined {
  const price = priceOf(id);
  if (price === undefined) return undefined;
  return Math.ceil((inputTokens * price.input + outputTokens * price.output) / MICROS);
}

/** Names of a provider's models that have a price. */
export function modelsWithPrice(provider: string): string[] {
  return Object.keys(USD).filter((id) => id.startsWith(`${provider}/`)).map((id) =>
    id.slice(provider.length + 1)
  );
}
