/**
 * Checking values against a schema that somebody wrote. Owns: a bound on the work, and the answer in words.
 * Never: code made of a schema; the checker only looks at it.
 *
 * C1 The work is bounded before it begins: what could take longer is refused as too much to check.
 */
import { type Json, type JsonObject } from "../../base/json.ts";
import { type ReadSchema, readSchema, type SchemaFault, type SchemaPart } from "./read.ts";
import { wordsOf } from "./words.ts";

/** Most pairs of a schema and a value that may have to be looked at. */
const MOST_STEPS = 2e7;
/** Most steps that patterns may take on the texts of a value, all together. */
const MOST_PATTERN_STEPS = 5e8;
/** Values above this are checked up to the first thing that is wrong. */
const MANY_VALUES = 20_000;
const TOO_MUCH = "is too much to check against its schema";

/** What does not fit, as `{path} {message}` each; empty if all does. */
export type SchemaCheck = (value: Json) => string[];

/**
 * A check for values, JSON Schema 2020-12 with formats, or what is wrong with the schema. Not supported, and refused,
 * are `$dynamicRef` and references that are not local. A pattern is tried only on texts short enough for it.
 *
 * @example
 * ```ts
 * const schema = await schemaCheck({ type: "array", items: { type: "integer" } });
 * if (!schema.ok || schema.check([1, 2.5]).join() !== "/1 must be integer") throw new Error("not checked");
 * if ((await schemaCheck({ type: "nonsense" })).ok) throw new Error("a bad schema was taken");
 * ```
 */
export async function schemaCheck(
  schema: JsonObject,
): Promise<{ ok: true; check: SchemaCheck } | { ok: false } & SchemaFault> {
  const read = readSchema(schema);
  if (!read.ok) return read;
  const { copy } = read.schema;
  const { Validator } = await import("@cfworker/json-schema");
  let full: InstanceType<typeof Validator>, brief: InstanceType<typeof Validator>;
  try {
    full = new Validator(copy, "2020-12", false);
    brief = new Validator(copy, "2020-12", true);
  } catch (error) {
    return { ok: false, fault: (error as Error).message };
  }
  const check: SchemaCheck = (value) => {
    try {
      const values = costWithin(read.schema, value);
      if (values === undefined) return [TOO_MUCH];
      const { valid, errors } = (values > MANY_VALUES ? brief : full).validate(value);
      return valid ? [] : wordsOf(errors, copy);
    } catch (error) {
      // The checker is recursive, and passes its findings on as arguments: both can be too much for the stack.
      if (error instanceof RangeError) return [TOO_MUCH];
      throw error;
    }
  };
  return { ok: true, check };
}

/** How many values there are in a value, or `undefined` if checking it could take too long. */
function costWithin({ parts, onTexts, onKeys }: ReadSchema, value: Json): number | undefined {
  let [values, depth, patternSteps] = [0, 0, 0];
  const add = (text: string, costs: ReadSchema["onTexts"]) => {
    for (const { limit, steps } of costs) if (text.length <= limit) patternSteps += steps(text.length);
  };
  let level: Json[] = [value];
  for (; level.length > 0; depth++) {
    values += level.length;
    const next: Json[] = [];
    for (const each of level) {
      if (typeof each === "string") add(each, onTexts);
      if (typeof each !== "object" || each === null) continue;
      for (const [key, inner] of Object.entries(each)) {
        next.push(inner);
        if (Array.isArray(each)) continue;
        if (onKeys.some(({ limit }) => key.length > limit)) return undefined;
        add(key, onKeys);
        // Keys are texts to `propertyNames`.
        add(key, onTexts);
      }
    }
    level = next;
  }
  const steps = values * waysDown(parts, depth);
  return steps > MOST_STEPS || patternSteps > MOST_PATTERN_STEPS ? undefined : values;
}

/** In how many ways a schema can reach one value at most `depth` levels down: its parts, references written out. */
function waysDown(parts: readonly SchemaPart[], depth: number): number {
  let deeper = parts.map(() => 0);
  for (let level = 0; level <= depth; level++) {
    const ways: (number | undefined)[] = parts.map(() => undefined);
    const below = deeper;
    const waysOf = (i: number): number =>
      ways[i] ??= parts[i]!.own + sum(parts[i]!.here.map(waysOf)) +
        sum(parts[i]!.below.map((inner) => below[inner]!));
    deeper = parts.map((_, i) => waysOf(i));
    if (deeper[0]! > MOST_STEPS) break;
  }
  return deeper[0]!;
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
