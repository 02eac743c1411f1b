/**
 * Which known word a mistyped one was meant to be. Owns: edit distance. Never: which words are known.
 */

/**
 * The candidate nearest to `word`, at most `max` insertions, deletions, replacements or swaps of neighbours away. Of
 * equals the one that begins with the same letter, then the one of the nearest length, then the first. Where a name has
 * one or two letters, only one edit is near; and what shares nothing with the word (as many edits as letters) is not.
 *
 * @returns the candidate, or `undefined` if none is near or the word is itself one
 *
 * @example
 * ```ts
 * if (nearest("modle", ["role", "model"]) !== "model") throw new Error("not found");
 * if (nearest("agent", ["agents"], 0) !== undefined) throw new Error("too far");
 * ```
 */
export function nearest(word: string, candidates: Iterable<string>, max = 2): string | undefined {
  let best: { candidate: string; distance: number; unlike: number } | undefined;
  for (const candidate of candidates) {
    if (candidate === word) return undefined;
    const apart = Math.abs(candidate.length - word.length);
    const short = Math.min(word.length, candidate.length) <= 2;
    const limit = Math.min(best?.distance ?? max, short ? 1 : max);
    if (apart > limit) continue;
    const distance = editDistance(word, candidate);
    if (distance > limit || distance >= Math.max(word.length, candidate.length)) continue;
    // A length differs by at most `max`, so that the first letter outweighs it.
    const unlike = (candidate[0] === word[0] ? 0 : max + 1) + apart;
    if (best === undefined || distance < best.distance || unlike < best.unlike) {
      best = { candidate, distance, unlike };
    }
  }
  return best?.candidate;
}

/** Sentence to append to a message: `. Did you mean 'x'?`, or nothing. */
export function didYouMean(near: string | undefined): string {
  return near === undefined ? "" : `. Did you mean '${near}'?`;
}

/** Edit distance in which two neighbours that changed places are one edit. Time and space grow with the product of the lengths, so callers bound them first. */
function editDistance(a: string, b: string): number {
  let above: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
        ? above[j - 2]! + 1
        : Infinity;
      next.push(Math.min(replaced, swapped, row[j]! + 1, next[j - 1]! + 1));
    }
    above = row;
    row = next;
  }
  return row[b.length]!;
}
