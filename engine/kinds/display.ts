/**
 * What a value is shown as. Owns: the rule, the same for all kinds. Never: drawing.
 */
import { isObject, type Json } from "../base/json.ts";
import { outputsOf } from "../notebook/outputs.ts";
import type { Cell } from "../notebook/types.ts";
import { isChart } from "../sandbox/chart.ts";
import type { Display } from "../wire/frame.ts";

/**
 * A Vega-Lite specification is a chart; the first output of type `text` is Markdown, which for an agent without
 * `outputs:` is its whole value. Anything else is shown as JSON.
 *
 * @example
 * ```ts
 * import type { Cell } from "../notebook/types.ts";
 * const cell = { kind: "agent", header: {} } as Cell;
 * if (displayOf("*words*", cell).display?.as !== "markdown") throw new Error("an agent's text is Markdown");
 * if (displayOf("*words*", { ...cell, kind: "ts" }).display !== undefined) throw new Error("code's text is plain");
 * ```
 */
export function displayOf(value: Json, cell: Cell): { display?: Display } {
  if (isChart(value)) return { display: { as: "chart" } };
  const port = outputsOf(cell).find(({ type }) => type === "text")?.name;
  if (port === "" && typeof value === "string") return { display: { as: "markdown" } };
  if (port === undefined || !isObject(value) || typeof value[port] !== "string") return {};
  return { display: { as: "markdown", port } };
}
