/**
 * The ports of a cell: what it gives, and what its contracts take. Owns: reading `inputs:` and `after:` of a header.
 * Never: whether the cells named there exist.
 */
import { isObject, type Json } from "../base/json.ts";
import { outputsOf } from "../notebook/outputs.ts";
import type { Cell } from "../notebook/types.ts";
import type { Port } from "./types.ts";

/** A cell, or one of its ports, as `from:` names it. */
export interface Source {
  cell: string;
  /** Empty for the value itself. */
  port: string;
}

/** One entry of `inputs:`. */
export interface InputPort {
  name: string;
  /** Several, if `from` is a list; none, if nothing is connected. */
  from: Source[];
  required: boolean;
  hasDefault: boolean;
}

/** One entry of `after:`. */
export interface AfterRule {
  cell: string;
  /** False for `b?`, which any end of `b` meets. */
  required: boolean;
}

/** Output ports of a cell, in the order of its header. */
export function outputPorts(cell: Cell): Port[] {
  return cell.kind === "invalid" ? [] : outputsOf(cell).map(({ name, type }) => ({ name, type }));
}

/** Contracts under `inputs:`; an entry that is not an object, for which the parser has a problem, is left out. */
export function inputPorts({ header, kind }: Cell): InputPort[] {
  if (kind === "invalid" || !isObject(header.inputs)) return [];
  return Object.entries(header.inputs).flatMap(([name, input]) => {
    if (!isObject(input)) return [];
    return [{
      name,
      from: stringsOf(input.from).map(sourceOf),
      required: input.required !== false,
      hasDefault: input.default !== undefined,
    }];
  });
}

/** What `after:` waits for: `a`, `b?` or a list of these. */
export function afterRules({ header, kind }: Cell): AfterRule[] {
  if (kind === "invalid") return [];
  return stringsOf(header.after).map((text) => {
    const required = !text.endsWith("?");
    return { cell: required ? text : text.slice(0, -1), required };
  });
}

function stringsOf(value: Json | undefined): string[] {
  const list = Array.isArray(value) ? value : [value];
  return list.filter((item): item is string => typeof item === "string").map((text) => text.trim());
}

function sourceOf(text: string): Source {
  const dot = text.indexOf(".");
  return dot < 0 ? { cell: text, port: "" } : { cell: text.slice(0, dot), port: text.slice(dot + 1) };
}
