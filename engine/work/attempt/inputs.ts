/**
 * What a step is given: values by the names that its cell uses. Owns: how an edge becomes a name with a value.
 * Never: expressions; a reference binds the whole value and the cell's own text picks from it.
 *
 * EN-802 Inputs are bound by name; upstreams never overwrite each other.
 */
import { isObject, type Json, type JsonObject, parseJson } from "../../base/json.ts";
import type { Edge, Graph } from "../../graph/types.ts";
import type { StoredValue } from "../../plan/types.ts";
import type { StepProblem } from "../../run/event.ts";
import type { Run } from "../../run/state.ts";
import { objectOf } from "../../kinds/kind.ts";

/** Values by name, or what is missing. */
export type Inputs = { ok: true; inputs: Record<string, Json> } | { ok: false; problem: StepProblem };

/** Binds all inputs of a cell; upstreams that the cell needs have ended. */
export async function resolveInputs(
  { run, graph, cell, params, read }: {
    run: Run;
    graph: Graph;
    cell: string;
    params: JsonObject;
    read: (stored: StoredValue) => Promise<Json>;
  },
): Promise<Inputs> {
  const inputs: Record<string, Json> = {};
  for (const name of graph.byName.get(cell)?.params ?? []) inputs[name] = params[name] ?? null;
  const contracts = objectOf(graph.byName.get(cell)?.cell.header.inputs);
  for (const [name, contract] of Object.entries(contracts)) inputs[name] = objectOf(contract).default ?? null;
  for (const edge of graph.into.get(cell) ?? []) {
    if (edge.via === "after") continue;
    const stored = run.steps.get(edge.source)?.value;
    if (stored === undefined) {
      inputs[edge.targetPort] ??= null;
      continue;
    }
    const contract = objectOf(contracts[edge.targetPort]);
    const bound = valueOn(edge, await read(stored), contract);
    if (!bound.ok) return bound;
    const before = inputs[edge.targetPort];
    // DF-124: `from` as a list makes the value a list in that order; its edges come in that order.
    if (edge.via === "input" && Array.isArray(contract.from)) {
      inputs[edge.targetPort] = [...Array.isArray(before) ? before : [], bound.value];
    } else inputs[edge.targetPort] = bound.value;
  }
  return { ok: true, inputs };
}

type Bound = { ok: true; value: Json } | { ok: false; problem: StepProblem };

function valueOn(edge: Edge, whole: Json, contract: JsonObject): Bound {
  if (edge.via === "reference") return { ok: true, value: whole };
  const value = edge.sourcePort === "" ? whole : isObject(whole) ? whole[edge.sourcePort] : undefined;
  if (value === undefined) {
    return missing(`Missing output from source cell: ${edge.source} has no port '${edge.sourcePort}'`);
  }
  if (contract.parse !== true || typeof value !== "string") return { ok: true, value };
  const parsed = parseJson(value);
  if (parsed.ok) return parsed;
  return missing(
    `Input '${edge.targetPort}' expects JSON text: ${parsed.reason}. Set parse: false to use the text itself`,
  );
}

function missing(message: string): Bound {
  return { ok: false, problem: { category: "invalid_input", message } };
}
