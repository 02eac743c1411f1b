/**
 * What differs between two versions of a notebook, cell by cell (EN-1406). Owns: which cells count as the same. Pure.
 */
import { cellsOf, type Notebook } from "../notebook/types.ts";

/** Names of cells, each list in the order of the page. */
export interface Differences {
  added: string[];
  removed: string[];
  /** Their kind, header, source or flags differ. */
  changed: string[];
  /** Settings or params differ, which every cell may depend on. */
  frontMatter: boolean;
}

/**
 * What a later version has changed. Where cells stand, and prose, is no difference.
 *
 * @example
 * ```ts
 * import { parse } from "../notebook/parse.ts";
 * const read = (text: string) => parse(text).notebook;
 * const found = differences(read("~~~ts a\n1\n~~~\n~~~ts b\n1\n~~~\n"), read("~~~ts a\n2\n~~~\n~~~ts c\n1\n~~~\n"));
 * if (found.changed.join() !== "a" || found.added.join() !== "c" || found.removed.join() !== "b") throw new Error("wrong");
 * ```
 */
export function differences(before: Notebook, after: Notebook): Differences {
  const old = new Map(cellsOf(before).map((cell) => [cell.name, cell]));
  const now = new Map(cellsOf(after).map((cell) => [cell.name, cell]));
  const text = ({ kind, headerText, source, flags }: ReturnType<typeof cellsOf>[number]) =>
    JSON.stringify([kind, headerText, source, flags]);
  return {
    added: [...now.keys()].filter((name) => !old.has(name)),
    removed: [...old.keys()].filter((name) => !now.has(name)),
    changed: [...now].flatMap(([name, cell]) => {
      const past = old.get(name);
      return past !== undefined && text(past) !== text(cell) ? [name] : [];
    }),
    frontMatter: before.frontMatter.raw.trim() !== after.frontMatter.raw.trim(),
  };
}

/** The same as a sentence without a full stop. */
export function differencesInWords({ added, removed, changed, frontMatter }: Differences): string {
  const parts = [
    ...changed.length === 0 ? [] : [`changed ${changed.join(", ")}`],
    ...added.length === 0 ? [] : [`added ${added.join(", ")}`],
    ...removed.length === 0 ? [] : [`removed ${removed.join(", ")}`],
    ...frontMatter ? ["changed settings or params"] : [],
  ];
  return parts.length === 0 ? "no cell differs" : parts.join("; ");
}
