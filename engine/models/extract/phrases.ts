/**
 * Key phrases. Owns: which runs of words stand for a text. Never: sentences.
 */
import type { Sentence } from "./sentences.ts";
import { stem, tokens } from "./words.ts";

/** A phrase as it is written most often. */
export interface Phrase {
  text: string;
  /** Relative to the best, in (0, 1]. */
  score: number;
}

interface Count {
  /** Stems of its words. */
  key: string;
  forms: Map<string, number>;
  count: number;
  sentences: number;
  documents: Set<string>;
  size: number;
  /** Has a stop word between its ends. */
  loose: boolean;
}

const LONGEST = 4;
/** By number of words: longer runs come less often by chance alone, so each time counts more. */
const WEIGHT = [1, 2, 2.4, 2.4];

/**
 * Runs of 1 to 4 words without a stop word at either end, ranked by how often they stand there, how rare their
 * words are and over how many documents they spread; singular and plural count together.
 */
export function keyPhrases(
  sentences: readonly Sentence[],
  count: number,
  stops: ReadonlySet<string>,
): Phrase[] {
  const counts = countRuns(sentences, stops);
  const ranked = [...counts.entries()].filter(([, run]) => run.count > 1 || counts.size < count * 3)
    .map(([key, run]) => ({ key, text: bestForm(run.forms), score: scoreOf(run, sentences.length) }))
    .sort((a, b) => b.score - a.score || (a.key < b.key ? -1 : 1));
  const chosen: typeof ranked = [];
  for (const candidate of ranked) {
    if (chosen.length >= count) break;
    if (!chosen.some((other) => contains(other.key, candidate.key))) chosen.push(candidate);
  }
  const best = chosen[0]?.score ?? 1;
  return chosen.map(({ text, score }) => ({ text, score: Math.max(0.01, score / best) }));
}

function countRuns(sentences: readonly Sentence[], stops: ReadonlySet<string>): Map<string, Count> {
  const counts = new Map<string, Count>();
  for (const { text, document } of sentences) {
    const seen = new Set<string>();
    for (const clause of text.replace(/\]\([^)\s]*\)/g, "]").split(/[^\p{L}\p{N}\s'’-]+/u)) {
      const words = tokens(clause);
      const stems = words.map(stem);
      const ends = words.map((word) => endsWell(word, stops));
      for (let from = 0; from < words.length; from++) {
        for (let to = from + 1; ends[from] && to <= Math.min(words.length, from + LONGEST); to++) {
          if (!ends[to - 1]) continue;
          const loose = words.slice(from, to).some((word) => stops.has(word));
          const run = runOf(counts, stems.slice(from, to).join(" "), to - from, loose);
          addForm(run, words.slice(from, to).join(" "), document);
          if (!seen.has(run.key)) run.sentences++;
          seen.add(run.key);
        }
      }
    }
  }
  return counts;
}

function endsWell(word: string, stops: ReadonlySet<string>): boolean {
  return word.length > 2 && !stops.has(word) && !/^\p{N}+$/u.test(word);
}

function runOf(counts: Map<string, Count>, key: string, size: number, loose: boolean): Count {
  const known = counts.get(key);
  if (known !== undefined) return known;
  const run = { key, forms: new Map(), count: 0, sentences: 0, documents: new Set<string>(), size, loose };
  counts.set(key, run);
  return run;
}

function addForm(run: Count, form: string, document: string): void {
  run.forms.set(form, (run.forms.get(form) ?? 0) + 1);
  run.count++;
  run.documents.add(document);
}

/** Frequency times rarity times spread. */
function scoreOf(run: Count, sentences: number): number {
  const rarity = Math.log(2 + sentences / run.sentences);
  return (1 + Math.log(run.count)) * rarity * (1 + Math.log(run.documents.size)) *
    WEIGHT[run.loose ? 0 : run.size - 1]!;
}

function bestForm(forms: ReadonlyMap<string, number>): string {
  return [...forms].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0]![0];
}

/** Whether one phrase is part of the other, so that both would be a repeat. */
function contains(a: string, b: string): boolean {
  return ` ${a} `.includes(` ${b} `) || ` ${b} `.includes(` ${a} `);
}
