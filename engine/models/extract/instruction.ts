/**
 * What an instruction asks for, as far as picking can do it. Owns: the words it understands, English and by key
 * words German. Never: the material.
 */
import { tokens } from "./words.ts";

/** What can be picked. */
export type Task = "summarise" | "points" | "phrases" | "claims" | "quotes" | "title" | "merge" | "review";

/** An instruction understood. */
export interface Asked {
  /** The first that is asked for; `undefined` if none is recognised. */
  task: Task | undefined;
  /** How many sentences, points or phrases; the upper end of a range. */
  count?: number;
  /** Most words of the answer. */
  words?: number;
  /** The count is meant for each document. */
  each: boolean;
  /** Asked for in words of a person, and beyond picking: `translate`, `write`, …; each once, in order. */
  notDone: string[];
  /** What it is about: the instruction without the words that say what to do. */
  topic: string;
}

/** `\b` knows only ASCII letters; this also sees the start of `überschrift`. */
function word(forms: string): RegExp {
  return new RegExp(`(?<![\\p{L}\\p{N}])(?:${forms})`, "iu");
}

/** Words that ask for a task. */
const TASKS: [Task, RegExp][] = [
  [
    "phrases",
    word("key ?(?:phrases?|words?|terms?)|phrases|schlagw(?:ort|ört)|schlüssel(?:wort|wört|begriff)"),
  ],
  ["title", word("titles?\\b|headline|titel|überschrift")],
  [
    "points",
    word(
      "(?:key|main|bullet) (?:points?|ideas?|facts?)|points\\b|bullets\\b|takeaways?|kernpunkt|" +
        "stichpunkt|hauptpunkt",
    ),
  ],
  [
    "claims",
    word("claims?\\b|assertions?\\b|facts\\b|findings\\b|aussagen?\\b|behauptung|thesen?\\b"),
  ],
  ["quotes", word("quot(?:es?|ations?|ing)\\b|passages?\\b|zitat|zitier")],
  [
    "merge",
    word(
      "merg(?:e|ing)\\b|compar(?:e|ing|ison)\\b|combin(?:e|ing)\\b|consolidat|group\\b|digest\\b|" +
        "vergleich|zusammenführ",
    ),
  ],
  [
    "review",
    word("review(?:ing)?\\b|critique|fact-?check|check\\b|verify\\b|proofread|prüf|überprüf|" + "begutacht"),
  ],
  [
    "summarise",
    word("summar|sum up\\b|overview\\b|abstract\\b|gist\\b|tl;?dr|zusammenfass|fasse\\b|überblick"),
  ],
];

/** What picking cannot do; the word is the one for the person. */
const BEYOND: [string, RegExp][] = [
  ["translate", word("translat|übersetz")],
  [
    "rewrite",
    word(
      "re-?writ|re-?phras|paraphras|improv(?:e|ing)\\b|polish\\b|simplif|umschreib|umformulier|" +
        "verbesser",
    ),
  ],
  [
    "write code",
    word(
      "" + "(?:write|generate|produce) (?:\\w+ ){0,3}(?:code|function|script|program|patch|diff|tests?)\\b|" +
        "implement\\b|refactor|programmier",
    ),
  ],
  [
    "write",
    word(
      "writ(?:e|ing)\\b|draft(?:ing)?\\b(?= an?\\b| the\\b)|compos(?:e|ing)\\b|essay\\b|schreib|" +
        "verfass|entwirf",
    ),
  ],
  [
    "answer",
    word(
      "answer(?:ing)?\\b|explain|hello\\b|hi\\b|chat\\b|discuss\\b|why (?:is|are|do|does|did)\\b|beantwort|" +
        "erklär|[^?]{0,400}\\?\\s*$",
    ),
  ],
];

/** `Write a summary` asks for a summary, which can be picked: no writing is left out. */
const PICKED_WRITING = new RegExp(
  "\\b(?:write|draft|compose|create|produce|give|schreibe?|verfasse?)\\s+(?:(?!of |from |about |for |aus |über )\\S+\\s+){0,4}?" +
    "(?:summar\\w*|list|(?:key )?points|bullets?|key ?phrases|keywords|titles?|headline|quotes|claims|" +
    "zusammenfassung|stichpunkte|liste|titel)\\b",
  "giu",
);

// deno-fmt-ignore -- a table of words reads better in rows
const NUMBERS: Record<string, number> = {
  one: 1, two: 2, three: 3, four: 4, five: 5, six: 6, seven: 7, eight: 8, nine: 9, ten: 10, eleven: 11, twelve: 12,
  fifteen: 15, twenty: 20, ein: 1, eine: 1, einen: 1, zwei: 2, drei: 3, vier: 4, fünf: 5, sechs: 6, sieben: 7, acht: 8,
  neun: 9, zehn: 10, elf: 11, zwölf: 12, zwanzig: 20,
};
const NUMBER = `(\\d{1,5}|${Object.keys(NUMBERS).join("|")})`;
const UNIT =
  "(words?|wörtern?|worte?n?|sentences?|sätzen?|satz|points?|punkte?n?|bullets?|claims?|aussagen?|quotes?|" +
  "zitate?|phrases?|keywords?|terms?|titles?|items?|findings?|facts?|takeaways?|ideas?|passages?|lines?)";
const COUNTED = new RegExp(
  `(?<![\\p{L}\\p{N}])${NUMBER}(?:\\s*(?:to|or|bis|oder|–|-)\\s*${NUMBER})?(?:[\\s-]+\\p{L}+){0,3}?[\\s-]+${UNIT}(?![\\p{L}])`,
  "giu",
);
const TOP = new RegExp(`\\b(?:top|at most|up to|höchstens)\\s+${NUMBER}(?![\\p{L}\\p{N}])`, "iu");
const EACH = word(
  "" +
    "(?:per|for each|for every|from each|of each|each|je|pro|für jede[ns]?)\\s+(?:document|file|source|text|paper|note|dokument|datei|quelle)",
);

/** Words that say what to do and not what it is about. */
const TASK_WORDS = word(
  "(?:list|give|me|find|extract|pick|show|name|make|please|use|using|following|documents?|files?|sources?|texts?|below|" +
    "above|made|markdown|json|each|every|short|brief|only|most|important|best|sentences?|words?|key|main|bullet|top|" +
    "liste|nenne|finde|gib|bitte|dokumente?|dateien?|quellen?|wichtigsten?|text|\\d+|" +
    `${Object.keys(NUMBERS).join("|")})$`,
);

/** Longest instruction that is read; what follows is taken for material that nobody marked. */
const LONGEST = 4000;

/**
 * Reads an instruction.
 *
 * @example
 * ```ts
 * const asked = understand("Give me the five key points about leases");
 * if (asked.task !== "points" || asked.count !== 5) throw new Error("not understood");
 * ```
 */
export function understand(instruction: string): Asked {
  const text = instruction.slice(0, LONGEST).replace(/\s+/g, " ").trim();
  const counts = countsIn(text);
  return {
    task: firstOf(TASKS, text),
    ...counts,
    each: EACH.test(text),
    notDone: beyond(text),
    topic: topicOf(text),
  };
}

function firstOf<T>(table: [T, RegExp][], text: string): T | undefined {
  let first: { name: T; index: number } | undefined;
  for (const [name, pattern] of table) {
    const index = text.search(pattern);
    if (index !== -1 && (first === undefined || index < first.index)) first = { name, index };
  }
  return first?.name;
}

function beyond(text: string): string[] {
  const left = text.replace(PICKED_WRITING, " ");
  const found: string[] = [];
  for (const [name, pattern] of BEYOND) {
    if (pattern.test(left) && !(name === "write" && found.includes("write code"))) found.push(name);
  }
  return found;
}

function countsIn(text: string): { count?: number; words?: number } {
  const counts: { count?: number; words?: number } = {};
  for (const [, from, to, unit] of text.matchAll(COUNTED)) {
    const key = /^w[oö]r/i.test(unit!) ? "words" : "count";
    counts[key] ??= numberOf(to ?? from!);
  }
  const top = TOP.exec(text)?.[1];
  if (top !== undefined && counts.words === undefined) counts.count ??= numberOf(top);
  return counts;
}

function numberOf(word: string): number {
  return Math.max(1, NUMBERS[word.toLowerCase()] ?? Number(word));
}

function topicOf(text: string): string {
  const said = [...TASKS, ...BEYOND].map(([, pattern]) => pattern);
  return tokens(text).filter((token) => ![...said, TASK_WORDS].some((pattern) => pattern.test(token))).join(
    " ",
  );
}
