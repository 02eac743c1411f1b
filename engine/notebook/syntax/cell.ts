/**
 * From a fence to a cell. Owns: parting header from source, and the rules that look at more than one key of a cell.
 * Never: names across cells; those are `parse.ts`'.
 */
import { isObject, type JsonObject } from "../../base/json.ts";
import { readEffect } from "../effects/descriptor.ts";
import { checkContracts } from "../contracts/contract.ts";
import { didYouMean, nearest } from "../nearest.ts";
import { MAX_PORTS } from "../outputs.ts";
import { configProblem, type Report, shown, structureProblem } from "../problem.ts";
import type { Cell, CellKind, Place } from "../types.ts";
import { type Fence, scanFences } from "./fences.ts";
import { type Info, readInfo } from "./info.ts";
import { CELL_RULES, HEADER_ONLY, INPUT_SOURCES, WAIT_SOURCES } from "./keys.ts";
import { nameFault } from "./names.ts";
import { applyRules } from "./rules.ts";
import { readYaml, type YamlText } from "./yaml_text.ts";

const MAX_HEADER = 64 * 1024;
/** Characters of headers that may turn out not to be valid in a notebook; a broken one costs far more time than a good one. */
const MAX_BROKEN = 64 * 1024;
const FLAGS = ["disabled", "bypassed"];
const DIVIDER = /(^|\r\n|[\n\r])---[ \t]*(?:\r\n|[\n\r]|$)/;

/** The text of a body between fence and `---`, and that after it. */
export interface Body {
  headerText: string;
  source: string;
  /** Whether there is a line `---`. */
  divided: boolean;
}

/** Parts a body, whose indent is off, as the kind wants it. */
export function splitBody(kind: CellKind, body: string): Body {
  const divider = DIVIDER.exec(body);
  if (divider !== null) {
    return {
      headerText: body.slice(0, divider.index + divider[1]!.length),
      source: body.slice(divider.index + divider[0].length),
      divided: true,
    };
  }
  return HEADER_ONLY.has(kind)
    ? { headerText: body, source: "", divided: false }
    : { headerText: "", source: body, divided: false };
}

/** The body of a fence with up to its indent taken off each line. */
export function bodyOf(text: string, fence: Fence): string {
  const body = text.slice(fence.bodyStart, fence.bodyEnd);
  if (fence.indent === 0) return body;
  const indent = new RegExp(`(^|\\r\\n|[\\n\\r]) {1,${fence.indent}}`, "g");
  return body.replace(indent, (_, lineEnd: string) => lineEnd);
}

/** What reading broken headers may still cost in one parse. */
export class BrokenHeaders {
  #left = MAX_BROKEN;

  /** Reads a header, or gives up on it if too much above it was broken. */
  read(text: string, line: number, indent: number): YamlText {
    const place = { line, column: indent + 1 };
    if (text !== "" && text.length > this.#left && this.#left < MAX_BROKEN) {
      const message = "It is not read, because too much YAML above it is not valid";
      return { data: {}, error: { message, place }, placeOf: () => place };
    }
    const yaml = readYaml(text, { line, indent, maxLength: MAX_HEADER });
    if (yaml.error !== undefined) this.#left -= text.length;
    return yaml;
  }
}

/**
 * Makes the cell of a fence.
 *
 * @param name the cell's name in the notebook
 * @param usable whether that is the name that the fence gives; if not, the cell is invalid
 * @param headers what broken headers of the same notebook may still cost
 */
export function readCell(
  text: string,
  fence: Fence,
  info: Info & { type: "cell" },
  name: string,
  usable: boolean,
  headers: BrokenHeaders,
  report: Report,
): Cell {
  const { headerText, source, divided } = splitBody(info.kind, bodyOf(text, fence));
  const headerLine = fence.line + 1;
  const yaml = headers.read(headerText, headerLine, fence.indent);
  const cell: Cell = {
    type: "cell",
    kind: usable && fence.closed && yaml.error === undefined ? info.kind : "invalid",
    name,
    flags: info.flags,
    header: yaml.data,
    headerText,
    source,
    raw: text.slice(fence.start, fence.end),
    line: fence.line,
    headerLine,
    sourceLine: headerLine + countLines(headerText) + (divided ? 1 : 0),
    indent: fence.indent,
  };
  const at = { line: fence.line, column: fence.indent + 1 };
  if (!fence.closed || holdsAnother(cell, fence)) {
    const message = `Cell '${shown(info.name)}' is not closed: add ${
      shown(fence.marker)
    } on a line of its own`;
    const expected = `${shown(fence.marker)} below the cell, or more than ${fence.marker.length} around it`;
    report(structureProblem("cell_unclosed", at, message, { cell: name, expected }));
  }
  if (yaml.error !== undefined) {
    const message = `Header of '${shown(info.name)}' is not valid YAML: ${yaml.error.message}`;
    const expected = "keys and values above the line ---, or nothing there if the cell has no header";
    report(structureProblem("header_invalid", yaml.error.place, message, { cell: name, expected }));
  }
  if (cell.kind !== "invalid") {
    checkHeader(cell, cell.kind, at, yaml.placeOf, report);
    checkBody(cell, cell.kind, info, at, report);
  }
  return cell;
}

/** Whether a line of the cell opens another, which means that the fence that closes it was meant for that one. */
function holdsAnother(cell: Cell, fence: Fence): boolean {
  const body = cell.headerText + cell.source;
  return body.includes(fence.marker) &&
    scanFences(body).fences.some((inner) =>
      inner.marker.startsWith(fence.marker) && readInfo(inner).type === "cell"
    );
}

function checkHeader(
  cell: Cell,
  kind: CellKind,
  at: Place,
  placeOf: (path: readonly string[]) => Place,
  report: Report,
): void {
  const { rules, open } = CELL_RULES.get(kind)!;
  applyRules(rules, cell.header, [], { owner: cell.name, cell: cell.name, placeOf, open }, report);
  for (const side of ["inputs", "outputs"]) {
    const ports = cell.header[side];
    const names = isObject(ports) ? Object.keys(ports) : [];
    if (names.length > MAX_PORTS) {
      const message = `'${side}' of '${cell.name}' has ${names.length} names, over the limit ${MAX_PORTS}`;
      const detail = { cell: cell.name, expected: `at most ${MAX_PORTS} names` };
      report(configProblem("value_invalid", placeOf([side]), message, detail));
    }
    for (const port of names) {
      const fault = nameFault(port);
      if (fault === undefined) continue;
      const detail = { cell: cell.name, expected: fault.expected };
      report(structureProblem(fault.code, placeOf([side, port]), fault.message, detail));
    }
    if (side === "outputs" && isObject(ports)) checkTypes(cell, ports, placeOf, report);
    if (side === "inputs" && isObject(ports)) checkContracts(ports, cell.name, placeOf, report);
  }
  if (kind === "input") checkInput(cell, at, placeOf, report);
  if (kind === "notebook" && cell.header.notebook === undefined) {
    const message = `Notebook '${cell.name}' does not say which notebook it runs`;
    const detail = { cell: cell.name, expected: "notebook: NAME" };
    report(configProblem("notebook_missing", at, message, detail));
  }
  if (kind === "wait") checkWait(cell, at, placeOf, report);
  for (const { path, message, expected } of readEffect(cell.header.effect).faults) {
    report(
      configProblem("effect_invalid", placeOf(["effect", ...path]), message, { cell: cell.name, expected }),
    );
  }
  const { each } = cell.header;
  if (isObject(each) && each.in === undefined) {
    const message = `'each' of '${cell.name}' does not say of what: add in, an expression that gives a list`;
    const detail = { cell: cell.name, expected: "in: an expression such as scout.claims" };
    report(configProblem("value_invalid", placeOf(["each"]), message, detail));
  }
}

function checkTypes(
  cell: Cell,
  outputs: JsonObject,
  placeOf: (path: readonly string[]) => Place,
  report: Report,
): void {
  for (const [port, value] of Object.entries(outputs)) {
    if (!isObject(value) || value.type !== undefined) continue;
    const message = `Output '${shown(port)}' of '${cell.name}' has no type`;
    const expected = "type: text, json, code, artifact or stream";
    report(configProblem("output_type", placeOf(["outputs", port]), message, { cell: cell.name, expected }));
  }
}

function checkInput(
  cell: Cell,
  at: Place,
  placeOf: (path: readonly string[]) => Place,
  report: Report,
): void {
  const sources = INPUT_SOURCES.filter((key) => Object.hasOwn(cell.header, key));
  const detail = { cell: cell.name, expected: `one of ${INPUT_SOURCES.join(", ")}` };
  if (sources.length !== 1) {
    const place = sources.length === 0 ? at : placeOf(sources.slice(1, 2));
    const message = `Input '${cell.name}' must have exactly one of ${INPUT_SOURCES.join(", ")}`;
    report(configProblem("input_source", place, message, detail));
  } else if (Object.hasOwn(cell.header, "as") && !sources[0]!.startsWith("file")) {
    const message = `'as' of '${cell.name}' goes only with file or files`;
    report(configProblem("input_as", placeOf(["as"]), message, { ...detail, expected: "file or files" }));
  }
}

/** Keys of a `wait` cell that go only with `signal`. */
const OF_SIGNAL = ["match", "count", "distinct", "onTimeout"];

function checkWait(
  cell: Cell,
  at: Place,
  placeOf: (path: readonly string[]) => Place,
  report: Report,
): void {
  const sources = WAIT_SOURCES.filter((key) => Object.hasOwn(cell.header, key));
  if (sources.length !== 1) {
    const place = sources.length === 0 ? at : placeOf(sources.slice(1, 2));
    const message = `Wait '${cell.name}' must have exactly one of ${WAIT_SOURCES.join(", ")}`;
    const detail = { cell: cell.name, expected: `one of ${WAIT_SOURCES.join(", ")}` };
    return report(configProblem("wait_source", place, message, detail));
  }
  const odd = sources[0] === "signal" ? undefined : OF_SIGNAL.find((key) => Object.hasOwn(cell.header, key));
  if (odd === undefined) return;
  const message = `'${odd}' of '${cell.name}' goes only with signal`;
  report(configProblem("wait_key", placeOf([odd]), message, { cell: cell.name, expected: "signal: NAME" }));
}

function checkBody(
  cell: Cell,
  kind: CellKind,
  info: Info & { type: "cell" },
  at: Place,
  report: Report,
): void {
  const blank = cell.source.trim() === "";
  if (kind === "agent" && blank) {
    const detail = { cell: cell.name, expected: "what the agent is to do" };
    report(configProblem("prompt_empty", at, "Prompt is empty", detail));
  }
  if (HEADER_ONLY.has(kind) && !blank) {
    const place = { line: cell.sourceLine, column: cell.indent + 1 };
    const message = `'${cell.name}' has text below ---, but ${kind} is all header`;
    report(
      structureProblem("source_unused", place, message, { severity: "warning", cell: cell.name }),
    );
  }
  for (const flag of info.flags) {
    const near = nearest(flag, FLAGS);
    if (near === undefined) continue;
    const message = `Unknown flag '${shown(flag)}' in '${cell.name}'${didYouMean(near)}`;
    report(
      structureProblem("flag_unknown", at, message, {
        severity: "warning",
        cell: cell.name,
        expected: near,
      }),
    );
  }
}

/** Line ends in a text that ends with one or is empty. */
function countLines(text: string): number {
  return text === "" ? 0 : [...text.matchAll(/\r\n|[\n\r]/g)].length;
}
