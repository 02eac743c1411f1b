/**
 * The YAML on top of the file. Owns: where it ends, its keys and the params it declares.
 * Never: values given to params; those are `params.ts`'.
 */
import { isObject, type JsonObject } from "../../base/json.ts";
import { didYouMean, nearest } from "../nearest.ts";
import { valueFault } from "../params.ts";
import { configProblem, type Report, shown, structureProblem } from "../problem.ts";
import { type FrontMatter, type Param, PARAM_TYPES, type Place } from "../types.ts";
import { FRONT_RULES, PARAM_RULES } from "./keys.ts";
import { nameFault } from "./names.ts";
import { applyRules } from "./rules.ts";
import { readYaml, type YamlText } from "./yaml_text.ts";

const MAX_FRONT_MATTER = 256 * 1024;
const OPEN = /^\uFEFF?---[ \t]*(?:\r\n|[\n\r])/;
const CLOSE = /(^|\r\n|[\n\r])---[ \t]*(?:\r\n|[\n\r]|$)/;
const OWNER = "front matter";

/** Where front matter stands in a text. */
export interface FrontMatterSpan {
  /** Offset after the byte order mark and the first line; 0 if there is no front matter. */
  yamlStart: number;
  yamlEnd: number;
  /** Offset after all of it; that of a byte order mark alone, which belongs to it. */
  end: number;
}

/** Finds front matter: a line `---` on top and the next one. Without the second there is none. */
export function findFrontMatter(text: string): FrontMatterSpan {
  const open = OPEN.exec(text);
  const none = { yamlStart: 0, yamlEnd: 0, end: text.startsWith("\uFEFF") ? 1 : 0 };
  if (open === null) return none;
  const rest = text.slice(open[0].length);
  const close = CLOSE.exec(rest);
  if (close === null) return none;
  const yamlStart = open[0].length;
  return {
    yamlStart,
    yamlEnd: yamlStart + close.index + close[1]!.length,
    end: yamlStart + close.index + close[0].length,
  };
}

/** Where a key of front matter stands, by the way to it. */
export function frontMatterPlace({ raw }: FrontMatter, path: string[]): Place {
  const { yamlStart, yamlEnd } = findFrontMatter(raw);
  return readYaml(raw.slice(yamlStart, yamlEnd), { line: 2, indent: 0, maxLength: MAX_FRONT_MATTER }).placeOf(
    path,
  );
}

/** Reads and checks the front matter of a text. */
export function readFrontMatter(text: string, report: Report): { frontMatter: FrontMatter; end: number } {
  const { yamlStart, yamlEnd, end } = findFrontMatter(text);
  const raw = text.slice(0, end);
  if (yamlStart === 0) {
    if (/^\uFEFF?---[ \t]*(?:\r\n|[\n\r])[a-zA-Z]+[ \t]*:/.test(text.slice(0, 200))) {
      const message = "Front matter is not closed: add --- on a line of its own";
      report(structureProblem("front_matter_unclosed", { line: 1, column: 1 }, message, { expected: "---" }));
    }
    return { frontMatter: { data: {}, raw, params: [] }, end };
  }
  const yaml = readYaml(text.slice(yamlStart, yamlEnd), { line: 2, indent: 0, maxLength: MAX_FRONT_MATTER });
  if (yaml.error !== undefined) {
    const message = `Front matter is not valid YAML: ${yaml.error.message}`;
    const detail = { expected: "keys and values between two lines ---" };
    report(structureProblem("front_matter_invalid", yaml.error.place, message, detail));
  }
  applyRules(FRONT_RULES, yaml.data, [], { owner: OWNER, placeOf: yaml.placeOf }, report);
  return { frontMatter: { data: yaml.data, raw, params: readParams(yaml, report) }, end };
}

/** The params with a usable name. What is wrong with one is left out of it, so that references to it still resolve. */
function readParams({ data, placeOf }: YamlText, report: Report): Param[] {
  const declared = isObject(data.params) ? Object.entries(data.params) : [];
  return declared.flatMap(([name, fields]) => {
    const place = placeOf(["params", name]);
    const fault = nameFault(name);
    if (fault !== undefined) {
      report(structureProblem(fault.code, place, fault.message, { expected: fault.expected }));
      return [];
    }
    if (!isObject(fields)) {
      const expected = "keys and values, such as { type: string }";
      report(configProblem("param_invalid", place, `Param '${name}' must be ${expected}`, { expected }));
      return [{ name, type: "json" as const, required: false, place }];
    }
    const subject = { owner: OWNER, placeOf };
    applyRules(PARAM_RULES, withoutType(fields), ["params", name], subject, report);
    return [readParam(name, fields, placeOf, report)];
  });
}

function readParam(
  name: string,
  fields: JsonObject,
  placeOf: (path: readonly string[]) => Place,
  report: Report,
): Param {
  const at = (key: string) => placeOf(["params", name, key]);
  const type = PARAM_TYPES.find((known) => known === fields.type);
  if (type === undefined) {
    const given = fields.type === undefined
      ? " has no type"
      : typeof fields.type === "string"
      ? ` has the unknown type '${shown(fields.type)}'${didYouMean(nearest(fields.type, PARAM_TYPES))}`
      : " has a type that is no text";
    const expected = `one of ${PARAM_TYPES.join(", ")}`;
    report(configProblem("param_type", at("type"), `Param '${name}'${given}`, { expected }));
  }
  const param: Param = {
    name,
    type: type ?? "json",
    required: typeof fields.required === "boolean" ? fields.required : !Object.hasOwn(fields, "default"),
    place: placeOf(["params", name]),
  };
  if (typeof fields.label === "string") param.label = fields.label;
  if (typeof fields.description === "string") param.description = fields.description;
  if (isObject(fields.schema) || typeof fields.schema === "boolean") param.schema = fields.schema;
  if (typeof fields.min === "number") param.min = fields.min;
  if (typeof fields.max === "number") param.max = fields.max;
  if (param.min !== undefined && param.max !== undefined && param.min > param.max) {
    const message = `Param '${name}' has min ${param.min} above max ${param.max}`;
    report(configProblem("param_range", at("min"), message, { expected: "min at most max" }));
    delete param.min;
    delete param.max;
  }
  if (Array.isArray(fields.enum)) {
    const misfit = fields.enum.find((value) =>
      valueFault({ ...param, required: false }, value) !== undefined
    );
    if (misfit === undefined) param.enum = fields.enum;
    else {
      const message = `Param '${name}' lists ${shown(JSON.stringify(misfit))}, which is no ${param.type}`;
      report(configProblem("param_enum", at("enum"), message, { expected: `values of type ${param.type}` }));
    }
  }
  if (Object.hasOwn(fields, "default")) {
    const fault = valueFault(param, fields.default!);
    if (fault === undefined) param.default = fields.default!;
    else {
      const message = `Default does not fit: ${fault.message}`;
      report(configProblem("param_default", at("default"), message, { expected: fault.expected }));
    }
  }
  return param;
}

/** The fields but for `type`, of which there is more to say than that it is none of the list. */
function withoutType(fields: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => key !== "type"));
}
