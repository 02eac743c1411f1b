/**
 * Which known word a mistyped one was meant to be. Owns: edit distance. Never: which words are known.
 */

/**
 * The candidate nearest to `word`, at most `max` insertions, deletions or replacements away; the first of equals.
 * A candidate that shares nothing with the word (distance as great as its length) is not near.
 *
 * @returns the candidate, or `undefined` if none is near or the word is itself one
 *
 * @example
 * ```ts
 * if (nearest("agnet", ["input", "agent"]) !== "agent") throw new Error("not found");
 * if (nearest("agent", ["agents"], 0) !== undefined) throw new Error("too far");
 * ```
 */
export function nearest(word: string, candidates: Iterable<string>, max = 2): string | undefined {
  let best: string | undefined;
  let bestDistance = max + 1;
  for (const candidate of candidates) {
    if (candidate === word) return undefined;
    if (Math.abs(candidate.length - word.length) >= bestDistance) continue;
    const distance = editDistance(word, candidate);
    if (distance < bestDistance && distance < candidate.length) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Sentence to append to a message: `. Did you mean 'x'?`, or nothing. */
export function didYouMean(near: string | undefined): string {
  return near === undefined ? "" : `. Did you mean '${near}'?`;
}

/** Levenshtein distance. Time and space grow with the product of the lengths, so callers bound them first. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
