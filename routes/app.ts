/**
 * The HTTP front door. Owns: from a request to its handler, through the checks of `guard.ts`, and from what a handler throws
 * to a problem or a page. Never: what a route does, nor the engine's state.
 */
import { Hono } from "hono";
import { EngineError } from "../engine/base/errors.ts";
import { systemIds } from "../engine/base/ids.ts";
import { checkpointRoutes } from "./api/checkpoints/checkpoints.ts";
import { notebookRoutes } from "./api/notebooks.ts";
import { budgetRoutes } from "./api/spend/budgets.ts";
import { quotaRoutes } from "./api/spend/quotas.ts";
import { runCommandRoutes } from "./api/run_commands.ts";
import { runReadRoutes } from "./api/run_reads.ts";
import { runRoutes } from "./api/runs.ts";
import { systemRoutes } from "./api/system.ts";
import { waitpointKeyRoutes } from "./api/waitpoint_keys.ts";
import { waitpointRoutes } from "./api/waitpoints.ts";
import { effectRoutes } from "./api/effects/effects.ts";
import { workerRoutes } from "./api/workers.ts";
import { identify } from "./credential.ts";
import { checkCsrf, checkHost, checkOrigin, readBody, readParams } from "./guard.ts";
import { failurePage, loginPage, ownPath, pageRoutes } from "./pages/page_routes.tsx";
import { approvalPages } from "./pages/approval.tsx";
import type { AppOptions, AppParts } from "./parts.ts";
import { problem, refuse, securityHeaders } from "./respond.ts";
import { type Handler, type Handlers, patternOf, type RouteId, type RouteRow, ROUTES } from "./table.ts";
import { watchWorkspace } from "./live/watch.ts";

/** What came of looking for a route. */
interface Found {
  id: RouteId;
  row: RouteRow;
  params: Record<string, string>;
}

const PATTERNS = Object.entries(ROUTES).map(([id, row]) => ({
  id: id as RouteId,
  row: row as RouteRow,
  pattern: patternOf(row),
}));

/**
 * The app: `Deno.serve(app.fetch)` serves it. It starts nothing by itself and holds nothing after the last request but
 * what `watch` does for open pages.
 */
export function createApp(options: AppOptions): Hono {
  const { clock, workspace } = options;
  const parts: AppParts = {
    names: [],
    version: "0.1.0",
    watch: watchWorkspace(workspace, clock),
    ids: systemIds(clock),
    draining: new AbortController().signal,
    ...options,
  };
  const handlers: Handlers = {
    ...pageRoutes(parts),
    ...notebookRoutes(parts),
    ...budgetRoutes(parts),
    ...quotaRoutes(parts),
    ...runRoutes(parts),
    ...runReadRoutes(parts),
    ...runCommandRoutes(parts),
    ...checkpointRoutes(parts),
    ...waitpointRoutes(parts),
    ...waitpointKeyRoutes(parts),
    ...approvalPages(parts),
    ...workerRoutes(parts),
    ...effectRoutes(parts),
    ...systemRoutes(parts),
  };
  const app = new Hono();
  app.all("*", (context) => answer(parts, handlers, context.req.raw));
  return app;
}

async function answer(parts: AppParts, handlers: Handlers, request: Request): Promise<Response> {
  const requestId = parts.ids.next("req");
  const begun = parts.clock.monotonic();
  let response: Response;
  let found: Found | undefined;
  try {
    const own = checkHost(request, { port: parts.port(), names: parts.names });
    const anonymous = checkOrigin(request, own);
    const path = new URL(request.url).pathname;
    const identity = anonymous ? undefined : identify(request, parts.logins, parts.port());
    found = findRoute(request.method, path);
    if (found?.row.scope !== "none" && identity === undefined) {
      refuse("auth_missing", "Open the link that the server printed in its terminal to sign in");
    }
    if (found === undefined) return finish(unknown(request, path, requestId), requestId);
    // What a link lets do, it lets do whoever else is signed in here.
    if (identity !== undefined && found.row.scope !== "none") checkCsrf(request, identity, own);
    const handler: Handler = handlers[found.id];
    response = await handler({
      request,
      url: new URL(request.url),
      params: readParams(found.params),
      body: await readBody(request, found.row),
      who: identity?.who ?? "",
      requestId,
    });
  } catch (thrown) {
    // What was under way when the store closed is no bug: it can be asked again elsewhere.
    const ends = parts.draining.aborted && !(thrown instanceof EngineError);
    const error = ends
      ? new EngineError("draining", "The server is ending; try again in a moment", { cause: thrown })
      : thrown;
    if (!(error instanceof EngineError)) {
      const message = `${request.method} ${shownPath(request)} ${requestId}: ${
        error instanceof Error ? error.stack : String(error)
      }`;
      parts.log.write({ level: "error", source: "http", message });
    }
    response = refusal(parts, request, error, requestId, found);
  }
  const durationMs = Math.round(parts.clock.monotonic() - begun);
  const path = shownPath(request);
  parts.log.write({
    level: "debug",
    source: "http",
    durationMs,
    message: `${response.status} ${request.method} ${path}`,
  });
  return finish(response, requestId);
}

/** The path as a log may have it: whoever reads the log may not use the links in it. */
function shownPath(request: Request): string {
  return new URL(request.url).pathname.replace(/^\/a\/.*/, "/a/…");
}

function findRoute(method: string, path: string): Found | undefined {
  const asked = method === "HEAD" ? "GET" : method;
  for (const { id, row, pattern } of PATTERNS) {
    const match = row.method === asked ? pattern.exec(path) : null;
    if (match !== null) return { id, row, params: { ...match.groups } };
  }
}

/** AP-113: another method of a known path is told which there are. */
function unknown(request: Request, path: string, requestId: string): Response {
  const methods = new Set(PATTERNS.filter(({ pattern }) => pattern.test(path)).map(({ row }) => row.method));
  if (methods.size === 0) {
    return problem(request, new EngineError("route_unknown", "There is nothing at this address"), requestId);
  }
  const allow = [...methods, ...methods.has("GET") ? ["HEAD"] : []].join(", ");
  const error = new EngineError("method_not_allowed", `This address takes ${allow}`);
  return problem(request, error, requestId, { headers: { allow } });
}

/** A person gets a page, a program a problem. */
function refusal(
  parts: AppParts,
  request: Request,
  error: unknown,
  requestId: string,
  found: Found | undefined,
): Response {
  const url = new URL(request.url);
  const reads = request.method === "GET" && (request.headers.get("accept") ?? "").includes("text/html");
  const pageLike = found === undefined
    ? reads && !url.pathname.startsWith("/api/")
    : found.row.answers === "page";
  if (!pageLike) return problem(request, error, requestId);
  const signIn = error instanceof EngineError && error.code === "auth_missing";
  return signIn
    ? loginPage(parts, request, ownPath(url.pathname + url.search))
    : failurePage(parts, request, error, requestId);
}

function finish(response: Response, requestId: string): Response {
  securityHeaders(response.headers);
  response.headers.set("weft-request-id", requestId);
  return response;
}
