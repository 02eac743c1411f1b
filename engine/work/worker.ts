/**
 * The process's worker: one session, the runs it owns, and the loops that keep both going. Owns: their life together.
 * Never: decisions about a run, nor what an attempt does.
 *
 * ```
 *   open session ─▶ adopt own ─▶ claim ready ─▶ ... ─▶ close
 *        ▲                                       │
 *        └── session lost: abort attempts, drop runs, begin again with epoch + 1
 * ```
 */
import { EngineError } from "../base/errors.ts";
import { hit } from "../base/faults.ts";
import type { Plan } from "../plan/types.ts";
import type { RunAction, RunCommand } from "../run/command.ts";
import type { RunEvent } from "../run/event.ts";
import { newRun } from "../run/fold.ts";
import { idleUntil, nextDue } from "../run/timers.ts";
import { encodeRecord } from "../store/codec.ts";
import { LANE, leaseKey, workerKey } from "../store/keys.ts";
import type { Put } from "../store/store.ts";
import { blobFiles } from "../artifacts/blob_files.ts";
import { childrenIn } from "./children/children.ts";
import { type AbortReason, execute } from "./attempt/executor.ts";
import { adoptOrphans, claimDue } from "./claim/claim.ts";
import { claimReady } from "./claim/ready.ts";
import { type InboxPorts, readInbox } from "./claim/inbox.ts";
import { Committer } from "./commit/committer.ts";
import { type LiveRun, liveRun, type RunHead } from "./commit/live_run.ts";
import { HeldSession } from "./commit/session.ts";
import { snapshotDue, writeSnapshot } from "./commit/snapshots.ts";
import type { Answer, Item } from "./commit/turn.ts";
import type { LaneRules } from "./lanes/lane.ts";
import { LaneBook } from "./lanes/lane_book.ts";
import { undo } from "./effects/undo.ts";
import { Counters } from "./spend/counters.ts";
import { coveredBy, Elsewhere } from "./routed/elsewhere.ts";
import { Timers } from "./timers.ts";
import { unpin } from "./upkeep/pins.ts";
import type { WorkerPorts } from "./workers/ports.ts";
import type { Registration } from "./workers/registration.ts";
import { Upkeep } from "./upkeep/upkeep.ts";

/** Attempts that a worker runs at a time, and runs that it keeps in memory. */
const SLOTS = 32;
const MAX_RUNS = 1_000;
/** How often a worker looks for runs and commands that nobody rang for. */
const POLL_MS = 250;
/** Every how many polls it looks for runs whose owner is gone. */
const ORPHANS_EVERY = 4;
/** A run that has nothing to do for so long leaves memory (EN-1001). */
const REST_MS = 30_000;

/** One session's worth of state; dropped as a whole when the session is lost. */
interface Tenure {
  held: HeldSession;
  committer: Committer;
  runs: Map<string, LiveRun>;
  slots: { free: number };
  counters: Counters;
  timers: Timers<LiveRun>;
  /** When the next run that nobody owns has something to do. */
  lookAt: Timers<"timers">;
  /** What it has to do with other workers. */
  elsewhere: Elsewhere;
  over: AbortController;
}

/** See the module comment. */
export class Worker {
  #tenure: Tenure | undefined;
  #closing = false;
  #beginning: Promise<void> = Promise.resolve();
  #claiming: Promise<void> | undefined;
  #lookForOrphans = false;
  readonly #unreadable = new Set<string>();
  #claimAgain = false;

  /** Runs that it takes up; absent: all. */
  readonly #own: Set<string> | undefined;

  readonly #lanes: LaneBook;
  readonly #capabilities: ReadonlySet<string>;

  constructor(private readonly ports: WorkerPorts) {
    this.#capabilities = new Set(ports.capabilities);
    this.#lanes = new LaneBook(ports.store, ports.clock, ports.lanes);
    this.#own = ports.only === undefined ? undefined : new Set(ports.only);
  }

  /** Opens the session and takes up what the former one left. */
  start(): Promise<void> {
    this.#beginning = this.#begin();
    for (const run of this.ports.only ?? []) {
      this.#expectBelow(run).catch((error) => this.#warn("Looking for runs below failed", error));
    }
    return this.#beginning;
  }

  /**
   * Takes up a run that was submitted here, if it has not been already. For a worker that takes up only its own, an
   * earlier process may have left it, so that the leases are looked through; others do that now and then anyway.
   */
  expect(run: string): void {
    this.#own?.add(run);
    if (this.owns(run)) return;
    if (this.#own === undefined) return this.ring();
    this.#lookForOrphans = true;
    this.ring();
    this.#expectBelow(run).catch((error) => this.#warn("Looking for runs below failed", error));
  }

  /** What a run of ours has begun is ours too, whoever has it now. */
  async #expectBelow(run: string): Promise<void> {
    for (const child of await childrenIn(this.ports.store, run)) this.expect(child);
  }

  /** Its id. */
  get id(): string {
    return this.ports.worker;
  }

  /** Attempts that it runs now. */
  get running(): number {
    let count = 0;
    for (const { attempts } of this.#tenure?.runs.values() ?? []) count += attempts.size;
    return count + (this.#tenure?.elsewhere.size ?? 0);
  }

  /** Looks at once for runs whose owner is gone. */
  lookForOrphans(): void {
    this.#lookForOrphans = true;
    this.ring();
  }

  /** Whether this worker owns the run now. */
  owns(run: string): boolean {
    return this.#tenure?.runs.has(run) ?? false;
  }

  /** The rules of the default lane, as last read. */
  get defaultLane(): LaneRules {
    return this.#lanes.of(LANE);
  }

  /** Reads the lanes anew at the next look, which is now. */
  lanesChanged(): void {
    this.#lanes.forget();
    this.ring();
  }

  /** Whether this worker owns the run now and makes all its open attempts itself. */
  ownsWhole(run: string): boolean {
    return this.#tenure?.runs.get(run)?.run.away.size === 0;
  }

  /** Reads quotas and budgets anew. */
  async limitsChanged(): Promise<void> {
    await this.#tenure?.counters.refresh(true);
  }

  /** Looks for ready runs and posted commands now instead of at the next poll. */
  ring(): void {
    this.#look().catch((error) => this.#warn("Looking for runs failed", error));
  }

  /**
   * Takes in a run that is being made, in the commit that makes it (EN-207): `puts` are its places in the lists.
   * `undefined` if there is no room; not ok if the session was lost, and then there is no such run.
   */
  admit(
    head: RunHead,
    plan: Plan,
    event: Extract<RunEvent, { type: "run.queued" }>,
    puts: Put[],
  ): Promise<Answer> | undefined {
    const tenure = this.#tenure;
    if (tenure === undefined || this.#claimPorts(tenure).room() <= 0) return undefined;
    // Whoever asks would wait for the store with it; by itself the request is answered that it does not answer.
    if (tenure.committer.stalled) return undefined;
    // Whose turn it is in a lane of its own is found in the queue.
    if (head.lane !== undefined || !this.#lanes.free()) return undefined;
    const live = liveRun(head, newRun(head.id, plan), 1);
    const lease: Put = {
      key: leaseKey(head.id),
      value: encodeRecord({ session: this.ports.worker, epoch: 1 }),
    };
    tenure.runs.set(head.id, live);
    return new Promise((settle) => {
      tenure.committer.submit({ live, command: { type: "queueRun", event }, puts: [...puts, lease], settle });
      tenure.committer.submit({ live, command: { type: "startRun" }, settle: () => {} });
    });
  }

  /** Gives a command to a run that this worker owns; `undefined` if it does not. Resolves when the answer is durable. */
  command(run: string, command: RunCommand, answers?: Item["answers"]): Promise<Answer> | undefined {
    const tenure = this.#tenure;
    const live = tenure?.runs.get(run);
    if (tenure === undefined || live === undefined) return undefined;
    return new Promise((settle) => tenure.committer.submit({ live, command, answers, settle }));
  }

  /**
   * Gives the whole session up, so that everything this worker has is taken up anew (EN-512); for an operator who has
   * reason to believe that it is stuck.
   */
  giveUp(): void {
    if (this.#tenure !== undefined) this.#lose(this.#tenure);
  }

  /** Takes a run's pin away; undefined while there is no session to write under. */
  unpin(run: string): Promise<void> | undefined {
    const committer = this.#tenure?.committer;
    return committer && unpin(run, (...operation) => committer.claim(...operation));
  }

  /** Stops claiming, waits up to `drainMs` for open attempts, aborts the rest and gives up the session. */
  async close(drainMs: number): Promise<void> {
    this.#closing = true;
    await this.#beginning.catch(() => {});
    const tenure = this.#tenure;
    if (tenure === undefined) return;
    await this.#drained(tenure, drainMs);
    this.#abort(tenure);
    hit("drain.half");
    await this.#release(tenure);
    hit("drain.half");
    tenure.committer.abandon();
    // A driver may throw at once, and closing goes on all the same.
    const forgotten = async () =>
      await this.ports.store.commit(tenure.held.session, [], [], [workerKey(this.ports.worker)]);
    await forgotten().catch(() => {});
    this.#end(tenure);
    await this.ports.store.closeSession(tenure.held.session).catch((error) =>
      this.#warn("Session not closed", error)
    );
  }

  async #begin(): Promise<void> {
    const { store, worker, clock, feed, log, sessionTtlMs } = this.ports;
    const held = await HeldSession.open(store, worker, clock, sessionTtlMs);
    const over = new AbortController();
    const runs = new Map<string, LiveRun>();
    const slots = { free: this.ports.slots ?? SLOTS };
    const committer = new Committer({
      store,
      held,
      feed,
      clock,
      log,
      retention: this.ports.retention,
      slots,
      covers: (requires) => coveredBy(this.#capabilities, requires),
      act: (live, action) => this.#act(tenure, live, action),
      freed: (...names) => counters.freed(...names),
      gone: (live) => this.#forget(tenure, live),
      written: (live) => this.#written(tenure, live),
      posted: () => this.ring(),
      lost: () => this.#lose(tenure),
    });
    const registration = this.#registration();
    const elsewhere = new Elsewhere({
      ...this.ports,
      committer,
      session: { worker, epoch: held.session.epoch, session: registration.session },
      slots,
      capabilities: this.#capabilities,
      runs,
      open: () => this.#tenure === tenure && !this.#closing && held.trusted,
      ring: () => this.ring(),
      trusted: () => held.trusted || this.#lose(tenure),
      admit: (live, step, own) => counters.quotas.admit(live, step, own),
      shared: () => counters.budgets,
      freed: (quotas) => counters.freed(quotas),
      over: over.signal,
      warn: (what, error) => this.#warn(what, error),
    });
    const timers = new Timers<LiveRun>(clock, (live) => {
      committer.wake(live);
      // Nothing follows from that by itself when it only waited for somebody to take what it offers.
      if (live.offers !== undefined && nextDue(live.run) > clock.now()) this.#rest(tenure, live);
    }, over.signal);
    const lookAt = new Timers<"timers">(clock, () => this.ring(), over.signal);
    const counters = new Counters({ ...this.ports, committer, runs });
    const tenure: Tenure = { held, committer, runs, slots, counters, timers, lookAt, elsewhere, over };
    this.#tenure = tenure;
    this.#keepSession(tenure);
    void committer.claim([], [{ key: workerKey(worker), value: encodeRecord(registration) }], []);
    try {
      // By the one look at a time, because two would both find what this worker left and take it twice.
      this.#lookForOrphans = true;
      await this.#look();
      this.#poll(tenure);
      this.#upkeep(tenure);
    } catch (error) {
      committer.abandon();
      if (this.#tenure === tenure) this.#end(tenure);
      throw error;
    }
  }

  #registration(): Registration {
    const { capabilities = [], lanes, slots = SLOTS, code = "", clock, ids } = this.ports;
    return {
      session: ids.next("wrk"),
      capabilities: [...new Set(capabilities)].sort(),
      ...(lanes === undefined ? {} : { lanes: [...lanes] }),
      slots,
      code,
      startedAt: clock.now(),
    };
  }

  #claimPorts(tenure: Tenure): InboxPorts {
    const { store, journals, worker, log } = this.ports;
    return {
      store,
      journals,
      worker,
      log,
      committer: tenure.committer,
      room: () =>
        this.#tenure === tenure && !this.#closing && tenure.held.trusted
          ? (this.ports.maxRuns ?? MAX_RUNS) - tenure.runs.size
          : 0,
      unreadable: this.#unreadable,
      lanes: this.#lanes,
      owns: (run: string) => tenure.runs.has(run),
      live: (run: string) => tenure.runs.get(run),
      warn: (what: string, error: unknown) => this.#warn(what, error),
      wants: (run: string) => this.#own?.has(run) ?? true,
      rest: (live: LiveRun) => this.#rest(tenure, live),
      back: (live: LiveRun) => this.#back(tenure, live),
      take: (live: LiveRun, told: boolean) => {
        const { phase } = live.run;
        const hasTurn = this.#lanes.free(live.head.lane) && this.#claimPorts(tenure).room() > 0;
        if (told && phase !== "active" && phase !== "ended" && !hasTurn) live.heldBack = true;
        tenure.runs.set(live.run.id, live);
        this.ports.taken(live);
        // Active: its owner is gone, and what was open is lost.
        const command: RunCommand | undefined = live.run.phase === "active"
          ? { type: "adoptRun" }
          : undefined;
        const settle = () => told ? undefined : this.#rest(tenure, live);
        tenure.committer.submit({ live, command, settle });
        tenure.elsewhere.taken(live);
        tenure.committer.wake(live);
        // Its owner is gone amid that, and nobody knows how far it had come.
        if (live.run.undo !== undefined) void this.#undo(tenure, live, true);
      },
    };
  }

  /** What follows once something of a run is durable, besides the actions that it asked for. */
  #written(tenure: Tenure, live: LiveRun): void {
    if (snapshotDue(live)) {
      const { artifacts, store } = this.ports;
      // The journal has everything; another is tried when it is due.
      writeSnapshot({ artifacts, store, committer: tenure.committer }, live).catch((error) =>
        this.#warn(`No snapshot of ${live.run.id}`, error)
      );
    }
    tenure.elsewhere.offer(live);
    this.#rest(tenure, live);
  }

  /** Lets a run go that has nothing to do for a while, or sees to it that it is looked at in time. */
  #rest(tenure: Tenure, live: LiveRun): void {
    if (live.released || this.#tenure !== tenure || !tenure.runs.has(live.run.id)) return;
    if (live.run.undo !== undefined) return;
    const now = this.ports.clock.now();
    const until = idleUntil(live.run, now);
    const waits = live.attempts.size === 0 && until > now &&
      (until > now + REST_MS || live.run.phase !== "active");
    if (!waits) return tenure.timers.set(live, nextDue(live.run));
    // Somebody may take what it offers in a moment.
    const offered = live.offers?.size ? live.offeredAt! + REST_MS : now;
    if (offered > now && live.run.phase === "active") {
      return tenure.timers.set(live, Math.min(nextDue(live.run), offered));
    }
    const command: RunCommand = { type: "releaseRun", reason: "waiting" };
    tenure.committer.submit({ live, command, settle: () => {} });
  }

  /** A run that was taken up only to be told something waits for its turn again, perhaps elsewhere than before. */
  #back({ committer }: Tenure, live: LiveRun): Promise<void> {
    if (live.released || live.run.undo !== undefined) return Promise.resolve();
    const command: RunCommand = { type: "releaseRun", reason: "waiting" };
    return new Promise((settle) => committer.submit({ live, command, settle: () => settle() }));
  }

  #forget(tenure: Tenure, live: LiveRun): void {
    tenure.runs.delete(live.run.id);
    if (live.run.phase === "ended") tenure.elsewhere.offer(live);
    tenure.timers.set(live, Infinity);
    for (const { abort } of live.attempts.values()) abort.abort("lost" satisfies AbortReason);
    live.undoing?.abort();
    // What it waits for may be soon, and what was said to it meanwhile is in the inbox.
    const goesOn = live.run.phase !== "ended" || live.run.undo !== undefined;
    if (goesOn && !this.#closing) this.ring();
  }

  /** Renews when nothing else does, and gives the session up when it cannot be trusted any more. */
  async #keepSession(tenure: Tenure): Promise<void> {
    const { clock } = this.ports;
    const { held, over } = tenure;
    while (!over.signal.aborted) {
      await clock.sleep(Math.max(50, Math.min(held.renewInMs, held.trustedForMs)), over.signal);
      if (over.signal.aborted) return;
      if (!held.trusted) return void this.#lose(tenure);
      if (held.renewInMs <= 0) tenure.committer.renew();
    }
  }

  async #poll(tenure: Tenure): Promise<void> {
    for (let turn = 1; !tenure.over.signal.aborted; turn++) {
      await this.ports.clock.sleep(POLL_MS, tenure.over.signal);
      if (tenure.over.signal.aborted) return;
      this.#lookForOrphans ||= turn % ORPHANS_EVERY === 0;
      this.ring();
      tenure.elsewhere.look();
    }
  }

  /** A worker that takes up only its own runs leaves what is nobody's to others. */
  #upkeep({ held, committer, over }: Tenure): void {
    if (this.#own !== undefined) return;
    const { artifactsFolder } = this.ports;
    void new Upkeep({
      ...this.ports,
      ...(artifactsFolder === undefined ? {} : { files: blobFiles(artifactsFolder) }),
      session: held.session,
      claim: (...operation) => committer.claim(...operation),
      signal: over.signal,
    }).keep();
  }

  /** One look at a time; a ring during a look is followed by another. */
  #look(): Promise<void> {
    this.#claimAgain = true;
    return this.#claiming ??= this.#lookUntilQuiet().finally(() => this.#claiming = undefined);
  }

  async #lookUntilQuiet(): Promise<void> {
    while (this.#claimAgain && this.#tenure !== undefined && !this.#closing) {
      this.#claimAgain = false;
      // It may be lost during any of the following, which then finds that it has no room.
      const tenure = this.#tenure;
      const ports = this.#claimPorts(tenure);
      const orphans = this.#lookForOrphans;
      this.#lookForOrphans = false;
      await this.#lanes.refresh();
      await tenure.counters.refresh();
      if (orphans) await adoptOrphans(ports, this.ports.clock.now());
      await claimReady(ports);
      const now = this.ports.clock.now();
      const due = await claimDue(ports, now);
      // For one that is due there was no room: the next poll looks again.
      tenure.lookAt.set("timers", due <= now ? Infinity : due);
      await readInbox(ports);
    }
  }

  #act(tenure: Tenure, live: LiveRun, action: RunAction): void {
    switch (action.type) {
      case "run":
        return void this.#runAttempt(tenure, live, action.step, action.attempt);
      case "abort":
        if (tenure.elsewhere.stop(live, action.step, action.attempt)) return;
        return live.attempts.get(action.step)?.abort.abort("cancelled" satisfies AbortReason);
      case "undo":
        return void this.#undo(tenure, live, false);
    }
  }

  /** Undoes the effect that the run says; without an end if the run goes to another owner, who takes it from there. */
  async #undo(tenure: Tenure, live: LiveRun, interrupted: boolean): Promise<void> {
    const abort = new AbortController();
    live.undoing = abort;
    const { committer, held } = tenure;
    const { id } = live.run;
    try {
      await undo(
        {
          ...this.ports,
          tell: (live, command) => new Promise((settle) => committer.submit({ live, command, settle })),
          trusted: () => held.trusted || this.#lose(tenure),
        },
        live,
        { interrupted, signal: abort.signal },
      );
    } catch (error) {
      this.#warn(`What undoes an effect of ${id} broke the worker's own code`, error);
      this.#lose(tenure);
    } finally {
      if (live.undoing === abort) live.undoing = undefined;
      if (live.heldBack) await this.#back(tenure, live);
      else this.#rest(tenure, live);
    }
  }

  async #runAttempt(tenure: Tenure, live: LiveRun, step: string, attempt: number): Promise<void> {
    const abort = new AbortController();
    live.attempts.set(step, { attempt, abort });
    if (!tenure.held.trusted) return void this.#lose(tenure);
    const { committer } = tenure;
    try {
      await execute(
        {
          ...this.ports,
          trusted: () => tenure.held.trusted || this.#lose(tenure),
          stream: (live, frames) => committer.submit({ live, frames, settle: () => {} }),
          tell: (live, command, puts) =>
            new Promise((settle) => committer.submit({ live, command, puts, settle })),
          admit: (live, step, own) => tenure.counters.quotas.admit(live, step, own),
          shared: () => tenure.counters.budgets,
          report: (live, command, frames) => committer.submit({ live, command, frames, settle: () => {} }),
        },
        live,
        step,
        attempt,
        abort,
      );
    } catch (error) {
      // Nothing of an attempt may end the process; what was not reported is lost with the session and recovered.
      this.#warn(`An attempt of ${step} broke the worker's own code`, error);
      this.#lose(tenure);
    } finally {
      if (live.attempts.get(step)?.abort === abort) live.attempts.delete(step);
      this.#rest(tenure, live);
    }
  }

  async #drained(tenure: Tenure, drainMs: number): Promise<void> {
    const { clock } = this.ports;
    const until = clock.monotonic() + drainMs;
    tenure.slots.free = -Infinity; // what ends from here on starts nothing
    const busy = () =>
      tenure.elsewhere.size > 0 ||
      [...tenure.runs.values()].some(({ attempts, undoing }) => attempts.size > 0 || undoing !== undefined);
    while (busy() && clock.monotonic() < until) await clock.sleep(Math.min(20, until - clock.monotonic()));
  }

  /** Nothing under this session is true any more: drop it all and begin again. */
  #lose(tenure: Tenure): false {
    if (this.#tenure !== tenure) return false;
    tenure.committer.abandon();
    this.#end(tenure);
    this.ports.log.write({
      level: "warn",
      source: "engine",
      code: "session_lost",
      message: "Session lost; taking up its runs again",
    });
    if (!this.#closing) this.#beginning = this.#beginAgain();
    return false;
  }

  async #beginAgain(): Promise<void> {
    for (let wait = 100; !this.#closing; wait = Math.min(wait * 2, 5_000)) {
      try {
        return await this.#begin();
      } catch (error) {
        this.#warn("No new session yet", error);
        await this.ports.clock.sleep(wait);
      }
    }
  }

  /** EN-2101: gives the runs back, so that the next worker may claim them at once and nothing counts as lost. */
  async #release({ committer, runs, elsewhere }: Tenure): Promise<void> {
    await elsewhere.idle();
    const command: RunCommand = { type: "releaseRun", reason: "drained" };
    await Promise.all(
      [...runs.values()].map((live) => new Promise((settle) => committer.submit({ live, command, settle }))),
    );
    await committer.idle();
  }

  #end(tenure: Tenure): void {
    this.#tenure = undefined;
    tenure.over.abort();
    this.#abort(tenure);
  }

  #abort(tenure: Tenure): void {
    tenure.elsewhere.abort();
    for (const live of tenure.runs.values()) {
      for (const { abort } of live.attempts.values()) abort.abort("lost" satisfies AbortReason);
      live.undoing?.abort();
    }
  }

  #warn(what: string, error: unknown): void {
    if (error instanceof EngineError && error.code === "storage_full") return;
    const message = `${what}: ${error instanceof Error ? error.message : String(error)}`;
    this.ports.log.write({ level: "warn", source: "engine", message });
  }
}
