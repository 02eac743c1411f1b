/**
 * Every route that this server answers, with what it demands (SE-307). Owns: the table. A handler without a row does not
 * compile, a row without a handler neither, and a path without a row is refused.
 */
import type { z } from "zod";
import { CheckBody, EmptyBody, LayoutBody, PlanBody, RunBody } from "./schema.ts";

/** What a route demands of a request. */
export interface RouteRow {
  method: "GET" | "POST" | "PUT";
  /** Parts in braces are params; `{name+}` takes the rest of the path. */
  path: string;
  /** `none`: no credential. The login link gives every scope, so the others only say what a token will need. */
  scope: "none" | "read" | "run" | "edit";
  /** What the answer is: a page says so when there is no credential, an API answers with a problem. */
  answers: "page" | "api" | "asset";
  /** The body it takes; without one, a body is refused. */
  body?: { type: "json" | "text"; maxBytes: number; schema: z.ZodType };
}

const KIB = 1024;
const MIB = 1024 * KIB;
const SMALL = 64 * KIB;

const get = (path: string, scope: RouteRow["scope"], answers: RouteRow["answers"] = "api"): RouteRow => ({
  method: "GET",
  path,
  scope,
  answers,
});
const send = (
  method: "POST" | "PUT",
  path: string,
  scope: RouteRow["scope"],
  schema: z.ZodType,
  maxBytes = SMALL,
): RouteRow => ({ method, path, scope, answers: "api", body: { type: "json", maxBytes, schema } });

/** The table. */
export const ROUTES = {
  home: get("/", "read", "page"),
  notebookPage: get("/n/{nb+}", "read", "page"),
  login: get("/login", "none", "page"),
  asset: get("/assets/{file}", "none", "asset"),
  health: get("/healthz", "none"),
  version: get("/api/v1/version", "read"),
  notebooks: get("/api/v1/notebooks", "read"),
  notebook: get("/api/v1/notebooks/{nb}", "read"),
  graph: get("/api/v1/notebooks/{nb}/graph", "read"),
  live: get("/api/v1/notebooks/{nb}/live", "read"),
  layout: get("/api/v1/notebooks/{nb}/layout", "read"),
  putLayout: send("PUT", "/api/v1/notebooks/{nb}/layout", "edit", LayoutBody, MIB),
  plan: send("POST", "/api/v1/notebooks/{nb}/plan", "read", PlanBody, MIB),
  check: {
    method: "POST",
    path: "/api/v1/check",
    scope: "read",
    answers: "api",
    body: { type: "text", maxBytes: 4 * MIB, schema: CheckBody },
  },
  runs: get("/api/v1/runs", "read"),
  startRun: send("POST", "/api/v1/runs", "run", RunBody, MIB),
  run: get("/api/v1/runs/{run}", "read"),
  runPage: get("/api/v1/runs/{run}/page", "read"),
  frames: get("/api/v1/runs/{run}/frames", "read"),
  pauseRun: send("POST", "/api/v1/runs/{run}/pause", "run", EmptyBody),
  resumeRun: send("POST", "/api/v1/runs/{run}/resume", "run", EmptyBody),
  stopRun: send("POST", "/api/v1/runs/{run}/stop", "run", EmptyBody),
  cancelRun: send("POST", "/api/v1/runs/{run}/cancel", "run", EmptyBody),
  value: get("/api/v1/runs/{run}/steps/{step}/value", "read"),
  chart: get("/api/v1/runs/{run}/steps/{step}/chart", "read"),
} as const satisfies Record<string, RouteRow>;

/** Names of routes. */
export type RouteId = keyof typeof ROUTES;

/** A request that has passed every check of its row. */
export interface Ask {
  request: Request;
  url: URL;
  /** Decoded params of the path. */
  params: Record<string, string>;
  /** Body as the row's schema gives it. */
  body: unknown;
  /** Who asks; empty on routes of scope `none`. */
  who: string;
  requestId: string;
}

/** Answers one route. What it throws becomes a problem. */
export type Handler = (ask: Ask) => Response | Promise<Response>;

/** One handler for each route. */
export type Handlers = Record<RouteId, Handler>;

/** The expression that a row's path stands for. */
export function patternOf({ path }: RouteRow): RegExp {
  const source = path.replace(/[.]/g, "\\.").replace(
    /\{(\w+)(\+?)\}/g,
    (_, name, rest) => rest === "+" ? `(?<${name}>.+)` : `(?<${name}>[^/]+)`,
  );
  return new RegExp(`^${source}$`);
}
