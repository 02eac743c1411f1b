/**
 * What a request must pass before a handler sees it, in the order of security.md section 3: host, origin, route,
 * credential, cross-site check, content type, size, schema. The first failure answers.
 * Owns: these checks. Never: what a route does.
 */
import { parseJson } from "../engine/base/json.ts";
import { refuse } from "./respond.ts";
import type { RouteRow } from "./table.ts";

/** Who is asking, or nobody. */
export interface Identity {
  who: string;
  /** By which way it was proved; a cookie travels by itself, so changes need more. */
  by: "cookie" | "token";
}

/** Where this server answers. */
export interface Address {
  /** Port as the browser sees it. */
  port: number;
  /** Host names besides the loopback's, without port. */
  names: readonly string[];
}

/** SE-310: the host must be one of ours. Answers the origin of this server as the request names it. */
export function checkHost(request: Request, { port, names }: Address): string {
  const host = request.headers.get("host") ?? new URL(request.url).host;
  const own = ["127.0.0.1", "localhost", "[::1]", ...names].flatMap((name) =>
    port === 80 ? [name, `${name}:80`] : [`${name}:${port}`]
  );
  if (!own.includes(host.toLowerCase())) {
    refuse("host_refused", "This server is not known under the name asked for");
  }
  return `${new URL(request.url).protocol}//${host.toLowerCase()}`;
}

/**
 * SE-311, SE-312: nothing from another origin. A navigation of the whole page may come from anywhere, but then without
 * its credential; `true` says that the request is to be taken as anonymous.
 */
export function checkOrigin(request: Request, own: string): boolean {
  const origin = request.headers.get("origin");
  if (origin !== null && origin !== own) {
    refuse("origin_refused", "This server takes requests of its own pages only");
  }
  const site = request.headers.get("sec-fetch-site");
  if (site !== "cross-site" && site !== "same-site") return false;
  const navigates = request.headers.get("sec-fetch-mode") === "navigate" &&
    request.headers.get("sec-fetch-dest") === "document" && request.method === "GET";
  if (!navigates) refuse("origin_refused", "This server takes requests of its own pages only");
  return true;
}

/** SE-313: a change that comes with a cookie must come from one of our pages. */
export function checkCsrf(request: Request, { by }: Identity, own: string): void {
  if (by !== "cookie" || request.method === "GET" || request.method === "HEAD") return;
  if (request.headers.get("origin") !== own || !request.headers.get("weft-csrf")) {
    refuse("csrf_failed", "A change needs the header Weft-Csrf and comes from a page of this server");
  }
}

/** What each sort of body comes as. */
const TYPES = {
  json: ["application/json"],
  text: ["text/markdown", "text/plain"],
  form: ["application/x-www-form-urlencoded", "application/json"],
} as const;

/** SE-315, AP-112, AP-101: the body, of the type, size and shape that the row takes. */
export async function readBody(request: Request, row: RouteRow): Promise<unknown> {
  if (row.body === undefined) return undefined;
  const { type, maxBytes, schema } = row.body;
  const given = (request.headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
  const taken = TYPES[type];
  if (!taken.some((name) => name === given)) {
    refuse(
      "media_unsupported",
      `This route takes ${taken.join(" or ")}: the body is ${given || "of no type"}`,
    );
  }
  const text = await readText(request, maxBytes);
  let value: unknown = text;
  if (given === TYPES.form[0]) {
    // A field that was left empty says nothing.
    value = Object.fromEntries([...new URLSearchParams(text)].filter(([, field]) => field !== ""));
  } else if (type !== "text") {
    const parsed = parseJson(text, { maxLength: maxBytes });
    if (!parsed.ok) refuse("json_invalid", parsed.reason);
    value = parsed.value;
  }
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  const problems = checked.error.issues.slice(0, 100).map((issue) => ({
    code: issue.code,
    severity: "error",
    message: issue.message,
    path: issue.path.join("."),
  }));
  return refuse(
    "schema_invalid",
    `The body is not as declared: ${problems[0]!.path || "it"}: ${problems[0]!.message}`,
    problems,
  );
}

/** Reads no further than the limit. */
async function readText(request: Request, maxBytes: number): Promise<string> {
  const over = () => refuse("body_too_large", `The body is over the limit of this route: ${maxBytes} bytes`);
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) over();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) over();
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return refuse("json_invalid", "The body is not UTF-8 text");
  }
}

/** SE-318: a path that could be read in two ways is refused. Decoded params of the path. */
export function readParams(groups: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(groups).map(([name, raw]) => {
      let value: string;
      try {
        value = decodeURIComponent(raw);
      } catch {
        return refuse("id_invalid", "The address is not valid percent-encoding");
      }
      // deno-lint-ignore no-control-regex -- control characters are what it refuses
      const odd = /[\u0000-\u001f\u007f\\]/.test(value) ||
        value.split("/").some((part) => ["", ".", ".."].includes(part));
      if (odd) refuse("id_invalid", "The address holds a name that cannot be used");
      return [name, value];
    }),
  );
}
