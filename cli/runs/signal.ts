/**
 * `weft signal`: sends a signal, or decides an approval (CL-208). Owns: its arguments and exit codes.
 */
import { type Json, parseJson } from "../../engine/base/json.ts";
import type { SignalResult } from "../../engine/mod.ts";
import { type Arguments, readArguments } from "../flags.ts";
import { CommandError, EXIT, type Io } from "../io.ts";
import { openStudio, type Studio } from "../open_studio.ts";
import { readSettings } from "../settings.ts";

/** Help of this command. */
export const SIGNAL_HELP = `weft signal RUN NAME [--payload JSON] [--key KEY]
weft signal WAITPOINT [NAME] [--payload JSON] [--key KEY] [--token-file FILE]
weft signal WAITPOINT --approve | --reject [--note TEXT] [--payload JSON]

Sends a signal to a run or to one of its waitpoints, or decides an approval. It works with the process that has the
store, or alone if there is none, and then starts no cell.

  --payload JSON     what the signal carries; with --approve the value instead of the one asked about
  --key KEY          names this signal: sent again, it is not taken again and gets the first answer
  --token-file FILE  the token to send with, instead of one made from the secrets here
  --note TEXT        a word to the decision
  --store ADDRESS    memory:, a file, or the https address of a KV Connect server (WEFT_STORE)
  --json             one JSON object on standard output

Example: weft signal run_01k3 paid --payload '{"order": 7}'`;

const BY = "terminal";
const ANSWER_MS = 10_000;

/** Runs the command; returns its exit code. */
export async function signal(args: readonly string[], io: Io): Promise<number> {
  const read = readArguments(args, {
    payload: { type: "string" },
    key: { type: "string" },
    "token-file": { type: "string" },
    approve: { type: "boolean" },
    reject: { type: "boolean" },
    note: { type: "string" },
    store: { type: "string" },
    json: { type: "boolean" },
  });
  const [to, name, ...rest] = read.files;
  const decides = read.on("approve") || read.on("reject");
  checkWords(read, to, name, rest, decides);
  const payload = payloadOf(read.text("payload"));
  const token = await tokenIn(read.text("token-file"));
  const run = to!.startsWith("wp_") ? undefined : to!;
  const settings = readSettings(io, { store: read.text("store"), logLevel: "warn" });
  const only = [run ?? `run_${to!.split("_")[1]}`];
  const studio = await openStudio(settings, io, { mayBeClient: true, only, idle: true });
  try {
    const answer = decides
      ? await decide(studio, to!, read, payload)
      : run === undefined
      ? await toWaitpoint(studio, to!, name, token, read.text("key"), payload)
      : await toRun(studio, run, name!, read.text("key"), payload);
    io.out(read.on("json") ? JSON.stringify({ schema: "weft.signal.v1", ...answer }) : wordsOf(answer));
    return EXIT.ok;
  } finally {
    await studio.close();
  }
}

type Answer = SignalResult | { state: string; needed: number };

function decide({ engine }: Studio, waitpoint: string, read: Arguments, value: Json | undefined) {
  const note = read.text("note");
  return engine.waitpoints.decide(waitpoint, BY, {
    decision: read.on("approve") ? "approve" : "reject",
    ...note === undefined ? {} : { note },
    ...value === undefined ? {} : { value },
  });
}

async function toWaitpoint(
  { engine: { waitpoints } }: Studio,
  waitpoint: string,
  name: string | undefined,
  token: string | undefined,
  key: string | undefined,
  payload: Json | undefined,
): Promise<SignalResult> {
  return await waitpoints.signal(waitpoint, token ?? (await waitpoints.token(waitpoint)).token, {
    ...name === undefined ? {} : { name },
    ...key === undefined ? {} : { key },
    ...payload === undefined ? {} : { payload },
  });
}

async function toRun(
  { engine }: Studio,
  run: string,
  name: string,
  signalKey: string | undefined,
  payload: Json | undefined,
): Promise<SignalResult> {
  const told = await engine.tell(run, {
    type: "applySignal",
    name,
    by: BY,
    ...signalKey === undefined ? {} : { signalKey },
    ...payload === undefined ? {} : { payload },
  }, { waitMs: ANSWER_MS });
  if (told.result !== undefined) return told.result;
  throw new CommandError(EXIT.unavailable, "The signal is kept; whoever has the run has not taken it up yet");
}

function checkWords(
  read: Arguments,
  to: string | undefined,
  name: string | undefined,
  rest: string[],
  decides: boolean,
): void {
  const usage = (message: string) => new CommandError(EXIT.usage, message);
  if (to === undefined || rest.length > 0) throw usage("Say weft signal RUN NAME or weft signal WAITPOINT");
  if (read.on("approve") && read.on("reject")) throw usage("Say either --approve or --reject");
  const waitpoint = to.startsWith("wp_");
  if (decides && (!waitpoint || name !== undefined)) {
    throw usage("A decision goes to a waitpoint and has no name: weft signal WAITPOINT --approve");
  }
  if (!decides && read.text("note") !== undefined) throw usage("--note goes with --approve or --reject");
  if (!waitpoint && name === undefined) throw usage("Say which signal: weft signal RUN NAME");
}

function payloadOf(given: string | undefined): Json | undefined {
  if (given === undefined) return undefined;
  const parsed = parseJson(given);
  if (parsed.ok) return parsed.value;
  throw new CommandError(
    EXIT.usage,
    `--payload must be JSON, so that a text stands in quotes. ${parsed.reason}`,
  );
}

async function tokenIn(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return (await Deno.readTextFile(path)).trim();
  } catch {
    throw new CommandError(EXIT.notFound, `The token cannot be read: ${path}`);
  }
}

function wordsOf(answer: Answer): string {
  if ("state" in answer) {
    return answer.needed > 0 ? `Counted; ${answer.needed} more needed` : answer.state;
  }
  const needs = answer.needs.map(({ names, count }) => `${count} of ${names.join(" or ")}`).join(", ");
  return needs === "" ? answer.answer : `${answer.answer}; it still waits for ${needs}`;
}
