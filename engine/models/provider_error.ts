/**
 * What a failed call means to a retry rule and to a person. Owns: categories by status, waits out of headers.
 * Never: the key or the prompt in a sentence.
 */
import type { FailureCategory } from "../plan/types.ts";
import { faultIn } from "./guarded_fetch.ts";
import type { ModelPart } from "./model.ts";

/** The part that ends a stream that failed. */
export type ErrorPart = Extract<ModelPart, { type: "error" }>;

const LONGEST_MESSAGE = 500;

/**
 * Category of an HTTP status, for the retry rule of the cell.
 *
 * @example
 * ```ts
 * if (categoryOfStatus(429) !== "rate_limited" || categoryOfStatus(400) !== "invalid_input") throw new Error();
 * ```
 */
export function categoryOfStatus(status: number): FailureCategory {
  if (status === 429) return "rate_limited";
  if (status === 529) return "overloaded";
  if (status >= 500 || status === 408 || status === 409 || status === 425) return "unavailable";
  if (status === 401 || status === 403) return "auth";
  if (status === 404) return "not_found";
  return status >= 400 ? "invalid_input" : "unknown";
}

/**
 * How long a provider asks to wait, in ms: `retry-after-ms`, else `retry-after` in seconds or as a date.
 * `undefined` if it does not say or if what it says is no time.
 *
 * @param headers names in lower case
 * @param now epoch ms, for a date
 */
export function retryAfterOf(headers: Readonly<Record<string, string>>, now: number): number | undefined {
  const ms = Number(headers["retry-after-ms"] ?? NaN);
  if (Number.isFinite(ms) && ms >= 0) return Math.ceil(ms);
  const after = headers["retry-after"];
  if (after === undefined || after.trim() === "") return undefined;
  const seconds = Number(after);
  if (Number.isFinite(seconds)) return seconds >= 0 ? Math.ceil(seconds * 1000) : undefined;
  const date = Date.parse(after);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** A message of a provider without the strings that must not be shown, on one line and not endless. */
export function safeMessage(message: string, secrets: readonly string[]): string {
  let text = message.replace(/\s+/g, " ").trim();
  for (const secret of secrets) if (secret.length >= 4) text = text.replaceAll(secret, "[hidden]");
  return text.length > LONGEST_MESSAGE ? `${text.slice(0, LONGEST_MESSAGE)}...` : text;
}

/** What an error is told with. */
export interface ErrorContext {
  /** Name of the provider. */
  name: string;
  /** Texts that must not stand in the sentence: key, header values, prompt. */
  secrets: readonly string[];
  /** Epoch ms, for a `retry-after` that is a date. */
  now: number;
}

/** Anything that a provider's stream threw or reported, as the part that ends ours. */
export function providerError(error: unknown, { name, secrets, now }: ErrorContext): ErrorPart {
  const fault = faultIn(error);
  if (fault !== undefined) {
    const message = `${name} ${safeMessage(fault.message, secrets)}`;
    return { type: "error", category: fault.category, code: fault.faultCode, message };
  }
  const { status, headers, message, kind } = readError(error);
  const said = safeMessage(message, secrets);
  if (status === undefined || status < 400) {
    const category = categoryOfKind(kind) ?? (isConnection(error) ? "network" : "unavailable");
    const what = isConnection(error) ? "could not be reached" : "reported an error";
    return { type: "error", category, code: "provider_failed", message: `${name} ${what}: ${said}` };
  }
  const id = headers["x-request-id"] ?? headers["request-id"];
  const retryAfterMs = retryAfterOf(headers, now);
  return {
    type: "error",
    category: categoryOfStatus(status),
    code: `http_${status}`,
    message: `${name} answered ${status}: ${said}${
      id === undefined ? "" : ` (request ${safeMessage(id, secrets)})`
    }`,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

interface Told {
  status?: number;
  headers: Record<string, string>;
  message: string;
  /** Word of the provider for the error, such as `overloaded_error`. */
  kind: string;
}

/** Reads the fields that the SDK and the providers put on errors; all of them may be absent. */
function readError(error: unknown): Told {
  if (typeof error === "string") return { headers: {}, message: error, kind: "" };
  const fields = (typeof error === "object" && error !== null ? error : {}) as Record<string, unknown>;
  const inner = typeof fields.error === "object" && fields.error !== null
    ? readError(fields.error)
    : undefined;
  const status = [fields.statusCode, fields.status, fields.code].map(Number).find((n) => n >= 100 && n < 600);
  return {
    ...(status === undefined ? {} : { status }),
    headers: (fields.responseHeaders ?? {}) as Record<string, string>,
    message: typeof fields.message === "string" ? fields.message : inner?.message ?? "no message",
    kind: [fields.type, fields.code].filter((word) => typeof word === "string").join(" ") ||
      (inner?.kind ?? ""),
  };
}

function categoryOfKind(kind: string): FailureCategory | undefined {
  if (/overloaded/.test(kind)) return "overloaded";
  if (/rate_limit|quota/.test(kind)) return "rate_limited";
  if (/auth|permission/.test(kind)) return "auth";
  return /invalid_request/.test(kind) ? "invalid_input" : undefined;
}

/** Whether no answer came at all, or it broke off on the way. */
function isConnection(error: unknown): boolean {
  for (let i = 0, current = error; i < 10 && current instanceof Error; i++, current = current.cause) {
    if (current instanceof TypeError || /^Cannot connect|connection|network|body/i.test(current.message)) {
      return true;
    }
  }
  return false;
}
