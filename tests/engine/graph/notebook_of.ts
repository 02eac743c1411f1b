/**
 * A notebook from a few words, for tests that are not about parsing. Owns: cells as data, one line of page each.
 */
import type { JsonObject } from "../../../engine/base/json.ts";
import type { Cell, Notebook, Param } from "../../../engine/notebook/types.ts";

/** A cell in short: its kind and source as `kind: source`, or with more said. */
export type ShortCell = string | {
  kind?: Cell["kind"];
  source?: string;
  header?: JsonObject;
  headerText?: string;
  flags?: string[];
  indent?: number;
};

/** A notebook of these cells, ten lines of the file apart. */
export function notebookOf(
  cells: Record<string, ShortCell>,
  front: { params?: JsonObject; data?: JsonObject } = {},
): Notebook {
  const params = Object.entries(front.params ?? {}).map(([name, value]): Param => ({
    name,
    type: "json",
    default: value,
    required: false,
    place: { line: 1, column: 1 },
  }));
  return {
    frontMatter: { data: front.data ?? {}, raw: "", params },
    title: "",
    blocks: Object.entries(cells).map(([name, short], i) => cellOf(name, short, 10 * (i + 1))),
  };
}

function cellOf(name: string, short: ShortCell, line: number): Cell {
  const colon = typeof short === "string" ? short.indexOf(":") : 0;
  const full = typeof short === "string"
    ? { kind: short.slice(0, colon) as Cell["kind"], source: short.slice(colon + 1).trimStart() }
    : short;
  const { kind = "jsonata", source = "1", header = {}, headerText = "", flags = [], indent = 0 } =
    full as Exclude<
      ShortCell,
      string
    >;
  return {
    type: "cell",
    kind,
    name,
    flags,
    header,
    headerText,
    source,
    raw: source,
    line,
    headerLine: line + 1,
    sourceLine: line + 1 + (headerText === "" ? 0 : headerText.split("\n").length),
    indent,
  };
}
