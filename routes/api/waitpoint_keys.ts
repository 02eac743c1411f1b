/** Routes about the secrets of waitpoint tokens (AP-811, AP-812). Owns: how they are asked and shown. */
import type { z } from "zod";
import type { Engine } from "../../engine/mod.ts";
import type { AppParts } from "../parts.ts";
import { json } from "../respond.ts";
import type { RotateBody } from "../schema.ts";
import type { Handlers } from "../table.ts";
import { isoTimes } from "./run_shapes.ts";

type KeyList = ReturnType<Engine["waitpoints"]["keys"]["list"]>;

/** The handlers. */
export function waitpointKeyRoutes(
  { engine, log }: AppParts,
): Pick<Handlers, "waitpointKeys" | "rotateWaitpointKey" | "revokeWaitpointKey"> {
  const audit = (who: string, what: string) =>
    log.write({ level: "info", source: "http", code: "waitpoint_key", message: `${who} ${what}` });
  return {
    waitpointKeys: ({ request }) => json(request, shape(engine.waitpoints.keys.list())),

    rotateWaitpointKey: async ({ request, body, who }) => {
      const { kid, secretHex, graceMs } = body as z.infer<typeof RotateBody>;
      const { changed, ...list } = await engine.waitpoints.keys.rotate({
        kid,
        ...secretHex === undefined ? {} : { secretHex },
        ...graceMs === undefined ? {} : { graceMs },
      });
      if (changed) audit(who, `made ${kid} the secret of waitpoint tokens`);
      return json(request, { ...shape(list), changed });
    },

    revokeWaitpointKey: async ({ params, who }) => {
      await engine.waitpoints.keys.revoke(params.kid!);
      audit(who, `revoked the waitpoint secret ${params.kid}`);
      return new Response(null, { status: 204 });
    },
  };
}

function shape({ current, valid }: KeyList) {
  return { current, valid: valid.map(({ until, ...key }) => ({ ...key, ...isoTimes({ until }) })) };
}
