/**
 * A key as one string of bytes, one character a byte, whose order is the order of keys.
 * Owns: which keys are allowed, how they compare, how big they are, and the way back. The form is Deno KV's, so that sizes are exact.
 *
 * A prefix packs to a prefix of what its extensions pack to.
 */
import { EngineError } from "../base/errors.ts";
import type { Key } from "./store.ts";

const TEXT = "\x02";
const NUMBER = "\x21";
const END = "\x00";
/** Follows every packed key that begins with what it is appended to. */
export const AFTER_ALL = "\xff";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Packs a key; `[]` is allowed, for prefixes. Throws a `RangeError` for a part that a key cannot have: a number that
 * is not whole or is below 0, or text that is not well-formed Unicode, which UTF-8 cannot tell apart.
 *
 * @example
 * ```ts
 * if (!(packKey(["event", 9]) < packKey(["event", 10]))) throw new Error("numbers compare as text");
 * if (!packKey(["event", 9]).startsWith(packKey(["event"]))) throw new Error("not a prefix");
 * ```
 */
export function packKey(key: Key): string {
  let packed = "";
  for (const part of key) packed += typeof part === "string" ? packText(part) : packNumber(part);
  return packed;
}

function packText(text: string): string {
  // deno-lint-ignore no-control-regex -- the usual key is plain ASCII and is its own UTF-8
  if (/^[\x01-\x7f]*$/.test(text)) return TEXT + text + END;
  if (!text.isWellFormed()) {
    throw new RangeError(`A key holds text that is not Unicode: ${JSON.stringify(text)}`);
  }
  let bytes = "";
  for (const byte of encoder.encode(text)) bytes += byte === 0 ? "\x00\xff" : String.fromCharCode(byte);
  return TEXT + bytes + END;
}

function packNumber(part: number): string {
  if (!Number.isSafeInteger(part) || part < 0 || Object.is(part, -0)) {
    throw new RangeError(`A number in a key must be whole and not below 0: ${part}`);
  }
  let bytes = "";
  for (let i = 0, rest = part; i < 8; i++, rest = Math.floor(rest / 256)) {
    bytes = String.fromCharCode(rest % 256) + bytes;
  }
  return NUMBER + bytes;
}

/**
 * The key of which these are the bytes. Throws `store_corrupt` if they are none's.
 *
 * @example
 * ```ts
 * const bytes = Uint8Array.from(packKey(["event", 9]), (byte) => byte.charCodeAt(0));
 * if (unpackKey(bytes).join() !== "event,9") throw new Error("not the key that was packed");
 * ```
 */
export function unpackKey(bytes: Uint8Array): Key {
  const parts: (string | number)[] = [];
  for (let at = 0; at < bytes.length;) {
    const type = String.fromCharCode(bytes[at++]!);
    if (type === TEXT) {
      const text: number[] = [];
      // A zero byte ends the text, unless 255 follows, which no part begins with.
      for (; at < bytes.length && (bytes[at] !== 0 || bytes[at + 1] === 255); at++) {
        if (bytes[at] !== 255 || bytes[at - 1] !== 0) text.push(bytes[at]!);
      }
      if (at++ >= bytes.length) throw corrupt("a text has no end");
      parts.push(textOf(new Uint8Array(text)));
    } else if (type === NUMBER && at + 8 <= bytes.length) {
      parts.push(bytes.subarray(at, at += 8).reduce((sum, byte) => sum * 256 + byte, 0));
    } else {
      throw corrupt(`a part begins with ${bytes[at - 1]}`);
    }
  }
  return parts;
}

function textOf(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw corrupt("a text is not UTF-8");
  }
}

function corrupt(why: string): EngineError {
  return new EngineError("store_corrupt", `A stored key cannot be read, because ${why}`);
}
