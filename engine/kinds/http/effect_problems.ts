/**
 * What is wrong with the `effect` of an `http` cell before it runs. Owns: these problems. Never: its form, which the parser
 * checks.
 */
import { isObject, type Json } from "../../base/json.ts";
import { explain, parseExpression } from "../../expr/expression.ts";
import { parseTemplate } from "../../expr/template.ts";
import { placeOfKey, placeOfText } from "../../graph/header_place.ts";
import { readEffect } from "../../notebook/effects/descriptor.ts";
import { shown } from "../../notebook/problem.ts";
import type { Cell, Place } from "../../notebook/types.ts";
import { faultInHeaders } from "../../sandbox/egress/request_headers.ts";
import { deniedTarget } from "../../sandbox/egress/target.ts";
import { type HttpSource, readUrl } from "./source.ts";

/** Names that `exists` of a probe reads: those of the answer. */
const ANSWER_NAMES: ReadonlySet<string> = new Set(["status", "headers", "body", "url"]);

type Report = (code: string, place: Place, message: string) => void;

/** Tells them. */
export function effectProblems(cell: Cell, request: HttpSource, allowed: string[], report: Report): void {
  const given = cell.header.effect;
  if (!isObject(given)) return;
  const { effect: { operation, idempotencyHeader, service, probe } } = readEffect(given);
  const at = (key: string, message: string) => report("effect_invalid", placeOfKey(cell, key), message);
  const hole = textsIn(given).find(namesSecret);
  if (hole !== undefined) {
    const message =
      `'effect' of '${cell.name}' names a secret, and secrets cannot be filled in yet; take it out`;
    report("secret_unavailable", placeOfText(cell, "effect", hole.split("\n")[0]!, 1), message);
  }
  if (operation === "file_write") {
    at("operation", `'${cell.name}' sends a request and writes no file; use another operation`);
  }
  if (service?.includes("{{")) at("service", "'service' of effect is a name, in which nothing is filled in");
  if (idempotencyHeader !== undefined) {
    const fault = faultInHeaders([[idempotencyHeader, ""]]);
    const same = request.headers.some(({ name }) => name.toLowerCase() === idempotencyHeader.toLowerCase());
    if (fault !== undefined) at("idempotencyHeader", fault);
    else if (same) {
      const message = `'${cell.name}' sets ${shown(idempotencyHeader)} itself; leave it to idempotencyHeader`;
      at("idempotencyHeader", message);
    }
  }
  if (probe === undefined) return;
  const { segments } = parseTemplate(probe.url.trim());
  const target = readUrl(segments, { line: 1, column: 1 }, (message) => at("probe", message));
  const denied = target && deniedTarget(target, allowed, true);
  if (denied !== undefined) at("probe", `The probe of '${cell.name}' cannot be sent: ${denied.message}`);
  const { problems: [problem], references } = parseExpression(probe.exists);
  if (problem !== undefined) at("exists", `'exists' cannot be used: ${explain(problem, problem)}`);
  // What it does not know comes to nothing, and `$exists` of nothing is false: it would be sent again.
  const strange = references.find(({ name, param }) => param || !ANSWER_NAMES.has(name));
  if (strange === undefined) return;
  at(
    "exists",
    `'exists' does not know '${shown(strange.name)}'; it reads ${[...ANSWER_NAMES].join(", ")} of the answer`,
  );
}

function namesSecret(text: string): boolean {
  return parseTemplate(text).segments.some((segment) =>
    segment.type === "hole" &&
    parseExpression(segment.expr).references.some(({ name, param }) => name === "secret" && !param)
  );
}

function textsIn(value: Json): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
