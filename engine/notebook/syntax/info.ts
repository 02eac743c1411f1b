/**
 * What the info string of a fence says: a cell, nearly one, or nothing of ours. Owns: the rule. Never: the body.
 */
import { nearest } from "../nearest.ts";
import { CELL_KINDS, type CellKind } from "../types.ts";
import type { Fence } from "./fences.ts";
import { nameFault } from "./names.ts";

/** What an info string makes of its fence. */
export type Info =
  | { type: "prose" }
  /** A word that is not a kind, though near to one, and a name. */
  | { type: "near"; word: string; near: CellKind; column: number }
  /** A kind and a word that is meant as a name, valid or not. */
  | { type: "cell"; kind: CellKind; name: string; flags: string[]; column: number; nameColumn: number };

/** Languages within two letters of a kind, which are what they say. */
const LANGUAGES = new Set(
  "as cs css es fs hs html htm js jsx less rs toml tcl tex tsx txt vb wast".split(" "),
);

/** Reads the info string `KIND NAME [flag…]`. Columns are those of the fence's line, from 1. */
export function readInfo(fence: Fence): Info {
  const words = fence.info.matchAll(/[^ \t]+/g);
  const first = words.next().value;
  const second = words.next().value;
  // Without a name, or with an attribute such as `{1,3}` or `title="x"` in its place, it is a listing.
  if (first === undefined || second === undefined || /^\{|=/.test(second[0])) return { type: "prose" };
  const columnOf = (word: RegExpExecArray) => fence.infoStart - fence.start + word.index + 1;
  const kind = CELL_KINDS.find((known) => known === first[0]);
  if (kind === undefined) {
    const near = nameFault(second[0]) === undefined ? nearKind(first[0]) : undefined;
    return near === undefined
      ? { type: "prose" }
      : { type: "near", word: first[0], near, column: columnOf(first) };
  }
  return {
    type: "cell",
    kind,
    name: second[0],
    flags: Array.from(words, ([word]) => word),
    column: columnOf(first),
    nameColumn: columnOf(second),
  };
}

/** The kind that a word was meant to be. A kind of two letters is near only at one, for at two everything short is. */
function nearKind(word: string): CellKind | undefined {
  if (LANGUAGES.has(word)) return undefined;
  const other = CELL_KINDS.find((kind) => kind === word.toLowerCase());
  const near = other ?? nearest(word, CELL_KINDS.filter((kind) => kind.length > 2)) ??
    nearest(word, CELL_KINDS, 1);
  return CELL_KINDS.find((kind) => kind === near);
}
