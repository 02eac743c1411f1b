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
export interface KindTools {
  kinds: Kinds;
  models: Models;
  /** Ends the processes that evaluate expressions. */
  close(): Promise<void>;
}

/** Makes them; nothing starts and nothing is sent before a cell needs it. */
export function createKindTools(
  { workspace, clock, log, env, envNames }: {
    workspace: Pick<Workspace, "files">;
    clock: Clock;
    log: Log;
    /** Reads an environment variable, for keys and addresses of model providers. */
    env: (name: string) => string | undefined;
    /** Names of all variables, for providers that are declared by them. */
    envNames: () => string[];
  },
): KindTools {
  const models = createModels({ env, envNames, log });
  const evaluator = createEvaluator({ clock, log });
  const kinds = createKinds({ models, evaluator, workspace });
  return { kinds, models, close: async () => await evaluator.close() };
}
