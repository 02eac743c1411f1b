/**
 * `weft run FILE`: runs a notebook to its end. Owns: what a person and a script see of it.
 *
 * With `--json` standard output holds one object, `{ schema: "weft.run.v1", run, label, cells }`, and nothing else.
 */
import { EngineError } from "../engine/base/errors.ts";
import { isObject, type Json, type JsonObject } from "../engine/base/json.ts";
import { type Engine, readDocument } from "../engine/mod.ts";
import { durationMs } from "../engine/notebook/duration.ts";
import type { Problem } from "../engine/notebook/types.ts";
import type { RunView } from "../engine/wire/view.ts";
import { readArguments } from "./flags.ts";
import { CommandError, EXIT, type Io } from "./io.ts";
import { followRun } from "./follow_run.ts";
import { sentenceOf } from "../routes/api/run_shapes.ts";
import { limitsOf } from "./runs/limit_flag.ts";
import { paramsOf } from "./runs/param_flag.ts";
import { openStudio } from "./open_studio.ts";
import { notebookId, problemLine, readNotebook } from "./read_notebook.ts";
import { readSettings } from "./settings.ts";

/** What `--json` prints. */
export interface RunReport {
  schema: "weft.run.v1";
  /** Null if the notebook could not run. */
  run: string | null;
  label: RunView["label"] | "invalid";
  cells: Record<string, { label: string; value: Json; problem?: string }>;
  problems?: Problem[];
}

/** Help of this command. */
export const RUN_HELP =
  `weft run FILE [--param NAME=VALUE]… [--delay 10m] [--deadline TIME] [--limit usd=0.5]…
              [--store ADDRESS] [--key KEY] [--no-wait-human] [--json]

Runs a notebook to its end and prints the values of the cells that nothing else reads.

  --param NAME=VALUE  value of a param; may be given again
  --delay DURATION    begins so much later: 30s, 10m, 2h, 1d
  --deadline TIME     expires then, whatever it is doing: 2026-11-20T18:00:00Z
  --limit NAME=AMOUNT what it may use at most: tokens, usd, minutes or calls; may be given again
  --no-wait-human     leaves with exit code 8 as soon as only a person can help the run on; the run is kept
  --store ADDRESS     memory:, a file, postgres://…, or the https address of a KV Connect server (WEFT_STORE)
  --key KEY           names this request: given again, it goes on with the run it made the first time
  --json              one JSON object on standard output, everything else on standard error

Example: weft run notebooks/02-digest.md --param docs='docs/*.md' --json`;

/** Runs the command; returns its exit code. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const read = readArguments(args, {
    param: { type: "string", multiple: true },
    store: { type: "string" },
    key: { type: "string" },
    delay: { type: "string" },
    deadline: { type: "string" },
    limit: { type: "string", multiple: true },
    "no-wait-human": { type: "boolean" },
    json: { type: "boolean" },
  });
  const [file, ...more] = read.files;
  if (file === undefined) throw new CommandError(EXIT.usage, "Which notebook? Say weft run FILE");
  if (more.length > 0) {
    throw new CommandError(EXIT.usage, `One notebook at a time: ${more[0]} is one too many`);
  }
  const params = paramsOf(read.all("param"));
  const limits = limitsOf(read.all("limit"));
  const settings = readSettings(io, { store: read.text("store"), logLevel: "warn" });
  const text = await readNotebook(file, io);
  const quiet = io.env("WEFT_LOG_LEVEL") === undefined;
  const request = {
    notebook: notebookId(file, settings, io),
    text,
    params,
    author: "terminal",
    key: read.text("key"),
    ...timesOf(read.text("delay"), read.text("deadline")),
    ...(limits === undefined ? {} : { overrides: { limits } }),
  };
  let studio = await openStudio(settings, io, { mayBeClient: true, only: [], quiet });
  try {
    const submitted = await submit(studio.engine, request, file, read.on("json"), io);
    if (typeof submitted === "number") return submitted;
    const { run } = submitted;
    io.err(run);
    if (studio.client) {
      io.err("Another Weft has this store open; it runs the notebook, or this one when that one ends");
    }
    const ended = await followRun(
      studio,
      run,
      settings,
      io,
      { only: [run], quiet },
      read.on("no-wait-human"),
    );
    studio = ended.studio;
    if (ended.waits !== undefined) {
      io.err(
        `${sentenceOf(ended.waits)} The run is kept, and weft serve on this store goes on with it: ${run}`,
      );
      if (read.on("json")) {
        io.out(JSON.stringify(await reportOf(studio.engine, await studio.engine.view(run))));
      }
      return EXIT.person;
    }
    if (!ended.done) {
      io.err(`Interrupted. The run is kept, and weft serve on this store goes on with it: ${run}`);
      return EXIT.interrupted;
    }
    return await finish(studio.engine, run, request.text, read.on("json"), io);
  } finally {
    await studio.close();
  }
}

/** When a run begins and when it expires. */
function timesOf(delay?: string, deadline?: string): { delayMs?: number; deadline?: number } {
  const delayMs = delay === undefined ? undefined : durationMs(delay);
  if (delay !== undefined && delayMs === undefined) {
    throw new CommandError(
      EXIT.usage,
      `--delay is a number with its unit, such as 10m: current value is ${delay}`,
    );
  }
  const at = deadline === undefined ? undefined : timeOf(deadline);
  if (at !== undefined && Number.isNaN(at)) {
    throw new CommandError(
      EXIT.usage,
      `--deadline is a time such as 2026-11-20T18:00:00Z: current value is ${deadline}`,
    );
  }
  return { ...(delayMs === undefined ? {} : { delayMs }), ...(at === undefined ? {} : { deadline: at }) };
}

/** With its zone, so that it means the same wherever it is read. */
function timeOf(text: string): number {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : NaN;
}

/** Submits a run, or says what is wrong with it and with which code to exit. */
async function submit(
  engine: Engine,
  request: Parameters<Engine["submit"]>[0],
  file: string,
  json: boolean,
  io: Io,
): Promise<{ run: string } | number> {
  try {
    return await engine.submit(request);
  } catch (error) {
    if (!(error instanceof EngineError) || error.problems === undefined) throw error;
    return refused(error, file, json, io);
  }
}

/** Prints what came of a run that has ended; the exit code. */
async function finish(engine: Engine, run: string, text: string, json: boolean, io: Io): Promise<number> {
  const view = await engine.view(run);
  const report = await reportOf(engine, view);
  if (json) io.out(JSON.stringify(report));
  else printSinks(report, view, sinksOf(text, view), io);
  return exitOf(view);
}

const USAGE_CODES: ReadonlySet<string> = new Set(["param_missing", "param_invalid", "param_unknown"]);

function refused(error: EngineError, file: string, json: boolean, io: Io): number {
  const problems = error.problems as Problem[];
  const errors = problems.filter(({ severity }) => severity === "error");
  for (const problem of problems) io.err(problemLine(file, problem));
  io.err(`${file} cannot run: ${errors.length} ${errors.length === 1 ? "error" : "errors"}`);
  const report: RunReport = { schema: "weft.run.v1", run: null, label: "invalid", cells: {}, problems };
  if (json) io.out(JSON.stringify(report));
  return errors.every(({ code }) => USAGE_CODES.has(code)) ? EXIT.usage : EXIT.failed;
}

async function reportOf(engine: Engine, view: RunView): Promise<RunReport> {
  const cells: RunReport["cells"] = {};
  for (const [name, { label, value, problem }] of Object.entries(view.cells)) {
    cells[name] = {
      label,
      value: value === undefined ? null : await engine.read(value),
      ...(problem === undefined ? {} : { problem: problem.message }),
    };
  }
  return { schema: "weft.run.v1", run: view.run, label: view.label, cells };
}

/** Cells that no other cell reads or waits for. */
function sinksOf(text: string, view: RunView): string[] {
  const { graph } = readDocument(text);
  return Object.keys(view.cells).filter((name) => (graph.outOf.get(name) ?? []).length === 0);
}

function printSinks({ cells }: RunReport, view: RunView, sinks: string[], io: Io): void {
  for (const name of sinks) {
    const { label, value } = cells[name]!;
    const { display } = view.cells[name]!;
    if (label !== "succeeded" && label !== "warned" && label !== "reused") continue;
    if (sinks.length > 1) io.out(`## ${name}\n`);
    if (display?.as === "chart") io.out("A chart: the studio draws it, --json prints what it is made of");
    else io.out(shown(value, display));
  }
}

/** Text as it is, anything else as JSON. */
function shown(value: Json, display: JsonObject | undefined): string {
  const text = typeof display?.port === "string" && isObject(value) ? value[display.port] : value;
  return typeof text === "string" ? text : JSON.stringify(value, null, 2);
}

function exitOf({ label }: RunView): number {
  if (label === "succeeded") return EXIT.ok;
  if (label === "partial") return EXIT.partial;
  return label === "stopped" || label === "cancelled" ? EXIT.stopped : EXIT.failed;
}
