/**
 * The clock for the runs that a worker owns: when each is to be looked at next. Owns: one wait for all of them.
 * Never: what is due then; that is in a run's state (`engine/run/timers.ts`).
 *
 * T1 A run is looked at when its time has come, and again until it says another time: the clock may jump, and slots may
 * be taken when it wakes.
 */
import type { Clock, Millis } from "../base/clock.ts";

/** How soon what was due is looked at again, and the longest wait: the wall clock may have been moved meanwhile. */
const AGAIN_MS = 1_000;

/** See the module comment. */
export class Timers<T> {
  readonly #due = new Map<T, Millis>();
  /** When it looks again. */
  #looksAt = Infinity;
  #wake = new AbortController();
  #waiting = false;

  /**
   * @param wake what is called for each that is due
   * @param over ends the waiting
   */
  constructor(
    private readonly clock: Clock,
    private readonly wake: (item: T) => void,
    private readonly over: AbortSignal,
  ) {}

  /** Sets when an item is to be looked at; `Infinity`: not at all. */
  set(item: T, due: Millis): void {
    if (due === Infinity) return void this.#due.delete(item);
    // One that was due and is so still is looked at again in time.
    if (this.#due.get(item) === due) return;
    this.#due.set(item, due);
    if (!this.#waiting) this.#wait();
    else if (due < this.#looksAt) this.#wake.abort();
  }

  async #wait(): Promise<void> {
    this.#waiting = true;
    while (this.#due.size > 0 && !this.over.aborted) {
      const now = this.clock.now();
      let next = Infinity;
      for (const due of this.#due.values()) next = Math.min(next, due);
      this.#wake = new AbortController();
      const ms = next <= now ? AGAIN_MS : Math.min(next - now, AGAIN_MS);
      this.#looksAt = now + ms;
      await this.clock.sleep(ms, AbortSignal.any([this.#wake.signal, this.over]));
      if (!this.over.aborted) this.#fire();
    }
    this.#waiting = false;
  }

  #fire(): void {
    const now = this.clock.now();
    for (const [item, due] of this.#due) if (due <= now) this.wake(item);
  }
}
