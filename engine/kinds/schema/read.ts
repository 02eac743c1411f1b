/**
 * Reading a schema that somebody wrote. Owns: what is wrong with it, and a copy of it that is safe to check with.
 * Never: checking values.
 *
 * R1 No text of the schema becomes code, and nothing is fetched: a reference that is not local is refused.
 * R2 In the copy a pattern, a format and `uniqueItems` are tried only on what is short enough for them: nothing can
 * interrupt a regular expression, neither an abort nor the end of its thread.
 */
import { isObject, type Json, type JsonObject } from "../../base/json.ts";
import { shown } from "../../notebook/problem.ts";
import { type PatternCost, patternUse } from "./pattern.ts";

/** A schema within a schema, by what it leads to. Numbers are indexes into {@link ReadSchema.parts}. */
export interface SchemaPart {
  /** Schemas applied to the same value. */
  here: number[];
  /** Schemas applied to what the value holds. */
  below: number[];
  /** Steps of its own keywords. */
  own: number;
}

/** A schema that was read. */
export interface ReadSchema {
  copy: JsonObject;
  /** The first is the whole. */
  parts: SchemaPart[];
  /** What its patterns and formats cost on texts. */
  onTexts: PatternCost[];
  /** What its `patternProperties` cost on keys, which no guard keeps from long ones. */
  onKeys: PatternCost[];
}

/** What is wrong with a schema; `remote` is a reference to something that is not part of it. */
export interface SchemaFault {
  fault: string;
  remote?: string;
}

const MAX_DEPTH = 64;
/** The checker's own patterns are written with care, so that none is worse than quadratic. */
const FORMAT: PatternCost = { limit: 1000, steps: (length) => length ** 2 };
const MOST_UNIQUE = 1000;

const HERE = new Set(["not", "if", "then", "else"]);
const BELOW = new Set(
  "items contains additionalProperties propertyNames unevaluatedItems unevaluatedProperties".split(" "),
);
const HERE_LISTS = new Set(["allOf", "anyOf", "oneOf"]);
const MAPS = new Set(["properties", "patternProperties", "dependentSchemas", "$defs", "definitions"]);
const TYPES = ["null", "boolean", "object", "array", "number", "integer", "string"];
/** Formats that are checked; another one is a remark, as the standard has it. */
const FORMATS = new Set(
  ("date time date-time duration email hostname ipv4 ipv6 uri uri-reference uri-template uuid json-pointer " +
    "relative-json-pointer regex").split(" "),
);
const REFUSED: Record<string, string> = {
  $dynamicRef: "use $ref",
  $recursiveRef: "use $ref",
  dependencies: "use dependentRequired or dependentSchemas",
  additionalItems: "use prefixItems and items",
};

const isText = (value: Json) => typeof value === "string";
const isTexts = (value: Json) => Array.isArray(value) && value.every(isText);
const isNumber = (value: Json) => typeof value === "number";
const isCount = (value: Json) => Number.isSafeInteger(value) && (value as number) >= 0;

/** What the value of a keyword must be. */
const KEYWORDS = new Map<string, { expected: string; fits: (value: Json) => boolean }>([
  ..."$ref $anchor $schema format".split(" ").map((key) =>
    [key, { expected: "a text", fits: isText }] as const
  ),
  ..."minimum maximum exclusiveMinimum exclusiveMaximum".split(" ").map((key) =>
    [key, { expected: "a number", fits: isNumber }] as const
  ),
  ..."minLength maxLength minItems maxItems minProperties maxProperties minContains maxContains".split(" ")
    .map(
      (key) => [key, { expected: "a whole number from 0", fits: isCount }] as const,
    ),
  ["multipleOf", { expected: "a number over 0", fits: (value) => isNumber(value) && (value as number) > 0 }],
  ["pattern", { expected: "a text", fits: isText }],
  ["uniqueItems", { expected: "true or false", fits: (value) => typeof value === "boolean" }],
  ["enum", { expected: "a list", fits: Array.isArray }],
  ["required", { expected: "a list of texts", fits: isTexts }],
  ["dependentRequired", {
    expected: "lists of texts by name",
    fits: (value) => isObject(value) && Object.values(value).every(isTexts),
  }],
  ["type", {
    expected: `one of ${TYPES.join(", ")}, or a list of these`,
    fits: (value) =>
      (Array.isArray(value) && value.length > 0 ? value : [value]).every((name) =>
        TYPES.includes(name as string)
      ),
  }],
]);

/** Reads a schema with all that is in it. */
export function readSchema(
  schema: JsonObject,
): { ok: true; schema: ReadSchema } | { ok: false } & SchemaFault {
  const reader = new Reader();
  const copy = reader.schema(schema, "#", 1);
  reader.link();
  if (reader.fault !== undefined) return { ok: false, ...reader.fault };
  return {
    ok: true,
    schema: { copy: copy as JsonObject, parts: reader.parts, onTexts: reader.onTexts, onKeys: reader.onKeys },
  };
}

class Reader {
  fault?: SchemaFault;
  readonly onTexts: PatternCost[] = [];
  readonly onKeys: PatternCost[] = [];
  readonly parts: SchemaPart[] = [];
  readonly #places = new Map<string, number>();
  readonly #references: { from: SchemaPart; to: string }[] = [];

  schema(schema: Json, place: string, depth: number): Json {
    const part: SchemaPart = { here: [], below: [], own: 1 };
    this.#places.set(place, this.parts.push(part) - 1);
    // Of `false` the checker would not say where in the schema it stands.
    if (typeof schema === "boolean") return schema || { not: {} };
    if (!isObject(schema)) {
      return this.#fail(place, "must be a schema, which is keys and values, true or false");
    }
    if (depth > MAX_DEPTH) return this.#fail(place, `is nested deeper than ${MAX_DEPTH}`);
    const copy: [string, Json][] = [];
    for (const [key, value] of Object.entries(schema)) {
      if (this.fault !== undefined) return true;
      const kept = this.#keyword(key, value, `${place}/${encoded(key)}`, depth, part);
      if (kept !== undefined) copy.push([key, kept]);
    }
    // `__proto__` is a key like any other here, which an assignment would not make of it.
    return Object.fromEntries(withGuards(copy, schema));
  }

  /** The keyword's value for the copy; none if it is not for checking or becomes a guard. */
  #keyword(key: string, value: Json, place: string, depth: number, part: SchemaPart): Json | undefined {
    if (Object.hasOwn(REFUSED, key)) return this.#fail(place, `is not supported; ${REFUSED[key]}`);
    if (HERE.has(key)) return this.#inner(value, place, depth, part.here);
    if (BELOW.has(key)) return this.#inner(value, place, depth, part.below);
    if (HERE_LISTS.has(key) || key === "prefixItems") {
      if (!Array.isArray(value) || value.length === 0) return this.#fail(place, "must be a list of schemas");
      const into = key === "prefixItems" ? part.below : part.here;
      return value.map((each, i) => this.#inner(each, `${place}/${i}`, depth, into));
    }
    if (MAPS.has(key)) return this.#map(key, value, place, depth, part);
    const keyword = KEYWORDS.get(key);
    if (keyword !== undefined && !keyword.fits(value)) {
      return this.#fail(place, `must be ${keyword.expected}`);
    }
    if (key === "$ref") this.#reference(value as string, part);
    if (key === "$anchor") this.#places.set(`#${String(value)}`, this.parts.indexOf(part));
    if (key === "pattern") this.#pattern(value as string, this.onTexts);
    if (key === "format" && FORMATS.has(value as string)) this.onTexts.push(FORMAT);
    // A value that is none of many is shown all of them.
    if (key === "enum" || key === "const" || key === "required") {
      part.own += JSON.stringify(value).length >> 3;
    }
    return key === "const" || key === "$ref" || key === "$anchor" ||
        keyword !== undefined && !GUARDED.has(key)
      ? value
      : undefined;
  }

  #map(key: string, value: Json, place: string, depth: number, part: SchemaPart): Json {
    if (!isObject(value)) return this.#fail(place, "must be schemas by name");
    const apart = key === "$defs" || key === "definitions";
    const into = apart ? [] : key === "dependentSchemas" ? part.here : part.below;
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => {
        if (key === "patternProperties") this.#pattern(name, this.onKeys);
        return [name, this.#inner(each, `${place}/${encoded(name)}`, depth, into)];
      }),
    );
  }

  #inner(schema: Json, place: string, depth: number, into: number[]): Json {
    into.push(this.parts.length);
    return this.schema(schema, place, depth + 1);
  }

  #pattern(pattern: string, into: PatternCost[]): void {
    const use = patternUse(pattern);
    if (use.ok) into.push(use);
    else this.fault ??= { fault: use.fault };
  }

  #reference(to: string, from: SchemaPart): void {
    if (to.startsWith("#")) this.#references.push({ from, to });
    else this.fault ??= { fault: `${shown(to)} is not local`, remote: shown(to) };
  }

  /** References may point ahead, so that they are followed when all is read. */
  link(): void {
    for (const { from, to } of this.#references) {
      const target = this.#places.get(decoded(to));
      if (target === undefined) this.fault ??= { fault: `There is no schema at ${shown(to)}` };
      else from.here.push(target);
    }
    if (this.fault === undefined && this.#circles()) {
      this.fault = { fault: "A reference leads back to itself without going into the value" };
    }
  }

  /** Whether a schema comes back to itself for the same value, which would never end. Takes away what has an end. */
  #circles(): boolean {
    const waiting = this.parts.map(({ here }) => here.length);
    const users = this.parts.map((): number[] => []);
    this.parts.forEach(({ here }, i) => here.forEach((target) => users[target]!.push(i)));
    const done = this.parts.map((_, i) => i).filter((i) => waiting[i] === 0);
    for (const i of done) for (const user of users[i]!) if (--waiting[user]! === 0) done.push(user);
    return done.length < this.parts.length;
  }

  #fail(place: string, message: string): Json {
    const key = decoded(place).slice(2);
    this.fault ??= { fault: `${key === "" ? "it" : `'${shown(key)}'`} ${message}` };
    return true;
  }
}

const GUARDED = new Set(["pattern", "format", "uniqueItems", "$schema"]);

/** The copy's keywords with those that cost more than they look tried only on what is short enough. */
function withGuards(copy: [string, Json][], { pattern, format, uniqueItems }: JsonObject): [string, Json][] {
  const guards: Json[] = [];
  if (typeof pattern === "string") {
    const use = patternUse(pattern);
    if (use.ok) guards.push(textGuard(use.limit, { pattern }));
  }
  if (typeof format === "string" && FORMATS.has(format)) {
    guards.push(textGuard(FORMAT.limit, { format }));
  }
  if (uniqueItems === true) {
    guards.push({ if: { maxItems: MOST_UNIQUE }, then: { uniqueItems }, else: { maxItems: MOST_UNIQUE } });
  }
  if (guards.length === 0) return copy;
  const own = copy.find(([key]) => key === "allOf")?.[1] as Json[] | undefined;
  return [...copy.filter(([key]) => key !== "allOf"), ["allOf", [...own ?? [], ...guards]]];
}

function textGuard(limit: number, then: JsonObject): JsonObject {
  return { if: { maxLength: limit }, then, else: { maxLength: limit } };
}

function encoded(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}

function decoded(reference: string): string {
  try {
    return decodeURIComponent(reference);
  } catch {
    return reference;
  }
}
