/**
 * Bytes that should be text. Owns: telling where they are not. Pure.
 */

/**
 * The text of UTF-8 bytes, a byte order mark included, or the place of the first byte that is not UTF-8.
 *
 * @example
 * ```ts
 * const bad = decodeText(new Uint8Array([104, 105, 0xff]));
 * if (bad.ok || bad.reason !== "byte 0xff at offset 2") throw new Error("place not found");
 * ```
 */
export function decodeText(bytes: Uint8Array): { ok: true; text: string } | { ok: false; reason: string } {
  try {
    return { ok: true, text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    const offset = firstInvalid(bytes);
    const byte = bytes[offset] ?? 0;
    return { ok: false, reason: `byte 0x${byte.toString(16).padStart(2, "0")} at offset ${offset}` };
  }
}

/** Each row: first bytes from and to, then the range of the second byte; the rest are 0x80 to 0xbf. */
const SEQUENCES = [
  [0x00, 0x7f, 1, 0, 0],
  [0xc2, 0xdf, 2, 0x80, 0xbf],
  [0xe0, 0xe0, 3, 0xa0, 0xbf],
  [0xe1, 0xec, 3, 0x80, 0xbf],
  [0xed, 0xed, 3, 0x80, 0x9f],
  [0xee, 0xef, 3, 0x80, 0xbf],
  [0xf0, 0xf0, 4, 0x90, 0xbf],
  [0xf1, 0xf3, 4, 0x80, 0xbf],
  [0xf4, 0xf4, 4, 0x80, 0x8f],
] as const;

/** Offset at which the first sequence that is not UTF-8 begins; the length if there is none. */
function firstInvalid(bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length) {
    const row = SEQUENCES.find(([from, to]) => bytes[at]! >= from && bytes[at]! <= to);
    if (row === undefined) return at;
    const [, , length, from, to] = row;
    for (let i = 1; i < length; i++) {
      const byte = bytes[at + i];
      const [low, high] = i === 1 ? [from, to] : [0x80, 0xbf];
      if (byte === undefined || byte < low || byte > high) return at;
    }
    at += length;
  }
  return at;
}
