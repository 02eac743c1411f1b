/**
 * The version of a notebook. Owns: what names a text. Server only, because hashing is; nothing that a browser loads may
 * import it.
 */
import { sha256 } from "../base/hash.ts";

/**
 * The version of a notebook's text: SHA-256 of its UTF-8 bytes as 64 hexadecimal digits. Any change of the text, of a
 * line end too, is another version.
 *
 * @example
 * ```ts
 * if (versionOf("a\n") === versionOf("a\r\n")) throw new Error("line ends count");
 * ```
 */
export function versionOf(text: string): string {
  return sha256(text);
}
