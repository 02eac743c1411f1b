/**
 * `weft worker`: a process that only works on a store. Owns: its arguments, and starting and ending it in order.
 *
 * EN-2101 It ends as the server does: no more claims, attempts get 30 s, what is left is given back.
 */
import { areTokens, TOKENS_FORM } from "../engine/notebook/syntax/capability.ts";
import { LANE_NAME } from "../engine/notebook/syntax/lane_name.ts";
import { readArguments } from "./flags.ts";
import { CommandError, EXIT, type Io } from "./io.ts";
import { openStudio } from "./open_studio.ts";
import { readSettings } from "./settings.ts";

/** How long attempts may go on once the worker is to end. */
const DRAIN_MS = 30_000;
const MOST_SLOTS = 1_000;

/** Help of this command. */
export const WORKER_HELP = `weft worker [--capabilities gpu,kind:python] [--lanes a,b] [--slots 32] [--id ID]
            [--store ADDRESS]

Works on the runs of a store until it is told to end, without a page.

  --capabilities TOKENS  what it can do that others may not; cells say by requires that they need it
  --lanes LANES          takes up runs of these lanes only; all lanes if absent
  --slots N              attempts that it runs at a time
  --id ID                its id; no two live processes may share one
  --store ADDRESS        postgres://…, or the https address of a KV Connect server, for as many workers as you like; a file
                         has one process that works on it, so that a studio and a worker cannot share one (WEFT_STORE)

Example: weft worker --store postgres://localhost/weft --capabilities gpu --slots 2`;

/** Runs the command until the signal aborts; returns its exit code. */
export async function worker(args: readonly string[], io: Io): Promise<number> {
  const read = readArguments(args, {
    capabilities: { type: "string", multiple: true },
    lanes: { type: "string", multiple: true },
    slots: { type: "string" },
    id: { type: "string" },
    store: { type: "string" },
  });
  if (read.files.length > 0) {
    throw new CommandError(EXIT.usage, `weft worker takes no files: ${read.files[0]} is one too many`);
  }
  const capabilities = listOf(read.all("capabilities"));
  if (!areTokens(capabilities)) {
    throw new CommandError(EXIT.usage, `--capabilities must be ${TOKENS_FORM}`);
  }
  const lanes = listOf(read.all("lanes"));
  const wrong = lanes.find((lane) => !LANE_NAME.test(lane));
  if (wrong !== undefined) {
    throw new CommandError(
      EXIT.usage,
      `--lanes names lanes, of letters, digits and . _ -: current value is ${wrong}`,
    );
  }
  const slots = slotsOf(read.text("slots"));
  const id = read.text("id");
  if (id !== undefined && !LANE_NAME.test(id)) {
    throw new CommandError(
      EXIT.usage,
      `--id has letters, digits and . _ -, 64 at most: current value is ${id}`,
    );
  }
  const settings = readSettings(io, { store: read.text("store") });
  const studio = await openStudio(settings, io, {
    worker: {
      capabilities,
      ...lanes.length === 0 ? {} : { lanes },
      ...slots === undefined ? {} : { slots },
      ...id === undefined ? {} : { id },
    },
  });
  try {
    const able = capabilities.length === 0 ? "" : ` with ${capabilities.join(", ")}`;
    io.err(`Weft works on ${lanes.length === 0 ? "all lanes" : `lanes ${lanes.join(", ")}`}${able}`);
    await aborted(io.signal);
    await studio.close(DRAIN_MS);
  } finally {
    await studio.close();
  }
  return EXIT.ok;
}

function listOf(given: readonly string[]): string[] {
  return given.flatMap((text) => text.split(",")).map((text) => text.trim()).filter((text) => text !== "");
}

function slotsOf(given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const slots = Number(given);
  if (/^\d{1,4}$/.test(given) && slots >= 1 && slots <= MOST_SLOTS) return slots;
  throw new CommandError(
    EXIT.usage,
    `--slots is a number from 1 to ${MOST_SLOTS}: current value is ${given}`,
  );
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
