import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import type { Json, JsonObject } from "../../../engine/base/json.ts";
import { schemaCheck } from "../../../engine/kinds/schema/check.ts";
import { patternUse } from "../../../engine/kinds/schema/pattern.ts";

async function errorsOf(schema: JsonObject, value: Json): Promise<string[]> {
  const read = await schemaCheck(schema);
  assert(read.ok, JSON.stringify(read));
  return read.check(value);
}

async function faultOf(schema: JsonObject): Promise<string> {
  const read = await schemaCheck(schema);
  assert(!read.ok, `${JSON.stringify(schema)} was taken`);
  return read.fault;
}

const person = {
  type: "object",
  properties: { name: { type: "string", minLength: 1 }, age: { type: "integer", minimum: 0 } },
  required: ["name"],
  additionalProperties: false,
};

const ERRORS: [JsonObject, Json, string[]][] = [
  [person, { name: "a", age: 1 }, []],
  [person, 1, ["must be object"]],
  [person, { age: -1.5, more: 1 }, [
    "must have property 'name'",
    "/age must be integer",
    "/age must be at least 0",
    "/more is not allowed",
  ]],
  [person, { name: "" }, ["/name must have at least 1 character"]],
  [{ required: ["constructor"] }, {}, ["must have property 'constructor'"]],
  [{ type: ["string", "null"] }, 1, ["must be string or null"]],
  [{ enum: ["a", 1, [2]] }, 2, ["must be one of 'a', 1, [2]"]],
  [{ items: { const: { a: 1 } } }, [{ a: 1 }, {}], ['/1 must be {"a":1}']],
  [{ anyOf: [{ type: "string" }, { properties: { a: { type: "null" } } }] }, { a: 1 }, [
    "must fit at least one of the alternatives",
  ]],
  [{ oneOf: [{}, true] }, 1, ["must fit exactly one of the alternatives"]],
  [{ properties: { a: { anyOf: [false] }, b: { type: "null" } } }, { a: 1, b: 1 }, [
    "/a must fit at least one of the alternatives",
    "/b must be null",
  ]],
  [{ not: {} }, 1, ["is not allowed"]],
  [{ not: { type: "number" } }, 1, ["must not fit the schema under 'not'"]],
  [{ contains: { type: "null" } }, [1], ["does not contain the right number of items that fit"]],
  [{ propertyNames: { maxLength: 1 } }, { ab: 1 }, ["must not have a property called 'ab'"]],
  [{ uniqueItems: true }, [{ a: [1] }, 2, { a: [1] }], ["must not have the same item twice"]],
  [{ maxItems: 1, minItems: 1 }, [1, 2], ["must have at most 1 item"]],
  [{ multipleOf: 0.1 }, 0.35, ["must be a multiple of 0.1"]],
  [{ exclusiveMaximum: 3 }, 3, ["must be under 3"]],
  [{ pattern: "^[a-z]+$" }, "A", ["must match the pattern ^[a-z]+$"]],
  [{ format: "date" }, "2026-02-30", ["must be a valid date"]],
  [{ format: "unknown" }, "x", []],
  [{ format: "__proto__" }, "x", []],
  [{ dependentRequired: { a: ["b"] } }, { a: 1 }, ["must have property 'b', because it has 'a'"]],
  [{ if: { type: "string" }, then: { minLength: 2 }, else: false }, "x", ["must have at least 2 characters"]],
  [{ properties: { "a/b ~%ü": { type: "null" } } }, { "a/b ~%ü": 1 }, ["/a~1b ~0%ü must be null"]],
  [{ $ref: "#/$defs/a~1b%20c", $defs: { "a/b c": { enum: [1] } } }, 2, ["must be one of 1"]],
  [{ $defs: { a: { $anchor: "here", type: "null" } }, $ref: "#here" }, 2, ["must be null"]],
  [
    { $id: "https://a.example/x", id: "b", properties: { $ref: { $ref: "#/$defs/t" } }, $defs: { t: false } },
    {
      $ref: 1,
    },
    ["/$ref is not allowed"],
  ],
  [{ properties: { children: { items: { $ref: "#" } }, n: { type: "number" } } }, {
    children: [{ n: 1, children: [{ n: "x" }] }],
  }, ["/children/0/children/0/n must be number"]],
  [{ patternProperties: { "^x-": { type: "string" } }, additionalProperties: false }, { "x-a": 1, b: 1 }, [
    "/x-a must be string",
    "/b is not allowed",
  ]],
];

for (const [schema, value, errors] of ERRORS) {
  Deno.test(`DF-109 ${JSON.stringify(schema)} on ${JSON.stringify(value)}`, async () => {
    assertEquals(await errorsOf(schema, value), errors);
  });
}

Deno.test("DF-106 what is wrong with a schema is said before any value is there", async () => {
  const table: [JsonObject, string][] = [
    [{ type: "nonsense" }, "'type' must be one of null, boolean"],
    [{ type: [] }, "'type' must be one of"],
    [{ properties: { a: { minLength: -1 } } }, "'properties/a/minLength' must be a whole number from 0"],
    [{ properties: [] }, "'properties' must be schemas by name"],
    [{ items: [{}] }, "'items' must be a schema"],
    [{ required: "a" }, "'required' must be a list of texts"],
    [{ multipleOf: 0 }, "'multipleOf' must be a number over 0"],
    [{ allOf: [] }, "'allOf' must be a list of schemas"],
    [{ anyOf: [1] }, "'anyOf/0' must be a schema"],
    [{ $dynamicRef: "#a" }, "'$dynamicRef' is not supported; use $ref"],
    [{ $ref: "#/$defs/none" }, "There is no schema at #/$defs/none"],
    [{ $ref: 1 }, "'$ref' must be a text"],
    [{ pattern: "(" }, "'(' is not a regular expression"],
    [{ $ref: "#" }, "A reference leads back to itself"],
    [
      {
        $ref: "#/$defs/a",
        $defs: { a: { anyOf: [{ $ref: "#/$defs/b" }] }, b: { not: { $ref: "#/$defs/a" } } },
      },
      "A reference leads back to itself",
    ],
  ];
  for (const [schema, words] of table) assertStringIncludes(await faultOf(schema), words);
  const deep = Array.from({ length: 70 }).reduce<JsonObject>((inner) => ({ not: inner }), {});
  assertStringIncludes(await faultOf(deep), "is nested deeper than 64");
  const remote = await schemaCheck({ items: { $ref: "other.json#/a" } });
  assertEquals(!remote.ok && remote.remote, "other.json#/a");
});

Deno.test("R1 schemas and values are checked while making code of text is impossible", async () => {
  const original = globalThis.Function;
  const refuse = () => {
    throw new Error("code was made of text");
  };
  try {
    globalThis.Function = new Proxy(original, { construct: refuse, apply: refuse });
    assertEquals(await errorsOf(person, {}), ["must have property 'name'"]);
  } finally {
    globalThis.Function = original;
  }
});

Deno.test("P1 patterns that could take exponential time are refused, common ones are not", () => {
  const refused = [
    "^(a+)+$",
    "^(a|a)*$",
    "(?:a*){2,}",
    "((a{1,2}))*",
    "(a?)+",
    "(?=a)",
    "(?<!a)b",
    "(a)\\1",
    "(?<x>a)\\k<x>",
    "a*a*a*a*a*a*",
    "a?".repeat(60),
    "a{5000}",
    "x".repeat(201),
  ];
  for (const pattern of refused) assert(!patternUse(pattern).ok, pattern);
  const taken = [
    "^[a-z][a-z0-9_]{0,63}$",
    "^\\d{4}-\\d{2}-\\d{2}$",
    "^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$",
    "^(draft|final)$",
    "^https?://[^/]+/.*$",
    "^[(+*?{}|]+$",
    "\\((a|b)\\)",
    "^(\\+\\d{1,3} )?\\d+$",
    "^\\p{L}+$",
  ];
  for (const pattern of taken) assert(patternUse(pattern).ok, pattern);
});

Deno.test("P1 the worst texts within the limit of a pattern are done in time, longer ones are not tried", async () => {
  for (const pattern of ["^a*a*a*$", "a*b", "^(?:a|b)?a*a*c$"]) {
    const use = patternUse(pattern);
    assert(use.ok);
    const before = performance.now();
    assertEquals(await errorsOf({ pattern }, "a".repeat(use.limit - 1) + "!"), [
      `must match the pattern ${pattern}`,
    ]);
    assert(performance.now() - before < 2000, pattern);
    assertEquals(await errorsOf({ pattern }, "a".repeat(use.limit + 1)), [
      `must have at most ${use.limit} characters`,
    ]);
  }
});

Deno.test("C1 schemas and values that together take too long are refused at once", async () => {
  const levels = Array.from(
    { length: 40 },
    (_, i) => [`a${i}`, { allOf: [0, 1].map(() => ({ $ref: `#/$defs/a${i + 1}` })) }],
  );
  const doubling = { $ref: "#/$defs/a0", $defs: { ...Object.fromEntries(levels), a40: {} } };
  const both = { allOf: [0, 1].map(() => ({ properties: { x: { $ref: "#" } } })) };
  const nested = Array.from({ length: 90 }).reduce<JsonObject>((inner) => ({ x: inner }), {});
  const many = Array.from({ length: 300_000 }, () => 1);
  const table: [JsonObject, Json][] = [
    [doubling, 1],
    [both, nested],
    [{ items: { enum: Array.from({ length: 2000 }, (_, i) => i) } }, many],
    [{ items: { pattern: "a*a*b" } }, Array.from({ length: 1000 }, () => "a".repeat(200))],
    [{ patternProperties: { "a*a*b": true } }, { ["a".repeat(1000)]: 1 }],
  ];
  const before = performance.now();
  for (const [schema, value] of table) {
    assertEquals(await errorsOf(schema, value), ["is too much to check against its schema"]);
  }
  assert(performance.now() - before < 5000);
  assertEquals(await errorsOf({ uniqueItems: true }, many), ["must have at most 1000 items"]);
  assertEquals(await errorsOf({ items: { type: "string" } }, many), ["/0 must be string"]);
  assertEquals(await errorsOf({ items: { type: "number" } }, many), []);
});

Deno.test("a check never throws and agrees with itself, whatever schema and value", async () => {
  const keys =
    "type enum const properties items required $ref allOf anyOf pattern format minLength not $defs if then"
      .split(" ");
  const json = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>;
  const words = fc.constantFrom<Json>(
    "string",
    "#",
    "#/$defs/a",
    ["a"],
    { a: {} },
    { a: { $ref: "#" } },
    [{}],
    1,
    true,
  );
  const schemas = fc.dictionary(fc.constantFrom(...keys), fc.oneof(words, json), { maxKeys: 5 });
  await fc.assert(
    fc.asyncProperty(schemas as fc.Arbitrary<JsonObject>, json, async (schema, value) => {
      const text = JSON.stringify(schema);
      const read = await schemaCheck(schema);
      if (read.ok) assertEquals(read.check(value), read.check(value));
      assertEquals(JSON.stringify(schema), text, "the schema was changed");
    }),
    { numRuns: 500 },
  );
});
