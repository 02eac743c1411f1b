/**
 * Which cells a run is about. Owns: what a request for some cells brings with it, and what `disabled` takes away.
 * Never: whether those cells can run, or have a value already.
 */
import { countedBy, joinRule } from "../graph/joins.ts";
import { runOrder } from "../graph/order.ts";
import type { Edge, Graph } from "../graph/types.ts";
import type { Join, Need, Plan } from "./types.ts";

/** The cells of a run. */
export interface Selection {
  /** In run order; cells on or behind a cycle, which have none, come last in page order. */
  cells: string[];
  /** Cells that stand in `cells` because they were asked for. */
  targets: ReadonlySet<string>;
  /** Whether some of `cells` stand on or behind a cycle. */
  stuck: boolean;
  /** Cells asked for, or needed by one, that do not run, in the same order. */
  skipped: NonNullable<Plan["skipped"]>;
}

/**
 * The cells asked for and all that lead to them, without those that are disabled or need the value of one that is.
 *
 * @param asked names that exist; absent for all cells
 * @param given cells whose values are there, so that what leads to them is not needed
 */
export function selectCells(
  graph: Graph,
  asked?: Iterable<string>,
  given: ReadonlySet<string> = new Set(),
): Selection {
  const { order, left } = runOrder(graph);
  const all = [...order, ...left];
  const disabledBy = disabledCells(graph, all);
  const wanted = asked === undefined ? new Set(all) : new Set(asked);
  const targets = new Set([...wanted].filter((name) => !disabledBy.has(name)));
  const reached = new Set(targets);
  // A set is walked in the order of adding, those added meanwhile included.
  for (const name of reached) {
    if (given.has(name)) continue;
    for (const { source } of graph.into.get(name) ?? []) {
      if (disabledBy.has(source)) wanted.add(source);
      else if (graph.byName.has(source)) reached.add(source);
    }
  }
  const skipped = all.filter((name) => wanted.has(name) && disabledBy.has(name)).map((cell) => {
    const by = disabledBy.get(cell)!;
    return { cell, why: by === cell ? "disabled" : `disabled by ${by}` };
  });
  const stuck = left.some((name) => reached.has(name));
  return { cells: all.filter((name) => reached.has(name)), targets, stuck, skipped };
}

/**
 * Disabled cells by themselves, and cells that need the value of one or whose join cannot be met without, each with the
 * disabled cell it comes from.
 */
function disabledCells(graph: Graph, all: string[]): Map<string, string> {
  const by = new Map<string, string>();
  const mark = all.filter((name) => graph.byName.get(name)!.cell.flags.includes("disabled"));
  for (const name of mark) by.set(name, name);
  for (const [name, origin] of by) {
    for (const edge of graph.outOf.get(name) ?? []) {
      if (!by.has(edge.target) && cannotDoWithout(graph, edge, by)) by.set(edge.target, origin);
    }
  }
  return by;
}

function cannotDoWithout(graph: Graph, edge: Edge, disabled: ReadonlyMap<string, string>): boolean {
  const into = graph.into.get(edge.target) ?? [];
  const rule = joinRule(graph.byName.get(edge.target)!.cell);
  const counted = rule === undefined ? undefined : countedBy(rule, into);
  if (!counted?.has(edge.source)) return modeOf(edge) === "value";
  const left = [...counted].filter((name) => !disabled.has(name)).length;
  return left < (rule!.need ?? counted.size);
}

const RANK: Record<Need["mode"], number> = { value: 3, optional: 2, after: 1, any: 0 };

/**
 * What a cell needs of the cells before it: one entry for each, the strongest of the edges between them; and how a join
 * brings those together that count for one.
 */
export function needsOf(
  graph: Graph,
  name: string,
  among: ReadonlySet<string>,
): { needs: Need[]; join?: Join } {
  const modes = new Map<string, Need["mode"]>();
  for (const edge of graph.into.get(name) ?? []) {
    if (!among.has(edge.source)) continue;
    const mode = modeOf(edge);
    const known = modes.get(edge.source);
    if (known === undefined || RANK[mode] > RANK[known]) modes.set(edge.source, mode);
  }
  const rule = joinRule(graph.byName.get(name)!.cell);
  if (rule === undefined) return { needs: [...modes].map(([cell, mode]) => ({ cell, mode })) };
  const counted = countedBy(rule, graph.into.get(name) ?? []);
  const needs = [...modes].map(([cell, mode]): Need =>
    counted.has(cell) ? { cell, mode, join: true } : { cell, mode }
  );
  const of = needs.filter(({ join }) => join).length;
  if (of === 0) return { needs };
  const { need = of, rest, gives } = rule;
  return { needs, join: { need, of, rest, gives } };
}

function modeOf({ via, required }: Edge): Need["mode"] {
  if (via === "after") return required ? "after" : "any";
  return required ? "value" : "optional";
}
