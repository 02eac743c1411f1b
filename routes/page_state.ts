/**
 * What the server knows about a notebook when a page of it opens. Owns: putting that together for the first paint.
 * Never: markup.
 */
import type { Clock } from "../engine/base/clock.ts";
import type { Json } from "../engine/base/json.ts";
import type { Workspace } from "../engine/access/workspace.ts";
import type { Engine } from "../engine/mod.ts";
import type { CellView, RunView } from "../engine/wire/view.ts";
import type { PageState, PastCell } from "../components/cell/facts.ts";
import { valueKey } from "../components/cell/facts.ts";
import { isActive } from "../components/cell/status.ts";
import { type Document, factsOf, graphOf, titleOf } from "./document.ts";

/** Largest value put into a page; the rest is fetched when somebody asks. */
const VALUE_BYTES = 65_536;
/** Runs looked at for the last output of cells. */
const RUNS = 5;
/** Most that all such values may add to a page. */
const VALUES_BYTES = 1_048_576;

/** What `pageStateOf` reads from. */
export interface PageSources {
  engine: Engine;
  workspace: Workspace;
  clock: Clock;
}

/** The state of a page. `view` says for which kind of page. */
export async function pageStateOf(
  { engine, workspace, clock }: PageSources,
  document: Document,
  view: "page" | "graph",
): Promise<PageState> {
  const { id, text, notebook, version } = document;
  const cells = factsOf(document);
  const [{ view: run, past }, plan] = await Promise.all([
    lastRuns(engine, id, cells.map(({ name }) => name)),
    engine.plan({ notebook: id, text }),
  ]);
  return {
    notebook: id,
    title: titleOf(document),
    version,
    now: clock.now(),
    cells,
    params: notebook.frontMatter.params,
    problems: plan.problems,
    stale: plan.stale,
    ...run === undefined ? {} : { view: run, ...await waitOf(engine, run) },
    past,
    values: run === undefined || view === "graph" ? {} : await valuesOf(engine, run, past),
    draft: {},
    ...view === "graph" ? { graph: await graphOf(workspace, document) } : {},
  };
}

/** Why a run that has not ended is not moving. */
async function waitOf(engine: Engine, { run, label }: RunView): Promise<Pick<PageState, "wait">> {
  if (!isActive(label)) return {};
  const { wait } = await engine.state(run);
  return wait === undefined ? {} : { wait };
}

/** The newest run of a notebook as it stands, and for cells that it has not come to the last run that did. */
async function lastRuns(
  engine: Engine,
  notebook: string,
  cells: readonly string[],
): Promise<{ view?: RunView; past: Record<string, PastCell> }> {
  const [newest, ...older] = await engine.runs({ notebook, limit: RUNS });
  if (newest === undefined) return { past: {} };
  const view = await engine.view(newest.id);
  const missing = new Set(cells.filter((name) => {
    const cell = Object.hasOwn(view.cells, name) ? view.cells[name] : undefined;
    return cell === undefined || (cell.attempt === 0 && cell.endedAt === undefined);
  }));
  const past: Record<string, PastCell> = {};
  for (const { id } of older) {
    if (missing.size === 0) break;
    const { run, version, cells } = await engine.view(id);
    for (const name of missing) {
      const cell = Object.hasOwn(cells, name) ? cells[name]! : undefined;
      if (cell === undefined || cell.endedAt === undefined || cell.label === "skipped") continue;
      past[name] = { run, version, cell };
      missing.delete(name);
    }
  }
  return { view, past };
}

/** Values that are not in a view, up to the limits. One that is gone is left out. */
async function valuesOf(
  engine: Engine,
  view: RunView,
  past: Record<string, PastCell>,
): Promise<Record<string, Json>> {
  const values: Record<string, Json> = {};
  let left = VALUES_BYTES;
  const cells: [run: string, name: string, cell: CellView][] = [
    ...Object.entries(view.cells).map(([name, cell]) => [view.run, name, cell] as [string, string, CellView]),
    ...Object.entries(past).map(([name, { run, cell }]) => [run, name, cell] as [string, string, CellView]),
  ];
  for (const [run, name, { value, display }] of cells) {
    if (value === undefined || "inline" in value || value.bytes > VALUE_BYTES || value.bytes > left) continue;
    if (display?.as === "chart") continue;
    left -= value.bytes;
    const found = await engine.read(value).catch(() => undefined);
    if (found !== undefined) values[valueKey(run, name)] = found;
  }
  return values;
}
