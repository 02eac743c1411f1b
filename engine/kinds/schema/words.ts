/**
 * What does not fit a schema, in words. Owns: which of the checker's findings are told, and how. Never: finding them.
 */
import type { OutputUnit } from "@cfworker/json-schema";
import { isObject, type Json, type JsonObject } from "../../base/json.ts";

/** Findings that only say that something further in is wrong, which is told itself. */
const WRAPPERS = new Set(
  ("$ref properties patternProperties items prefixItems allOf if dependentSchemas additionalProperties " +
    "unevaluatedProperties unevaluatedItems").split(" "),
);
/** Findings that take the place of those further in: a list of what each alternative wants says little. */
const WHOLE = new Set(["anyOf", "oneOf", "contains", "propertyNames"]);

/**
 * `{path} {message}` for each finding, in their order.
 *
 * @param schema the schema that was checked against
 */
export function wordsOf(errors: readonly OutputUnit[], schema: JsonObject): string[] {
  const words: string[] = [];
  let whole: OutputUnit | undefined;
  for (const error of errors) {
    if (whole !== undefined && error.keywordLocation.startsWith(`${whole.keywordLocation}/`)) continue;
    if (WHOLE.has(error.keyword)) whole = error;
    if (WRAPPERS.has(error.keyword)) continue;
    words.push(`${pathOf(error.instanceLocation)} ${sentence(error, schema)}`.trim());
  }
  return [...new Set(words)];
}

/** The checker writes `#/a~1b/0`, percent-encoded; a person reads `/a~1b/0`. */
function pathOf(location: string): string {
  try {
    return decodeURIComponent(location.slice(1));
  } catch {
    return location.slice(1);
  }
}

function sentence({ keyword, keywordLocation, error }: OutputUnit, schema: JsonObject): string {
  const wanted = valueAt(schema, keywordLocation);
  const quoted = /"(.*)"/s.exec(error)?.[1] ?? "";
  const count = (unit: string) => `${String(wanted)} ${unit}${wanted === 1 ? "" : "s"}`;
  switch (keyword) {
    case "type":
      return `must be ${Array.isArray(wanted) ? wanted.join(" or ") : quoted.replace(/^.*"/s, "")}`;
    case "const":
    case "enum":
      return wanted === undefined
        ? "is not one of the values allowed"
        : `must be ${
          keyword === "const" ? short(wanted) : `one of ${(wanted as Json[]).map(short).join(", ")}`
        }`;
    case "required":
      return `must have property '${quoted}'`;
    case "dependentRequired": {
      const [has, lacks] = quoted.split(/" but does not have "/);
      return `must have property '${lacks}', because it has '${has}'`;
    }
    case "not":
      return isObject(wanted) && Object.keys(wanted).length === 0
        ? "is not allowed"
        : "must not fit the schema under 'not'";
    case "anyOf":
      return "must fit at least one of the alternatives";
    case "oneOf":
      return "must fit exactly one of the alternatives";
    case "contains":
    case "minContains":
    case "maxContains":
      return "does not contain the right number of items that fit";
    case "propertyNames":
      return `must not have a property called '${quoted}'`;
    case "minLength":
      return `must have at least ${count("character")}`;
    case "maxLength":
      return `must have at most ${count("character")}`;
    case "minItems":
      return `must have at least ${count("item")}`;
    case "maxItems":
      return `must have at most ${count("item")}`;
    case "minProperties":
      return `must have at least ${String(wanted)} ${wanted === 1 ? "property" : "properties"}`;
    case "maxProperties":
      return `must have at most ${String(wanted)} ${wanted === 1 ? "property" : "properties"}`;
    case "uniqueItems":
      return "must not have the same item twice";
    case "minimum":
      return `must be at least ${String(wanted)}`;
    case "maximum":
      return `must be at most ${String(wanted)}`;
    case "exclusiveMinimum":
      return `must be over ${String(wanted)}`;
    case "exclusiveMaximum":
      return `must be under ${String(wanted)}`;
    case "multipleOf":
      return `must be a multiple of ${String(wanted)}`;
    case "pattern":
      return `must match the pattern ${String(wanted)}`;
    case "format":
      return `must be a valid ${String(wanted)}`;
    default:
      return `does not fit '${keyword}'`;
  }
}

/** The value of the keyword, found by the way that the checker took; a `$ref` on it leads elsewhere. */
function valueAt(schema: JsonObject, location: string): Json | undefined {
  let at: Json | undefined = schema;
  for (const step of location.split("/").slice(1)) {
    if (isObject(at) && step === "$ref" && typeof at.$ref === "string") at = valueAt(schema, at.$ref);
    else at = childOf(at, step);
  }
  return at;
}

function childOf(value: Json | undefined, step: string): Json | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const key = pathOf(`#${step}`).replaceAll("~1", "/").replaceAll("~0", "~");
  return Object.hasOwn(value, key) ? (value as JsonObject)[key] : undefined;
}

function short(value: Json): string {
  const text = typeof value === "string" ? `'${value}'` : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60).toWellFormed()}…` : text;
}
