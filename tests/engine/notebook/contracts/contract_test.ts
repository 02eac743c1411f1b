import { assertEquals } from "@std/assert";
import { buildGraph } from "../../../../engine/graph/graph.ts";
import { parse } from "../../../../engine/notebook/parse.ts";

const HEAD = "~~~jsonata a\n1\n~~~\n\n~~~agent t\nSay it\n~~~\n\n~~~ts x\ninputs:\n  i:\n    from: ";

/** `message (line:column)` of everything that is wrong with an input `i` of `x`; its lines begin at 13. */
function told(lines: string[], from = "a", source = "return i;"): string[] {
  const text = `${HEAD}${from}\n${lines.map((line) => `    ${line}\n`).join("")}---\n${source}\n~~~\n`;
  const { notebook, problems } = parse(text);
  return [...problems, ...buildGraph(notebook).problems].map(({ message, line, column, expected, type }) =>
    `${type}: ${message} (${line}:${column})${type === "connection" ? ` ${expected}` : ""}`
  );
}

const BAD: [string, string[], string][] = [
  [
    "DF-211 an unknown transformation",
    ["transform: [{ type: sort }]"],
    "Unknown transformation type: sort (13:19)",
  ],
  ["DF-202 no type", ["transform: [{ path: a }]"], "A transformation has no type (13:17)"],
  [
    "DF-202 no expression",
    ["transform:", "  - type: filter"],
    "A transformation 'filter' needs predicate, a text (14:9)",
  ],
  [
    "DF-202 a field of another type",
    ["transform:", "  - { type: filter, predicate: a, mapper: b }"],
    "A transformation 'filter' has no 'mapper': it takes predicate (14:39)",
  ],
  [
    "DF-202 a batch of nothing",
    ["transform:", "  - { type: batch, batchSize: 0 }"],
    "'batchSize' must be a whole number from 1 to 10000 (14:24)",
  ],
  [
    "DF-201 too many transformations",
    [`transform: [${"{ type: batch }, ".repeat(21)}]`],
    "'inputs.i.transform' of 'x' must be a list of at most 20 transformations (13:5)",
  ],
  ["DF-254 an unknown format", ["validate: [{ type: format, format: csv }]"], "Unknown format: csv (13:32)"],
  [
    "DF-251 an unknown check",
    ["validate: [{ type: required }]"],
    "The type of a check must be schema, size, format or custom (13:18)",
  ],
  [
    "DF-253 a size that is none",
    ["validate: [{ type: size, maxBytes: much }]"],
    "A check 'size' needs maxBytes, a whole number from 0 (13:30)",
  ],
  [
    "DF-251 an unknown severity",
    ["validate: [{ type: size, maxBytes: 1, severity: fatal }]"],
    "'severity' must be error or warning (13:43)",
  ],
];
for (const [name, lines, message] of BAD) {
  Deno.test(`${name} is a problem at its place`, () => assertEquals(told(lines), [`config: ${message}`]));
}

Deno.test("DF-304 DF-314 expressions of transformations and checks are parsed, and what they name is no cell", () => {
  assertEquals(told(["transform:", "  - { type: filter, predicate: price > $least(1) }"]), [
    "expression: Unknown function $least (14:44)",
  ]);
  assertEquals(told(["validate:", "  - { type: custom, expression: $eval('1') }"]), [
    "expression: $eval is not available (14:37)",
  ]);
  assertEquals(told(["transform:", "  - { type: path, path: no.such.cell }"]), []);
  assertEquals(told(["transform:", "  - type: path", "    path: items[price > $params.least]"]), [
    "connection: No param is named 'least' (15:37) undefined",
  ]);
});

Deno.test("DF-131 DF-132 types that do not go together are a problem with the ways out", () => {
  const refused = "connection: Cannot connect t (text) to x.i (json) (11:3) Parse as JSON or Add a path";
  assertEquals(told(["type: json"], "t"), [refused]);
  assertEquals(told(["type: json", "parse: true"], "t"), []);
  assertEquals(told(["type: json", "transform: [{ type: path, path: a }]"], "t"), []);
  assertEquals(told(["type: text"], "t"), []);
  assertEquals(told(["type: code"], "t"), []);
  assertEquals(told(["type: artifact"], "t"), []);
  assertEquals(told(["type: stream"], "t"), []);
  assertEquals(told(["type: text"], "a"), [], "JSON goes into text");
  assertEquals(told([], "t"), [], "an input that does not say its type takes what comes");
});

Deno.test("DF-132 an artifact goes on only as an artifact, or through a transformation", () => {
  const text = (contract: string) =>
    `~~~ts a\noutputs: { f: { type: artifact } }\n---\nreturn 1\n~~~\n\n~~~ts x\ninputs: { i: { from: a.f, ${contract} } }\n---\nreturn i\n~~~\n`;
  const wrong = (contract: string) =>
    buildGraph(parse(text(contract)).notebook).problems.map(({ message, expected }) =>
      `${message}: ${expected}`
    );
  assertEquals(wrong("type: text"), ["Cannot connect a.f (artifact) to x.i (text): Read artifact as text"]);
  assertEquals(wrong("type: json"), ["Cannot connect a.f (artifact) to x.i (json): Add a path"]);
  assertEquals(wrong("type: artifact"), []);
  assertEquals(wrong("type: json, transform: [{ type: path, path: name }]"), []);
});

Deno.test("DF-410 blocks stand in expressions and not in placeholders", () => {
  const problems = (text: string) =>
    buildGraph(parse(text).notebook).problems.map(({ message, line, column }) =>
      `${message} (${line}:${column})`
    );
  const good = "~~~jsonata a\n1\n~~~\n\n~~~jsonata b\na{{block:aggregate:sum:price}}\n~~~\n";
  const { graph } = buildGraph(parse(good).notebook);
  assertEquals(graph.edges.map(({ id }) => id), ["a.->b.a"]);
  assertEquals(problems(good), []);
  assertEquals(problems(good.replace("a{{", "c{{")), [
    "No cell or param is named 'c' (6:1)",
  ]);
  assertEquals(problems(good.replace("sum", "med")), ["Block 1 (Aggregate) has no function 'med' (6:2)"]);
  assertEquals(problems("~~~jsonata a\n1\n~~~\n\n~~~agent b\nSum: {{ a{{block:field:x}} }}\n~~~\n"), [
    "Blocks cannot be used in a placeholder; use Insert as JSONata (6:9)",
  ]);
});
