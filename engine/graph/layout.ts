/**
 * Where nodes stand when nobody has moved them. Owns: positions, left to right in the direction of data.
 * Never: positions that a person chose.
 *
 * G6 Equal graphs and sizes give equal positions.
 */
import { Graph as DagreGraph, layout } from "@dagrejs/dagre";
import { runOrder } from "./order.ts";
import type { Graph } from "./types.ts";

/** A node's size, in pixels. */
export interface Size {
  width: number;
  height: number;
}

/** A node's upper left corner, in pixels. */
export interface Position {
  x: number;
  y: number;
}

/** Nodes up to which edges are kept from crossing; the time of that grows with the square of the nodes. */
export const MAX_LAYERED = 300;
const DEFAULT_SIZE: Size = { width: 240, height: 96 };
const GAP_X = 80;
const GAP_Y = 32;

/**
 * Positions by cell. Up to 300 nodes: layers with few crossings. More: a column for each level, in page order within
 * it; cells on or behind a cycle stand in a last column. Takes 10,000 nodes at once.
 *
 * @param sizes by cell; 240 × 96 where absent
 */
export function layoutGraph(
  graph: Graph,
  sizes: ReadonlyMap<string, Size> = new Map(),
): Map<string, Position> {
  const names = [...graph.byName.keys()];
  const sizeOf = (name: string) => sizes.get(name) ?? DEFAULT_SIZE;
  return names.length <= MAX_LAYERED ? layered(graph, names, sizeOf) : grid(graph, names, sizeOf);
}

function layered(graph: Graph, names: string[], sizeOf: (name: string) => Size): Map<string, Position> {
  const dagre = new DagreGraph();
  dagre.setGraph({ rankdir: "LR", nodesep: GAP_Y, ranksep: GAP_X, marginx: 0, marginy: 0 });
  dagre.setDefaultEdgeLabel(() => ({}));
  for (const name of names) dagre.setNode(name, { ...sizeOf(name) });
  for (const { source, target } of graph.edges) if (source !== target) dagre.setEdge(source, target);
  layout(dagre);
  return new Map(names.map((name) => {
    const { x, y, width, height } = dagre.node(name) as {
      x: number;
      y: number;
      width: number;
      height: number;
    };
    return [name, { x: Math.round(x - width / 2), y: Math.round(y - height / 2) }];
  }));
}

function grid(graph: Graph, names: string[], sizeOf: (name: string) => Size): Map<string, Position> {
  const { levels } = runOrder(graph);
  const behind = 1 + [...levels.values()].reduce((most, level) => Math.max(most, level), -1);
  const columns: string[][] = [];
  for (const name of names) (columns[levels.get(name) ?? behind] ??= []).push(name);
  const positions = new Map<string, Position>();
  let x = 0;
  for (const column of columns) {
    if (column === undefined) continue;
    let y = 0;
    let widest = 0;
    for (const name of column) {
      positions.set(name, { x, y });
      const { width, height } = sizeOf(name);
      widest = Math.max(widest, width);
      y += height + GAP_Y;
    }
    x += widest + GAP_X;
  }
  return positions;
}
