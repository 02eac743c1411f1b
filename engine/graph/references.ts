/**
 * What a cell reads, wherever its text says so. Owns: which parts of a cell are text with placeholders, which are
 * expressions and which are code, and where in the file each name stands. Never: whether the names exist.
 *
 * Only this file brings the TypeScript parser in; it needs no runtime, but a page should not load it.
 */
import { isObject, type Json, type JsonObject } from "../base/json.ts";
import { parseCode } from "../expr/code.ts";
import { placeholderProblem } from "../expr/blocks/parse.ts";
import { readExpression } from "../expr/blocks/read.ts";
import { explain } from "../expr/expression.ts";
import { placeAt } from "../expr/scan.ts";
import { parseTemplate } from "../expr/template.ts";
import { checksOf, transformationsOf } from "../notebook/contracts/contract.ts";
import type { Cell, Place, Problem } from "../notebook/types.ts";
import { placeOfText } from "./header_place.ts";

/** A name that a cell reads. */
export interface Use {
  name: string;
  /** The next step of the path, if it is a plain name. */
  port?: string;
  /** Only a param can be meant. `*` then means every param. */
  param?: true;
  /** It is read before the cell's own work begins. */
  before?: true;
  /** The runtime has a value of this name, so that an unknown one is no problem. */
  global?: true;
  /** Where it stands in the file. Computed when asked, because it is needed only for a problem. */
  place: () => Place;
}

/** What {@link readsOfCell} finds. */
export interface CellReads {
  uses: Use[];
  problems: Problem[];
  /** A function whose result changes from one time to the next, such as `now`; the cell is never reused then. */
  volatile?: string;
}

/** Header keys whose strings are not text with placeholders: settings, contracts, and values given as they are. */
const NO_TEXT = new Set([
  ..."inputs outputs after when each join rest retry timeout onTimeout errors fallback limits onLimit quotas"
    .split(
      " ",
    ),
  ..."requires needs cache role temperature maxTokens readOnly mock schema stream streaming".split(" "),
  ..."deciders needed twoPerson onReject signal count distinct param".split(" "),
]);
/**
 * Header keys whose text is filled in, by kind; a kind that is not here fills in every key that is not in `NO_TEXT`.
 * An input's text is data, and data is never read for placeholders.
 */
const TEXT: Partial<Record<Cell["kind"], readonly string[]>> = {
  agent: ["system", "model"],
  http: [],
  input: [],
  jsonata: [],
  notebook: ["params"],
  ts: [],
};
/** Header keys whose text is filled in after the cell has ended, when it has a `result`. */
const AFTERWARDS = new Set(["effect", "onCancel", "onFailure"]);

/** Names that mean something of the cell's own: its inputs, and the item of `each`. */
export function localNames({ header }: Cell): Set<string> {
  const names = new Set(Object.keys(isObject(header.inputs) ? header.inputs : {}));
  const item = itemName(header);
  if (item !== undefined) names.add(item);
  return names;
}

/** What the item of `each` is called in its cell. */
export function itemName({ each }: Cell["header"]): string | undefined {
  if (!isObject(each)) return undefined;
  return typeof each.as === "string" ? each.as : "item";
}

/** Everything that a cell reads by name, and what is wrong with the text that says so. */
export function readsOfCell(cell: Cell): CellReads {
  const reader = new Reader(cell);
  if (cell.kind === "invalid") return reader;
  reader.header();
  if (cell.kind === "jsonata") reader.expression(cell.source, (place) => inSource(cell, place));
  else if (cell.kind === "ts") reader.code();
  else reader.template(cell.source, (place) => inSource(cell, place), { secrets: cell.kind === "http" });
  const locals = localNames(cell);
  const item = itemName(cell.header);
  // Whether a cell runs and for which items is decided before there is an item.
  const inputs = isObject(cell.header.inputs) ? cell.header.inputs : {};
  const isLocal = ({ name, before }: Use) =>
    before && name === item ? Object.hasOwn(inputs, name) : locals.has(name);
  reader.uses = reader.uses.filter((use) => use.param || !isLocal(use));
  return reader;
}

/** Turns a place within a text into one of the file. */
type ToFile = (place: Place) => Place;

interface TextOptions {
  /** The text is part of a request, in which secrets are filled in. */
  secrets?: boolean;
  /** The text may read the cell's own `result`. */
  result?: boolean;
  /** Only params may be read. */
  params?: boolean;
  /** It works on the value of an edge: its names are keys of that. */
  edge?: boolean;
}

class Reader implements CellReads {
  uses: Use[] = [];
  problems: Problem[] = [];
  volatile?: string;

  constructor(private readonly cell: Cell) {}

  header(): void {
    const { header, kind } = this.cell;
    if (typeof header.when === "string") this.#headerExpression("when", header.when);
    if (isObject(header.each) && typeof header.each.in === "string") {
      this.#headerExpression("each", header.each.in);
    }
    for (const contract of Object.values(isObject(header.inputs) ? header.inputs : {})) {
      if (isObject(contract)) this.#contract(contract);
    }
    if (kind === "input" && typeof header.param === "string") {
      const place = () => placeOfText(this.cell, "param", String(header.param), 1);
      this.uses.push({ name: header.param, param: true, place });
    }
    for (const [key, value] of Object.entries(header)) {
      if (NO_TEXT.has(key) || !(TEXT[kind]?.includes(key) ?? true) && !AFTERWARDS.has(key)) continue;
      const options = {
        secrets: kind === "http" || key === "effect",
        result: AFTERWARDS.has(key),
        params: key === "model",
      };
      for (const text of stringsIn(value)) {
        if (text.includes("{{")) {
          this.template(
            text,
            (place) => placeOfText(this.cell, key, lineOf(text, place), place.column),
            options,
          );
        }
      }
    }
  }

  template(text: string, toFile: ToFile, options: TextOptions): void {
    const { segments, unclosed } = parseTemplate(text);
    for (const segment of segments) {
      if (segment.type !== "hole") continue;
      const blocks = placeholderProblem(segment.expr);
      if (blocks !== undefined) this.#problem("placeholder_block", toFile(segment), blocks);
      else {
        this.expression(segment.expr, (place) => toFile(shifted(segment, place)), options);
      }
    }
    if (unclosed !== undefined) {
      const place = toFile(unclosed);
      this.#problem(
        "placeholder_open",
        place,
        `Placeholder opened at line ${place.line} is not closed: add }}`,
      );
    }
  }

  expression(text: string, toFile: ToFile, options: TextOptions = {}): void {
    const parsed = readExpression(text);
    this.volatile ??= parsed.volatile;
    for (const problem of parsed.problems) {
      const place = toFile(problem);
      this.#problem(problem.code, place, explain(problem, place), problem.suggestion);
    }
    for (const { name, port, param, offset } of parsed.references) {
      const place = () => toFile(placeAt(text, offset));
      if (name === "result" && options.result) continue;
      if (options.edge && !param) continue;
      if (name === "secret" && !param) {
        if (!options.secrets) {
          this.#problem("secret_misplaced", place(), "Secrets are filled in only where a request is sent");
        }
        continue;
      }
      this.uses.push({
        name,
        ...(port === undefined ? {} : { port }),
        ...(param || options.params ? { param: true as const } : {}),
        place,
      });
    }
  }

  code(): void {
    const { free, problems } = parseCode(this.cell.source);
    for (const { code, message, line, column } of problems) {
      this.#problem(code, inSource(this.cell, { line, column }), message);
    }
    for (const { name, global, line, column } of free) {
      const place = () => inSource(this.cell, { line, column });
      this.uses.push({ name, ...(global ? { global: true as const } : {}), place });
    }
  }

  /** DF-212: on an edge the input is the edge's value and nothing else. */
  #contract(contract: JsonObject): void {
    const at = (text: string): ToFile => (place) =>
      placeOfText(this.cell, "inputs", lineOf(text, place), place.column);
    for (const transformation of transformationsOf(contract)) {
      if (transformation.type === "batch") continue;
      const { type, text } = transformation;
      if (type === "template") this.template(text, at(text), { edge: true });
      else this.expression(text, at(text), { edge: true });
    }
    for (const check of checksOf(contract)) {
      if (check.type === "custom") this.expression(check.expression, at(check.expression), { edge: true });
    }
  }

  #headerExpression(key: string, text: string): void {
    const from = this.uses.length;
    this.expression(text, (place) => placeOfText(this.cell, key, lineOf(text, place), place.column));
    for (const use of this.uses.slice(from)) use.before = true;
  }

  #problem(code: string, { line, column }: Place, message: string, expected?: string): void {
    this.problems.push({
      code,
      severity: "error",
      type: "expression",
      message,
      cell: this.cell.name,
      ...(expected === undefined ? {} : { expected }),
      line,
      column,
    });
  }
}

/** Every string in a header value. Depth is bounded by the header's reader. */
function stringsIn(value: Json): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(stringsIn) : [];
}

function inSource({ sourceLine, indent }: Cell, { line, column }: Place): Place {
  return { line: sourceLine + line - 1, column: column + indent };
}

/** The place of something in a hole's expression, counted within the template. */
function shifted(hole: Place, { line, column }: Place): Place {
  return { line: hole.line + line - 1, column: line === 1 ? hole.column + column - 1 : column };
}

function lineOf(text: string, { line }: Place): string {
  return text.split("\n")[line - 1] ?? "";
}
