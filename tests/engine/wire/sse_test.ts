import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { encodeGroup, encodeSse, type SseMessage, SseReader } from "../../../engine/wire/sse.ts";
import type { WireGroup } from "../../../engine/wire/frame.ts";

const read = (...pieces: string[]): SseMessage[] => {
  const reader = new SseReader();
  return pieces.flatMap((piece) => reader.push(piece));
};

const CASES: { name: string; text: string; messages: SseMessage[] }[] = [
  {
    name: "fields with and without the space",
    text: "event:a\ndata: b\n\n",
    messages: [{ event: "a", data: "b" }],
  },
  { name: "comments are skipped", text: ": hello\n\n:\n\ndata: x\n\n", messages: [{ data: "x" }] },
  { name: "data over lines", text: "data: a\ndata\ndata: b\n\n", messages: [{ data: "a\n\nb" }] },
  { name: "an id alone", text: "id: c7\n\n", messages: [{ id: "c7" }] },
  { name: "retry must be a number", text: "retry: 2000\nretry: x\n\n", messages: [{ retry: 2000 }] },
  {
    name: "all line ends",
    text: "data: a\r\rdata: b\r\n\r\ndata: c\n\n",
    messages: ["a", "b", "c"].map((data) => ({ data })),
  },
  { name: "a line end of two characters", text: "data: a\r\ndata: b\r\n\r\n", messages: [{ data: "a\nb" }] },
  { name: "unknown fields are skipped", text: "colour: red\ndata: x\n\n", messages: [{ data: "x" }] },
  { name: "an unfinished message is kept back", text: "data: x\n", messages: [] },
];

for (const { name, text, messages } of CASES) {
  Deno.test(`W2 reading: ${name}`, () => {
    assertEquals(read(text), messages);
    assertEquals(read(...text), messages);
  });
}

Deno.test("W1 W2 what is written is read, wherever it is cut", () => {
  const piece = fc.string({
    unit: fc.constantFrom("a", "\n", "\r", ":", " ", "ü", "\u2028", "data: ", "id: 1\n\n"),
  });
  fc.assert(fc.property(fc.array(piece, { maxLength: 4 }), fc.array(fc.nat(30)), (texts, cuts) => {
    const wire = texts.map((data, i) => encodeSse({ event: "frame", id: `${i}`, data })).join("");
    const pieces: string[] = [];
    let from = 0;
    for (const size of cuts) pieces.push(wire.slice(from, from += size));
    pieces.push(wire.slice(from));
    const expected = texts.map((data, i) => ({
      event: "frame",
      id: `${i}`,
      data: data.replace(/\r\n|\r/g, "\n"),
    }));
    assertEquals(read(...pieces), expected);
  }));
});

Deno.test("W1 a line end in an id or a name is refused", () => {
  for (const bad of ["a\nb", "a\rb", "a\u0000b"]) {
    assertThrows(() => encodeSse({ id: bad }), TypeError);
    assertThrows(() => encodeSse({ event: bad }), TypeError);
  }
});

Deno.test("AP-711 AP-712 a group ends with its cursor as id and a run with `end`", () => {
  const group: WireGroup = {
    cursor: "r1.AQ",
    items: [
      {
        kind: "frame",
        frame: { type: "text", text: "three\nclaims", step: "scout", attempt: 1, seq: 7, at: 3 },
      },
      { kind: "gap", gap: { step: "scout", attempt: 1, from: 8, to: 9 } },
      { kind: "event", event: { type: "run.ended", label: "succeeded", seq: 15, n: 0, at: 4 } },
    ],
    end: true,
  };
  assertEquals(
    encodeGroup(group, "succeeded"),
    'event: frame\ndata: {"type":"text","text":"three\\nclaims","step":"scout","attempt":1,"seq":7,"at":3}\n\n' +
      'event: gap\ndata: {"step":"scout","attempt":1,"from":8,"to":9}\n\n' +
      'event: event\nid: r1.AQ\ndata: {"type":"run.ended","label":"succeeded","seq":15,"n":0,"at":4}\n\n' +
      'event: end\nid: r1.AQ\ndata: {"label":"succeeded"}\n\n',
  );
  assertEquals(encodeGroup({ cursor: "c", items: [] }, "running"), "id: c\n\n");
});
