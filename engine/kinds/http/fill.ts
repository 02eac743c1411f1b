/**
 * From the pieces of a request to the request. Owns: how a value gets into a URL, a header and a body, so that it stays
 * what it is there (EF-118, EF-119). Never: sending.
 *
 * F1 A value in a URL is percent-encoded: it adds no segment, no query and no host, and is no step up the path.
 * F2 Only a URL that is one placeholder may come whole from a value.
 */
import { type Json, parseJson } from "../../base/json.ts";
import { parseTemplate, renderText, type Segment } from "../../expr/template.ts";
import { allowedHosts } from "./needs.ts";
import type { ExpressionEvaluator } from "../agent/prompt.ts";
import { type Attempt, failed, type Outcome } from "../kind.ts";
import { filled } from "../wait/filled.ts";
import { type HttpSource, readSource } from "./source.ts";

/** A request as it is sent. */
export interface HttpRequest {
  method: string;
  url: string;
  headers: [name: string, value: string][];
  body?: Uint8Array<ArrayBuffer>;
  /** Hosts that it may reach, as `needs.net` says. */
  allowed: string[];
}

type Ended = { ok: false; outcome: Outcome };
type Text = { ok: true; text: string } | Ended;

/** The request that a cell makes of its inputs, or how the attempt ends without it. Sends nothing. */
export async function requestOf(
  attempt: Attempt,
  evaluator: ExpressionEvaluator,
): Promise<{ ok: true; request: HttpRequest } | Ended> {
  const { request: source, faults } = readSource(attempt.cell.source);
  if (source === undefined) return invalid(faults[0]!.message);
  const url = await urlOf(source, attempt, evaluator);
  if (!url.ok) return url;
  const headers: [string, string][] = [];
  for (const { name, value } of source.headers) {
    const text = await fill(value, (part) => part, attempt, evaluator);
    if (!text.ok) return text;
    headers.push([name, text.text.trim()]);
  }
  const allowed = allowedHosts(attempt.cell);
  const common = { method: source.method, url: url.text, headers, allowed };
  if (source.body === undefined) return { ok: true, request: common };
  const body = await bodyOf(source.body, attempt, evaluator);
  return body.ok ? { ok: true, request: { ...common, body: new TextEncoder().encode(body.text) } } : body;
}

async function urlOf(
  { url, target }: HttpSource,
  attempt: Attempt,
  evaluator: ExpressionEvaluator,
): Promise<Text> {
  return target === undefined
    ? await fill(url, (part) => part.trim(), attempt, evaluator)
    : await fillInto(url, attempt, evaluator);
}

/** A URL that stands in a header, filled as that of a request is. */
export async function fillUrl(
  text: string,
  attempt: Attempt,
  evaluator: ExpressionEvaluator,
): Promise<Text> {
  const { segments } = parseTemplate(text.trim());
  const [only] = segments;
  return segments.length === 1 && only!.type === "hole"
    ? await fill(segments, (part) => part.trim(), attempt, evaluator)
    : await fillInto(segments, attempt, evaluator);
}

/** F1 */
async function fillInto(
  segments: readonly Segment[],
  attempt: Attempt,
  evaluator: ExpressionEvaluator,
): Promise<Text> {
  const text = await fill(segments, encoded, attempt, evaluator);
  if (!text.ok || segments.length === 1) return text;
  const [path = ""] = text.text.split(/[?#]/, 1);
  if (path.split("/").some((segment) => /^(?:\.|%2e){1,2}$/i.test(segment))) {
    return invalid("A value of '.' or '..' would lead to another path");
  }
  return text;
}

async function bodyOf(
  { form, text }: NonNullable<HttpSource["body"]>,
  attempt: Attempt,
  evaluator: ExpressionEvaluator,
): Promise<Text> {
  if (form !== "json") {
    const encode = form === "form" ? encoded : (part: string) => part;
    return await fill(parseTemplate(text).segments, encode, attempt, evaluator);
  }
  // A text that is one placeholder is no JSON and stands for the whole of it.
  const read = parseJson(text);
  const part = await filled(read.ok ? read.value : text, attempt, evaluator);
  return part.ok ? { ok: true, text: JSON.stringify(part.value) } : part;
}

/** The pieces as one text; each value as `encode` gives it. A value of null is none. */
async function fill(
  segments: readonly Segment[],
  encode: (text: string) => string,
  attempt: Attempt,
  evaluator: ExpressionEvaluator,
): Promise<Text> {
  let text = "";
  for (const segment of segments) {
    if (segment.type === "text") {
      text += segment.text;
      continue;
    }
    const part = await filled(`{{ ${segment.expr} }}`, attempt, evaluator);
    if (!part.ok) return part;
    if (part.value === null) {
      return invalid(`Placeholder {{ ${segment.expr} }} has no value`, "placeholder_empty");
    }
    text += encode(shortText(part.value));
  }
  return { ok: true, text };
}

/** On one line: neither a URL nor a header has more. */
function shortText(value: Json): string {
  return typeof value === "object" ? JSON.stringify(value) : renderText(value);
}

function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function invalid(message: string, code = "request_invalid"): Ended {
  return { ok: false, outcome: failed("invalid_input", message, code) };
}
