import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { EngineError } from "../../../engine/base/errors.ts";
import type { Json } from "../../../engine/base/json.ts";
import { decodeRecord, encodeRecord } from "../../../engine/store/codec.ts";

const key = ["run", "r1"];
const read = (json: Json) => json as { a: number } | undefined;

function assertCode(code: string, words: string, act: () => unknown): void {
  const error = assertThrows(act, EngineError, words);
  assertEquals(error.code, code);
}

Deno.test("EN-112 any JSON comes back as it was", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const wrapped = { value: JSON.parse(JSON.stringify(value)) };
      assertEquals(
        decodeRecord({ key, value: encodeRecord(wrapped) }, (json) => json as typeof wrapped),
        wrapped,
      );
    }),
  );
});

Deno.test("a record's text may begin with a byte order mark and hold any character", () => {
  const record = { text: "\ufeff\0\u{10ffff}\u2028" };
  assertEquals(decodeRecord({ key, value: encodeRecord(record) }, (json) => json as typeof record), record);
});

Deno.test("a record at the limit is written, one over is refused", () => {
  const fits = { text: "x".repeat(60_000 - 1 - '{"text":""}'.length) };
  assertEquals(encodeRecord(fits).length, 60_000);
  assertCode("record_too_large", ": 60001", () => encodeRecord({ text: fits.text + "x" }));
});

Deno.test("what is not a record is store_corrupt, naming the key", () => {
  const good = encodeRecord({ a: 1 });
  const cases: [string, Uint8Array, typeof read][] = [
    ["its format is missing", new Uint8Array(), read],
    ["its format is 123", new TextEncoder().encode("{}"), read],
    ["its format is 2", Uint8Array.from(good, (byte, i) => i === 0 ? 2 : byte), read],
    ["it is not UTF-8", new Uint8Array([1, 0xff]), read],
    ["Not JSON", new Uint8Array([1, 0xef, 0xbb, 0xbf, ...good.subarray(1)]), read],
    ["Not JSON", good.subarray(0, -1), read],
    ["nested deeper", encodeRecord(JSON.parse("[".repeat(200) + "]".repeat(200))), read],
    ["its fields are not as expected", good, () => undefined],
    ["no such field", good, () => {
      throw new Error("no such field");
    }],
  ];
  for (const [words, value, reader] of cases) {
    assertCode("store_corrupt", words, () => decodeRecord({ key, value }, reader));
    assertCode("store_corrupt", '["run","r1"]', () => decodeRecord({ key, value }, reader));
  }
});

Deno.test("only JSON is a record", () => {
  assertThrows(() => encodeRecord(undefined), TypeError, "must be a JSON value");
});
