/** `weft runs fork`: begins a run that goes on from another. Owns: its arguments, and how a difference is told. */
import { EngineError } from "../../engine/base/errors.ts";
import { type ForkRequest, MISMATCHES } from "../../engine/mod.ts";
import type { Arguments } from "../flags.ts";
import { CommandError, EXIT, type Io } from "../io.ts";
import type { Studio } from "../open_studio.ts";
import { readNotebook } from "../read_notebook.ts";
import { paramsOf } from "./param_flag.ts";
import type { Print } from "./runs.ts";

/** Runs the command; returns its exit code. */
export async function fork(
  { engine, client }: Studio,
  run: string,
  read: Arguments,
  print: Print,
  io: Io,
): Promise<number> {
  const [checkpoint, file, key] = [read.text("checkpoint"), read.text("text"), read.text("key")];
  const params = paramsOf(read.all("param"));
  const request: ForkRequest = {
    run,
    author: "terminal",
    ...checkpoint === undefined ? {} : { checkpoint },
    ...Object.keys(params).length === 0 ? {} : { params },
    ...file === undefined ? {} : { text: await readNotebook(file, io) },
    ...mismatchOf(read.text("on-mismatch")),
    ...key === undefined ? {} : { key },
  };
  try {
    const { run: forked, differences } = await engine.fork(request);
    print([forked], { run: forked, forkedFrom: run, differences });
    if (!client) io.err("Nobody runs it now. It begins when a studio has this store: weft serve");
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== "version_mismatch") throw error;
    const words = error.message.replace(/\. Say onMismatch.*$/, "");
    throw new CommandError(EXIT.failed, `${words}. Say --on-mismatch compatible, latest or same`);
  }
}

function mismatchOf(given: string | undefined): Pick<ForkRequest, "onMismatch"> {
  if (given === undefined) return {};
  const onMismatch = MISMATCHES.find((word) => word === given);
  if (onMismatch !== undefined) return { onMismatch };
  throw new CommandError(
    EXIT.usage,
    `--on-mismatch is one of ${MISMATCHES.join(", ")}: current value is ${given}`,
  );
}
