import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { EngineError } from "../../../engine/base/errors.ts";
import { memoryStore } from "../../../engine/store/memory.ts";
import type { Frame } from "../../../engine/wire/frame.ts";
import { FrameWriter } from "../../../engine/work/stream/frame_writer.ts";
import { decodePosition, encodePosition } from "../../../engine/work/stream/position.ts";
import { ManualClock } from "../../_support/manual_clock.ts";
import { ended, engineOf, notebookOf, ScriptedKind } from "./_harness.ts";

function writer() {
  const clock = new ManualClock();
  const batches: Frame[][] = [];
  return {
    clock,
    batches,
    writer: new FrameWriter({ step: "a", attempt: 1 }, clock, (frames) => batches.push(frames)),
  };
}

const textOf = (batches: Frame[][]) =>
  batches.flat().map((frame) => "text" in frame ? frame.text : "").join("");

Deno.test("EN-1602 the first piece goes at once, what follows within 50 ms goes together", async () => {
  const { clock, batches, writer: stream } = writer();
  for (const text of ["a", "b", "c"]) stream.write({ type: "text", text });
  assertEquals(batches.map((batch) => textOf([batch])), ["a"]);
  await clock.advance(49);
  assertEquals(batches.length, 1);
  await clock.advance(1);
  assertEquals(batches.map((batch) => textOf([batch])), ["a", "bc"]);
  assertEquals(batches.flat().map(({ seq }) => seq), [1, 2]);
});

Deno.test("EN-1602 a batch goes early at 64 frames and at 16 KiB", () => {
  const many = writer();
  for (let i = 0; i < 200; i++) many.writer.write({ type: "log", level: "info", text: String(i) });
  assertEquals(many.batches.map(({ length }) => length), [1, 64, 64, 64]);
  const large = writer();
  for (let i = 0; i < 10; i++) large.writer.write({ type: "text", text: "€".repeat(1500) });
  assert(large.batches.length > 2);
  for (const batch of large.batches) assert(JSON.stringify(batch).length * 3 < 60_000);
});

Deno.test("T2 nothing is added after the end, and the end hands over what was left, once", () => {
  const { batches, writer: stream } = writer();
  stream.write({ type: "text", text: "a" });
  stream.write({ type: "text", text: "b" });
  assertEquals(textOf([stream.close()]), "b");
  stream.write({ type: "text", text: "late" });
  assertEquals([textOf(batches), stream.close()], ["a", []]);
});

Deno.test("T2 whatever is written comes out byte for byte, numbered without gaps, in records that fit", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 50 }),
    fc.constantFrom("😀".repeat(5000), "\u0000".repeat(9000), ""),
  );
  fc.assert(
    fc.property(fc.array(text, { maxLength: 40 }), (texts) => {
      const { batches, writer: stream } = writer();
      for (const text of texts) stream.write({ type: "text", text });
      const all = [...batches, stream.close()];
      assertEquals(textOf(all), texts.join(""));
      assertEquals(all.flat().map(({ seq }) => seq), all.flat().map((_, i) => i + 1));
      for (const batch of all) assert(new TextEncoder().encode(JSON.stringify(batch)).length < 60_000);
    }),
    { numRuns: 60 },
  );
});

Deno.test("EN-1607 a cursor reads back as the position it was made of, and stays below 2 KiB with 180 open attempts", () => {
  const cells = Array.from({ length: 10_000 }, (_, i) => `cell_${i}`);
  const places = new Map(cells.map((cell, i) => [cell, i]));
  const at = fc.record({ attempt: fc.integer({ min: 1, max: 99 }), seq: fc.nat(99_999) });
  fc.assert(
    fc.property(fc.nat(9999), fc.dictionary(fc.constantFrom(...cells.slice(0, 300)), at), (seq, open) => {
      const position = { seq, frames: new Map(Object.entries(open)) };
      assertEquals(decodePosition(encodePosition(position, places), cells), position);
    }),
  );
  const many = new Map(cells.slice(-180).map((cell) => [cell, { attempt: 3, seq: 1200 }]));
  assert(encodePosition({ seq: 99_999, frames: many }, places).length < 2048);
});

Deno.test("a cursor that is none, or another run's, is refused", () => {
  for (const cursor of ["", "r2.1", "r1.x", "r1.1.zz-1-1", `r1.${"9".repeat(30)}`, "r1.1.0-1"]) {
    assertThrows(() => decodePosition(cursor, ["a"]), EngineError, "ursor");
  }
});

Deno.test("T2 P15 100 readers that leave at random points of a 10,000-token stream put together the same bytes", async () => {
  const tokens = Array.from({ length: 10_000 }, (_, i) => ["wörd ", "😀", "\n\n", "`x` ", "|"][i % 5]! + i);
  const kind = new ScriptedKind({
    a: async ({ emit, clock }) => {
      for (const [i, text] of tokens.entries()) {
        emit({ type: "text", text });
        if (i % 100 === 0) await clock.sleep(1);
      }
      return { type: "succeeded", value: null };
    },
  });
  const engine = await engineOf(memoryStore(), kind);
  const { run } = await engine.submit({ notebook: "n", text: notebookOf({ a: [] }), author: "t" });
  let [text, after, over] = ["", undefined as string | undefined, false];
  let random = 42;
  for (let left = 100; !over; left--) {
    // A linear congruential generator: the same leaving points each time.
    random = (random * 1_103_515_245 + 12_345) % 2 ** 31;
    let groups = left > 0 ? 1 + random % 3 : Infinity;
    for await (const group of engine.follow(run, { after, signal: AbortSignal.timeout(20_000) })) {
      for (const item of group.items) {
        if (item.kind === "frame" && "text" in item.frame) text += item.frame.text;
      }
      after = group.cursor;
      over = group.end === true;
      if (--groups === 0) break;
    }
  }
  assertEquals(text, tokens.join(""));
  assertEquals((await ended(engine, run)).label, "succeeded");
  await engine.close();
});
