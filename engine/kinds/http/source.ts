/**
 * The text of an `http` cell: `METHOD URL`, lines of headers, a blank line, a body. Owns: reading it into pieces, and what
 * is wrong with its form. Never: values; a placeholder is found before any is seen.
 */
import { parseTemplate, type Segment } from "../../expr/template.ts";
import { parseJson } from "../../base/json.ts";
import { READING_METHODS } from "../../notebook/effects/descriptor.ts";
import { shown } from "../../notebook/problem.ts";
import type { Place } from "../../notebook/types.ts";
import { faultInHeaders } from "../../sandbox/egress/request_headers.ts";
import { type Target, targetOf } from "../../sandbox/egress/target.ts";

/** How a body is filled: as a JSON tree, as a form, or as text. */
export type BodyForm = "json" | "form" | "text";

/** A request in pieces. */
export interface HttpSource {
  method: string;
  url: readonly Segment[];
  /** Where it goes, with `x` for each placeholder; absent if the whole URL is one. */
  target?: Target;
  headers: readonly { name: string; value: readonly Segment[] }[];
  body?: { form: BodyForm; text: string };
}

/** What is wrong, at a place within the text. A sentence without a full stop. */
export interface SourceFault extends Place {
  message: string;
}

const METHODS = [...READING_METHODS, "POST", "PUT", "PATCH", "DELETE"];
const FIRST_LINE = "The first line is METHOD URL, such as GET https://api.example.org/claims";

/**
 * Reads the text of a cell.
 *
 * @returns what could be read, and every fault in order of place; without faults the request is there
 *
 * @example
 * ```ts
 * const { request, faults } = readSource("GET https://api.example.org/claims/{{ id }}\naccept: application/json\n");
 * if (faults.length > 0 || request?.target?.host !== "api.example.org") throw new Error("not read");
 * const wrong = readSource("get https://api.example.org/\n").faults;
 * if (wrong[0]?.message !== "A method is written in capitals: GET") throw new Error("no words");
 * ```
 */
export function readSource(source: string): { request?: HttpSource; faults: SourceFault[] } {
  const lines = source.split(/\r\n|\r|\n/);
  const faults: SourceFault[] = [];
  const fault = (message: string, line: number, column = 1) => void faults.push({ message, line, column });
  const first = lines.findIndex((line) => line.trim() !== "");
  const [, indent = "", method = "", gap = "", written = ""] =
    /^(\s*)([A-Za-z]+)(\s+)(\S.*?)\s*$/.exec(lines[first] ?? "") ?? [];
  if (method === "") {
    fault(FIRST_LINE, Math.max(first, 0) + 1);
    return { faults };
  }
  if (!METHODS.includes(method)) {
    const capitals = METHODS.find((one) => one === method.toUpperCase());
    const known = `'${shown(method)}' is no method; use one of ${METHODS.join(", ")}`;
    fault(capitals === undefined ? known : `A method is written in capitals: ${capitals}`, first + 1);
  }
  const template = (text: string, line: number, column: number): Segment[] => {
    const { segments, unclosed } = parseTemplate(text);
    if (unclosed !== undefined) {
      fault("A placeholder is not closed on its line: add }}", line, column + unclosed.column - 1);
    }
    return segments;
  };
  const at = { line: first + 1, column: indent.length + method.length + gap.length + 1 };
  const before = faults.length;
  const url = template(written, at.line, at.column);
  const target = faults.length > before ? undefined : readUrl(url, at, fault);
  const headers: HttpSource["headers"][number][] = [];
  let next = first + 1;
  for (; next < lines.length && lines[next]!.trim() !== ""; next++) {
    const line = lines[next]!;
    const [, name, space = "", value = ""] = /^([^:\s]+)(:\s*)(.*?)\s*$/.exec(line) ?? [];
    if (name === undefined) {
      fault("A header is written name: value; a blank line comes before the body", next + 1);
      continue;
    }
    const segments = template(value, next + 1, name.length + space.length + 1);
    const literal = segments.map((segment) => segment.type === "text" ? segment.text : "").join("");
    const wrong = faultInHeaders([[name, literal]]);
    if (wrong !== undefined) fault(wrong, next + 1);
    else headers.push({ name, value: segments });
  }
  const body = readBody(lines.slice(next + 1), headers, method, next + 2, fault);
  if (faults.length > 0) return { faults: faults.toSorted((a, b) => a.line - b.line || a.column - b.column) };
  return { request: { method, url, headers, ...(target === undefined ? {} : { target }), ...body }, faults };
}

type Report = (message: string, line: number, column?: number) => void;

/** The target of a URL whose host stands in the text; none if the whole of it is one placeholder, or something is wrong. */
export function readUrl(url: readonly Segment[], { line, column }: Place, fault: Report): Target | undefined {
  const [only] = url;
  if (url.length === 1 && only!.type === "hole") return undefined;
  const start = only!.type === "text" ? only!.text : "";
  const hole = url.find((segment) => segment.type === "hole");
  // Up to the first of these it is scheme, host and port.
  if (hole !== undefined && !/^https?:\/\/[^/?#\\{}\s]+[/?#]/i.test(start)) {
    fault(
      "A placeholder may not stand in scheme, host or port; write the host, or make the whole URL one placeholder",
      line,
      column + hole.column - 1,
    );
    return undefined;
  }
  const spaced = url.some((segment) => segment.type === "text" && /\s/.test(segment.text));
  if (spaced) {
    const last = url.at(-1)!;
    const version = last.type === "text" && /\sHTTP\/[\d.]+$/.test(last.text);
    fault(version ? "Leave the version of HTTP out" : "A space in a URL is written %20", line, column);
    return undefined;
  }
  const read = targetOf(url.map((segment) => segment.type === "text" ? segment.text : "x").join(""));
  if (read.ok) return read.target;
  fault(read.denial.message, line, column);
}

function readBody(
  lines: readonly string[],
  headers: HttpSource["headers"],
  method: string,
  line: number,
  fault: Report,
): Pick<HttpSource, "body"> {
  const text = lines.join("\n").replace(/\n+$/, "");
  if (text.trim() === "") return {};
  if (method === "GET" || method === "HEAD") {
    fault(`A ${method} request has no body`, line);
    return {};
  }
  const type = headers.find(({ name }) => name.toLowerCase() === "content-type")?.value;
  const said = type?.map((segment) => segment.type === "text" ? segment.text : "").join("").toLowerCase();
  if (said === undefined) {
    fault("A body needs a header that says what it is, such as content-type: application/json", line);
    return {};
  }
  if (/^application\/x-www-form-urlencoded\b/.test(said)) {
    return { body: { form: "form", text: text.replace(/\s*\n\s*/g, "") } };
  }
  if (!/^[^;]*[/+]json\b/.test(said)) return { body: { form: "text", text } };
  const { segments } = parseTemplate(text.trim());
  const whole = segments.length === 1 && segments[0]!.type === "hole";
  const read = whole ? undefined : parseJson(text);
  if (read?.ok === false) {
    fault(`The body is no JSON; a placeholder in quotes keeps its type. ${read.reason}`, line);
  }
  return { body: { form: "json", text } };
}
