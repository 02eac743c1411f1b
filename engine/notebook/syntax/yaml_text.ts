/**
 * YAML of headers and front matter as plain JSON.
 *
 * Owns: the limits and the subset: core schema, no tags, no merge keys, keys are text, a key twice is an error, nested at
 * most 64 deep, 10,000 nodes after aliases (SE-1106).
 * Never: what keys mean.
 *
 * Invariants: never throws; the result is JSON (no dates, no NaN, no shared prototype tricks: `__proto__` is a key like
 * any other).
 */
import { type Document, isAlias, isMap, isScalar, isSeq, type Node, parseDocument } from "yaml";
import type { Json, JsonObject } from "../../base/json.ts";
import type { Place } from "../types.ts";

const MAX_DEPTH = 64;
const MAX_NODES = 10_000;
/** Longest texts together that aliases may add. */
const MAX_LENGTH = 1024 * 1024;

/** Settings with which every YAML text of a notebook is read. */
export const YAML_OPTIONS = {
  version: "1.2",
  schema: "core",
  merge: false,
  stringKeys: true,
  // Looked for below, in linear time.
  uniqueKeys: false,
  prettyErrors: false,
  logLevel: "silent",
} as const;

/** What a YAML text says. */
export interface YamlText {
  /** Empty if the text is empty, is no mapping or has an error. */
  data: JsonObject;
  /** What is wrong, without a full stop, and where. */
  error?: { message: string; place: Place };
  /** Where a key stands in the file; the nearest key above it if it is not there itself. */
  placeOf(path: readonly string[]): Place;
}

/** Where a YAML text stands in its file. */
export interface YamlSource {
  /** Line of its first character. */
  line: number;
  /** Columns taken off each of its lines. */
  indent: number;
  /** Longest text, in UTF-16 code units. */
  maxLength: number;
}

/** Reads YAML text whose top is a mapping. */
export function readYaml(text: string, source: YamlSource): YamlText {
  const placeAt = placer(text, source);
  const failed = (message: string, offset: number): YamlText => {
    const place = placeAt(offset);
    return { data: {}, error: { message, place }, placeOf: () => place };
  };
  if (text.length > source.maxLength) {
    return failed(`It is ${text.length} characters long, over the limit ${source.maxLength}`, 0);
  }
  let document: Document.Parsed;
  try {
    document = parseDocument(withLineFeeds(text), YAML_OPTIONS);
  } catch (error) {
    // The library's parser is recursive: nesting far over the limit brings it to the end of its stack.
    return failed(error instanceof RangeError ? TOO_DEEP : oneSentence(String(error)), 0);
  }
  const [first] = document.errors;
  if (first !== undefined) {
    const deep = first.message.includes("call stack");
    return failed(
      deep ? TOO_DEEP : oneSentence(first.message),
      Math.min(first.pos[0], text.trimEnd().length),
    );
  }
  if (document.contents === null || isEmptyScalar(document.contents)) {
    return { data: {}, placeOf: () => placeAt(0) };
  }
  const reader = new JsonReader();
  const { value } = reader.read(document.contents, 1);
  if (reader.error !== undefined) return failed(reader.error.message, reader.error.offset);
  if (!isMap(document.contents)) {
    return failed("Expected keys and values, such as `key: value`", document.contents.range![0]);
  }
  const offsetOf = keyFinder(document.contents);
  return { data: value as JsonObject, placeOf: (path) => placeAt(offsetOf(path)) };
}

/** The text with each lone carriage return, which YAML does not take as a line end, as a line feed. Length is kept. */
export function withLineFeeds(text: string): string {
  return text.replace(/\r(?!\n)/g, "\n");
}

const NO_TAGS = "Tags such as !name are not allowed";
const TOO_DEEP = `It is nested deeper than ${MAX_DEPTH}`;

interface Read {
  value: Json;
  /** Nodes and characters in it, aliases counted as what they stand for. */
  nodes: number;
  length: number;
  /** Levels in it. */
  height: number;
}

const NOTHING: Read = { value: null, nodes: 1, length: 0, height: 1 };

/** Turns nodes into JSON. After the first error, which it keeps, it gives nothing of use. */
class JsonReader {
  error: { message: string; offset: number } | undefined;
  #nodes = 0;
  #length = 0;
  #anchors = new Map<string, Read>();

  read(node: Node | null, depth: number): Read {
    if (this.error !== undefined || node === null) return NOTHING;
    if (node.tag !== undefined) return this.#fail(NO_TAGS, node);
    if (depth > MAX_DEPTH) return this.#fail(TOO_DEEP, node);
    const read = this.#readKind(node, depth);
    if (isAlias(node)) {
      this.#nodes += read.nodes;
      this.#length += read.length;
    } else {
      this.#nodes++;
      const { anchor } = node as { anchor?: string };
      if (anchor !== undefined) this.#anchors.set(anchor, read);
    }
    if (this.#nodes > MAX_NODES) return this.#fail(`It has more than ${MAX_NODES} values`, node);
    if (this.#length > MAX_LENGTH) return this.#fail("Its aliases make it too long", node);
    return read;
  }

  #readKind(node: Node, depth: number): Read {
    if (isAlias(node)) return this.#alias(node, depth);
    if (isMap<Node, Node | null>(node)) return this.#map(node, depth);
    if (isSeq<Node>(node)) {
      const items = node.items.map((item) => this.read(item, depth + 1));
      return whole(items.map((item) => item.value), items);
    }
    return this.#scalar(node);
  }

  #alias(node: Node & { source: string }, depth: number): Read {
    const target = this.#anchors.get(node.source);
    if (target === undefined) return this.#fail(`Alias '${node.source}' names nothing above it`, node);
    if (depth + target.height - 1 > MAX_DEPTH) return this.#fail(TOO_DEEP, node);
    return target;
  }

  #map(node: { items: { key: Node; value: Node | null }[] }, depth: number): Read {
    const object: JsonObject = {};
    const values: Read[] = [];
    for (const pair of node.items) {
      const key = isScalar(pair.key) && typeof pair.key.value === "string" ? pair.key.value : undefined;
      if (key === undefined) return this.#fail("A key must be text", pair.key);
      if (pair.key.tag !== undefined) return this.#fail(NO_TAGS, pair.key);
      if (Object.hasOwn(object, key)) return this.#fail(`Key '${key.slice(0, 60)}' is there twice`, pair.key);
      const read = this.read(pair.value, depth + 1);
      values.push(read);
      // Assigning to `__proto__` would set the prototype.
      Object.defineProperty(object, key, {
        value: read.value,
        enumerable: true,
        writable: true,
        configurable: true,
      });
    }
    return whole(object, values);
  }

  #scalar(node: Node): Read {
    const value = isScalar(node) ? node.value : undefined;
    if (typeof value === "number") {
      if (!Number.isFinite(value)) return this.#fail("A number must be finite", node);
      return { ...NOTHING, value: value === 0 ? 0 : value };
    }
    if (typeof value === "string") return { ...NOTHING, value, length: value.length };
    if (value === null || typeof value === "boolean") return { ...NOTHING, value };
    return this.#fail("Expected text, a number, true, false, null, a list or keys and values", node);
  }

  #fail(message: string, node: Node): Read {
    this.error ??= { message, offset: node.range?.[0] ?? 0 };
    return NOTHING;
  }
}

function whole(value: Json, parts: Read[]): Read {
  let nodes = 1;
  let length = 0;
  let height = 0;
  for (const part of parts) {
    nodes += part.nodes;
    length += part.length;
    height = Math.max(height, part.height);
  }
  return { value, nodes, length, height: height + 1 };
}

function isEmptyScalar(node: Node): boolean {
  return isScalar(node) && node.value === null && node.source === "" && node.tag === undefined;
}

/** Gives the offset of the key at the end of a path, or of the last key of it that is there. */
function keyFinder(top: Node | null): (path: readonly string[]) => number {
  const pairsOf = new Map<Node, Map<unknown, { key: Node; value: Node | null }>>();
  const pairs = (map: Node & { items: { key: Node; value: Node | null }[] }) => {
    const known = pairsOf.get(map) ??
      new Map(map.items.map((pair) => [isScalar(pair.key) ? pair.key.value : undefined, pair]));
    pairsOf.set(map, known);
    return known;
  };
  return (path) => {
    let node: unknown = top;
    let offset = top?.range?.[0] ?? 0;
    for (const step of path) {
      const pair = isMap<Node, Node | null>(node) ? pairs(node).get(step) : undefined;
      const found = pair?.key ?? (isSeq<Node>(node) ? node.items[Number(step)] : undefined);
      if (found === undefined) break;
      offset = found.range?.[0] ?? offset;
      node = pair === undefined ? found : pair.value;
    }
    return offset;
  };
}

/** Gives line and column in the file for offsets in the text. Lines are counted on the first call. */
function placer(text: string, { line, indent }: YamlSource): (offset: number) => Place {
  let starts: number[] | undefined;
  return (offset) => {
    starts ??= [0, ...Array.from(text.matchAll(/\r\n|[\n\r]/g), (end) => end.index + end[0].length)];
    let low = 0;
    for (let high = starts.length; high - low > 1;) {
      const middle = (low + high) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle;
    }
    return { line: line + low, column: offset - starts[low]! + indent + 1 };
  };
}

/** The library's words without the full stop and without what comes after the first line. */
function oneSentence(message: string): string {
  return message.split("\n", 1)[0]!.slice(0, 200).replace(/[.:\s]+$/, "");
}
