/**
 * Changes to a notebook's text.
 *
 * Owns: which bytes a change touches. Never: references; who renames a cell rewrites them elsewhere.
 *
 * Invariants: N5 the bytes of every other block stay as they are, but for a line end that the block above an inserted
 * cell may lack; new lines end as those of the cell, or else of the file, do; N6 what comes back parses to the notebook
 * with just that change, or it does not come back: then `reason` says why in a sentence.
 */
import { canonicalJson, type Json } from "../base/json.ts";
import { parse } from "./parse.ts";
import { bodyOf, splitBody } from "./syntax/cell.ts";
import { type Fence, scanFences } from "./syntax/fences.ts";
import { findFrontMatter } from "./syntax/front_matter.ts";
import { readInfo } from "./syntax/info.ts";
import { HEADER_ONLY } from "./syntax/keys.ts";
import { nameFault } from "./syntax/names.ts";
import { endLine, setYamlKey } from "./syntax/yaml_edit.ts";
import { type Block, type Cell, type CellKind, cellsOf, type Notebook } from "./types.ts";

/** What comes of an edit: the new text, or why there is none. */
export type Edited = { ok: true; text: string } | { ok: false; reason: string };

/** Names of keys from the top of a header down. */
export type KeyPath = readonly [string, ...string[]];

/** A cell to insert. */
export interface NewCell {
  kind: CellKind;
  name: string;
  flags?: string[];
  /** YAML text; none if empty. */
  headerText?: string;
  source?: string;
}

/**
 * Replaces the source of a cell. A source that holds fences gets longer ones around it, one with a line `---` an empty
 * header above it.
 *
 * @example
 * ```ts
 * const edited = setSource("~~~ts a\r\n1\r\n~~~\r\n", "a", "2\n3");
 * if (!edited.ok || edited.text !== "~~~ts a\r\n2\r\n3\r\n~~~\r\n") throw new Error("not as the file writes it");
 * ```
 */
export function setSource(text: string, cell: string, source: string): Edited {
  return editBody(text, cell, ({ kind, headerText, divided, lineEnd }) => {
    if (HEADER_ONLY.has(kind)) return failed(`'${cell}' is all header: ${kind} cells have no source`);
    const written = endLine(withLineEnds(source, lineEnd), lineEnd);
    const needed = divided || splitBody(kind, written).divided;
    return { ok: true, text: headerText + (needed ? `---${lineEnd}` : "") + written };
  }, (after) => sameLines(after.source, source));
}

/**
 * Sets a key of a cell's header, or takes it out if `value` is absent. Comments and form of the other keys stay.
 *
 * @example
 * ```ts
 * const text = "~~~agent a\nrole: critic # stern\n---\nJudge\n~~~\n";
 * const edited = setHeader(text, "a", ["retry", "attempts"], 2);
 * if (!edited.ok || !edited.text.includes("critic # stern\nretry:\n  attempts: 2\n---\n")) throw new Error("lost");
 * ```
 */
export function setHeader(text: string, cell: string, path: KeyPath, value?: Json): Edited {
  return editBody(text, cell, ({ kind, headerText, source, divided, lineEnd }) => {
    const header = setYamlKey(headerText, path, value, lineEnd);
    if (header === undefined) {
      return failed(
        `Cannot set '${path.join(".")}' of '${cell}': its header is not valid or has a value there`,
      );
    }
    const needed = divided || (header !== "" && !HEADER_ONLY.has(kind));
    return { ok: true, text: endLine(header, lineEnd) + (needed ? `---${lineEnd}` : "") + source };
  }, (after) => value === undefined || sameJson(valueAt(after.header, path), value));
}

/**
 * Gives a cell another name in its info string, and nowhere else.
 *
 * @example
 * ```ts
 * const edited = renameCell("~~~ts a disabled\n1\n~~~\n", "a", "b");
 * if (!edited.ok || edited.text !== "~~~ts b disabled\n1\n~~~\n") throw new Error("not renamed");
 * ```
 */
export function renameCell(text: string, from: string, to: string): Edited {
  const { notebook } = parse(text);
  const fault = nameFault(to);
  if (fault !== undefined) return failed(fault.message);
  if (from === to) return { ok: true, text };
  if (cellsOf(notebook).some((cell) => cell.name === to)) return failed(`Two cells are named '${to}'`);
  const cell = cellsOf(notebook).find((cell) => cell.name === from);
  if (cell === undefined) return noCell(from);
  const fence = scanFences(cell.raw).fences[0]!;
  const info = readInfo(fence);
  if (info.type !== "cell") return noCell(from);
  const start = info.nameColumn - 1;
  const raw = cell.raw.slice(0, start) + to + cell.raw.slice(start + info.name.length);
  return { ok: true, text: withRaw(notebook, cell, raw) };
}

/**
 * Inserts a cell.
 *
 * @param after name of a cell or id of a prose block; absent: on top of the page
 *
 * @example
 * ```ts
 * const edited = insertCell("~~~ts a\n1\n~~~\n", { kind: "ts", name: "b", source: "2" }, "a");
 * if (!edited.ok || !edited.text.startsWith("~~~ts a\n1\n~~~\n\n")) throw new Error("not inserted");
 * ```
 */
export function insertCell(text: string, cell: NewCell, after?: string): Edited {
  const { notebook } = parse(text);
  const fault = nameFault(cell.name);
  if (fault !== undefined) return failed(fault.message);
  if (cellsOf(notebook).some((other) => other.name === cell.name)) {
    return failed(`Two cells are named '${cell.name}'`);
  }
  const { blocks } = notebook;
  const index = after === undefined ? 0 : blocks.findIndex((block) => idOf(block) === after) + 1;
  if (after !== undefined && index === 0) return noCell(after);
  const lineEnd = lineEndOf(text);
  const above = notebook.frontMatter.raw + rawOf(blocks.slice(0, index));
  const raw = writeCell(cell, lineEnd);
  const space = (block: Block | undefined) => block?.type === "cell" ? lineEnd : "";
  const edited = endLine(above, above === "\uFEFF" ? "" : lineEnd) + space(blocks[index - 1]) + raw +
    space(blocks[index]) + rawOf(blocks.slice(index));
  const inserted = cellsOf(parse(edited).notebook);
  const others = inserted.filter((other) => other.name !== cell.name);
  if (inserted.length !== others.length + 1 || !sameRaws(others, cellsOf(notebook))) {
    return failed(`'${cell.name}' cannot stand there: the text above it would make it prose`);
  }
  return { ok: true, text: edited };
}

/**
 * Takes a cell out; the prose above and below it becomes one run.
 *
 * @example
 * ```ts
 * const edited = removeCell("Hi\n~~~ts a\n1\n~~~\nyou\n", "a");
 * if (!edited.ok || edited.text !== "Hi\nyou\n") throw new Error("not removed");
 * ```
 */
export function removeCell(text: string, name: string): Edited {
  const { notebook } = parse(text);
  const cell = cellsOf(notebook).find((other) => other.name === name);
  if (cell === undefined) return noCell(name);
  const edited = withRaw(notebook, cell, "");
  const others = cellsOf(notebook).filter((other) => other !== cell);
  if (!sameRaws(cellsOf(parse(edited).notebook), others)) {
    return failed(`'${name}' cannot be removed: the text above it would swallow the cells below`);
  }
  return { ok: true, text: edited };
}

/**
 * Sets a key of the front matter, or takes it out if `value` is absent. A text without front matter gets one.
 *
 * @example
 * ```ts
 * const edited = setFront("# Hi\n", ["title"], "Hello");
 * if (!edited.ok || edited.text !== "---\nweft: 1\ntitle: Hello\n---\n\n# Hi\n") throw new Error("not set");
 * ```
 */
export function setFront(text: string, path: KeyPath, value?: Json): Edited {
  const { yamlStart, yamlEnd, end } = findFrontMatter(text);
  const lineEnd = lineEndOf(text);
  if (yamlStart === 0 && value === undefined) return { ok: true, text };
  const old = yamlStart === 0 ? `weft: 1${lineEnd}` : text.slice(yamlStart, yamlEnd);
  const yaml = setYamlKey(old, path, value, lineEnd);
  if (yaml === undefined) {
    return failed(`Cannot set '${path.join(".")}': the front matter is not valid or has a value there`);
  }
  const rest = text.slice(end);
  const edited = yamlStart === 0
    ? `${text.slice(0, end)}---${lineEnd}${yaml}---${lineEnd}${rest === "" ? "" : lineEnd}${rest}`
    : text.slice(0, yamlStart) + endLine(yaml, lineEnd) + text.slice(yamlEnd);
  const { notebook } = parse(edited);
  const found = valueAt(notebook.frontMatter.data, path);
  const set = value === undefined ? found === undefined : sameJson(found, value);
  return set && sameRaws(cellsOf(notebook), cellsOf(parse(text).notebook))
    ? { ok: true, text: edited }
    : failed(`Cannot set '${path.join(".")}': the front matter would end early`);
}

/** What an edit of a body is given. */
interface BodyParts {
  kind: CellKind;
  headerText: string;
  source: string;
  divided: boolean;
  lineEnd: string;
}

/** Replaces the body of a cell by what `edit` makes of it, if the cell that it then is passes `check`. */
function editBody(
  text: string,
  name: string,
  edit: (parts: BodyParts) => Edited,
  check: (after: Cell) => boolean,
): Edited {
  const { notebook } = parse(text);
  const cell = cellsOf(notebook).find((other) => other.name === name);
  if (cell === undefined) return noCell(name);
  const fence = scanFences(cell.raw).fences[0]!;
  const info = readInfo(fence);
  if (info.type !== "cell" || !fence.closed) return failed(`'${name}' is not closed: close it first`);
  const lineEnd = lineEndOf(cell.raw);
  const body = edit({ kind: info.kind, lineEnd, ...splitBody(info.kind, bodyOf(cell.raw, fence)) });
  if (!body.ok) return body;
  const raw = withBody(cell.raw, fence, body.text);
  const [after, ...more] = parse(raw).notebook.blocks;
  const edited = withRaw(notebook, cell, raw);
  // A new line `---` would also close front matter that nothing closed before.
  const sameFront = findFrontMatter(edited).end === notebook.frontMatter.raw.length;
  if (after?.type !== "cell" || more.length > 0 || !check(after) || !sameFront) {
    return failed(`'${name}' cannot be changed so: it would read as something else`);
  }
  return { ok: true, text: edited };
}

/** The raw text of a cell with another body, its fences made longer if the body holds as long ones. */
function withBody(raw: string, fence: Fence, body: string): string {
  const indented = fence.indent === 0
    ? body
    : body.replace(/(^|\r\n|[\n\r])(?=[^\n\r])/g, (lineEnd) => lineEnd + " ".repeat(fence.indent));
  const marker = markerFor(body, fence.marker);
  const open = raw.slice(fence.start, fence.bodyStart).replace(fence.marker, marker);
  const close = raw.slice(fence.bodyEnd, fence.end);
  // The closing fence may be longer than the opening one; then it may be long enough.
  const longer = close.trim().length >= marker.length ? close : close.replace(fence.marker, marker);
  return raw.slice(0, fence.start) + open + indented + longer;
}

/** A marker that no line of the body begins with: the one given, or a longer one. */
function markerFor(body: string, marker: string): string {
  const runs = marker[0] === "`" ? /(?:^|[\n\r])[ \t]*(`+)/g : /(?:^|[\n\r])[ \t]*(~+)/g;
  let longest = 0;
  for (const run of body.matchAll(runs)) longest = Math.max(longest, run[1]!.length);
  return longest < marker.length ? marker : marker[0]!.repeat(longest + 1);
}

/** A new cell's text. */
function writeCell(
  { kind, name, flags = [], headerText = "", source = "" }: NewCell,
  lineEnd: string,
): string {
  const header = endLine(withLineEnds(headerText, lineEnd), lineEnd);
  const below = endLine(withLineEnds(source, lineEnd), lineEnd);
  const divided = !HEADER_ONLY.has(kind) && (header !== "" || splitBody(kind, below).divided);
  const body = header + (divided ? `---${lineEnd}` : "") + below;
  const marker = markerFor(body, "```");
  return `${marker}${[kind, name, ...flags].join(" ")}${lineEnd}${body}${marker}${lineEnd}`;
}

/** The file with other bytes for one of its blocks. */
function withRaw(notebook: Notebook, block: Block, raw: string): string {
  const blocks = notebook.blocks.map((other) => other === block ? raw : other.raw);
  return notebook.frontMatter.raw + blocks.join("");
}

function rawOf(blocks: readonly Block[]): string {
  return blocks.map((block) => block.raw).join("");
}

function idOf(block: Block): string {
  return block.type === "cell" ? block.name : block.id;
}

/** Whether the cells are the same, but for a line end at the end of the file. */
function sameRaws(cells: readonly Cell[], others: readonly Cell[]): boolean {
  return cells.length === others.length &&
    cells.every((cell, i) => cell.raw.trimEnd() === others[i]!.raw.trimEnd());
}

/** How the first line of a text ends; `\n` if it has none. */
function lineEndOf(text: string): string {
  return /\r\n|[\n\r]/.exec(text)?.[0] ?? "\n";
}

function withLineEnds(text: string, lineEnd: string): string {
  return text.replace(/\r\n|[\n\r]/g, () => lineEnd);
}

/** Whether two texts have the same lines, however they end. */
function sameLines(one: string, other: string): boolean {
  const lines = (text: string) => withLineEnds(text, "\n").replace(/\n$/, "");
  return lines(one) === lines(other);
}

function sameJson(one: Json | undefined, other: Json): boolean {
  return one !== undefined && canonicalJson(one) === canonicalJson(other);
}

function valueAt(data: Json | undefined, path: readonly string[]): Json | undefined {
  let value = data;
  for (const key of path) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    value = Object.hasOwn(value, key) ? value[key] : undefined;
  }
  return value;
}

function failed(reason: string): Edited {
  return { ok: false, reason };
}

function noCell(name: string): Edited {
  return failed(`No cell is named '${name}'`);
}
