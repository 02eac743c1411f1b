/**
 * From Markdown to sentences. Owns: what in a text is a sentence and where it stands.
 * Never: which sentences matter.
 *
 * X1 The text of a sentence is a stretch of its document, word for word, with white space folded.
 */
import { languageOf } from "./words.ts";

/** A text with the name that people know it by. */
export interface Document {
  name: string;
  text: string;
}

/** A sentence and its place. */
export interface Sentence {
  text: string;
  /** Name of its document. */
  document: string;
  /** Offsets in the document's text, UTF-16 code units. */
  start: number;
  end: number;
  /** Heading above it, as plain words; empty if there is none. */
  heading: string;
  /** How far down its document it stands, 0 (first) to 1. */
  position: number;
  /** An earlier cell chose it: it came by itself, with its source. */
  picked?: true;
}

/** A stretch of prose without a blank line, list mark or heading inside. */
interface Paragraph {
  start: number;
  end: number;
  heading: string;
}

/** Longest stretch given out as a sentence; what is longer is a listing or a text without full stops. */
const LONGEST = 600;
/** A sentence ends here by its dot and capital, but is not over. */
const ABBREVIATED =
  /(?:^|[\s(])(?:\p{L}|dr|mr|mrs|prof|st|no|nr|fig|eq|vs|cf|ca|approx|incl|resp|etc|e\.g|i\.e|z\.b|d\.h|u\.a|bzw|vgl|usw|abb|bspw)\.\s*$/iu;

/** The sentences of a document in their order. */
export function sentencesOf(document: Document): Sentence[] {
  const { name, text } = document;
  const segmenter = new Intl.Segmenter(languageOf(text) ?? "und", { granularity: "sentence" });
  const found: Sentence[] = [];
  for (const paragraph of paragraphsOf(text)) {
    for (const { start, end } of stretches(text, paragraph, segmenter)) {
      const words = fold(text.slice(start, end));
      if (!isSentence(words)) continue;
      found.push({ text: words, document: name, start, end, heading: paragraph.heading, position: 0 });
    }
  }
  for (const [i, sentence] of found.entries()) {
    sentence.position = found.length < 2 ? 0 : i / (found.length - 1);
  }
  return found;
}

/** The first heading of a Markdown text as plain words; empty if it has none. */
export function titleOf(text: string): string {
  return headingsOf(text)[0] ?? "";
}

/** All headings of a Markdown text as plain words. */
export function headingsOf(text: string): string[] {
  const headings: string[] = [];
  walkLines(text, { heading: (words) => headings.push(words) });
  return headings;
}

/** White space folded to single spaces, none at the ends. */
export function fold(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

function paragraphsOf(text: string): Paragraph[] {
  const paragraphs: Paragraph[] = [];
  let heading = "";
  let open: Paragraph | undefined;
  const close = () => {
    if (open !== undefined) paragraphs.push(open);
    open = undefined;
  };
  walkLines(text, {
    heading: (words) => {
      close();
      heading = words;
    },
    gap: close,
    prose: (start, end, begins) => {
      if (begins) close();
      if (open === undefined) open = { start, end, heading };
      else open.end = end;
    },
  });
  close();
  return paragraphs;
}

interface Handlers {
  heading?: (words: string) => void;
  /** Something that is no prose: paragraphs end here. */
  gap?: () => void;
  /** A line of prose without its list or quote mark; `begins` if such a mark starts a paragraph of its own. */
  prose?: (start: number, end: number, begins: boolean) => void;
}

/** Reads a text line by line. Linear: no line is looked at twice, and no pattern here can backtrack far. */
function walkLines(text: string, on: Handlers): void {
  let fence = "";
  let previous = "";
  for (let at = 0; at < text.length;) {
    const end = endOfLine(text, at);
    const line = text.slice(at, end).trimEnd();
    const isFirst = at === 0;
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1] ?? "";
    if (fence !== "") {
      if (mark.startsWith(fence) && /^[\s`~]*$/.test(line)) fence = "";
    } else if (isFirst && line === "---") {
      at = endOfFrontMatter(text, end);
      continue;
    } else if (mark !== "") {
      fence = mark;
      on.gap?.();
    } else readLine(line, { at, previous, next: text.slice(end + 1, endOfLine(text, end + 1)) }, on);
    previous = fence === "" && mark === "" ? line : "";
    at = end + 1;
  }
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf("\n", at);
  return end === -1 ? text.length : end;
}

interface Neighbours {
  at: number;
  previous: string;
  next: string;
}

function readLine(line: string, { at, previous, next }: Neighbours, on: Handlers): void {
  const heading = /^ {0,3}#{1,6}\s+(\S.*)$/.exec(line);
  if (heading !== null) return on.heading?.(plainWords(heading[1]!.replace(/\s#+$/, "")));
  if (/^ {0,3}(?:=+|-{2,})\s*$/.test(next) && previous.trim() === "" && isHeadingText(line)) {
    return on.heading?.(plainWords(line));
  }
  const begins = /^\s*(?:>\s?)*(?:[-*+]\s+(?:\[[ xX]\]\s+)?|\d{1,9}[.)]\s+|>\s?)/.exec(line)?.[0] ?? "";
  const rest = line.slice(begins.length);
  if (isNoise(line, rest) || (begins === "" && /^(?: {4}|\t)/.test(line) && previous.trim() === "")) {
    return on.gap?.();
  }
  const indent = begins === "" ? rest.length - rest.trimStart().length : 0;
  on.prose?.(at + begins.length + indent, at + line.length, begins !== "");
}

/** A line under which dashes make a heading: one line of words. */
function isHeadingText(line: string): boolean {
  return /^\S/.test(line) && line.length < 120 && !/^[-*+>|#]/.test(line);
}

/** Lines that are no prose: blank, table rows, rules, HTML, link definitions, lines of only links and images. */
function isNoise(line: string, rest: string): boolean {
  if (rest.trim() === "" || line.trimStart().startsWith("|") || line.split("|").length > 3) return true;
  if (/^\s*(?:[-*_=]\s*){3,}$/.test(line) || /^\s*<[!/a-zA-Z]/.test(line) || /^\s*\[[^\]]+\]:\s/.test(line)) {
    return true;
  }
  return !/[\p{L}\p{N}]/u.test(withoutLinks(rest));
}

/** What is left of a line without images, links with their words, and bare addresses. */
function withoutLinks(line: string): string {
  return line.replace(/!?\[[^\][]{0,300}\](?:\([^()\s]{0,500}\)|\[[^\][]{0,100}\])/g, "")
    .replace(/!?\[[^\][]{0,300}\](?:\([^()\s]{0,500}\)|\[[^\][]{0,100}\])/g, "")
    .replace(/<?https?:\/\/\S+/g, "");
}

function endOfFrontMatter(text: string, firstLineEnd: number): number {
  const close = text.indexOf("\n---", firstLineEnd);
  return close === -1 ? firstLineEnd + 1 : endOfLine(text, close + 4) + 1;
}

/** Words of a heading without marks: links keep their words. */
function plainWords(text: string): string {
  return fold(text.replace(/!?\[([^\][]{0,300})\]\([^()\s]{0,500}\)/g, "$1").replace(/[*_`]+/g, ""));
}

/** Sentences of a paragraph as offsets. The segmenter takes a line break for an end, so it sees spaces instead. */
function stretches(
  text: string,
  paragraph: Paragraph,
  segmenter: Intl.Segmenter,
): { start: number; end: number }[] {
  const flat = text.slice(paragraph.start, paragraph.end).replace(/\s/g, " ");
  const parts: { start: number; end: number }[] = [];
  for (const { segment, index } of segmenter.segment(flat)) {
    const last = parts.at(-1);
    const start = paragraph.start + index;
    const end = start + segment.length;
    // Marks that close what the sentence before opened belong to it: `**Bold.** Rest`.
    const closing = last === undefined ? 0 : /^[*_`"”»)\]]+(?=\s|$)/.exec(segment)?.[0].length ?? 0;
    if (last !== undefined) last.end += closing;
    if (last !== undefined && (continues(flat, last, paragraph.start) || closing === segment.length)) {
      last.end = end;
    } else parts.push({ start: start + closing, end });
  }
  return parts;
}

function continues(flat: string, last: { start: number; end: number }, offset: number): boolean {
  return ABBREVIATED.test(flat.slice(Math.max(last.start, last.end - 16) - offset, last.end - offset));
}

/** Whether a stretch can be shown by itself: words, whole marks, no list or quote mark inside, not endless. */
function isSentence(text: string): boolean {
  if (text.length > LONGEST || (text.match(/[\p{L}\p{N}]+/gu)?.length ?? 0) < 3) return false;
  if (/\s>\s/.test(text) || !/\p{L}{2}/u.test(text)) return false;
  return count(text, /`/g) % 2 === 0 && count(text, /\*\*/g) % 2 === 0 &&
    count(text, /\[/g) === count(text, /\]/g);
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}
