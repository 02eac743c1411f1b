/** Routes about quotas (AP-907, AP-908). Owns: how they are shown. */
import type { z } from "zod";
import type { Quota, QuotaState } from "../../../engine/mod.ts";
import type { AppParts } from "../../parts.ts";
import { json } from "../../respond.ts";
import type { QuotaBody, QuotaRuleBody } from "../../schema.ts";
import type { Handlers } from "../../table.ts";
import { iso, isoTimes } from "../run_shapes.ts";

type Ids = "quotas" | "makeQuota" | "quota" | "changeQuota" | "removeQuota";

/** The handlers. */
export function quotaRoutes({ engine }: AppParts): Pick<Handlers, Ids> {
  return {
    quotas: async ({ request }) => json(request, { items: (await engine.quotas.list()).map(shape) }),
    quota: async ({ request, params }) => json(request, shape(await engine.quotas.get(params.quota!))),

    makeQuota: async ({ request, body }) => {
      const made = await engine.quotas.make(body as z.infer<typeof QuotaBody> as Quota);
      const headers = { location: `/api/v1/quotas/${encodeURIComponent(made.name)}` };
      return json(request, shape(made), { status: 201, headers });
    },

    changeQuota: async ({ request, params, body }) => {
      const rule = body as z.infer<typeof QuotaRuleBody> as Omit<Quota, "name">;
      return json(request, shape(await engine.quotas.change(params.quota!, rule)));
    },

    removeQuota: async ({ params }) => {
      await engine.quotas.remove(params.quota!);
      return new Response(null, { status: 204 });
    },
  };
}

function shape({ nextFreeAt, holders, ...quota }: QuotaState) {
  return {
    ...quota,
    holders: holders.map(({ at, ...holder }) => ({ ...holder, at: iso(at) })),
    ...isoTimes({ nextFreeAt }),
  };
}
