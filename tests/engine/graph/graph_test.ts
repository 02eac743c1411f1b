import { assert, assertEquals } from "@std/assert";
import type { JsonObject } from "../../../engine/base/json.ts";
import { sha256 } from "../../../engine/base/hash.ts";
import { findCycles } from "../../../engine/graph/cycles.ts";
import { buildGraph, MAX_CELLS } from "../../../engine/graph/graph.ts";
import { runOrder } from "../../../engine/graph/order.ts";
import { fingerprints, staleCells } from "../../../engine/graph/stale.ts";
import type { Graph } from "../../../engine/graph/types.ts";
import type { Notebook } from "../../../engine/notebook/types.ts";
import { CASES } from "./cases.ts";
import { notebookOf } from "./notebook_of.ts";

function marks(notebook: Notebook, graph: Graph, params: JsonObject = {}): Map<string, string> {
  return fingerprints(graph, { frontMatter: notebook.frontMatter, params, hash: sha256 });
}

function historyOf(current: Map<string, string>) {
  return Object.fromEntries([...current].map(([name, fingerprint]) => [name, { fingerprint }]));
}

for (const { name, cells, params, ...expected } of CASES) {
  Deno.test(`DF-121 graph: ${name}`, () => {
    const notebook = notebookOf(cells, { params });
    const { graph, problems } = buildGraph(notebook);
    assertEquals(graph.edges.map(({ id }) => id), expected.edges);
    const parents = [...graph.into].map(([target, edges]): [string, string[]] => [
      target,
      [...new Set(edges.map(({ source }) => source))].sort(),
    ]);
    assertEquals(Object.fromEntries(parents), expected.parents);
    assertEquals(runOrder(graph).order, expected.order);
    assertEquals(findCycles(graph), expected.cycles ?? []);
    const messages = problems.filter(({ code }) => code !== "cycle_found").map(({ message }) => message);
    assertEquals(messages, expected.problems ?? []);
    const reads = graph.nodes.filter((node) => node.params.length > 0).map((
      node,
    ) => [node.name, node.params]);
    assertEquals(Object.fromEntries(reads), expected.reads ?? {});
    if (expected.staleAfterEdit === undefined) return;
    const { edit, stale } = expected.staleAfterEdit;
    const history = historyOf(marks(notebook, graph));
    assertEquals(staleCells(graph, marks(notebook, graph), history), new Map());
    const edited = notebookOf(cells, { params });
    for (const block of edited.blocks) if (block.type === "cell" && block.name === edit) block.source += " ";
    const after = buildGraph(edited).graph;
    assertEquals(Object.fromEntries(staleCells(after, marks(edited, after), history)), stale);
  });
}

Deno.test("DF-123 a problem stands at its line and column in the file", () => {
  const headerText = "system: |\n  Hello {{ nobody }}\nwhen: x.y > none\ninputs:\n  draft: { from: writr }\n";
  const notebook = notebookOf({
    writer: "jsonata: 1 +\n  unknown_a",
    code: { kind: "ts", source: "const a = 1;\nreturn unknown_b", indent: 2 },
    text: {
      kind: "agent",
      source: "first\nsecond {{ 1 +\n unknown_c }}",
      headerText,
      header: { system: "Hello {{ nobody }}\n", when: "x.y > none", inputs: { draft: { from: "writr" } } },
    },
  });
  const found = buildGraph(notebook).problems.map(({ message, line, column, cell }) => [
    message.match(/'(\w+)'/)![1],
    line,
    column,
    cell,
  ]);
  assertEquals(found, [
    ["unknown_a", 12, 3, "writer"],
    ["unknown_b", 22, 10, "code"],
    ["nobody", 32, 12, "text"],
    ["x", 33, 7, "text"],
    ["none", 33, 13, "text"],
    ["writr", 35, 3, "text"],
    ["unknown_c", 39, 2, "text"],
  ]);
});

Deno.test("DF-314 DF-603 problems of expressions and placeholders name their place in the file", () => {
  const notebook = notebookOf({
    a: "jsonata: 1 +",
    b: "agent: x\n{{ a",
    c: "agent: {{ == }}",
    d: "ts: return (",
  });
  const found = buildGraph(notebook).problems.map(({ message, line, type }) => [message, line, type]);
  assertEquals(found, [
    ["Invalid expression: Unexpected end of expression (line 11, column 4)", 11, "expression"],
    ["Placeholder opened at line 22 is not closed: add }}", 22, "expression"],
    [
      'Invalid expression: The symbol "=" cannot be used as a unary operator (line 31, column 4)',
      31,
      "expression",
    ],
    ["Code does not parse: Unexpected end of the code", 41, "expression"],
  ]);
});

Deno.test("G3 a cycle is a problem that names its cells", () => {
  const { problems } = buildGraph(notebookOf({ a: "jsonata: b", b: "jsonata: a" }));
  assertEquals(problems.map(({ code, message, cell, line }) => [code, message, cell, line]), [
    ["cycle_found", "Cells form a cycle: a → b → a", "a", 10],
  ]);
});

Deno.test("DF-124 an edge of a list of sources keeps the list's order, and required stays with the contract", () => {
  const cells = {
    a: "jsonata: 1",
    b: "jsonata: 2",
    c: { source: "x", header: { inputs: { x: { from: ["b", "a"], required: false } } } },
  };
  const { graph } = buildGraph(notebookOf(cells));
  assertEquals(
    graph.into.get("c")!.map(({ source, targetPort, required }) => [source, targetPort, required]),
    [
      ["b", "x", false],
      ["a", "x", false],
    ],
  );
});

Deno.test("DF-303 a cell that uses $now says so", () => {
  const { graph } = buildGraph(notebookOf({ a: "agent: It is {{ $now() }}", b: "jsonata: 1" }));
  assertEquals(graph.nodes.map(({ volatile }) => volatile), ["now", undefined]);
});

Deno.test("G5 a fingerprint changes with what it covers and with nothing else", () => {
  const base = { a: "agent: {{ topic }}", b: "jsonata: a", c: { source: "1", header: { after: "a" } } };
  const print = (cells: Parameters<typeof notebookOf>[0], front = {}, params: JsonObject = {}) => {
    const notebook = notebookOf(cells, { params: { topic: "x", other: "y" }, ...front });
    return marks(notebook, buildGraph(notebook).graph, params);
  };
  const before = print(base);
  const changed = (after: Map<string, string>) =>
    [...after].filter(([k, v]) => before.get(k) !== v).map(([k]) => k);
  assertEquals(changed(print(base)), []);
  assertEquals(changed(print({ c: base.c, b: base.b, a: base.a })), [], "moving cells on the page");
  assertEquals(changed(print(base, {}, { other: "z" })), [], "a param that nobody reads");
  assertEquals(changed(print(base, {}, { topic: "x" })), [], "a param given as its default");
  assertEquals(changed(print(base, {}, { topic: "z" })), ["a", "b"]);
  assertEquals(changed(print({ ...base, a: "agent: {{topic}}" })), ["a", "b"]);
  assertEquals(changed(print({ ...base, b: "ts: a" })), ["b"]);
  assertEquals(changed(print(base, { data: { defaults: { model: "m" } } })), ["a", "b"]);
  assertEquals(changed(print(base, { data: { title: "t" } })), []);
  const header = (entries: JsonObject) =>
    print({ ...base, a: { kind: "agent", source: "{{ topic }}", header: entries } });
  assertEquals([...header({ x: 1, y: 2 })], [...header({ y: 2, x: 1 })], "keys have no order");
});

Deno.test("ST-231 why a cell is stale", () => {
  const cells = { a: "agent: {{ topic }}", b: "jsonata: a", c: "jsonata: b" };
  const at = (topic: string) => {
    const notebook = notebookOf(cells, { params: { topic } });
    const { graph } = buildGraph(notebook);
    return { graph, current: marks(notebook, graph) };
  };
  const old = historyOf(at("x").current);
  const { graph, current } = at("y");
  const stale = (history: Parameters<typeof staleCells>[2]) =>
    Object.fromEntries(staleCells(graph, current, history));
  assertEquals(stale(old), { a: "param topic changed", b: "a is stale", c: "b is stale" });
  assertEquals(stale({ ...old, a: historyOf(current).a! }), { b: "input a changed", c: "b is stale" });
  assertEquals(stale({}), { a: "not run", b: "not run", c: "not run" });
  assertEquals(stale(historyOf(current)), {});
});

Deno.test("SE-1404 more cells than the limit are a problem, not an exception", () => {
  const cells = Object.fromEntries(Array.from({ length: MAX_CELLS + 1 }, (_, i) => [`c${i}`, "jsonata: 1"]));
  const { problems } = buildGraph(notebookOf(cells));
  assertEquals(problems.map(({ code }) => code), ["graph_too_large"]);
});

Deno.test("many unknown names in many cells do not hang", () => {
  const cells = Object.fromEntries(
    Array.from({ length: 4000 }, (_, i) => [`cell${i}`, `jsonata: cel_${i}x`]),
  );
  const before = performance.now();
  const { problems } = buildGraph(notebookOf(cells));
  assertEquals(problems.length, 4000);
  assert(performance.now() - before < 5000);
});
