/**
 * What an `http` cell does to the outside world. Owns: which cells act, what is recorded of a request, and whether an
 * answer says that it happened (EF-043, EF-044). Never: whether it is sent again; that is `attempt.effects`.
 *
 * E3 What is sent is the recorded request, byte for byte, and beside it only the key (EF-058, EF-061).
 */
import { EngineError } from "../../base/errors.ts";
import { isObject, type Json } from "../../base/json.ts";
import { effectOf, readEffect, READING_METHODS } from "../../notebook/effects/descriptor.ts";
import type { Cell } from "../../notebook/types.ts";
import type { Warning } from "../../run/event.ts";
import type { Egress, EgressOutcome } from "../../sandbox/egress/egress.ts";
import type { ExpressionEvaluator } from "../agent/prompt.ts";
import { type Attempt, type Called, failed, type Outcome, type Send } from "../kind.ts";
import { filled } from "../wait/filled.ts";
import { outcomeOf } from "./answer.ts";
import type { HttpRequest } from "./fill.ts";
import { preparedUndo, UNPREPARED } from "./prepare_undo.ts";
import { probeOf } from "./probe.ts";
import { readSource } from "./source.ts";

/** Longest body of an answer, in bytes. */
export const LONGEST_BODY = 16 * 1024 * 1024;
/** The one effect of its step. */
const SLOT = "0";

/** What a cell says of its action, with the defaults. */
export type Action = ReturnType<typeof effectOf>;

/**
 * The action of a cell, or `undefined` if it only reads: a method that changes something is one, and so is any that the
 * cell gives an `effect`.
 *
 * @example
 * ```ts
 * import { parse } from "../../notebook/parse.ts";
 * import { cellsOf } from "../../notebook/types.ts";
 * const { notebook } = parse("~~~http pay\nPOST https://example.org/charges\n~~~\n");
 * const action = actionOf(cellsOf(notebook)[0]!);
 * if (action?.service !== "example.org" || action.descriptor.type !== "irreversible") throw new Error("it acts");
 * ```
 */
export function actionOf({ header, source }: Pick<Cell, "header" | "source">): Action | undefined {
  const { request } = readSource(source);
  if (request === undefined || READING_METHODS.has(request.method) && !isObject(header.effect)) {
    return undefined;
  }
  const { effect } = readEffect(header.effect);
  return effectOf(effect, { method: request.method, service: request.target?.url.host ?? "" });
}

/** Does what the cell says, once; what comes of it is the cell's value. */
export async function act(
  attempt: Attempt,
  action: Action,
  request: HttpRequest,
  { egress, evaluator }: { egress: Egress; evaluator: ExpressionEvaluator },
): Promise<Outcome> {
  const description = await descriptionOf(action, request, attempt, evaluator);
  if (!description.ok) return description.outcome;
  const url = URL.parse(request.url);
  const { allowed } = request;
  const keyHeader = keyHeaderOf(action, request);
  const warnings: Warning[] = [];
  const send: Send = async ({ key, request, signal }) => {
    const recorded = requestFrom(request);
    const headers = keyHeader === undefined
      ? recorded.headers
      : [...recorded.headers, [keyHeader, key] as const];
    const outcome = await egress.send({ ...recorded, headers, allowed, maxBytes: LONGEST_BODY, signal });
    const called = calledOf(outcome, attempt.clock.now());
    if (called.type !== "done") return called;
    if (called.warning !== undefined) warnings.push(called.warning);
    const descriptor = await preparedUndo(action.descriptor, called.result, attempt, evaluator);
    return { type: "done", result: called.result, ...(descriptor === undefined ? {} : { descriptor }) };
  };
  const { service, operation, descriptor, handler } = action;
  const done = await attempt.effects.perform(
    {
      request: recordOf(request),
      description: description.text,
      service: service === "" ? url?.host ?? "" : service,
      operation,
      descriptor,
      method: request.method,
      slot: SLOT,
      ...(handler === undefined ? {} : { handler }),
      ...(keyHeader === undefined ? {} : { sendsKey: true }),
    },
    send,
    action.probe && probeOf(action.probe, action.descriptor, attempt, { egress, evaluator, allowed }),
  );
  if (!done.ok) return attempt.signal.aborted ? { type: "cancelled" } : done.outcome;
  if (done.descriptor.type === "irreversible" && done.descriptor.reason.startsWith(UNPREPARED)) {
    warnings.push({ type: "quality", severity: "high", message: done.descriptor.reason });
  }
  return { type: "succeeded", value: done.result, ...(warnings.length === 0 ? {} : { warnings }) };
}

/** EF-009: what the cell says, else method and URL without query. */
async function descriptionOf(
  { description }: Action,
  { method, url }: HttpRequest,
  attempt: Attempt,
  evaluator: ExpressionEvaluator,
): Promise<{ ok: true; text: string } | { ok: false; outcome: Outcome }> {
  if (description === undefined) return { ok: true, text: `${method} ${url.split(/[?#]/, 1)[0]}` };
  const text = await filled(description, attempt, evaluator);
  if (!text.ok) return text;
  const { value } = text;
  return { ok: true, text: typeof value === "string" ? value : JSON.stringify(value) };
}

/** The header that carries the key; one that the cell writes itself stays its own. */
function keyHeaderOf({ idempotencyHeader }: Action, { headers }: HttpRequest): string | undefined {
  const own = headers.some(([name]) => name.toLowerCase() === idempotencyHeader?.toLowerCase());
  return own ? undefined : idempotencyHeader;
}

/** A request as the log has it. Its body is text, and stays so to the byte. */
function recordOf({ method, url, headers, body }: HttpRequest): Json {
  return {
    method,
    url: url.toWellFormed(),
    headers: headers.map(([name, value]) => [name, value]),
    ...(body === undefined ? {} : { body: new TextDecoder("utf-8", { ignoreBOM: true }).decode(body) }),
  };
}

/** The request of a record. Throws `store_corrupt`. */
function requestFrom(record: Json): Omit<HttpRequest, "allowed"> {
  const { method, url, headers, body } = isObject(record) ? record : {};
  const pairs = Array.isArray(headers) ? headers : [];
  const good = typeof method === "string" && typeof url === "string" && Array.isArray(headers) &&
    pairs.every((pair) =>
      Array.isArray(pair) && pair.length === 2 && pair.every((part) => typeof part === "string")
    ) && (body === undefined || typeof body === "string");
  if (!good) throw new EngineError("store_corrupt", "The recorded request of an effect cannot be read");
  return {
    method,
    url,
    headers: pairs as [string, string][],
    ...(body === undefined ? {} : { body: new TextEncoder().encode(body) }),
  };
}

type Heard =
  | { type: "done"; result: Json; warning?: Warning }
  | Exclude<Called, { type: "done" }>;

/** Statuses after which nobody knows whether it happened: somebody on the way gave up waiting. */
const UNKNOWN = new Set([408, 502, 504]);
/** Statuses that lead elsewhere because nothing was done here; no effect follows them. */
const ELSEWHERE = new Set([301, 307, 308]);
/** Says that it was done, and where to look. */
const SEE_OTHER = 303;

/**
 * What an outcome of the way out says of an action.
 *
 * @param now epoch ms, for a `retry-after` that is a date
 *
 * @example
 * ```ts
 * const at = { headers: {}, body: new Uint8Array(), url: "https://a.example/" };
 * const said = [204, 404, 504].map((status) => calledOf({ type: "answered", status, ...at }, 0).type);
 * if (said.join() !== "done,failed,unknown") throw new Error("misread");
 * ```
 */
export function calledOf(outcome: EgressOutcome, now: number): Heard {
  if (outcome.type === "in_doubt") return { type: "unknown", why: outcome.message };
  if (outcome.type === "answered") {
    const { status, url } = outcome;
    const { host } = new URL(url);
    if (UNKNOWN.has(status)) return { type: "unknown", why: `${host} answered ${status}` };
    if (ELSEWHERE.has(status)) {
      const message = `${host} answered ${status}, which leads elsewhere; write the URL that it leads to`;
      return failure(failed("invalid_input", message, "redirect_refused"));
    }
    if (status >= 300 && status < 400 && status !== SEE_OTHER) {
      return { type: "unknown", why: `${host} answered ${status}, which does not say whether it was done` };
    }
  }
  const read = outcomeOf(outcome, now);
  if (read.type === "succeeded") return { type: "done", result: read.value };
  if (outcome.type !== "answered" || outcome.status >= 400) return failure(read);
  // It has happened, whatever its answer looks like.
  const bare = outcomeOf({ ...outcome, body: new Uint8Array() }, now);
  if (bare.type !== "succeeded" || read.type !== "failed") return failure(read);
  const message = `${read.problem.message}; the body is left out`;
  return { type: "done", result: bare.value, warning: { type: "quality", severity: "medium", message } };
}

function failure(outcome: Outcome): Extract<Called, { type: "failed" }> {
  if (outcome.type !== "failed") throw new Error(`Not a failure: ${outcome.type}`);
  const { problem, retryAfterMs } = outcome;
  return { type: "failed", problem, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}
