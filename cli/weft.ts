/**
 * The `weft` command. Owns: which commands there are, and what a person reads when one cannot go on.
 */
import { EngineError, ERROR_CODES, type ErrorClass, type ErrorCode } from "../engine/base/errors.ts";
import { nearest } from "../engine/notebook/nearest.ts";
import { CommandError, EXIT, type Io } from "./io.ts";

/** A command: its help and what it does. */
interface Command {
  help: string;
  run(args: readonly string[], io: Io): Promise<number>;
}

/** Commands are loaded when they are used: `check` needs no server and no database. */
const COMMANDS: Record<string, () => Promise<Command>> = {
  serve: async () => {
    const { serve, SERVE_HELP } = await import("./serve.ts");
    return { help: SERVE_HELP, run: serve };
  },
  run: async () => {
    const { run, RUN_HELP } = await import("./run.ts");
    return { help: RUN_HELP, run };
  },
  runs: async () => {
    const { runs, RUNS_HELP } = await import("./runs/runs.ts");
    return { help: RUNS_HELP, run: runs };
  },
  signal: async () => {
    const { signal, SIGNAL_HELP } = await import("./runs/signal.ts");
    return { help: SIGNAL_HELP, run: signal };
  },
  effects: async () => {
    const { effects, EFFECTS_HELP } = await import("./runs/effects.ts");
    return { help: EFFECTS_HELP, run: effects };
  },
  worker: async () => {
    const { worker, WORKER_HELP } = await import("./worker.ts");
    return { help: WORKER_HELP, run: worker };
  },
  budgets: async () => {
    const { budgets, BUDGETS_HELP } = await import("./runs/budgets.ts");
    return { help: BUDGETS_HELP, run: budgets };
  },
  check: async () => {
    const { check, CHECK_HELP } = await import("./check.ts");
    return { help: CHECK_HELP, run: check };
  },
};

const HELP = `weft serve [FOLDER]   open the studio
weft run FILE         run a notebook to its end
weft runs             list runs, look at one, tell it what to do
weft signal RUN NAME  send a run what it waits for, or decide an approval
weft effects          what runs did to the outside world, and what became of it
weft worker           work on the runs of a store, without a page
weft budgets          what runs may use together
weft check FILE…      say what is wrong with notebooks

weft COMMAND --help tells more.`;

/** Runs a command line; returns the exit code. Never throws. */
export async function weft(args: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === "--help" || name === "help") {
    io.out(HELP);
    return name === undefined ? EXIT.usage : EXIT.ok;
  }
  try {
    const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (load === undefined) throw unknownCommand(name);
    const command = await load();
    if (rest.includes("--help")) {
      io.out(command.help);
      return EXIT.ok;
    }
    return await command.run(rest, io);
  } catch (error) {
    return explain(error, io);
  }
}

function unknownCommand(name: string): CommandError {
  const near = nearest(name, Object.keys(COMMANDS));
  const hint = near === undefined ? "weft --help lists what there is" : `Did you mean ${near}?`;
  return new CommandError(EXIT.usage, `There is no command ${name}. ${hint}`);
}

const EXIT_OF: Partial<Record<ErrorClass, number>> = {
  not_found: EXIT.notFound,
  auth: EXIT.refused,
  conflict: EXIT.conflict,
  state: EXIT.conflict,
  contention: EXIT.conflict,
  unavailable: EXIT.unavailable,
};

function exitOf(code: ErrorCode): number {
  return EXIT_OF[ERROR_CODES[code].class] ?? EXIT.failed;
}

function explain(error: unknown, io: Io): number {
  if (error instanceof CommandError) {
    io.err(error.message);
    return error.code;
  }
  if (error instanceof EngineError) {
    io.err(error.message);
    return exitOf(error.code);
  }
  io.err(`This is a bug: ${error instanceof Error ? error.stack : String(error)}`);
  return EXIT.bug;
}
