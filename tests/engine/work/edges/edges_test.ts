/** What is done with values on their way to a cell: transformations, checks, schemas. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Json } from "../../../../engine/base/json.ts";
import { run } from "../joins/_expressions.ts";

const ITEMS: Json[] = [{ price: 50, name: "a" }, { price: 150, name: "b" }, {
  price: 200,
  name: "c",
  tags: [1],
}];

/** What `b` receives as `i` from `a`, or how it failed. */
async function given(value: Json, contract: string) {
  let seen: Json | undefined;
  const { view, calls } = await run({ a: [], b: ["i"] }, { b: `inputs: { i: { from: a, ${contract} } }` }, {
    a: () => ({ type: "succeeded", value }),
    b: ({ inputs }) => {
      seen = inputs.i;
      return { type: "succeeded", value: null };
    },
  });
  const { problem, label: outcome, warnings } = view.cells.b!;
  return { seen, calls: [...calls], problem, outcome, warnings: warnings?.map(({ message }) => message) };
}

const TRANSFORMED: [string, Json, string, Json][] = [
  [
    "DF-203 a path gives one match as the value itself",
    { items: ITEMS },
    "{ type: path, path: 'items[0].name' }",
    "a",
  ],
  ["DF-203 a path over a list", ITEMS, "{ type: path, path: name }", ["a", "b", "c"]],
  [
    "DF-204 a template gives text",
    { n: 2, s: "x" },
    "{ type: template, template: '{{ s }}: {{ n + 1 }}' }",
    "x: 3",
  ],
  ["DF-205 a filter keeps items", ITEMS, "{ type: filter, predicate: price > 100 }", ITEMS.slice(1)],
  ["DF-205 a filter of one match is a list", ITEMS, "{ type: filter, predicate: price > 160 }", [ITEMS[2]!]],
  ["DF-205 a filter of no match is empty", ITEMS, "{ type: filter, predicate: nothing }", []],
  ["DF-205 what is no list is a list of one", { price: 1 }, "{ type: filter, predicate: price = 1 }", [{
    price: 1,
  }]],
  ["DF-205 inner lists stay", [[1, 2], [3], []], "{ type: filter, predicate: $count($) > 0 }", [[1, 2], [3]]],
  ["DF-206 a map is as long as its list", ITEMS, "{ type: map, mapper: tags }", [null, null, [1]]],
  ["DF-206 lists among items are items", [[1, 2], [3]], "{ type: map, mapper: $sum($) }", [3, 3]],
  ["DF-206 lists among results stay", [1, 2], "{ type: map, mapper: '[$, $]' }", [[1, 1], [2, 2]]],
  ["DF-207 an aggregate", ITEMS, "{ type: aggregate, aggregator: $sum(price) }", 400],
  ["DF-207 an aggregate of no value is null", ITEMS, "{ type: aggregate, aggregator: nothing }", null],
  ["DF-208 batches", [1, 2, 3, 4, 5], "{ type: batch, batchSize: 2 }", [[1, 2], [3, 4], [5]]],
  [
    "DF-201 each works on the result before",
    ITEMS,
    "{ type: filter, predicate: price > 100 }, { type: map, mapper: name }, { type: template, template: '{{ $ }}' }",
    "b\n\nc",
  ],
  [
    "DF-401 blocks in a transformation",
    ITEMS,
    "{ type: aggregate, aggregator: '${{block:aggregate:sum:price}}' }",
    400,
  ],
];
for (const [name, value, entries, expected] of TRANSFORMED) {
  Deno.test(name, async () => {
    const { seen, outcome, problem } = await given(value, `transform: [${entries}]`);
    assertEquals([seen, outcome, problem], [expected, "succeeded", undefined]);
  });
}

Deno.test("DF-214 a list of more items than go at once keeps its order, and draws random numbers for each", async () => {
  const numbers = Array.from({ length: 600 }, (_, i) => i);
  const map = await given(numbers, "transform: [{ type: map, mapper: $ * 2 }]");
  assertEquals(map.seen, numbers.map((n) => n * 2));
  const ids = await given(numbers, "transform: [{ type: map, mapper: $uuid() }]");
  assertEquals(new Set(ids.seen as string[]).size, 600);
});

Deno.test("DF-214 items go in groups by their size, so that a list may be larger than one evaluation takes", async () => {
  const items = Array.from({ length: 20 }, (_, i) => ({ i, text: "x".repeat(900_000) }));
  const { seen, problem } = await given(items, "transform: [{ type: map, mapper: i }]");
  assertEquals([seen, problem], [items.map(({ i }) => i), undefined]);
});

Deno.test("DF-211 a transformation that fails fails the step before its cell is called", async () => {
  const { calls, problem, outcome } = await given(
    ITEMS,
    "transform: [{ type: path, path: $ }, { type: aggregate, aggregator: $sum(name) }]",
  );
  assertEquals([calls, outcome], [["a#1"], "failed"]);
  assertStringIncludes(
    problem!.message,
    "Transformation 2 (aggregate) failed: Expression evaluation failed: ",
  );
});

const CHECKED: [string, Json, string, string | undefined][] = [
  [
    "DF-252 a schema",
    { n: "x" },
    "{ type: schema, schema: { properties: { n: { type: number } } } }",
    "/n must be number",
  ],
  [
    "DF-253 bytes of JSON text",
    "äb",
    "{ type: size, maxBytes: 4 }",
    "Data size (5 bytes) exceeds limit (4 bytes)",
  ],
  ["DF-253 as many bytes as may be", "äb", "{ type: size, maxBytes: 5 }", undefined],
  ["DF-254 json", "{", "{ type: format, format: json }", "Data does not match format: json"],
  ["DF-254 json that parses", "{}", "{ type: format, format: json }", undefined],
  ["DF-254 url", "weft", "{ type: format, format: url }", "Data does not match format: url"],
  ["DF-254 a good url", "https://a.example/b", "{ type: format, format: url }", undefined],
  ["DF-254 email", "a@b", "{ type: format, format: email }", "Data does not match format: email"],
  ["DF-254 a good email", "a@b.example", "{ type: format, format: email }", undefined],
  ["DF-255 custom", { n: 1 }, "{ type: custom, expression: n > 1 }", "Custom validation failed"],
  ["DF-255 custom without value", { n: 1 }, "{ type: custom, expression: m }", "Custom validation failed"],
  [
    "DF-255 custom with words",
    { n: 1 },
    "{ type: custom, expression: 'n > 1 ? true : \"too few\"' }",
    "too few",
  ],
  ["DF-255 custom that passes", { n: 2 }, "{ type: custom, expression: n > 1 }", undefined],
  ["DF-256 words instead", 1, "{ type: size, maxBytes: 0, errorMessage: Too much }", "Too much"],
  [
    "DF-257 all failures",
    1,
    "{ type: size, maxBytes: 0 }, { type: format, format: url }",
    "Data size (1 bytes) exceeds limit (0 bytes), Data does not match format: url",
  ],
];
for (const [name, value, rules, message] of CHECKED) {
  Deno.test(`${name} ${message === undefined ? "lets the value through" : "refuses the value"}`, async () => {
    const { seen, calls, problem } = await given(value, `validate: [${rules}]`);
    if (message === undefined) return assertEquals([problem, seen], [undefined, value]);
    assertEquals(problem?.message, `Edge validation failed: ${message}`);
    assertEquals([problem?.category, calls], ["invalid_input", ["a#1"]]);
  });
}

Deno.test("DF-257 with warnings alone the value is delivered and its cell ends with them", async () => {
  const { seen, outcome, warnings } = await given(
    1,
    "validate: [{ type: format, format: url, severity: warning }]",
  );
  assertEquals(seen, 1);
  assertEquals([outcome, warnings], ["warned", ["Input 'i': Data does not match format: url"]]);
});

Deno.test("DF-107 an input schema checks what the cell receives, after transformations", async () => {
  const contract =
    "schema: { type: number, maximum: 10 }, transform: [{ type: aggregate, aggregator: $sum(n) }]";
  assertEquals((await given([{ n: 4 }, { n: 5 }], contract)).seen, 9);
  const { problem, calls } = await given([{ n: 6 }, { n: 5 }], contract);
  assertStringIncludes(problem!.message, "Input 'i' schema validation failed: ");
  assertEquals([problem!.category, calls], ["invalid_input", ["a#1"]]);
});

Deno.test("DF-106 a schema that refers to another place is told", async () => {
  const { problem } = await given(1, 'schema: { $ref: "https://a.example/s" }');
  assertEquals(
    problem?.message,
    "Schema of 'i' refers to https://a.example/s; only local references are allowed",
  );
});

Deno.test("DF-131 JSON for an input of text is its text", async () => {
  assertEquals((await given({ a: 1 }, "type: text")).seen, '{\n  "a": 1\n}');
  assertEquals((await given(["a", "b"], "type: text")).seen, "a\n\nb");
});

Deno.test("DF-133 a text is read as JSON where that is asked for", async () => {
  assertEquals((await given('{"a":1}', "parse: true, transform: [{ type: path, path: a }]")).seen, 1);
  assertEquals((await given('{"a":1}', "parse: false")).seen, '{"a":1}');
  const { problem } = await given("{", "parse: true");
  assertStringIncludes(problem!.message, "Input 'i' expects JSON text: ");
  assertStringIncludes(problem!.message, ". Set parse: false to use the text itself");
});

Deno.test("DF-203 a path without a value gives the default of the input", async () => {
  assertEquals((await given({ a: 1 }, "default: none, transform: [{ type: path, path: b }]")).seen, "none");
});

Deno.test("DF-124 each value of a list is transformed by itself, and the schema is that of the list", async () => {
  let seen: Json | undefined;
  const { view } = await run({ a: [], b: [], c: ["i"] }, {
    c: "inputs: { i: { from: [a, b], transform: [{ type: path, path: n }], schema: { type: array, items: { type: number } } } }",
  }, {
    a: () => ({ type: "succeeded", value: { n: 1 } }),
    b: () => ({ type: "succeeded", value: { n: 2 } }),
    c: ({ inputs }) => {
      seen = inputs.i;
      return { type: "succeeded", value: null };
    },
  });
  assertEquals([seen, view.cells.c!.label], [[1, 2], "succeeded"]);
});
