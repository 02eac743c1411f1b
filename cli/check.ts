/**
 * `weft check FILE…`: everything that is wrong with notebooks, without running anything. Owns: its output.
 *
 * CL-305 Reads no store, no network and no environment.
 */
import { checkText } from "../engine/mod.ts";
import type { Problem } from "../engine/notebook/types.ts";
import { readArguments } from "./flags.ts";
import { CommandError, EXIT, type Io } from "./io.ts";
import { problemLine, readNotebook } from "./read_notebook.ts";

/** Help of this command. */
export const CHECK_HELP = `weft check FILE… [--json]

Says what is wrong with notebooks: one line a problem, file:line:column code message. Runs nothing.

Example: weft check notebooks/*.md`;

/** Runs the command; returns its exit code. */
export async function check(args: readonly string[], io: Io): Promise<number> {
  const read = readArguments(args, { json: { type: "boolean" } });
  if (read.files.length === 0) throw new CommandError(EXIT.usage, "Which notebook? Say weft check FILE…");
  const files: { file: string; problems: Problem[] }[] = [];
  for (const file of read.files) files.push({ file, problems: checkText(await readNotebook(file, io)) });
  const all = files.flatMap(({ problems }) => problems);
  const errors = all.filter(({ severity }) => severity === "error").length;
  if (read.on("json")) io.out(JSON.stringify({ schema: "weft.check.v1", files }));
  else {
    for (const { file, problems } of files) {
      for (const problem of problems) io.out(problemLine(file, problem));
    }
    io.err(
      `${count(files.length, "notebook")}, ${count(errors, "error")}, ${
        count(all.length - errors, "warning")
      }`,
    );
  }
  return errors === 0 ? EXIT.ok : EXIT.failed;
}

function count(n: number, word: string): string {
  return `${n} ${word}${n === 1 ? "" : "s"}`;
}
