/**
 * Routes about what runs wait for: signals, waitpoints, approvals (AP-626, AP-801 to AP-808).
 * Owns: how they are asked and shown. Never: who may decide, nor what a token is worth; that is `engine/work/waits`.
 */
import type { z } from "zod";
import type { Json } from "../../engine/base/json.ts";
import type { Approval, SignalResult, WaitpointRecord } from "../../engine/mod.ts";
import type { AppParts } from "../parts.ts";
import { json, refuse } from "../respond.ts";
import type { DecideBody, OperateBody, SignalBody, WaitpointSignalBody } from "../schema.ts";
import type { Ask, Handler, Handlers } from "../table.ts";
import { limitOf } from "./run_list.ts";
import { iso, isoTimes } from "./run_shapes.ts";

type Ids =
  | "signalRun"
  | "runWaitpoints"
  | "waitpoints"
  | "waitpoint"
  | "waitpointToken"
  | "signalWaitpoint"
  | "resumeWaitpoint"
  | "closeWaitpoint"
  | "suspensions"
  | "approvals"
  | "approval"
  | "decide";

const WAITS = ["signal", "approval", "children"] as const;

/** The handlers. */
export function waitpointRoutes({ engine, log }: AppParts): Pick<Handlers, Ids> {
  const list = async ({ request, url, params }: Ask) => {
    const query = url.searchParams;
    const state = oneOf(query, "state", ["open", "closed", "all"]) ?? "open";
    const wait = oneOf(query, "kind", WAITS);
    const name = query.get("name");
    if (state !== "open" && params.run === undefined) {
      refuse(
        "query_invalid",
        "Closed waitpoints are listed by run: /api/v1/runs/RUN/waitpoints?state=closed",
      );
    }
    const found = await engine.waitpoints.list({
      limit: limitOf(query.get("limit")),
      closed: state !== "open",
      ...params.run === undefined ? {} : { run: params.run },
      ...wait === undefined ? {} : { wait },
      ...name === null ? {} : { name },
    });
    const items = found.filter(({ closedAt }) => state !== "closed" || closedAt !== undefined);
    return json(request, { items: items.map(waitpointShape) });
  };
  const operate = (how: "resume" | "close"): Handler => async ({ request, params, body, who }) => {
    const { reason, payload } = body as z.infer<typeof OperateBody>;
    await engine.waitpoints.operate(params.wp!, how, who, reason, payload as Json | undefined);
    return json(request, { answer: "applied" });
  };
  return {
    signalRun: async ({ request, params, body, who }) => {
      const { name, payload, key } = body as z.infer<typeof SignalBody>;
      const told = await engine.tell(params.run!, {
        type: "applySignal",
        name,
        by: who,
        ...payload === undefined ? {} : { payload: payload as Json },
        ...key === undefined ? {} : { signalKey: key },
      });
      if (told.result !== undefined) return json(request, told.result, replay(told.result));
      const run = encodeURIComponent(params.run!);
      const headers = { location: `/api/v1/runs/${run}/commands/${encodeURIComponent(told.command)}` };
      return json(request, { command: told.command }, { status: 202, headers });
    },

    runWaitpoints: list,
    waitpoints: list,
    waitpoint: async ({ request, params }) =>
      json(request, waitpointShape(await engine.waitpoints.get(params.wp!))),

    waitpointToken: async ({ request, params, who }) => {
      const { token, link, expiresAt } = await engine.waitpoints.token(params.wp!);
      const message = `${who} was given the token of ${params.wp}`;
      log.write({ level: "info", source: "http", code: "waitpoint_token", message });
      const url = new URL(`/a/${link}`, request.url).href;
      return json(request, { token, url, expiresAt: iso(expiresAt) });
    },

    signalWaitpoint: async ({ request, params, body, url }) => {
      const said = body as z.infer<typeof WaitpointSignalBody>;
      const given = /^Waitpoint (\S{1,200})$/i.exec(request.headers.get("authorization") ?? "")?.[1];
      const token = given ?? url.searchParams.get("token") ?? "";
      const result = await engine.waitpoints.signal(params.wp!, token, said as { payload?: Json });
      return json(request, result, replay(result));
    },

    resumeWaitpoint: operate("resume"),
    closeWaitpoint: operate("close"),

    suspensions: async ({ request, url }) => {
      const reason = oneOf(url.searchParams, "reason", WAITS);
      const before = url.searchParams.get("dueBefore");
      const until = before === null ? Infinity : Date.parse(before);
      if (Number.isNaN(until)) refuse("query_invalid", `dueBefore must be a time: ${before!.slice(0, 40)}`);
      const limit = limitOf(url.searchParams.get("limit"));
      const found = await engine.waitpoints.list({ limit, ...reason === undefined ? {} : { wait: reason } });
      const items = found.filter(({ wait, expiresAt }) => wait !== undefined && expiresAt < until);
      return json(request, { items: items.map(waitpointShape) });
    },

    approvals: async ({ request, url, who }) => {
      const limit = limitOf(url.searchParams.get("limit"));
      const found = await engine.waitpoints.list({ wait: "approval", limit });
      const all = await Promise.all(found.map(({ id }) => engine.waitpoints.approval(id)));
      const mine = url.searchParams.has("mine")
        ? all.filter(({ deciders }) => deciders === undefined || deciders.includes(who))
        : all;
      return json(request, { items: mine.map(approvalShape) });
    },

    approval: async ({ request, params }) =>
      json(request, approvalShape(await engine.waitpoints.approval(params.ap!))),

    decide: async ({ request, params, body, who }) => {
      const decision = body as z.infer<typeof DecideBody> & { value?: Json };
      return json(request, await engine.waitpoints.decide(params.ap!, who, decision));
    },
  };
}

function replay({ replayed }: SignalResult): ResponseInit {
  return replayed ? { headers: { "idempotency-replayed": "true" } } : {};
}

/** A waitpoint as the API shows it. */
function waitpointShape(waitpoint: WaitpointRecord) {
  const { id, run, step, attempt, name, notebook, wait, answers, createdAt, expiresAt, closedAt } = waitpoint;
  return {
    id,
    run,
    notebook,
    step,
    attempt,
    name,
    kind: wait ?? "opened",
    state: closedAt === undefined ? "open" : "closed",
    answers: answers.map((answer) => ({ ...answer, at: iso(answer.at) })),
    ...isoTimes({ createdAt, expiresAt, closedAt }),
  };
}

/** An approval as the API shows it. */
export function approvalShape({ waitpoint, state, ask, needed, ...terms }: Approval) {
  const { id, run, step, notebook, answers, createdAt, expiresAt, closedAt } = waitpoint;
  return {
    id,
    run,
    notebook,
    step,
    state,
    ask,
    ...terms,
    needed,
    decided: answers.map(({ name, source, at, note }) => ({
      decision: name,
      by: source,
      at: iso(at),
      ...note === undefined ? {} : { note },
    })),
    ...isoTimes({ createdAt, expiresAt, closedAt }),
  };
}

function oneOf<T extends string>(query: URLSearchParams, name: string, words: readonly T[]): T | undefined {
  const given = query.get(name);
  if (given === null) return undefined;
  return words.find((word) => word === given) ??
    refuse("query_invalid", `${name} must be one of ${words.join(", ")}: ${given.slice(0, 40)}`);
}
