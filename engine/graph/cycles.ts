/**
 * Cycles of a graph. Owns: finding them, exactly and at any size. Never: what to do about one.
 *
 * G2 A cell is on a reported cycle's component if and only if it can reach itself.
 * G3 Nothing recurses on the graph: a chain of 100,000 cells has no stack of its own.
 */
import type { Graph } from "./types.ts";

/** What is needed of a graph to follow its edges. */
export type Flow = Pick<Graph, "nodes" | "outOf">;

/**
 * One cycle for each group of cells that can all reach each other: the shortest through its first cell in page order,
 * as names without the repeated end. Empty if the graph has none. Time grows with cells and edges.
 */
export function findCycles(graph: Flow): string[][] {
  const next = successors(graph);
  const groups = components(next).filter((group) => group.length > 1 || next[group[0]!]!.includes(group[0]!));
  return groups
    .map((group) => group.reduce((least, node) => Math.min(least, node)))
    .sort((a, b) => a - b)
    .map((start) => shortestCycle(next, start).map((node) => graph.nodes[node]!.name));
}

/** A cycle in words: `Cells form a cycle: a → b → a`, long ones cut in the middle. */
export function cycleText(cycle: readonly string[]): string {
  const names = [...cycle, cycle[0]!];
  const shown = names.length <= 12
    ? names
    : [...names.slice(0, 6), `… ${names.length - 11} more …`, ...names.slice(-5)];
  return `Cells form a cycle: ${shown.join(" → ")}`;
}

/** Cells by index that follow each cell, each once. Nodes of one name count as the first of them. */
function successors({ nodes, outOf }: Flow): number[][] {
  const index = new Map<string, number>();
  nodes.forEach(({ name }, i) => index.has(name) || index.set(name, i));
  return nodes.map(({ name }, i) => {
    if (index.get(name) !== i) return [];
    const targets = (outOf.get(name) ?? []).map(({ target }) => index.get(target));
    return [...new Set(targets.filter((target) => target !== undefined))];
  });
}

/** Strongly connected components by Tarjan's algorithm, with a stack of its own in place of recursion. */
function components(next: number[][]): number[][] {
  const found: number[][] = [];
  const order = new Int32Array(next.length).fill(-1);
  const low = new Int32Array(next.length);
  const onStack = new Uint8Array(next.length);
  const edge = new Int32Array(next.length);
  const stack: number[] = [];
  let count = 0;
  const enter = (node: number, path: number[]) => {
    order[node] = low[node] = count++;
    onStack[node] = 1;
    stack.push(node);
    path.push(node);
  };
  for (let root = 0; root < next.length; root++) {
    if (order[root] !== -1) continue;
    const path: number[] = [];
    enter(root, path);
    while (path.length > 0) {
      const node = path.at(-1)!;
      const target = next[node]![edge[node]!++];
      if (target !== undefined) {
        if (order[target] === -1) enter(target, path);
        else if (onStack[target]) low[node] = Math.min(low[node]!, order[target]!);
        continue;
      }
      path.pop();
      const parent = path.at(-1);
      if (parent !== undefined) low[parent] = Math.min(low[parent]!, low[node]!);
      if (low[node] === order[node]) {
        const group = stack.splice(stack.lastIndexOf(node));
        for (const member of group) onStack[member] = 0;
        found.push(group);
      }
    }
  }
  return found;
}

/** Breadth first from a cell until an edge leads back to it. */
function shortestCycle(next: number[][], start: number): number[] {
  const cameFrom = new Map<number, number>([[start, -1]]);
  const queue = [start];
  for (let i = 0; i < queue.length; i++) {
    const node = queue[i]!;
    if (next[node]!.includes(start)) {
      const cycle: number[] = [];
      for (let at = node; at !== -1; at = cameFrom.get(at)!) cycle.push(at);
      return cycle.reverse();
    }
    for (const target of next[node]!) {
      if (cameFrom.has(target)) continue;
      cameFrom.set(target, node);
      queue.push(target);
    }
  }
  throw new Error("The cell is on no cycle");
}
