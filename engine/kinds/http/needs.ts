/**
 * What an `http` cell may reach, and what is wrong with one before it runs. Owns: `needs.net` of its header, and the
 * problems that a plan tells. Never: connecting; what is allowed here is checked again on the way out.
 */
import { isObject } from "../../base/json.ts";
import { parseExpression } from "../../expr/expression.ts";
import { parseTemplate } from "../../expr/template.ts";
import { placeOfKey } from "../../graph/header_place.ts";
import { configProblem, shown } from "../../notebook/problem.ts";
import type { Cell, Place, Problem } from "../../notebook/types.ts";
import { allowedOf, deniedTarget } from "../../sandbox/egress/target.ts";
import { effectProblems } from "./effect_problems.ts";
import { type HttpSource, readSource } from "./source.ts";

/** The hosts of `needs: { net: [ … ] }`, each `host` or `host:port`. */
export function allowedHosts({ header }: Cell): string[] {
  const net = isObject(header.needs) ? header.needs.net : undefined;
  return (Array.isArray(net) ? net : []).filter((entry) => typeof entry === "string");
}

/**
 * Everything that is wrong with an `http` cell as it stands.
 *
 * @example
 * ```ts
 * import { parse } from "../../notebook/parse.ts";
 * import { cellsOf } from "../../notebook/types.ts";
 * const { notebook } = parse("~~~http page\nGET https://example.org/\n~~~\n");
 * const [problem] = httpProblems(cellsOf(notebook)[0]!);
 * if (problem?.code !== "net_missing" || problem.line !== 2) throw new Error("it may reach nothing yet");
 * ```
 */
export function httpProblems(cell: Cell): Problem[] {
  const found: Problem[] = [];
  const report = (code: string, place: Place, message: string) =>
    void found.push(configProblem(code, place, message, { cell: cell.name }));
  const { request, faults } = readSource(cell.source);
  for (const { message, ...place } of faults) report("request_invalid", inFile(cell, place), message);
  for (const entry of allowedHosts(cell)) {
    if (allowedOf(entry) !== undefined) continue;
    const message = `'${
      shown(entry)
    }' under needs.net is no host; write api.example.org, or api.example.org:8443 for another port`;
    report("net_invalid", placeOfKey(cell, "needs"), message);
  }
  const secret = secretIn(cell);
  if (secret !== undefined) {
    const message = `'${cell.name}' names a secret, and secrets cannot be filled in yet; take it out`;
    report("secret_unavailable", inFile(cell, secret), message);
  }
  if (request !== undefined) {
    reach(request, cell, report);
    effectProblems(cell, request, allowedHosts(cell), report);
  }
  return found;
}

function reach(
  { target }: HttpSource,
  cell: Cell,
  report: (code: string, place: Place, message: string) => void,
): void {
  const start = inFile(cell, firstLine(cell));
  const allowed = allowedHosts(cell);
  if (target === undefined) {
    if (allowed.length > 0) return;
    const message =
      `'${cell.name}' may reach no host: name those of its URL as needs: { net: [api.example.org] }`;
    report("net_missing", start, message);
    return;
  }
  // Whether the operator has opened a name of the inside is found out when it is sent.
  const denied = deniedTarget(target, allowed, true);
  if (denied !== undefined) report("net_missing", start, `'${cell.name}' cannot be sent: ${denied.message}`);
}

/** Where a placeholder names a secret, if one does. */
function secretIn({ source }: Cell): Place | undefined {
  return parseTemplate(source).segments.find((segment) =>
    segment.type === "hole" &&
    parseExpression(segment.expr).references.some(({ name, param }) => name === "secret" && !param)
  ) as Place | undefined;
}

function firstLine({ source }: Cell): Place {
  const before = /^\s*/.exec(source)![0];
  return { line: before.split("\n").length, column: 1 };
}

function inFile({ sourceLine, indent }: Cell, { line, column }: Place): Place {
  return { line: sourceLine + line - 1, column: column + indent };
}
