/**
 * Attempts that this worker makes for the owners of other runs (EN-513 to EN-515). Owns: their life from the claim of an
 * offer to the report of how they went. Never: what an attempt does (`executor.ts`), nor what its end means (`engine/run`).
 *
 * ```
 *   offer ─▶ claim: lease + "I have it" in the inbox ─▶ owner starts the attempt ─▶ it runs here ─▶ report, lease gone
 *                                        └─ owner refuses: lease gone                └─ told to end: aborted
 * ```
 *
 * S7 Everything that is written for it checks the step lease: once that has gone to another, nothing of it counts.
 */
import { hit } from "../../base/faults.ts";
import type { Clock } from "../../base/clock.ts";
import type { Ids } from "../../base/ids.ts";
import type { RunCommand } from "../../run/command.ts";
import { foldRecord } from "../../run/fold.ts";
import type { Run, WorkerSession } from "../../run/state.ts";
import { encodeRecord } from "../../store/codec.ts";
import { answerKey, frameKey, inboxKey, stepLeaseKey, stepStopKey } from "../../store/keys.ts";
import type { CommitResult, Key, Put, Store } from "../../store/store.ts";
import type { Frame } from "../../wire/frame.ts";
import { type AbortReason, execute, type ExecutorPorts } from "../attempt/executor.ts";
import type { Committer } from "../commit/committer.ts";
import { type LiveRun, liveRun, type RunHead } from "../commit/live_run.ts";
import type { Answer } from "../commit/turn.ts";
import type { Journals } from "../journal.ts";
import { knownCode, readAnswer, readStepStop } from "../records.ts";
import { slotsOf } from "../quota/slots.ts";
import { hashOf, holdsOf } from "../upkeep/names.ts";
import { claimOffer, findOffers, type Routed } from "./claim_offers.ts";

/** How often an answer is looked for: soon at first. */
const LOOKS_MS = [5, 10, 20, 40, 80];
/** Offers that are claimed together. */
const WINDOW = 32;
/** Runs of others that are kept in memory between their attempts. */
const MOST_MIRRORS = 8;

/** What it needs of its worker. */
export interface RoutedPorts extends Omit<ExecutorPorts, "stream" | "tell" | "report"> {
  store: Store;
  journals: Journals;
  clock: Clock;
  ids: Ids;
  committer: Committer;
  session: WorkerSession;
  slots: { free: number };
  covers(requires: readonly string[]): boolean;
  /** Whether it takes more; false once it is to end. */
  open(): boolean;
  /** Slots of quotas are free. */
  freed(quotas: string[]): void;
  /** Something was posted to a run. */
  posted(run: string): void;
  /** The session is over. */
  over: AbortSignal;
  warn(what: string, error: unknown): void;
}

/** See the module comment. One for each session of the worker. */
export class RoutedWork {
  readonly #busy = new Map<Routed, AbortController>();
  /** The copies of their runs, which know the slots of quotas that they hold. */
  readonly #copies = new Map<Routed, LiveRun>();
  readonly #mirrors = new Map<string, Promise<Run>>();
  readonly #running = new Set<Promise<void>>();
  #looking: Promise<void> | undefined;
  #again = false;

  constructor(private readonly ports: RoutedPorts) {}

  /** Attempts under way. */
  get size(): number {
    return this.#busy.size;
  }

  /** Whether it makes an attempt of this run. */
  has(run: string): boolean {
    return [...this.#busy.keys()].some((routed) => routed.run === run);
  }

  /** Resolves once nothing is under way. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Looks for offers now; one look at a time, and one more after a ring during it. */
  look(): Promise<void> {
    this.#again = true;
    return this.#looking ??= this.#lookUntilQuiet().finally(() => this.#looking = undefined);
  }

  /** Looks whether an attempt was told to end, or has been given to another. */
  async check(): Promise<void> {
    const busy = [...this.#busy];
    if (busy.length === 0) return;
    const found = await this.ports.store.get(
      busy.flatMap(([{ run, step }]) => [stepLeaseKey(run, step), stepStopKey(run, step)]),
    );
    for (const [i, [{ version, attempt }, abort]] of busy.entries()) {
      if (found[2 * i]?.version !== version) abort.abort("lost" satisfies AbortReason);
      const stop = found[2 * i + 1];
      if (stop !== undefined && readStepStop(stop).attempt === attempt) {
        abort.abort("cancelled" satisfies AbortReason);
      }
    }
  }

  /** Aborts everything: it is given back if the session still stands, and lost with it else. */
  abort(): void {
    for (const abort of this.#busy.values()) abort.abort("lost" satisfies AbortReason);
  }

  async #lookUntilQuiet(): Promise<void> {
    const { slots, open, over } = this.ports;
    while (this.#again && open() && slots.free > 0 && !over.aborted) {
      this.#again = false;
      const offers = await findOffers(this.ports, Math.min(WINDOW, slots.free));
      const most = offers.slice(0, Math.max(0, slots.free));
      // Taken before the claim, so that what is decided meanwhile does not take them as well.
      slots.free -= most.length;
      await Promise.all(most.map(async (offer) => {
        const claimed = await claimOffer(this.ports, offer).catch((error) =>
          this.ports.warn("An offer was not claimed", error)
        );
        if (claimed === undefined) this.#freed();
        else this.#keep(this.#run(claimed));
      }));
    }
  }

  #keep(running: Promise<void>): void {
    const kept = running.finally(() => this.#running.delete(kept));
    this.#running.add(kept);
  }

  #freed(): void {
    this.ports.slots.free++;
    this.ports.committer.freed();
  }

  async #run(routed: Routed): Promise<void> {
    const { warn, over } = this.ports;
    const abort = new AbortController();
    this.#busy.set(routed, abort);
    try {
      this.ports.posted(routed.run);
      const answer = await this.#answer(routed.run, routed.command, abort.signal);
      if (answer === undefined) await this.#giveBack(routed, false);
      else if (answer.ok) await this.#execute(routed, abort);
      else await this.#drop(routed, []);
    } catch (error) {
      warn(`An attempt of ${routed.step} for another worker broke this one's own code`, error);
      await this.#giveBack(routed, true).catch(() => {});
    } finally {
      this.#busy.delete(routed);
      this.#copies.delete(routed);
      this.#freed();
      if (!over.aborted) this.look().catch((error) => warn("Looking for offers failed", error));
    }
  }

  async #execute(routed: Routed, abort: AbortController): Promise<void> {
    const { run, step, attempt } = routed;
    const { journals } = this.ports;
    const head = await journals.head(run);
    if (head === undefined) return void await this.#drop(routed, []);
    const live = liveRun(head, await this.#mirrorOf(head), head.epoch ?? 0);
    // Between the owner's answer and the reading it may have been told to end.
    if (live.run.steps.get(step)?.away === undefined) return void await this.#drop(routed, []);
    this.#copies.set(routed, live);
    let reporting: Promise<CommitResult> | undefined;
    await execute(
      {
        ...this.ports,
        stream: (_, frames) =>
          void this.#write(routed, [framesPut(run, frames)], []).then((result) => {
            if (result === "conflict") abort.abort("lost" satisfies AbortReason);
          }),
        tell: (live, command) => this.#tell(routed, live, command, abort.signal),
        report: (_, command, frames) => reporting = this.#report(routed, live, command, frames),
      },
      live,
      step,
      attempt,
      abort,
    );
    if (reporting === undefined) await this.#giveBack(routed, false);
    else if (await reporting === "ok") this.ports.posted(run);
  }

  /**
   * The run as its journal tells it now. Those of the last few runs are kept and told what is new, because one after the
   * other of a run's steps may come here, and reading the whole journal for each costs the square of it.
   */
  #mirrorOf(head: RunHead): Promise<Run> {
    const { journals } = this.ports;
    const next = (this.#mirrors.get(head.id) ?? Promise.resolve(undefined)).catch(() => undefined).then(
      async (run) => {
        if (run === undefined) return await journals.load(head);
        for await (const record of journals.records(head.id, run.seq)) foldRecord(run, record);
        return run;
      },
    );
    this.#mirrors.delete(head.id);
    this.#mirrors.set(head.id, next);
    if (this.#mirrors.size > MOST_MIRRORS) this.#mirrors.delete(this.#mirrors.keys().next().value!);
    return next;
  }

  /** Says something of an attempt that goes on, and waits for what its run makes of it. */
  async #tell(routed: Routed, live: LiveRun, command: RunCommand, signal: AbortSignal): Promise<Answer> {
    const { ids, posted } = this.ports;
    const { run, step } = routed;
    const id = ids.next("cmd");
    const written = await this.#write(routed, [this.#posting(routed, id, command)], []);
    if (written !== "ok") {
      return { ok: false, code: "attempt_stale", reason: `${step} is with another worker` };
    }
    posted(run);
    const answer = await this.#answer(run, id, signal);
    if (answer?.ok) {
      // What it asked for stands in the run's state.
      await this.#mirrorOf(live.head);
    }
    return answer ?? { ok: false, code: "session_lost", reason: "The worker lost its session" };
  }

  /** EN-514: the result enters the inbox in the commit that drops the lease. */
  async #report(routed: Routed, live: LiveRun, command: RunCommand, frames: Frame[]): Promise<CommitResult> {
    const { run } = routed;
    const stored = ["value", "saved", "about", "items"] as const;
    const names = stored.flatMap((field) =>
      hashOf((command as unknown as Record<string, Parameters<typeof hashOf>[0]>)[field])
    );
    const result = await this.#drop(routed, [
      ...(frames.length === 0 ? [] : [framesPut(run, frames)]),
      ...holdsOf(run, names, live.head.createdAt),
      this.#posting(routed, this.ports.ids.next("cmd"), command),
    ]);
    if (result === "ok") hit("route.reported");
    return result;
  }

  #posting({ run, step }: Routed, id: string, report: RunCommand): Put {
    const command = { type: "reportAttempt", step, on: this.ports.session, report };
    return { key: inboxKey(run, id), value: encodeRecord(command as never) };
  }

  /** Nothing came of it: another worker, or this one later, begins again. */
  async #giveBack(routed: Routed, lost: boolean): Promise<void> {
    const { run, step, attempt } = routed;
    const { ids, posted } = this.ports;
    const command = { type: "loseAttempt", step, attempt, lost } as const;
    const put = { key: inboxKey(run, ids.next("cmd")), value: encodeRecord(command) };
    if (await this.#drop(routed, [put]) === "ok") posted(run);
  }

  async #drop(routed: Routed, puts: Put[]): Promise<CommitResult> {
    const { run, step } = routed;
    const slots = slotsOf(this.#copies.get(routed), step);
    const deletes = [stepLeaseKey(run, step), stepStopKey(run, step), ...slots.keys];
    const result = await this.#write(routed, puts, deletes);
    if (result === "ok" && slots.quotas.length > 0) this.ports.freed(slots.quotas);
    return result;
  }

  /** Writes while the lease is this session's: nobody changes it but to take it away. */
  #write({ run, step, version }: Routed, puts: Put[], deletes: Key[]): Promise<CommitResult> {
    const { committer, over } = this.ports;
    if (over.aborted) return Promise.resolve("fenced");
    return committer.claim([{ key: stepLeaseKey(run, step), version }], puts, deletes);
  }

  /** The owner's answer, or nothing once the attempt is to end or the session is over. */
  async #answer(run: string, command: string, abort: AbortSignal): Promise<Answer | undefined> {
    const { store, clock, over } = this.ports;
    for (let look = 0; !over.aborted && !abort.aborted; look++) {
      const [entry] = await store.get([answerKey(run, command)]);
      if (entry !== undefined) {
        const answer = readAnswer(entry);
        if (answer.state === "applied") return { ok: true };
        return { ok: false, code: knownCode(answer.code), reason: answer.reason };
      }
      await clock.sleep(LOOKS_MS[look] ?? LOOKS_MS.at(-1)!, over);
    }
  }
}

function framesPut(run: string, frames: Frame[]): Put {
  const { step, attempt, seq } = frames.at(-1)!;
  return { key: frameKey(run, step, attempt, seq), value: encodeRecord(frames as never) };
}
