/**
 * A notebook as a page needs it. Owns: from a name to its text, cells and graph, and from there to the facts and positions
 * that a browser gets. Never: what a run would do; that is the engine's plan.
 */
import { EngineError } from "../engine/base/errors.ts";
import type { Workspace } from "../engine/access/workspace.ts";
import { buildGraph } from "../engine/graph/graph.ts";
import { layoutGraph } from "../engine/graph/layout.ts";
import { runOrder } from "../engine/graph/order.ts";
import type { Graph } from "../engine/graph/types.ts";
import { agentSettings } from "../engine/notebook/agent.ts";
import { parse } from "../engine/notebook/parse.ts";
import { versionOf } from "../engine/notebook/version.ts";
import { type Cell, cellsOf, type Notebook, type Problem } from "../engine/notebook/types.ts";
import type { CellFacts, GraphEdge, GraphNode } from "../components/cell/facts.ts";

/** A notebook, read. */
export interface Document {
  id: string;
  bytes: Uint8Array;
  text: string;
  version: string;
  notebook: Notebook;
  graph: Graph;
  /** Of the parser and the graph. */
  problems: Problem[];
}

/** Reads a notebook of the workspace. `id_invalid`, `notebook_not_found`, `notebook_invalid` if it is not UTF-8. */
export async function openDocument(workspace: Workspace, id: string): Promise<Document> {
  const bytes = await workspace.readNotebook(id);
  return { id, bytes, ...readDocument(decode(bytes, id)) };
}

/** Reads a text, whatever is wrong with it. */
export function readDocument(text: string): Omit<Document, "id" | "bytes"> {
  const { notebook, problems } = parse(text);
  const built = buildGraph(notebook);
  const all = [...problems, ...built.problems].sort((a, b) => a.line - b.line || a.column - b.column);
  return { text, version: versionOf(text), notebook, graph: built.graph, problems: all };
}

/** The text of a notebook's bytes, a byte order mark kept as it stands. */
export function decode(bytes: Uint8Array, id: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new EngineError("notebook_invalid", `The file is not UTF-8 text: ${id}`, { cause });
  }
}

/** The name that a notebook is called by where it has no title. */
export function titleOf({ id, notebook }: Pick<Document, "id" | "notebook">): string {
  return notebook.title === "" ? id : notebook.title;
}

/** What the chrome of each cell shows. */
export function factsOf({ notebook, graph }: Pick<Document, "notebook" | "graph">): CellFacts[] {
  const places = new Map(runOrder(graph).order.map((name, i) => [name, i + 1]));
  return cellsOf(notebook).map((cell) => ({
    name: cell.name,
    kind: cell.kind,
    line: cell.line,
    needs: [...new Set((graph.into.get(cell.name) ?? []).map(({ source }) => source))],
    ...places.has(cell.name) ? { place: places.get(cell.name)! } : {},
    ...cell.flags.includes("disabled") ? { disabled: true } : {},
    ...cell.kind === "agent" ? agentFacts(cell, notebook) : {},
  }));
}

function agentFacts(cell: Cell, { frontMatter }: Notebook): Partial<CellFacts> {
  const { role, model, temperature } = agentSettings(cell, frontMatter);
  return {
    ...typeof role === "string" && role !== "" ? { role } : {},
    ...typeof model === "string" ? { model } : {},
    ...typeof temperature === "number" ? { temperature } : {},
  };
}

/** Size at which a node is drawn, in pixels. */
export const NODE_SIZE = { width: 240, height: 98 };

/** Nodes with saved positions where there are some, else where the layout puts them; edges one for each pair and way. */
export async function graphOf(
  workspace: Workspace,
  { id, graph }: Pick<Document, "id" | "graph">,
): Promise<{ nodes: GraphNode[]; edges: GraphEdge[] }> {
  const { positions } = await workspace.readLayout(id);
  const placed = graph.nodes.some(({ name }) => !Object.hasOwn(positions, name))
    ? layoutGraph(graph, new Map(graph.nodes.map(({ name }) => [name, NODE_SIZE])))
    : new Map<string, { x: number; y: number }>();
  const nodes = graph.nodes.map(({ name }, i) => {
    const saved = Object.hasOwn(positions, name) ? positions[name] : undefined;
    const { x, y } = saved ?? placed.get(name) ?? { x: 0, y: i * (NODE_SIZE.height + 32) };
    return { name, x, y };
  });
  const edges = graph.edges.map(({ id, source, sourcePort, target, via }) => ({
    id,
    source,
    target,
    via,
    ...sourcePort === "" || sourcePort === "*" ? {} : { label: sourcePort },
  }));
  return { nodes, edges };
}
