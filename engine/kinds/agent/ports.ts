/**
 * From a model's answer to the ports of its cell. Owns: the schema that is asked for, reading the answer, checking
 * each port. Never: a repair of the answer beyond taking it out of its code fence.
 */
import { isObject, type Json, type JsonObject, parseJson } from "../../base/json.ts";
import type { OutputPort } from "../../notebook/outputs.ts";
import { failed, type Outcome } from "../kind.ts";
import { type SchemaCheck, schemaCheck } from "../schema/check.ts";
import { listErrors, schemaFault } from "../schema/told.ts";

/** How answers of a cell become its value. */
export interface PortReader {
  /** What the model is asked for; absent if it answers with plain text. */
  schema?: JsonObject;
  /** The cell's value out of the whole answer. */
  read(answer: string): { ok: true; value: Json } | { ok: false; outcome: Outcome };
}

/**
 * The reader for a cell's ports, or how the attempt ends because a schema is not usable. One port of type `text` or
 * `code` takes the text; any other declaration is asked for as one JSON object.
 */
export async function portReader(
  ports: readonly OutputPort[],
): Promise<{ ok: true; reader: PortReader } | { ok: false; outcome: Outcome }> {
  const [only] = ports;
  if (ports.length === 1 && (only!.type === "text" || only!.type === "code")) {
    return { ok: true, reader: { read: (answer) => ({ ok: true, value: plain(only!, answer) }) } };
  }
  const checks = await checksOf(ports);
  if (!checks.ok) return checks;
  return {
    ok: true,
    reader: { schema: mergedSchema(ports), read: (answer) => readJson(answer, ports, checks.checks) },
  };
}

function plain({ name, type }: OutputPort, answer: string): Json {
  const text = type === "code" ? withoutFence(answer, /^```[^\n`]*\n([\s\S]*?)\n?```$/) : answer;
  return name === "" ? text : { [name]: text };
}

/** One object with a property for each port, all required. */
function mergedSchema(ports: readonly OutputPort[]): JsonObject {
  return {
    type: "object",
    properties: Object.fromEntries(ports.map((port) => [port.name, schemaOf(port)])),
    required: ports.map(({ name }) => name),
    additionalProperties: false,
  };
}

function schemaOf({ type, schema }: OutputPort): JsonObject {
  if (type === "text" || type === "code") return { type: "string", ...schema };
  return type === "stream"
    ? { type: "array", ...(schema === undefined ? {} : { items: schema }) }
    : schema ?? {};
}

type Checks = Map<string, SchemaCheck>;

async function checksOf(
  ports: readonly OutputPort[],
): Promise<{ ok: true; checks: Checks } | { ok: false; outcome: Outcome }> {
  const checks: Checks = new Map();
  for (const port of ports) {
    const read = await schemaCheck(schemaOf(port));
    if (!read.ok) {
      return { ok: false, outcome: failed("invalid_input", schemaFault(port.name, read), "schema_invalid") };
    }
    checks.set(port.name, read.check);
  }
  return { ok: true, checks };
}

function readJson(
  answer: string,
  ports: readonly OutputPort[],
  checks: Checks,
): ReturnType<PortReader["read"]> {
  const text = withoutFence(answer, /^```(?:json)?[ \t]*\n([\s\S]*?)\n?[ \t]*```$/);
  const parsed = parseJson(text);
  if (!parsed.ok) {
    return invalid(`The answer is not the JSON that was asked for: ${faultIn(text, parsed.reason)}`);
  }
  if (!isObject(parsed.value)) {
    return invalid(`The answer is ${nameOf(parsed.value)}, expected an object of outputs`);
  }
  const value: JsonObject = {};
  for (const { name, type } of ports) {
    if (!Object.hasOwn(parsed.value, name)) return invalid(`Output '${name}' is missing`);
    const own = parsed.value[name]!;
    if ((type === "text" || type === "code") && typeof own !== "string") {
      return invalid(`Output '${name}' is ${nameOf(own)}, expected ${type}`);
    }
    const errors = checks.get(name)!(own);
    if (errors.length > 0) {
      return invalid(`Output '${name}' schema validation failed: ${listErrors(errors)}`);
    }
    value[name] = own;
  }
  return { ok: true, value };
}

function invalid(message: string): { ok: false; outcome: Outcome } {
  return { ok: false, outcome: failed("invalid_output", message, "output_invalid") };
}

/** The inside of the code fence that a model put around its whole answer. */
function withoutFence(answer: string, fence: RegExp): string {
  const text = answer.trim();
  return fence.exec(text)?.[1] ?? text;
}

/** What is wrong with a text that is not JSON, and where: the first place from which no text could go on. */
function faultIn(text: string, reason: string): string {
  if (text === "") return "it is empty";
  if (!reason.startsWith("Not JSON")) return reason;
  let [good, bad] = [0, text.length + 1];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (couldGoOn(text.slice(0, middle))) good = middle;
    else bad = middle;
  }
  if (good >= text.length) return `it ends too early, at position ${text.length}`;
  return `unexpected ${JSON.stringify([...text.slice(good, good + 2)][0])} at position ${good}`;
}

/** Whether some text after `start` makes it JSON: the parser complains of nothing but its end. */
function couldGoOn(start: string): boolean {
  try {
    JSON.parse(start);
    return true;
  } catch (error) {
    const { message } = error as Error;
    const position = /at position (\d+)/.exec(message)?.[1];
    return /end of JSON input|^Unterminated/.test(message) || Number(position ?? -1) >= start.length;
  }
}

function nameOf(value: Json): string {
  return value === null ? "null" : Array.isArray(value) ? "list" : typeof value;
}
