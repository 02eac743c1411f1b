/**
 * A notebook as a page needs it. Owns: from a name to its text, cells and graph, and from there to the facts and positions
 * that a browser gets. Never: what a run would do; that is the engine's plan.
 */
import { EngineError } from "../engine/base/errors.ts";
import type { Workspace } from "../engine/access/workspace.ts";
import { arrangeGraph, type Arrangement } from "../engine/graph/layout.ts";
import type { Graph } from "../engine/graph/types.ts";
import { runOrder } from "../engine/graph/order.ts";
import { type Document as Version, readDocument } from "../engine/mod.ts";
import { agentSettings } from "../engine/notebook/agent.ts";
import { type Cell, cellsOf, type Notebook } from "../engine/notebook/types.ts";
import type { CellFacts, GraphEdge, GraphNode } from "../components/cell/facts.ts";

/** A notebook of the workspace, read. */
export interface Document extends Version {
  id: string;
  bytes: Uint8Array;
  text: string;
}

/** Reads a notebook of the workspace. `id_invalid`, `notebook_not_found`, `notebook_invalid` if it is not UTF-8. */
export async function openDocument(workspace: Workspace, id: string): Promise<Document> {
  const bytes = await workspace.readNotebook(id);
  const text = decode(bytes, id);
  return { id, bytes, text, ...readDocument(text) };
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
  const out = leftOut(graph);
  return cellsOf(notebook).map((cell) => ({
    name: cell.name,
    kind: cell.kind,
    line: cell.line,
    needs: [...new Set((graph.into.get(cell.name) ?? []).map(({ source }) => source))],
    ...places.has(cell.name) ? { place: places.get(cell.name)! } : {},
    ...cell.flags.includes("disabled") ? { disabled: true } : {},
    ...out.has(cell.name) ? { leftOut: true } : {},
    ...cell.kind === "agent" ? agentFacts(cell, notebook) : {},
  }));
}

/** Cells that no run has: disabled ones, and those that must have the value of one. */
function leftOut({ nodes, outOf }: Graph): Set<string> {
  const out = new Set(nodes.filter(({ cell }) => cell.flags.includes("disabled")).map(({ name }) => name));
  // A set is walked in the order of adding, those added meanwhile included.
  for (const name of out) {
    for (const { target, via, required } of outOf.get(name) ?? []) {
      if (via !== "after" && required) out.add(target);
    }
  }
  return out;
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

/** Arrangements kept, by version: one of a dense graph takes seconds. */
const KEPT = 20;
const arrangements = new Map<string, Arrangement>();

function arrangementOf({ version, graph }: Pick<Document, "version" | "graph">): Arrangement {
  const known = arrangements.get(version);
  if (known !== undefined) return known;
  const made = arrangeGraph(graph, new Map(graph.nodes.map(({ name }) => [name, NODE_SIZE])));
  arrangements.set(version, made);
  if (arrangements.size > KEPT) arrangements.delete(arrangements.keys().next().value!);
  return made;
}

/**
 * Nodes with saved positions where there are some, else where the layout puts them; edges one for each pair and way, with
 * their bends if both ends stand where the layout puts them.
 */
export async function graphOf(
  workspace: Workspace,
  document: Pick<Document, "id" | "version" | "graph">,
): Promise<{ nodes: GraphNode[]; edges: GraphEdge[] }> {
  const { id, graph } = document;
  const { positions: saved } = await workspace.readLayout(id);
  const { positions, bends } = arrangementOf(document);
  const moved = new Set<string>();
  const nodes = graph.nodes.map(({ name }): GraphNode => {
    const own = positions.get(name)!;
    const { x, y } = Object.hasOwn(saved, name) ? saved[name]! : own;
    if (x !== own.x || y !== own.y) moved.add(name);
    return { name, x, y };
  });
  const edges = graph.edges.map(({ id, source, sourcePort, target, via }): GraphEdge => ({
    id,
    source,
    target,
    via,
    ...sourcePort === "" || sourcePort === "*" ? {} : { label: sourcePort },
    ...bends.has(id) && !moved.has(source) && !moved.has(target) ? { bends: bends.get(id)! } : {},
  }));
  return { nodes, edges };
}
