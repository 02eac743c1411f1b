/**
 * Deciding what a run will do. Owns: what refuses a run before anything is written, what is run and what reused, and
 * the words for why. Never: params' values being right, budgets, who may run it.
 *
 * D1 Steps stand in run order, each after all that it needs, and every need names a step of the plan.
 * D2 A step is reused only if nothing whose value it reads runs.
 * D3 What acts on the outside world is never reused, but where a run goes on from one that has done it.
 */
import { sha256 } from "../base/hash.ts";
import { isObject, type Json, type JsonObject } from "../base/json.ts";
import { cycleText, findCycles } from "../graph/cycles.ts";
import { MAX_CELLS } from "../graph/graph.ts";
import { fingerprints, staleCells } from "../graph/stale.ts";
import type { Graph, Node } from "../graph/types.ts";
import type { Descriptor } from "../notebook/effects/descriptor.ts";
import { didYouMean, nearest } from "../notebook/nearest.ts";
import { type Limits, limitsOf, lowest } from "../notebook/spend/limits.ts";
import { type PolicyOverrides, stepPolicies } from "../notebook/policy.ts";
import { inOrder, shown } from "../notebook/problem.ts";
import type { Cell, FrontMatter, Notebook, Problem } from "../notebook/types.ts";
import { needsOf, selectCells, type Selection } from "./select.ts";
import type { History, Need, PastValue, Plan, PlanStep } from "./types.ts";
import { estimateOf, overLimit } from "./estimate.ts";
import { unavailableIn } from "./unavailable.ts";

/** Attempts open at a time when front matter does not say. */
export const DEFAULT_CONCURRENCY = 4;

/** What a plan wants to know of a kind. */
export interface PlanKind {
  attempts: number;
  estimate?(cell: Cell, frontMatter: FrontMatter): NonNullable<Plan["estimate"]> | undefined;
  /** What is wrong with a cell of the kind. */
  check?(cell: Cell): Problem[];
  /** How what a cell does to the outside world is undone; `undefined` if it does nothing to it. */
  undo?(cell: Cell): Descriptor | undefined;
}

/** What a plan is made from. */
export interface PlanInput {
  graph: Graph;
  notebook: Notebook;
  /** SHA-256 of the notebook's text. */
  version: string;
  /** Values of params as the run will have them, defaults filled in. */
  params: JsonObject;
  /** By cell, a text that stands for what it reads from outside; a cell whose text differs from last time runs again. */
  contents?: Readonly<Record<string, string>>;
  /** Only these cells and what leads to them. Absent: all. */
  cells?: readonly string[];
  /** Values given by hand for cells, which then do not run (EN-206). */
  given?: JsonObject;
  /** What the request says of every step, and of the run. */
  overrides?: PolicyOverrides & { concurrency?: number; limits?: Limits };
  /** Past values, from which cells that were not asked for themselves are reused where fresh. */
  history?: History;
  /**
   * The run goes on from another, whose values the history holds: what was asked for is reused as well. `unchanged`: if
   * it is what it was then; `named`: by its name alone.
   */
  goesOn?: "unchanged" | "named";
  /** What is known of a kind, or `undefined` if it cannot run here. */
  kinds: (name: string) => PlanKind | undefined;
  /** An estimate over a limit refuses the run instead of warning. */
  strict?: boolean;
  /**
   * Problems of the notebook and its graph. Errors that concern a cell of the run, or no cell, refuse it; others do
   * not matter to it.
   */
  problems?: readonly Problem[];
}

/**
 * The plan of a run, or why there is none. Codes of problems: `cell_unknown`, `kind_unknown`, `cell_invalid`,
 * `cycle_found`, `graph_too_large`, `flag_unavailable`, `key_unavailable`, `effect_irreversible`, and those of `problems` and of the kinds.
 *
 * @returns the plan, absent if a problem is an error; problems in order of place, those among `problems` as the same
 * objects, so that a caller can tell them from new ones
 *
 * @example
 * ```ts
 * import { buildGraph } from "../graph/graph.ts";
 * import { parse } from "../notebook/parse.ts";
 * const { notebook } = parse("~~~jsonata b\na + 1\n~~~\n\n~~~jsonata a\n1\n~~~\n");
 * const { graph } = buildGraph(notebook);
 * const kinds = (name: string) => name === "jsonata" ? { attempts: 1 } : undefined;
 * const { plan } = makePlan({ graph, notebook, version: "", params: {}, kinds });
 * if (plan?.steps.map((step) => step.cell).join() !== "a,b") throw new Error("not in run order");
 * ```
 */
export function makePlan(input: PlanInput): { plan?: Plan; problems: Problem[] } {
  const { graph, notebook, version, params, cells, history = {}, given = {}, overrides = {}, goesOn } = input;
  const unknown = unknownCells(graph, [...cells ?? [], ...Object.keys(given)]);
  const byHand = new Set(Object.keys(given));
  const selection = selectCells(graph, cells?.filter((name) => graph.byName.has(name)), byHand);
  const asked = selection.cells.filter((name) => !byHand.has(name)).map((name) =>
    graph.byName.get(name)!.cell
  );
  const unavailable = unavailableIn(notebook.frontMatter, asked);
  const problems = inOrder([...unknown, ...refusals(input, selection), ...unavailable]);
  if (problems.some(({ severity }) => severity === "error")) return { problems };

  const { frontMatter } = notebook;
  const current = fingerprints(graph, { frontMatter, params, contents: input.contents, hash: sha256 });
  const stale = staleCells(graph, current, history);
  const among = new Set(selection.cells);
  const running = new Set<string>();
  const steps = selection.cells.map((name): PlanStep => {
    const node = graph.byName.get(name)!;
    const policies = stepPolicies(node.cell, frontMatter, input.kinds(node.kind)?.attempts ?? 1, overrides);
    const common = { cell: name, kind: node.cell.kind as PlanStep["kind"], fingerprint: current.get(name)! };
    if (byHand.has(name)) {
      const value = { inline: given[name]! };
      return { ...common, needs: [], action: "reuse", why: "given by hand", ...policies, reuse: { value } };
    }
    const { needs, join } = needsOf(graph, name, among);
    const above = needs.find((need) => isRead(need.mode) && running.has(need.cell))?.cell;
    const past = Object.hasOwn(history, name) ? history[name] : undefined;
    const again = goesOn !== undefined
      ? whyRunOn(node, past, goesOn === "named" ? undefined : stale.get(name), above)
      : cells !== undefined && selection.targets.has(name)
      ? "asked for"
      : whyRun(node, stale.get(name), above, undoOf(node, input.kinds) !== undefined);
    const reuse = again === undefined && past !== undefined &&
      (goesOn !== undefined || !selection.targets.has(name));
    if (!reuse) running.add(name);
    const { fallback } = node.cell.header;
    return {
      ...common,
      needs,
      ...(join === undefined ? {} : { join }),
      action: reuse ? "reuse" : "run",
      why: reuse
        ? `${goesOn === undefined ? "fresh" : "taken over"} from run ${past.run}`
        : again ?? "run again",
      ...policies,
      ...(reuse ? {} : limitsOf(node.cell.header)),
      ...(isObject(fallback) && fallback.value !== undefined ? { fallback: { inline: fallback.value } } : {}),
      ...insteadOf(fallback, needs),
      ...eachOf(node.cell.header.each),
      ...requiresOf(node.cell.header.requires),
      ...(reuse ? { reuse: { ...(past.substitute ? {} : { run: past.run }), value: past.value } } : {}),
    };
  });
  const { onLimit, limits } = limitsOf(frontMatter.data);
  const most = lowest(limits, overrides.limits);
  const begun = steps.filter(({ action }) => action === "run");
  const estimate = estimateOf(begun.map(({ cell }) => graph.byName.get(cell)!.cell), input);
  problems.push(...begun.flatMap(({ cell }) => irreversible(graph.byName.get(cell)!, input.kinds)));
  const over = overLimit(estimate, most, input);
  if (over.length > 0 && input.strict) return { problems: inOrder([...problems, ...over]) };
  problems.push(...over);
  const plan: Plan = {
    version,
    steps: (overrides.errors ?? frontMatter.data.errors) === undefined ? withoutStops(graph, steps) : steps,
    concurrency: overrides.concurrency ?? concurrencyOf(frontMatter),
    ...(most === undefined ? {} : { limits: most }),
    ...(onLimit === undefined ? {} : { onLimit }),
    ...(estimate === undefined ? {} : { estimate }),
    ...(selection.skipped.length === 0 ? {} : { skipped: selection.skipped }),
  };
  return { plan, problems };
}

/**
 * Where nobody says what a failure means, that of a cell which only joins wait for, each of which can be met without it,
 * counts against them and stops nothing.
 */
function withoutStops(graph: Graph, steps: PlanStep[]): PlanStep[] {
  const alone = new Set<string>();
  const joined = new Set<string>();
  for (const { needs, join } of steps) {
    const choice = join !== undefined && join.gives !== "all";
    for (const need of needs) (need.join && choice ? joined : alone).add(need.cell);
  }
  if (joined.size === 0) return steps;
  return steps.map((step) => {
    const said = graph.byName.get(step.cell)!.cell.header.errors !== undefined;
    return said || !joined.has(step.cell) || alone.has(step.cell) ? step : { ...step, errors: "continue" };
  });
}

function insteadOf(fallback: Json | undefined, needs: readonly Need[]): { instead?: string } {
  const name = isObject(fallback) ? fallback.cell : undefined;
  return typeof name === "string" && needs.some(({ cell }) => cell === name) ? { instead: name } : {};
}

/** Items under way at a time when `each` does not say. */
const DEFAULT_ITEMS = 5;

function eachOf(each: Json | undefined): Pick<PlanStep, "each"> {
  if (!isObject(each)) return {};
  const concurrency = typeof each.concurrency === "number" ? each.concurrency : DEFAULT_ITEMS;
  return { each: { concurrency, errors: each.errors === "continue" ? "continue" : "stop" } };
}

function requiresOf(requires: Json | undefined): Pick<PlanStep, "requires"> {
  const tokens = Array.isArray(requires) ? requires.filter((token) => typeof token === "string") : [];
  return tokens.length === 0 ? {} : { requires: [...new Set(tokens)].sort() };
}

function isRead(mode: "value" | "optional" | "after" | "any"): boolean {
  return mode === "value" || mode === "optional";
}

/** Why a cell cannot keep its last value, or `undefined` if it can. */
function whyRun(
  { cell, volatile }: Node,
  stale: string | undefined,
  runs: string | undefined,
  acts: boolean,
): string | undefined {
  if (stale !== undefined) return stale;
  if (volatile !== undefined) return `uses $${volatile}`;
  // An answer is given to one run, and time passes in each.
  if (cell.kind === "approval" || cell.kind === "wait") return "waits in every run";
  // The text of the other notebook is read when its run begins, so that nothing here says whether it is still the same.
  if (cell.kind === "notebook") return "runs its notebook in every run";
  // The value of an earlier run does not stand for what is to be done in this one.
  if (acts) return "acts in every run";
  // What a server says may be another thing by now.
  if (cell.kind === "http" || cell.kind === "tool") return "asks a server in every run";
  if (cell.header.cache === false) return "cache is off";
  return runs === undefined ? undefined : `${runs} runs again`;
}

/**
 * The same in a run that goes on from another: what happened there has happened, whatever it depended on besides. But an
 * approval is given to one run.
 */
function whyRunOn(
  { cell }: Node,
  past: PastValue | undefined,
  stale: string | undefined,
  runs: string | undefined,
): string | undefined {
  if (past === undefined) return "not run";
  if (stale !== undefined) return stale;
  if (cell.kind === "approval") return "waits in every run";
  return runs === undefined ? undefined : `${runs} runs again`;
}

function undoOf({ kind, cell }: Node, kinds: PlanInput["kinds"]): Descriptor | undefined {
  return kinds(kind)?.undo?.(cell);
}

/** EF-027: what of the run cannot be undone, and why. */
function irreversible(node: Node, kinds: PlanInput["kinds"]): Problem[] {
  const undo = undoOf(node, kinds);
  if (undo?.type !== "irreversible") return [];
  const message = `'${node.name}' does something that cannot be undone: ${shown(undo.reason)}`;
  return [{ ...structureError("effect_irreversible", message, node), severity: "warning" }];
}

function concurrencyOf({ data }: FrontMatter): number {
  const { concurrency } = data;
  return typeof concurrency === "number" && Number.isInteger(concurrency) && concurrency >= 1
    ? concurrency
    : DEFAULT_CONCURRENCY;
}

function unknownCells({ byName }: Graph, asked: readonly string[]): Problem[] {
  return [...new Set(asked)].filter((name) => !byName.has(name)).map((name, i) => {
    // Each suggestion compares with all names, so that only a few are made.
    const near = i < 10 ? nearest(name, byName.keys()) : undefined;
    return structureError("cell_unknown", `No cell is named '${shown(name)}'${didYouMean(near)}`);
  });
}

function refusals({ graph, kinds, given = {}, problems = [] }: PlanInput, selection: Selection): Problem[] {
  const { stuck } = selection;
  // What is given by hand does not run, so that nothing of it can be in the way.
  const cells = selection.cells.filter((name) => !Object.hasOwn(given, name));
  const among = new Set(cells);
  const found = problems.filter(({ severity, cell, code }) =>
    severity === "error" && code !== "cycle_found" && (cell === undefined || among.has(cell))
  );
  const explained = new Set(found.map(({ cell }) => cell));
  for (const name of cells) {
    const node = graph.byName.get(name)!;
    const { kind, flags } = node.cell;
    if (kind === "invalid") {
      if (explained.has(name)) continue;
      found.push(structureError("cell_invalid", `Cell '${name}' is not valid`, node));
    } else if (kinds(kind) === undefined) {
      const message = `Cell kind '${kind}' of '${name}' cannot run in this version`;
      found.push(structureError("kind_unknown", message, node));
    } else if (flags.includes("bypassed")) {
      const message = `Cell '${name}' is bypassed; bypassed is not available yet`;
      found.push(structureError("flag_unavailable", message, node));
    } else found.push(...kinds(kind)!.check?.(node.cell) ?? []);
  }
  const cycles = stuck ? findCycles(graph) : [];
  const touched = cycles.filter((cycle) => cycle.some((name) => among.has(name)));
  // A cell can also stand behind a cycle of cells that are disabled.
  for (const cycle of touched.length > 0 ? touched : cycles) {
    const message = cycleText(cycle);
    const known = problems.find((problem) => problem.code === "cycle_found" && problem.message === message);
    found.push(known ?? structureError("cycle_found", message, graph.byName.get(cycle[0]!)));
  }
  if (graph.nodes.length > MAX_CELLS && !found.some(({ code }) => code === "graph_too_large")) {
    const message = `Notebook has ${graph.nodes.length} cells, over the limit ${MAX_CELLS}`;
    found.push(structureError("graph_too_large", message));
  }
  return found;
}

function structureError(code: string, message: string, node?: Node): Problem {
  const place = { line: node?.cell.line ?? 1, column: 1 };
  return {
    code,
    severity: "error",
    type: "structure",
    message,
    ...(node === undefined ? {} : { cell: node.name }),
    ...place,
  };
}
