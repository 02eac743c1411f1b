import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { decodeText } from "../../../engine/access/text_bytes.ts";

Deno.test("the first byte that is not UTF-8 is named with its offset", () => {
  const cases: [number[], string][] = [
    [[0x80], "byte 0x80 at offset 0"],
    [[0x61, 0xc3], "byte 0xc3 at offset 1"],
    [[0xc0, 0x80], "byte 0xc0 at offset 0"],
    [[0xe0, 0x80, 0x80], "byte 0xe0 at offset 0"],
    [[0xc3, 0xa9, 0xed, 0xa0, 0x80], "byte 0xed at offset 2"],
    [[0xf4, 0x90, 0x80, 0x80], "byte 0xf4 at offset 0"],
    [[0xf0, 0x9f, 0x98], "byte 0xf0 at offset 0"],
  ];
  for (const [bytes, reason] of cases) assertEquals(decodeText(new Uint8Array(bytes)), { ok: false, reason });
});

Deno.test("text comes back exactly, a byte order mark included", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const whole = `\ufeff${text.toWellFormed()}`;
    assertEquals(decodeText(new TextEncoder().encode(whole)), { ok: true, text: whole });
  }));
});

Deno.test("bytes are refused exactly where the platform refuses them", () => {
  const byte = fc.oneof(
    fc.integer({ min: 0, max: 255 }),
    fc.constantFrom(0x61, 0xc3, 0xa9, 0xe2, 0x82, 0xf0, 0x9f),
  );
  fc.assert(fc.property(fc.array(byte, { maxLength: 12 }), (bytes) => {
    const decoded = decodeText(new Uint8Array(bytes));
    if (decoded.ok) return;
    const offset = Number(/offset (\d+)/.exec(decoded.reason)![1]);
    new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array(bytes.slice(0, offset)));
    assertEquals(offset < bytes.length, true);
  }));
});
