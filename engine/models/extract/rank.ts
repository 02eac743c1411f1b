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

/** A sentence as weights of its words; the squares of the weights add up to 1. */
type Vector = Map<string, number>;

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
  const central = centrality(vectors);
  const wanted = vectorOf(contentStems(asked, stops), rarity);
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
  return length * whole * (letters / text.length < 0.8 ? 0.5 : 1);
}

/** Weight of each word: what few sentences have says more. */
function rarityOf(lists: readonly string[][]): Map<string, number> {
  const found = new Map<string, number>();
  for (const list of lists) for (const word of new Set(list)) found.set(word, (found.get(word) ?? 0) + 1);
  return new Map([...found].map(([word, n]) => [word, Math.log(1 + lists.length / n)]));
}

function vectorOf(list: readonly string[], rarity: ReadonlyMap<string, number>): Vector {
  const vector: Vector = new Map();
  for (const word of list) vector.set(word, (vector.get(word) ?? 0) + (rarity.get(word) ?? 0));
  let squares = 0;
  for (const weight of vector.values()) squares += weight * weight;
  if (squares > 0) { for (const [word, weight] of vector) vector.set(word, weight / Math.sqrt(squares)); }
  return vector;
}

/** Where a walk over the links ends up most often; see {@link rank}. */
function centrality(vectors: readonly Vector[]): number[] {
  const n = vectors.length;
  const degree = linksTo(vectors, vectors.map(() => 1));
  let weight = vectors.map(() => 1 / n);
  for (let round = 0; round < ROUNDS; round++) {
    const shares = weight.map((value, i) => degree[i]! > 0 ? value / degree[i]! : 0);
    weight = linksTo(vectors, shares).map((value) => (1 - DAMPING) / n + DAMPING * value);
  }
  return weight;
}

/** For each sentence the sum over all others of link times `values`; the link to itself is taken out. */
function linksTo(vectors: readonly Vector[], values: readonly number[]): number[] {
  const sum: Vector = new Map();
  for (const [i, vector] of vectors.entries()) {
    for (const [word, weight] of vector) sum.set(word, (sum.get(word) ?? 0) + weight * values[i]!);
  }
  return vectors.map((vector, i) => vector.size === 0 ? 0 : Math.max(0, dot(vector, sum) - values[i]!));
}

function dot(a: Vector, b: Vector): number {
  let sum = 0;
  for (const [word, weight] of a) sum += weight * (b.get(word) ?? 0);
  return sum;
}
