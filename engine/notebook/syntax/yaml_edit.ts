/**
 * Setting a key in YAML text without touching the rest of it.
 *
 * Owns: which bytes a key has. Never: what the key means.
 *
 * Invariant: what comes back reads as the old data with that one key changed, or nothing comes back.
 */
import { Document, isMap, isScalar, type Node, type Pair, parseDocument, type YAMLMap } from "yaml";
import { canonicalJson, isObject, type Json, type JsonObject } from "../../base/json.ts";
import { readYaml, withLineFeeds, YAML_OPTIONS } from "./yaml_text.ts";

const SOURCE = { line: 1, indent: 0, maxLength: Infinity };
const WRITING = { lineWidth: 0 } as const;

/**
 * The text with the key at `path` set to `value`, or taken out if that is absent. A short value replaces another's bytes
 * and no more; else the lines of the top key of the path are written anew. Comments and form of all others stay.
 *
 * @param lineEnd what new lines end with
 * @returns `undefined` if the text is not valid, or a value on the way to the key has no keys
 */
export function setYamlKey(
  text: string,
  path: readonly [string, ...string[]],
  value: Json | undefined,
  lineEnd: string,
): string | undefined {
  const before = readYaml(text, SOURCE);
  if (before.error !== undefined) return undefined;
  const wanted = withKey(before.data, path, value);
  if (wanted === undefined) return undefined;
  for (const edit of [editScalar, editLines, editWhole]) {
    const edited = edit(text, path, value, lineEnd);
    if (edited === undefined) continue;
    const after = readYaml(edited, SOURCE);
    if (after.error === undefined && canonicalJson(after.data) === canonicalJson(wanted)) return edited;
  }
  return undefined;
}

/** The data with the key set; `undefined` if something on the way is no object. */
function withKey(
  data: JsonObject,
  [key, ...rest]: readonly string[],
  value: Json | undefined,
): JsonObject | undefined {
  const entries = Object.entries(data).filter(([other]) => other !== key);
  const [next, ...further] = rest;
  if (next === undefined) {
    return Object.fromEntries(value === undefined ? entries : [...entries, [key!, value]]);
  }
  const old = Object.hasOwn(data, key!) ? data[key!] : {};
  if (!isObject(old)) return undefined;
  const inner = withKey(old, [next, ...further], value);
  return inner === undefined ? undefined : Object.fromEntries([...entries, [key!, inner]]);
}

/** Rewrites the bytes of one value, where both it and the one that it replaces fit on a line. */
function editScalar(
  text: string,
  path: readonly [string, ...string[]],
  value: Json | undefined,
): string | undefined {
  const old = parseDocument(withLineFeeds(text), YAML_OPTIONS).getIn(path, true);
  if (!isScalar(old) || old.anchor !== undefined || value === undefined || typeof value === "object") {
    return undefined;
  }
  const [start, end] = old.range!;
  // Written as a key's value, because what needs quotes depends on where it stands.
  const line = new Document({ k: value }).toString(WRITING).trimEnd().slice("k: ".length);
  if (start === end || /[\n\r]/.test(line + text.slice(start, end))) return undefined;
  return text.slice(0, start) + line + text.slice(end);
}

/** Rewrites the lines of one top key. */
function editLines(
  text: string,
  path: readonly [string, ...string[]],
  value: Json | undefined,
  lineEnd: string,
): string | undefined {
  const document = parseDocument(withLineFeeds(text), YAML_OPTIONS);
  const top = document.contents;
  const pair = isMap<Node, Node | null>(top)
    ? top.items.find(({ key }) => isScalar(key) && key.value === path[0])
    : undefined;
  if (pair === undefined) {
    if (value === undefined) return text;
    if (top !== null && (!isMap(top) || top.flow)) return undefined;
    const added = new Document({});
    added.setIn(path, value);
    return endLine(text, lineEnd) + written(added, lineEnd) + lineEnd;
  }
  if ((top as YAMLMap).flow) return undefined;
  const start = pair.key.range![0];
  const end = pair.value?.range?.[1] ?? pair.key.range![1];
  if (value === undefined && path.length === 1) {
    const lineStart = start - /[^\n\r]*$/.exec(text.slice(0, start))![0].length;
    return text.slice(0, lineStart) + text.slice(lineEndAfter(text, lineStart, end));
  }
  const part = withPair(pair, path, value);
  // A block's value ends with its last line, which stays a line of its own.
  const ended = /(?:\r\n|[\n\r])\s*$/.exec(text.slice(start, end))?.[0] ?? "";
  return text.slice(0, start) + written(part, lineEnd) + ended + text.slice(end);
}

/** A document of the one pair with the key set in it, without the comments that stand outside its bytes. */
function withPair(pair: Pair<Node, Node | null>, path: readonly string[], value: Json | undefined): Document {
  const part = new Document({}, YAML_OPTIONS);
  const own = pair.clone() as Pair<Node, Node | null>;
  own.key.commentBefore = undefined;
  own.key.spaceBefore = undefined;
  (part.contents as unknown as YAMLMap).items.push(own);
  if (value === undefined) part.deleteIn(path);
  else part.setIn(path, value);
  if (own.value !== null && typeof own.value === "object") own.value.comment = undefined;
  return part;
}

/** Rewrites the whole text, which keeps comments but not every space. */
function editWhole(
  text: string,
  path: readonly string[],
  value: Json | undefined,
  lineEnd: string,
): string | undefined {
  const document = parseDocument(withLineFeeds(text), YAML_OPTIONS);
  if (value === undefined) document.deleteIn(path);
  else document.setIn(path, value);
  return written(document, lineEnd) + lineEnd;
}

function written(document: Document, lineEnd: string): string {
  return document.toString(WRITING).replace(/\n+$/, "").replaceAll("\n", lineEnd);
}

/** The text, ending with a line end if it has any text. */
export function endLine(text: string, lineEnd: string): string {
  return text === "" || /[\n\r]$/.test(text) ? text : text + lineEnd;
}

/** Offset after the line on which `end` stands, or `end` if a line begins there that is not that of `start`. */
function lineEndAfter(text: string, start: number, end: number): number {
  if (end > start && /[\n\r]/.test(text[end - 1]!)) return end;
  const rest = /[^\n\r]*(?:\r\n|[\n\r])?/.exec(text.slice(end))![0];
  return end + rest.length;
}
