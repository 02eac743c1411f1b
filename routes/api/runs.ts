/** Routes below `/api/v1/runs` (AP-601 to AP-711). Owns: their answers' shapes. */
import type { z } from "zod";
import { EngineError, toWire } from "../../engine/base/errors.ts";
import type { JsonObject } from "../../engine/base/json.ts";
import type { RunSummary } from "../../engine/mod.ts";
import type { RunView } from "../../engine/wire/view.ts";
import { encodeGroup, encodeSse } from "../../engine/wire/sse.ts";
import type { AppParts } from "../app.ts";
import { decode } from "../document.ts";
import { eventStream } from "../live/event_stream.ts";
import { json, refuse, text } from "../respond.ts";
import type { RunBody } from "../schema.ts";
import type { Handlers } from "../table.ts";

type Ids = "runs" | "startRun" | "run" | "runPage" | "frames" | "stopRun" | "cancelRun" | "value" | "chart";

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 1000;

/** The handlers. */
export function runRoutes(parts: AppParts): Pick<Handlers, Ids> {
  const { engine, workspace, chart } = parts;
  return {
    runs: async ({ request, url }) => {
      const notebook = url.searchParams.get("notebook");
      const limit = limitOf(url.searchParams.get("limit"));
      const runs = await engine.runs({ limit, ...notebook === null ? {} : { notebook } });
      return json(request, { items: runs.map(summaryShape) });
    },

    startRun: async ({ request, body, who }) => {
      const { notebook, params, cells } = body as z.infer<typeof RunBody>;
      const source = decode(await workspace.readNotebook(notebook), notebook);
      const { run } = await engine.submit({
        notebook,
        text: source,
        author: who,
        ...params === undefined ? {} : { params: params as JsonObject },
        ...cells === undefined ? {} : { cells },
      });
      const headers = { location: `/api/v1/runs/${encodeURIComponent(run)}` };
      return json(request, runShape(await engine.view(run)), { status: 201, headers });
    },

    run: async ({ request, params }) => json(request, runShape(await engine.view(params.run!))),

    runPage: async ({ request, params }) => json(request, await engine.view(params.run!)),

    frames: async ({ request, params, url, requestId }) => {
      const run = params.run!;
      let { label } = await engine.view(run);
      const after = request.headers.get("last-event-id") ?? url.searchParams.get("after") ?? undefined;
      return eventStream(request, parts, async (send, signal) => {
        try {
          for await (const group of engine.follow(run, { signal, ...after === undefined ? {} : { after } })) {
            for (const item of group.items) {
              if (item.kind === "event" && !("step" in item.event)) label = item.event.label;
            }
            await send(encodeGroup(group, label));
          }
        } catch (error) {
          // The answer has begun, so the problem comes as a message.
          await send(encodeSse({ event: "problem", data: JSON.stringify(toWire(error, requestId)) }));
          if (!(error instanceof EngineError)) throw error;
        }
      });
    },

    stopRun: async ({ request, params, who }) => {
      await engine.stop(params.run!, who);
      return json(request, { answer: "applied", run: params.run });
    },

    cancelRun: async ({ request, params, who }) => {
      await engine.cancel(params.run!, who);
      return json(request, { answer: "applied", run: params.run });
    },

    value: async ({ request, params }) => json(request, await engine.value(params.run!, params.step!)),

    chart: async ({ request, params, url }) => {
      const theme = url.searchParams.get("theme") === "dark" ? "dark" : "light";
      const spec = await engine.value(params.run!, params.step!);
      if (chart === undefined) refuse("route_unknown", "This server draws no charts");
      const drawn = await chart(spec, theme);
      if (!drawn.ok) refuse("schema_invalid", `The value is no chart that can be drawn: ${drawn.reason}`);
      return text(request, drawn.svg, "image/svg+xml", {
        // A step's value never changes, so neither does its picture.
        headers: { "cache-control": "private, max-age=31536000, immutable" },
      });
    },
  };
}

function limitOf(given: string | null): number {
  if (given === null) return DEFAULT_LIMIT;
  const limit = Number(given);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    refuse("query_invalid", `limit must be a whole number from 1 to ${MAX_LIMIT}: ${given}`);
  }
  return limit;
}

const iso = (at: number | undefined) => at === undefined ? {} : new Date(at).toISOString();

function times({ createdAt, startedAt, endedAt }: Pick<RunSummary, "createdAt" | "startedAt" | "endedAt">) {
  return {
    createdAt: iso(createdAt),
    ...startedAt === undefined ? {} : { startedAt: iso(startedAt) },
    ...endedAt === undefined ? {} : { endedAt: iso(endedAt) },
  };
}

function summaryShape(run: RunSummary) {
  const { id, notebook, version, label } = run;
  return { id, notebook, version, label, ...times(run) };
}

/** AP-401, as far as it exists. */
function runShape(view: RunView) {
  const byLabel: Record<string, number> = {};
  for (const { label } of Object.values(view.cells)) byLabel[label] = (byLabel[label] ?? 0) + 1;
  const { run, notebook, version, label, problem, cursor } = view;
  const counts = { total: Object.keys(view.cells).length, byLabel };
  return { id: run, notebook, version, label, ...times(view), counts, ...problem ? { problem } : {}, cursor };
}
