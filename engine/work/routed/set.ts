/**
 * Names for sets of capabilities, by which offers are listed (EN-1305). Owns: the name of a set.
 */
import { sha256 } from "../../base/hash.ts";

const LONGEST = 100;

/**
 * The name of a set: its tokens in their order, or, where those are too long for a key, their hash.
 *
 * @example
 * ```ts
 * if (setOf(["gpu", "kind:python"]) !== "gpu kind:python") throw new Error("not readable");
 * ```
 */
export function setOf(requires: readonly string[]): string {
  const name = requires.join(" ");
  return name.length <= LONGEST ? name : `sha256:${sha256(name)}`;
}
