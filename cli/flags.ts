/**
 * Arguments of a command. Owns: telling flags from files, and what is said of a wrong one.
 */
import { parseArgs } from "node:util";
import { nearest } from "../engine/notebook/nearest.ts";
import { CommandError, EXIT } from "./io.ts";

/** What a command takes, by flag. */
export type FlagTypes = Record<string, { type: "string" | "boolean"; multiple?: boolean }>;

/** Arguments, read. */
export interface Arguments {
  files: string[];
  /** The last value of a flag. */
  text(name: string): string | undefined;
  /** All values of a flag. */
  all(name: string): string[];
  on(name: string): boolean;
}

/**
 * Reads arguments; `--name value` and `--name=value` are the same, `--` ends the flags.
 *
 * @throws {CommandError} with exit code 2, naming the flag and the nearest one that exists
 *
 * @example
 * ```ts
 * const read = readArguments(["a.md", "--param", "n=1", "--param=m=2"], { param: { type: "string", multiple: true } });
 * if (read.files[0] !== "a.md" || read.all("param").join() !== "n=1,m=2") throw new Error("not read");
 * ```
 */
export function readArguments(args: readonly string[], flags: FlagTypes): Arguments {
  for (const arg of args) {
    if (arg === "--") break;
    const name = /^--([^=]+)/.exec(arg)?.[1];
    if (name !== undefined && !Object.hasOwn(flags, name)) {
      const near = nearest(name, Object.keys(flags));
      const hint = near === undefined ? `The flags are ${listed(flags)}` : `Did you mean --${near}?`;
      throw new CommandError(EXIT.usage, `There is no flag --${name}. ${hint}`);
    }
  }
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: flags, allowPositionals: true });
    const found = values as Record<string, string | boolean | (string | boolean)[] | undefined>;
    const all = (name: string) => [found[name] ?? []].flat().filter((value) => typeof value === "string");
    return { files: positionals, text: (name) => all(name).at(-1), all, on: (name) => found[name] === true };
  } catch (error) {
    throw new CommandError(EXIT.usage, (error as Error).message.split(". ")[0]!);
  }
}

function listed(flags: FlagTypes): string {
  return Object.keys(flags).map((name) => `--${name}`).join(", ");
}
