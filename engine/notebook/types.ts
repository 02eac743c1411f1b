/**
 * What a notebook is, as data. Owns: the shapes that everything after the parser reads.
 * Never: behaviour.
 */
import type { JsonObject } from "../base/json.ts";

/** Names that may stand first in a cell's info string. Whether the engine can run one is `engine/kinds`' matter. */
export const CELL_KINDS = [
  "agent",
  "jsonata",
  "ts",
  "http",
  "tool",
  "input",
  "approval",
  "wait",
  "notebook",
] as const;

/** A kind of cell that the format knows. */
export type CellKind = typeof CELL_KINDS[number];

/** Where something stands in the text; lines and columns count from 1, columns in UTF-16 code units. */
export interface Place {
  line: number;
  column: number;
}

/** Something that a person should know about a notebook. Messages have no full stop. */
export interface Problem extends Place {
  /** Stable name of the rule, such as `name_duplicate`; for machines and tests. */
  code: string;
  severity: "error" | "warning";
  /** Which part of the notebook it concerns. */
  type: "structure" | "config" | "connection" | "expression";
  message: string;
  /** Name of the cell it concerns, if one. */
  cell?: string;
  /** What would be right, if that can be said. */
  expected?: string;
}

/** A run of text between cells. Its text is `raw`. */
export interface Prose {
  type: "prose";
  /** `prose_1` … in page order. */
  id: string;
  /** Exact bytes of the file, line ends included. */
  raw: string;
  /** Line on which it begins. */
  line: number;
}

/** A fenced block that is a node of the graph. */
export interface Cell {
  type: "cell";
  /** `invalid` if the block cannot be a cell; its text is kept and a problem says why. */
  kind: CellKind | "invalid";
  /** Unique among valid cells. An invalid cell without a usable name has `invalid_1` …. */
  name: string;
  /** Words after the name: `disabled`, `bypassed`, and others as written. */
  flags: string[];
  /** The YAML header as data; empty if there is none or it is not valid. Unknown keys are kept. */
  header: JsonObject;
  /** The header's text between fence and `---`, with its line ends; empty if there is none. */
  headerText: string;
  /** The source's text, with its line ends; empty for kinds whose body is all header. */
  source: string;
  /** Exact bytes of the file from the opening fence to the end of the closing one. */
  raw: string;
  /** Line of the opening fence. */
  line: number;
  /** Line on which the header's text begins, also if it is empty. */
  headerLine: number;
  /** Line on which the source's text begins, also if it is empty. */
  sourceLine: number;
  /** Columns by which the source's lines are indented in the file (a fence inside a list item), 0 normally. */
  indent: number;
}

/** A part of the page. */
export type Block = Prose | Cell;

/** Types of params. */
export const PARAM_TYPES = [
  "string",
  "number",
  "boolean",
  "json",
  "file",
  "files",
  "model",
  "prompt",
] as const;

/** One of {@link PARAM_TYPES}. */
export type ParamType = typeof PARAM_TYPES[number];

/** A param as declared in front matter, checked. */
export interface Param {
  name: string;
  type: ParamType;
  /** Absent: the param is required unless `required` is false. */
  default?: JsonObject[string];
  required: boolean;
  label?: string;
  description?: string;
  enum?: JsonObject[string][];
  min?: number;
  max?: number;
  /** JSON Schema of the value, beside its type. */
  schema?: JsonObject[string];
  /** Where its declaration begins. */
  place: Place;
}

/** The YAML on top of the file. */
export interface FrontMatter {
  /** As data; unknown keys are kept. Empty if there is none or it is not valid. */
  data: JsonObject;
  /** Exact bytes from the first `---` line to the end of the second; empty if there is none. */
  raw: string;
  params: Param[];
}

/** A parsed notebook. `frontMatter.raw` and the `raw` of all blocks, joined, are the file. */
export interface Notebook {
  frontMatter: FrontMatter;
  /** `title` of the front matter, else the first heading, else empty. */
  title: string;
  blocks: Block[];
}

/** What the parser gives for any text. */
export interface Parsed {
  notebook: Notebook;
  /** In order of place. */
  problems: Problem[];
}

/** The cells of a notebook in page order. */
export function cellsOf(notebook: Notebook): Cell[] {
  return notebook.blocks.filter((block): block is Cell => block.type === "cell");
}
