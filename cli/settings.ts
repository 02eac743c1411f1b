/**
 * Settings of a process: from flags, then the environment, then defaults. Owns: their names and defaults.
 */
import { isAbsolute, join, resolve } from "node:path";
import type { LogLevel } from "../engine/base/log.ts";
import { CommandError, EXIT, type Io } from "./io.ts";

/** Where a process works. Paths are absolute. */
export interface Settings {
  /** Folder that globs are relative to. */
  workspace: string;
  notebooks: string;
  /** Data folder: store, large values, logins. `WEFT_DATA`, default `.weft` in the workspace. */
  data: string;
  /** Address of the store. `WEFT_STORE`, default `weft.db` in the data folder. */
  store: string;
  /** `WEFT_PORT`, default 9338. */
  port: number;
  /** `WEFT_LOG_LEVEL`, default `info` for the server and `warn` for other commands. */
  logLevel: LogLevel;
}

const DEFAULT_PORT = 9338;
const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/**
 * Reads the settings.
 *
 * @throws {CommandError} with exit code 2 for a value that cannot be one
 */
export function readSettings(
  io: Pick<Io, "env" | "cwd">,
  flags: { workspace?: string; store?: string; port?: string; logLevel?: LogLevel } = {},
): Settings {
  const workspace = resolve(io.cwd, flags.workspace ?? ".");
  const data = resolve(workspace, io.env("WEFT_DATA") || ".weft");
  const level = io.env("WEFT_LOG_LEVEL") || flags.logLevel || "info";
  if (!LEVELS.includes(level as LogLevel)) {
    throw new CommandError(
      EXIT.usage,
      `WEFT_LOG_LEVEL must be one of ${LEVELS.join(", ")}: current value is ${level}`,
    );
  }
  return {
    workspace,
    notebooks: join(workspace, "notebooks"),
    data,
    store: storeAddress(flags.store ?? (io.env("WEFT_STORE") || join(data, "weft.db")), io.cwd),
    port: portOf(flags.port ?? (io.env("WEFT_PORT") || String(DEFAULT_PORT))),
    logLevel: level as LogLevel,
  };
}

/** A path is relative to where the person stands; anything with a scheme is left as it is. */
function storeAddress(given: string, cwd: string): string {
  return /^[a-z][a-z0-9+.-]+:/i.test(given) || isAbsolute(given) ? given : resolve(cwd, given);
}

function portOf(given: string): number {
  const port = Number(given);
  if (/^\d{1,5}$/.test(given) && port <= 65_535) return port;
  throw new CommandError(EXIT.usage, `The port must be a number from 0 to 65535: current value is ${given}`);
}
