/**
 * The order in which cells can run. Owns: topological order and levels. Never: cycles' names (`cycles.ts`).
 *
 * G4 Every cell stands after all cells that lead to it; among those that could stand next, the first on the page does.
 */
import type { Graph } from "./types.ts";

/** Cells in run order. */
export interface RunOrder {
  order: string[];
  /** By cell: 0 without anything before it, else one more than the greatest level before it. */
  levels: Map<string, number>;
  /** Cells on a cycle or behind one, in page order; they have no place in the order. */
  left: string[];
}

/** Run order of all cells. Time n log n in cells, linear in edges. */
export function runOrder({ nodes, into, outOf }: Pick<Graph, "nodes" | "into" | "outOf">): RunOrder {
  const index = new Map<string, number>();
  nodes.forEach(({ name }, i) => index.has(name) || index.set(name, i));
  // Two edges between the same cells count once on each side alike, so that plain counting is right.
  const waiting = nodes.map(({ name }) =>
    (into.get(name) ?? []).filter(({ source }) => index.has(source)).length
  );
  const ready = new MinHeap();
  index.forEach((i) => {
    if (waiting[i] === 0) ready.push(i);
  });
  const order: string[] = [];
  const levels = new Map<string, number>();
  const level = new Int32Array(nodes.length);
  for (let i = ready.pop(); i !== undefined; i = ready.pop()) {
    const { name } = nodes[i]!;
    order.push(name);
    levels.set(name, level[i]!);
    for (const { target } of outOf.get(name) ?? []) {
      const t = index.get(target);
      if (t === undefined) continue;
      level[t] = Math.max(level[t]!, level[i]! + 1);
      if (--waiting[t]! === 0) ready.push(t);
    }
  }
  const left = nodes.filter(({ name }, i) => index.get(name) === i && !levels.has(name));
  return { order, levels, left: left.map(({ name }) => name) };
}

/** A binary heap of numbers, the least on top. */
class MinHeap {
  #items: number[] = [];

  push(item: number): void {
    const items = this.#items;
    let i = items.push(item) - 1;
    for (let up = (i - 1) >> 1; i > 0 && items[up]! > item; i = up, up = (i - 1) >> 1) items[i] = items[up]!;
    items[i] = item;
  }

  pop(): number | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (items.length === 0 || last === undefined) return top;
    let i = 0;
    for (let down = 1; down < items.length; down = 2 * i + 1) {
      if (down + 1 < items.length && items[down + 1]! < items[down]!) down++;
      if (items[down]! >= last) break;
      items[i] = items[down]!;
      i = down;
    }
    items[i] = last;
    return top;
  }
}
