/**
 * What a worker has to do with other workers: steps that it offers them, attempts that they make for its runs, and those
 * that it makes for theirs. Owns: the three together, for one session. Never: any of them by itself.
 */
import type { WorkerSession } from "../../run/state.ts";
import type { Store } from "../../store/store.ts";
import type { ExecutorPorts } from "../attempt/executor.ts";
import type { Committer } from "../commit/committer.ts";
import type { LiveRun } from "../commit/live_run.ts";
import type { Journals } from "../journal.ts";
import { listen, tellAll } from "./bell.ts";
import { heldForThis, listOffers } from "./offers.ts";
import { RoutedWork } from "./routed_work.ts";
import { stopPut, watchAway } from "./watch.ts";

/** What it needs of its worker. */
export interface ElsewherePorts extends Omit<ExecutorPorts, "stream" | "tell" | "report"> {
  store: Store;
  /** What workers of one process that have the same store know each other by; the store itself if absent. */
  bell?: object;
  journals: Journals;
  committer: Committer;
  session: WorkerSession;
  slots: { free: number };
  capabilities: ReadonlySet<string>;
  /** Runs that the worker has. */
  runs: ReadonlyMap<string, LiveRun>;
  /** Whether it takes more; false once it is to end. */
  open(): boolean;
  /** Slots of quotas are free. */
  freed(quotas: string[]): void;
  /** Looks for posted commands. */
  ring(): void;
  /** The session is over. */
  over: AbortSignal;
  warn(what: string, error: unknown): void;
}

/** Every how many looks the attempts of its runs that are away are looked after. */
const WATCH_EVERY = 4;

/** Whether a worker with these has all that a step requires. */
export function coveredBy(capabilities: ReadonlySet<string>, requires: readonly string[]): boolean {
  return requires.every((token) => capabilities.has(token));
}

/** See the module comment. */
export class Elsewhere {
  readonly #work: RoutedWork;
  readonly #bell: object;
  #looks = 0;

  constructor(private readonly ports: ElsewherePorts) {
    const { store, bell = store, runs, over, open, capabilities, ring } = ports;
    this.#bell = bell;
    this.#work = new RoutedWork({
      ...ports,
      open: () => capabilities.size > 0 && open(),
      covers: this.covers,
      posted: (run) => this.#posted(run),
    });
    const deaf = listen(bell, {
      offered: (requires) => {
        if (this.covers(requires)) this.#lookForOffers();
      },
      posted: (run) => {
        if (runs.has(run)) ring();
        if (this.#work.has(run)) this.#check();
      },
    });
    over.addEventListener("abort", deaf, { once: true });
  }

  /** Whether this worker has all that a step requires. */
  readonly covers = (requires: readonly string[]): boolean => coveredBy(this.ports.capabilities, requires);

  /** Attempts that it makes for others. */
  get size(): number {
    return this.#work.size;
  }

  /** Lists what of a run is for others. Nothing for one of which every step may run anywhere. */
  offer(live: LiveRun): void {
    if (!live.run.routed) return;
    listOffers(
      {
        covers: this.covers,
        write: (puts, deletes) => this.ports.committer.claim([], puts, deletes),
        offered: (requires) => tellAll(this.#bell, (listener) => listener.offered(requires)),
      },
      live,
      this.ports.clock.now(),
    ).catch((error) => this.ports.warn(`Steps of ${live.run.id} were not offered`, error));
  }

  /** A run was taken in: what its former owner held for others may be for this worker. */
  taken(live: LiveRun): void {
    if (!live.run.routed) return;
    for (const step of heldForThis(live.run, this.covers)) {
      this.ports.committer.submit({ live, command: { type: "wakeStep", step }, settle: () => {} });
    }
    this.offer(live);
  }

  /** Tells an attempt to end that another worker makes; false if this one makes it. */
  stop({ run }: LiveRun, step: string, attempt: number): boolean {
    if (!run.away.has(step)) return false;
    void this.ports.committer.claim([], [stopPut(run.id, step, attempt)], []).then(() =>
      this.#posted(run.id)
    );
    return true;
  }

  /** Looks after all of it, as often as a worker looks for runs that nobody rang for. */
  look(): void {
    this.#lookForOffers();
    this.#check();
    if (++this.#looks % WATCH_EVERY === 0) {
      this.#watch().catch((error) => this.ports.warn("Looking after attempts elsewhere failed", error));
    }
  }

  /** Aborts what it makes for others: it is given back if the session still stands, and lost with it else. */
  abort(): void {
    this.#work.abort();
  }

  /** Resolves once it makes nothing for others. */
  idle(): Promise<void> {
    return this.#work.idle();
  }

  #posted(run: string): void {
    tellAll(this.#bell, (listener) => listener.posted(run));
  }

  #lookForOffers(): void {
    this.#work.look().catch((error) => this.ports.warn("Looking for offers failed", error));
  }

  #check(): void {
    this.#work.check().catch((error) => this.ports.warn("Looking after attempts for others failed", error));
  }

  async #watch(): Promise<void> {
    const { committer, runs, store } = this.ports;
    for (const live of runs.values()) {
      if (live.run.away.size === 0) continue;
      await watchAway({
        store,
        tell: (live, command, deletes) => committer.submit({ live, command, deletes, settle: () => {} }),
        write: (puts, deletes) => committer.claim([], puts, deletes),
      }, live);
    }
  }
}
