/**
 * Where something of a header stands in the file. Owns: finding it in the header's text, which is done only for a
 * problem. Never: reading YAML; where text was folded or escaped the place is that of its key.
 */
import type { Cell, Place } from "../notebook/types.ts";

/** Where a key stands, else where the header begins. */
export function placeOfKey(cell: Cell, key: string): Place {
  return findKey(cell, key) ?? { line: cell.headerLine, column: 1 + cell.indent };
}

/**
 * Where a line of a string value stands: at or below its key, else the key itself.
 *
 * @param text the whole line of the value
 * @param column place within that line, from 1
 */
export function placeOfText(cell: Cell, key: string, text: string, column: number): Place {
  const start = placeOfKey(cell, key);
  if (text.trim() === "") return start;
  const lines = cell.headerText.split("\n");
  for (let i = start.line - cell.headerLine; i < lines.length; i++) {
    const found = lines[i]!.indexOf(text);
    if (found >= 0) return { line: cell.headerLine + i, column: found + column + cell.indent };
  }
  return start;
}

/** A key begins a word and is followed, behind its quote if it has one, by a colon. */
function findKey({ headerText, headerLine, indent }: Cell, key: string): Place | undefined {
  const lines = headerText.split("\n");
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    for (let at = line.indexOf(key); at >= 0; at = line.indexOf(key, at + 1)) {
      const before = line[at - 1] ?? " ";
      const rest = line.slice(at + key.length, at + key.length + 8).replace(/^["']/, "").trimStart();
      if (" {,\"'".includes(before) && rest.startsWith(":")) {
        return { line: headerLine + i, column: at + 1 + indent };
      }
    }
  }
  return undefined;
}
