/**
 * The lexemes of JSONata text. Owns: where strings, comments, regular expressions and brackets begin and end, so that
 * text can be judged before the library sees it, and a placeholder's end found. Never: grammar; any text has lexemes.
 *
 * Linear in the text: each character is looked at a bounded number of times.
 */

/** A piece of JSONata text. `unclosed` runs to the end: a string, name, comment or regular expression without end. */
export interface Lexeme {
  type:
    | "space"
    | "comment"
    | "string"
    | "quoted"
    | "regex"
    | "open"
    | "close"
    | "word"
    | "operator"
    | "unclosed";
  start: number;
  end: number;
}

const SPACE = " \t\n\r\v";
const OPERATORS = ".[]{}(),@#;:?+-*/%|=<>^!~&";
const DOUBLE = new Set(["..", ":=", "!=", ">=", "<=", "**", "~>", "?:", "??"]);
const NUMBER = /\d+(\.\d+)?([eE][-+]?\d+)?/y;

/**
 * Reads JSONata text piece by piece.
 *
 * @param from where to begin
 * @param operand whether a value ends right before, so that a `/` there divides
 * @returns a function that gives the next lexeme, or undefined at the end of the text
 *
 * @example
 * ```ts
 * const next = lexemes("a['}}']");
 * const types = [next(), next(), next(), next(), next()].map((lexeme) => lexeme?.type);
 * if (types.join(" ") !== "word open string close ") throw new Error("not the lexemes of a['}}']");
 * ```
 */
export function lexemes(text: string, from = 0, operand = false): () => Lexeme | undefined {
  let at = from;
  // Decides whether `/` divides or opens a regular expression, as the library's own tokenizer does.
  let afterOperand = operand;
  return () => {
    if (at >= text.length) return undefined;
    const lexeme = lex(text, at, afterOperand);
    at = lexeme.end;
    afterOperand = isOperand(text, lexeme, afterOperand);
    return lexeme;
  };
}

/** Whether a value ends with this lexeme, given whether one ended before it. Space and comments change nothing. */
export function isOperand(text: string, { type, start, end }: Lexeme, before: boolean): boolean {
  if (type === "space" || type === "comment") return before;
  if (type === "open") return false;
  const value = text.slice(start, Math.min(end, start + 4));
  if (type === "operator") return !before && (value === "*" || value === "**" || value === "%");
  if (type === "word" && before) return value !== "and" && value !== "or" && value !== "in";
  return true;
}

function lex(text: string, start: number, afterOperand: boolean): Lexeme {
  const char = text[start]!;
  const until = (type: Lexeme["type"], end: number): Lexeme =>
    end < 0 ? { type: "unclosed", start, end: text.length } : { type, start, end };
  if (SPACE.includes(char)) {
    let end = start + 1;
    while (end < text.length && SPACE.includes(text[end]!)) end++;
    return until("space", end);
  }
  if (char === "/" && text[start + 1] === "*") return until("comment", after(text, "*/", start + 2));
  if (char === "/" && !afterOperand) return until("regex", regexEnd(text, start + 1));
  if (char === '"' || char === "'") return until("string", stringEnd(text, start));
  if (char === "`") return until("quoted", after(text, "`", start + 1));
  if ("([{".includes(char)) return until("open", start + 1);
  if (")]}".includes(char)) return until("close", start + 1);
  if (OPERATORS.includes(char)) {
    return until("operator", start + (DOUBLE.has(text.slice(start, start + 2)) ? 2 : 1));
  }
  NUMBER.lastIndex = start;
  if (NUMBER.test(text)) return until("word", NUMBER.lastIndex);
  let end = start + 1;
  while (end < text.length && !SPACE.includes(text[end]!) && !OPERATORS.includes(text[end]!)) end++;
  return until("word", end);
}

function after(text: string, close: string, from: number): number {
  const found = text.indexOf(close, from);
  return found < 0 ? -1 : found + close.length;
}

function stringEnd(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === text[start]) return i + 1;
  }
  return -1;
}

/** A slash ends a regular expression outside brackets, if it is not escaped. */
function regexEnd(text: string, start: number): number {
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    const char = text[i]!;
    if (char === "\\") i++;
    else if ("([{".includes(char)) depth++;
    else if (")]}".includes(char)) depth--;
    else if (char === "/" && depth === 0) {
      let end = i + 1;
      while (text[end] === "i" || text[end] === "m") end++;
      return end;
    }
  }
  return -1;
}

/** Line and column of an offset, both from 1. */
export function placeAt(text: string, offset: number): { line: number; column: number } {
  let line = 1;
  let lineStart = 0;
  for (let i = text.indexOf("\n"); i >= 0 && i < offset; i = text.indexOf("\n", i + 1)) {
    line++;
    lineStart = i + 1;
  }
  return { line, column: offset - lineStart + 1 };
}
