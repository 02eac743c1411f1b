/** Routes about the server itself (AP-1301, AP-1305). */
import type { AppParts } from "../parts.ts";
import { json } from "../respond.ts";
import type { Handlers } from "../table.ts";

/** Version of the notebook format that this server writes. */
const FORMAT = 1;

/** The handlers. */
export function systemRoutes({ version }: AppParts): Pick<Handlers, "health" | "version"> {
  return {
    health: ({ request }) => json(request, { ok: true }),
    version: ({ request }) => json(request, { version, format: FORMAT }),
  };
}
