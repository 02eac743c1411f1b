/**
 * Time as a parameter. Owns: the only reads of the system clock and the only timers of the engine.
 * Never: time zones, formatting, cron.
 *
 * T1 A sleeper never wakes before its time; it wakes at once when its signal aborts.
 */

/** Milliseconds since 1970-01-01T00:00:00Z, as `Date.now()` counts them. */
export type Millis = number;

/** What the engine knows of time. Tests pass a clock that they move by hand. */
export interface Clock {
  /** Wall-clock time, which may jump; for records that people read and for due times. */
  now(): Millis;
  /** Milliseconds since some fixed moment of this process; never jumps; for leases and durations. */
  monotonic(): number;
  /**
   * Waits. Resolves after `ms` milliseconds (at once for 0 or less), or as soon as `signal` aborts: an
   * abort ends the wait and does not throw, so look at the signal afterwards.
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** `setTimeout` takes no more than 2^31-1 ms; longer waits are made of several. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * The clock of the machine.
 *
 * @example
 * ```ts
 * const before = systemClock.monotonic();
 * await systemClock.sleep(1);
 * if (systemClock.monotonic() - before < 1) throw new Error("woke early");
 * ```
 */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(ms, signal) {
    const until = performance.now() + ms;
    for (let left = ms; left > 0 && !signal?.aborted; left = until - performance.now()) {
      await sleepOnce(Math.min(Math.ceil(left), LONGEST_TIMER_MS), signal);
    }
  },
};

/** Longest chain of promises that {@link breath} waits for; from a cell's start to its end are some 20, if it waits for nothing. */
const BREATH_LINKS = 32;

/**
 * Lets what can go on without a timer, a file or a process go on, until `enough` says so. The event loop does not turn
 * meanwhile, so that no time passes.
 */
export async function breath(enough: () => boolean = () => false): Promise<void> {
  for (let i = 0; i < BREATH_LINKS && !enough(); i++) await null;
}

function sleepOnce(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done, { once: true });
  });
}
