/**
 * Routes about what runs did to the outside world (AP-1101 to AP-1103). Owns: how effects are shown.
 */
import type { z } from "zod";
import { type Effect, EFFECT_STATES, type EffectAnswer } from "../../../engine/mod.ts";
import type { AppParts } from "../../parts.ts";
import { json, refuse } from "../../respond.ts";
import type { CompensateBody, ResolveBody } from "../../schema.ts";
import type { Ask, Handlers } from "../../table.ts";
import { limitOf } from "../run_list.ts";
import { isoTimes } from "../run_shapes.ts";

type Ids = "effects" | "runEffects" | "effect" | "resolveEffect" | "compensateEffect";

/** The handlers. */
export function effectRoutes({ engine }: AppParts): Pick<Handlers, Ids> {
  async function list({ request, url: { searchParams } }: Ask, run?: string): Promise<Response> {
    const given = searchParams.get("state");
    const state = EFFECT_STATES.find((known) => known === given);
    if (given !== null && state === undefined) {
      refuse("query_invalid", `state must be one of ${EFFECT_STATES.join(", ")}: ${given.slice(0, 60)}`);
    }
    const limit = Math.min(100, limitOf(searchParams.get("limit")));
    const after = searchParams.get("cursor");
    const { items, next } = await engine.effects.list({
      limit,
      ...(run === undefined ? {} : { run }),
      ...(state === undefined ? {} : { state }),
      ...(after === null ? {} : { after }),
    });
    return json(request, { items: items.map(effectShape), ...(next === undefined ? {} : { cursor: next }) });
  }

  return {
    effects: (ask) => list(ask),
    runEffects: async (ask) => {
      await engine.inspect(ask.params.run!);
      return await list(ask, ask.params.run!);
    },
    effect: async ({ request, params }) =>
      json(request, effectShape(await engine.effects.get(params.effect!))),
    resolveEffect: async ({ request, params, body, who }) => {
      await engine.effects.resolve(params.effect!, who, body as z.infer<typeof ResolveBody> as EffectAnswer);
      return json(request, effectShape(await engine.effects.get(params.effect!)));
    },
    compensateEffect: async ({ request, params, body, who }) => {
      const { dry } = body as z.infer<typeof CompensateBody>;
      const options = dry === undefined ? {} : { dry };
      return json(request, await engine.effects.compensate(params.effect!, who, options));
    },
  };
}

/** An effect as it is shown. */
export function effectShape({ at, changedAt, entries, ...effect }: Effect) {
  return {
    ...effect,
    ...isoTimes({ at, changedAt }),
    entries: entries.map(({ at, ...entry }) => ({ ...entry, ...isoTimes({ at }) })),
  };
}
