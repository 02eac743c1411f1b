/**
 * The engine with everything it stands on. Owns: the one place where stores, kinds, models and files are put together.
 */
import { openWorkspace } from "../engine/access/open_workspace.ts";
import { openWaitpointKeys, type WaitpointKeys } from "../engine/access/waitpoint_keys/waitpoint_keys.ts";
import type { Workspace } from "../engine/access/workspace.ts";
import { systemClock } from "../engine/base/clock.ts";
import { EngineError } from "../engine/base/errors.ts";
import { systemIds } from "../engine/base/ids.ts";
import { lineLog, type Log } from "../engine/base/log.ts";
import { createEngine, createKindTools, type Engine, observed, openStore } from "../engine/mod.ts";
import { CommandError, EXIT, type Io } from "./io.ts";
import type { Settings } from "./settings.ts";

/** A studio without its page. */
export interface Studio {
  engine: Engine;
  workspace: Workspace;
  log: Log;
  /** Secrets of waitpoint tokens. */
  waitpointKeys: WaitpointKeys;
  /** Another process has the store as an engine; runs submitted here are its to run. */
  client: boolean;
  /** Says on which port this process listens, so that no cell reaches it. */
  listensOn(port: number): void;
  /** Ends everything that was opened, letting attempts end within `drainMs` (0). */
  close(drainMs?: number): Promise<void>;
}

/** The store that ends with its process keeps large values with it. */
const MEMORY = "memory:";

/** The one worker of a store file; the file's lock keeps it the only one. */
const LOCAL_WORKER = "local";

/** How a command opens the studio. */
export interface StudioOptions {
  /** Goes on without a worker if another process has the store. Default false. */
  mayBeClient?: boolean;
  /** Runs only these and what it submits itself; what others left is not its business. Absent: everything. */
  only?: readonly string[];
  /** Applies what runs are told and starts no cell. Default false. */
  idle?: boolean;
  /** What its worker offers and takes up. Absent: the default. */
  worker?: { id?: string; capabilities?: string[]; lanes?: string[]; slots?: number };
  /** Leaves entries about cells out of the log, because progress tells of them. Default false. */
  quiet?: boolean;
}

/**
 * Opens a studio.
 *
 * @throws {EngineError} `store_in_use`, `store_unavailable`
 * @throws {CommandError} 2 if the data folder cannot be one
 */
export async function openStudio(
  settings: Settings,
  io: Io,
  { mayBeClient = false, only, idle = false, quiet = false, worker = {} }: StudioOptions = {},
): Promise<Studio> {
  const clock = systemClock;
  const ids = systemIds(clock);
  const all = lineLog({ clock, level: settings.logLevel, readable: Deno.stderr.isTerminal(), print: io.err });
  const log: Log = quiet ? { write: (entry) => entry.cell === undefined && all.write(entry) } : all;
  await makeDataFolder(settings.data);
  const workspace = await openWorkspace({ root: settings.workspace, notebooks: settings.notebooks });
  const secretHex = io.env("WEFT_WAITPOINT_SECRET") || undefined;
  const waitpointKeys = await openWaitpointKeys({
    clock,
    ...(settings.store === MEMORY ? {} : { folder: settings.data }),
    ...(secretHex === undefined ? {} : { secretHex }),
  });
  const { store, exclusive, release, client } = await open(settings.store, mayBeClient);
  // A server of the same settings may run in another process.
  const ownPorts = [settings.port];
  const tools = createKindTools({
    workspace,
    clock,
    log,
    env: io.env,
    envNames: io.envNames,
    ownPorts: () => ownPorts,
  });
  const { id, ...traits } = worker;
  const engine = await createEngine({
    waitpointKeys,
    store: settings.logLevel === "debug" ? observed(store, log, clock) : store,
    kinds: tools.kinds,
    egress: tools.egress,
    workspace,
    clock,
    ids,
    log,
    ...(settings.store === MEMORY ? {} : { artifactsFolder: settings.data }),
    ...(client ? {} : { worker: id ?? (exclusive ? LOCAL_WORKER : ids.next("wrk")) }),
    ...(only === undefined ? {} : { only }),
    ...traits,
    ...(idle ? { slots: 0 } : {}),
  });
  return {
    engine,
    workspace,
    log,
    waitpointKeys,
    client,
    listensOn: (port) => void ownPorts.push(port),
    async close(drainMs) {
      await engine.close(drainMs);
      await tools.close();
      await release();
    },
  };
}

async function makeDataFolder(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new CommandError(
      EXIT.usage,
      `The data folder cannot be made (WEFT_DATA): ${path}: ${(error as Error).message}`,
    );
  }
}

async function open(address: string, mayBeClient: boolean) {
  try {
    return { ...await openStore(address), client: false };
  } catch (error) {
    if (!mayBeClient || !(error instanceof EngineError) || error.code !== "store_in_use") throw error;
    return { ...await openStore(address, { client: true }), client: true };
  }
}
