/**
 * A worker's session over time. Owns: renewing it while idle, and the moment from which it must not be trusted.
 * Never: what is written under it (`committer.ts`).
 *
 * The store decides who may write; the local clock may only say no. Each write that the store accepts extends the
 * session, and the window counts from the start of that write, so that a slow reply can only make it shorter:
 *
 * ```
 *      write sent      reply                                trustedUntil          expiresAt
 *  ────────┼─────────────┼───────────────────────────────────────┼──────────────────┼─────▶
 *          └──────────────── ttl - margin ───────────────────────┘      margin      │
 *          └──────────────────────────────── ttl ───────────────────────────────────┘
 *
 *   open ──▶ trusted ──(write accepted)──▶ trusted
 *               └──(refused, or the window passed)──▶ lost ──▶ a new session, epoch + 1
 * ```
 *
 * L4 Outside the window nothing starts; at its end what runs is aborted.
 */
import type { Clock } from "../../base/clock.ts";
import type { Session, Store } from "../../store/store.ts";

/** How long a session lives without a write, and which part of that the worker does not trust. */
export const SESSION_TTL_MS = 15_000;
const MARGIN = 0.2;

/** See the module comment. */
export class HeldSession {
  #trustedUntil: number;
  #touchedAt: number;

  private constructor(readonly session: Session, private readonly clock: Clock, startedAt: number) {
    this.#touchedAt = startedAt;
    this.#trustedUntil = startedAt + session.ttlMs * (1 - MARGIN);
  }

  /** Opens a session, taking the place of whoever had this worker id; waits its turn if another caller is faster. */
  static async open(
    store: Store,
    worker: string,
    clock: Clock,
    ttlMs = SESSION_TTL_MS,
  ): Promise<HeldSession> {
    for (;;) {
      const startedAt = clock.monotonic();
      const session = await store.openSession(worker, ttlMs, "");
      if (session !== undefined) return new HeldSession(session, clock, startedAt);
      await clock.sleep(10);
    }
  }

  /** Whether something may start. */
  get trusted(): boolean {
    return this.clock.monotonic() < this.#trustedUntil;
  }

  /** Milliseconds until a renewal is due, counted from the last accepted write. */
  get renewInMs(): number {
    return this.#touchedAt + this.session.ttlMs / 3 - this.clock.monotonic();
  }

  /** Milliseconds until the window ends. */
  get trustedForMs(): number {
    return this.#trustedUntil - this.clock.monotonic();
  }

  /** Runs a write and extends the window if the store accepted it. */
  async write<T extends string | boolean>(send: (session: Session) => Promise<T>): Promise<T> {
    const startedAt = this.clock.monotonic();
    const answer = await send(this.session);
    if (answer === "ok" || answer === true) {
      this.#touchedAt = startedAt;
      this.#trustedUntil = startedAt + this.session.ttlMs * (1 - MARGIN);
    }
    return answer;
  }
}
