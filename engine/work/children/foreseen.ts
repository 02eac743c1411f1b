/**
 * What can be said of runs below before anything begins (EN-204, EN-810): that a notebook is not there, would run itself,
 * or lies too deep. Owns: the walk through the workspace. What changes afterwards is found as each run begins.
 */
import type { Workspace } from "../../access/workspace.ts";
import { decodeText } from "../../access/text_bytes.ts";
import { EngineError } from "../../base/errors.ts";
import type { Problem } from "../../notebook/types.ts";
import type { Lineage } from "../commit/live_run.ts";
import type { Document, Documents } from "../documents.ts";
import { lineageOf } from "./lineage.ts";

/** Notebooks that are looked at for one request. */
const MOST_LOOKED_AT = 200;

/**
 * Problems at the cells of a document that run other notebooks; reads nothing if there are none.
 *
 * @param parent where the run of the document comes from, if a step begins it
 */
export async function foreseen(
  { documents, workspace }: { documents: Documents; workspace: Workspace },
  notebook: string,
  document: Document,
  parent?: Lineage,
): Promise<Problem[]> {
  const problems: Problem[] = [];
  const known = new Map<string, string[]>();
  /** Names of the notebooks that one runs. Throws what is wrong with it. */
  const below = async (id: string): Promise<string[]> => {
    const found = known.get(id);
    if (found !== undefined) return found;
    const decoded = decodeText(await workspace.readNotebook(id));
    const names = decoded.ok ? namesIn(documents.read(decoded.text)).map(([, name]) => name) : [];
    known.set(id, names);
    return names;
  };
  const walk = async (from: { id: string; notebook: string; parent?: Lineage }, name: string) => {
    const lineage = lineageOf(from, "", name);
    if (known.size >= MOST_LOOKED_AT) return;
    for (const next of await below(name)) await walk({ id: "", notebook: name, parent: lineage }, next);
  };
  for (const [cell, name] of namesIn(document)) {
    try {
      await walk({ id: "", notebook, parent }, name);
    } catch (error) {
      if (!(error instanceof EngineError) || error.status >= 500) throw error;
      const message = `'${cell.name}' cannot run '${name}': ${error.message}`;
      const at = { line: cell.line, column: 1, cell: cell.name };
      problems.push({ ...at, code: error.code, severity: "error", type: "config", message });
    }
  }
  return problems;
}

function namesIn({ graph }: Document): [{ name: string; line: number }, string][] {
  return graph.nodes.flatMap(({ name, kind, cell: { header, line } }) =>
    kind === "notebook" && typeof header.notebook === "string" ? [[{ name, line }, header.notebook]] : []
  );
}
