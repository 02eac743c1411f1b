/**
 * Routes that tell a run, or one of its steps, what to do (AP-616 to AP-619, AP-623 to AP-625, AP-627).
 * Owns: how long an answer is waited for (AP-109), and by which name a command is known when it comes again (AP-107).
 * Never: what a command means.
 */
import type { z } from "zod";
import type { Json } from "../../engine/base/json.ts";
import type { Engine, Instruction } from "../../engine/mod.ts";
import type { AppParts } from "../parts.ts";
import { json } from "../respond.ts";
import type { ChangeBody, CommandBody, ReleaseBody, RestartBody } from "../schema.ts";
import type { Ask, Handler, Handlers, RouteId } from "../table.ts";
import { keyOf } from "./request_key.ts";

type OfRun = "pauseRun" | "resumeRun" | "stopRun" | "cancelRun" | "restartRun" | "changeRun";
type OfStep = "retryStep" | "skipStep" | "cancelStep" | "supplyValue";

const WAIT_S = 2;
const LONGEST_S = 30;

/** The handlers. */
export function runCommandRoutes(parts: AppParts): Pick<Handlers, OfRun | OfStep | "releaseRun"> {
  const { engine } = parts;
  /** A route whose command needs no more words than why. */
  const plain = (type: "pauseRun" | "resumeRun" | "stopRun"): Handler => (ask) =>
    command(engine, ask, type, { type, by: ask.who, ...ask.body as z.infer<typeof CommandBody> });
  const ofStep = (type: "retryStep" | "skipStep" | "cancelStep"): Handler => (ask) =>
    command(engine, ask, type, {
      type,
      step: ask.params.step!,
      by: ask.who,
      ...ask.body as z.infer<typeof CommandBody>,
    });
  return {
    pauseRun: plain("pauseRun"),
    resumeRun: plain("resumeRun"),
    stopRun: plain("stopRun"),

    cancelRun: async (ask) => {
      const body = ask.body as z.infer<typeof CommandBody>;
      const begun = parts.clock.monotonic();
      return await command(
        engine,
        ask,
        "cancelRun",
        { type: "cancelRun", by: ask.who, ...body },
        async () => {
          const leftMs = waitOf(ask.request) * 1000 - (parts.clock.monotonic() - begun);
          const ended = await endedWithin(parts, ask.params.run!, leftMs);
          return { ended: ended !== undefined, ...ended ?? { unsettled: [] } };
        },
      );
    },

    restartRun: (ask) => {
      const body = ask.body as z.infer<typeof RestartBody>;
      return command(engine, ask, "restartRun", { type: "restartRun", by: ask.who, ...body });
    },

    changeRun: (ask) => {
      const { limits, ...change } = ask.body as z.infer<typeof ChangeBody>;
      const { own = {}, cells } = limits ?? {};
      return command(engine, ask, "changeRun", {
        type: "changeRun",
        by: ask.who,
        ...change,
        ...Object.keys(own).length === 0 ? {} : { limits: own },
        ...cells === undefined ? {} : { cells },
      });
    },

    retryStep: ofStep("retryStep"),
    skipStep: ofStep("skipStep"),
    cancelStep: ofStep("cancelStep"),

    supplyValue: (ask) =>
      command(engine, ask, "supplyValue", {
        type: "supplyValue",
        step: ask.params.step!,
        value: ask.body as Json,
        by: ask.who,
      }),

    releaseRun: async ({ request, params, body }) => {
      const { expectEpoch, force } = body as z.infer<typeof ReleaseBody>;
      const options = {
        ...expectEpoch === undefined ? {} : { expectEpoch },
        ...force === undefined ? {} : { force },
      };
      return json(request, await engine.release(params.run!, options));
    },
  };
}

/**
 * Gives a command and answers 200 if it was applied in time, else 202 with the place where its answer will be.
 *
 * @param then what the answer says besides, once it is applied
 */
export async function command(
  engine: Engine,
  { request, params }: Ask,
  route: RouteId,
  instruction: Instruction,
  then: () => Promise<object> = () => Promise.resolve({}),
): Promise<Response> {
  const run = params.run!;
  const key = keyOf(request);
  const told = await engine.tell(run, instruction, {
    waitMs: waitOf(request) * 1000,
    // A key is known per route, so that one and the same may name a pause and the resume after it.
    ...key === undefined ? {} : { key: `${route}/${key}` },
  });
  const headers: Record<string, string> = told.replayed ? { "idempotency-replayed": "true" } : {};
  if (told.state === "applied") {
    return json(request, { command: told.command, answer: "applied", run, ...await then() }, { headers });
  }
  headers.location = `/api/v1/runs/${encodeURIComponent(run)}/commands/${encodeURIComponent(told.command)}`;
  return json(request, { command: told.command }, { status: 202, headers });
}

/** `Prefer: wait=n`, in seconds. What is no such preference is ignored, as the header asks (RFC 7240). */
function waitOf(request: Request): number {
  const given = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,6})"?\s*(?:$|[,;])/i.exec(
    request.headers.get("prefer") ?? "",
  );
  return given === null ? WAIT_S : Math.min(Number(given[1]), LONGEST_S);
}

/** How a run ended, if it did within so long. */
async function endedWithin({ engine, clock }: AppParts, run: string, ms: number) {
  const over = new AbortController();
  const ended = engine.ended(run, over.signal);
  const waited = clock.sleep(ms, over.signal).then(() => over.abort());
  try {
    return await ended;
  } finally {
    over.abort();
    await waited;
  }
}
