/**
 * What cell kinds stand on: models, the expression evaluator, the way out, files. Owns: making them together and ending them.
 */
import type { Workspace } from "../access/workspace.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Kinds } from "../kinds/kind.ts";
import { createKinds } from "../kinds/registry.ts";
import type { Models } from "../models/model.ts";
import { createModels } from "../models/registry.ts";
import { createEgress, type Egress } from "../sandbox/egress/egress.ts";
import { type Opening, openingsOf } from "../sandbox/egress/target.ts";
import { createEvaluator } from "../sandbox/evaluator.ts";

/** See the module comment. */
export interface KindTools {
  kinds: Kinds;
  models: Models;
  /** The way out. */
  egress: Egress;
  /** Ends the processes that evaluate expressions. */
  close(): Promise<void>;
}

/** Makes them; nothing starts and nothing is sent before a cell needs it. */
export function createKindTools(
  { workspace, clock, log, env, envNames, ownPorts }: {
    workspace: Pick<Workspace, "files">;
    clock: Clock;
    log: Log;
    /** Reads an environment variable: keys and addresses of model providers, `WEFT_ALLOW_PRIVATE_NET`, `WEFT_MCP_STDIO`, `PATH`. */
    env: (name: string) => string | undefined;
    /** Names of all variables, for providers that are declared by them. */
    envNames: () => string[];
    /** Ports on which this installation listens, which cells never reach. Default none. */
    ownPorts?: () => readonly number[];
  },
): KindTools {
  const models = createModels({ env, envNames, log });
  const evaluator = createEvaluator({ clock, log });
  const openings = openingsIn(env("WEFT_ALLOW_PRIVATE_NET"), log);
  const egress = createEgress({ clock, openings, ...(ownPorts === undefined ? {} : { ownPorts }) });
  const kinds = createKinds({ models, evaluator, egress, workspace, env });
  return { kinds, models, egress, close: async () => await evaluator.close() };
}

/** SE-707. A setting that cannot be read opens nothing. */
function openingsIn(text: string | undefined, log: Log): Opening[] {
  const read = openingsOf(text ?? "");
  if (read.ok) return read.openings;
  log.write({
    level: "error",
    source: "engine",
    code: "setting_invalid",
    message:
      `WEFT_ALLOW_PRIVATE_NET opens nothing: '${read.entry}' is no address:port, such as 127.0.0.1:8080 or 10.0.0.0/8:443`,
  });
  return [];
}
