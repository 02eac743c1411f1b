/** Routes below `/api/v1/runs` (AP-601 to AP-711). Owns: their answers' shapes. */
import type { z } from "zod";
import { EngineError, toWire } from "../../engine/base/errors.ts";
import type { JsonObject } from "../../engine/base/json.ts";
import type { Engine, RunSummary } from "../../engine/mod.ts";
import type { RunView } from "../../engine/wire/view.ts";
import { encodeGroup, encodeSse } from "../../engine/wire/sse.ts";
import type { AppParts } from "../parts.ts";
import { decode } from "../document.ts";
import { eventStream } from "../live/event_stream.ts";
import { json, refuse, text } from "../respond.ts";
import type { RunBody } from "../schema.ts";
import type { Handler, Handlers } from "../table.ts";

type Commands = "pauseRun" | "resumeRun" | "stopRun" | "cancelRun";
type Ids = "runs" | "startRun" | "run" | "runPage" | "frames" | Commands | "value" | "chart";

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
      const key = keyOf(request);
      const source = decode(await workspace.readNotebook(notebook), notebook);
      const { run, replayed } = await engine.submit({
        notebook,
        text: source,
        author: who,
        ...key === undefined ? {} : { key },
        ...params === undefined ? {} : { params: params as JsonObject },
        ...cells === undefined ? {} : { cells },
      });
      const headers = {
        location: `/api/v1/runs/${encodeURIComponent(run)}`,
        ...replayed ? { "idempotency-replayed": "true" } : {},
      };
      return json(request, runShape(await engine.view(run)), { status: 201, headers });
    },

    run: async ({ request, params }) => json(request, runShape(await engine.view(params.run!))),

    runPage: async ({ request, params }) => json(request, await engine.view(params.run!)),

    frames: async ({ request, params, url, requestId }) => {
      const run = params.run!;
      let { label } = await engine.view(run);
      const after = request.headers.get("last-event-id") ?? url.searchParams.get("after") ?? undefined;
      await checkPlace(engine, run, after);
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

    pauseRun: command(engine, "pauseRun"),
    resumeRun: command(engine, "resumeRun"),
    stopRun: command(engine, "stopRun"),
    cancelRun: command(engine, "cancelRun"),

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

/** A command to a run, which needs no words. */
function command(engine: Engine, type: Commands): Handler {
  return async ({ request, params, who }) => {
    await engine.tell(params.run!, { type, by: who });
    return json(request, { answer: "applied", run: params.run });
  };
}

/** AP-107: the name of a request, by which it is known when it comes again. */
function keyOf(request: Request): string | undefined {
  const key = request.headers.get("idempotency-key");
  if (key === null) return undefined;
  if (!/^[!-~]{1,255}$/.test(key)) {
    refuse("key_invalid", "Idempotency-Key must be 1 to 255 visible ASCII characters");
  }
  return key;
}

/** Throws what following from here would throw, before an answer has begun: a reader that has left at once reads nothing. */
async function checkPlace(engine: Engine, run: string, after: string | undefined): Promise<void> {
  if (after === undefined) return;
  for await (const _ of engine.follow(run, { after, signal: AbortSignal.abort() })) break;
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
