/**
 * The clock for the runs that a worker owns: when each is to be looked at next. Owns: one wait for all of them.
 * Never: what is due then; that is in a run's state (`engine/run/timers.ts`).
 *
 * T1 A run is looked at when its time has come, at once if it has come already, and again until it says another time:
 * the clock may jump, and slots may be taken when it wakes. One that cannot go on does not keep another waiting.
 */
import type { Clock, Millis } from "../base/clock.ts";
import { hit } from "../base/faults.ts";

/** How soon what was due is looked at again, and the longest wait: the wall clock may have been moved meanwhile. */
const AGAIN_MS = 1_000;

/** See the module comment. */
export class Timers<T> {
  readonly #due = new Map<T, Millis>();
  #next = Infinity;
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
    this.#due.set(item, due);
    if (!this.#waiting) this.#wait();
    else if (due < this.#next) this.#wake.abort();
  }

  async #wait(): Promise<void> {
    this.#waiting = true;
    while (this.#due.size > 0 && !this.over.aborted) {
      this.#fire();
      const now = this.clock.now();
      this.#next = Infinity;
      for (const due of this.#due.values()) if (due > now) this.#next = Math.min(this.#next, due);
      this.#wake = new AbortController();
      const ms = Math.min(this.#next - now, AGAIN_MS);
      await this.clock.sleep(ms, AbortSignal.any([this.#wake.signal, this.over]));
    }
    this.#waiting = false;
  }

  #fire(): void {
    const now = this.clock.now();
    for (const [item, due] of this.#due) {
      if (due > now) continue;
      hit("timer.fired");
      this.wake(item);
    }
  }
}
