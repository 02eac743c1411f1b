/**
 * JSON values: their type, their canonical text and strict reading with limits.
 * Owns: the one place where text from outside becomes a value. Never: schemas.
 */

/** Any value that JSON can carry. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A JSON object. */
export type JsonObject = { [key: string]: Json };

/** Limits of {@link parseJson}. */
export interface JsonLimits {
  /** Longest text, in UTF-16 code units. Default 16 Mi. */
  maxLength?: number;
  /** Deepest nesting of arrays and objects. Default 100. */
  maxDepth?: number;
}

/** Deepest nesting read by default. */
export const MAX_DEPTH = 100;
/** Deepest nesting of what we wrote ourselves: a value as deep as may be, inside the layers of a record. */
export const RECORD_DEPTH = MAX_DEPTH + 20;
const MAX_LENGTH = 16 * 1024 * 1024;

/**
 * Reads JSON text from outside.
 *
 * @returns the value, or a sentence that says what is wrong with the text; never throws
 *
 * @example
 * ```ts
 * const good = parseJson('{"a":1}');
 * const bad = parseJson("[".repeat(500));
 * if (!good.ok || bad.ok) throw new Error("limits do not hold");
 * ```
 */
export function parseJson(
  text: string,
  limits: JsonLimits = {},
): { ok: true; value: Json } | { ok: false; reason: string } {
  const { maxLength = MAX_LENGTH, maxDepth = MAX_DEPTH } = limits;
  if (text.length > maxLength) {
    return { ok: false, reason: `JSON is ${text.length} long, over the limit ${maxLength}` };
  }
  let value: Json;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { ok: false, reason: `Not JSON: ${(error as Error).message}` };
  }
  return depthWithin(value, maxDepth)
    ? { ok: true, value }
    : { ok: false, reason: `JSON is nested deeper than ${maxDepth}` };
}

/** Whether nothing in `value` is nested deeper than `max` arrays and objects. */
export function depthWithin(value: Json, max: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (max === 0) return false;
  return Object.values(value).every((inner) => depthWithin(inner, max - 1));
}

/**
 * The one text of a value whatever the order in which its keys were set: keys sorted by code unit, no spaces.
 * Equal values have equal texts, so a hash of it names the value.
 *
 * @example
 * ```ts
 * if (canonicalJson({ b: 1, a: [2] }) !== '{"a":[2],"b":1}') throw new Error("keys are not sorted");
 * ```
 */
export function canonicalJson(value: Json): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const entries = Object.keys(value).sort().map((key) =>
    `${JSON.stringify(key)}:${canonicalJson(value[key]!)}`
  );
  return `{${entries.join(",")}}`;
}

/** Whether `value` is a JSON object: not null, not an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const utf8 = new TextEncoder();

/** Bytes of a value's JSON in UTF-8. Plain ASCII, the usual case, is not encoded to be counted. */
export function jsonBytes(value: unknown): number {
  const text = JSON.stringify(value);
  // deno-lint-ignore no-control-regex -- ASCII has its control characters
  return /^[\x00-\x7f]*$/.test(text) ? text.length : utf8.encode(text).length;
}
