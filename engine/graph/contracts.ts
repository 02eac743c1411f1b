/**
 * Whether what a cell gives goes into an input of another. Owns: which types go together, and the words where they do
 * not. Never: values.
 *
 * DF-131, DF-132. An input that does not say its type takes what comes.
 */
import { isObject, type Json } from "../base/json.ts";
import { transformationsOf } from "../notebook/contracts/contract.ts";
import { PORT_TYPES } from "../notebook/outputs.ts";
import type { Node, PortType } from "./types.ts";

const PARSE = "Parse as JSON";
const PATH = "Add a path";
const READ = "Read artifact as text";

/** What stands in the way of a wire, and the ways out. */
export interface Mismatch {
  message: string;
  expected: string;
}

/**
 * Why an input does not take what a port gives; nothing if it does.
 *
 * @param port of the source, empty for its value
 * @param contract the entry of `inputs:`
 */
export function mismatchOf(
  source: Node,
  port: string,
  target: { cell: string; input: string; contract: Json | undefined },
): Mismatch | undefined {
  const { contract } = target;
  const wanted = isObject(contract) ? PORT_TYPES.find((type) => type === contract.type) : undefined;
  if (wanted === undefined || !isObject(contract)) return undefined;
  const given = typeOfPort(source, port);
  const fixes = fixesOf(given, wanted);
  if (fixes.length === 0 || transformationsOf(contract).length > 0) return undefined;
  if (contract.parse === true && fixes.includes(PARSE)) return undefined;
  const from = port === "" ? source.name : `${source.name}.${port}`;
  return {
    message: `Cannot connect ${from} (${given}) to ${target.cell}.${target.input} (${wanted})`,
    expected: fixes.join(" or "),
  };
}

/** Type of what an edge carries; the value itself of a cell with declared ports is one object. */
export function typeOfPort({ outputs }: Node, port: string): PortType {
  return outputs.find(({ name }) => name === port)?.type ?? "json";
}

/** What would let a value of one type into an input of another; empty if it goes in as it is. */
function fixesOf(given: PortType, wanted: PortType): string[] {
  if (given === wanted || wanted === "artifact" || given === "stream") return [];
  if (given === "artifact") return wanted === "json" ? [PATH] : wanted === "stream" ? [READ, PATH] : [READ];
  return (given === "text" || given === "code") && wanted === "json" ? [PARSE, PATH] : [];
}
