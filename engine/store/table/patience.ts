/**
 * How often a store's call is tried again. Owns: the waits and their bound. Never: whether trying again is harmless;
 * that is for the caller.
 */
import type { Clock } from "../../base/clock.ts";
import { EngineError } from "../../base/errors.ts";

/** Tries while another process holds the file; about 0.3 s. More would hide a process that never lets go. */
const BUSY_TRIES = 200;
/** Jitter in ms between those: without it two processes refuse each other for ever. */
const BUSY_JITTER_MS = 3;
/** Tries after any other error; about half a second in all. */
const ERROR_TRIES = 6;
const FIRST_WAIT_MS = 10;

/** Waits between tries of one call; made anew for each. */
export class Patience {
  #busy = 0;
  #errors = 0;

  constructor(
    private readonly clock: Clock,
    private readonly random: () => number,
    private readonly isBusy: (error: unknown) => boolean,
    private readonly isFull: (error: unknown) => boolean = () => false,
  ) {}

  /** Waits for the next try, or throws `store_unavailable` when there were enough, and `storage_full` at once. */
  async next(error: unknown): Promise<void> {
    if (this.isFull(error)) {
      const message = "The store is full; make room on its disk and send it again";
      throw new EngineError("storage_full", message, { cause: error });
    }
    const busy = this.isBusy(error);
    const spent = busy ? ++this.#busy >= BUSY_TRIES : ++this.#errors >= ERROR_TRIES;
    if (spent) {
      const message = error instanceof Error ? error.message : String(error);
      throw new EngineError("store_unavailable", `The store does not take or give records: ${message}`, {
        cause: error,
      });
    }
    const longest = busy ? BUSY_JITTER_MS : FIRST_WAIT_MS * 2 ** this.#errors;
    await this.clock.sleep(longest * this.random());
  }
}
