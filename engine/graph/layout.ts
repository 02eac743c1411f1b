/**
 * Where nodes stand when nobody has moved them, and how edges go around them. Owns: positions, left to right in the
 * direction of data, and the bends of edges that pass a column. Never: positions that a person chose, nor curves.
 *
 * G6 Equal graphs and sizes give equal positions.
 * G7 Between two bends of one column an edge runs level, clear of the column's nodes; everywhere else it is between columns.
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

/** Where everything stands. */
export interface Arrangement {
  /** By cell. */
  positions: Map<string, Position>;
  /**
   * By edge id: where an edge enters and leaves each column that it passes, in order from its source. Edges without bends,
   * such as those that lead back, are not among them.
   */
  bends: Map<string, Position[]>;
}

/** Nodes up to which edges are kept from crossing; the time of that grows with the square of the nodes. */
export const MAX_LAYERED = 300;
/** Edges up to which that is done: 600 take half a second, 1,100 two, and the server waits meanwhile. */
export const MAX_LAYERED_EDGES = 600;
const DEFAULT_SIZE: Size = { width: 240, height: 96 };
const GAP_X = 80;
const GAP_Y = 32;

/**
 * Positions by cell. Up to 300 nodes and 600 edges: layers with few crossings. More: a column for each level, in page order within
 * it; cells on or behind a cycle stand in a last column. Takes 10,000 nodes at once.
 *
 * @param sizes by cell; 240 × 96 where absent
 */
export function layoutGraph(
  graph: Graph,
  sizes: ReadonlyMap<string, Size> = new Map(),
): Map<string, Position> {
  return arrangeGraph(graph, sizes).positions;
}

/** The same positions as {@link layoutGraph}, and the bends of edges; where there is a column for each level there are none. */
export function arrangeGraph(graph: Graph, sizes: ReadonlyMap<string, Size> = new Map()): Arrangement {
  const names = [...graph.byName.keys()];
  const sizeOf = (name: string) => sizes.get(name) ?? DEFAULT_SIZE;
  return names.length <= MAX_LAYERED && graph.edges.length <= MAX_LAYERED_EDGES
    ? layered(graph, names, sizeOf)
    : { positions: grid(graph, names, sizeOf), bends: new Map() };
}

function layered(graph: Graph, names: string[], sizeOf: (name: string) => Size): Arrangement {
  const dagre = new DagreGraph();
  dagre.setGraph({ rankdir: "LR", nodesep: GAP_Y, ranksep: GAP_X, marginx: 0, marginy: 0 });
  dagre.setDefaultEdgeLabel(() => ({}));
  for (const name of names) dagre.setNode(name, { ...sizeOf(name) });
  for (const { source, target } of graph.edges) if (source !== target) dagre.setEdge(source, target);
  layout(dagre);
  const boxes = new Map(names.map((name) => [name, dagre.node(name) as Position & Size]));
  const positions = new Map(
    [...boxes].map(([name, { x, y, width, height }]) =>
      [name, { x: Math.round(x - width / 2), y: Math.round(y - height / 2) }] as const
    ),
  );
  return { positions, bends: bendsOf(graph, dagre, boxes) };
}

/**
 * Dagre gives one point where an edge passes a column, at its centre; there it must run level, as nodes are wide. So it
 * must beside its own ends, where they are not as wide as their columns.
 */
function bendsOf(
  graph: Graph,
  dagre: DagreGraph,
  boxes: Map<string, Position & Size>,
): Map<string, Position[]> {
  const widths = new Map<number, number>();
  for (const { x, width } of boxes.values()) {
    widths.set(Math.round(x), Math.max(width, widths.get(Math.round(x)) ?? 0));
  }
  const level = (x: number, y: number, side: -1 | 1): Position => ({
    x: Math.round(x + side * widths.get(Math.round(x))! / 2),
    y: Math.round(y),
  });
  const bends = new Map<string, Position[]>();
  for (const { id, source, target } of graph.edges) {
    const [from, to] = [boxes.get(source)!, boxes.get(target)!];
    if (from.x >= to.x) continue;
    const { points = [] } = dagre.edge(source, target) as { points?: Position[] };
    const passed = points.slice(1, -1).filter(({ x }) => widths.has(Math.round(x)));
    const bent = [
      ...narrow(from) ? [level(from.x, from.y, 1)] : [],
      ...passed.flatMap(({ x, y }) => [level(x, y, -1), level(x, y, 1)]),
      ...narrow(to) ? [level(to.x, to.y, -1)] : [],
    ];
    if (bent.length > 0) bends.set(id, bent);
  }
  return bends;

  function narrow({ x, width }: Position & Size): boolean {
    return width < widths.get(Math.round(x))!;
  }
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
