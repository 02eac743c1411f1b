/**
 * A run and its reference side by side: each command goes to both, and after each everything that must always hold is
 * looked at. Knows the invariants; which commands are given is for the test.
 */
import { assert, assertEquals } from "@std/assert";
import { canonicalJson, type Json } from "../../../engine/base/json.ts";
import type { Plan } from "../../../engine/plan/types.ts";
import type { RunCommand } from "../../../engine/run/command.ts";
import type { JournalRecord, RunEvent } from "../../../engine/run/event.ts";
import { foldEvent, newRun } from "../../../engine/run/fold.ts";
import { nextCommand } from "../../../engine/run/next.ts";
import { foldJournal, replay } from "../../../engine/run/replay.ts";
import { fromSnapshot, type Snapshot, takeSnapshot } from "../../../engine/run/snapshot.ts";
import { illegal, isUntaken, type Run } from "../../../engine/run/state.ts";
import { idleUntil, nextDue } from "../../../engine/run/timers.ts";
import { isRejected, transition } from "../../../engine/run/transition.ts";
import { runLabel, stepLabel } from "../../../engine/run/words/label.ts";
import { runWait, stepWait } from "../../../engine/run/words/wait.ts";
import { Reference } from "./_reference.ts";
import { QUEUED } from "./_run_after.ts";

const SLOTS = 100;
const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value));

/** All of a run's state, its plan apart, as a text that is the same for the same state. */
export function stateText(run: Run): string {
  const { plan: _, successors: __, steps, ready, open, waiting, deciding, ...rest } = run;
  const own = [...steps].map(([name, { plan: _, ...step }]) => [name, step]);
  const whole = {
    ...rest,
    steps: own,
    lists: [[...ready], [...open], [...waiting], [...deciding].toSorted()],
  };
  return canonicalJson(copy(whole) as unknown as Json);
}

/** S5 The run is where the reference says, and so is each step. */
export function assertAgree(run: Run, ref: Reference): void {
  const found = [run.phase, run.intent, run.outcome, run.halted];
  assertEquals(found, [ref.phase, ref.intent, ref.outcome, ref.halted], "S5 the run");
  for (const [name, cell] of ref.cells) {
    const step = run.steps.get(name)!;
    const waits = ref.needsMet(cell) ? "ready" : "idle";
    const phase = { waiting: waits, running: "running", held: "suspended", done: "ended" }[cell.is];
    assertEquals(
      [
        step.phase,
        step.outcome,
        step.attempts,
        step.due,
        step.join,
        step.skipped === "not_needed",
        isUntaken(step),
      ],
      [
        phase,
        cell.end ?? "none",
        cell.attempts,
        cell.due,
        cell.join,
        cell.unneeded === true,
        cell.untaken === true,
      ],
      `S5 step ${name}`,
    );
  }
}

/** See the module comment. */
export class Model {
  run: Run;
  readonly ref: Reference;
  readonly journal: JournalRecord[] = [];
  /** Commands that were applied, in order, for the message of a failure. */
  readonly told: string[] = [];
  now = 1_000;
  #snapshot: { text: string; at: number } | undefined;
  /** Steps that became ready since they were last opened. */
  readonly #readied = new Set<string>();
  /** Those whose join settled since. */
  readonly #joined = new Set<string>();

  constructor(readonly plan: Plan, options: { startAt?: number; deadline?: number } = {}) {
    this.run = newRun("run_1", plan);
    this.ref = new Reference(plan, options);
    this.#write([{ ...QUEUED, ...options }]);
    this.check();
  }

  /** Gives a command to both and compares the answers; true if something happened. */
  apply(command: RunCommand): boolean {
    this.told.push(`${this.now}: ${JSON.stringify(command)}`);
    const decision = transition(this.run, command, this.now);
    const did = isRejected(decision) ? "no" : decision.events.length === 0 ? "same" : "done";
    assertEquals(did, this.ref.apply(command, this.now), "the engine's answer and the reference's");
    if (isRejected(decision) || did !== "done") return false;
    this.#write(decision.events);
    this.check();
    this.#again(command);
    return true;
  }

  /** What follows by itself, as its owner would apply it; false if there is nothing. */
  step(): boolean {
    const next = nextCommand(this.run, SLOTS, this.now);
    if (next !== undefined) assert(this.apply(next), `${next.type} is called for and changes nothing`);
    return next !== undefined;
  }

  /** S1 The state goes through a snapshot, as when another process opens the run. */
  restore(): void {
    this.run = fromSnapshot(this.run.id, this.plan, copy(takeSnapshot(this.run)));
    this.check();
  }

  /** Keeps a snapshot, from which every later state is put together again. */
  keepSnapshot(): void {
    this.#snapshot = { text: JSON.stringify(takeSnapshot(this.run)), at: this.journal.length };
  }

  /** P13 What a new process makes of the journal and the plan as they were written. */
  replayed(): Run {
    return replay(this.run.id, copy(this.plan), copy(this.journal));
  }

  check(): void {
    assertEquals(illegal(this.run), undefined, "S2");
    const text = stateText(this.run);
    assertEquals(stateText(replay(this.run.id, this.plan, this.journal)), text, "S1 the journal");
    if (this.#snapshot !== undefined) {
      const from = fromSnapshot(this.run.id, this.plan, JSON.parse(this.#snapshot.text) as Snapshot);
      const tail = foldJournal(from, this.journal.slice(this.#snapshot.at));
      assertEquals(stateText(tail), text, "S1 a snapshot and the tail");
    }
    assertAgree(this.run, this.ref);
    this.#checkLists();
    this.#checkTimes();
    this.#checkWords();
  }

  #write(events: RunEvent[]): void {
    this.run.seq++;
    this.journal.push({ seq: this.run.seq, at: this.now, session: "w", epoch: 1, events });
    for (const event of events) {
      const before = new Map([...this.run.steps].map(([name, { outcome }]) => [name, outcome]));
      if (event.type === "step.started" || event.type === "step.continued") this.#checkStart(event.step);
      const { ready, reopened } = foldEvent(this.run, event, this.now);
      for (const name of reopened) {
        this.#readied.delete(name);
        this.#joined.delete(name);
      }
      if (event.type === "join.settled") {
        assert(!this.#joined.has(event.step), `S6 P7 the join of ${event.step} settles twice`);
        this.#joined.add(event.step);
      }
      for (const name of ready) {
        assert(!this.#readied.has(name), `S6 P7 ${name} settled twice`);
        this.#readied.add(name);
      }
      for (const [name, { outcome }] of this.run.steps) {
        const was = before.get(name)!;
        if (was !== "none" && was !== outcome) {
          assert(reopened.includes(name), `S3 ${name} ended twice, by ${event.type}`);
        }
      }
    }
  }

  /** S4 and T1, from the plan and the steps alone. */
  #checkStart(name: string): void {
    const step = this.run.steps.get(name)!;
    assert((step.due ?? 0) <= this.now, `T1 ${name} starts before it is due`);
    const { needs, join } = step.plan;
    if (join !== undefined) {
      const names = step.joined ?? [];
      assertEquals([step.join, names.length], ["met", join.need], `S4 S6 the join of ${name}`);
      for (const cell of names) assertEquals(this.run.steps.get(cell)!.outcome, "succeeded", `S6 ${cell}`);
    }
    for (const { cell, mode, join } of needs) {
      if (join) continue;
      const upstream = this.run.steps.get(cell)!;
      const { outcome } = upstream;
      assert(outcome !== "none", `S4 ${name} starts before ${cell} has ended`);
      if (mode === "value" || mode === "after" && !isUntaken(upstream)) {
        assertEquals(outcome, "succeeded", `S4 ${name} needs ${cell}`);
      }
    }
  }

  /** P12 The same command again: it is so already, or it is refused. */
  #again(command: RunCommand): void {
    // A worker that dies again, or a cell that is skipped again, is another event.
    if (command.type === "adoptRun" || command.type === "retryStep") return;
    const decision = transition(this.run, command, this.now);
    assert(isRejected(decision) || decision.events.length === 0, `P12 ${command.type} is done twice`);
  }

  #checkLists(): void {
    const { steps, ready, open, waiting, deciding, left } = this.run;
    const names = (test: (step: Run["steps"] extends Map<string, infer S> ? S : never) => boolean) =>
      [...steps].flatMap(([name, step]) => test(step) ? [name] : []).toSorted();
    assertEquals([...ready].toSorted(), names(({ phase, due }) => phase === "ready" && due === undefined));
    assertEquals([...open].toSorted(), names(({ attempt }) => attempt === "open"));
    assertEquals([...waiting].toSorted(), names(({ due }) => due !== undefined));
    const decided = [...this.ref.cells].filter(([, cell]) => this.ref.decided(cell) !== undefined);
    const all = this.run.phase === "ended" ? [] : decided.map(([name]) => name);
    assertEquals([...deciding].toSorted(), all.toSorted(), "S6 joins about to settle");
    assertEquals(left, names(({ phase }) => phase !== "ended").length);
  }

  #checkTimes(): void {
    const { run, ref, now } = this;
    const dues = [...ref.cells.values()].map(({ due }) => due ?? Infinity);
    const deadline = ref.intent === "cancel" ? Infinity : ref.deadline ?? Infinity;
    const earliest = ref.phase === "ended" ? Infinity : Math.min(...dues, deadline, ref.startAt ?? Infinity);
    assertEquals(nextDue(run), earliest, "T1 the next timer");
    const until = idleUntil(run, now);
    if (run.phase === "ended") {
      return assertEquals([until, nextCommand(run, SLOTS, now)], [Infinity, undefined]);
    }
    if (run.open.size > 0) return assert(until <= now, "a run with open attempts is busy");
    const has = (at: number) => nextCommand(run, SLOTS, at) !== undefined;
    if (until <= now) return assert(has(now), "it says that it has something to do and has not");
    // A wait that ends while the run is paused changes nothing that anybody could see.
    if (run.intent === "pause") return;
    assert(!has(Math.min(until - 1, now + 10 ** 9)), "it says that it is idle and is not");
    if (until !== Infinity) assert(has(until), "its time comes and it has nothing to do");
  }

  #checkWords(): void {
    const { run } = this;
    assert(runLabel(run).length > 0);
    const over = nextCommand(run, SLOTS, this.now)?.type === "endRun" || run.deciding.size > 0;
    const moves = run.phase === "ended" || run.open.size > 0 || over;
    assertEquals(runWait(run) === undefined || over, moves, "EN-304 one wait unless it moves");
    for (const step of run.steps.values()) {
      assert(stepLabel(step).length > 0);
      const moves = step.phase === "ended" || step.phase === "running";
      assertEquals(stepWait(run, step) === undefined, moves, `EN-304 ${step.plan.cell}`);
    }
  }
}
