/**
 * What a cell gives. Owns: reading `outputs:` of a checked header. Never: whether a value fits.
 */
import { isObject, type JsonObject } from "../base/json.ts";
import type { Cell } from "./types.ts";

/** Types of ports. */
export const PORT_TYPES = ["text", "json", "code", "artifact", "stream"] as const;

/** A declared output of a cell, or the value itself. */
export interface OutputPort {
  /** Empty for the value itself, where the cell declares no outputs. */
  name: string;
  type: typeof PORT_TYPES[number];
  /** JSON Schema of the port's value; of one item for a `stream`. */
  schema?: JsonObject;
}

/** Most ports a cell may declare on a side. */
export const MAX_PORTS = 64;

/**
 * The outputs of a cell in the order of its header. Without `outputs:` it is one port, the value itself: `text` for an
 * agent, `json` for every other kind. A declaration that is not valid, for which the parser has a problem, is left out.
 *
 * @example
 * ```ts
 * import { parse } from "./parse.ts";
 * import { cellsOf } from "./types.ts";
 * const text = "~~~agent a\noutputs: { claims: { type: json } }\n---\nList them\n~~~\n";
 * const [cell] = cellsOf(parse(text).notebook);
 * if (outputsOf(cell!)[0]?.name !== "claims") throw new Error("not read");
 * ```
 */
export function outputsOf(cell: Cell): OutputPort[] {
  const declared = Object.entries(isObject(cell.header.outputs) ? cell.header.outputs : {});
  const ports = declared.slice(0, MAX_PORTS).flatMap(([name, port]) => {
    if (!isObject(port)) return [];
    const type = PORT_TYPES.find((known) => known === port.type);
    if (type === undefined) return [];
    return [{ name, type, ...(isObject(port.schema) ? { schema: port.schema } : {}) }];
  });
  return ports.length > 0 ? ports : [{ name: "", type: cell.kind === "agent" ? "text" : "json" }];
}
