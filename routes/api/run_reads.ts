/** Routes that answer questions about a run (AP-605 to AP-608, AP-611, AP-612, AP-614, AP-615, AP-629). Owns: these answers. */
import { EngineError, toWire } from "../../engine/base/errors.ts";
import type { Engine } from "../../engine/mod.ts";
import type { WireEvent } from "../../engine/wire/frame.ts";
import type { AppParts } from "../parts.ts";
import { json, refuse } from "../respond.ts";
import type { Handlers } from "../table.ts";
import { type Attempt, attemptsOf } from "./run_attempts.ts";
import { limitOf } from "./run_list.ts";
import {
  explanationShape,
  iso,
  isoTimes,
  stepShape,
  summaryShape,
  usageShape,
  waitShape,
} from "./run_shapes.ts";

type Ids =
  | "runState"
  | "runPlan"
  | "journal"
  | "explain"
  | "lease"
  | "usage"
  | "children"
  | "command"
  | "steps"
  | "step"
  | "attempts"
  | "attempt";

/** The handlers. */
export function runReadRoutes({ engine }: AppParts): Pick<Handlers, Ids> {
  return {
    runState: async ({ request, params }) => {
      const { label, vector, wait, seq } = await engine.state(params.run!);
      return json(request, { label, vector, ...wait === undefined ? {} : { wait: waitShape(wait) }, seq });
    },

    runPlan: async ({ request, params }) => json(request, (await engine.inspect(params.run!)).plan),

    journal: async ({ request, params, url }) => {
      const limit = limitOf(url.searchParams.get("limit"));
      const after = url.searchParams.get("after") ?? undefined;
      const items: unknown[] = [];
      let next: string | undefined;
      for await (const { cursor, events } of toldOf(engine, params.run!, after)) {
        // A group is one record, or frames: it is answered whole, so that its cursor says where to go on.
        if (items.length > 0 && items.length + events.length > limit) return json(request, { items, next });
        items.push(...events.map((event) => ({ ...event, at: iso(event.at) })));
        next = cursor;
      }
      return json(request, { items });
    },

    explain: async ({ request, params, url }) => {
      const step = url.searchParams.get("step");
      const found = await engine.explain(params.run!, step ?? undefined);
      return json(request, explanationShape(found));
    },

    lease: async ({ request, params }) => {
      const { lease: { worker, epoch, expiresAt } } = await engine.inspect(params.run!);
      const history = [];
      for await (const { events } of toldOf(engine, params.run!)) {
        for (const { type, at } of events) if (OWNERS.has(type)) history.push({ type, at: iso(at) });
      }
      return json(request, {
        ...worker === undefined ? {} : { owner: { worker } },
        epoch,
        ...isoTimes({ expiresAt }),
        history,
      });
    },

    children: async ({ request, params }) =>
      json(request, { items: (await engine.children(params.run!)).map(summaryShape) }),

    usage: async ({ request, params }) => {
      const { usage } = await engine.inspect(params.run!);
      const told: WireEvent[] = [];
      for await (const { events } of toldOf(engine, params.run!)) told.push(...events);
      const steps = Object.entries(usage.steps).map(([step, its]) => ({
        step,
        ...usageShape(its),
        attempts: attemptsOf(step, told).map(({ n, outcome, usage }) => ({ n, outcome, usage })),
      }));
      return json(request, { run: usageShape(usage.run), steps });
    },

    command: async ({ request, params, requestId }) => {
      const known = await engine.command(params.run!, params.command!);
      switch (known.state) {
        case "pending":
          return json(request, known);
        case "applied":
          return json(request, { state: "applied", answer: "applied", at: iso(known.at) });
        case "refused": {
          const error = new EngineError(known.code as EngineError["code"], known.reason);
          return json(request, { state: "refused", problem: toWire(error, requestId), at: iso(known.at) });
        }
      }
    },

    steps: async ({ request, params, url }) => {
      const label = url.searchParams.get("label");
      const [details, view] = [await engine.inspect(params.run!), await engine.view(params.run!)];
      const items = Object.keys(details.steps).map((name) => stepShape(details, view, name)!);
      return json(request, { items: items.filter((step) => label === null || step.label === label) });
    },

    step: async ({ request, params }) => {
      const { run, step } = params as Record<string, string>;
      const found = stepShape(await engine.inspect(run!), await engine.view(run!), step!);
      return found === undefined ? noStep(run!, step!) : json(request, found);
    },

    attempts: async ({ request, params }) => json(request, { items: await attempts(engine, params) }),

    attempt: async ({ request, params }) => {
      const all = await attempts(engine, params);
      const found = params.n === "last" ? all.at(-1) : all.find(({ n }) => String(n) === params.n);
      if (found === undefined) {
        refuse("attempt_not_found", `${params.step} has ${all.length} attempts, and none of this number`);
      }
      return json(request, found);
    },
  };
}

/** Events that change who owns a run. */
const OWNERS: ReadonlySet<string> = new Set(["run.started", "run.adopted", "run.released"]);

/** What happened to a run so far, a group at a time, without its frames. */
async function* toldOf(
  engine: Engine,
  run: string,
  after?: string,
): AsyncIterable<{ cursor: string; events: WireEvent[] }> {
  const place = after === undefined ? {} : { after };
  const { signal } = new AbortController();
  for await (const { cursor, items } of engine.follow(run, { ...place, signal, live: false })) {
    yield { cursor, events: items.flatMap((item) => item.kind === "event" ? [item.event] : []) };
  }
}

async function attempts(engine: Engine, { run, step }: Record<string, string>): Promise<Attempt[]> {
  await engine.stepState(run!, step!);
  const told: WireEvent[] = [];
  for await (const { events } of toldOf(engine, run!)) told.push(...events);
  return attemptsOf(step!, told);
}

function noStep(run: string, step: string): never {
  return refuse("step_not_found", `Run ${run} has no cell of this name: ${step.slice(0, 64)}`);
}
