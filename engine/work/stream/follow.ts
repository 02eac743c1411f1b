/**
 * Following a run from any point to its end. Owns: that a reader gets every frame and event once and in order.
 *
 * T2 From the store or live, interrupted or not, the groups put together are the same. Frames that are no longer kept are
 * a gap where they were, which says which they were.
 *
 * A reader listens before it reads, so that what becomes durable meanwhile is in one of the two; what is in both is
 * told apart by its number. One that falls more than `BACKLOG` turns behind reads the store again, so that writers
 * never wait for readers. So does one that hears nothing for a while: a run may be owned by another process.
 */
import type { Clock } from "../../base/clock.ts";
import type { Plan } from "../../plan/types.ts";
import type { JournalRecord } from "../../run/event.ts";
import { newRun } from "../../run/fold.ts";
import type { Run } from "../../run/state.ts";
import type { Frame, WireEvent, WireGroup } from "../../wire/frame.ts";
import { narrate } from "../../wire/narrate.ts";
import type { Feed, Stretch, Turnout } from "./feed.ts";
import { goneAway, type Journals } from "../journal.ts";
import type { RunHead } from "../commit/live_run.ts";
import { beginning, decodePosition, encodePosition, type Position } from "./position.ts";
import { assertFramesKept, type EndedAttempt, endedAttempts, openWithOwner } from "./trimmed.ts";

const BACKLOG = 256;
/** How long a reader hears nothing before it looks at the store: for runs of others, and as a net for our own. */
const POLL_MS = 250;
const POLL_OWN_MS = 5_000;

type Item = WireGroup["items"][number];

/** What following needs. */
export interface FollowPorts {
  journals: Journals;
  feed: Feed;
  clock: Clock;
  /** Whether this process runs it, so that news comes by the feed. */
  owns(run: string): boolean;
}

/** Yields what happened and happens to a run; see the module comment. Ends after the group with `end`. */
export async function* follow(
  { journals, feed, clock, owns }: FollowPorts,
  head: RunHead,
  { after, signal, live = true }: { after?: string; signal: AbortSignal; live?: boolean },
): AsyncIterable<WireGroup> {
  const plan = await journals.plan(head);
  const reader = new Reader(head, plan, journals, after);
  if (after !== undefined && head.trimmedAt !== undefined) {
    await assertFramesKept(plan, journals.records(head.id, 0), reader.place, head.trimmedAt);
  }
  const inbox = new Inbox(clock, signal);
  const stop = live ? feed.listen(head.id, (turnout) => inbox.add(turnout)) : () => {};
  try {
    while (!signal.aborted) {
      inbox.clear();
      for await (const group of lastEnds(reader.fromStore())) {
        yield group;
        if (signal.aborted) return;
      }
      if (!reader.ended && head.phase === "ended" && await journals.head(head.id) === undefined) {
        throw goneAway(head.id);
      }
      if (reader.ended || !live) return;
      while (!signal.aborted && !inbox.overflown) {
        const turnout = inbox.take();
        if (turnout === undefined) {
          const pollMs = owns(head.id) ? POLL_OWN_MS : POLL_MS;
          if (await inbox.wait(pollMs)) continue;
          break;
        }
        const group = reader.fromTurn(turnout);
        if (group === "gap") break;
        if (group !== undefined) yield group;
        if (reader.ended) return;
      }
    }
  } finally {
    stop();
    inbox.close();
  }
}

/** Takes the mark off an end that a restart has undone: more comes after it. */
async function* lastEnds(groups: AsyncIterable<WireGroup>): AsyncIterable<WireGroup> {
  let end: WireGroup | undefined;
  for await (const group of groups) {
    if (end !== undefined) yield { cursor: end.cursor, items: end.items };
    end = group.end ? group : undefined;
    if (!group.end) yield group;
  }
  if (end !== undefined) yield end;
}

/** Turns that arrived while the reader was busy. */
class Inbox {
  #turns: Turnout[] = [];
  #wake = () => {};
  #timer = false;
  readonly #closed = new AbortController();
  overflown = false;

  /** @param signal ends the waiting */
  constructor(private readonly clock: Clock, private readonly signal: AbortSignal) {
    signal.addEventListener("abort", this.#end);
  }

  readonly #end = () => {
    this.#closed.abort(OVER);
    this.#wake();
  };

  add(turnout: Turnout): void {
    if (this.#turns.length >= BACKLOG) this.overflown = true;
    else this.#turns.push(turnout);
    this.#wake();
  }

  take(): Turnout | undefined {
    return this.#turns.shift();
  }

  clear(): void {
    this.#turns = [];
    this.overflown = false;
  }

  /**
   * Waits for a turn; false if none came for up to `ms`. One timer serves all waits until it fires: turns come by the
   * thousand, and a timer for each costs more than the turn.
   */
  async wait(ms: number): Promise<boolean> {
    if (this.#turns.length === 0 && !this.overflown && !this.signal.aborted) {
      const woken = new Promise<void>((resolve) => this.#wake = resolve);
      if (!this.#timer) this.#wakeAfter(ms);
      await woken;
    }
    return this.#turns.length > 0 || this.overflown;
  }

  /** Ends the timer. */
  close(): void {
    this.signal.removeEventListener("abort", this.#end);
    this.#closed.abort(OVER);
  }

  async #wakeAfter(ms: number): Promise<void> {
    this.#timer = true;
    await this.clock.sleep(ms, this.#closed.signal);
    this.#timer = false;
    this.#wake();
  }
}

/** Why a timer ends early. Given, because an abort without a reason makes an error with a stack, which costs 8 us. */
const OVER = "over";

/** One reader: its mirror of the run and its position. */
class Reader {
  readonly #run: Run;
  readonly #position: Position;
  readonly #places: Map<string, number>;
  /** Records up to here were delivered before this reader began; they are folded and not told again. */
  readonly #silentTo: number;

  constructor(
    private readonly head: RunHead,
    plan: Plan,
    private readonly journals: Journals,
    after: string | undefined,
  ) {
    const cells = plan.steps.map((step) => step.cell);
    this.#places = new Map(cells.map((cell, place) => [cell, place]));
    this.#run = newRun(head.id, plan);
    const from = after === undefined ? beginning() : decodePosition(after, cells);
    this.#silentTo = from.seq;
    this.#position = { seq: 0, frames: from.frames };
  }

  /** Where it begins. */
  get place(): Position {
    return { seq: this.#silentTo, frames: this.#position.frames };
  }

  get ended(): boolean {
    return this.#run.phase === "ended";
  }

  async *fromStore(): AsyncIterable<WireGroup> {
    // A run that has ended may have been opened again: only its last record ends it.
    let last: WireGroup | undefined;
    for await (const record of this.journals.records(this.head.id, this.#run.seq)) {
      if (last !== undefined) yield { cursor: last.cursor, items: last.items };
      last = undefined;
      if (record.seq <= this.#silentTo) {
        narrate(this.#run, record);
        this.#position.seq = record.seq;
        continue;
      }
      last = await this.#tell(record);
    }
    if (last !== undefined) yield last;
    if (this.ended) {
      if (this.#run.seq <= this.#silentTo) yield { cursor: this.#cursor(), items: [], end: true };
      return;
    }
    for (const step of this.#run.open) yield* this.#framesOf(step, this.#run.steps.get(step)!.attempts);
  }

  /** A live turn, less what was delivered already; `gap` if something before it is missing. */
  fromTurn({ frames, record, events }: Turnout): WireGroup | "gap" | undefined {
    if (record !== undefined && record.seq > this.#run.seq + 1) return "gap";
    const parts: Item[][] = [];
    for (const stretch of frames) {
      const items = this.#fromStretch(stretch);
      if (items === "gap") return items;
      if (items.length > 0) parts.push(items);
    }
    if (record !== undefined && record.seq > this.#run.seq) {
      if (record.seq !== this.#run.seq + 1 || this.#endsElsewhere(record)) return "gap";
      const own = narrate(this.#run, record);
      this.#settle(record);
      if (record.seq > this.#silentTo) {
        parts.push(events ?? own.flat().map((event): Item => ({ kind: "event", event })));
      }
    }
    // What is shared stays shared: nobody changes items.
    const items = parts.length === 1 ? parts[0]! : parts.flat();
    return items.length === 0 ? undefined : this.#group(items);
  }

  /** Frames of an attempt that another worker makes are in the store alone, and come before its end. */
  #endsElsewhere({ events }: JournalRecord): boolean {
    const { away } = this.#run;
    return away.size > 0 &&
      events.some((event) =>
        endedAttempts(event, []).some(({ step, attempt, frames = Infinity }) =>
          away.has(step) && frames > this.#seen(step, attempt)
        )
      );
  }

  #fromStretch({ frames, items }: Stretch): Item[] | "gap" {
    const { step: name, attempt, seq } = frames[0]!;
    const step = this.#run.steps.get(name);
    if (step?.attempts === attempt && this.#run.open.has(name) && this.#seen(name, attempt) === seq - 1) {
      this.#position.frames.set(name, { attempt, seq: frames.at(-1)!.seq });
      return items;
    }
    const isOver = step !== undefined &&
      (attempt < step.attempts || attempt === step.attempts && !this.#run.open.has(name));
    if (isOver) return [];
    const delivered: Item[] = [];
    for (const frame of frames) {
      const seen = this.#seen(name, attempt);
      if (frame.seq <= seen) continue;
      if (frame.seq !== seen + 1) return "gap";
      delivered.push(...this.#deliver(frame));
    }
    return delivered;
  }

  /** A record with the frames that come before what it says. */
  async #tell(record: JournalRecord): Promise<WireGroup> {
    const open = openWithOwner(this.#run);
    const byEvent = narrate(this.#run, record);
    const items: Item[] = [];
    for (const [at, event] of record.events.entries()) {
      for (const ended of endedAttempts(event, open)) {
        for await (const { items: frames } of this.#framesOf(ended.step, ended.attempt)) {
          items.push(...frames);
        }
        items.push(...this.#missing(ended, record.at));
      }
      items.push(...byEvent[at]!.map((told: WireEvent): Item => ({ kind: "event", event: told })));
    }
    this.#settle(record);
    return this.#group(items);
  }

  async *#framesOf(step: string, attempt: number): AsyncIterable<WireGroup> {
    for await (const frames of this.journals.frames(this.head.id, step, attempt, this.#seen(step, attempt))) {
      yield this.#group(frames.flatMap((frame) => this.#deliver(frame)));
    }
  }

  /** What an attempt that is over had beyond what is there. Nobody has counted the frames of one that was lost. */
  #missing({ step, attempt, frames }: EndedAttempt, at: number): Item[] {
    const from = this.#seen(step, attempt) + 1;
    if (frames === undefined) {
      return at > (this.head.trimmedAt ?? -Infinity) ? [] : [{ kind: "gap", gap: { step, attempt, from } }];
    }
    return frames < from ? [] : [{ kind: "gap", gap: { step, attempt, from, to: frames } }];
  }

  #seen(step: string, attempt: number): number {
    const at = this.#position.frames.get(step);
    return at?.attempt === attempt ? at.seq : 0;
  }

  #deliver(frame: Frame): Item[] {
    const { step, attempt, seq } = frame;
    const from = this.#seen(step, attempt) + 1;
    this.#position.frames.set(step, { attempt, seq });
    const item: Item = { kind: "frame", frame };
    return seq === from ? [item] : [{ kind: "gap", gap: { step, attempt, from, to: seq - 1 } }, item];
  }

  /** Forgets places in attempts that are over. */
  #settle(record: JournalRecord): void {
    this.#position.seq = record.seq;
    for (const step of [...this.#position.frames.keys()]) {
      if (!this.#run.open.has(step)) this.#position.frames.delete(step);
    }
  }

  #group(items: Item[]): WireGroup {
    const cursor = this.#cursor();
    return this.ended && this.#position.seq === this.#run.seq
      ? { cursor, items, end: true }
      : { cursor, items };
  }

  #cursor(): string {
    return encodePosition(this.#position, this.#places);
  }
}
