/**
 * Records as bytes: one byte that names the format, then JSON in UTF-8. Owns: that form. Never: what a record means;
 * whoever reads says so with a check.
 */
import { EngineError } from "../base/errors.ts";
import { type Json, parseJson, RECORD_DEPTH } from "../base/json.ts";
import { LIMITS } from "./limits.ts";
import type { Entry, Key } from "./store.ts";

/** Format 1. Below every byte that JSON can begin with, so that bare text is never taken for a record. */
const FORMAT = 1;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Writes a record. `undefined` fields are left out, as JSON does. Throws `record_too_large` over 60,000 bytes.
 *
 * @param record anything that `JSON.stringify` takes and is not `undefined`
 *
 * @example
 * ```ts
 * const value = encodeRecord({ epoch: 1 });
 * const back = decodeRecord({ key: ["session", "w"], value }, (json) => json as { epoch: number });
 * if (back.epoch !== 1) throw new Error("not what was written");
 * ```
 */
export function encodeRecord(record: unknown): Uint8Array {
  const text = JSON.stringify(record);
  if (text === undefined) throw new TypeError("A record must be a JSON value");
  // Most records are plain ASCII, one byte a character: written in place, they need no copy.
  let bytes = new Uint8Array(text.length + 1);
  const { read } = encoder.encodeInto(text, bytes.subarray(1));
  if (read < text.length) {
    const json = encoder.encode(text);
    bytes = new Uint8Array(json.length + 1);
    bytes.set(json, 1);
  }
  if (bytes.length > LIMITS.valueBytes) {
    throw new EngineError(
      "record_too_large",
      `A record may have ${LIMITS.valueBytes} bytes; store large values as artifacts: ${bytes.length}`,
    );
  }
  bytes[0] = FORMAT;
  return bytes;
}

/**
 * Reads a record strictly.
 *
 * @param read gives the record, or `undefined` (or throws) if the JSON is not one
 * @throws `store_corrupt`, naming the key, if the bytes are not a record or `read` does not know it
 */
export function decodeRecord<T>(
  { key, value }: Pick<Entry, "key" | "value">,
  read: (json: Json) => T | undefined,
): T {
  if (value[0] !== FORMAT) throw corrupt(key, `its format is ${value[0] ?? "missing"}, not ${FORMAT}`);
  let text: string;
  try {
    text = decoder.decode(value.subarray(1));
  } catch {
    throw corrupt(key, "it is not UTF-8");
  }
  const parsed = parseJson(text, { maxDepth: RECORD_DEPTH });
  if (!parsed.ok) throw corrupt(key, parsed.reason);
  let record: T | undefined;
  try {
    record = read(parsed.value);
  } catch (error) {
    throw corrupt(key, (error as Error).message, error);
  }
  if (record === undefined) throw corrupt(key, "its fields are not as expected");
  return record;
}

function corrupt(key: Key, why: string, cause?: unknown): EngineError {
  const message = `A stored record cannot be read, because ${why}: ${JSON.stringify(key)}`;
  return new EngineError("store_corrupt", message, { cause });
}
