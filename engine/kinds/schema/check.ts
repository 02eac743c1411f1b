/**
 * Checking values against a schema that somebody wrote. Owns: a bound on the work, and the answer in words.
 * Never: code made of a schema; the checker only looks at it.
 *
 * C1 The work is bounded before it begins: what could take longer is refused as too much to check.
 */
import { type Json, type JsonObject } from "../../base/json.ts";
import { readSchema, type SchemaFault, type SchemaPart } from "./read.ts";
import { wordsOf } from "./words.ts";

/** Most pairs of a schema and a value that may have to be looked at. */
const MOST_STEPS = 2e7;
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
  const { copy, parts, longestKey } = read.schema;
  const { Validator } = await import("@cfworker/json-schema");
  let full: InstanceType<typeof Validator>, brief: InstanceType<typeof Validator>;
  try {
    full = new Validator(copy, "2020-12", false);
    brief = new Validator(copy, "2020-12", true);
  } catch (error) {
    return { ok: false, fault: (error as Error).message };
  }
  const check: SchemaCheck = (value) => {
    const size = sizeOf(value);
    if (size.values * waysDown(parts, size.depth) > MOST_STEPS || size.longestKey > longestKey) {
      return [TOO_MUCH];
    }
    try {
      const { valid, errors } = (size.values > MANY_VALUES ? brief : full).validate(value);
      return valid ? [] : wordsOf(errors, copy);
    } catch (error) {
      // The checker passes its findings on as arguments, of which there can be too many for the stack.
      if (error instanceof RangeError) return [TOO_MUCH];
      throw error;
    }
  };
  return { ok: true, check };
}

/** In how many ways a schema can reach one value at most `depth` levels down: its parts, references written out. */
function waysDown(parts: readonly SchemaPart[], depth: number): number {
  let deeper = parts.map(() => 0);
  for (let level = 0; level <= depth; level++) {
    const ways: (number | undefined)[] = parts.map(() => undefined);
    const below = deeper;
    const waysOf = (i: number): number =>
      ways[i] ??= 1 + sum(parts[i]!.here.map(waysOf)) + sum(parts[i]!.below.map((inner) => below[inner]!));
    deeper = parts.map((_, i) => waysOf(i));
    if (deeper[0]! > MOST_STEPS) break;
  }
  return deeper[0]!;
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** How large a value is. Its depth is bounded by the reader of JSON. */
function sizeOf(value: Json): { values: number; depth: number; longestKey: number } {
  const size = { values: 0, depth: 0, longestKey: 0 };
  let level: Json[] = [value];
  for (; level.length > 0; size.depth++) {
    size.values += level.length;
    const next: Json[] = [];
    for (const each of level) {
      if (typeof each !== "object" || each === null) continue;
      for (const [key, inner] of Object.entries(each)) {
        if (!Array.isArray(each)) size.longestKey = Math.max(size.longestKey, key.length);
        next.push(inner);
      }
    }
    level = next;
  }
  return size;
}
