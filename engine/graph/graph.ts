/**
 * A notebook as a graph. Owns: putting nodes and edges together, and the limits on their number.
 * Never: what a single cell reads (`edges.ts`), what may run (`engine/plan`).
 */
import { inOrder } from "../notebook/problem.ts";
import { cellsOf, type Notebook, type Place, type Problem } from "../notebook/types.ts";
import { cycleText, findCycles } from "./cycles.ts";
import { inwardOf, type Names } from "./edges.ts";
import { outputPorts } from "./ports.ts";
import type { Edge, Graph, Node } from "./types.ts";

/** Most cells of a notebook. */
export const MAX_CELLS = 10_000;
/** Most edges of a notebook. */
export const MAX_EDGES = 100_000;
/** Most problems for which the name that was meant is looked for. */
const MAX_SUGGESTIONS = 100;

/**
 * The data flow of a notebook, whatever is wrong with it: names that are not known give no edge and a problem.
 *
 * @returns the graph, and in order of place all problems of references, contracts and cycles; those of the parser
 * are not repeated
 *
 * @example
 * ```ts
 * import { parse } from "../notebook/parse.ts";
 * const text = "~~~jsonata scout\n1\n~~~\n\n~~~jsonata best\nscout + scuot\n~~~\n";
 * const { graph, problems } = buildGraph(parse(text).notebook);
 * if (graph.edges[0]?.id !== "scout.->best.scout") throw new Error("no edge");
 * if (problems[0]?.message !== "No cell or param is named 'scuot'. Did you mean 'scout'?") throw new Error("no problem");
 * ```
 */
export function buildGraph(notebook: Notebook): { graph: Graph; problems: Problem[] } {
  const { params } = notebook.frontMatter;
  const nodes = cellsOf(notebook).map((cell): Node => ({
    name: cell.name,
    kind: cell.kind,
    cell,
    outputs: outputPorts(cell),
    params: [],
  }));
  const byName = new Map<string, Node>();
  for (const node of nodes) if (!byName.has(node.name)) byName.set(node.name, node);
  const names: Names = {
    cells: byName,
    params: new Set(params.map(({ name }) => name)),
    suggestions: MAX_SUGGESTIONS,
  };
  const problems: Problem[] = [];
  const edges: Edge[] = [];
  for (const node of nodes) {
    const inward = inwardOf(node, names);
    node.params = inward.params;
    if (inward.volatile !== undefined) node.volatile = inward.volatile;
    for (const problem of inward.problems) problems.push(problem);
    for (const edge of inward.edges) edges.push(edge);
  }
  const graph = { nodes, edges, params, byName, into: group(edges, "target"), outOf: group(edges, "source") };
  for (const cycle of findCycles(graph)) {
    const { line } = byName.get(cycle[0]!)!.cell;
    problems.push(connectionProblem("cycle_found", { line, column: 1 }, cycleText(cycle), cycle[0]));
  }
  const start = { line: 1, column: 1 };
  if (nodes.length > MAX_CELLS) {
    const message = `Notebook has ${nodes.length} cells, over the limit ${MAX_CELLS}`;
    problems.push(connectionProblem("graph_too_large", start, message));
  }
  if (edges.length > MAX_EDGES) {
    const message = `Notebook has ${edges.length} edges, over the limit ${MAX_EDGES}`;
    problems.push(connectionProblem("graph_too_large", start, message));
  }
  return { graph, problems: inOrder(problems) };
}

function group(edges: Edge[], by: "source" | "target"): Map<string, Edge[]> {
  const groups = new Map<string, Edge[]>();
  for (const edge of edges) {
    const known = groups.get(edge[by]);
    if (known === undefined) groups.set(edge[by], [edge]);
    else known.push(edge);
  }
  return groups;
}

function connectionProblem(code: string, place: Place, message: string, cell?: string): Problem {
  return {
    code,
    severity: "error",
    type: "connection",
    message,
    ...(cell === undefined ? {} : { cell }),
    ...place,
  };
}
