/**
 * Routes about points of a run: naming one, going back to one, going on from one in another run (AP-620 to AP-622).
 * Owns: these answers. Never: what is taken over; that is `engine/work/fork`.
 */
import type { z } from "zod";
import type { JsonObject } from "../../../engine/base/json.ts";
import type { Checkpoint } from "../../../engine/mod.ts";
import { versionOf } from "../../../engine/notebook/version.ts";
import { decode } from "../../document.ts";
import type { AppParts } from "../../parts.ts";
import { json } from "../../respond.ts";
import type { CheckpointBody, ForkBody, RestoreBody } from "../../schema.ts";
import type { Handlers } from "../../table.ts";
import { keyOf } from "../request_key.ts";
import { command } from "../run_commands.ts";
import { iso, runShape } from "../run_shapes.ts";

type Ids = "checkpoints" | "markCheckpoint" | "restoreRun" | "forkRun";

/** The handlers. */
export function checkpointRoutes({ engine, workspace }: AppParts): Pick<Handlers, Ids> {
  /** The text of a version: that of the run's notebook as it is now, or one that a run has had. */
  async function textOf(run: string, version: string): Promise<string> {
    const { notebook } = await engine.inspect(run);
    const now = await workspace.readNotebook(notebook).then(
      (bytes) => decode(bytes, notebook),
      () => undefined,
    );
    return now !== undefined && versionOf(now) === version ? now : await engine.versionText(version);
  }
  return {
    checkpoints: async ({ request, params }) =>
      json(request, { items: (await engine.checkpoints(params.run!)).map(checkpointShape) }),

    markCheckpoint: (ask) => {
      const { label } = ask.body as z.infer<typeof CheckpointBody>;
      const said = { by: ask.who, ...label === undefined ? {} : { label } };
      return command(engine, ask, "markCheckpoint", { type: "markCheckpoint", ...said }, async () => {
        const named = (await engine.checkpoints(ask.params.run!)).filter(({ reason }) => reason === "manual");
        return { checkpoint: checkpointShape(named.at(-1)!) };
      });
    },

    restoreRun: (ask) => {
      const body = ask.body as z.infer<typeof RestoreBody>;
      return command(engine, ask, "restoreRun", { type: "restoreRun", by: ask.who, ...body });
    },

    forkRun: async ({ request, params, body, who }) => {
      const { params: given, version, ...asked } = body as z.infer<typeof ForkBody>;
      const key = keyOf(request);
      const text = version === undefined ? undefined : await textOf(params.run!, version);
      const { run, replayed, differences } = await engine.fork({
        run: params.run!,
        author: who,
        ...asked,
        ...text === undefined ? {} : { text },
        ...given === undefined ? {} : { params: given as JsonObject },
        ...key === undefined ? {} : { key },
      });
      const headers = {
        location: `/api/v1/runs/${encodeURIComponent(run)}`,
        ...replayed ? { "idempotency-replayed": "true" } : {},
      };
      const shape = runShape(await engine.inspect(run), await engine.view(run));
      return json(request, { ...shape, differences }, { status: 201, headers });
    },
  };
}

/** A checkpoint as the API shows it. */
export function checkpointShape({ at, ...checkpoint }: Checkpoint) {
  return { ...checkpoint, at: iso(at) };
}
