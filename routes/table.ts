/**
 * Every route that this server answers, with what it demands (SE-307). Owns: the table. A handler without a row does not
 * compile, a row without a handler neither, and a path without a row is refused.
 */
import type { z } from "zod";
import {
  BudgetBody,
  BudgetRuleBody,
  BudgetUseBody,
  ChangeBody,
  CheckBody,
  CheckpointBody,
  CommandBody,
  CompensateBody,
  DecideBody,
  ForkBody,
  LaneBody,
  LayoutBody,
  LinkBody,
  OperateBody,
  PlanBody,
  QuotaBody,
  QuotaRuleBody,
  ReleaseBody,
  ResetBody,
  ResolveBody,
  RestartBody,
  RestoreBody,
  RotateBody,
  RunBody,
  SignalBody,
  ValueBody,
  WaitpointSignalBody,
} from "./schema.ts";

/** What a route demands of a request. */
export interface RouteRow {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Parts in braces are params; `{name+}` takes the rest of the path. */
  path: string;
  /** `none`: no credential, or one in the address (AP-804, AP-809). The login link gives every scope, so the others only say what a token will need. */
  scope: "none" | "read" | "run" | "edit" | "admin";
  /** What the answer is: a page says so when there is no credential, an API answers with a problem. */
  answers: "page" | "api" | "asset";
  /** The body it takes; without one, a body is refused. */
  body?: { type: "json" | "text" | "form"; maxBytes: number; schema: z.ZodType };
}

const KIB = 1024;
const MIB = 1024 * KIB;
const SMALL = 64 * KIB;
const RUN = "/api/v1/runs/{run}";
const WAITPOINT = "/api/v1/waitpoints/{wp}";
const BUDGET = "/api/v1/budgets/{budget}";
const STEP = `${RUN}/steps/{step}`;

const get = (path: string, scope: RouteRow["scope"], answers: RouteRow["answers"] = "api"): RouteRow => ({
  method: "GET",
  path,
  scope,
  answers,
});
const send = (
  method: "POST" | "PUT" | "PATCH",
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
  ready: get("/readyz", "none"),
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
  run: get(RUN, "read"),
  changeRun: send("PATCH", RUN, "run", ChangeBody),
  runState: get(`${RUN}/state`, "read"),
  runPlan: get(`${RUN}/plan`, "read"),
  runPage: get(`${RUN}/page`, "read"),
  frames: get(`${RUN}/frames`, "read"),
  journal: get(`${RUN}/journal`, "read"),
  explain: get(`${RUN}/explain`, "read"),
  lease: get(`${RUN}/lease`, "read"),
  usage: get(`${RUN}/usage`, "read"),
  children: get(`${RUN}/children`, "read"),
  command: get(`${RUN}/commands/{command}`, "read"),
  pauseRun: send("POST", `${RUN}/pause`, "run", CommandBody),
  resumeRun: send("POST", `${RUN}/resume`, "run", CommandBody),
  stopRun: send("POST", `${RUN}/stop`, "run", CommandBody),
  cancelRun: send("POST", `${RUN}/cancel`, "run", CommandBody),
  restartRun: send("POST", `${RUN}/restart`, "run", RestartBody),
  checkpoints: get(`${RUN}/checkpoints`, "read"),
  markCheckpoint: send("POST", `${RUN}/checkpoints`, "run", CheckpointBody),
  restoreRun: send("POST", `${RUN}/restore`, "run", RestoreBody),
  forkRun: send("POST", `${RUN}/fork`, "run", ForkBody, 8 * MIB),
  releaseRun: send("POST", `${RUN}/release`, "admin", ReleaseBody),
  budgets: get("/api/v1/budgets", "read"),
  makeBudget: send("POST", "/api/v1/budgets", "edit", BudgetBody),
  budget: get(BUDGET, "read"),
  changeBudget: send("PUT", BUDGET, "edit", BudgetRuleBody),
  removeBudget: { method: "DELETE", path: BUDGET, scope: "edit", answers: "api" },
  useBudget: send("POST", `${BUDGET}/usage`, "run", BudgetUseBody),
  resetBudget: send("POST", `${BUDGET}/reset`, "admin", ResetBody),
  budgetLedger: get(`${BUDGET}/ledger`, "read"),
  quotas: get("/api/v1/quotas", "read"),
  makeQuota: send("POST", "/api/v1/quotas", "edit", QuotaBody),
  quota: get("/api/v1/quotas/{quota}", "read"),
  changeQuota: send("PUT", "/api/v1/quotas/{quota}", "edit", QuotaRuleBody),
  removeQuota: { method: "DELETE", path: "/api/v1/quotas/{quota}", scope: "edit", answers: "api" },
  steps: get(`${RUN}/steps`, "read"),
  step: get(STEP, "read"),
  attempts: get(`${STEP}/attempts`, "read"),
  attempt: get(`${STEP}/attempts/{n}`, "read"),
  value: get(`${STEP}/value`, "read"),
  supplyValue: send("PUT", `${STEP}/value`, "edit", ValueBody, MIB),
  chart: get(`${STEP}/chart`, "read"),
  retryStep: send("POST", `${STEP}/retry`, "run", CommandBody),
  skipStep: send("POST", `${STEP}/skip`, "run", CommandBody),
  cancelStep: send("POST", `${STEP}/cancel`, "run", CommandBody),
  signalRun: send("POST", `${RUN}/signals`, "run", SignalBody, MIB),
  runWaitpoints: get(`${RUN}/waitpoints`, "read"),
  waitpoints: get("/api/v1/waitpoints", "read"),
  waitpoint: get(WAITPOINT, "read"),
  waitpointToken: get(`${WAITPOINT}/token`, "admin"),
  signalWaitpoint: send("POST", `${WAITPOINT}/signal`, "none", WaitpointSignalBody, MIB),
  resumeWaitpoint: send("POST", `${WAITPOINT}/resume`, "admin", OperateBody, MIB),
  closeWaitpoint: send("POST", `${WAITPOINT}/close`, "admin", OperateBody),
  suspensions: get("/api/v1/suspensions", "read"),
  approvals: get("/api/v1/approvals", "read"),
  approval: get("/api/v1/approvals/{ap}", "read"),
  decide: send("POST", "/api/v1/approvals/{ap}/decide", "run", DecideBody, MIB),
  approvalPage: get("/a/{link}", "none", "page"),
  decideByLink: {
    method: "POST",
    path: "/a/{link}",
    scope: "none",
    answers: "page",
    body: { type: "form", maxBytes: SMALL, schema: LinkBody },
  },
  effects: get("/api/v1/effects", "read"),
  runEffects: get(`${RUN}/effects`, "read"),
  effect: get("/api/v1/effects/{effect}", "read"),
  compensateEffect: send("POST", "/api/v1/effects/{effect}/compensate", "run", CompensateBody),
  resolveEffect: send("POST", "/api/v1/effects/{effect}/resolve", "run", ResolveBody, MIB),
  lanes: get("/api/v1/lanes", "read"),
  lane: get("/api/v1/lanes/{lane}", "read"),
  putLane: send("PUT", "/api/v1/lanes/{lane}", "admin", LaneBody),
  workers: get("/api/v1/workers", "read"),
  worker: get("/api/v1/workers/{worker}", "read"),
  endWorker: { method: "DELETE", path: "/api/v1/workers/{worker}", scope: "admin", answers: "api" },
  lacks: get("/api/v1/explain", "read"),
  leases: get("/api/v1/leases", "read"),
  waitpointKeys: get("/api/v1/admin/waitpoint-keys", "admin"),
  rotateWaitpointKey: send("POST", "/api/v1/admin/waitpoint-keys", "admin", RotateBody),
  revokeWaitpointKey: {
    method: "DELETE",
    path: "/api/v1/admin/waitpoint-keys/{kid}",
    scope: "admin",
    answers: "api",
  },
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
