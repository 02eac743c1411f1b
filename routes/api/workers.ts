/**
 * Routes about lanes and about who works (AP-910, AP-911, AP-1001, AP-1008, AP-1010,
 * AP-1011). Owns: how they are shown.
 */
import type { z } from "zod";
import type { LaneChange, LaneState, WorkerState } from "../../engine/mod.ts";
import { areTokens, TOKENS_FORM } from "../../engine/notebook/syntax/capability.ts";
import type { AppParts } from "../parts.ts";
import { json, refuse } from "../respond.ts";
import type { LaneBody } from "../schema.ts";
import type { Handlers } from "../table.ts";
import { limitOf } from "./run_list.ts";
import { isoTimes } from "./run_shapes.ts";

type Ids = "lacks" | "lanes" | "lane" | "putLane" | "workers" | "worker" | "endWorker" | "leases";

/** The handlers. */
export function workerRoutes({ engine, log }: AppParts): Pick<Handlers, Ids> {
  return {
    lanes: async ({ request }) => json(request, { items: (await engine.lanes.list()).map(laneShape) }),
    lane: async ({ request, params }) => json(request, laneShape(await engine.lanes.get(params.lane!))),

    putLane: async ({ request, params, body }) => {
      const change = body as z.infer<typeof LaneBody> as LaneChange;
      const { lane, made } = await engine.lanes.put(params.lane!, change);
      return json(request, laneShape(lane), { status: made ? 201 : 200 });
    },

    lacks: async ({ request, url }) => {
      const requires = (url.searchParams.get("requires") ?? "").split(",").filter((token) => token !== "");
      if (!areTokens(requires)) refuse("query_invalid", `requires must be ${TOKENS_FORM}`);
      const found = await engine.lacks(requires);
      return json(request, {
        requires,
        covered: found.some(({ missing }) => missing.length === 0),
        workers: found,
      });
    },

    workers: async ({ request }) => json(request, { items: (await engine.workers.list()).map(workerShape) }),
    worker: async ({ request, params }) =>
      json(request, workerShape(await engine.workers.get(params.worker!))),

    endWorker: async ({ params, who }) => {
      await engine.workers.end(params.worker!);
      const message = `${who} ended the session of worker ${params.worker}`;
      log.write({ level: "warn", source: "http", code: "worker_ended", message });
      return new Response(null, { status: 204 });
    },

    leases: async ({ request, url }) => {
      const state = url.searchParams.get("state");
      if (state !== null && state !== "expired") refuse("query_invalid", `state can be expired: ${state}`);
      const limit = limitOf(url.searchParams.get("limit"));
      const found = await engine.workers.leases({ expired: state === "expired", limit });
      const items = found.map(({ expiresAt, lane = "default", ...lease }) => ({
        ...lease,
        lane,
        ...isoTimes({ expiresAt }),
      }));
      return json(request, { items });
    },
  };
}

/** A lane without a limit says so. */
function laneShape({ maxRuns = null, ...lane }: Omit<LaneState, "maxRuns"> & { maxRuns?: number | null }) {
  return { ...lane, maxRuns };
}

/** A worker that takes up the runs of all lanes says so. */
function workerShape({ startedAt, expiresAt, lanes, ...worker }: WorkerState) {
  return { ...worker, lanes: lanes ?? null, ...isoTimes({ startedAt, expiresAt }) };
}
