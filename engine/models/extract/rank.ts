/**
 * Which sentences matter. Owns: the score of each, and the choice without repeats.
 * Never: how many are wanted, nor how they are shown.
 *
 * X2 The same sentences and words give the same order on every machine: ties go to the earlier sentence.
 */
import type { Sentence } from "./sentences.ts";
import { contentStems } from "./words.ts";

/** A sentence with its score, higher is better; only the order and the ratios mean something. */
export interface Ranked {
  sentence: Sentence;
  /** Place among all sentences of the material. */
  index: number;
  score: number;
  /** Stems of its content words, each once. */
  stems: ReadonlySet<string>;
}

/** A sentence as numbers of its words with a weight each; the squares of the weights add up to 1. */
interface Vector {
  words: number[];
  weights: number[];
}

/** Number and weight of a word. */
interface Rarity {
  id: number;
  weight: number;
}

/** A sentence that begins so speaks of the one before it, and says less alone. */
const LEANING =
  /^(?:it|its|they|their|this|these|that|those|he|she|then|there|er|sie|es|dies\p{L}*)(?!\p{L})/iu;
const ROUNDS = 20;
const DAMPING = 0.85;
/** Overlap from which two sentences say the same. */
const SAME = 0.7;
const CENTRALITY = 0.55;
const CLOSENESS = 0.35;
const POSITION = 0.1;

/**
 * Scores sentences by centrality in the graph of their word overlap, by closeness to what was asked, and by
 * position. The result is in the order of the input.
 *
 * Every sentence is linked to every other by the cosine of their weighted words. That matrix is the product of
 * the sentence vectors with themselves, so a round of the walk over it needs only one pass over the words: a
 * megabyte of text costs milliseconds and not a matrix of a hundred million links.
 */
export function rank(sentences: readonly Sentence[], asked: string, stops: ReadonlySet<string>): Ranked[] {
  const stems = sentences.map((sentence) => contentStems(sentence.text, stops));
  const rarity = rarityOf(stems);
  const vectors = stems.map((list) => vectorOf(list, rarity));
  const central = centrality(vectors, rarity.size);
  const wanted = spread([vectorOf(contentStems(asked, stops), rarity)], [1], rarity.size);
  const close = vectors.map((vector) => dot(vector, wanted));
  const [mostCentral, closest] = [top(central), top(close)];
  return sentences.map((sentence, i) => ({
    sentence,
    index: i,
    stems: new Set(stems[i]),
    score: fitness(sentence.text) * (
      CENTRALITY * (central[i]! / mostCentral) + CLOSENESS * (close[i]! / closest) +
      POSITION * (1 - sentence.position)
    ),
  }));
}

/** The best `count` of them without near-duplicates, best first. */
export function choose(ranked: readonly Ranked[], count: number): Ranked[] {
  const order = [...ranked.keys()].sort((a, b) => ranked[b]!.score - ranked[a]!.score || a - b);
  const chosen: Ranked[] = [];
  for (const i of order) {
    if (chosen.length >= count) break;
    if (!chosen.some((other) => overlap(other.stems, ranked[i]!.stems) >= SAME)) chosen.push(ranked[i]!);
  }
  return chosen;
}

/** Shared words of two sentences as a part of all their words, 0 to 1. */
export function overlap(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const [small, large] = a.size <= b.size ? [a, b] : [b, a];
  let shared = 0;
  for (const word of small) if (large.has(word)) shared++;
  return shared === 0 ? 0 : shared / (small.size + large.size - shared);
}

/** The greatest value; never 0, so that it can divide. */
function top(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), 1e-9);
}

/** Whole sentences of 40 to 300 characters in plain words read well alone; others have to matter much more. */
function fitness(text: string): number {
  const length = text.length < 40 ? 0.3 : text.length > 300 ? 0.5 : 1;
  const whole = /[.!?…。！？]["'”’»)*_]*$/.test(text) ? 1 : 0.6;
  const letters = text.replace(/`[^`]*`/g, "").match(/[\p{L}\s]/gu)?.length ?? 0;
  return length * whole * (letters / text.length < 0.8 ? 0.5 : 1) * (LEANING.test(text) ? 0.7 : 1);
}

/** Weight of each word: what few sentences have says more. */
function rarityOf(lists: readonly string[][]): Map<string, Rarity> {
  const found = new Map<string, Rarity>();
  for (const list of lists) {
    for (const word of new Set(list)) {
      const known = found.get(word);
      if (known === undefined) found.set(word, { id: found.size, weight: 1 });
      else known.weight++;
    }
  }
  for (const rarity of found.values()) rarity.weight = Math.log(1 + lists.length / rarity.weight);
  return found;
}

function vectorOf(list: readonly string[], rarity: ReadonlyMap<string, Rarity>): Vector {
  const weights = new Map<number, number>();
  for (const word of list) {
    const known = rarity.get(word);
    if (known !== undefined) weights.set(known.id, (weights.get(known.id) ?? 0) + known.weight);
  }
  let squares = 0;
  for (const weight of weights.values()) squares += weight * weight;
  const length = Math.sqrt(squares);
  return { words: [...weights.keys()], weights: [...weights.values()].map((weight) => weight / length) };
}

/** Where a walk over the links ends up most often; see {@link rank}. */
function centrality(vectors: readonly Vector[], words: number): number[] {
  const n = vectors.length;
  const degree = linksTo(vectors, vectors.map(() => 1), words);
  let weight = vectors.map(() => 1 / n);
  for (let round = 0; round < ROUNDS; round++) {
    const shares = weight.map((value, i) => degree[i]! > 0 ? value / degree[i]! : 0);
    weight = linksTo(vectors, shares, words).map((value) => (1 - DAMPING) / n + DAMPING * value);
  }
  return weight;
}

/** For each sentence the sum over all others of link times `values`; the link to itself is taken out. */
function linksTo(vectors: readonly Vector[], values: readonly number[], words: number): number[] {
  const sum = spread(vectors, values, words);
  return vectors.map((vector, i) =>
    vector.words.length === 0 ? 0 : Math.max(0, dot(vector, sum) - values[i]!)
  );
}

/** The sum of the vectors, each times its value, by number of word. */
function spread(vectors: readonly Vector[], values: readonly number[], words: number): Float64Array {
  const sum = new Float64Array(words);
  for (const [i, vector] of vectors.entries()) {
    for (let k = 0; k < vector.words.length; k++) {
      const word = vector.words[k]!;
      sum[word] = sum[word]! + vector.weights[k]! * values[i]!;
    }
  }
  return sum;
}

function dot(vector: Vector, sum: Float64Array): number {
  let total = 0;
  for (let k = 0; k < vector.words.length; k++) total += vector.weights[k]! * sum[vector.words[k]!]!;
  return total;
}
