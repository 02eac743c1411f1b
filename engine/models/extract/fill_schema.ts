/**
 * Filling a JSON Schema with what was picked. Owns: which property names it knows.
 * Never: making a value up; what it cannot fill and what may not be null fails with the property's name.
 */
import { isObject, type Json, type JsonObject } from "../../base/json.ts";
import type { Picked } from "./pick.ts";
import type { Ranked } from "./rank.ts";

/** A value, or the first property that cannot be filled; empty for the value itself. */
export type Filled = { ok: true; value: Json } | { ok: false; property: string };

/** What to fill from. */
export interface Source extends Picked {
  /** The whole answer as Markdown, for a property that wants text. */
  text: string;
}

const SENTENCE =
  /^(?:text|claim|quote|sentence|summary|point|finding|fact|statement|takeaway|highlight|passage|excerpt)$/;
const WHOLE_TEXT = /^(?:text|summary|digest|report|overview|abstract|content|note|markdown)$/;
const DOCUMENT = /^(?:source|file|document|path)$/;
const PHRASE = /^(?:keyword|phrase|term|tag|topic)$/;
const TITLE = /^(?:title|heading|headline)$/;
const CONFIDENCE = /^(?:confidence|score|relevance)$/;
/** Deeper schemas are refused, so that a schema that nests without end ends here. */
const DEEPEST = 20;

/** One thing that an item of a list is made of. */
type Item = { sentence: Ranked } | { phrase: string; score: number };

/** Fills a schema. Lists are in rank order, the best first. */
export function fillSchema(schema: JsonObject, source: Source): Filled {
  return fill({ schema, name: "", path: "", depth: 0, source });
}

interface Spot {
  schema: Json;
  /** Property name, or of the list for its items. */
  name: string;
  /** As the failure says it, such as `claims.severity`. */
  path: string;
  depth: number;
  source: Source;
  /** Inside a list: what this item is made of. */
  item?: Item;
}

function fill(spot: Spot): Filled {
  const schema = isObject(spot.schema) ? spot.schema : {};
  if (spot.depth > DEEPEST) return { ok: false, property: spot.path };
  const variants = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(variants)) return fillVariant(spot, variants);
  const type = typeOf(schema, spot);
  const filled = type === "object"
    ? fillObject(spot, schema)
    : type === "array"
    ? fillList(spot, schema)
    : type === "string"
    ? stringFor(spot)
    : type === "number" || type === "integer"
    ? numberFor(spot, type)
    : undefined;
  if (filled !== undefined) return filled;
  return allowsNull(schema) ? { ok: true, value: null } : { ok: false, property: spot.path };
}

/** The type to fill; a schema without one is read from its other keys, then from its name. */
function typeOf(schema: JsonObject, spot: Spot): string | undefined {
  const types = Array.isArray(schema.type) ? schema.type : [schema.type];
  const named = types.find((type): type is string => typeof type === "string" && type !== "null");
  if (named !== undefined) return named;
  if (isObject(schema.properties)) return "object";
  if (schema.items !== undefined) return "array";
  const key = keyOf(spot.name);
  if (CONFIDENCE.test(key)) return "number";
  if (key === "start" || key === "end") return "integer";
  return spot.item === undefined && isPlural(spot.name) ? "array" : "string";
}

function fillVariant(spot: Spot, variants: Json[]): Filled {
  let failure: Filled = { ok: false, property: spot.path };
  for (const schema of variants) {
    const filled = fill({ ...spot, schema, depth: spot.depth + 1 });
    if (filled.ok) return filled;
    failure = filled;
  }
  return failure;
}

function fillObject(spot: Spot, schema: JsonObject): Filled {
  const required = Array.isArray(schema.required) ? schema.required : [];
  const value: JsonObject = {};
  for (const [name, inner] of Object.entries(isObject(schema.properties) ? schema.properties : {})) {
    const path = spot.path === "" ? name : `${spot.path}.${name}`;
    const filled = fill({ ...spot, schema: inner, name, path, depth: spot.depth + 1 });
    if (filled.ok) value[name] = filled.value;
    else if (required.includes(name)) return filled;
  }
  return { ok: true, value };
}

function fillList(spot: Spot, schema: JsonObject): Filled | undefined {
  const most = typeof schema.maxItems === "number" ? schema.maxItems : Infinity;
  const items = isObject(schema.items) ? schema.items : defaultItem(spot.name);
  if (items === undefined) return undefined;
  const key = keyOf(spot.name);
  if (isTextual(items) && (DOCUMENT.test(key) || TITLE.test(key))) {
    const texts = DOCUMENT.test(key) ? spot.source.documents : spot.source.titles;
    return { ok: true, value: texts.slice(0, most) };
  }
  const list: Json[] = [];
  for (const item of itemsFor(key, items, spot.source).slice(0, most)) {
    const filled = fill({ ...spot, schema: items, name: spot.name, item, depth: spot.depth + 1 });
    if (!filled.ok) return filled;
    list.push(filled.value);
  }
  return { ok: true, value: list };
}

/** Sentences, unless the list or its items ask for phrases and for no sentence. */
function itemsFor(key: string, items: JsonObject, source: Source): Item[] {
  const properties = Object.keys(isObject(items.properties) ? items.properties : {}).map(keyOf);
  const wantsPhrases = properties.length === 0
    ? PHRASE.test(key)
    : properties.some((name) => PHRASE.test(name)) && !properties.some((name) => SENTENCE.test(name));
  if (wantsPhrases) return source.phrases().map(({ text, score }) => ({ phrase: text, score }));
  return source.sentences.map((sentence) => ({ sentence }));
}

/** A list that says nothing of its items: claims with their source, phrases as texts; nothing for a name unknown here. */
function defaultItem(name: string): JsonObject | undefined {
  const key = keyOf(name);
  if (PHRASE.test(key) || DOCUMENT.test(key) || TITLE.test(key)) return { type: "string" };
  if (!SENTENCE.test(key)) return undefined;
  return { type: "object", properties: { [key]: {}, source: {}, confidence: {} } };
}

function stringFor(spot: Spot): Filled | undefined {
  const text = textFor(keyOf(spot.name), spot);
  return text === undefined ? undefined : { ok: true, value: text };
}

function textFor(key: string, { item, source }: Spot): string | undefined {
  if (item !== undefined && "phrase" in item) {
    return PHRASE.test(key) || TITLE.test(key) ? item.phrase : undefined;
  }
  const best = item?.sentence ?? source.sentences[0];
  if (item === undefined && WHOLE_TEXT.test(key)) return source.text;
  if (SENTENCE.test(key)) return best?.sentence.text;
  if (DOCUMENT.test(key)) return best?.sentence.document;
  if (PHRASE.test(key)) return phraseIn(best, source);
  if (TITLE.test(key)) {
    return item === undefined ? source.titles[0] ?? best?.sentence.text : headingFor(best, source);
  }
  return undefined;
}

/** The best key phrase that stands in the sentence. */
function phraseIn(best: Ranked | undefined, source: Source): string | undefined {
  const words = best?.sentence.text.toLowerCase() ?? "";
  return (source.phrases().find(({ text }) => words.includes(text)) ?? source.phrases()[0])?.text;
}

function headingFor(best: Ranked | undefined, source: Source): string | undefined {
  if (best === undefined) return undefined;
  return best.sentence.heading || source.titleOfDocument(best.sentence.document);
}

function numberFor({ name, item, source }: Spot, type: string): Filled | undefined {
  const key = keyOf(name);
  const sentence = item === undefined ? source.sentences[0] : "sentence" in item ? item.sentence : undefined;
  if (CONFIDENCE.test(key) && type === "number") {
    const best = source.sentences[0]?.score ?? 1;
    const part = item !== undefined && "phrase" in item
      ? item.score
      : (sentence?.score ?? best) / (best || 1);
    return { ok: true, value: Math.min(1, Math.max(0.01, Math.round(part * 100) / 100)) };
  }
  if ((key === "start" || key === "end") && sentence !== undefined) {
    return { ok: true, value: sentence.sentence[key] };
  }
  return undefined;
}

/** Last word of a property's name, singular: `key_points` and `keyPoints` are `point`. */
function keyOf(name: string): string {
  const last =
    name.replace(/([a-z])([A-Z])/g, "$1_$2").toLowerCase().split(/[^a-z]+/).filter(Boolean).at(-1) ?? "";
  return last.endsWith("ies") ? `${last.slice(0, -3)}y` : last.replace(/([^s])s$/, "$1");
}

function isPlural(name: string): boolean {
  return /[^s]s$/.test(name);
}

function isTextual(schema: JsonObject): boolean {
  return schema.type === "string" || (schema.type === undefined && !isObject(schema.properties));
}

function allowsNull(schema: JsonObject): boolean {
  if (schema.nullable === true || (Array.isArray(schema.enum) && schema.enum.includes(null))) return true;
  if (schema.type === undefined) {
    return schema.enum === undefined && schema.const === undefined && schema.items === undefined &&
      schema.properties === undefined;
  }
  return schema.type === "null" || (Array.isArray(schema.type) && schema.type.includes("null"));
}
