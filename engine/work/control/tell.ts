/**
 * Telling runs what to do, whoever owns them (EN-101, EN-511). Owns: the way of a command to its run and of the answer
 * back. Never: what a command means; that is `engine/run`.
 *
 * A run that this process owns is told at once; any other through its inbox, from which its owner, or whoever claims it
 * for that, takes the command and leaves an answer.
 */
import type { Artifacts } from "../../artifacts/artifacts.ts";
import type { Clock } from "../../base/clock.ts";
import { EngineError } from "../../base/errors.ts";
import { sha256 } from "../../base/hash.ts";
import type { Ids } from "../../base/ids.ts";
import { canonicalJson, depthWithin, type Json, MAX_DEPTH } from "../../base/json.ts";
import type { ControlCommand, Resolution } from "../../run/command.ts";
import type { StoredValue } from "../../plan/types.ts";
import type { Run } from "../../run/state.ts";
import type { Hold } from "../../run/state.ts";
import type { SignalResult } from "../../run/waits/types.ts";
import { isRejected, transition } from "../../run/transition.ts";
import { encodeRecord } from "../../store/codec.ts";
import { answerKey, inboxKey, inboxPrefix, LANE, leaseKey } from "../../store/keys.ts";
import type { Store } from "../../store/store.ts";
import { answersTo } from "../claim/inbox.ts";
import type { RunHead } from "../commit/live_run.ts";
import type { Answer } from "../commit/turn.ts";
import { named } from "../request/idempotency.ts";
import { type CommandAnswer, knownCode, readAnswer, readLease } from "../records.ts";
import { checkLane } from "../lanes/asked.ts";
import { hashOf, holdsOf } from "../upkeep/names.ts";
import { factsOf } from "../waits/facts.ts";
import type { Worker } from "../worker.ts";

/** Commands that have another form here, or that only workers give each other. */
const OF_THE_ENGINE = [
  "supplyValue",
  "releaseRun",
  "applySignal",
  "resumeSuspension",
  "childEnded",
  "resolveEffect",
  "routeAttempt",
  "reportAttempt",
  "loseAttempt",
  "wakeStep",
] as const;

/** What a run can be told. `by` is who says so; a value for a step is given whole. */
export type Instruction =
  | Exclude<ControlCommand, { type: typeof OF_THE_ENGINE[number] }>
  | { type: "supplyValue"; step: string; value: Json; by: string; reason?: string }
  /** `by` is who was found to send it; `signalKey` names it for a day, on whatever way it comes. */
  | { type: "applySignal"; name: string; by: string; payload?: Json; signalKey?: string; waitpoint?: string }
  | { type: "resumeSuspension"; step: string; payload?: Json; by: string; reason?: string }
  /** `result`: with `done`, what came of it. */
  | {
    type: "resolveEffect";
    step: string;
    effect: string;
    as: Resolution;
    result?: Json;
    by: string;
    note: string;
  };

/** How to tell it. */
export interface TellOptions {
  /** Names this command: a second one with this key is not given again and gets the first one's answer. */
  key?: string;
  /** How long to wait for the answer of a run that another process owns, in ms. Default 2,000. */
  waitMs?: number;
}

/** What became of it so far: applied and durable, or kept for the run's owner. What is refused is thrown. */
export interface Told {
  /** Id of the command. */
  command: string;
  state: "applied" | "pending";
  /** Its key had named it before, so that this is the first one's answer. */
  replayed?: true;
  /** What became of a signal. */
  result?: SignalResult;
}

/** What telling needs. */
export interface ControlPorts {
  store: Store;
  artifacts: Artifacts;
  clock: Clock;
  ids: Ids;
  worker?: Worker;
  /** Throws `run_not_found`. */
  headOf(run: string): Promise<RunHead>;
  load(head: RunHead): Promise<Run>;
}

/** Characters kept of who says something, and of why: an event must fit a record. */
const MOST_BY = 200;
const MOST_REASON = 2_000;
/** Commands that may wait for one run. */
const MOST_COMMANDS = 10_000;
const WAIT_MS = 2_000;
/** How often an answer is looked for: soon at first. */
const LOOKS_MS = [5, 10, 20, 40, 80];

/** Tells a run. Throws `run_not_found`, `inbox_full`, `idempotency_conflict`, and the code with which it refuses. */
export async function tell(
  ports: ControlPorts,
  run: string,
  instruction: Instruction,
  { key, waitMs = WAIT_MS }: TellOptions = {},
): Promise<Told> {
  const head = await ports.headOf(run);
  const command = await commandOf(ports, head, instruction);
  if (head.phase === "ended" && key === undefined) {
    // What has ended changes only by a command, so that its refusal needs no owner.
    const decision = transition(await ports.load(head), command, ports.clock.now());
    if (isRejected(decision)) throw new EngineError(decision.rejected, decision.reason);
    // EN-1005 The answer that a signal's key has, also after the end.
    if (decision.result !== undefined) return { command: "", state: "applied", result: decision.result };
  }
  return await give(ports, run, command, key, waitMs);
}

/** Lets a step go on that is held for this, whoever has its run; what is not held any more stays as it is. */
export async function wake(ports: ControlPorts, run: string, step: string, wait: Hold): Promise<void> {
  await give(ports, run, { type: "wakeStep", step, wait }, undefined, 0);
}

/** What became of a command. Throws `command_not_found`: there was none, or its day is over. */
export async function answerOf(
  { store, headOf }: ControlPorts,
  run: string,
  command: string,
): Promise<CommandAnswer | { state: "pending" }> {
  await headOf(run);
  // The inbox first: a command leaves it in the commit that writes its answer.
  const waiting = (await store.get([inboxKey(run, command)]))[0];
  const answer = (await store.get([answerKey(run, command)]))[0];
  if (answer !== undefined) return readAnswer(answer);
  if (waiting !== undefined) return { state: "pending" };
  throw new EngineError("command_not_found", `Run ${run} has no command of this id: ${command.slice(0, 60)}`);
}

/**
 * Makes the owner of a run hand it back (EN-512). With `force` the owner is not asked: its whole session is taken, and
 * everything that it has is taken up anew.
 *
 * @returns how often the run had changed owner before; a later owner has a higher number
 * @throws {EngineError} `run_not_found`, and `lease_lost` if `expectEpoch` is given and it is another
 */
export async function release(
  ports: ControlPorts,
  run: string,
  { expectEpoch, force = false }: { expectEpoch?: number; force?: boolean } = {},
): Promise<{ epoch: number }> {
  const { store, worker } = ports;
  const head = await ports.headOf(run);
  const [entry] = await store.get([leaseKey(run)]);
  const lease = entry === undefined ? undefined : readLease(entry);
  const epoch = lease?.epoch ?? head.epoch ?? 0;
  if (expectEpoch !== undefined && expectEpoch !== epoch) {
    throw new EngineError("lease_lost", `Run ${run} has changed owner ${epoch} times, not ${expectEpoch}`);
  }
  if (lease === undefined) return { epoch };
  if (!force) await give(ports, run, { type: "releaseRun", reason: "operator" }, undefined, 5_000);
  else if (worker?.owns(run)) worker.giveUp();
  else {
    const taken = await store.openSession(lease.session, FORCED_TTL_MS, "");
    if (taken !== undefined) await store.closeSession(taken);
    worker?.ring();
  }
  return { epoch };
}

const FORCED_TTL_MS = 15_000;

/** A command as the run takes it: bounded, and with its value stored. */
async function commandOf(
  ports: ControlPorts,
  run: RunHead,
  given: Instruction,
): Promise<ControlCommand> {
  const by = given.by.slice(0, MOST_BY);
  const reason = "reason" in given && given.reason !== undefined
    ? { reason: given.reason.slice(0, MOST_REASON) }
    : {};
  switch (given.type) {
    case "supplyValue":
      return { ...given, by, ...reason, value: await storedFor(ports, run, given.value) };
    case "applySignal": {
      const { name, payload, waitpoint, signalKey: key } = given;
      const known = payload === undefined ? undefined : await storedFor(ports, run, payload);
      const facts = known === undefined || "inline" in known ? undefined : factsOf(payload!);
      const signal = {
        id: ports.ids.next("sig"),
        name,
        source: by,
        ...(known === undefined ? {} : { payload: known }),
        ...(facts === undefined ? {} : { facts }),
      };
      return {
        type: given.type,
        signal,
        ...(waitpoint === undefined ? {} : { waitpoint }),
        ...(key === undefined ? {} : { key }),
      };
    }
    case "resumeSuspension": {
      const { step, payload } = given;
      const known = payload === undefined ? {} : { payload: await storedFor(ports, run, payload) };
      return { type: given.type, step, id: ports.ids.next("sig"), ...known, by, ...reason };
    }
    case "changeRun":
      if (given.lane !== undefined) await checkLane(ports.store, given.lane ?? LANE);
      return { ...given, by };
    case "resolveEffect": {
      const { result, note, ...rest } = given;
      const known = result === undefined ? {} : { result: await storedFor(ports, run, result) };
      return { ...rest, ...known, by, note: note.slice(0, MOST_REASON) };
    }
    case "compensateEffect":
      return { ...given, by };
    default:
      return { ...given, by, ...reason };
  }
}

/** A value that a command carries, stored for as long as the run is. */
async function storedFor(
  { artifacts, store }: ControlPorts,
  run: RunHead,
  given: Json,
): Promise<StoredValue> {
  if (!depthWithin(given, MAX_DEPTH)) {
    throw new EngineError("schema_invalid", `A value may be nested ${MAX_DEPTH} deep`);
  }
  const value = await artifacts.put(given);
  const holds = holdsOf(run.id, hashOf(value), run.createdAt);
  // The command may lie in the inbox for longer than content without holders is kept.
  if (holds.length > 0) await store.submit(holds, []);
  return value;
}

async function give(
  ports: ControlPorts,
  run: string,
  command: ControlCommand,
  key: string | undefined,
  waitMs: number,
): Promise<Told> {
  const { store, ids, worker } = ports;
  const id = ids.next("cmd");
  const answer = key === undefined ? await worker?.command(run, command, answersTo(run, id)) : undefined;
  if (answer !== undefined && !isElsewhere(answer)) return settled(id, answer);
  await roomFor(store, run);
  const posted = key === undefined ? id : await postOnce(ports, run, id, command, key);
  if (key === undefined) await store.post(run, id, encodeRecord(command));
  worker?.ring();
  const told = await awaited(ports, run, posted, waitMs);
  return posted === id ? told : { ...told, replayed: true };
}

/** The run has another owner by now. */
function isElsewhere(answer: Answer): boolean {
  return !answer.ok && (answer.code === "session_lost" || answer.code === "lease_lost");
}

function settled(command: string, answer: Answer): Told {
  if (answer.ok) return { command, state: "applied", ...given(answer) };
  throw new EngineError(answer.code, answer.reason);
}

async function roomFor(store: Store, run: string): Promise<void> {
  let waiting = 0;
  for await (const _ of store.list(inboxPrefix(run), { limit: MOST_COMMANDS })) waiting++;
  if (waiting < MOST_COMMANDS) return;
  throw new EngineError("inbox_full", `${MOST_COMMANDS} commands wait for run ${run}, which is the most`);
}

/** Posts a command whose key was not used before; the id of the one that was. */
async function postOnce(
  { store, clock }: ControlPorts,
  run: string,
  id: string,
  command: ControlCommand,
  key: string,
): Promise<string> {
  const fingerprint = sha256(canonicalJson(asked(command) as unknown as Json));
  const find = () => named(store, `${run}/${key}`, fingerprint, clock.now());
  const name = await find();
  if (name.made !== undefined) return name.made;
  const puts = [name.put(id), { key: inboxKey(run, id), value: encodeRecord(command) }];
  if (await store.submit(puts, name.unless) === "ok") return id;
  return (await find()).made ?? id;
}

/** What a command asks for, without what is drawn anew each time that it is asked. */
function asked(command: ControlCommand): object {
  if (command.type === "applySignal") return { ...command, signal: { ...command.signal, id: "" } };
  return { ...command, by: "", ...("id" in command ? { id: "" } : {}) };
}

/** Looks for the answer until it is there or the time is over. */
async function awaited(
  { store, clock }: ControlPorts,
  run: string,
  id: string,
  waitMs: number,
): Promise<Told> {
  const until = clock.monotonic() + waitMs;
  for (let look = 0;; look++) {
    const [entry] = await store.get([answerKey(run, id)]);
    if (entry !== undefined) {
      const answer = readAnswer(entry);
      if (answer.state === "applied") return { command: id, state: "applied", ...given(answer) };
      throw new EngineError(knownCode(answer.code), answer.reason);
    }
    const left = until - clock.monotonic();
    if (left <= 0) return { command: id, state: "pending" };
    await clock.sleep(Math.min(left, LOOKS_MS[look] ?? LOOKS_MS.at(-1)!));
  }
}

function given({ result }: { result?: SignalResult }): { result?: SignalResult } {
  return result === undefined ? {} : { result };
}
