/**
 * What a page knows of a notebook apart from any run: the JSON that the server puts into it. Owns: the shape.
 * Never: behaviour apart from its own keys. Browser-safe.
 */
import type { Json, JsonObject } from "../../engine/base/json.ts";
import type { Param, Problem } from "../../engine/notebook/types.ts";
import type { CellView, RunView, Wait } from "../../engine/wire/view.ts";

/** A cell as its chrome shows it. */
export interface CellFacts {
  name: string;
  kind: string;
  role?: string;
  model?: string;
  temperature?: number;
  disabled?: boolean;
  /** No run has it: it is disabled, or needs the value of a cell that is. */
  leftOut?: boolean;
  /** Cells whose value it needs. */
  needs: string[];
  line: number;
  /** Place in run order, from 1; absent on or behind a cycle. */
  place?: number;
}

/** What an earlier run than the newest said of a cell that the newest did not touch. */
export interface PastCell {
  run: string;
  version: string;
  cell: CellView;
}

/** A node of the graph with its place on the canvas. */
export interface GraphNode {
  name: string;
  x: number;
  y: number;
}

/** An edge of the graph. */
export interface GraphEdge {
  id: string;
  source: string;
  target: string;
  via: "reference" | "input" | "after";
  label?: string;
  /** Where it enters and leaves each column that it passes; absent once an end was moved. */
  bends?: { x: number; y: number }[];
}

/** Everything that the islands of a page need to begin. */
export interface PageState {
  notebook: string;
  title: string;
  /** Hash of the text that the page shows. */
  version: string;
  /** The server's time when it made the page, epoch ms. */
  now: number;
  cells: CellFacts[];
  params: Param[];
  problems: Problem[];
  /** Why a cell's last value no longer holds, in the plan's words, by cell. */
  stale: Record<string, string>;
  /** The newest run of the notebook. */
  view?: RunView;
  /** Why that run is not moving. */
  wait?: Wait;
  /** By cell. */
  past: Record<string, PastCell>;
  /** Values that are too big to stand in a view and small enough for the page, by `run/cell`. */
  values: Record<string, Json>;
  /** Params of the page's form, as edited. */
  draft: JsonObject;
  /** On the graph view only. */
  graph?: { nodes: GraphNode[]; edges: GraphEdge[] };
}

/** Key of a step's value in `PageState.values`. */
export function valueKey(run: string, cell: string): string {
  return `${run}/${cell}`;
}
