/**
 * `weft runs`: lists runs, looks at one, tells it what to do. Owns: its arguments, its exit codes, and which engine it
 * works with: as a client of the process that has the store, or alone, and then without starting a cell.
 */
import { isObject, parseJson } from "../../engine/base/json.ts";
import type { Engine, Instruction } from "../../engine/mod.ts";
import { checkpointShape } from "../../routes/api/checkpoints/checkpoints.ts";
import { listRuns } from "../../routes/api/run_list.ts";
import { explanationShape, runShape, stepShape, summaryShape } from "../../routes/api/run_shapes.ts";
import { type Arguments, readArguments } from "../flags.ts";
import { CommandError, EXIT, type Io } from "../io.ts";
import { openStudio, type Studio } from "../open_studio.ts";
import { readSettings } from "../settings.ts";
import { fork } from "./fork.ts";
import { limitChangeOf } from "./limit_flag.ts";
import { runLine, runLines, stepLine } from "./lines.ts";

/** Help of this command. */
export const RUNS_HELP = `weft runs [list] [--label LABEL] [--notebook ID] [--limit 50]
weft runs show|explain|steps RUN
weft runs pause|resume|stop|cancel|restart RUN [--reason TEXT]
weft runs retry|skip RUN CELL [--reason TEXT]
weft runs supply RUN CELL VALUE
weft runs checkpoints|mark RUN [--label TEXT]
weft runs restore RUN CHECKPOINT [--reason TEXT]
weft runs fork RUN [--checkpoint ID] [--param NAME=VALUE]… [--text FILE --on-mismatch compatible|latest|same]
weft runs change RUN --limit usd=1 [--limit CELL.tokens=none]…

Lists runs, newest first, looks at one, or tells it what to do. It works with the process that has the store, or alone
if there is none, and then starts no cell.

  explain   why the run is not moving, and what would help; with --step CELL, why that cell is not
  restart   runs again what did not succeed, and everything below
  retry     runs one cell again with everything below, or cuts the wait for its next try short
  skip      ends one cell without a value
  mark      names the run's present point, to which it can go back
  restore   takes a run that has ended or is paused back to a checkpoint, where it waits to be resumed;
            cell:NAME is the point at which a cell had ended
  fork      begins a run that goes on from this one, which stays as it is
  change    what the run, or one of its cells, may use at most; what waited for that goes on
  supply    gives a cell its value, which is JSON: a text stands in quotes

  --store ADDRESS  memory:, a file, or the https address of a KV Connect server (WEFT_STORE)
  --key KEY        names this command: given again, it is not done again
  --json           one JSON object on standard output

Example: weft runs list --label failed --limit 5`;

/** How long a command is waited for, and the end of a run that is cancelled. */
const ANSWER_MS = 10_000;

const RUN_COMMANDS = {
  pause: "pauseRun",
  resume: "resumeRun",
  stop: "stopRun",
  restart: "restartRun",
} as const;
const STEP_COMMANDS = { retry: "retryStep", skip: "skipStep" } as const;
/** How many words each takes after its own. */
const WORDS: Record<string, readonly string[]> = {
  list: [],
  show: ["RUN"],
  explain: ["RUN"],
  steps: ["RUN"],
  pause: ["RUN"],
  resume: ["RUN"],
  stop: ["RUN"],
  cancel: ["RUN"],
  restart: ["RUN"],
  retry: ["RUN", "CELL"],
  skip: ["RUN", "CELL"],
  supply: ["RUN", "CELL", "VALUE"],
  checkpoints: ["RUN"],
  mark: ["RUN"],
  restore: ["RUN", "CHECKPOINT"],
  fork: ["RUN"],
  change: ["RUN"],
};

/** Runs the command; returns its exit code. */
export async function runs(args: readonly string[], io: Io): Promise<number> {
  const read = readArguments(args, {
    label: { type: "string" },
    notebook: { type: "string" },
    limit: { type: "string", multiple: true },
    reason: { type: "string" },
    checkpoint: { type: "string" },
    param: { type: "string", multiple: true },
    text: { type: "string" },
    "on-mismatch": { type: "string" },
    step: { type: "string" },
    store: { type: "string" },
    key: { type: "string" },
    json: { type: "boolean" },
  });
  const [what = "list", ...words] = read.files;
  checkWords(what, words);
  const [run = "", cell = "", value] = words;
  const instruction = instructionOf(what, cell, read, value);
  const settings = readSettings(io, { store: read.text("store"), logLevel: "warn" });
  // Whoever only asks takes nothing up: the answer is how the run is without this process.
  const only = instruction === undefined ? [] : [run];
  const studio = await openStudio(settings, io, { mayBeClient: true, only, idle: true });
  const print = (lines: string[], json: object) => {
    if (read.on("json")) io.out(JSON.stringify({ schema: "weft.runs.v1", ...json }));
    else for (const line of lines) io.out(line);
  };
  try {
    if (what === "fork") return await fork(studio, run, read, print, io);
    if (instruction !== undefined) return await tell(studio, run, instruction, read, print, io);
    await ask(studio.engine, what, run, read, print);
    return EXIT.ok;
  } finally {
    await studio.close();
  }
}

/** Prints lines for a person, or one object. */
export type Print = (lines: string[], json: object) => void;

function checkWords(what: string, words: string[]): void {
  const takes = Object.hasOwn(WORDS, what) ? WORDS[what] : undefined;
  if (takes === undefined) {
    throw new CommandError(
      EXIT.usage,
      `weft runs does not know ${what}. It takes ${Object.keys(WORDS).join(", ")}`,
    );
  }
  if (words.length === takes.length) return;
  throw new CommandError(EXIT.usage, `Say weft runs ${[what, ...takes].join(" ")}`);
}

function instructionOf(
  what: string,
  step: string,
  read: Arguments,
  value?: string,
): Instruction | undefined {
  const reason = read.text("reason");
  const said = { by: "terminal", ...reason === undefined ? {} : { reason } };
  if (what === "cancel") return { type: "cancelRun", ...said };
  if (Object.hasOwn(RUN_COMMANDS, what)) {
    return { type: RUN_COMMANDS[what as keyof typeof RUN_COMMANDS], ...said };
  }
  if (Object.hasOwn(STEP_COMMANDS, what)) {
    return { type: STEP_COMMANDS[what as keyof typeof STEP_COMMANDS], step, ...said };
  }
  if (what === "restore") return { type: "restoreRun", checkpoint: step, ...said };
  if (what === "mark") {
    const label = read.text("label");
    return { type: "markCheckpoint", by: "terminal", ...label === undefined ? {} : { label } };
  }
  if (what === "change") return changeOf(read.all("limit"));
  if (what !== "supply") return undefined;
  const given = parseJson(value!);
  if (given.ok) return { type: "supplyValue", step, value: given.value, ...said };
  throw new CommandError(EXIT.usage, `VALUE must be JSON, so that a text stands in quotes. ${given.reason}`);
}

function changeOf(given: string[]): Instruction {
  if (given.length === 0) throw new CommandError(EXIT.usage, "Say what is to change: --limit usd=1");
  const { own, cells } = limitChangeOf(given);
  return {
    type: "changeRun",
    by: "terminal",
    ...Object.keys(own).length === 0 ? {} : { limits: own },
    ...Object.keys(cells).length === 0 ? {} : { cells },
  };
}

async function ask(engine: Engine, what: string, run: string, read: Arguments, print: Print): Promise<void> {
  switch (what) {
    case "list": {
      const said = { label: read.text("label"), notebook: read.text("notebook") };
      const found = await listRuns(engine, { ...said, limit: limitOf(read.text("limit")) });
      return print(found.map(runLine), { runs: found.map(summaryShape) });
    }
    case "show": {
      const shape = runShape(await engine.inspect(run), await engine.view(run));
      return print(runLines(shape), { run: shape });
    }
    case "explain": {
      const found = await engine.explain(run, read.text("step"));
      const until = found.timer === undefined ? [] : [`Until ${new Date(found.timer).toISOString()}`];
      const lines = [`${found.label}: ${found.sentence ?? "nothing holds it up"}`, ...until];
      return print(lines, { run, ...explanationShape(found) });
    }
    case "checkpoints": {
      const found = (await engine.checkpoints(run)).map(checkpointShape);
      const lines = found.map(({ id, at, reason, label }) =>
        `${id.padEnd(10)}  ${at}  ${reason}${label === undefined ? "" : `  ${label}`}`
      );
      return print(lines.length === 0 ? ["No checkpoint yet: weft runs mark RUN names one"] : lines, {
        run,
        checkpoints: found,
      });
    }
    case "steps": {
      const [details, view] = [await engine.inspect(run), await engine.view(run)];
      const steps = Object.keys(details.steps).map((name) => stepShape(details, view, name)!);
      return print(steps.map(stepLine), { run, steps });
    }
  }
}

/** The number that `--limit` says. */
export function limitOf(given = "50"): number {
  const limit = Number(given);
  if (/^\d{1,4}$/.test(given) && limit >= 1 && limit <= 1000) return limit;
  throw new CommandError(EXIT.usage, `--limit is a number from 1 to 1000: current value is ${given}`);
}

async function tell(
  { engine, client }: Studio,
  run: string,
  instruction: Instruction,
  read: Arguments,
  print: Print,
  io: Io,
): Promise<number> {
  const key = read.text("key");
  const { command, state } = await engine.tell(run, instruction, {
    waitMs: ANSWER_MS,
    ...key === undefined ? {} : { key: `${instruction.type}/${key}` },
  });
  if (state === "pending") {
    print(["The run's owner has not answered yet; it will find the command"], {
      run,
      command,
      answer: state,
    });
    return EXIT.timeout;
  }
  const ended = instruction.type === "cancelRun"
    ? await engine.ended(run, AbortSignal.any([io.signal, AbortSignal.timeout(ANSWER_MS)]))
    : undefined;
  const { label } = ended ?? await engine.state(run);
  const late = ended?.unsettled ?? [];
  const lines = [`${run} ${label}`];
  if (late.length > 0) lines.push(`Did not stop when told to and may still be at work: ${late.join(", ")}`);
  print(lines, { run, command, answer: "applied", label, ...ended === undefined ? {} : { unsettled: late } });
  if (!client && ended === undefined && !hasEnded(await engine.state(run))) {
    io.err("Nobody runs it now. It goes on when a studio has this store: weft serve");
  }
  return EXIT.ok;
}

/** Whether a run is over. */
export function hasEnded({ vector }: { vector: unknown }): boolean {
  return isObject(vector) && vector.phase === "ended";
}
