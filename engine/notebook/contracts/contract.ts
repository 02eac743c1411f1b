/**
 * What an entry of `inputs:` asks to be done with its value. Owns: the grammar of `transform` and `validate`, and
 * reading both. Never: doing it (`engine/work/attempt/edges`), nor whether expressions parse (`engine/graph`).
 *
 * DF-201, DF-202 Transformations. DF-251 Checks.
 */
import { isObject, type Json, type JsonObject } from "../../base/json.ts";
import { configProblem, type Report, shown } from "../problem.ts";
import type { Place } from "../types.ts";

/** Most transformations of an input, and most checks. */
export const MAX_TRANSFORMATIONS = 20;
/** Most items of a batch. */
const MAX_BATCH = 10_000;
const DEFAULT_BATCH = 10;

/** The field of a transformation that holds its expression, or its template. */
const TEXT_OF = {
  path: "path",
  template: "template",
  filter: "predicate",
  map: "mapper",
  aggregate: "aggregator",
} as const;

/** A step from the value that a source gives to the one that the cell receives. */
export type Transformation =
  | { type: keyof typeof TEXT_OF; text: string }
  | { type: "batch"; batchSize: number };

const FORMATS = ["json", "url", "email"] as const;

/** What the value of an input has to be. */
export type Check =
  & { severity: "error" | "warning"; errorMessage?: string }
  & (
    | { type: "schema"; schema: JsonObject }
    | { type: "size"; maxBytes: number }
    | { type: "format"; format: typeof FORMATS[number] }
    | { type: "custom"; expression: string }
  );

/** A part of a contract, or what is wrong with it and at which of its keys. */
type Read<T> = { ok: true; value: T } | { ok: false; message: string; key?: string };

/**
 * The transformations of an entry of `inputs:`, in order; those that are not valid, for which the parser has problems,
 * are left out.
 *
 * @example
 * ```ts
 * const [first] = transformationsOf({ from: "a", transform: [{ type: "filter", predicate: "price > 100" }] });
 * if (first?.type !== "filter" || first.text !== "price > 100") throw new Error("not read");
 * ```
 */
export function transformationsOf({ transform }: JsonObject): Transformation[] {
  return kept(transform, readTransformation);
}

/** The checks of an entry of `inputs:`, in order; those that are not valid are left out. */
export function checksOf({ validate }: JsonObject): Check[] {
  return kept(validate, readCheck);
}

/** Reports what is wrong with `transform` and `validate` of the inputs of a cell. */
export function checkContracts(
  inputs: JsonObject,
  cell: string,
  placeOf: (path: readonly string[]) => Place,
  report: Report,
): void {
  for (const [name, contract] of Object.entries(inputs)) {
    if (!isObject(contract)) continue;
    const lists = [["transform", readTransformation], ["validate", readCheck]] as const;
    for (const [key, readOne] of lists) {
      for (const [i, entry] of listOf(contract[key]).entries()) {
        if (!isObject(entry)) continue;
        const read: Read<unknown> = readOne(entry);
        if (read.ok) continue;
        const path = ["inputs", name, key, String(i), ...(read.key === undefined ? [] : [read.key])];
        report(configProblem("value_invalid", placeOf(path), read.message, { cell }));
      }
    }
  }
}

function kept<T>(list: Json | undefined, readOne: (entry: JsonObject) => Read<T>): T[] {
  return listOf(list).flatMap((entry) => {
    const read = isObject(entry) ? readOne(entry) : undefined;
    return read?.ok ? [read.value] : [];
  });
}

function listOf(list: Json | undefined): Json[] {
  return Array.isArray(list) ? list.slice(0, MAX_TRANSFORMATIONS) : [];
}

function readTransformation(entry: JsonObject): Read<Transformation> {
  const { type } = entry;
  if (typeof type !== "string") return fault("A transformation has no type", "type");
  if (type === "batch") {
    const odd = unknownKey(entry, "transformation", "batchSize");
    if (odd !== undefined) return odd;
    const { batchSize = DEFAULT_BATCH } = entry;
    return isWhole(batchSize, 1, MAX_BATCH)
      ? { ok: true, value: { type, batchSize } }
      : fault(`'batchSize' must be a whole number from 1 to ${MAX_BATCH}`, "batchSize");
  }
  if (!Object.hasOwn(TEXT_OF, type)) return fault(`Unknown transformation type: ${shown(type)}`, "type");
  const known = type as keyof typeof TEXT_OF;
  const key = TEXT_OF[known];
  const odd = unknownKey(entry, "transformation", key);
  if (odd !== undefined) return odd;
  const text = entry[key];
  return typeof text === "string" && text.trim() !== ""
    ? { ok: true, value: { type: known, text } }
    : fault(`A transformation '${type}' needs ${key}, a text`, key);
}

function readCheck(entry: JsonObject): Read<Check> {
  const { type, severity = "error", errorMessage } = entry;
  if (severity !== "error" && severity !== "warning") {
    return fault("'severity' must be error or warning", "severity");
  }
  if (errorMessage !== undefined && typeof errorMessage !== "string") {
    return fault("'errorMessage' must be text", "errorMessage");
  }
  const all = { severity, ...(errorMessage === undefined ? {} : { errorMessage }) } as const;
  const own = { schema: "schema", size: "maxBytes", format: "format", custom: "expression" };
  if (typeof type !== "string" || !Object.hasOwn(own, type)) {
    return fault("The type of a check must be schema, size, format or custom", "type");
  }
  const key = own[type as keyof typeof own];
  const odd = unknownKey(entry, "check", key, "severity", "errorMessage");
  if (odd !== undefined) return odd;
  const value = entry[key];
  switch (type) {
    case "schema":
      return isObject(value)
        ? { ok: true, value: { ...all, type, schema: value } }
        : fault("A check 'schema' needs schema, a JSON Schema", key);
    case "size":
      return isWhole(value, 0, Number.MAX_SAFE_INTEGER)
        ? { ok: true, value: { ...all, type, maxBytes: value } }
        : fault("A check 'size' needs maxBytes, a whole number from 0", key);
    case "format": {
      const format = FORMATS.find((known) => known === value);
      if (format !== undefined) return { ok: true, value: { ...all, type, format } };
      return fault(
        typeof value === "string"
          ? `Unknown format: ${shown(value)}`
          : "A check 'format' needs format, a name",
        key,
      );
    }
    default:
      return typeof value === "string" && value.trim() !== ""
        ? { ok: true, value: { ...all, type: "custom", expression: value } }
        : fault("A check 'custom' needs expression, a text", key);
  }
}

function unknownKey(entry: JsonObject, what: string, ...known: string[]): Read<never> | undefined {
  const odd = Object.keys(entry).find((key) => key !== "type" && !known.includes(key));
  if (odd === undefined) return undefined;
  return fault(
    `A ${what} '${shown(String(entry.type))}' has no '${shown(odd)}': it takes ${known.join(", ")}`,
    odd,
  );
}

function fault(message: string, key: string): Read<never> {
  return { ok: false, message, key };
}

function isWhole(value: Json | undefined, min: number, max: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= min && value <= max;
}
