/**
 * What this process has just made durable, for readers that follow live. Owns: who listens to which run.
 * Never: history; a reader that falls behind reads the store (`follow.ts`).
 *
 * C2 Nothing is published before its commit.
 */
import type { JournalRecord } from "../../run/event.ts";
import type { Frame, WireEvent, WireGroup } from "../../wire/frame.ts";

/**
 * One turn of one run: frames first, then the record with what it meant. All listeners get the same objects, and most
 * pass them on as they are: with a hundred watchers, what is made for each of them is what costs.
 */
export interface Turnout {
  frames: Stretch[];
  record?: JournalRecord;
  /** What the record meant; absent if nobody listened yet as the turn was built. */
  events?: Item[];
}

/** Frames of one attempt whose numbers follow each other. */
export interface Stretch {
  frames: Frame[];
  items: Item[];
}

type Item = WireGroup["items"][number];

/** Hands turns to listeners. */
export class Feed {
  #listeners = new Map<string, Set<(turnout: Turnout) => void>>();
  readonly #reopened: (run: string) => void;

  /** @param reopened is told of each run that had ended and goes on */
  constructor(reopened: (run: string) => void = () => {}) {
    this.#reopened = reopened;
  }

  /** Calls back with each turn of the run from now on; returns the function that ends it. */
  listen(run: string, listener: (turnout: Turnout) => void): () => void {
    const listeners = this.#listeners.get(run) ?? new Set();
    this.#listeners.set(run, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(run);
    };
  }

  /** Whether anybody listens to the run. */
  has(run: string): boolean {
    return this.#listeners.has(run);
  }

  /** Hands a turn to whoever listens to the run. */
  publish(run: string, frames: Frame[][], record?: JournalRecord, events?: WireEvent[]): void {
    if (record?.events.some(({ type }) => type === "run.reopened" || type === "run.restored")) {
      this.#reopened(run);
    }
    const listeners = this.#listeners.get(run);
    if (listeners === undefined) return;
    const turnout: Turnout = {
      frames: stretchesOf(frames),
      ...(record === undefined ? {} : { record }),
      ...(events === undefined ? {} : { events: events.map((event): Item => ({ kind: "event", event })) }),
    };
    for (const listener of listeners) listener(turnout);
  }
}

/** An attempt's batches of one turn, put together where they follow each other. */
function stretchesOf(batches: Frame[][]): Stretch[] {
  const found: Stretch[] = [];
  for (const frame of batches.flat()) {
    const last = found.at(-1)?.frames.at(-1);
    const goes = last !== undefined && last.step === frame.step && last.attempt === frame.attempt &&
      last.seq + 1 === frame.seq;
    if (!goes) found.push({ frames: [], items: [] });
    found.at(-1)!.frames.push(frame);
    found.at(-1)!.items.push({ kind: "frame", frame });
  }
  return found;
}
