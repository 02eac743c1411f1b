/**
 * What a `tool` cell says. Owns: reading which tool and with which arguments. Never: calling it.
 */
import { isObject, type JsonObject, parseJson } from "../../base/json.ts";
import { configProblem } from "../../notebook/problem.ts";
import type { Cell, Problem } from "../../notebook/types.ts";
import type { ExpressionEvaluator } from "../agent/prompt.ts";
import { type Attempt, failed, type Outcome } from "../kind.ts";
import { filled } from "../wait/filled.ts";

/** First line of the source and what stands below it. */
export interface ToolSource {
  server: string;
  tool: string;
  /** Text of the arguments, which may hold placeholders. */
  args: string;
}

const FIRST = /^([A-Za-z][A-Za-z0-9_-]{0,63})\/([^\s{}*]{1,128})$/;

/**
 * Reads a source: the tool as `SERVER/TOOL`, and below it its arguments as JSON.
 *
 * @example
 * ```ts
 * const read = readCall("files/search\n{ \"query\": \"{{ topic }}\" }\n", "x");
 * if (!read.ok || read.source.server !== "files" || read.source.tool !== "search") throw new Error("not read");
 * if (readCall("files/*", "x").ok) throw new Error("no tool is called so");
 * ```
 */
export function readCall(
  source: string,
  name: string,
): { ok: true; source: ToolSource } | { ok: false; reason: string } {
  const [first = "", ...rest] = source.trim().split(/\r?\n/);
  const found = FIRST.exec(first.trim());
  if (found === null) {
    return {
      ok: false,
      reason: `'${name}' must begin with a tool as SERVER/TOOL, not '${first.slice(0, 60)}'`,
    };
  }
  return { ok: true, source: { server: found[1]!, tool: found[2]!, args: rest.join("\n").trim() } };
}

/** The problem of a cell whose source cannot be read, at its place. */
export function callProblems({ source, name, sourceLine, indent }: Cell): Problem[] {
  const read = readCall(source, name);
  if (read.ok) return [];
  return [
    configProblem("tool_invalid", { line: sourceLine, column: indent + 1 }, read.reason, { cell: name }),
  ];
}

/** The arguments with every placeholder filled in, or how the attempt ends without them. */
export async function argsOf(
  { args }: ToolSource,
  attempt: Attempt,
  evaluator: ExpressionEvaluator,
): Promise<{ ok: true; args: JsonObject } | { ok: false; outcome: Outcome }> {
  if (args === "") return { ok: true, args: {} };
  // A text that is one placeholder is no JSON and stands for the whole of it.
  const read = parseJson(args);
  const part = await filled(read.ok ? read.value : args, attempt, evaluator);
  if (!part.ok) return part;
  if (isObject(part.value)) return { ok: true, args: part.value };
  const message = `Arguments of '${attempt.cell.name}' must be a JSON object, such as { "query": "tea" }`;
  return { ok: false, outcome: failed("invalid_input", message, "arguments_invalid") };
}
