/**
 * `weft effects`: lists what runs did to the outside world, looks at one effect, says what became of one that is in doubt.
 * Owns: its arguments, its lines and its exit codes.
 */
import { type Json, parseJson } from "../../engine/base/json.ts";
import {
  type Effect,
  EFFECT_STATES,
  type EffectAnswer,
  type EffectState,
  type Engine,
  RESOLUTIONS,
} from "../../engine/mod.ts";
import { effectShape } from "../../routes/api/effects/effects.ts";
import { type Arguments, readArguments } from "../flags.ts";
import { CommandError, EXIT, type Io } from "../io.ts";
import { openStudio } from "../open_studio.ts";
import { readSettings, type Settings } from "../settings.ts";
import { hasEnded, limitOf } from "./runs.ts";

/** Help of this command. */
export const EFFECTS_HELP = `weft effects [RUN] [--state STATE] [--limit 50]
weft effects show ID
weft effects resolve ID --as done|not_done|retry|compensated --note TEXT [--result JSON]

Lists what runs did to the outside world, oldest first, looks at one effect, or says what became of one that is in doubt;
its cell then goes on. It works with the process that has the store, or alone if there is none, and then starts no cell.

  --state STATE    one of ${EFFECT_STATES.join(", ")}
  --as done        it has happened; the cell gets --result as its value, or null
  --as not_done    it has not happened; the cell does it
  --as retry       it is sent again, with the same key, whatever has happened
  --as compensated it has happened and was undone by hand
  --note TEXT      how that is known; it is kept with the effect
  --store ADDRESS  memory:, a file, or the https address of a KV Connect server (WEFT_STORE)
  --json           one JSON object on standard output

Example: weft effects resolve eff_01k3 --as not_done --note 'The bank has no such payment'`;

const BY = "terminal";

/** Runs the command; returns its exit code. */
export async function effects(args: readonly string[], io: Io): Promise<number> {
  const read = readArguments(args, {
    state: { type: "string" },
    limit: { type: "string" },
    as: { type: "string" },
    note: { type: "string" },
    result: { type: "string" },
    store: { type: "string" },
    json: { type: "boolean" },
  });
  const [what, id, ...more] = read.files;
  const settings = readSettings(io, { store: read.text("store"), logLevel: "warn" });
  const print = (lines: string[], json: object) => {
    if (read.on("json")) io.out(JSON.stringify({ schema: "weft.effects.v1", ...json }));
    else for (const line of lines) io.out(line);
  };
  if (what !== "show" && what !== "resolve") {
    if (id !== undefined) {
      throw usage("Say weft effects [RUN], weft effects show ID or weft effects resolve ID");
    }
    refuseAnswer(read);
    const state = stateOf(read.text("state"));
    const limit = limitOf(read.text("limit"));
    return await withEngine(settings, io, [], async ({ engine }) => {
      const { items, more } = await listed(engine, what, state, limit);
      print(items.map(lineOf), { effects: items.map(effectShape), ...more ? { more } : {} });
      if (more) io.err(`There are more than these ${limit}; --limit shows more`);
      return EXIT.ok;
    });
  }
  if (id === undefined || more.length > 0) throw usage(`Say weft effects ${what} ID`);
  for (const flag of ["state", "limit"]) {
    if (read.text(flag) !== undefined) throw usage(`--${flag} goes with a list: weft effects [RUN]`);
  }
  if (what === "show") {
    refuseAnswer(read);
    return await withEngine(settings, io, [], async ({ engine }) => {
      const effect = await engine.effects.get(id);
      const [request, result] = await Promise.all(
        [effect.parameters, effect.result].map((stored) => stored && engine.read(stored)),
      );
      print(linesOf(effect, request!, result), {
        effect: { ...effectShape(effect), parameters: request, ...result === undefined ? {} : { result } },
      });
      return EXIT.ok;
    });
  }
  const answer = answerOf(read);
  // Only its run is taken up, and which one that is has to be looked up first.
  const { runId } = await withEngine(settings, io, [], ({ engine }) => engine.effects.get(id));
  return await withEngine(settings, io, [runId], async ({ engine, client }) => {
    const { state: told } = await engine.effects.resolve(id, BY, answer);
    if (told === "pending") {
      print(["The run's owner has not answered yet; it will find the command"], { id, answer: told });
      return EXIT.timeout;
    }
    const effect = await engine.effects.get(id);
    print([answer.as === "retry" ? `${id} is sent again` : `${id} ${effect.state}`], {
      effect: effectShape(effect),
    });
    if (!client && !hasEnded(await engine.state(runId))) {
      io.err("Nobody runs it now. It goes on when a studio has this store: weft serve");
    }
    return EXIT.ok;
  });
}

/** Opens the studio for one thing; nothing is started. */
async function withEngine<T>(
  settings: Settings,
  io: Io,
  only: readonly string[],
  use: (studio: { engine: Engine; client: boolean }) => Promise<T>,
): Promise<T> {
  const studio = await openStudio(settings, io, { mayBeClient: true, only, idle: true });
  try {
    return await use(studio);
  } finally {
    await studio.close();
  }
}

async function listed(
  engine: Engine,
  run: string | undefined,
  state: EffectState | undefined,
  limit: number,
): Promise<{ items: Effect[]; more: boolean }> {
  const items: Effect[] = [];
  let after: string | undefined;
  do {
    const page = await engine.effects.list({
      limit: limit - items.length,
      ...run === undefined ? {} : { run },
      ...state === undefined ? {} : { state },
      ...after === undefined ? {} : { after },
    });
    items.push(...page.items);
    after = page.next;
  } while (after !== undefined && items.length < limit);
  // What a run did outlasts it, so that a run without a head is unknown only if it did nothing.
  if (items.length === 0 && run !== undefined) await engine.inspect(run);
  return { items, more: after !== undefined };
}

function stateOf(given: string | undefined): EffectState | undefined {
  const state = EFFECT_STATES.find((known) => known === given);
  if (given === undefined || state !== undefined) return state;
  throw usage(`--state is one of ${EFFECT_STATES.join(", ")}: current value is ${given.slice(0, 60)}`);
}

function refuseAnswer(read: Arguments): void {
  for (const flag of ["as", "note", "result"]) {
    if (read.text(flag) !== undefined) throw usage(`--${flag} goes with weft effects resolve ID`);
  }
}

function answerOf(read: Arguments): EffectAnswer {
  const said = read.text("as");
  const as = RESOLUTIONS.find((known) => known === said);
  if (as === undefined) throw usage(`Say what became of it: --as ${RESOLUTIONS.join(", --as ")}`);
  const note = read.text("note")?.trim() ?? "";
  if (note === "") throw usage("Say how you know: --note TEXT");
  const given = read.text("result");
  if (given === undefined) return { as, note };
  if (as !== "done") throw usage("--result goes with --as done");
  const parsed = parseJson(given);
  if (parsed.ok) return { as, note, result: parsed.value };
  throw usage(`--result must be JSON, so that a text stands in quotes. ${parsed.reason}`);
}

const STATE = Math.max(
  ...EFFECT_STATES.filter((state) => state !== "compensation-failed").map((s) => s.length),
);
const UNDO = {
  reversible: "can be undone",
  idempotent: "safe to repeat",
  irreversible: "cannot be undone",
  eventual: "undone by a service",
};

/** An effect in a list: id, state, when it was intended, cell, what it is. */
function lineOf({ id, state, at, runId, cell, description }: Effect): string {
  return `${id}  ${state.padEnd(STATE)}  ${new Date(at).toISOString()}  ${runId}  ${cell}: ${
    oneLine(description)
  }`;
}

function linesOf(effect: Effect, request: Json, result: Json | undefined): string[] {
  const { id, state, description, operation, service, descriptor, runId, cell, attempt, error } = effect;
  const reason = descriptor.type === "irreversible" ? `: ${oneLine(descriptor.reason)}` : "";
  const rows: [string, string | undefined][] = [
    ["effect", id],
    ["state", state],
    ["what", oneLine(description)],
    ["operation", `${operation} at ${service}`],
    ["undo", `${UNDO[descriptor.type]}${reason}`],
    ["run", `${runId}, cell ${cell}, attempt ${attempt}`],
    ["key", effect.idempotencyKey],
    ["request", short(request)],
    ["result", result === undefined ? undefined : short(result)],
    ["error", error === undefined ? undefined : oneLine(`${error.code}: ${error.message}`)],
  ];
  const history = effect.entries.map(({ at, type, by, note }) =>
    `${new Date(at).toISOString()}  ${type.slice("effect.".length)} by ${by}${
      note ? `: ${oneLine(note)}` : ""
    }`
  );
  return [
    ...rows.flatMap(([name, value]) => value === undefined ? [] : [`${name.padEnd(12)}${value}`]),
    ...history,
  ];
}

const LONGEST = 500;

function short(value: Json): string {
  const text = JSON.stringify(value);
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST).toWellFormed()}… (--json shows all of it)`;
}

/** What comes from outside stays on its line and moves no cursor. */
function oneLine(text: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what must not reach a terminal
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ");
}

function usage(message: string): CommandError {
  return new CommandError(EXIT.usage, message);
}
