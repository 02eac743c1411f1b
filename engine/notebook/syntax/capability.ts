/**
 * What a cell may require of its worker, and a worker may offer: tokens such as `gpu` or `kind:python`.
 * Owns: their form and how many there may be. Never: what a token means; whoever starts workers says which have it.
 */
const TOKEN = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/;
const MOST_TOKENS = 256;
const MOST_BYTES = 4_096;

/** What a list of tokens may be, for the end of a sentence. */
export const TOKENS_FORM =
  `a list of at most ${MOST_TOKENS} tokens such as gpu or kind:python: letters, digits and . _ : / -, 4 KiB in all`;

/**
 * Whether these are tokens within the limits.
 *
 * @example
 * ```ts
 * if (!areTokens(["gpu", "kind:python"]) || areTokens(["memory >= 8"])) throw new Error("not told apart");
 * ```
 */
export function areTokens(given: unknown): given is string[] {
  return Array.isArray(given) && given.length <= MOST_TOKENS &&
    given.every((token) => typeof token === "string" && TOKEN.test(token)) &&
    given.join(" ").length <= MOST_BYTES;
}
