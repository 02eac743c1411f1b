/**
 * A notebook file named on the command line. Owns: from a path to its text, or to a sentence. The path is the person's
 * own, so it may lead anywhere.
 */
import { basename, relative, resolve } from "node:path";
import { decodeText } from "../engine/access/text_bytes.ts";
import type { Problem } from "../engine/notebook/types.ts";
import { CommandError, EXIT, type Io } from "./io.ts";
import type { Settings } from "./settings.ts";

/** Longest file read, in bytes. */
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * The text of a file.
 *
 * @throws {CommandError} 3 if there is no such file, 1 if it is not a text of at most 16 MiB
 */
export async function readNotebook(path: string, io: Io): Promise<string> {
  const full = resolve(io.cwd, path);
  const info = await Deno.stat(full).catch(() => undefined);
  if (info === undefined) throw new CommandError(EXIT.notFound, `There is no file of this name: ${path}`);
  if (!info.isFile) throw new CommandError(EXIT.notFound, `This is not a file: ${path}`);
  if (info.size > MAX_BYTES) {
    throw new CommandError(EXIT.failed, `${path} has ${info.size} bytes; a notebook may have ${MAX_BYTES}`);
  }
  const text = decodeText(await Deno.readFile(full));
  if (text.ok) return text.text;
  throw new CommandError(EXIT.failed, `${path} is not UTF-8 text: ${text.reason}. Save it as UTF-8`);
}

/** The id under which runs of a file are listed: as on the page if it lies in the notebooks folder. */
export function notebookId(path: string, settings: Settings, io: Io): string {
  const full = resolve(io.cwd, path);
  const below = relative(settings.notebooks, full);
  const name = below.startsWith("..") || below === "" ? basename(full) : below;
  return name.replace(/\.md$/, "");
}

/** A problem as one line: `file:line:column code message`, and what would be right. */
export function problemLine(
  path: string,
  { line, column, code, severity, message, expected }: Problem,
): string {
  const note = severity === "warning" ? "warning: " : "";
  const right = expected === undefined || message.includes(expected) ? "" : ` (expected ${expected})`;
  return `${path}:${line}:${column} ${code} ${note}${message}${right}`;
}
