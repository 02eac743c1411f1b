import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { readLines, readTail } from "../../../engine/sandbox/read_lines.ts";

function streamOf(bytes: Uint8Array, cuts: number[]): ReadableStream<Uint8Array> {
  const ends = [...new Set([...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) =>
    a - b
  );
  return ReadableStream.from(
    ends.map((end, i) => bytes.slice(ends[i - 1] ?? 0, end)).filter((part) => part.length > 0),
  );
}

Deno.test("lines come out the same however the bytes are cut", async () => {
  const text = fc.array(fc.constantFrom("a", "é", "😀", "\n", "\r"), { maxLength: 30 }).map((parts) =>
    parts.join("")
  );
  await fc.assert(fc.asyncProperty(text, fc.array(fc.nat(), { maxLength: 6 }), async (whole, cuts) => {
    const lines: string[] = [];
    for await (const batch of readLines(streamOf(new TextEncoder().encode(whole), cuts), 1000)) {
      lines.push(...batch.lines);
    }
    const expected = whole.split("\n");
    if (expected.at(-1) === "") expected.pop();
    assertEquals(lines, expected);
  }));
});

Deno.test("a line over the limit ends the reading, lines before it are given", async () => {
  for (
    const [text, lines, overflow] of [["ab\nabcd\nab", ["ab"], true], [
      "abc\nabc",
      ["abc", "abc"],
      false,
    ]] as const
  ) {
    for (const cuts of [[], [1], [3, 4, 5, 6]]) {
      const seen: string[] = [];
      let over = false;
      for await (const batch of readLines(streamOf(new TextEncoder().encode(text), cuts), 3)) {
        seen.push(...batch.lines);
        over = batch.overflow;
      }
      assertEquals([seen, over], [[...lines], overflow]);
    }
  }
});

Deno.test("a tail is the last bytes", async () => {
  const bytes = new TextEncoder().encode("0123456789");
  const totals: number[] = [];
  assertEquals(await readTail(streamOf(bytes, [4]), 3, (total) => totals.push(total)), "789");
  assertEquals(totals, [4, 10]);
});
