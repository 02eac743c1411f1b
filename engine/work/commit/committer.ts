/**
 * Group commit: everything that a worker's runs have to say goes to the store in turns, one in flight at a time.
 * Owns: when a turn is written, and what may happen only after. Never: what a command means (`engine/run`).
 *
 * C1 An answered item is durable.
 * C2 A handler starts, a watcher is told and a caller is answered only after the turn is durable.
 * L3 After a refusal nothing of the turn exists anywhere: the mirrors are dropped with the session.
 *
 * ```
 *   items ──▶ [queue] ──▶ build turn ──▶ commit ──ok──▶ publish · act · answer ──▶ next turn
 *                ▲ whatever arrives meanwhile        └─fenced─▶ lost: drop all, once
 * ```
 *
 * There is no timer: a turn is written as soon as the one before it is durable, and holds whatever came in between.
 */
import { breath, type Clock } from "../../base/clock.ts";
import { hit } from "../../base/faults.ts";
import type { Log } from "../../base/log.ts";
import type { Retention } from "../../notebook/policy.ts";
import type { RunAction } from "../../run/command.ts";
import type { Check, CommitResult, Key, Put, Store } from "../../store/store.ts";
import { eventKey, frameKey, leaseKey, pastKey, runKey } from "../../store/keys.ts";
import { encodeRecord } from "../../store/codec.ts";
import { isOutage, tellOutage } from "../outage.ts";
import { passedOn } from "../children/reach.ts";
import type { Feed } from "../stream/feed.ts";
import { dueEntry, duePut, retired } from "../upkeep/due.ts";
import { holdsOf, namesOfEvent } from "../upkeep/names.ts";
import { freeSlots } from "../quota/slots.ts";
import { settleLoans } from "../spend/shared/loans.ts";
import { EffectWrites } from "../effects/log.ts";
import { WaitpointWrites } from "../waits/listed.ts";
import { headOf, type LiveRun, placeOf } from "./live_run.ts";
import type { HeldSession } from "./session.ts";
import { itemOf } from "../../run/words/item.ts";
import { type Answer, type Batch, buildTurn, type Item, recordOf, type RunTurn, type Turn } from "./turn.ts";

/** Claims without checks, such as snapshots, that go together. */
const MOST_CLAIMS = 8;
/** Records that claims write which go together. */
const MOST_WRITTEN = 300;
/** Longest wait between tries at a store that does not answer. */
const OUTAGE_MS = 5_000;

const LOST: Answer = {
  ok: false,
  code: "session_lost",
  reason: "The worker lost its session; send the command again",
};

/** What the committer needs of its worker. */
export interface CommitterPorts {
  store: Store;
  held: HeldSession;
  feed: Feed;
  clock: Clock;
  log: Log;
  retention: Retention;
  slots: { free: number };
  /** Whether this worker has all that a step requires. */
  covers(requires: readonly string[]): boolean;
  /** Carries out what a turn calls for. */
  act(live: LiveRun, action: RunAction): void;
  /** A run has ended or was given back, and that is durable. */
  gone(live: LiveRun): void;
  /** Slots of these quotas are free, and something in these budgets was settled; both are durable. */
  freed(quotas: string[], budgets: string[]): void;
  /** Something of a run that goes on is durable. */
  written(live: LiveRun): void;
  /** Something was written to the inboxes of other runs. */
  posted(): void;
  /** The session is lost; nothing of this committer will be written any more. */
  lost(): void;
}

/** An operation of its own, which may lose a race: a claim. */
interface Claim {
  checks: Check[];
  puts: Put[];
  deletes: Key[];
  settle(result: CommitResult): void;
}

/** See the module comment. */
export class Committer {
  #queue: Item[] = [];
  #claims: Claim[] = [];
  #hungry = new Set<LiveRun>();
  #renew = false;
  #running: Promise<void> | undefined;
  #lost = false;
  #stalled = false;

  constructor(private readonly ports: CommitterPorts) {}

  /** Whether the store does not take the turn in flight, which is sent again until it does. */
  get stalled(): boolean {
    return this.#stalled;
  }

  /** Puts an item into the next turn. */
  submit(item: Item): void {
    if (this.#lost) return item.settle(LOST);
    this.#queue.push(item);
    this.#kick();
  }

  /** Writes an operation with checks of its own, between turns. */
  claim(checks: Check[], puts: Put[], deletes: Key[]): Promise<CommitResult> {
    return new Promise((settle) => {
      if (this.#lost) return settle("fenced");
      this.#claims.push({ checks, puts, deletes, settle });
      this.#kick();
    });
  }

  /** Extends the session if no commit does it meanwhile. */
  renew(): void {
    this.#renew = true;
    this.#kick();
  }

  /** Looks whether a run has something to start, as after a wait. */
  wake(live: LiveRun): void {
    this.#hungry.add(live);
    this.#kick();
  }

  /** A slot has come free otherwise than by an attempt of a run of this worker. */
  freed(): void {
    this.#kick();
  }

  /** Resolves when nothing is queued or in flight. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /** Writes nothing more. */
  abandon(): void {
    this.#lost = true;
    for (const item of this.#queue.splice(0)) item.settle(LOST);
    for (const claim of this.#claims.splice(0)) claim.settle("fenced");
    this.#hungry.clear();
  }

  #kick(): void {
    if (this.#running !== undefined || this.#lost) return;
    this.#running = this.#drain().catch((error) => {
      this.ports.log.write({
        level: "error",
        source: "engine",
        message: `Committer stopped: ${error?.stack ?? error}`,
      });
      this.#loseSession();
    }).finally(() => {
      this.#running = undefined;
      if (this.#hasWork) this.#kick();
    });
  }

  get #hasWork(): boolean {
    if (this.#lost) return false;
    const startable = this.#hungry.size > 0 && this.ports.slots.free > 0;
    return this.#queue.length > 0 || this.#claims.length > 0 || this.#renew || startable;
  }

  async #drain(): Promise<void> {
    // One turn of the microtask queue, so that what one event sets off lands in one turn.
    await Promise.resolve();
    for (let first = true; this.#hasWork; first = false) {
      // What the turn before set off may end at once: then it belongs to this turn, not to one of its own after it. Under
      // load that is two thirds of the commits, each of which writes every page it touches.
      if (!first) await breath();
      const claims = this.#takeClaims();
      if (claims.length > 0) await this.#writeClaims(claims);
      const { slots, clock, feed, covers } = this.ports;
      const turn = buildTurn(this.#queue, slots, this.#hungry, clock.now(), (run) => feed.has(run), covers);
      if (turn.runs.size > 0 || turn.deletes.length > 0) await this.#writeTurn(turn);
      else {
        if (this.#renew) await this.#writeRenewal();
        for (const { item, answer } of turn.answers) item.settle(answer);
      }
    }
  }

  async #writeTurn(turn: Turn): Promise<void> {
    let result: CommitResult = "fenced";
    const freed: string[] = [];
    const settled: string[] = [];
    try {
      const batch = this.#batchOf(turn);
      for (const { live, events } of turn.runs.values()) {
        freed.push(...freeSlots(live, batch.deletes));
        settled.push(...settleLoans(live, events, batch));
      }
      hit("commit.before");
      result = await this.#send([], batch.puts, batch.deletes);
    } finally {
      if (result !== "ok") this.#loseSession(turn);
    }
    if (result !== "ok") return;
    hit("commit.after");
    this.#renew = false;
    if (freed.length + settled.length > 0) this.ports.freed(freed, settled);
    for (const part of turn.runs.values()) this.#publish(part, turn);
    for (const { item, answer } of turn.answers) item.settle(answer);
    if (turn.posted) this.ports.posted();
  }

  /**
   * As many claims, in their order, as one operation may check; the first one always. Two that rest on the same record
   * do not go together: each would pass without seeing what the other does to it.
   */
  #takeClaims(): Claim[] {
    let count = 0;
    let written = 0;
    const checked = new Set<string>();
    const fits = this.#claims.findIndex(({ checks, puts, deletes }) => {
      count += checks.length;
      written += puts.length + deletes.length;
      const keys = checks.map(({ key }) => JSON.stringify(key));
      if (
        count > this.ports.store.limits.checks || written > MOST_WRITTEN ||
        keys.some((key) => checked.has(key))
      ) return true;
      for (const key of keys) checked.add(key);
      return false;
    });
    return this.#claims.splice(0, fits < 0 ? Math.min(this.#claims.length, MOST_CLAIMS) : Math.max(fits, 1));
  }

  /** Several claims in one operation; if one of them has lost its race, each by itself. */
  async #writeClaims(claims: Claim[]): Promise<void> {
    let result: CommitResult = "fenced";
    try {
      result = await this.#send(
        claims.flatMap(({ checks }) => checks),
        claims.flatMap(({ puts }) => puts),
        claims.flatMap(({ deletes }) => deletes),
      );
    } finally {
      if (result !== "conflict" || claims.length === 1) { for (const { settle } of claims) settle(result); }
      if (result === "fenced") this.#loseSession();
    }
    if (result === "conflict" && claims.length > 1) {
      for (const claim of claims) await this.#writeClaims([claim]);
    }
  }

  async #writeRenewal(): Promise<void> {
    this.#renew = false;
    const renew = () => this.ports.held.write((session) => this.ports.store.renew(session));
    if (!await this.#patiently(renew, false)) this.#loseSession();
  }

  #send(checks: Check[], puts: Put[], deletes: Key[]): Promise<CommitResult> {
    const { held, store } = this.ports;
    const write = () => held.write((session) => store.commit(session, checks, puts, deletes));
    return this.#patiently<CommitResult>(write, "fenced");
  }

  /** Tries again while the store is out of reach; a driver answers `fenced` by itself once the session has expired. */
  async #patiently<T>(write: () => Promise<T>, lost: T): Promise<T> {
    for (let wait = 50;; wait = Math.min(wait * 2, OUTAGE_MS)) {
      if (this.#lost) return lost;
      try {
        const answer = await write();
        this.#stalled = false;
        return answer;
      } catch (error) {
        if (!isOutage(error)) throw error;
        this.#stalled = true;
        tellOutage(this.ports.log, error);
        await this.ports.clock.sleep(wait);
      }
    }
  }

  #batchOf(turn: Turn): Batch {
    const { worker, epoch } = this.ports.held.session;
    const batch: Batch = { puts: [...turn.puts], deletes: [...turn.deletes] };
    const past = new Map<string, Put>();
    const waitpoints = new WaitpointWrites(turn.at);
    const effects = new EffectWrites(turn.at, { worker, epoch });
    for (const part of turn.runs.values()) {
      const { run } = part.live;
      for (const { frames, value } of part.frames) {
        const { step, attempt, seq } = frames.at(-1)!;
        batch.puts.push({ key: frameKey(run.id, step, attempt, seq), value });
      }
      const record = recordOf(part, turn.at, worker, epoch);
      if (record !== undefined) {
        batch.puts.push({ key: eventKey(run.id, record.seq), value: encodeRecord(record) });
      }
      if (part.headChanged) {
        const before = dueEntry(part.live.head);
        if (before !== undefined) batch.deletes.push(before);
        part.live.head = retired(headOf(part.live), this.ports.retention);
        const due = duePut(part.live.head);
        batch.deletes = batch.deletes.filter((key) => !due.some((put) => String(put.key) === String(key)));
        batch.puts.push(...due);
        if (part.released) {
          const { puts, wakeAt } = placeOf(part.live.head, run, turn.at);
          batch.puts.push(...puts);
          if (wakeAt !== undefined) part.live.head.wakeAt = wakeAt;
        }
        batch.puts.push({ key: runKey(run.id), value: encodeRecord(part.live.head) });
      }
      if (isOver(run) || part.released) {
        batch.deletes.push(leaseKey(run.id));
        // L1 What comes for it from here on is its next owner's to apply.
        part.live.released = true;
      }
      const names = part.events.flatMap(namesOfEvent);
      if (names.length > 0) batch.puts.push(...holdsOf(run.id, names, part.live.head.createdAt));
      addPast(past, part);
      const relatives = passedOn(part.live, part.events);
      batch.puts.push(...relatives);
      turn.posted ||= relatives.length > 0;
      waitpoints.add(part.live, part.events);
      effects.add(part.live, part.events);
    }
    batch.puts.push(...waitpoints.puts, ...effects.puts);
    batch.deletes.push(...waitpoints.deletes, ...effects.deletes);
    batch.puts.push(...past.values());
    return batch;
  }

  #publish(part: RunTurn, turn: Turn): void {
    pass(part);
    const { worker, epoch } = this.ports.held.session;
    const record = recordOf(part, turn.at, worker, epoch);
    const { live, frames, narration } = part;
    this.ports.feed.publish(live.run.id, frames.map((batch) => batch.frames), record, narration);
    if (!this.#lost) { for (const action of part.actions) this.ports.act(part.live, action); }
    if (isOver(part.live.run) || part.released) this.ports.gone(part.live);
    else if (!this.#lost) this.ports.written(part.live);
  }

  #loseSession(turn?: Turn): void {
    for (const { item } of turn?.answers ?? []) item.settle(LOST);
    if (this.#lost) return;
    this.abandon();
    this.ports.lost();
  }
}

/** It has ended, and nothing of what it did is being undone, for which it keeps its owner. */
function isOver({ phase, undo }: LiveRun["run"]): boolean {
  return phase === "ended" && undo === undefined;
}

/** Marks what of a turn that is durable has a fault point of its own. */
function pass({ events, released }: RunTurn): void {
  for (const event of events) {
    const { type } = event;
    if (type === "step.delayed" || type === "step.suspended") hit("suspend.released");
    else if (type === "step.retried") hit("retry.scheduled");
    else if (type === "step.succeeded" && itemOf(event.step) !== undefined) hit("map.item");
    else if (type === "join.settled") hit("join.settled");
    else if (type === "run.restored") hit("restore.rewound");
    else if (type === "signal.received") hit("signal.accepted");
  }
  if (released) hit("run.released");
}

/**
 * Adds what plans want to know of the values that a turn made: whose they are and how they came about. Of several runs
 * of a notebook in one turn the last has the say, as it would with a turn for each.
 */
function addPast(past: Map<string, Put>, { live, events }: RunTurn): void {
  for (const event of events) {
    if (event.type !== "step.succeeded") continue;
    const { plan: { fingerprint, item }, endedAt, substitute } = live.run.steps.get(event.step)!;
    if (substitute || item !== undefined) continue;
    const value = encodeRecord({ run: live.run.id, fingerprint, at: endedAt });
    past.set(`${live.run.notebook}\n${event.step}`, { key: pastKey(live.run.notebook, event.step), value });
  }
}
