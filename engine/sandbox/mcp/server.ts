/**
 * Servers of tools as a notebook declares them. Owns: reading `mcp:` strictly, and what a person allows when a program is
 * to start (SE-1301). Never: starting one, or asking.
 */
import { canonicalJson, isObject, type Json } from "../../base/json.ts";
import { sha256 } from "../../base/hash.ts";

/** A declared server: a program of this machine, or an address. */
export type ToolServer =
  | { type: "stdio"; name: string; command: string; args: string[]; env: Record<string, string> }
  | { type: "http"; name: string; url: string; headers: Record<string, string> };

/** What was read, or one sentence. */
export type ReadServer = { ok: true; server: ToolServer } | { ok: false; reason: string };

const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;
const MOST_ARGS = 100;

/**
 * The server `name` of front matter's `mcp`.
 *
 * @example
 * ```ts
 * const read = serverIn({ files: { command: "/usr/bin/files", args: ["--read"] } }, "files");
 * if (!read.ok || read.server.type !== "stdio" || read.server.args[0] !== "--read") throw new Error("not read");
 * if (serverIn({ files: { command: "a", url: "https://b.example" } }, "files").ok) throw new Error("it is one of both");
 * ```
 */
export function serverIn(mcp: Json | undefined, name: string): ReadServer {
  const declared = isObject(mcp) ? mcp : {};
  const names = Object.keys(declared);
  if (!NAME.test(name) || !Object.hasOwn(declared, name)) {
    const there = names.length === 0 ? "there is none" : `there are ${names.join(", ")}`;
    return no(`Front matter's 'mcp' has no server '${name}': ${there}`);
  }
  const server = declared[name]!;
  if (!isObject(server)) return no(`Server '${name}' must be { command, args, env } or { url, headers }`);
  const { command, args = [], env = {}, url, headers = {}, ...rest } = server;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) return no(`Server '${name}' has an unknown key '${unknown}'`);
  if ((command === undefined) === (url === undefined)) {
    return no(`Server '${name}' needs either 'command' or 'url'`);
  }
  if (typeof url === "string") {
    if (!isTexts(headers)) return no(`'headers' of server '${name}' must be texts by name`);
    return { ok: true, server: { type: "http", name, url, headers } };
  }
  if (typeof command !== "string" || command === "" || command.includes("\0")) {
    return no(`'command' of server '${name}' must be a text, such as /usr/bin/files`);
  }
  if (
    !Array.isArray(args) || args.length > MOST_ARGS ||
    !args.every((arg): arg is string => typeof arg === "string")
  ) return no(`'args' of server '${name}' must be a list of at most ${MOST_ARGS} texts`);
  if (!isTexts(env)) return no(`'env' of server '${name}' must be texts by name`);
  return { ok: true, server: { type: "stdio", name, command, args, env } };
}

/** A program as it will be started. */
export interface Program {
  /** Absolute. */
  path: string;
  /** What an approval to start it is bound to: argv, names of variables, working folder and the program's bytes. */
  hash: string;
}

/**
 * Finds the program of a server and what an approval of it is bound to.
 *
 * @param searched folders as in `PATH`, for a command without a slash
 */
export async function programOf(
  server: Extract<ToolServer, { type: "stdio" }>,
  searched: string,
): Promise<{ ok: true; program: Program } | { ok: false; reason: string }> {
  const { command, args, env, name } = server;
  if (command.includes("/") && !command.startsWith("/")) {
    return no(`'command' of server '${name}' must be a name or an absolute path, not '${command}'`);
  }
  const places = command.startsWith("/")
    ? [command]
    : searched.split(":").filter((place) => place.startsWith("/")).map((place) => `${place}/${command}`);
  for (const place of places) {
    let bytes: Uint8Array, path: string;
    try {
      path = await Deno.realPath(place);
      bytes = await Deno.readFile(path);
    } catch {
      continue;
    }
    const bound = {
      argv: [path, ...args],
      env: Object.keys(env).sort(),
      cwd: "empty",
      program: sha256(bytes),
    };
    return { ok: true, program: { path, hash: sha256(canonicalJson(bound)) } };
  }
  return no(`The program '${command}' of server '${name}' is not there`);
}

function isTexts(value: Json): value is Record<string, string> {
  return isObject(value) && Object.values(value).every((text) => typeof text === "string");
}

function no(reason: string): { ok: false; reason: string } {
  return { ok: false, reason };
}
