/**
 * Routes that start runs, list them and hand out what they put out (AP-601, AP-603, AP-604, AP-609, AP-701, AP-705).
 * Owns: what a request to run is made of.
 */
import type { z } from "zod";
import { EngineError, toWire } from "../../engine/base/errors.ts";
import type { JsonObject } from "../../engine/base/json.ts";
import type { Engine, RunRequest } from "../../engine/mod.ts";
import { encodeGroup, encodeSse } from "../../engine/wire/sse.ts";
import type { AppParts } from "../parts.ts";
import { decode } from "../document.ts";
import { eventStream } from "../live/event_stream.ts";
import { json, refuse, text } from "../respond.ts";
import type { RunBody } from "../schema.ts";
import type { Handlers } from "../table.ts";
import { keyOf } from "./request_key.ts";
import { filterOf, listRuns } from "./run_list.ts";
import { runShape, summaryShape } from "./run_shapes.ts";

type Ids = "runs" | "startRun" | "run" | "runPage" | "frames" | "value" | "chart";

/** The handlers. */
export function runRoutes(parts: AppParts): Pick<Handlers, Ids> {
  const { engine, workspace, chart } = parts;
  return {
    runs: async ({ request, url }) => {
      const runs = await listRuns(engine, filterOf(url.searchParams));
      return json(request, { items: runs.map(summaryShape) });
    },

    startRun: async ({ request, body, who }) => {
      const asked = body as z.infer<typeof RunBody>;
      const key = keyOf(request);
      const text = decode(await workspace.readNotebook(asked.notebook), asked.notebook);
      const { run, replayed } = await engine.submit({
        ...requestOf(asked),
        text,
        author: who,
        ...key === undefined ? {} : { key },
      });
      const headers = {
        location: `/api/v1/runs/${encodeURIComponent(run)}`,
        ...replayed ? { "idempotency-replayed": "true" } : {},
      };
      return json(request, await shapeOf(engine, run), { status: 201, headers });
    },

    run: async ({ request, params }) => json(request, await shapeOf(engine, params.run!)),

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

/** Throws what following from here would throw, before an answer has begun: a reader that has left at once reads nothing. */
async function checkPlace(engine: Engine, run: string, after: string | undefined): Promise<void> {
  if (after === undefined) return;
  for await (const _ of engine.follow(run, { after, signal: AbortSignal.abort() })) break;
}

async function shapeOf(engine: Engine, run: string) {
  return runShape(await engine.inspect(run), await engine.view(run));
}

/** AP-601 as the engine takes it: the policies of a request are its overrides, and durations stand there as text. */
function requestOf(asked: z.infer<typeof RunBody>): Omit<RunRequest, "text" | "author"> {
  const { params, inputs, delayUntil, errors, concurrency, retry, timeoutMs, limits, ...same } = asked;
  const { initialMs, maxMs, ...rest } = retry ?? {};
  const durations = present({
    initial: initialMs === undefined ? undefined : `${initialMs}ms`,
    max: maxMs === undefined ? undefined : `${maxMs}ms`,
  });
  const overrides = present({
    errors,
    concurrency,
    timeoutMs,
    limits,
    retry: retry === undefined ? undefined : { ...rest, ...durations } as JsonObject,
  });
  return {
    ...same,
    ...present({ params: params as JsonObject | undefined, inputs: inputs as JsonObject | undefined }),
    ...present({ startAt: delayUntil }),
    ...Object.keys(overrides).length === 0 ? {} : { overrides },
  };
}

/** An object without the fields that are undefined. */
function present<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}
