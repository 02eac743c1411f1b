/** The notebooks of a workspace with what a list says of each. Owns: that list, for the home page and the API. */
import type { Workspace } from "../engine/access/workspace.ts";
import type { Engine } from "../engine/mod.ts";
import type { RunLabel } from "../engine/wire/view.ts";
import { cellsOf, type Problem } from "../engine/notebook/types.ts";
import { openDocument, titleOf } from "./document.ts";

/** A row of the list (AP-501). Times are ISO 8601. */
export interface NotebookItem {
  id: string;
  title: string;
  version: string;
  cells: number;
  problems: Problem[];
  modifiedAt: string;
  lastRun?: { id: string; label: RunLabel; createdAt: string };
}

/** All notebooks, sorted by id. One that cannot be read as text is left out. */
export async function listNotebooks(
  { engine, workspace }: { engine: Engine; workspace: Workspace },
): Promise<NotebookItem[]> {
  const items: NotebookItem[] = [];
  for (const { id, modifiedAt } of await workspace.notebooks()) {
    const document = await openDocument(workspace, id).catch(() => undefined);
    if (document === undefined) continue;
    const [run] = await engine.runs({ notebook: id, limit: 1 });
    items.push({
      id,
      title: titleOf(document),
      version: document.version,
      cells: cellsOf(document.notebook).length,
      problems: document.problems,
      modifiedAt: new Date(modifiedAt).toISOString(),
      ...run === undefined
        ? {}
        : { lastRun: { id: run.id, label: run.label, createdAt: new Date(run.createdAt).toISOString() } },
    });
  }
  return items;
}
