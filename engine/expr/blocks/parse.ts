/**
 * Text to blocks and back. Owns: where a marker is a block and where it is only text. Never: what a block means.
 *
 * K1 `serializeToText(parseFromText(text))` is `text`, whatever the text.
 */
import { isOperand, lexemes } from "../scan.ts";
import {
  blockOf,
  type BlockPiece,
  type BlockSpec,
  type HybridExpression,
  MAX_BLOCKS,
  readConfig,
  type TextPiece,
  unescapeConfig,
  writeMarker,
} from "./model.ts";

const MARKER = /\{\{block:([A-Za-z][\w-]*):/y;

/**
 * Reads an expression. A marker inside a string, a quoted name, a comment or a regular expression is text, and so is
 * one that never ends. What stands behind the 50th block stays text, with a problem.
 *
 * @example
 * ```ts
 * const { content, blockCount } = parseFromText("items{{block:aggregate:sum:price}} * 2");
 * if (blockCount !== 1 || content[1]?.type !== "block") throw new Error("no block");
 * ```
 */
export function parseFromText(text: string): HybridExpression {
  const content: (TextPiece | BlockPiece)[] = [];
  const problems: HybridExpression["problems"] = [];
  let blockCount = 0;
  let copied = 0;
  let operand = false;
  let next = lexemes(text);
  for (let lexeme = next(); lexeme !== undefined; lexeme = next()) {
    const marker = lexeme.type === "open" ? markerAt(text, lexeme.start) : undefined;
    if (marker === undefined) {
      operand = isOperand(text, lexeme, operand);
      continue;
    }
    if (blockCount === MAX_BLOCKS) {
      problems.push({
        code: "block_limit",
        message: `Block limit reached (${MAX_BLOCKS}). Remaining blocks ignored.`,
        start: lexeme.start,
        end: text.length,
      });
      break;
    }
    if (lexeme.start > copied) content.push({ type: "text", text: text.slice(copied, lexeme.start) });
    content.push(blockOf(marker.spec, text.slice(lexeme.start, marker.end)));
    blockCount++;
    copied = marker.end;
    operand = true;
    next = lexemes(text, copied, operand);
  }
  if (copied < text.length) content.push({ type: "text", text: text.slice(copied) });
  return { mode: "hybrid", content, rawText: text, blockCount, problems };
}

/** The marker that begins at an offset, if a whole one does. */
function markerAt(text: string, start: number): { spec: BlockSpec; end: number } | undefined {
  MARKER.lastIndex = start;
  const head = MARKER.exec(text);
  if (head === null) return undefined;
  const from = start + head[0].length;
  for (let i = from; i < text.length; i++) {
    if (text[i] === "\\" && (text[i + 1] === "\\" || text[i + 1] === "}")) i++;
    else if (text[i] === "}" && text[i + 1] === "}") {
      return { spec: readConfig(head[1]!, unescapeConfig(text.slice(from, i))), end: i + 2 };
    }
  }
  return undefined;
}

/** The text of an expression, from its pieces. A block that was not edited keeps its bytes. */
export function serializeToText({ content }: Pick<HybridExpression, "content">): string {
  return content.map((piece) => piece.type === "text" ? piece.text : markerOf(piece)).join("");
}

/** The marker of a piece: as it was read if that still means the same, else written anew. */
export function markerOf(piece: BlockPiece): string {
  const written = writeMarker(piece);
  const read = piece.source === undefined ? undefined : markerAt(piece.source, 0);
  return read !== undefined && read.end === piece.source!.length && writeMarker(read.spec) === written
    ? piece.source!
    : written;
}

/**
 * Text with a block put in. An offset inside another block counts as behind it.
 *
 * @param offset in UTF-16 code units, brought into the text if it is outside
 */
export function insertBlock(
  text: string,
  offset: number,
  block: BlockSpec,
): { text: string; cursor: number } | { problem: string } {
  const { content, blockCount } = parseFromText(text);
  if (blockCount >= MAX_BLOCKS) {
    return { problem: `Cannot insert block: limit of ${MAX_BLOCKS} blocks reached` };
  }
  let at = Math.max(0, Math.min(Math.trunc(offset) || 0, text.length));
  let start = 0;
  for (const piece of content) {
    const end = start + (piece.type === "text" ? piece.text : markerOf(piece)).length;
    if (piece.type === "block" && at > start && at < end) at = end;
    start = end;
  }
  const marker = writeMarker(block);
  return { text: text.slice(0, at) + marker + text.slice(at), cursor: at + marker.length };
}

/** What to say where blocks stand in the expression of a placeholder `{{ }}`, if any do. */
export function placeholderProblem(expression: string): string | undefined {
  return parseFromText(expression).blockCount === 0
    ? undefined
    : "Blocks cannot be used in a placeholder; use Insert as JSONata";
}
