/**
 * What this process has just made durable, for readers that follow live. Owns: who listens to which run.
 * Never: history; a reader that falls behind reads the store (`follow.ts`).
 *
 * C2 Nothing is published before its commit.
 */
import type { JournalRecord } from "../../run/event.ts";
import type { Frame, WireEvent } from "../../wire/frame.ts";

/** One turn of one run: frames first, then the record with what it meant. */
export interface Turnout {
  frames: Frame[];
  record?: JournalRecord;
  /** What the record meant, said once for all listeners; absent if there were none yet as the turn was built. */
  events?: WireEvent[];
}

/** Hands turns to listeners. */
export class Feed {
  #listeners = new Map<string, Set<(turnout: Turnout) => void>>();

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
  publish(run: string, turnout: Turnout): void {
    for (const listener of this.#listeners.get(run) ?? []) listener(turnout);
  }
}
