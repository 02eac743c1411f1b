/**
 * What a prompt gives to pick from. Owns: telling instruction from material, and documents out of any value.
 * Never: understanding either.
 */
import type { Json, JsonObject } from "../../base/json.ts";
import { isObject } from "../../base/json.ts";
import type { PromptPart } from "../model.ts";
import type { Document, Sentence } from "./sentences.ts";
import { fold, sentencesOf } from "./sentences.ts";

/** A prompt taken apart. */
export interface Material {
  /** The cell's own words, with short values put in: a topic, a number. */
  instruction: string;
  documents: Document[];
  /** Of the documents, and those that earlier cells picked; in order. */
  sentences: Sentence[];
}

const SENTENCE_KEYS = ["claim", "sentence", "quote", "point", "statement", "text", "summary"];
const SOURCE_KEYS = ["source", "document", "file", "path"];
/** A value on one line with at most so many words says what the material is about; it is not material. */
const TOPIC_WORDS = 12;

/** Takes a prompt apart. Without any marked material the first paragraph is the instruction and the rest material. */
export function materialOf(prompt: readonly PromptPart[]): Material {
  const material: Material = { instruction: "", documents: [], sentences: [] };
  for (const part of prompt) {
    if (part.type === "instruction") material.instruction += part.text;
    else if (isTopic(part.value)) material.instruction += ` ${part.text} `;
    else addValue(material, part.value, part.name);
  }
  if (material.sentences.length === 0 && material.documents.length === 0 && !hasMaterial(prompt)) {
    const [first, rest] = firstParagraph(material.instruction);
    material.instruction = first;
    if (rest !== "") addDocument(material, { name: "prompt", text: rest });
  }
  return material;
}

/** Whether a placeholder put something in that is meant to be picked from, be it empty. */
export function hasMaterial(prompt: readonly PromptPart[]): boolean {
  return prompt.some((part) => part.type === "material" && !isTopic(part.value));
}

/** Which placeholders gave nothing to pick from, such as `{{ merged }} is an empty list`; at most three are named. */
export function emptyIn(prompt: readonly PromptPart[]): string {
  const given = prompt.filter((part) => part.type === "material" && !isTopic(part.value)) as MaterialPart[];
  const named = given.slice(0, 3).map(({ name, value }) => `{{ ${name} }} is ${kindOfNothing(value)}`);
  return named.join(", ") + (given.length > 3 ? `, and ${given.length - 3} more` : "");
}

type MaterialPart = Extract<PromptPart, { type: "material" }>;

function kindOfNothing(value: Json): string {
  if (value === null) return "null";
  if (typeof value === "string") return value.trim() === "" ? "empty text" : "text without a sentence";
  const what = Array.isArray(value) ? "list" : "object";
  return Object.keys(value).length === 0
    ? `an empty ${what}`
    : `${Array.isArray(value) ? "a list" : "an object"} without a sentence`;
}

function isTopic(value: Json): boolean {
  if (typeof value === "number" || typeof value === "boolean") return true;
  if (typeof value !== "string") return false;
  const text = value.trim();
  return text !== "" && !text.includes("\n") && !/[.!?…]["'”’)]*$/.test(text) &&
    text.split(/\s+/).length <= TOPIC_WORDS;
}

function firstParagraph(text: string): [string, string] {
  const trimmed = text.trim();
  const gap = /\n[ \t]*\n/.exec(trimmed);
  return gap === null ? [trimmed, ""] : [trimmed.slice(0, gap.index), trimmed.slice(gap.index).trim()];
}

/** Walks a value in its own order without recursion: data may be nested deeper than the stack is. */
function addValue(material: Material, value: Json, name: string): void {
  const loose: string[] = [];
  const open: Json[] = [value];
  while (open.length > 0) {
    const next = open.pop()!;
    if (typeof next === "string") loose.push(next);
    else if (Array.isArray(next)) pushReversed(open, next);
    else if (isObject(next) && !addObject(material, next)) pushReversed(open, Object.values(next));
  }
  for (const [i, text] of loose.entries()) {
    addDocument(material, { name: loose.length === 1 ? name : `${name} ${i + 1}`, text });
  }
}

function pushReversed(open: Json[], values: readonly Json[]): void {
  for (let i = values.length - 1; i >= 0; i--) open.push(values[i]!);
}

/** A file, or a sentence that an earlier cell picked; false for any other object. */
function addObject(material: Material, value: JsonObject): boolean {
  const source = SOURCE_KEYS.map((key) => value[key]).find((found) => typeof found === "string");
  const isFile = typeof value.text === "string" &&
    (typeof value.path === "string" || typeof value.name === "string");
  if (isFile) {
    addDocument(material, { name: String(value.path ?? value.name), text: value.text as string });
    return true;
  }
  const text = SENTENCE_KEYS.map((key) => value[key]).find((found) => typeof found === "string");
  if (typeof text !== "string") return false;
  if (typeof source !== "string") addDocument(material, { name: "", text });
  else addPicked(material, text, source, value);
  return true;
}

function addDocument(material: Material, document: Document): void {
  material.documents.push(document);
  for (const sentence of sentencesOf(document)) material.sentences.push(sentence);
}

/** An earlier cell chose this as one sentence: it stays whole and keeps its source. */
function addPicked(material: Material, text: string, source: string, from: JsonObject): void {
  const words = fold(text);
  if (words === "") return;
  if (!material.documents.some((document) => document.name === source)) {
    material.documents.push({ name: source, text: "" });
  }
  const [start, end] = [from.start, from.end];
  const known = typeof start === "number" && typeof end === "number";
  material.sentences.push({
    text: words,
    document: source,
    start: known ? start : 0,
    end: known ? end : text.length,
    heading: "",
    position: 0,
    picked: true,
  });
}
