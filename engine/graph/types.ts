/**
 * What the data flow of a notebook is, as data. Owns: the shapes. Never: behaviour.
 */
import type { Cell, CellKind, Param } from "../notebook/types.ts";

/** Types of ports. */
export type PortType = "text" | "json" | "code" | "artifact" | "stream";

/** A named output or input of a cell. */
export interface Port {
  /** Empty for the value itself, where the cell declares no outputs. */
  name: string;
  type: PortType;
}

/** A cell as a node. An invalid cell reads nothing; what others read of it is an edge, so that a plan can refuse it. */
export interface Node {
  name: string;
  kind: CellKind | "invalid";
  cell: Cell;
  outputs: Port[];
  /** Params it reads, sorted. */
  params: string[];
  /** A function it uses whose result changes from one time to the next, such as `now`; it is never reused then. */
  volatile?: string;
}

/** Data or order from one cell to another. */
export interface Edge {
  /** `{source}.{port}->{target}.{port}`; an order edge has `*` for both ports. */
  id: string;
  source: string;
  /** Empty for the value itself; `*` for an order edge. */
  sourcePort: string;
  target: string;
  /** Name of the input; for a reference edge the source's name; `*` for an order edge. */
  targetPort: string;
  /** A reference in text or code, a contract under `inputs:`, or `after:`. */
  via: "reference" | "input" | "after";
  /** Data edges: whether the target needs the value. `after` edges: false if `b?`, which any end of `b` meets. */
  required: boolean;
}

/** The data flow of a notebook. */
export interface Graph {
  /** In page order. */
  nodes: Node[];
  edges: Edge[];
  params: Param[];
  byName: ReadonlyMap<string, Node>;
  /** Edges by target, in the order of `edges`. */
  into: ReadonlyMap<string, readonly Edge[]>;
  /** Edges by source, in the order of `edges`. */
  outOf: ReadonlyMap<string, readonly Edge[]>;
}
