/**
 * Text with placeholders `{{ expr }}`. Owns: where they begin and end, and how a value becomes text.
 * Never: data; a placeholder is found before any is seen, so that `{{` in data stays text.
 *
 * Linear in the text, also where a placeholder is never closed.
 */
import type { Json } from "../base/json.ts";
import type { Place } from "../notebook/types.ts";
import { lexemes } from "./scan.ts";

/** A piece of a template. A hole's place is where its expression begins, counted within the text. */
export type Segment = { type: "text"; text: string } | { type: "hole"; expr: string } & Place;

/** A template in pieces. */
export interface Template {
  /** In order; no two texts are neighbours, none is empty. */
  segments: Segment[];
  /** A placeholder that is not closed; the text from there on is text. */
  unclosed?: Place;
}

/**
 * Splits text at its placeholders. `\{{` stands for `{{`.
 *
 * @example
 * ```ts
 * const { segments } = parseTemplate('Hello {{ {"a": {"b": "}}"}}.a.b }}, \\{{ raw }}');
 * if (segments.length !== 3 || segments[1]!.type !== "hole") throw new Error("wrong pieces");
 * ```
 */
export function parseTemplate(text: string): Template {
  const segments: Segment[] = [];
  let pending = "";
  const flush = () => {
    if (pending !== "") segments.push({ type: "text", text: pending });
    pending = "";
  };
  const places = placeCounter(text);
  let at = 0;
  while (at < text.length) {
    const open = text.indexOf("{{", at);
    if (open < 0) break;
    if (open > at && text[open - 1] === "\\") {
      pending += text.slice(at, open - 1) + "{{";
      at = open + 2;
      continue;
    }
    pending += text.slice(at, open);
    const close = holeEnd(text, open + 2);
    if (close === undefined) {
      pending += text.slice(open);
      flush();
      return { segments, unclosed: places(open) };
    }
    flush();
    const inner = text.slice(open + 2, close);
    const expr = inner.trim();
    const lead = expr === "" ? 0 : inner.length - inner.trimStart().length;
    segments.push({ type: "hole", expr, ...places(open + 2 + lead) });
    at = close + 2;
  }
  pending += text.slice(at);
  flush();
  return { segments };
}

/** Offset of the `}}` that ends a placeholder: the first outside strings, names, comments, patterns and braces. */
function holeEnd(text: string, from: number): number | undefined {
  let braces = 0;
  const next = lexemes(text, from);
  for (let lexeme = next(); lexeme !== undefined; lexeme = next()) {
    if (lexeme.type === "open" && text[lexeme.start] === "{") braces++;
    if (lexeme.type !== "close" || text[lexeme.start] !== "}") continue;
    if (braces > 0) braces--;
    else if (text[lexeme.end] === "}") return lexeme.start;
  }
  return undefined;
}

/** Places of offsets that only grow, so that all of them together cost one pass. */
function placeCounter(text: string): (offset: number) => Place {
  let line = 1;
  let lineStart = 0;
  let nextBreak = text.indexOf("\n");
  return (offset) => {
    while (nextBreak >= 0 && nextBreak < offset) {
      line++;
      lineStart = nextBreak + 1;
      nextBreak = text.indexOf("\n", lineStart);
    }
    return { line, column: offset - lineStart + 1 };
  };
}

/**
 * A value as text: a string is itself, numbers and booleans are their JSON, a list of only strings is joined by a
 * blank line, anything else is JSON indented by 2.
 *
 * @example
 * ```ts
 * if (renderText(["a", "b"]) !== "a\n\nb" || renderText(null) !== "null") throw new Error("not as told");
 * ```
 */
export function renderText(value: Json): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value.join("\n\n");
  return JSON.stringify(value, null, 2);
}
