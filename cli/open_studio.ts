/**
 * The engine with everything it stands on. Owns: the one place where stores, kinds, models and files are put together.
 */
import { openWorkspace } from "../engine/access/open_workspace.ts";
import type { Workspace } from "../engine/access/workspace.ts";
import { systemClock } from "../engine/base/clock.ts";
import { EngineError } from "../engine/base/errors.ts";
import { systemIds } from "../engine/base/ids.ts";
import { lineLog, type Log } from "../engine/base/log.ts";
import { createEngine, createKindTools, type Engine, openStore } from "../engine/mod.ts";
import type { Io } from "./io.ts";
import type { Settings } from "./settings.ts";

/** A studio without its page. */
export interface Studio {
  engine: Engine;
  workspace: Workspace;
  log: Log;
  /** Another process has the store as an engine; runs submitted here are its to run. */
  client: boolean;
  /** Ends everything that was opened, letting attempts end within `drainMs` (0). */
  close(drainMs?: number): Promise<void>;
}

/** The store that ends with its process keeps large values with it. */
const MEMORY = "memory:";

/** The one worker of a store file; the file's lock keeps it the only one. */
const LOCAL_WORKER = "local";

/**
 * Opens a studio.
 *
 * @param mayBeClient whether to go on without a worker if another process has the store
 * @throws {EngineError} `store_in_use`, `store_unavailable`
 */
export async function openStudio(settings: Settings, io: Io, { mayBeClient = false } = {}): Promise<Studio> {
  const clock = systemClock;
  const ids = systemIds(clock);
  const log = lineLog({ clock, level: settings.logLevel, readable: Deno.stderr.isTerminal(), print: io.err });
  await Deno.mkdir(settings.data, { recursive: true, mode: 0o700 });
  const workspace = await openWorkspace({ root: settings.workspace, notebooks: settings.notebooks });
  const { store, exclusive, release, client } = await open(settings.store, mayBeClient);
  const tools = createKindTools({ workspace, clock, log, env: io.env, envNames: io.envNames });
  const engine = await createEngine({
    store,
    kinds: tools.kinds,
    workspace,
    clock,
    ids,
    log,
    ...(settings.store === MEMORY ? {} : { artifactsFolder: settings.data }),
    ...(client ? {} : { worker: exclusive ? LOCAL_WORKER : ids.next("wrk") }),
  });
  return {
    engine,
    workspace,
    log,
    client,
    async close(drainMs) {
      await engine.close(drainMs);
      await tools.close();
      await release();
    },
  };
}

async function open(address: string, mayBeClient: boolean) {
  try {
    return { ...await openStore(address), client: false };
  } catch (error) {
    if (!mayBeClient || !(error instanceof EngineError) || error.code !== "store_in_use") throw error;
    return { ...await openStore(address, { client: true }), client: true };
  }
}
