import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { findCycles } from "../../../engine/graph/cycles.ts";
import { buildGraph } from "../../../engine/graph/graph.ts";
import { layoutGraph, MAX_LAYERED } from "../../../engine/graph/layout.ts";
import { runOrder } from "../../../engine/graph/order.ts";
import type { Graph } from "../../../engine/graph/types.ts";
import { notebookOf, type ShortCell } from "./notebook_of.ts";

/** A graph of cells `c0 …` in page order, with these edges from, to. */
function graphOf(size: number, pairs: readonly (readonly [number, number])[]): Graph {
  const sources = Array.from({ length: size }, (): number[] => []);
  for (const [from, to] of pairs) sources[to]!.push(from);
  const cells: [string, ShortCell][] = sources.map((from, i) => [
    `c${i}`,
    `jsonata: [${from.map((source) => `c${source}`).join(", ")}]`,
  ]);
  return buildGraph(notebookOf(Object.fromEntries(cells))).graph;
}

const SIZE = 12;
const node = fc.nat({ max: SIZE - 1 });
const anyPairs = fc.array(fc.tuple(node, node), { maxLength: 25 });
/** Edges of a graph without cycles: each leads forward in a shuffled order. */
const forwardPairs = fc.tuple(anyPairs, fc.shuffledSubarray([...Array(SIZE).keys()], { minLength: SIZE }))
  .map(([pairs, rank]) =>
    pairs.filter(([a, b]) => a !== b).map(([a, b]) => rank[a]! < rank[b]! ? [a, b] as const : [b, a] as const)
  );

/** Which cells reach which, by the definition. */
function reach(size: number, pairs: readonly (readonly [number, number])[]): boolean[][] {
  const can = Array.from({ length: size }, () => Array<boolean>(size).fill(false));
  for (const [a, b] of pairs) can[a]![b] = true;
  for (let k = 0; k < size; k++) {
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) can[i]![j] ||= can[i]![k]! && can[k]![j]!;
    }
  }
  return can;
}

Deno.test("G4 run order respects every edge, and the page where edges leave a choice", () => {
  fc.assert(fc.property(forwardPairs, (pairs) => {
    const graph = graphOf(SIZE, pairs);
    const { order, levels, left } = runOrder(graph);
    assertEquals(left, []);
    assertEquals(order.toSorted(), graph.nodes.map(({ name }) => name).toSorted());
    const at = new Map(order.map((name, i) => [name, i]));
    for (const { source, target } of graph.edges) {
      assert(at.get(source)! < at.get(target)!);
      assert(levels.get(source)! < levels.get(target)!);
    }
    // At each place, no cell further up the page was ready and not taken.
    const page = new Map(graph.nodes.map(({ name }, i) => [name, i]));
    order.forEach((name, i) => {
      for (const other of order.slice(i + 1)) {
        const ready = (graph.into.get(other) ?? []).every(({ source }) => at.get(source)! < i);
        assert(!ready || page.get(name)! < page.get(other)!);
      }
    });
  }));
});

Deno.test("G2 without cycles none is found; an edge back along a path makes one", () => {
  fc.assert(fc.property(forwardPairs, fc.nat(), (pairs, pick) => {
    assertEquals(findCycles(graphOf(SIZE, pairs)), []);
    const can = reach(SIZE, pairs);
    const paths = can.flatMap((row, a) => row.flatMap((yes, b) => yes ? [[a, b] as const] : []));
    if (paths.length === 0) return;
    const [a, b] = paths[pick % paths.length]!;
    const [cycle] = findCycles(graphOf(SIZE, [...pairs, [b, a]]));
    assert(cycle !== undefined);
  }));
});

Deno.test("G2 cycles are one for each group of cells that reach each other, real and shortest", () => {
  fc.assert(fc.property(anyPairs, (pairs) => {
    const can = reach(SIZE, pairs);
    const groups = new Set<number>();
    for (let i = 0; i < SIZE; i++) {
      if (can[i]![i]) groups.add(can[i]!.findIndex((yes, j) => yes && can[j]![i]!));
    }
    const cycles = findCycles(graphOf(SIZE, pairs)).map((cycle) =>
      cycle.map((name) => Number(name.slice(1)))
    );
    assertEquals(cycles.map(([first]) => first), [...groups].sort((a, b) => a - b));
    for (const cycle of cycles) {
      cycle.forEach((from, i) => {
        const to = cycle[(i + 1) % cycle.length]!;
        assert(pairs.some(([a, b]) => a === from && b === to), `${from} leads to ${to}`);
      });
      assertEquals(cycle.length, shortestThrough(cycle[0]!, pairs));
    }
  }));
});

/** Length of the shortest cycle through a cell, by trying all lengths. */
function shortestThrough(start: number, pairs: readonly (readonly [number, number])[]): number {
  let reached = new Set([start]);
  for (let length = 1;; length++) {
    reached = new Set(pairs.filter(([a]) => reached.has(a)).map(([, b]) => b));
    if (reached.has(start)) return length;
  }
}

/** A chain written down directly, because parsing that many expressions is not what is tested. */
function chain(size: number, closed: boolean): Graph {
  const { graph } = buildGraph(notebookOf({ c0: "jsonata: 1" }));
  const nodes = Array.from({ length: size }, (_, i) => ({ ...graph.nodes[0]!, name: `c${i}` }));
  const edges = nodes.slice(closed ? 0 : 1).map(({ name }, i) => ({
    id: name,
    source: closed && i === 0 ? `c${size - 1}` : `c${closed ? i - 1 : i}`,
    sourcePort: "",
    target: name,
    targetPort: "",
    via: "reference" as const,
    required: true,
  }));
  const map = (by: "source" | "target") => new Map(edges.map((edge) => [edge[by], [edge]]));
  return {
    nodes,
    edges,
    params: [],
    byName: new Map(nodes.map((n) => [n.name, n])),
    into: map("target"),
    outOf: map("source"),
  };
}

Deno.test("G3 a chain of 100,000 cells is ordered, and closed it is one cycle", () => {
  const open = chain(100_000, false);
  assertEquals(findCycles(open), []);
  assertEquals(runOrder(open).order.length, 100_000);
  const [cycle, ...others] = findCycles(chain(100_000, true));
  assertEquals([cycle?.length, others.length], [100_000, 0]);
});

Deno.test("a notebook of 10,000 cells becomes a graph", () => {
  const pairs = Array.from({ length: 9_999 }, (_, i) => [Math.floor(i / 3), i + 1] as const);
  const graph = graphOf(10_000, pairs);
  assertEquals([graph.nodes.length, graph.edges.length], [10_000, 9_999]);
  assertEquals(runOrder(graph).left, []);
  const positions = layoutGraph(graph);
  assertEquals(new Set([...positions.values()].map(({ x, y }) => `${x},${y}`)).size, 10_000);
});

Deno.test("G6 a layout gives each cell a place of its own, left of what it leads to, and the same each time", () => {
  const sizes = [40, MAX_LAYERED + 1];
  for (const size of sizes) {
    const pairs = Array.from({ length: size - 1 }, (_, i) => [Math.floor(i / 2), i + 1] as const);
    const graph = graphOf(size, pairs);
    const boxes = new Map([["c1", { width: 500, height: 300 }]]);
    const positions = layoutGraph(graph, boxes);
    assertEquals([...positions], [...layoutGraph(graph, boxes)]);
    const box = (name: string) => ({
      ...(boxes.get(name) ?? { width: 240, height: 96 }),
      ...positions.get(name)!,
    });
    for (const { source, target } of graph.edges) assert(box(source).x + box(source).width < box(target).x);
    const all = [...positions.keys()].map(box);
    all.forEach((a, i) =>
      all.slice(i + 1).forEach((b) =>
        assert(a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y)
      )
    );
  }
});

Deno.test("a graph with cycles has a layout too", () => {
  for (const size of [5, MAX_LAYERED + 5]) {
    const graph = graphOf(size, [[0, 1], [1, 0], [1, 2], [3, 3]]);
    assertEquals(layoutGraph(graph).size, size);
  }
});
