/**
 * What can be said of a text by computing. Owns: repeats, numbers that differ, claims that do not stand in their
 * documents. Never: a judgement of sense, style or truth; it says what it checked.
 */
import type { Material } from "./material.ts";
import { overlap } from "./rank.ts";
import { fold, type Sentence } from "./sentences.ts";
import { contentStems, languageOf, stopWordsOf } from "./words.ts";

/** Sentences compared with each other; pairs grow with the square. */
const COMPARED = 400;
const SAME = 0.7;
const SIMILAR = 0.55;
const FEWEST_WORDS = 4;

/** The review as Markdown, in pieces: what was checked, then one bullet for each finding. */
export function review(material: Material): string[] {
  const sentences = material.sentences.slice(0, COMPARED);
  const findings = [...notFound(material), ...pairs(sentences)];
  const sources = canLookUp(material)
    ? ", and for claims that do not stand word for word in the documents"
    : "";
  const checked =
    `Checked ${sentences.length} ${sentences.length === 1 ? "sentence" : "sentences"} for repeats and ` +
    `for similar sentences whose numbers differ${sources}. Nothing else was checked.\n\n`;
  return [checked, ...(findings.length === 0 ? ["Nothing was found.\n"] : findings)];
}

/** Claims can be looked up if the documents came along. */
function canLookUp(material: Material): boolean {
  return material.documents.some(({ text }) => text !== "") &&
    material.sentences.some(({ picked }) => picked);
}

function notFound(material: Material): string[] {
  if (!canLookUp(material)) return [];
  const texts = material.documents.map(({ text }) => fold(text));
  return material.sentences.filter(({ picked, text }) =>
    picked && !texts.some((other) => other.includes(text))
  )
    .map((sentence) => `- Not in the documents: ${quote(sentence)}\n`);
}

function pairs(sentences: readonly Sentence[]): string[] {
  const stops = stopWordsOf(languageOf(sentences.map(({ text }) => text).join(" ")));
  const stems = sentences.map(({ text }) => new Set(contentStems(text.replace(/\p{N}+/gu, " "), stops)));
  const findings: string[] = [];
  for (const [i, a] of sentences.entries()) {
    for (let j = i + 1; j < sentences.length; j++) {
      const b = sentences[j]!;
      if (Math.min(stems[i]!.size, stems[j]!.size) < FEWEST_WORDS) continue;
      const shared = overlap(stems[i]!, stems[j]!);
      if (
        shared >= SIMILAR && numbers(a.text) !== numbers(b.text) && numbers(a.text) !== "" &&
        numbers(b.text) !== ""
      ) {
        findings.push(`- Numbers differ: ${quote(a)} and ${quote(b)}\n`);
      } else if (shared >= SAME) findings.push(`- Said twice: ${quote(a)} and ${quote(b)}\n`);
    }
  }
  return findings;
}

function numbers(text: string): string {
  return (text.match(/\p{N}+(?:[.,]\p{N}+)*/gu) ?? []).sort().join(" ");
}

function quote({ text, document }: Sentence): string {
  return document === "" ? `“${text}”` : `“${text}” (${document})`;
}
