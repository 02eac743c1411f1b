/**
 * Schemas of a cell that are none. Owns: finding them before anything runs, whatever the kind of the cell.
 * Never: values; those are checked when there are any.
 *
 * DF-106 A bad schema is a problem of the notebook.
 */
import { isObject, type Json, type JsonObject } from "../../base/json.ts";
import { checksOf } from "../../notebook/contracts/contract.ts";
import { configProblem } from "../../notebook/problem.ts";
import { readYaml } from "../../notebook/syntax/yaml_text.ts";
import type { Cell, Problem } from "../../notebook/types.ts";
import { readSchema } from "./read.ts";
import { schemaFault } from "./told.ts";

/**
 * A problem `schema_invalid` for each schema of the cell's ports and checks that cannot be used, at its place.
 *
 * @example
 * ```ts
 * import { parse } from "../../notebook/parse.ts";
 * import { cellsOf } from "../../notebook/types.ts";
 * const [cell] = cellsOf(parse("~~~ts x\ninputs: { i: { from: a, schema: { type: 1 } } }\n---\nreturn i\n~~~\n").notebook);
 * if (schemaProblems(cell!)[0]?.line !== 2) throw new Error("not its place");
 * ```
 */
export function schemaProblems(cell: Cell): Problem[] {
  const found: { path: string[]; message: string }[] = [];
  const look = (path: string[], port: string, schema: Json | undefined) => {
    if (!isObject(schema)) return;
    const read = readSchema(schema);
    if (!read.ok) found.push({ path, message: schemaFault(port, read) });
  };
  for (const side of ["inputs", "outputs"]) {
    for (const [port, contract] of portsOf(cell.header[side])) {
      look([side, port, "schema"], port, contract.schema);
      if (side === "outputs" || !Array.isArray(contract.validate)) continue;
      for (const [i, entry] of contract.validate.entries()) {
        const [check] = checksOf({ validate: [entry] });
        if (check?.type === "schema") look([side, port, "validate", String(i), "schema"], port, check.schema);
      }
    }
  }
  if (found.length === 0) return [];
  const { headerText, headerLine: line, indent } = cell;
  const { placeOf } = readYaml(headerText, { line, indent, maxLength: headerText.length });
  return found.map(({ path, message }) =>
    configProblem("schema_invalid", placeOf(path), message, { cell: cell.name })
  );
}

function portsOf(ports: Json | undefined): [string, JsonObject][] {
  return Object.entries(isObject(ports) ? ports : {}).flatMap(([name, port]) =>
    isObject(port) ? [[name, port]] : []
  );
}
