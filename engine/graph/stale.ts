/**
 * Whether a cell's last value still holds. Owns: fingerprints and the words for what has changed.
 * Never: hashing itself, which the server does with `node:crypto` and which is therefore passed in.
 *
 * G5 Two fingerprints of a cell are equal if and only if its own text, the params it reads and the fingerprints of the
 * cells whose values it reads are (but for collisions of 80 bits).
 */
import { canonicalJson, isObject, type Json, type JsonObject } from "../base/json.ts";
import type { FrontMatter } from "../notebook/types.ts";
import { runOrder } from "./order.ts";
import type { Edge, Graph, Node } from "./types.ts";

/** Hexadecimal digits kept of each of the three parts. */
const PART_LENGTH = 20;
/** The part of a cell that reads no params, or no cells. */
const NOTHING = "-";

/** What {@link fingerprints} needs beside the graph. */
export interface FingerprintInput {
  frontMatter: FrontMatter;
  /** Values of params as the run would have them. A param without one counts as its default, else as absent. */
  params: JsonObject;
  /** By cell, a text that stands for what it reads from outside, such as the hash of its files. */
  contents?: Readonly<Record<string, string>>;
  /** Hash of a text, as hexadecimal digits, at least 20. */
  hash: (text: string) => string;
}

/**
 * Fingerprints by cell, `own.params.inputs`: the cell's kind, header and source (with the notebook's `defaults` for an
 * agent); the names and values of the params it reads; the edges into it with the fingerprints of their sources. Kept
 * apart, so that of two that differ one can say what has changed. Cells on or behind a cycle have none.
 */
export function fingerprints(
  graph: Graph,
  { frontMatter, params, contents = {}, hash }: FingerprintInput,
): Map<string, string> {
  const part = (value: Json) => hash(canonicalJson(value)).slice(0, PART_LENGTH);
  const values = new Map(graph.params.map((param) => [param.name, params[param.name] ?? param.default]));
  // A param can be a whole file, and many cells can read it.
  const paramHashes = new Map<string, string>();
  const paramHash = (name: string) => {
    const known = paramHashes.get(name) ??
      part([name, values.get(name) ?? null, values.get(name) !== undefined]);
    paramHashes.set(name, known);
    return known;
  };
  const found = new Map<string, string>();
  for (const name of runOrder(graph).order) {
    const node = graph.byName.get(name)!;
    const reads = node.params.map(paramHash);
    const inputs = dataEdges(graph, node).map(({ id, source }) => [id, found.get(source)!]);
    if (Object.hasOwn(contents, name)) inputs.push(["", contents[name]!]);
    found.set(
      name,
      [
        part(ownText(node, frontMatter)),
        reads.length === 0 ? NOTHING : part(reads),
        inputs.length === 0 ? NOTHING : part(inputs),
      ].join("."),
    );
  }
  return found;
}

function ownText({ kind, cell }: Node, frontMatter: FrontMatter): Json {
  const defaults = kind === "agent" && isObject(frontMatter.data.defaults) ? frontMatter.data.defaults : {};
  return [kind, cell.header, cell.source, defaults];
}

function dataEdges(graph: Graph, { name }: Node): Edge[] {
  return (graph.into.get(name) ?? []).filter(({ via }) => via !== "after");
}

/** The last value of a cell, as far as staleness looks at it. */
export interface PastFingerprint {
  fingerprint: string;
}

/**
 * Which cells have no value that holds, and why, in the words of the page: `not run`, `code edited`, `param topic
 * changed`, `params changed`, `scout is stale`, `input scout changed`, `inputs changed`, `files changed`. Cells not in the answer are
 * fresh. A cell on a cycle has no fingerprint and is `on a cycle`.
 */
export function staleCells(
  graph: Graph,
  current: ReadonlyMap<string, string>,
  history: Readonly<Record<string, PastFingerprint>>,
): Map<string, string> {
  const reasons = new Map<string, string>();
  const { order, left } = runOrder(graph);
  for (const name of order) {
    const past = Object.hasOwn(history, name) ? history[name] : undefined;
    const now = current.get(name);
    if (past === undefined || now === undefined) reasons.set(name, "not run");
    else if (past.fingerprint !== now) {
      reasons.set(name, whatChanged(graph, graph.byName.get(name)!, past.fingerprint, now, reasons));
    }
  }
  for (const name of left) reasons.set(name, "on a cycle");
  return reasons;
}

function whatChanged(
  graph: Graph,
  node: Node,
  past: string,
  now: string,
  reasons: ReadonlyMap<string, string>,
): string {
  const [oldOwn, oldParams] = past.split(".");
  const [own, params] = now.split(".");
  if (oldOwn !== own) return "code edited";
  if (oldParams !== params) {
    return node.params.length === 1 ? `param ${node.params[0]} changed` : "params changed";
  }
  const sources = [...new Set(dataEdges(graph, node).map(({ source }) => source))];
  const stale = sources.find((source) => reasons.has(source));
  if (stale !== undefined) return `${stale} is stale`;
  if (sources.length === 0) return "files changed";
  return sources.length === 1 ? `input ${sources[0]} changed` : "inputs changed";
}
