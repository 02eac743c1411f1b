import jsonata from "jsonata";
import { assertEquals } from "@std/assert";
import { getExamples, getSyntaxHelp } from "../../../../engine/expr/editor/examples.ts";
import { validate } from "../../../../engine/expr/editor/validate.ts";

Deno.test("DF-331..334 every example gives what it says", async () => {
  for (const { expression, inputExample, outputExample } of getExamples()) {
    assertEquals(validate(expression), { valid: true }, expression);
    const value = await jsonata(expression).evaluate(inputExample);
    assertEquals(JSON.parse(JSON.stringify(value)), outputExample, expression);
  }
});

Deno.test("DF-331..334 every expression that is asked for is among them", () => {
  const named: Record<string, string[]> = {};
  for (const { category, expression } of getExamples()) (named[category] ??= []).push(expression);
  assertEquals(named, {
    path: [
      "user.name",
      "items[*].name",
      "response.data.results",
      "items[-1].name",
      "**.price",
      "user.mail ?? 'none'",
    ],
    filter: ["price > 100", 'status = "active"', '$contains(name, "test")', "[items[price > 100]]"],
    map: [
      '{ "id": id, "name": name }',
      '{ "total": price * quantity }',
      '{ "fullName": firstName & " " & lastName }',
    ],
    aggregate: [
      "$sum(items.price)",
      "$average(items.rating)",
      "$count(items)",
      "$max(items.value)",
      "$sum(items[price > 100].price)",
      "$join(items.name, ', ')",
      "$distinct(items.name)",
      "items{name: price}",
      "items^(>price).name",
    ],
  });
});

Deno.test("DF-335 syntax help has five lines that are right, and one for blocks", () => {
  const { lines, blocks } = getSyntaxHelp();
  assertEquals(lines.length, 5);
  for (const { expression } of lines) assertEquals(validate(expression), { valid: true }, expression);
  assertEquals(blocks, "Insert blocks from the palette, or type {{block:");
});

Deno.test("DF-315 the first problem is told with its place and what would be right", () => {
  assertEquals(validate("items{{block:aggregate:sum:price}} > 1"), { valid: true });
  assertEquals(validate("a{{block:field:}} & $avg(b)"), {
    valid: false,
    error: "Block 1 (Field) has no path",
    position: 1,
  });
  assertEquals(validate("a & $avg(b)"), {
    valid: false,
    error: "Unknown function $avg. Did you mean $average?",
    suggestion: "Did you mean $average?",
    position: 4,
  });
  assertEquals(validate(" "), { valid: false, error: "Empty expression", position: 0 });
});

Deno.test("DF-401 DF-314 without blocks the problem stands at its place in the text", () => {
  assertEquals(validate("a +\n  = b").position, 6);
  assertEquals(validate("a{{block:field:x}} &\n = b"), {
    valid: false,
    error: 'Invalid expression: The symbol "=" cannot be used as a unary operator (line 2, column 2)',
    suggestion: "Check JSONata syntax",
    position: 22,
  });
  assertEquals(
    validate("a{{block:field:x}} = =").error,
    'Invalid expression: The symbol "=" cannot be used as a unary operator (line 1, column 22)',
  );
});
