/**
 * One store, some processes and the time: what a course of the model acts on, and what must hold whenever it is quiet.
 */
import { assertEquals } from "@std/assert";
import { EngineError } from "../../../../engine/base/errors.ts";
import type { Ids } from "../../../../engine/base/ids.ts";
import type { Attempt, Outcome } from "../../../../engine/kinds/kind.ts";
import type { Engine } from "../../../../engine/mod.ts";
import type { JournalRecord } from "../../../../engine/run/event.ts";
import type { Plan } from "../../../../engine/plan/types.ts";
import { replay } from "../../../../engine/run/replay.ts";
import { idleUntil } from "../../../../engine/run/timers.ts";
import { artifacts } from "../../../../engine/artifacts/artifacts.ts";
import {
  eventPrefix,
  LANE,
  leaseKey,
  readyPrefix,
  runPrefix,
  timerPrefix,
} from "../../../../engine/store/keys.ts";
import { memoryStore } from "../../../../engine/store/memory.ts";
import type { Put, Store } from "../../../../engine/store/store.ts";
import { journals } from "../../../../engine/work/journal.ts";
import { readHead, readLease, readRecord } from "../../../../engine/work/records.ts";
import { ManualClock } from "../../../_support/manual_clock.ts";
import { Process } from "./_process.ts";

type Instruction = Parameters<Engine["tell"]>[1];

/** How the tries of a cell go. */
export interface Script {
  /** Tries that fail for a passing reason before one comes to an end. */
  flaky: number;
  good: boolean;
  /** Times that each attempt gives its slot back, and for how long: long enough to leave memory, or not. */
  delays: number;
  delayMs: number;
  /** False: there is nothing to do. */
  taken: boolean;
}

const MACROTASK = () => new Promise<void>((resolve) => setImmediate(resolve));
/** Rounds without anything to let through after which nothing more comes by itself. */
const QUIET_ROUNDS = 4;

/** See the module comment. */
export class World {
  readonly clock = new ManualClock();
  store: Store = memoryStore({ clock: this.clock });
  readonly processes: Process[];
  /** What went wrong in a place that could not say so. */
  readonly wrong: string[] = [];
  readonly told: { key?: string; run: string; command: string }[] = [];
  readonly #epochs = new Map<string, { session: string; epoch: number }>();
  readonly #started = new Set<string>();
  #seed: number;
  #ids = 0;

  /** @param scripts how the tries of `c0`, `c1` and so on go, in every run */
  constructor(seed: number, readonly scripts: Script[]) {
    this.#seed = seed >>> 0;
    this.processes = [this.#process("w1"), this.#process("w2")];
  }

  /** A number in [0, 1): mulberry32. */
  draw = (): number => {
    this.#seed = (this.#seed + 0x6d2b79f5) >>> 0;
    let t = this.#seed;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };

  /** The engines that are up. */
  get engines(): Engine[] {
    return this.processes.flatMap(({ engine }) => engine === undefined ? [] : [engine]);
  }

  /** Lets up to `most` awaits come, in a random order, and everything that follows from them. */
  async pump(most = Infinity): Promise<void> {
    for (let quiet = 0, let_ = 0; quiet < QUIET_ROUNDS && let_ <= most;) {
      await MACROTASK();
      const gates = this.processes.flatMap(({ gates }) => gates.map((gate) => ({ gates, gate })));
      const chosen = gates[Math.floor(this.draw() * gates.length)];
      if (chosen === undefined) quiet++;
      else {
        quiet = 0;
        let_++;
        chosen.gates.splice(chosen.gates.indexOf(chosen.gate), 1);
        chosen.gate();
      }
    }
    assertEquals(this.wrong, []);
  }

  /** Time passes; what is ready goes on meanwhile. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 1_000) {
      await this.clock.advance(Math.min(left, 1_000));
      await this.pump();
    }
  }

  /** A process dies; another one, by the same id or another, takes its slot. */
  crash(slot: number, worker?: string): void {
    const old = this.processes[slot]!;
    old.die();
    const others = this.processes.map(({ worker }) => worker);
    const next = worker === undefined || others.includes(worker) ? old.worker : worker;
    this.processes[slot] = this.#process(next!);
    this.boot(slot);
  }

  /** Starts what has not been started. */
  boot(slot: number): void {
    const process = this.processes[slot]!;
    process.boot().catch((error) => {
      // A store that does not answer at the start is an error of the start; the next one is as good.
      if (!(error instanceof EngineError)) this.wrong.push(`boot: ${error?.stack ?? error}`);
      else if (!process.dead) this.crash(this.processes.indexOf(process));
    });
  }

  /** A process hands its runs back and ends, and another begins. */
  leave(slot: number): void {
    const process = this.processes[slot]!;
    const { engine } = process;
    if (engine === undefined) return;
    process.engine = undefined;
    engine.close(0).then(() => {
      if (!process.dead && this.processes[slot] === process) this.crash(slot);
    }, (error) => this.wrong.push(`close: ${error?.stack ?? error}`));
  }

  /** All processes die, and the store is opened anew with what it had. */
  async reopen(): Promise<void> {
    for (const process of this.processes) process.die();
    const puts = (await Array.fromAsync(this.store.list([]))).map(({ key, value }): Put => ({ key, value }));
    this.store = memoryStore({ clock: this.clock });
    for (let at = 0; at < puts.length; at += 20) await this.store.submit(puts.slice(at, at + 20), []);
    this.processes.splice(0, 2, this.#process("w1"), this.#process("w2"));
    this.boot(0);
    this.boot(1);
  }

  /** Tells a run something through one of the engines; the answer may come much later, or never. */
  tell(run: string, command: Instruction, key?: string): void {
    const engine = this.engines[Math.floor(this.draw() * this.engines.length)];
    engine?.tell(run, command, { waitMs: 1_000, ...(key === undefined ? {} : { key }) }).then(
      ({ command }) => this.told.push({ run, command, ...(key === undefined ? {} : { key }) }),
      (error) => {
        if (!(error instanceof EngineError)) this.wrong.push(`tell: ${error?.stack ?? error}`);
      },
    );
  }

  /** One of the attempts that run ends as its cell's script says. */
  async endOne(n: number): Promise<boolean> {
    const calls = this.processes.flatMap(({ calls }) => calls);
    const call = calls[n % calls.length];
    if (call === undefined) return false;
    const { run, cell, saved } = call.attempt;
    const { flaky, good, delays, delayMs, taken } = this.scripts[Number(cell.name.slice(1))]!;
    const failures = await this.#failures(run, cell.name);
    const waited = Number(saved ?? 0);
    const problem = (category: "network" | "code_error") => ({ category, message: "it broke" });
    const outcome: Outcome = !taken
      ? { type: "declined" }
      : waited < delays
      ? { type: "delayed", ms: delayMs, saved: waited + 1 }
      : failures < flaky
      ? { type: "failed", problem: problem("network") }
      : good
      ? { type: "succeeded", value: cell.name }
      : { type: "failed", problem: problem("code_error") };
    call.end(outcome);
    return true;
  }

  /** Every run that is in the store, whoever knows of it. */
  async runs(): Promise<string[]> {
    return (await Array.fromAsync(this.store.list(runPrefix))).map(({ key }) => String(key.at(-1)));
  }

  /** The journal of a run as the store has it, its plan and its head. */
  async journalOf(
    run: string,
  ): Promise<{ records: JournalRecord[]; plan: Plan; phase: string; outcome: string }> {
    const reader = journals(this.store, artifacts({ store: this.store }));
    const head = (await reader.head(run))!;
    const records = (await Array.fromAsync(this.store.list(eventPrefix(run)))).map(readRecord);
    return { records, plan: await reader.plan(head), phase: head.phase, outcome: head.outcome };
  }

  /**
   * Q1 Each run that has not ended is owned, or in one index, or waits for a command. One that has ended is nowhere,
   * unless somebody has just taken it up, in the `midst` of things, to answer a command.
   */
  async assertPlaces(midst = false): Promise<void> {
    const listed = new Map<string, string[]>();
    for (const prefix of [readyPrefix(LANE), timerPrefix]) {
      for await (const { key } of this.store.list(prefix)) {
        const run = String(key.at(-1));
        listed.set(run, [...listed.get(run) ?? [], String(key[0])]);
      }
    }
    for await (const entry of this.store.list(runPrefix)) {
      const { id, phase, outcome } = readHead(entry);
      const [lease] = await this.store.get([leaseKey(id)]);
      const places = [...listed.get(id) ?? [], ...lease === undefined ? [] : ["lease"]];
      const { records, plan } = await this.journalOf(id);
      const state = replay(id, plan, records);
      assertEquals([phase, outcome], [state.phase, state.outcome], "the head and the journal");
      if (state.phase === "ended") {
        assertEquals(places.filter((place) => !midst || place !== "lease"), [], `Q1 ${id} has ended`);
      } else if (places.length === 0) {
        assertEquals(idleUntil(state, this.clock.now()), Infinity, `Q1 ${id} is nowhere`);
      } else assertEquals(places.length, 1, `Q1 ${id} is in ${places}`);
    }
  }

  #process(worker: string): Process {
    const { clock, draw } = this;
    const ids: Ids = { next: (prefix) => `${prefix}_${String(++this.#ids).padStart(8, "0")}`, random: draw };
    const called = (attempt: Attempt) => this.#called(attempt);
    return new Process(worker, {
      store: this.store,
      clock,
      ids,
      draw,
      called,
      committed: (puts) => this.#committed(puts),
    });
  }

  /** C2 L4 S3 What a handler is called for stands in the journal, is the last word on its step, and happens once. */
  async #called({ run, cell, attempt, saved }: Attempt): Promise<void> {
    const name = `${run}/${cell.name}/${attempt}/${saved ?? 0}`;
    if (this.#started.has(name)) this.wrong.push(`S3 ${name} is called twice`);
    this.#started.add(name);
    const { records } = await this.journalOf(run);
    const events = records.flatMap(({ events }) => events);
    const last = events.findLast((event) =>
      "step" in event && event.step === cell.name && event.type !== "step.stopping" ||
      event.type === "run.adopted" || event.type === "run.released"
    );
    const begun = last?.type === "step.started" || last?.type === "step.continued";
    if (!begun || last.attempt !== attempt) {
      this.wrong.push(`C2 L4 ${name} is called after ${JSON.stringify(last)}`);
    }
  }

  /** L2 A lease's epoch grows whenever its owner changes. */
  #committed(puts: readonly Put[]): void {
    for (const { key, value } of puts) {
      if (key[0] !== "lease") continue;
      const { session, epoch } = readLease({ key, value });
      const run = String(key[1]);
      if (epoch <= (this.#epochs.get(run)?.epoch ?? 0)) {
        this.wrong.push(`L2 the epoch of ${run} does not grow`);
      }
      this.#epochs.set(run, { session, epoch });
    }
  }

  /** Tries of a cell that failed since it was last opened. */
  async #failures(run: string, cell: string): Promise<number> {
    const { records } = await this.journalOf(run);
    let failures = 0;
    for (const event of records.flatMap(({ events }) => events)) {
      if (event.type === "run.reopened") failures = 0;
      if (event.type === "step.retried" && event.step === cell) failures++;
    }
    return failures;
  }
}
