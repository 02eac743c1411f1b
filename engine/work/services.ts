/**
 * What cell kinds stand on: models, the expression evaluator, files. Owns: making them together and ending them.
 */
import type { Workspace } from "../access/workspace.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Kinds } from "../kinds/kind.ts";
import { createKinds } from "../kinds/registry.ts";
import type { Models } from "../models/model.ts";
import { createModels } from "../models/registry.ts";
import { createEvaluator } from "../sandbox/evaluator.ts";

/** See the module comment. */
export interface Services {
  kinds: Kinds;
  models: Models;
  /** Ends the processes that evaluate expressions. */
  close(): Promise<void>;
}

/** Makes them; nothing starts and nothing is sent before a cell needs it. */
export function createServices(
  { workspace, clock, log, env }: {
    workspace: Pick<Workspace, "files">;
    clock: Clock;
    log: Log;
    /** Reads an environment variable, for keys and addresses of model providers. */
    env: (name: string) => string | undefined;
  },
): Services {
  const models = createModels({ env });
  const evaluator = createEvaluator({ clock, log });
  const kinds = createKinds({ models, evaluator, workspace });
  return { kinds, models, close: async () => await evaluator.close() };
}
