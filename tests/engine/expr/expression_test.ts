import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import jsonata from "jsonata";
import { clearCache, explain, parseExpression } from "../../../engine/expr/expression.ts";
import { FUNCTIONS } from "../../../engine/expr/functions.ts";

function first(text: string): [string, string | undefined] {
  const problem = parseExpression(text).problems[0];
  return problem === undefined ? ["", undefined] : [explain(problem), problem.suggestion];
}

Deno.test("DF-306 an expression is at most 20000 characters", () => {
  assertEquals(first("1" + " ".repeat(19_999))[0], "");
  assertEquals(first("1" + " ".repeat(20_000))[0], "Expression is too long (20001 of 20000 characters)");
});

Deno.test("DF-306 brackets nest at most 100 deep", () => {
  assertEquals(first("(".repeat(100) + "1" + ")".repeat(100))[0], "");
  assertEquals(
    first("(".repeat(101) + "1" + ")".repeat(101))[0],
    "Expression is nested too deeply (limit 100)",
  );
  assertEquals(first(`"${"(".repeat(200)}"`)[0], "", "brackets in a string are not brackets");
  assertEquals(first("(1)".concat(" + (1)".repeat(200)))[0], "", "brackets side by side are not nested");
});

Deno.test("J2 text that the library would copy or recurse into without end is refused before it sees it", () => {
  const copies = (n: number) => "(".repeat(n) + "a" + " ?? b)".repeat(n);
  assertEquals(first(copies(8))[0], "");
  const before = performance.now();
  assertEquals(parseExpression(copies(60)).problems[0]?.code, "expression_too_deep");
  assertEquals(parseExpression(copies(60).replaceAll("??", "?:")).problems[0]?.code, "expression_too_deep");
  // The library fails too, but only after it has filled half a gigabyte.
  assert(performance.now() - before < 500);
  for (const hostile of ["-".repeat(19_000) + "1", "1" + "+1".repeat(9_000), "[".repeat(19_000)]) {
    assertEquals(parseExpression(hostile).problems[0]?.code, "expression_too_deep");
  }
});

Deno.test("DF-304 $eval, unknown functions and unknown variables are problems", () => {
  const table: [string, string][] = [
    ["$eval('1')", "$eval is not available"],
    ["$map(x, $eval)", "$eval is not available"],
    ["($f := $eval; $f('1'))", "$eval is not available"],
    ["$avg(x)", "Unknown function $avg. Did you mean $average?"],
    ["$uppercse(x)", "Unknown function $uppercse. Did you mean $uppercase?"],
    ["$nothinglikeit(x)", "Unknown function $nothinglikeit"],
    ["$y + 1", "Unknown variable $y"],
    ["$__in", "Names beginning $__ are reserved"],
    ["sum(x)", "Unknown function sum. Did you mean $sum?"],
    ["($y := 1; $y)", ""],
    ["x@$y.($y)", ""],
    ["x#$i[$i = 0]", ""],
    ["$map(x, function($v, $i) { $v + $i })", ""],
    ["$params.a & $$.b & $now()", ""],
  ];
  assertEquals(table.map(([text]) => [text, first(text)[0]]), table);
});

Deno.test("DF-302 every function known is one of the library's, or $uuid", async () => {
  for (const name of FUNCTIONS) {
    const type = await jsonata(`$type($${name}) = "function" or $exists($${name})`).evaluate({});
    assert(type || name === "uuid", `$${name}`);
  }
});

Deno.test("DF-314 a syntax error names line and column", () => {
  const table: [string, string][] = [
    ["a = =", 'Invalid expression: The symbol "=" cannot be used as a unary operator (line 1, column 5)'],
    ["\n\n  a b", 'Invalid expression: Syntax error: "b" (line 3, column 5)'],
    ["$sum(x", 'Invalid expression: Expected ")" before end of expression (line 1, column 7)'],
    ["a /* b", "Invalid expression: Comment has no closing tag (line 1, column 3)"],
    ["  ", "Empty expression"],
    ["/* nothing */", "Empty expression"],
  ];
  assertEquals(table.map(([text]) => [text, first(text)[0]]), table);
});

Deno.test("DF-321..326 a syntax error comes with the first suggestion that fits", () => {
  const table: [string, string][] = [
    ["a == b", "Use = to compare"],
    ["a && b", "Use and, or"],
    ["a => b", "Use function($x){ … }"],
    ["a[?(b > 1)]", "Write the condition alone: [price > 100]"],
    ["${a}", "Leave out ${ }; fields are named directly"],
    ["!a", "Use $not(x)"],
    ["items.map(x)", "Functions come first: $map(items, …)"],
    ["$sum(x", "Close the ( opened at column 5"],
    ["'==' +", "Check JSONata syntax"],
  ];
  assertEquals(table.map(([text]) => [text, first(text)[1]]), table);
});

Deno.test("DF-303 the function that makes an expression volatile is named", () => {
  assertEquals(parseExpression("a & $now()").volatile, "now");
  assertEquals(parseExpression("($now := 1; $now)").volatile, undefined);
});

Deno.test("DF-313 parsed expressions are kept, the 500 last used", () => {
  clearCache();
  const kept = parseExpression("kept");
  for (let i = 0; i < 499; i++) parseExpression(`a${i}`);
  assertStrictEquals(parseExpression("kept"), kept);
  for (let i = 0; i < 499; i++) parseExpression(`b${i}`);
  assertStrictEquals(parseExpression("kept"), kept);
  for (let i = 0; i < 500; i++) parseExpression(`c${i}`);
  assert(parseExpression("kept") !== kept, "the least recently used went");
});

Deno.test("DF-314 any text gives a tree or a problem, never an exception", () => {
  const pieces = fc.constantFrom(
    ..."( ) [ ] { } . .. ^ % @ # $ $x a ' \" ` / /* */ ?? ?: ~> | := , ; 1 -".split(" "),
  );
  const texts = fc.oneof(fc.string(), fc.array(pieces, { maxLength: 30 }).map((all) => all.join("")));
  fc.assert(
    fc.property(texts, (text) => {
      const { ast, problems } = parseExpression(text);
      assert(ast !== undefined || problems.length > 0);
      for (const problem of problems) {
        assert(problem.line >= 1 && problem.column >= 1 && problem.column <= text.length + 1);
        assert(explain(problem).length > 0);
      }
    }),
    { numRuns: 1000 },
  );
});
