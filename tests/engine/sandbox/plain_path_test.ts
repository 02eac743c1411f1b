import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import jsonata from "jsonata";
import type { Json, JsonObject } from "../../../engine/base/json.ts";
import type { Ast } from "../../../engine/expr/ast.ts";
import { parseExpression } from "../../../engine/expr/expression.ts";
import { readPlainPath } from "../../../engine/sandbox/plain_path.ts";

const key = fc.constantFrom(
  "a",
  "b",
  "c",
  "__proto__",
  "constructor",
  "toString",
  "length",
  "sequence",
  "x y",
);
const value: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom<Json>(null, true, 0, 1.5, "", "text", [], {}, [[]], [null]),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.array(fc.tuple(key, tie("value")), { maxLength: 4 }).map((pairs) => Object.fromEntries(pairs)),
  ),
})).value;
const root = fc.array(fc.tuple(key, value), { maxLength: 5 }).map((pairs) =>
  Object.fromEntries(pairs) as JsonObject
);
const path = fc.array(key, { minLength: 1, maxLength: 4 }).map((names) =>
  names.map((name) => `\`${name}\``).join(".")
);

Deno.test("DF-312 what is read inline is what the language gives, for any data", async () => {
  let inline = 0;
  await fc.assert(
    fc.asyncProperty(root, path, async (input, text) => {
      const read = readPlainPath(parseExpression(text).ast!, input);
      if (read === undefined) return;
      inline++;
      const result = await jsonata(text).evaluate(input);
      assertEquals(JSON.stringify(read.value), JSON.stringify(result));
      assertEquals("value" in read, result !== undefined);
    }),
    { numRuns: 3000 },
  );
  assert(inline > 1000, `only ${inline} of 3000 were plain`);
});

Deno.test("DF-312 anything but names and dots is left to the evaluator", () => {
  const input = { a: { b: 1 }, list: [{ b: 1 }], mark: { _jsonata_lambda: true, b: 1 } };
  for (
    const text of [
      "a[0]",
      "a.b[0]",
      "a[b]",
      "[a.b]",
      "a.*",
      "a.**",
      "$.a",
      "$$.a",
      "a{b: 1}",
      "a^(b)",
      "a@$x.b",
      "a#$i.b",
      "a.b[]",
      "a.$string()",
      "list.b",
      "mark.b",
      "(a)",
      "a.%.b",
      "1",
      "'a'",
      "a ~> $string",
    ]
  ) {
    const ast = jsonata(text).ast() as Ast;
    assertEquals(readPlainPath(ast, input), undefined, text);
  }
});
