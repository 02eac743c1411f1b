/**
 * Colour in source text. Owns: cutting a text into tokens, in one pass and linear time. Never: understanding it.
 */

/** A piece of text and what it is; `""` is plain. The pieces joined are the text. */
export interface Piece {
  as: "" | "ref" | "comment" | "string" | "number" | "word" | "key";
  text: string;
}

const PLACEHOLDER = /\{\{[^{}]{0,2000}\}\}/g;
const YAML =
  /(?<comment>(?<=^|\s)#[^\n]*)|(?<string>"(?:[^"\\\n]|\\.)*"|'[^'\n]*')|(?<key>^[ \t-]*[\w.$-]+(?=:(?:\s|$)))|(?<ref>\{\{[^{}]{0,2000}\}\})/gm;
const CODE =
  /(?<comment>\/\/[^\n]*|\/\*[^]*?(?:\*\/|$))|(?<string>"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?|`(?:[^`\\]|\\[^])*`?)|(?<number>\b\d[\d_]*(?:\.\d+)?\b)|(?<word>\b(?:and|as|async|await|case|const|else|export|false|for|from|function|if|import|in|interface|let|new|null|of|or|return|switch|throw|true|try|catch|type|typeof|undefined|while)\b)|(?<ref>\$\$?[a-zA-Z]\w*)/g;

const RULES: Record<string, RegExp> = { jsonata: CODE, ts: CODE, yaml: YAML };
const LONGEST = 100_000;

/**
 * Pieces of a source text; text of other kinds has its placeholders marked.
 *
 * @example
 * ```ts
 * const pieces = decorate("agent", "About {{ topic }}.");
 * if (pieces.map((piece) => piece.as).join() !== ",ref,") throw new Error("placeholder not marked");
 * ```
 */
export function decorate(kind: string, text: string): Piece[] {
  if (text.length > LONGEST) return [{ as: "", text }];
  const pieces: Piece[] = [];
  let at = 0;
  for (const match of text.matchAll(RULES[kind] ?? PLACEHOLDER)) {
    if (match.index > at) pieces.push({ as: "", text: text.slice(at, match.index) });
    const named = Object.entries(match.groups ?? {}).find(([, value]) => value !== undefined);
    pieces.push({ as: (named?.[0] ?? "ref") as Piece["as"], text: match[0] });
    at = match.index + match[0].length;
  }
  if (at < text.length) pieces.push({ as: "", text: text.slice(at) });
  return pieces;
}
