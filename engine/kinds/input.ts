/**
 * The kind `input`: a cell whose value comes from a param, from its own header or from files. Owns: what an attempt
 * of it is. Never: which files may be read; that is `engine/access`.
 */
import type { Cell } from "../notebook/types.ts";
import type { FileValue, Workspace } from "../access/workspace.ts";
import { EngineError } from "../base/errors.ts";
import { type Json, parseJson } from "../base/json.ts";
import { displayOf } from "./display.ts";
import { type Attempt, failed, type Kind, type Outcome } from "./kind.ts";
import { parseCsv } from "./input/csv.ts";

const SOURCES = ["param", "text", "value", "file", "files"] as const;
const FORMS = ["text", "json", "csv"] as const;

type Form = typeof FORMS[number];

/**
 * The kind. The header has exactly one of
 * - `param: NAME`: the param's value;
 * - `text: TEXT`, `value: ANYTHING`: what stands there; it is data, so that braces in it are only braces;
 * - `file: PATH`: `{ name, path, text, bytes, contentType }`, or with `as: text | json | csv` its content alone;
 * - `files: PATTERN`: a list of such objects sorted by path, each with `data` if `as` is `json` or `csv`.
 *
 * CSV has a header line and gives a list of objects (see `parseCsv`).
 */
export function inputKind({ workspace }: { workspace: Pick<Workspace, "files"> }): Kind {
  return {
    name: "input",
    title: "Input",
    description: "Takes a value from a param, from the notebook itself or from files",
    attempts: 1,
    async run(attempt) {
      const { header, name } = attempt.cell;
      const given = SOURCES.filter((key) => Object.hasOwn(header, key));
      const source = given[0];
      if (source === undefined || given.length > 1) {
        return failed("invalid_input", `Input '${name}' must have exactly one of ${SOURCES.join(", ")}`);
      }
      if (source === "file" || source === "files") return await fromFiles(attempt, source, workspace);
      return fromHeader(attempt, source);
    },
  };
}

function fromHeader({ cell, inputs }: Attempt, source: "param" | "text" | "value"): Outcome {
  const stated = cell.header[source]!;
  if (source === "value") return succeeded(stated, cell);
  if (typeof stated !== "string") {
    return failed("invalid_input", `'${source}' of '${cell.name}' must be a text`);
  }
  if (source === "text") return succeeded(stated, cell);
  return Object.hasOwn(inputs, stated)
    ? succeeded(inputs[stated]!, cell)
    : failed("invalid_input", `No param is named '${stated}'`);
}

async function fromFiles(
  { cell, signal }: Attempt,
  source: "file" | "files",
  workspace: Pick<Workspace, "files">,
): Promise<Outcome> {
  const { header, name } = cell;
  const pattern = header[source];
  const as = header.as;
  if (typeof pattern !== "string") return failed("invalid_input", `'${source}' of '${name}' must be a text`);
  if (as !== undefined && !isForm(as)) {
    return failed("invalid_input", `'as' of '${name}' must be one of ${FORMS.join(", ")}`);
  }
  let files: FileValue[];
  try {
    files = await workspace.files(pattern);
  } catch (error) {
    if (error instanceof EngineError) return failed("invalid_input", error.message, error.code);
    throw error;
  }
  if (signal.aborted) return { type: "cancelled" };
  const values: Json[] = [];
  for (const file of files) {
    const content = as === undefined ? undefined : contentOf(file, as);
    if (content?.problem !== undefined) return failed("invalid_input", content.problem);
    if (source === "file") values.push(content === undefined ? file : content.value);
    else values.push(content === undefined || as === "text" ? file : { ...file, data: content.value });
  }
  if (source === "files") return succeeded(values, cell);
  if (values.length === 1) return succeeded(values[0]!, cell);
  return values.length === 0
    ? failed("not_found", `There is no file ${pattern}`)
    : failed("invalid_input", `'file' of '${name}' must name one file; use files for a pattern`);
}

function contentOf(
  { path, text }: FileValue,
  as: Form,
): { value: Json; problem?: undefined } | { problem: string } {
  if (as === "text") return { value: text };
  // Some programs mark UTF-8 with a character that is no part of the content.
  const content = text.startsWith("\ufeff") ? text.slice(1) : text;
  if (as === "json") {
    const parsed = parseJson(content);
    return parsed.ok ? { value: parsed.value } : { problem: `${path}: ${parsed.reason}` };
  }
  const { rows, problem } = parseCsv(content);
  return problem === undefined ? { value: rows } : { problem: `${path} is not CSV: ${problem}` };
}

function isForm(value: Json): value is Form {
  return FORMS.some((form) => form === value);
}

function succeeded(value: Json, cell: Cell): Outcome {
  return { type: "succeeded", value, ...displayOf(value, cell) };
}
