/**
 * Where the fenced blocks of a Markdown text are, in one pass over its lines.
 *
 * Owns: CommonMark's block structure as far as it decides what is a fence: fences of backticks and tildes indented by
 * up to three spaces, block quotes, list items to a depth of 100, and HTML blocks of kinds 1 to 6 (a cell inside
 * `<!-- … -->` is no cell). A fence inside a list item is reported with `inList`, so that it can be told from one of
 * the page; one inside a block quote is not reported at all.
 * Never: what a fence means; inline Markdown.
 *
 * Invariants: time is linear in the length of the text; fences come in order and do not overlap.
 */

/** A fenced block. Offsets are into the text that was scanned. */
export interface Fence {
  /** Offset of the line with the opening fence. */
  start: number;
  /** Offset after the line with the closing fence, or of the end of what the block contains. */
  end: number;
  bodyStart: number;
  bodyEnd: number;
  /** Line of the opening fence, from 1. */
  line: number;
  /** Columns before the opening fence. */
  indent: number;
  /** The run of backticks or tildes. */
  marker: string;
  /** What follows the marker on its line. */
  info: string;
  /** Offset of `info`. */
  infoStart: number;
  /** False if the text or the list item ended first. */
  closed: boolean;
  inList: boolean;
}

/** What a scan found. */
export interface Scan {
  fences: Fence[];
  /** Text of the first heading outside fences; empty if there is none. */
  heading: string;
  /** Where an HTML block that needs an end mark, but has none, begins; all after it is prose. */
  openHtml?: { line: number; column: number; mark: string };
}

const MAX_DEPTH = 100;
const MAX_HEADING = 300;
const FENCE = /^(`{3,}|~{3,})/;
const LIST_MARKER = /^(?:[-+*]|(\d{1,9})[.)])(?=[ \t]|$)/;
const RULE = /^(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const HEADING = /^#{1,6}(?:[ \t]|$)/;
const UNDERLINE = /^(?:=+|-+)[ \t]*$/;

/** CommonMark's HTML blocks 1 to 5: how they begin, how they end, and the end as a message shows it. */
const HTML_BLOCKS: [RegExp, RegExp, string][] = [
  [/^<(?:script|pre|textarea|style)(?:\s|>|$)/i, /<\/(?:script|pre|textarea|style)>/i, "its closing tag"],
  [/^<!--/, /-->/, "-->"],
  [/^<\?/, /\?>/, "?>"],
  [/^<![A-Za-z]/, />/, ">"],
  [/^<!\[CDATA\[/, /\]\]>/, "]]>"],
];
/** Kind 6 ends at a blank line. */
const HTML_TAGS = new RegExp(
  "^</?(?:address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|dialog|dir|div|" +
    "dl|dt|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|link|" +
    "main|menu|menuitem|nav|noframes|ol|optgroup|option|p|param|search|section|summary|table|tbody|td|tfoot|th|" +
    "thead|title|tr|track|ul)(?:[ \\t]|/?>|$)",
  "i",
);

/** Scans `text`, whose first line has the number `firstLine`. */
export function scanFences(text: string, firstLine = 1): Scan {
  return new Scanner(text, firstLine).scan();
}

/** One line: `text` without its line end, `column` and `offset` of its first character that is no space or tab. */
interface Line {
  start: number;
  next: number;
  number: number;
  text: string;
  column: number;
  offset: number;
  blank: boolean;
}

class Scanner {
  #fences: Fence[] = [];
  #heading = "";
  /** Columns at which the contents of the open list items begin, outermost first. */
  #items: number[] = [];
  /** The last line's text if it belongs to a paragraph, which a line without indent may go on. */
  #paragraph: string | undefined;
  #fence: { fence: Fence; base: number } | undefined;
  #html: { end: RegExp | "blank"; base: number; line: number; column: number; mark: string } | undefined;

  constructor(readonly text: string, readonly firstLine: number) {}

  scan(): Scan {
    let start = 0;
    for (let number = this.firstLine; start < this.text.length; number++) {
      const line = readLine(this.text, start, number);
      if (!this.#inFence(line) && !this.#inHtml(line)) this.#outside(line);
      start = line.next;
    }
    if (this.#fence !== undefined) this.#endFence(this.text.length, this.text.length, false);
    const html = this.#html;
    return {
      fences: this.#fences,
      heading: this.#heading,
      ...(html === undefined || html.end === "blank"
        ? {}
        : { openHtml: { line: html.line, column: html.column, mark: html.mark } }),
    };
  }

  /** Whether the line belongs to the open fence. A line left of the list item that holds the fence ends both. */
  #inFence(line: Line): boolean {
    if (this.#fence === undefined) return false;
    const { fence, base } = this.#fence;
    if (!line.blank && line.column < base) {
      this.#endFence(line.start, line.start, false);
      return false;
    }
    if (line.column - base < 4 && closes(line.text.slice(line.offset), fence.marker)) {
      this.#endFence(line.start, line.next, true);
    }
    return true;
  }

  #endFence(bodyEnd: number, end: number, closed: boolean): void {
    this.#fences.push({ ...this.#fence!.fence, bodyEnd, end, closed });
    this.#fence = undefined;
  }

  /** Whether the line belongs to the open HTML block. */
  #inHtml(line: Line): boolean {
    if (this.#html === undefined) return false;
    const { end, base } = this.#html;
    if (!line.blank && line.column < base) {
      this.#html = undefined;
      return false;
    }
    if (end === "blank" ? line.blank : end.test(line.text)) this.#html = undefined;
    return true;
  }

  #outside(line: Line): void {
    if (line.blank) {
      this.#paragraph = undefined;
      return;
    }
    const lazy = this.#paragraph !== undefined && !startsBlock(line.text.slice(line.offset));
    const items = this.#items.filter((content) => content <= line.column);
    if (items.length < this.#items.length && lazy) return;
    const sameItem = items.length === this.#items.length;
    this.#items = items;
    const interrupts = sameItem && this.#paragraph !== undefined;
    this.#block(line, line.column, line.offset, interrupts);
  }

  /** Reads the block that begins at `column`; each list marker opens an item and leaves the rest of the line to read. */
  #block(line: Line, column: number, offset: number, interrupts: boolean): void {
    for (;;) {
      const base = this.#items.at(-1) ?? 0;
      const rest = line.text.slice(offset);
      // Four columns in is code, or goes on with the paragraph before it.
      if (column - base >= 4) return;
      if (this.#openFence(line, rest, column, offset, base)) return;
      if (this.#openHtml(line, rest, column, base)) return;
      if (this.#isHeadingOrRule(rest, interrupts)) return;
      const marker = this.#items.length < MAX_DEPTH ? LIST_MARKER.exec(rest) : null;
      const content = marker === null ? undefined : itemContent(line.text, column, offset, marker[0].length);
      // Only an item with content, and a numbered one only from 1, can follow a paragraph's line directly.
      const starts = content !== undefined &&
        !(interrupts && (content.empty || (marker![1] !== undefined && Number(marker![1]) !== 1)));
      if (!starts) {
        this.#paragraph = rest;
        return;
      }
      this.#items.push(content.column);
      this.#paragraph = undefined;
      if (content.empty) return;
      interrupts = false;
      column = content.textColumn;
      offset = content.offset;
    }
  }

  #openFence(line: Line, rest: string, column: number, offset: number, base: number): boolean {
    const marker = FENCE.exec(rest)?.[0];
    if (marker === undefined) return false;
    const info = rest.slice(marker.length);
    if (marker[0] === "`" && info.includes("`")) return false;
    const fence: Fence = {
      start: line.start,
      end: line.next,
      bodyStart: line.next,
      bodyEnd: line.next,
      line: line.number,
      indent: column,
      marker,
      info,
      infoStart: line.start + offset + marker.length,
      closed: false,
      inList: this.#items.length > 0,
    };
    this.#fence = { fence, base };
    this.#paragraph = undefined;
    return true;
  }

  #openHtml(line: Line, rest: string, column: number, base: number): boolean {
    if (!rest.startsWith("<")) return false;
    const found = HTML_BLOCKS.find(([begin]) => begin.test(rest));
    if (found === undefined && !HTML_TAGS.test(rest)) return false;
    this.#paragraph = undefined;
    const end = found === undefined ? "blank" as const : found[1];
    if (end !== "blank" && end.test(rest)) return true;
    this.#html = { end, base, line: line.number, column: column + 1, mark: found?.[2] ?? "" };
    return true;
  }

  #isHeadingOrRule(rest: string, interrupts: boolean): boolean {
    if (HEADING.test(rest)) {
      this.#heading ||= headingText(rest);
    } else if (interrupts && UNDERLINE.test(rest)) {
      this.#heading ||= headingText(this.#paragraph!);
    } else if (!RULE.test(rest)) {
      return false;
    }
    this.#paragraph = undefined;
    return true;
  }
}

/** The line at `start`, which ends at a line feed, a carriage return or both. */
function readLine(text: string, start: number, number: number): Line {
  let end = start;
  while (end < text.length) {
    const code = text.charCodeAt(end);
    if (code === 10 || code === 13) break;
    end++;
  }
  const next = end === text.length ? end : text.startsWith("\r\n", end) ? end + 2 : end + 1;
  const line = text.slice(start, end);
  const { column, offset } = skipSpace(line, 0, 0);
  return { start, next, number, text: line, column, offset, blank: offset === line.length };
}

/** Where the next character that is no space or tab stands; tab stops are 4 columns apart. */
function skipSpace(line: string, column: number, offset: number): { column: number; offset: number } {
  for (; offset < line.length; offset++) {
    const code = line.charCodeAt(offset);
    if (code === 32) column++;
    else if (code === 9) column += 4 - column % 4;
    else break;
  }
  return { column, offset };
}

/** Where the content of a list item begins whose marker of `width` stands at `column`. */
function itemContent(line: string, column: number, offset: number, width: number) {
  const after = column + width;
  const text = skipSpace(line, after, offset + width);
  const empty = text.offset === line.length;
  // Five columns or more are one, and the rest belongs to code.
  const content = empty || text.column - after > 4 ? after + 1 : text.column;
  return { column: content, textColumn: text.column, offset: text.offset, empty };
}

/** Whether a line that begins with `rest` cannot go on with a paragraph. */
function startsBlock(rest: string): boolean {
  if (FENCE.test(rest)) {
    const marker = FENCE.exec(rest)![0];
    return marker[0] === "~" || !rest.slice(marker.length).includes("`");
  }
  return HEADING.test(rest) || RULE.test(rest) || rest.startsWith(">") || LIST_MARKER.test(rest) ||
    HTML_TAGS.test(rest) || HTML_BLOCKS.some(([begin]) => begin.test(rest));
}

/** Whether a line that begins with `rest` closes a fence: the same character, at least as often, and nothing else. */
function closes(rest: string, marker: string): boolean {
  let length = 0;
  while (rest[length] === marker[0]) length++;
  return length >= marker.length && /^[ \t]*$/.test(rest.slice(length));
}

/** A heading's line without its marks. */
function headingText(line: string): string {
  return line.slice(0, MAX_HEADING).replace(/^#+/, "").trim().replace(/(?:^|[ \t])#+$/, "").trim();
}
