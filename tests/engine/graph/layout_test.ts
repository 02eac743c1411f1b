import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { curvesThrough, type Point } from "../../../components/graph/edge_path.ts";
import { buildGraph } from "../../../engine/graph/graph.ts";
import {
  arrangeGraph,
  layoutGraph,
  MAX_LAYERED,
  MAX_LAYERED_EDGES,
  type Size,
} from "../../../engine/graph/layout.ts";
import type { Edge, Graph } from "../../../engine/graph/types.ts";
import { parse } from "../../../engine/notebook/parse.ts";
import { NODE_SIZE } from "../../../routes/document.ts";
import { notebookOf } from "./notebook_of.ts";

type Box = Point & Size;

/** Points along the line of an edge, as it is drawn from the right side of one node to the left side of another. */
function lineOf({ id, source, target }: Edge, boxes: Map<string, Box>, bends: Map<string, Point[]>): Point[] {
  const [from, to] = [boxes.get(source)!, boxes.get(target)!];
  const curves = curvesThrough([
    { x: from.x + from.width, y: from.y + from.height / 2 },
    ...bends.get(id) ?? [],
    { x: to.x, y: to.y + to.height / 2 },
  ]);
  return curves.flatMap(({ from, to, by: [a, b] }) =>
    Array.from({ length: 41 }, (_, i) => {
      const [t, u] = [i / 40, 1 - i / 40];
      const at = (axis: "x" | "y") =>
        u ** 3 * from[axis] + 3 * u * u * t * a[axis] + 3 * u * t * t * b[axis] + t ** 3 * to[axis];
      return { x: at("x"), y: at("y") };
    })
  );
}

/** Edges whose line touches a node that is not at one of its ends. */
function crossings(graph: Graph, sizes: Map<string, Size>): string[] {
  const { positions, bends } = arrangeGraph(graph, sizes);
  const boxes = new Map(
    [...positions].map(([name, place]) => [name, { ...place, ...sizes.get(name)! }] as const),
  );
  return graph.edges.filter(({ source, target }) => source !== target).flatMap((edge) => {
    const line = lineOf(edge, boxes, bends);
    return [...boxes].filter(([name, box]) =>
      name !== edge.source && name !== edge.target &&
      line.some(({ x, y }) => x > box.x && x < box.x + box.width && y > box.y && y < box.y + box.height)
    ).map(([name]) => `${edge.id} crosses ${name}`);
  });
}

const samples = [...Deno.readDirSync("notebooks")].map(({ name }) => name).filter((name) =>
  /\.md$/.test(name)
);

Deno.test("G7 no edge of a sample notebook runs behind a node", async () => {
  let bent = 0;
  for (const file of samples) {
    const { graph } = buildGraph(parse(await Deno.readTextFile(`notebooks/${file}`)).notebook);
    const sizes = new Map(graph.nodes.map(({ name }) => [name, NODE_SIZE]));
    assertEquals(crossings(graph, sizes), [], file);
    bent += arrangeGraph(graph, sizes).bends.size;
  }
  assert(samples.length >= 4 && bent >= 2, `${bent} bends in ${samples.length} samples`);
});

Deno.test("G7 no edge runs behind a node, whatever leads where and however big nodes are", () => {
  const node = fc.nat({ max: 11 });
  const pairs = fc.array(fc.tuple(node, node), { maxLength: 20 });
  const sizes = fc.array(fc.record({ width: fc.integer({ min: 40, max: 400 }), height: fc.constant(98) }), {
    minLength: 12,
    maxLength: 12,
  });
  fc.assert(
    fc.property(pairs, sizes, (pairs, sizes) => {
      const into = Array.from({ length: 12 }, (): string[] => []);
      for (const [a, b] of pairs) if (a < b) into[b]!.push(`c${a}`);
      const cells = into.map((from, i) => [`c${i}`, `jsonata: [${from.join(", ")}]`] as const);
      const { graph } = buildGraph(notebookOf(Object.fromEntries(cells)));
      assertEquals(crossings(graph, new Map(sizes.map((size, i) => [`c${i}`, size]))), []);
    }),
    { numRuns: 60 },
  );
});

Deno.test("bends change no position; edges that lead back, and layouts without layers, have none", () => {
  const back = buildGraph(notebookOf({ a: "jsonata: c", b: "jsonata: a", c: "jsonata: [a, b]" })).graph;
  const { positions, bends } = arrangeGraph(back);
  assertEquals([...positions], [...layoutGraph(back)]);
  for (const id of bends.keys()) {
    const edge = back.edges.find((edge) => edge.id === id)!;
    assert(positions.get(edge.source)!.x < positions.get(edge.target)!.x, id);
  }
  const cells = Array.from(
    { length: MAX_LAYERED + 1 },
    (_, i) => [`c${i}`, i < 2 ? "jsonata: 1" : `jsonata: [c${i - 1}, c${i - 2}]`] as const,
  );
  const large = arrangeGraph(buildGraph(notebookOf(Object.fromEntries(cells))).graph);
  assertEquals([large.positions.size, large.bends.size], [MAX_LAYERED + 1, 0]);
});

Deno.test("ST-413 a graph of more edges than can be laid out at once takes a column for each level", () => {
  const cells = (reads: number) =>
    Array.from({ length: 200 }, (_, i) => {
      const names = Array.from({ length: Math.min(reads, i) }, (_, k) => `c${(i * 7 + k * 13) % i}`);
      return "```jsonata c" + i + `\n[${names.join(", ") || "1"}]\n` + "```\n";
    });
  const graphOf = (reads: number) => buildGraph(parse(cells(reads).join("\n")).notebook).graph;
  assert(arrangeGraph(graphOf(2)).bends.size > 0);
  const dense = graphOf(6);
  assert(dense.edges.length > MAX_LAYERED_EDGES);
  const { positions, bends } = arrangeGraph(dense);
  assertEquals([positions.size, bends.size], [200, 0]);
});
