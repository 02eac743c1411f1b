/**
 * What is given out for what was asked. Owns: how many sentences, from which documents.
 * Never: how they are shown.
 */
import type { Asked } from "./instruction.ts";
import type { Material } from "./material.ts";
import { keyPhrases, type Phrase } from "./phrases.ts";
import { choose, rank, type Ranked } from "./rank.ts";
import { headingsOf, titleOf } from "./sentences.ts";
import { languageOf, stopWordsOf } from "./words.ts";

/** The picked parts of the material. */
export interface Picked {
  /** Best first. */
  sentences: Ranked[];
  /** Counted when first asked for: it costs more than all the rest. */
  phrases(): Phrase[];
  /** Headings, the best first: of the document that the best sentence comes from. */
  titles: string[];
  /** Names of the documents in their order, each once. */
  documents: string[];
  /** Words to show for a document: its first heading, else its name. */
  titleOfDocument(name: string): string;
}

const DEFAULT_COUNT = 5;
const DEFAULT_PHRASES = 10;
/** Most sentences given out, whatever was asked. */
const MOST = 200;

/** Picks what `asked` wants out of the material. */
export function pick(asked: Asked, material: Material): Picked {
  const stops = stopWordsOf(languageOf(material.sentences.slice(0, 400).map(({ text }) => text).join(" ")));
  const ranked = rank(material.sentences, asked.topic, stops);
  const sentences = withinWords(chooseFor(asked, ranked), asked.words);
  let phrases: Phrase[] | undefined;
  const titles = new Map(material.documents.map(({ name, text }) => [name, titleOf(text)]));
  const bestDocument = sentences[0]?.sentence.document;
  const headings = [...material.documents].sort((a, b) =>
    Number(b.name === bestDocument) - Number(a.name === bestDocument)
  )
    .flatMap(({ text }) => headingsOf(text));
  return {
    sentences,
    phrases: () => phrases ??= keyPhrases(material.sentences, phraseCount(asked), stops),
    titles: [...new Set(headings.filter((heading) => heading !== ""))],
    documents: [...new Set(material.documents.map(({ name }) => name))],
    titleOfDocument: (name) => titles.get(name) || name,
  };
}

function phraseCount(asked: Asked): number {
  return Math.min(MOST, asked.task === "phrases" ? asked.count ?? DEFAULT_PHRASES : DEFAULT_PHRASES);
}

/**
 * With several documents, what stands in lists is picked from each, so that none is left out; a number that is
 * not said to be for each document counts over all.
 */
function chooseFor(asked: Asked, ranked: readonly Ranked[]): Ranked[] {
  const groups = [...Map.groupBy(ranked, ({ sentence }) => sentence.document).values()];
  const perDocument = asked.each || (groups.length > 1 && asked.count === undefined);
  if (!perDocument) return choose(ranked, limitFor(asked, ranked));
  const best = groups.flatMap((group) => choose(group, limitFor(asked, group)));
  return choose(best, MOST);
}

function limitFor(asked: Asked, ranked: readonly Ranked[]): number {
  if (asked.count !== undefined && asked.task !== "phrases") return Math.min(asked.count, MOST);
  // What an earlier cell picked was chosen already: merging and reviewing look at all of it.
  const picked = ranked.every(({ sentence }) => sentence.picked === true);
  if (picked) return asked.task === "merge" || asked.task === "review" ? MOST : DEFAULT_COUNT;
  return Math.max(1, Math.min(DEFAULT_COUNT, Math.floor(ranked.length / 5)));
}

/** As many of the best as the limit of words allows, but one at least. */
function withinWords(chosen: Ranked[], words: number | undefined): Ranked[] {
  if (words === undefined) return chosen;
  let left = words;
  return chosen.filter(({ sentence }, i) => {
    const length = sentence.text.split(" ").length;
    if (i > 0 && length > left) return false;
    left -= length;
    return true;
  });
}
