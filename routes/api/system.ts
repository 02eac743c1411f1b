/** Routes about the server itself (AP-1301, AP-1302, AP-1305). */
import type { AppParts } from "../parts.ts";
import { json } from "../respond.ts";
import type { Handlers } from "../table.ts";

/** Version of the notebook format that this server writes. */
const FORMAT = 1;
/** OB-121: a store that does not answer within this is not ready. */
const PROBE_MS = 1000;
/** For how long an answer of the store holds. */
const FRESH_MS = 5000;

/** The handlers. */
export function systemRoutes(
  { version, engine, clock, draining }: AppParts,
): Pick<Handlers, "health" | "ready" | "version"> {
  let known: { at: number; store: Promise<boolean> } | undefined;

  async function probe(): Promise<boolean> {
    const over = new AbortController();
    const reads = engine.runs({ limit: 1 }).then(() => true, () => false);
    const late = clock.sleep(PROBE_MS, over.signal).then(() => false);
    try {
      return await Promise.race([reads, late]);
    } finally {
      over.abort();
    }
  }

  return {
    health: ({ request }) => json(request, { ok: true }),

    // OB-121: whoever sends people here asks this first; from the beginning of the end on it says no.
    ready: async ({ request }) => {
      const now = clock.monotonic();
      if (known === undefined || now - known.at > FRESH_MS) known = { at: now, store: probe() };
      const answer = { store: await known.store, draining: draining.aborted };
      return json(request, answer, { status: answer.store && !answer.draining ? 200 : 503 });
    },

    version: ({ request }) => json(request, { version, format: FORMAT }),
  };
}
