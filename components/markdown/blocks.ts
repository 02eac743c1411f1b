/**
 * Markdown text as top-level blocks that keep their identity while the text grows. Owns: lexing with limits.
 * Never: markup; `Markdown.tsx` draws blocks. Browser-safe.
 *
 * B1 A frozen block never changes; only the last one, the tail, is read again when text is added.
 * B2 No text makes it slow: block structure is read `WINDOW` characters at a time, inline structure `RUN`, and a run with
 *    more than `DELIMITERS` emphasis marks is plain text. What is nested too deep to read is plain text.
 * B3 Reading a text in pieces and then `final` gives the blocks of reading it whole.
 */
import { Lexer, type Token } from "marked";

/** A top-level block. */
export interface Block {
  /** Place among the text's blocks, from 0. */
  index: number;
  token: Token;
}

const WINDOW = 16_384;
const RUN = 2048;
const DELIMITERS = 256;

/**
 * The blocks of one growing text.
 *
 * @example
 * ```ts
 * const text = new MarkdownText();
 * const [first] = text.read("# Title\n\nOne", false);
 * const again = text.read("# Title\n\nOne two", false);
 * if (again[0] !== first || again.at(-1)?.token.raw !== "One two") throw new Error("the heading was read again");
 * ```
 */
export class MarkdownText {
  #frozen: Block[] = [];
  #from = 0;
  #text = "";
  #links: Record<string, { href: string | null; title: string | null }> = {};
  #last: { final: boolean; blocks: Block[] } | undefined;

  /** The blocks of `text`. `final` says that nothing follows, so that link definitions count everywhere. */
  read(source: string, final: boolean): Block[] {
    const text = source.includes("\r") ? source.replace(/\r\n?/g, "\n") : source;
    if (this.#last !== undefined && text === this.#text && final === this.#last.final) {
      return this.#last.blocks;
    }
    if (!text.startsWith(this.#text)) this.#restart();
    this.#text = text;
    if (final && definesLinks(text)) {
      this.#restart();
      this.#text = text;
      this.#links = linksOf(text);
    }
    for (;;) {
      const tokens = this.#window();
      const whole = this.#from + lengthOf(tokens) >= text.length;
      const done = whole ? tokens.slice(0, -1) : tokens.length > 1 ? tokens.slice(0, -1) : tokens;
      for (const token of done) this.#freeze(token);
      if (!whole) continue;
      const tail = tokens.at(-1);
      const blocks = tail ? [...this.#frozen, { index: this.#frozen.length, token: tail }] : this.#frozen;
      this.#last = { final, blocks };
      return blocks;
    }
  }

  #restart(): void {
    this.#frozen = [];
    this.#from = 0;
    this.#text = "";
    this.#links = {};
  }

  #freeze(token: Token): void {
    this.#frozen.push({ index: this.#frozen.length, token });
    this.#from += token.raw.length;
  }

  /** Tokens of the next window; a block of code or a table that fills it is read to its end. */
  #window(): Token[] {
    const left = this.#text.length - this.#from;
    for (let size = WINDOW;; size *= 2) {
      const end = size >= left ? this.#text.length : lineEnd(this.#text, this.#from + size);
      const tokens = lex(this.#text.slice(this.#from, end), this.#links);
      const growing = tokens.length === 1 && ["code", "table"].includes(tokens[0]!.type);
      if (end === this.#text.length || !growing) return tokens;
    }
  }
}

function lengthOf(tokens: readonly Token[]): number {
  return tokens.reduce((sum, token) => sum + token.raw.length, 0);
}

/** The end of the line in which `at` falls, if it comes soon. */
function lineEnd(text: string, at: number): number {
  const end = text.indexOf("\n", at);
  return end < 0 || end - at > WINDOW ? at : end + 1;
}

function lex(source: string, links: MarkdownLinks): Token[] {
  if (source === "") return [];
  const lexer = new Lexer({ gfm: true });
  Object.assign(lexer.tokens.links, links);
  try {
    const tokens: Token[] = lexer.blockTokens(source, lexer.tokens);
    for (const { src, tokens: into } of lexer.inlineQueue) {
      for (const run of runsOf(src)) {
        if ((run.match(/[*_~]/g)?.length ?? 0) > DELIMITERS) into.push({ type: "text", raw: run, text: run });
        else lexer.inlineTokens(run, into);
      }
    }
    return lengthOf(tokens) === source.length ? [...tokens] : [plain(source)];
  } catch (error) {
    if (error instanceof RangeError) return [plain(source)];
    throw error;
  }
}

type MarkdownLinks = Record<string, { href: string | null; title: string | null }>;

function plain(raw: string): Token {
  return { type: "paragraph", raw, text: raw, tokens: [{ type: "text", raw, text: raw }] };
}

/** Pieces of at most RUN characters, cut after white space where there is some. */
function* runsOf(text: string): Iterable<string> {
  for (let from = 0; from < text.length;) {
    let end = Math.min(from + RUN, text.length);
    if (end < text.length) {
      const space = Math.max(text.lastIndexOf(" ", end), text.lastIndexOf("\n", end));
      if (space > from + RUN / 2) end = space + 1;
    }
    yield text.slice(from, end);
    from = end;
  }
}

const DEFINITION = /^ {0,3}\[[^\]\n]{1,200}\]:[ \t]*\S/m;

function definesLinks(text: string): boolean {
  return DEFINITION.test(text);
}

/** The link definitions that stand on lines of their own. */
function linksOf(text: string): MarkdownLinks {
  const links: MarkdownLinks = Object.create(null);
  for (const line of text.split("\n")) {
    if (!DEFINITION.test(line)) continue;
    for (const token of new Lexer({ gfm: true }).blockTokens(line)) {
      if (token.type === "def") links[token.tag] ??= { href: token.href, title: token.title };
    }
  }
  return links;
}
