/**
 * What a step is given: values by the names that its cell uses. Owns: how an edge becomes a name with a value.
 * Never: what is done with it on its way (`edges/`); a reference binds the whole value and the cell's own text picks from it.
 *
 * EN-802 Inputs are bound by name; upstreams never overwrite each other.
 * S6 Of what a join counts, only those that had succeeded when it settled have a value, in that order (EN-807).
 */
import { isObject, type Json, type JsonObject } from "../../base/json.ts";
import { typeOfPort } from "../../graph/contracts.ts";
import type { Edge, Graph } from "../../graph/types.ts";
import type { StoredValue } from "../../plan/types.ts";
import type { StepProblem, Warning } from "../../run/event.ts";
import type { Run, Step } from "../../run/state.ts";
import { objectOf } from "../../kinds/kind.ts";
import { deliver, received } from "./edges/deliver.ts";
import type { Evaluate } from "./edges/transform.ts";

/** Values by name and what there is to say of them, or what is missing. */
export type Inputs =
  | { ok: true; inputs: Record<string, Json>; warnings: Warning[] }
  | { ok: false; problem: StepProblem };

/** Binds all inputs of a cell; upstreams that the cell needs have ended. */
export async function resolveInputs(
  { run, graph, cell, params, read, evaluate }: {
    run: Run;
    graph: Graph;
    cell: string;
    params: JsonObject;
    read: (stored: StoredValue) => Promise<Json>;
    /** For what is done with values on their way; the first is the name of the input. */
    evaluate: (input: string, ...what: Parameters<Evaluate>) => ReturnType<Evaluate>;
  },
): Promise<Inputs> {
  const warnings: Warning[] = [];
  const inputs: Record<string, Json> = {};
  for (const name of graph.byName.get(cell)?.params ?? []) inputs[name] = params[name] ?? null;
  const contracts = objectOf(graph.byName.get(cell)?.cell.header.inputs);
  for (const [name, contract] of Object.entries(contracts)) inputs[name] = objectOf(contract).default ?? null;
  const filled = new Set<string>();
  const joined = joinedOf(run.steps.get(cell));
  for (const edge of inOrderOf(joined, graph.into.get(cell) ?? [])) {
    if (edge.via === "after") continue;
    const stored = joined.leftOut.has(edge.source) ? undefined : run.steps.get(edge.source)?.value;
    if (stored === undefined) {
      inputs[edge.targetPort] ??= joined.lists(contracts, edge) && joined.gives === "quorum" ? [] : null;
      continue;
    }
    const contract = objectOf(contracts[edge.targetPort]);
    const taken = valueOn(edge, await read(stored));
    if (!taken.ok) return taken;
    const bound = edge.via === "reference" ? { ...taken, warnings: [] } : await deliver({
      name: edge.targetPort,
      contract,
      type: typeOfPort(graph.byName.get(edge.source)!, edge.sourcePort),
      value: taken.value,
      evaluate: (...what) => evaluate(edge.targetPort, ...what),
    });
    if (!bound.ok) return bound;
    warnings.push(...bound.warnings);
    const { value = contract.default ?? null } = bound;
    // A default is for an input without a value, and no part of one.
    const before = filled.has(edge.targetPort) ? inputs[edge.targetPort] as Json[] : [];
    filled.add(edge.targetPort);
    if (joined.lists(contracts, edge)) {
      const entry = { value, name: edge.source };
      inputs[edge.targetPort] = joined.gives === "any" ? entry : [...before, entry];
      continue;
    }
    // DF-124: `from` as a list makes the value a list in that order; its edges come in that order.
    if (edge.via === "input" && Array.isArray(contract.from)) {
      inputs[edge.targetPort] = [...before, value];
    } else inputs[edge.targetPort] = value;
  }
  for (const name of filled) {
    if (!Object.hasOwn(contracts, name)) continue;
    const last = await received(name, objectOf(contracts[name]), inputs[name]!);
    if (!last.ok) return last;
    inputs[name] = last.value;
  }
  return { ok: true, inputs, warnings };
}

/** What the join of a step has come to, as far as its inputs show it. */
interface Joined {
  gives: "any" | "quorum" | "all";
  /** In the order of success. */
  names: readonly string[];
  /** Cells that it counts and that had not succeeded when it settled. */
  leftOut: ReadonlySet<string>;
  /** Whether the input of an edge is a list of cells that it counts, and so shows which of them succeeded. */
  lists(contracts: JsonObject, edge: Edge): boolean;
}

function joinedOf(step: Step | undefined): Joined {
  const { needs = [], join } = step?.plan ?? {};
  const counted = new Set(needs.filter((need) => need.join).map(({ cell }) => cell));
  const names = step?.joined ?? [];
  const gives = join?.gives ?? "all";
  return {
    gives,
    names,
    leftOut: new Set([...counted].filter((cell) => !names.includes(cell))),
    lists: (contracts, edge) => {
      const { from } = objectOf(contracts[edge.targetPort]);
      return gives !== "all" && edge.via === "input" && Array.isArray(from) &&
        from.every((source) => counted.has(String(source).split(".")[0]!));
    },
  };
}

/** Edges from what a join gives come in the order of success, all others as they are. */
function inOrderOf({ names, gives }: Joined, edges: readonly Edge[]): readonly Edge[] {
  if (gives === "all") return edges;
  const place = new Map(names.map((name, i) => [name, i]));
  return edges.toSorted((a, b) => (place.get(a.source) ?? Infinity) - (place.get(b.source) ?? Infinity) || 0);
}

type Bound = { ok: true; value: Json } | { ok: false; problem: StepProblem };

function valueOn(edge: Edge, whole: Json): Bound {
  if (edge.via === "reference" || edge.sourcePort === "") return { ok: true, value: whole };
  const value = isObject(whole) ? whole[edge.sourcePort] : undefined;
  if (value !== undefined) return { ok: true, value };
  const message = `Missing output from source cell: ${edge.source} has no port '${edge.sourcePort}'`;
  return { ok: false, problem: { category: "invalid_input", message } };
}
