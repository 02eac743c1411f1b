import jsonata from "jsonata";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseExpression } from "../../../engine/expr/expression.ts";

/** Expression, then its root names: `name`, `name.port`, `$name` for `$params.name`. */
const CASES: [string, string][] = [
  ["scout", "scout"],
  ["scout.claims", "scout.claims"],
  ["scout.claims.text", "scout.claims"],
  ["`scout`.`the claims`", "scout.the claims"],
  ["'scout'.claims", "scout.claims"],
  ["scout.'claims'", "scout.claims"],
  ["'scout'", ""],
  ["scout[0].claims", "scout.claims"],
  ["scout.claims[confidence > 0.8]", "scout.claims"],
  ["[scout.claims[confidence > limit.x]]", "scout.claims"],
  ["scout[writer = 1]", "scout"],
  ["scout.(claims & writer)", "scout"],
  ["(scout; writer).x", "scout writer"],
  ["(scout).claims", "scout"],
  ["$.scout.claims", "scout.claims"],
  ["$$.scout.claims", "scout.claims"],
  ["scout.($$.writer.draft)", "scout writer.draft"],
  ["scout.($.writer)", "scout"],
  ["$", ""],
  ["$$", ""],
  ["$keys($$)", ""],
  ["*", ""],
  ["*.claims", ""],
  ["**.claims", ""],
  ["$$[scout > 1].writer", "scout writer"],
  ["($).scout", "scout"],
  ["($all := $$; $all.scout)", "scout"],
  ["($s := scout; $s.claims)", "scout"],
  ["$params.topic", "$topic"],
  ["scout.($params.topic & name)", "scout $topic"],
  ["$params", "$*"],
  ["$lookup($params, 'topic')", "$*"],
  ["scout + writer * 2", "scout writer"],
  ["scout and writer or best in others", "scout writer best others"],
  ["and", "and"],
  ["-scout", "scout"],
  ["scout ? writer : best", "scout writer best"],
  ["scout ?: writer", "scout writer"],
  ["scout.x ?? writer.y", "scout.x writer.y"],
  ["[first..last]", "first last"],
  ["{ 'scout': writer, name: 1 }", "writer name"],
  ["scout{ kind: $sum(price) }", "scout"],
  ["$.{ 'a': scout }", "scout"],
  ["scout^(>price, <name)", "scout"],
  ["$sum(scout.claims.price)", "scout.claims"],
  ["$map(scout, function($v) { $v.price * factor })", "scout factor"],
  ["scout.$map(items, function($v) { $v.price * factor })", "scout"],
  ["scout ~> $sum", "scout"],
  ["scout ~> $map(function($v) { writer })", "scout writer"],
  ["scout ~> | claims | { 'price': base }, ['old'] |", "scout"],
  ["$ ~> | scout | { 'price': base } |", "scout"],
  ["scout@$s.writer@$w[$s.id = $w.id].{ 'a': $s.b, 'c': best }", "scout writer best"],
  ["scout.loans@$l.books@$b[$l.isbn = $b.isbn]", "scout.loans"],
  ["scout#$i[$i < count].claims", "scout.claims"],
  ["scout.claims.%.writer", "scout.claims"],
  ["scout.(%.writer)", "scout writer"],
  ["scout.claims[%.confidence > 1]", "scout.claims"],
  ["[scout, writer].claims", "scout writer"],
  ["$match(scout, /wri{2}ter/)", "scout"],
  ["/* writer */ scout", "scout"],
  ["$substring(?, 0, 5)", ""],
  ["$filter(scout, $not(?))", "scout"],
  ["(function($n) { $n <= 1 ? base : $n })(3)", "base"],
  ["($f := function($n) { $n > 0 ? $f($n - 1) : done }; $f(3))", "done"],
  ["scout.a.b[c = d]{ e: f }^(g).h", "scout.a"],
];

function namesIn(expression: string): string {
  const { references, problems } = parseExpression(expression);
  assertEquals(problems, [], expression);
  return [...references].map(({ name, port, param }) => `${param ? "$" : ""}${name}${port ? `.${port}` : ""}`)
    .join(" ");
}

Deno.test("DF-121 the root names of an expression are found on its tree", () => {
  const found = CASES.map(([expression]) => [expression, namesIn(expression)]);
  assertEquals(found, CASES);
});

Deno.test("DF-121 a reference says where its name begins", () => {
  const { references } = parseExpression("1 +\n  `scout`.x & $$.writer & $params.topic");
  assertEquals(references.map(({ name, offset }) => [name, offset]), [["scout", 6], ["writer", 21], [
    "topic",
    38,
  ]]);
});

/** Words that the library itself asks any value for. */
const OWN = new Set(["then", "next", "sequence", "outerWrapper", "tupleStream", "cons", "toJSON"]);

/** An input that has a value for each name, and notes which are asked for. */
function watched(): { input: Record<string, unknown>; read: Set<string> } {
  const read = new Set<string>();
  const item = {
    claims: [{ confidence: 1, price: 2, name: "a" }],
    price: 3,
    name: "b",
    id: 1,
    x: 1,
    writer: 0,
  };
  const known = (key: string | symbol) => typeof key === "string" && !key.startsWith("_") && !OWN.has(key);
  const input = new Proxy({}, {
    get(_, key) {
      if (!known(key)) return undefined;
      read.add(key as string);
      return structuredClone(item);
    },
    has: (_, key) => known(key),
    getOwnPropertyDescriptor: (_, key) =>
      known(key) ? { configurable: true, enumerable: true, writable: true, value: item } : undefined,
  });
  return { input, read };
}

async function readBy(expression: string): Promise<string[]> {
  const { input, read } = watched();
  try {
    await jsonata(expression, { timeout: 1000, stack: 500, sequence: 1000 }).evaluate(input, { params: {} });
  } catch {
    // A type error of these made-up values: what was read before it still counts.
  }
  return [...read];
}

Deno.test("J1 the watched input sees the evaluator's reads", async () => {
  assertEquals(await readBy("scout.claims & $$.writer"), ["scout", "writer"]);
  assertEquals(await readBy("scout.(%.writer)"), ["scout", "writer"]);
});

Deno.test("J1 all that the evaluator reads from its input is among the references", async () => {
  // `**` hands on the input among all else; what is read through it is left out on purpose.
  for (const [expression] of CASES.filter(([expression]) => !expression.startsWith("**"))) {
    const known = parseExpression(expression).references.map(({ name }) => name);
    for (const name of await readBy(expression)) assert(known.includes(name), `${expression} read ${name}`);
  }
});

/** Expressions of every construct that changes the context; no function gives the input back, no wildcard leads to it. */
const expressions: fc.Arbitrary<string> = fc.letrec<{ e: string }>((tie) => {
  const name = fc.constantFrom("scout", "writer", "best", "claims", "price", "name");
  const e = tie("e");
  return {
    e: fc.oneof(
      { maxDepth: 4, depthSize: "small" },
      name,
      fc.constantFrom("$", "$$", "1", "'text'", "$params.topic"),
      fc.tuple(e, name).map(([a, b]) => `(${a}).${b}`),
      fc.tuple(name, e).map(([a, b]) => `${a}.(${b})`),
      fc.tuple(name, e).map(([a, b]) => `${a}[${b}]`),
      fc.tuple(e, e).map(([a, b]) => `((${a})[${b}])`),
      fc.tuple(name, e).map(([a, b]) => `${a}^(${b})`),
      fc.tuple(e, e).map(([a, b]) => `(${a}){ 'k': ${b} }`),
      fc.tuple(e, e).map(([a, b]) => `{ 'a': ${a}, 'b': ${b} }`),
      fc.tuple(e, e).map(([a, b]) => `[${a}, ${b}]`),
      fc.tuple(e, e).map(([a, b]) => `($v := ${a}; $v.(${b}))`),
      fc.tuple(e, e).map(([a, b]) => `(${a} ? ${b} : ${a})`),
      fc.tuple(e, e).map(([a, b]) => `(${a} ?? ${b})`),
      fc.tuple(e, e).map(([a, b]) => `(${a} & ${b})`),
      fc.tuple(name, e).map(([a, b]) => `$map(${a}, function($v) { { 'r': ${b} } })`),
      fc.tuple(e, e).map(([a, b]) => `(${a} ~> | ${b} | { 'z': ${b} } |)`),
      fc.tuple(name, e).map(([a, b]) => `${a}@$f.(${b})`),
      fc.tuple(name, name).map(([a, b]) => `${a}.(%.${b})`),
      e.map((a) => `$count(${a})`),
    ),
  };
}).e;

Deno.test("J1 of expressions of every construct no read is missed", async () => {
  await fc.assert(
    fc.asyncProperty(expressions, async (expression) => {
      const { references, problems } = parseExpression(expression);
      fc.pre(problems.length === 0);
      const known = references.map(({ name }) => name);
      for (const name of await readBy(expression)) assert(known.includes(name), `${expression} read ${name}`);
    }),
    { numRuns: 300 },
  );
});
