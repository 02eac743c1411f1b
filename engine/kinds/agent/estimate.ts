/**
 * What a call of a model may use, before it is made. Owns: the guess of tokens and what is set aside for an answer.
 *
 * E4 What is set aside covers the answer: a call under a limit is told that it may not answer with more.
 */
import type { ModelRequest, Models, Provider } from "../../models/model.ts";
import type { Amounts } from "../../run/spend/amounts.ts";

/** Tokens set aside for an answer whose length nobody has bounded: what fits of these, the best first. */
const ANSWERS = [4096, 1024, 256];
/** The same for a plan, which wants to be near rather than safe. */
const USUAL_ANSWER = 1024;
/** Bytes of UTF-8 that make a token, about, in most models and languages. */
const BYTES_A_TOKEN = 4;

const utf8 = new TextEncoder();

/** Tokens of a text, about. */
export function tokensOf(text: string): number {
  return Math.ceil(utf8.encode(text).length / BYTES_A_TOKEN);
}

/** Tokens of all that is sent. */
export function inputOf({ system, prompt }: Pick<ModelRequest, "system" | "prompt">): number {
  return tokensOf(system) + prompt.reduce((sum, { text }) => sum + tokensOf(text), 0);
}

/** What to set aside for a call, the best first. `input`: tokens that are sent. */
export function wantsOf(
  input: number,
  { provider, id }: { provider: Provider; id: string },
  maxTokens: number | undefined,
  models: Models,
): Amounts[] {
  const most = provider.mostOutput?.(input) ?? Infinity;
  const answers = maxTokens === undefined ? ANSWERS : [maxTokens];
  return [...new Set(answers.map((answer) => Math.min(answer, most)))].map((output) => ({
    tokens: input + output,
    usdMicros: models.cost(id, input, output) ?? null,
    calls: 1,
  }));
}

/** What a call may use as far as a plan can say. */
export function plannedUse(
  input: number,
  found: { provider: Provider; id: string },
  maxTokens: number | undefined,
  models: Models,
): { tokens: number; usdMicros: number | null } {
  const [{ tokens, usdMicros }] = wantsOf(input, found, maxTokens ?? USUAL_ANSWER, models) as [Amounts];
  return { tokens: tokens!, usdMicros: usdMicros ?? null };
}
