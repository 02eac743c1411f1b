/**
 * One turn of the committer, before it is written: the transitions of all runs that have something to say, as records.
 * Owns: the order in which commands apply, what follows from them, and where a turn is split. Never awaits.
 *
 * C4 A turn stays below what one atomic operation holds; it is split between commands, never inside one.
 * Q3 Runs take turns at free slots, so that a run of 1,000 ready steps delays another by one slot.
 */
import type { Millis } from "../../base/clock.ts";
import { jsonBytes } from "../../base/json.ts";
import type { EngineError } from "../../base/errors.ts";
import type { RunAction, RunCommand } from "../../run/command.ts";
import type { JournalRecord, RunEvent } from "../../run/event.ts";
import { foldEvent } from "../../run/fold.ts";
import { nextCommand } from "../../run/next.ts";
import { isRejected, transition } from "../../run/transition.ts";
import type { SignalResult } from "../../run/waits/types.ts";
import { encodeRecord } from "../../store/codec.ts";
import type { Key, Put } from "../../store/store.ts";
import type { Frame, WireEvent } from "../../wire/frame.ts";
import { narrateEvent } from "../../wire/narrate.ts";
import { MUTATIONS_AN_EFFECT } from "../effects/log.ts";
import type { LiveRun } from "./live_run.ts";

/** How a command went: applied and durable, or why not. */
export type Answer = { ok: true; result?: SignalResult } | {
  ok: false;
  code: EngineError["code"];
  reason: string;
};

/** Something to write for a run. */
export interface Item {
  live: LiveRun;
  /** Absent: only frames. */
  command?: RunCommand;
  /** Frames that become durable before or with the command. */
  frames?: Frame[];
  /** Records that are written with the command if it is applied, such as a new run's places in the lists. */
  puts?: Put[];
  /** Records that go with the command, such as the inbox entry it came from. */
  deletes?: Key[];
  /** Records that say what became of the command. */
  answers?(answer: Answer, at: Millis): Put[];
  /** Called once: when all of it is durable, when it was refused, or when the session was lost (`session_lost`). */
  settle(answer: Answer): void;
}

/** What a turn does to one run. */
export interface RunTurn {
  live: LiveRun;
  frames: FrameBatch[];
  events: RunEvent[];
  /** What the events mean to watchers; absent if nobody watches the run as the turn is built. */
  narration?: WireEvent[];
  actions: RunAction[];
  /** Whether the head record must be written again. */
  headChanged: boolean;
  /** The run was told to pause, go on, stop or cancel in this turn. */
  told: boolean;
  /** Its owner gives it back with this turn. */
  released: boolean;
  /** Of its events, and of its frames and what else goes with them. */
  bytes: number;
  besides: number;
}

/** Frames of one attempt that become durable together, and the record of them. */
export interface FrameBatch {
  frames: Frame[];
  value: Uint8Array;
}

/** A turn: its parts by run, and whom to answer. */
export interface Turn {
  at: Millis;
  watched(run: string): boolean;
  runs: Map<LiveRun, RunTurn>;
  puts: Put[];
  deletes: Key[];
  answers: { item: Item; answer: Answer }[];
  /** It writes to the inboxes of other runs. */
  posted?: boolean;
}

/**
 * Bytes of events of one run in a turn, after which its next command waits. The largest single one (an inline value,
 * warnings, a full worker's starts) has 36,000 at most, so that a record never passes 60,000.
 */
const RUN_BYTES = 24_000;
/** The same for a whole turn: with one more record and batch of frames it stays below 700 KiB. */
const TURN_BYTES = 500_000;
const TURN_MUTATIONS = 700;
/** Event, head, lease, and what else one command and the end that follows from it may write beside its frames. */
const MUTATIONS_A_COMMAND = 5;

/**
 * Takes items from the front of `queue` and applies them, then starts what may start. Changes the mirrors of the runs.
 *
 * @param slots attempts that the worker may open, shared by all its runs
 * @param hungry runs that could start something if there were slots; kept up to date
 * @param watched whether anybody follows a run
 * @param covers whether the worker has all that a step requires
 */
export function buildTurn(
  queue: Item[],
  slots: { free: number },
  hungry: Set<LiveRun>,
  at: Millis,
  watched: (run: string) => boolean,
  covers: Covers = () => true,
): Turn {
  const turn: Turn = { at, watched, runs: new Map(), puts: [], deletes: [], answers: [] };
  let bytes = 0;
  let mutations = 0;
  const kept: Item[] = [];
  const heldBack = new Set<LiveRun>();
  for (const item of queue) {
    if (item.live.released) {
      turn.answers.push({ item, answer: GIVEN_BACK });
      continue;
    }
    // A run of which nothing is taken has no part: what follows from its state must wait for its turn too, or a run whose
    // first command waits would begin before it is there.
    const known = turn.runs.get(item.live);
    const cost = mutationsOf(item, known === undefined);
    const wide = mutations > 0 && mutations + cost > TURN_MUTATIONS;
    const full = bytes > TURN_BYTES || wide || (known?.bytes ?? 0) > RUN_BYTES;
    // A record holds one change of mind, so that the order of its events needs no saying.
    const again = known?.told && item.command !== undefined && TELLING.has(item.command.type);
    if (full || again || heldBack.has(item.live)) {
      heldBack.add(item.live);
      kept.push(item);
      continue;
    }
    const part = known ?? partOf(turn, item.live);
    const before = part.bytes + part.besides;
    take(turn, part, item, slots);
    bytes += part.bytes + part.besides - before;
    mutations += cost;
  }
  queue.splice(0, queue.length, ...kept);
  for (const live of hungry) if (!turn.runs.has(live)) partOf(turn, live);
  startWhatMay(turn, slots, hungry, covers);
  for (const [live, part] of turn.runs) {
    if (part.events.length === 0 && part.frames.length === 0 && !part.released) turn.runs.delete(live);
  }
  return turn;
}

/** What a command on waits writes besides: the waitpoint and its place in the list, and the one that it answers. */
function mutationsOfWaits({ command, live: { run, listed } }: Item): number {
  return command !== undefined && (run.waitpoints !== listed || WAITS.has(command.type)) ? 4 : 0;
}

/** What an item may write. @param first it is the first of its run in the turn */
function mutationsOf(item: Item, first: boolean): number {
  const { command, frames, puts = [], deletes = [], live: { run } } = item;
  const own = MUTATIONS_A_COMMAND + mutationsOfWaits(item) + mutationsOfEffects(item) +
    (frames === undefined ? 0 : 1) + deletes.length +
    puts.length;
  if (run.children === undefined) return own;
  // Each may have to be told something and then its end, and its waitpoint goes; a new deadline may come again.
  const times = (first ? 4 : 0) + (command?.type === "changeRun" ? 1 : 0);
  return times === 0 ? own : own + times * Object.keys(run.children).length;
}

/** What a command on effects writes of the log; an adoption may bring one entry for each that was under way. */
function mutationsOfEffects({ command, live: { run } }: Item): number {
  if (command === undefined) return 0;
  const type = command.type === "reportAttempt" ? command.report.type : command.type;
  if (EFFECTS.has(type)) return MUTATIONS_AN_EFFECT;
  return command.type === "adoptRun" || command.type === "releaseRun" ? 2 * run.open.size : 0;
}

const EFFECTS: ReadonlySet<RunCommand["type"]> = new Set([
  "intendEffect",
  "settleEffect",
  "resendEffect",
  "resolveEffect",
  "compensateEffect",
  "settleUndo",
]);
/** What an entry of the effect log has beside its event. */
const ENTRY_BYTES = 600;

const WAITS: ReadonlySet<RunCommand["type"]> = new Set(["suspendAttempt", "openWaitpoint", "applySignal"]);

/** The journal record that a run's part of a turn becomes, or nothing if it has no events. */
export function recordOf(
  part: RunTurn,
  at: Millis,
  session: string,
  epoch: number,
): JournalRecord | undefined {
  if (part.events.length === 0) return undefined;
  return { seq: part.live.run.seq, at, session, epoch, events: part.events };
}

/** Records and keys of a turn. */
export interface Batch {
  puts: Put[];
  deletes: Key[];
}

function partOf(turn: Turn, live: LiveRun): RunTurn {
  const known = turn.runs.get(live);
  if (known !== undefined) return known;
  const part: RunTurn = {
    live,
    frames: [],
    events: [],
    ...(turn.watched(live.run.id) ? { narration: [] } : {}),
    actions: [],
    headChanged: false,
    told: false,
    released: false,
    bytes: 0,
    besides: 0,
  };
  turn.runs.set(live, part);
  return part;
}

const TELLING: ReadonlySet<RunCommand["type"]> = new Set(["pauseRun", "resumeRun", "stopRun", "cancelRun"]);

function take(turn: Turn, part: RunTurn, item: Item, slots: { free: number }): void {
  if (item.frames !== undefined && item.frames.length > 0) {
    const value = encodeRecord(item.frames);
    part.frames.push({ frames: item.frames, value });
    part.besides += value.length;
  }
  turn.deletes.push(...item.deletes ?? []);
  const answer = item.command === undefined ? { ok: true } as const : apply(turn, part, item.command, slots);
  if (answer.ok) turn.puts.push(...item.puts ?? []);
  turn.puts.push(...item.answers?.(answer, turn.at) ?? []);
  turn.answers.push({ item, answer });
}

const GIVEN_BACK: Answer = {
  ok: false,
  code: "lease_lost",
  reason: "The run was given back; its next owner has to be told",
};

/** Applies a command to the mirror; the first events of a turn claim the journal's next number. */
function apply(turn: Turn, part: RunTurn, command: RunCommand, slots: { free: number }): Answer {
  const { run } = part.live;
  const decision = transition(run, command, turn.at);
  if (isRejected(decision)) return { ok: false, code: decision.rejected, reason: decision.reason };
  if (decision.events.length > 0 && part.events.length === 0) run.seq++;
  for (const event of decision.events) {
    const open = run.open.size - run.away.size;
    if (part.narration === undefined) foldEvent(run, event, turn.at);
    else part.narration.push(...narrateEvent(run, event, run.seq, turn.at, part.narration.length));
    // What a former session had open never took a slot of this one.
    if (event.type !== "run.adopted") slots.free -= run.open.size - run.away.size - open;
    part.events.push(event);
    const bytes = jsonBytes(event);
    part.bytes += bytes;
    // Its entry in the log says all of it again.
    if ("effect" in event) part.besides += bytes + ENTRY_BYTES;
    part.headChanged ||= event.type.startsWith("run.");
  }
  if (command.type === "releaseRun") part.released = part.live.released = part.headChanged = true;
  part.actions.push(...decision.actions);
  part.told ||= TELLING.has(command.type);
  return decision.result === undefined ? { ok: true } : { ok: true, result: decision.result };
}

type Covers = (requires: readonly string[]) => boolean;

function startWhatMay(turn: Turn, slots: { free: number }, hungry: Set<LiveRun>, covers: Covers): void {
  const waiting = [...hungry].map((live) => turn.runs.get(live)!);
  let parts = [...new Set([...waiting, ...turn.runs.values()])];
  while (parts.length > 0) {
    parts = parts.filter((part) => {
      const full = part.bytes > RUN_BYTES || part.live.released;
      const command = full ? undefined : nextOf(part.live, slots.free, turn.at, covers);
      if (command !== undefined) {
        apply(turn, part, command, slots);
        if (command.type === "startAttempt") hungry.delete(part.live);
      }
      return command !== undefined;
    });
  }
  for (const { live } of turn.runs.values()) {
    if (live.released || nextOf(live, 1, turn.at, covers) === undefined) hungry.delete(live);
    else hungry.add(live);
  }
}

/** What follows from a run's state; one that was taken up only to be told something may end, and starts nothing. */
function nextOf(
  { run, heldBack }: LiveRun,
  slots: number,
  at: Millis,
  covers: Covers,
): RunCommand | undefined {
  const command = nextCommand(run, slots, at, covers);
  return heldBack && command !== undefined && STARTING.has(command.type) ? undefined : command;
}

const STARTING: ReadonlySet<RunCommand["type"]> = new Set(["startRun", "startAttempt"]);
