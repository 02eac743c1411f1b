import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { FUNCTIONS } from "../../../../engine/expr/functions.ts";
import { complete } from "../../../../engine/expr/editor/complete.ts";
import { fieldsOf } from "../../../../engine/expr/editor/shape.ts";
import { SIGNATURES } from "../../../../engine/expr/editor/signatures.ts";

const inputs = [
  { name: "scout", sample: { claims: [{ text: "a", confidence: 1 }, { source: { url: "u" } }], note: "n" } },
  {
    name: "shop",
    schema: {
      type: "object",
      properties: {
        items: { type: "array", items: { $ref: "#/$defs/item" } },
        "due date": { type: ["string", "null"], description: "When" },
        and: { type: "boolean" },
      },
      $defs: {
        item: { anyOf: [{ properties: { price: { type: "number" } } }, { properties: { tag: true } }] },
      },
    },
  },
  { name: "topic", param: true, sample: "t" },
];

/** Offers at the bar, as `insert insert …`. */
function offered(marked: string): string {
  const cursor = marked.indexOf("|");
  const text = marked.replace("|", "");
  return complete(text, cursor, { inputs }).map(({ insert }) => insert).join(" ");
}

Deno.test("DF-467 names at the start of a value, fields of what the path leads to", () => {
  const table: [string, string][] = [
    ["|", "scout shop topic"],
    ["s|", "scout shop"],
    ["S|c", "scout shop"],
    ["1 + sc|", "scout"],
    ["scout.|", "claims note"],
    ["scout . /* a */ c|", "claims"],
    ["scout.claims.|", "text confidence source"],
    ["scout.claims[0].so|", "source"],
    ["scout.claims[confidence > 1].source.|", "url"],
    ["scout.claims[con|", "confidence"],
    ["scout.claims[text = 'a' and source.u|", "url"],
    ["scout.claims^(>c|", "confidence"],
    ["scout.claims^(>text).|", "text confidence source"],
    ["scout.claims.{ 'a': te|", "text"],
    ["scout.claims.(te|", "text"],
    ["scout.claims{ te|", "text"],
    ["$sum(scout.claims.co|", "confidence"],
    ["scout.claims.($$.sh|", "shop"],
    ["scout.claims[$.t|", "text"],
    ["(scout).n|", "note"],
    ["(scout.claims[0]).so|", "source"],
    ["(1 + scout).n|", ""],
    ["[scout, sh|", "shop"],
    ["{ 'a': sh|", "shop"],
    ["shop.|", "items `due date` `and`"],
    ["shop.items.|", "price tag"],
    ["shop.`items`.p|", "price"],
    ["$params.|", "topic"],
    ["$count(x).|", ""],
    ["nothing.|", ""],
    ["scout |", ""],
    ["scout s|", ""],
    ["'sc|", ""],
    ["'sc|' & scout", ""],
    ["/* sc|", ""],
    ["1|", ""],
    ["'{{block:|", ""],
    ["{{block:f|", "field: filter:"],
    ["scout{{block:|", "field: filter: map: aggregate: transform:"],
  ];
  assertEquals(table.map(([text]) => [text, offered(text)]), table);
});

Deno.test("DF-467 functions come with their arguments and a line about them", () => {
  assertEquals(complete("1 + $su", 7, { inputs })[0], {
    label: "$substring",
    kind: "function",
    detail: "(text, start, [length])",
    about: "A part of a text",
    insert: "$substring",
    start: 4,
    end: 7,
  });
  assertEquals(offered("$su|"), "$substring $substringAfter $substringBefore $sum");
  assertEquals(offered("scout.claims.$upp|"), "$uppercase");
  assertEquals(offered("$par|"), "$params $parseInteger");
});

Deno.test("DF-323 where no function begins so, the nearest is offered", () => {
  assertEquals([offered("$avg|"), offered("$uppercse|"), offered("$constructor|")], [
    "$average",
    "$uppercase",
    "",
  ]);
});

Deno.test("DF-302 every allowed function has a signature, and nothing else has", () => {
  assertEquals([...SIGNATURES.keys()].sort(), [...FUNCTIONS].sort());
});

Deno.test("DF-212 on an edge the fields are those of the value", () => {
  const value = { sample: [{ price: 1 }] };
  assertEquals(complete("p", 1, { value })[0], {
    label: "price",
    kind: "field",
    detail: "number",
    insert: "price",
    start: 0,
    end: 1,
  });
  assertEquals(complete("$params.", 8, { value }), []);
});

Deno.test("a whole word is replaced, also where the cursor stands amid it", () => {
  const [offer] = complete("a + scout.x", 6, { inputs });
  assertEquals([offer?.label, offer?.start, offer?.end], ["scout", 4, 9]);
});

Deno.test("a schema that refers to itself or is none gives what it can", () => {
  assertEquals(fieldsOf({ schema: { $ref: "#" } }), []);
  assertEquals(fieldsOf({ schema: { $defs: { a: { $ref: "#/$defs/a" } }, $ref: "#/$defs/a" } }), []);
  const wide: Record<string, unknown> = {};
  wide.anyOf = Array(20).fill(wide);
  assertEquals(fieldsOf({ schema: wide }), []);
  fc.assert(fc.property(fc.anything(), fc.anything(), (schema, sample) => void fieldsOf({ schema, sample })));
});

Deno.test("K4 any text and cursor give offers whose range holds the cursor", () => {
  const pieces = fc.constantFrom(
    ..."scout . claims $ $$ $s ( ) [ ] { } ^ ( > ' ` / /* */ , : {{block: }} 1 `a` and".split(" "),
    " ",
  );
  const texts = fc.oneof(fc.string(), fc.array(pieces, { maxLength: 30 }).map((all) => all.join("")));
  fc.assert(
    fc.property(texts, fc.oneof(fc.integer({ min: -2, max: 60 }), fc.double()), (text, cursor) => {
      const at = Math.max(0, Math.min(Math.trunc(cursor) || 0, text.length));
      for (const { start, end, insert } of complete(text, cursor, { inputs })) {
        assert(0 <= start && start <= at && at <= end && end <= text.length);
        assert(insert !== "");
      }
    }),
    { numRuns: 2000 },
  );
});

Deno.test("the longest and deepest text is answered at once", () => {
  for (const text of ["a[".repeat(10_000), "(".repeat(20_000), "a.".repeat(10_000), "(a).".repeat(5000)]) {
    const before = performance.now();
    complete(text, text.length, { inputs });
    assert(performance.now() - before < 1000, text.slice(0, 4));
  }
});
