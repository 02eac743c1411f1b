/**
 * How answers are made. Owns: the headers that every answer carries (SE-323, SE-324), problems (AP-301), compression.
 */
import { EngineError, toWire } from "../engine/base/errors.ts";
import type { JsonObject } from "../engine/base/json.ts";

/** From this size on a text is compressed. */
const COMPRESS_FROM = 1024;

const HEADERS = {
  "x-content-type-options": "nosniff",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "x-dns-prefetch-control": "off",
};

/** SE-323 for a page; anything else may load nothing at all. */
export function securityHeaders(headers: Headers, nonce?: string): void {
  // A form needs its origin to be told (see `pages/approval.tsx`).
  const referrer = headers.get("referrer-policy") === "same-origin" ? "same-origin" : "no-referrer";
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
  headers.set("referrer-policy", referrer);
  if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
  if (headers.has("content-security-policy")) return;
  headers.set(
    "content-security-policy",
    nonce === undefined
      ? "default-src 'none'; frame-ancestors 'none'; sandbox"
      : `default-src 'none'; script-src 'self'; style-src 'self' 'nonce-${nonce}'; style-src-attr 'unsafe-inline'; ` +
        "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; frame-src 'self'; " +
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  );
}

/** JSON, compressed if the client takes it. */
export function json(request: Request, value: unknown, init: ResponseInit = {}): Response {
  return text(request, JSON.stringify(value), "application/json", init);
}

/** Text of a type, compressed if the client takes it and it is worth it. */
export function text(request: Request, body: string, type: string, init: ResponseInit = {}): Response {
  const headers = new Headers(init.headers);
  headers.set("content-type", /^text\//.test(type) ? `${type}; charset=utf-8` : type);
  headers.append("vary", "accept-encoding");
  if (body.length < COMPRESS_FROM || !accepts(request, "gzip")) {
    return new Response(body, { ...init, headers });
  }
  headers.set("content-encoding", "gzip");
  const stream = new Blob([body]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Response(stream, { ...init, headers });
}

/** Whether a client takes an encoding. */
export function accepts(request: Request, encoding: string): boolean {
  const offered = request.headers.get("accept-encoding") ?? "";
  return offered.split(",").some((part) => {
    const [name, ...params] = part.trim().toLowerCase().split(";");
    return name === encoding && !params.some((param) => /^\s*q=0(\.0*)?\s*$/.test(param));
  });
}

/** A problem (AP-301). What has no code of ours is a bug, of which the answer says only the request's id. */
export function problem(
  request: Request,
  error: unknown,
  requestId: string,
  extra: { headers?: HeadersInit } & JsonObject | { headers?: HeadersInit } = {},
): Response {
  const wire = toWire(error, requestId);
  const { headers, ...more } = extra;
  const body = {
    ...wire,
    type: `//errors/${wire.code}`,
    instance: new URL(request.url).pathname,
    requestId,
    ...more,
  };
  const answer = json(request, body, { status: wire.status, headers });
  answer.headers.set("content-type", "application/problem+json");
  return answer;
}

/** Shorthand for throwing. */
export function refuse(
  code: ConstructorParameters<typeof EngineError>[0],
  message: string,
  problems?: unknown[],
): never {
  throw new EngineError(code, message, problems === undefined ? {} : { problems });
}
