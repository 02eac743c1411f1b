/**
 * From what a source gives to what a cell receives, along an edge of `inputs:`. Owns: the order of work (DF-127), and
 * how it fails. Never: which value an edge begins with (`../inputs.ts`).
 *
 * ```
 *   parse ▸ transform ▸ validate; then, for the whole input: as text where that is asked for ▸ its schema
 * ```
 *
 * The cell does not start where any of this fails, and no model has been called.
 */
import { isObject, type Json, type JsonObject, parseJson } from "../../../base/json.ts";
import { renderText } from "../../../expr/template.ts";
import type { PortType } from "../../../graph/types.ts";
import { schemaCheck } from "../../../kinds/schema/check.ts";
import { listErrors, schemaFault } from "../../../kinds/schema/told.ts";
import { checksOf, transformationsOf } from "../../../notebook/contracts/contract.ts";
import type { StepProblem, Warning } from "../../../run/event.ts";
import { failureOf } from "./check.ts";
import { type Evaluate, transformed } from "./transform.ts";

/** What came of it. Without `value` there is none, which is not null. */
export type Delivered =
  | { ok: true; value?: Json; warnings: Warning[] }
  | { ok: false; problem: StepProblem };

/** Reads, transforms and checks what one source gives for an input. */
export async function deliver(
  { name, contract, type, value, evaluate }: {
    name: string;
    contract: JsonObject;
    /** Of the port that it comes from. */
    type: PortType;
    value: Json;
    evaluate: Evaluate;
  },
): Promise<Delivered> {
  const steps = transformationsOf(contract);
  let now: Json | undefined = value;
  if (typeof value === "string" && parses(contract, type, steps[0]?.type)) {
    const parsed = parseJson(value);
    if (!parsed.ok) {
      return refused(
        "input_not_json",
        `Input '${name}' expects JSON text: ${parsed.reason}. Set parse: false to use the text itself`,
      );
    }
    now = parsed.value;
  }
  for (const [i, step] of steps.entries()) {
    const result = await transformed(step, now, evaluate);
    if (!result.ok) {
      const message = `Transformation ${i + 1} (${step.type}) failed: ${result.message}`;
      return { ok: false, problem: { category: result.category, code: "transformation_failed", message } };
    }
    now = result.value;
  }
  const failures: { message: string; severity: "error" | "warning" }[] = [];
  for (const check of checksOf(contract)) {
    const message = await failureOf(check, name, now ?? null, evaluate);
    if (message !== undefined) failures.push({ message, severity: check.severity });
  }
  const told = failures.map(({ message }) => message);
  if (failures.some(({ severity }) => severity === "error")) {
    return refused("edge_invalid", `Edge validation failed: ${told.join(", ")}`);
  }
  const warnings = told.map((message): Warning => ({
    type: "quality",
    severity: "medium",
    message: `Input '${name}': ${message}`,
  }));
  return { ok: true, ...(now === undefined ? {} : { value: now }), warnings };
}

/** DF-131 A value where text is asked for; DF-107 the schema of what the cell receives. */
export async function received(
  name: string,
  { type, schema }: JsonObject,
  value: Json,
): Promise<{ ok: true; value: Json } | { ok: false; problem: StepProblem }> {
  const given = (type === "text" || type === "code") && typeof value !== "string" ? renderText(value) : value;
  if (!isObject(schema)) return { ok: true, value: given };
  const read = await schemaCheck(schema);
  if (!read.ok) return refused("schema_invalid", schemaFault(name, read));
  const errors = read.check(given);
  return errors.length === 0
    ? { ok: true, value: given }
    : refused("input_schema", `Input '${name}' schema validation failed: ${listErrors(errors)}`);
}

/** DF-133: whether a text is read as JSON first. */
function parses({ parse }: JsonObject, type: PortType, first: string | undefined): boolean {
  if (typeof parse === "boolean") return parse;
  return type === "text" && first !== undefined && ["path", "filter", "map", "aggregate"].includes(first);
}

function refused(code: string, message: string): { ok: false; problem: StepProblem } {
  return { ok: false, problem: { category: "invalid_input", code, message } };
}
