/**
 * What an answer over HTTP is to a cell. Owns: the value of one that is good, and the category of one that is not.
 * Never: whether it is tried again; that is the retry rule's.
 */
import { type Json, parseJson } from "../../base/json.ts";
import { retryAfterOf } from "../../models/provider_error.ts";
import { shown } from "../../notebook/problem.ts";
import type { FailureCategory } from "../../plan/types.ts";
import type { Answer, EgressOutcome } from "../../sandbox/egress/egress.ts";
import { failed, type Outcome } from "../kind.ts";

/** Of the connection, or good for signing in: no part of a value. */
const LEFT_OUT = new Set(
  "set-cookie connection keep-alive transfer-encoding content-length content-encoding trailer upgrade".split(
    " ",
  ),
);

/**
 * How an attempt ends with an outcome of the way out. The value is `{ status, headers, body, url }`: names of headers in
 * lower case, JSON as what it says, any other text as text, and null for an answer without a body.
 *
 * @param now epoch ms, for a `retry-after` that is a date
 *
 * @example
 * ```ts
 * const headers = { "content-type": "application/json" };
 * const body = new TextEncoder().encode('{"a":1}');
 * const good = outcomeOf({ type: "answered", status: 200, headers, body, url: "https://a.example/" }, 0);
 * const busy = outcomeOf({ type: "answered", status: 503, headers: { "retry-after": "2" }, body, url: "https://a.example/" }, 0);
 * if (good.type !== "succeeded" || busy.type !== "failed" || busy.retryAfterMs !== 2000) throw new Error("misread");
 * ```
 */
export function outcomeOf(outcome: EgressOutcome, now: number): Outcome {
  if (outcome.type !== "answered") return failed(outcome.category, outcome.message, outcome.code);
  const { status, headers, url } = outcome;
  const { host } = new URL(url);
  const read = readBody(outcome);
  if (status >= 400) {
    const said = read.ok && read.body !== null ? `: ${shown(textOf(read.body)).trim()}` : "";
    const retryAfterMs = retryAfterOf(headers, now);
    return {
      type: "failed",
      problem: {
        category: categoryOf(status),
        code: `http_${status}`,
        message: `${host} answered ${status}${said}`,
      },
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    };
  }
  if (!read.ok) return failed("invalid_output", `${host} ${read.reason}`, "answer_unreadable");
  const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => !LEFT_OUT.has(name)));
  return { type: "succeeded", value: { status, headers: kept, body: read.body, url } };
}

/** Category of a status of 400 or more. */
export function categoryOf(status: number): FailureCategory {
  if (status === 429) return "rate_limited";
  if (status >= 500 || status === 408 || status === 425) return "unavailable";
  if (status === 401 || status === 403) return "auth";
  return status === 404 || status === 410 ? "not_found" : "invalid_input";
}

function readBody({ headers, body }: Answer): { ok: true; body: Json } | { ok: false; reason: string } {
  if (body.length === 0) return { ok: true, body: null };
  const type = headers["content-type"] ?? "text/plain";
  let text: string;
  try {
    const charset = /;\s*charset="?([\w.:-]+)/i.exec(type)?.[1] ?? "utf-8";
    text = new TextDecoder(charset, { fatal: true }).decode(body);
  } catch {
    return { ok: false, reason: `answered with bytes that are no text (${shown(type)})` };
  }
  if (!/^[^;]*[/+]json\b/i.test(type)) return { ok: true, body: text };
  const read = parseJson(text);
  return read.ok
    ? { ok: true, body: read.value }
    : { ok: false, reason: `said JSON and sent none. ${read.reason}` };
}

function textOf(body: Json): string {
  return typeof body === "string" ? body : JSON.stringify(body);
}
