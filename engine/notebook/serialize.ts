/**
 * From document to file. Invariant N1: `serialize(parse(text).notebook) === text` for every text, because every block
 * keeps its exact bytes and nothing is ever written anew.
 */
import type { Notebook } from "./types.ts";

/**
 * The file that a notebook was parsed from, byte for byte.
 *
 * @example
 * ```ts
 * import { parse } from "./parse.ts";
 * const text = "---\r\nweft: 1\r\n---\r\n# Hello\r\n~~~ts one\r\n1\r\n~~~";
 * if (serialize(parse(text).notebook) !== text) throw new Error("bytes changed");
 * ```
 */
export function serialize(notebook: Notebook): string {
  return notebook.frontMatter.raw + notebook.blocks.map((block) => block.raw).join("");
}
