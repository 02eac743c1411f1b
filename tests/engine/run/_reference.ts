/**
 * The plainest evaluation of a run, to hold the engine against: cells, what they need, and how each ended. It shares no
 * code with the fold: it keeps no lists and counts nothing down, but looks at every cell again after every step.
 *
 * `evaluate` says what a graph comes to if nobody interferes; `Reference` follows one run command by command.
 */
import type { Plan } from "../../../engine/plan/types.ts";
import type { RunCommand } from "../../../engine/run/command.ts";

export type End = "succeeded" | "failed" | "skipped" | "cancelled" | "expired";
/** What comes of a command: something, nothing because it was so already, or a refusal. */
export type Verdict = "done" | "same" | "no";

/** Whether a cell that needs another in this way cannot run once that has ended so, `untaken` or not (EN-704). */
function blocks(mode: string, end: End, untaken: boolean): boolean {
  return mode === "value" ? end !== "succeeded" : mode === "after" && end !== "succeeded" && !untaken;
}

/**
 * What each cell comes to if all are let run, by what its own work comes to: cell by cell in run order. A join that ends
 * what is left over changes nothing about the others, because nothing needs those.
 */
export function evaluate(
  plan: Plan,
  work: (cell: string) => "succeeded" | "failed" | "untaken",
): Map<string, End> {
  const ends = new Map<string, End>();
  const untaken = new Set<string>();
  for (const { cell, needs, fallback, instead, reuse, join } of plan.steps) {
    const votes = needs.filter(({ join }) => join).map(({ cell }) => ends.get(cell)!);
    const blocked = needs.some(({ cell, mode, join }) =>
      !join && blocks(mode, ends.get(cell)!, untaken.has(cell))
    ) ||
      join !== undefined && votes.filter((end) => end === "succeeded").length < join.need;
    const comes = work(cell);
    if (reuse !== undefined) ends.set(cell, "succeeded");
    else if (blocked) ends.set(cell, "skipped");
    else if (comes === "untaken") {
      ends.set(cell, "skipped");
      untaken.add(cell);
    } else {
      const helped = fallback !== undefined || instead !== undefined && ends.get(instead) === "succeeded";
      ends.set(cell, helped ? "succeeded" : comes);
    }
  }
  return ends;
}

/** How a run of these ends that nobody stopped has ended (EN-701, EN-702); what a join has ended is not `bad`. */
export function outcomeOfEnds(
  plan: Plan,
  ends: ReadonlyMap<string, End>,
  halted: boolean,
  unneeded: (cell: string) => boolean = () => false,
): string {
  const bad = (cell: string) => ["failed", "cancelled"].includes(ends.get(cell)!) && !unneeded(cell);
  if (halted || plan.steps.some(({ cell, errors }) => errors === "stop" && ends.get(cell) === "failed")) {
    return "failed";
  }
  if (!plan.steps.some(({ cell }) => bad(cell))) return "succeeded";
  const needed = new Set(plan.steps.flatMap(({ needs }) => needs.map(({ cell }) => cell)));
  const sinks = plan.steps.filter(({ cell }) => !needed.has(cell));
  return sinks.some(({ cell }) => ends.get(cell) === "succeeded") ? "partial" : "failed";
}

/** One cell as the reference sees it. */
export interface RefCell {
  readonly plan: Plan["steps"][number];
  is: "waiting" | "running" | "held" | "done";
  end?: End;
  attempts: number;
  /** Tries of its own that failed, and attempts lost with their worker, since it was opened. */
  failures: number;
  losses: number;
  /** Not to go on before. */
  due?: number;
  /** Its attempt gave its slot back and has not ended. */
  goesOn: boolean;
  told?: "cancelled" | "skipped";
  endedAt: number;
  /** Upstreams that its join has heard of, in order; what it came to; and that one of another cell did without it. */
  heard: string[];
  join?: "met" | "impossible";
  unneeded?: boolean;
  /** Its own `when` was false. */
  untaken?: boolean;
}

const RETRY_MS = 1_000;

/** A run, followed command by command. */
export class Reference {
  readonly cells: Map<string, RefCell>;
  phase: "queued" | "active" | "suspended" | "ended" = "queued";
  intent: "go" | "pause" | "stop" | "cancel" = "go";
  outcome = "none";
  halted = false;
  expiring = false;
  restarts = 0;
  deadline?: number;
  startAt?: number;
  priority = 50;
  #now = 0;

  constructor(readonly plan: Plan, { startAt, deadline }: { startAt?: number; deadline?: number } = {}) {
    this.cells = new Map(plan.steps.map((step) => [step.cell, {
      plan: step,
      is: step.reuse === undefined ? "waiting" : "done",
      ...(step.reuse === undefined ? {} : { end: "succeeded" as const }),
      attempts: 0,
      failures: 0,
      losses: 0,
      goesOn: false,
      endedAt: 0,
      heard: [],
    }]));
    this.startAt = startAt;
    this.deadline = deadline;
    this.#settle();
  }

  get ends(): Map<string, End> {
    return new Map([...this.cells].map(([name, { end }]) => [name, end!]));
  }

  /** Gives a command. */
  apply(command: RunCommand, now: number): Verdict {
    this.#now = now;
    const verdict = this.#apply(command, now);
    this.#settle();
    return verdict;
  }

  /** Whether all that a cell needs has ended in a way that lets it run. */
  needsMet({ plan, join }: RefCell): boolean {
    return (plan.join === undefined || join === "met") && plan.needs.every(({ cell, mode, join }) => {
      const { end, untaken = false } = this.cells.get(cell)!;
      return join || end !== undefined && !blocks(mode, end, untaken);
    });
  }

  /** The successes that decide a join, of those it has heard of; nothing if it is open. */
  decided({ is, plan, join, heard }: RefCell): string[] | undefined {
    if (plan.join === undefined || join !== undefined || is !== "waiting") return undefined;
    const good = heard.filter((name) => this.cells.get(name)!.end === "succeeded");
    if (good.length >= plan.join.need) return good.slice(0, plan.join.need);
    const bad = heard.length - good.length;
    return plan.join.of - bad < plan.join.need ? good : undefined;
  }

  #idle(cell: RefCell): boolean {
    return cell.is === "waiting" && !this.needsMet(cell);
  }

  #settleJoin(cell: RefCell): Verdict {
    if (this.phase === "ended" || cell.join !== undefined) return "same";
    const good = this.decided(cell);
    if (good === undefined) return "no";
    const met = good.length === cell.plan.join!.need;
    const rest = cell.plan.join!.rest === "cancel-remaining" ? this.#leftOver(cell, met) : [];
    cell.join = met ? "met" : "impossible";
    if (!met) this.#finish(cell, "skipped");
    for (const other of rest) {
      if (other.told !== undefined) continue;
      other.unneeded = true;
      if (other.is === "running") other.told = "cancelled";
      else this.#finish(other, other.goesOn ? "cancelled" : "skipped");
    }
    return "done";
  }

  /** What ends with a join: grown from nothing until nothing can be added. */
  #leftOver(of: RefCell, met: boolean): RefCell[] {
    const found = new Set<RefCell>();
    const data = (mode: string) => mode === "value" || mode === "optional";
    const asks = (cell: RefCell, name: string) =>
      cell.plan.needs.some((need) => {
        if (need.cell !== name) return false;
        if (cell === of) return need.join || !met && data(need.mode);
        return data(need.mode) && !(need.join && cell.join !== undefined);
      });
    const needs = (cell: RefCell, name: string) =>
      this.#idle(cell) && cell.plan.needs.some((need) => need.cell === name && !(need.join && cell.join));
    for (let size = -1; size < found.size;) {
      size = found.size;
      for (const [name, cell] of this.cells) {
        if (cell.is === "done" || found.has(cell)) continue;
        const cells = [...this.cells.values()];
        const wanted = cells.some((other) =>
          (other === of || found.has(other) && this.#idle(other)) && asks(other, name)
        );
        const own = met && of.plan.needs.some((need) => need.cell === name && !need.join);
        const spared = own || cells.some((other) => other !== of && !found.has(other) && needs(other, name));
        if (wanted && !spared) found.add(cell);
      }
    }
    return [...found];
  }

  /** Whether nothing runs and nothing will. */
  get over(): boolean {
    if (this.phase === "ended" || this.#running.length > 0) return false;
    if (this.intent === "stop" || this.intent === "cancel") return true;
    const nothingLeft = [...this.cells.values()].every(({ is }) => is === "done");
    return this.phase !== "queued" && (this.halted || nothingLeft);
  }

  get #running(): RefCell[] {
    return [...this.cells.values()].filter(({ is }) => is === "running");
  }

  #apply(command: RunCommand, now: number): Verdict {
    const ended = this.phase === "ended";
    switch (command.type) {
      case "queueRun":
        return "same";
      case "startRun":
        if (ended || this.phase !== "active" && (this.startAt ?? 0) > now) return "no";
        if (this.phase === "active") return "same";
        this.phase = "active";
        this.startAt = undefined;
        return "done";
      case "adoptRun":
        return this.#lose(now, true);
      case "releaseRun":
        return this.#release(now);
      case "pauseRun":
        return ended ? "no" : this.#intend("pause", ["go"]);
      case "resumeRun":
        return ended ? "no" : this.#intend("go", ["pause"]);
      case "stopRun":
        if (ended) return this.outcome === "stopped" ? "same" : "no";
        return this.#intend("stop", ["go", "pause"]);
      case "cancelRun":
        if (ended) return this.outcome === "cancelled" ? "same" : "no";
        return this.#intend("cancel", ["go", "pause", "stop"]);
      case "expireRun":
        if (ended || this.intent === "cancel") return "same";
        if (this.deadline === undefined || this.deadline > now) return "no";
        this.expiring = true;
        return this.#intend("cancel", ["go", "pause", "stop"]);
      case "changeRun":
        return this.#change(command);
      case "fireTimer":
        return this.#fire(command.timer, now);
      case "endRun":
        return ended ? "same" : this.over ? this.#end() : "no";
      case "restartRun":
        return this.#restart(now, command.from);
      case "applySignal":
      case "childEnded":
      case "markCheckpoint":
      case "restoreRun":
        return this.#notFollowed(command.type);
      default:
        return this.#applyToCell(command, now);
    }
  }

  #applyToCell(command: Extract<RunCommand, { step: string }>, now: number): Verdict {
    const cell = this.cells.get(command.step);
    if (cell === undefined) return "no";
    switch (command.type) {
      case "settleJoin":
        return this.#settleJoin(cell);
      case "startAttempt": {
        const may = cell.is === "waiting" && this.needsMet(cell) && (cell.due ?? 0) <= now &&
          this.phase === "active" && this.intent === "go" && !this.halted &&
          this.#running.length < this.plan.concurrency;
        if (!may) return "no";
        if (!cell.goesOn) cell.attempts++;
        cell.is = "running";
        cell.due = undefined;
        return "done";
      }
      case "succeedAttempt":
        return this.#report(cell, command.attempt, ["succeeded"], () => this.#finish(cell, "succeeded"));
      case "failAttempt":
        return this.#report(cell, command.attempt, ["failed"], () => {
          this.#fail(cell, command.problem.category === "network", now);
        });
      case "openMap":
        throw new Error("The reference follows no maps; they have a property of their own");
      case "declineAttempt":
        return this.#report(cell, command.attempt, cell.untaken ? ["skipped"] : [], () => {
          if (this.intent === "cancel" || cell.told !== undefined) {
            return this.#finish(cell, this.expiring ? "expired" : cell.told ?? "cancelled");
          }
          cell.untaken = true;
          this.#finish(cell, "skipped");
        });
      case "cancelAttempt":
        return this.#report(cell, command.attempt, ["cancelled", "expired", "skipped"], () => {
          this.#finish(cell, this.expiring ? "expired" : cell.told ?? "cancelled");
        });
      case "delayAttempt":
        if (cell.is === "held" && cell.attempts === command.attempt) return "same";
        return this.#report(cell, command.attempt, [], () => {
          if (this.intent === "cancel" || cell.told !== undefined) {
            return this.#finish(cell, this.expiring ? "expired" : cell.told ?? "cancelled");
          }
          Object.assign(cell, { is: "held", goesOn: true, due: now + command.ms });
        });
      case "retryStep":
        return this.#retry(cell, now);
      case "skipStep":
      case "cancelStep":
        return this.#stop(cell, command.type === "skipStep" ? "skipped" : "cancelled");
      case "supplyValue":
        if (this.phase === "ended" || cell.is === "done" || cell.is === "running") return "no";
        return this.#finish(cell, "succeeded");
      case "holdAttempt":
      case "holdStep":
      case "wakeStep":
      case "reserveSpend":
      case "openWaitpoint":
      case "openChild":
      case "suspendAttempt":
      case "resumeSuspension":
      case "closeSuspension":
      case "routeAttempt":
      case "reportAttempt":
      case "loseAttempt":
      case "intendEffect":
      case "settleEffect":
      case "resendEffect":
      case "resolveEffect":
      case "compensateEffect":
      case "settleUndo":
        return this.#notFollowed(command.type);
    }
  }

  /** Waits for signals, budgets, runs below, effects and attempts elsewhere have tests of their own (`waits/` and so on). */
  #notFollowed(what: string): never {
    throw new Error(`The reference does not follow ${what}`);
  }

  #intend(intent: Reference["intent"], from: Reference["intent"][]): Verdict {
    if (!from.includes(this.intent)) return "same";
    this.intent = intent;
    return "done";
  }

  #report(cell: RefCell, attempt: number, same: End[], act: () => void): Verdict {
    if (cell.is === "running" && cell.attempts === attempt) {
      act();
      return "done";
    }
    return cell.is === "done" && cell.attempts === attempt && same.includes(cell.end!) ? "same" : "no";
  }

  #fail(cell: RefCell, passing: boolean, now: number): void {
    const goes = (this.intent === "go" || this.intent === "pause") && !this.halted && cell.told === undefined;
    if (cell.unneeded) return void this.#finish(cell, this.expiring ? "expired" : cell.told!);
    cell.failures++;
    if (goes && passing && cell.failures < cell.plan.retry.attempts) {
      Object.assign(cell, { is: "waiting", goesOn: false, due: now + RETRY_MS });
    } else if (this.#helped(cell) && cell.told === undefined && this.intent !== "cancel") {
      this.#finish(cell, "succeeded");
    } else this.#finish(cell, "failed");
  }

  #helped({ plan: { fallback, instead } }: RefCell): boolean {
    return fallback !== undefined || instead !== undefined && this.cells.get(instead)!.end === "succeeded";
  }

  /** EN-701: a failure halts the run unless the cell says otherwise, and so does a person who cancels one cell. */
  #finish(cell: RefCell, end: End): Verdict {
    if (end === "succeeded") cell.unneeded = false;
    const counts = end === "failed" || end === "cancelled" && this.intent !== "cancel" && !cell.unneeded;
    if (counts && cell.plan.errors === "stop") this.halted = true;
    const endedAt = this.#now;
    Object.assign(cell, { is: "done", end, endedAt, due: undefined, goesOn: false, told: undefined });
    return "done";
  }

  #lose(now: number, counts: boolean): Verdict {
    if (this.phase !== "active") return "same";
    for (const cell of this.#running) {
      if (cell.told !== undefined) {
        this.#finish(cell, cell.told);
        continue;
      }
      if (counts) cell.losses++;
      if (cell.losses > 5 && counts) {
        this.#finish(cell, "failed");
        continue;
      }
      const wait = counts ? [0, 0, 1_000, 2_000, 4_000, 8_000][cell.losses]! : 0;
      Object.assign(cell, { is: "waiting", goesOn: false, due: wait > 0 ? now + wait : undefined });
    }
    return "done";
  }

  #release(now: number): Verdict {
    if (this.#lose(now, false) === "same") return "same";
    this.#settle();
    const cells = [...this.cells.values()];
    const goes = (cell: RefCell) => cell.is === "waiting" && this.needsMet(cell) && (cell.due ?? 0) <= now;
    const awake = (cell: RefCell) => cell.is === "held" && cell.due! <= now;
    const work = this.over || cells.some((cell) => this.decided(cell) !== undefined) ||
      (this.deadline ?? Infinity) <= now ||
      this.intent === "go" && cells.some((cell) => goes(cell) || awake(cell));
    this.phase = work ? "queued" : "suspended";
    return "done";
  }

  #change({ priority, deadline }: Extract<RunCommand, { type: "changeRun" }>): Verdict {
    if (this.phase === "ended") return "no";
    const [was, wasPriority] = [this.deadline, this.priority];
    if (deadline !== undefined) this.deadline = deadline ?? undefined;
    if (priority !== undefined) this.priority = priority;
    return was === this.deadline && wasPriority === this.priority ? "same" : "done";
  }

  /** Only a held attempt is woken by its timer; what else waits is seen by the time itself. */
  #fire(timer: string, now: number): Verdict {
    const [what, name, attempt, due] = timer.split("/");
    const cell = this.cells.get(name ?? "");
    const known = what === "delay" && cell?.is === "held" && cell.attempts === Number(attempt) &&
      cell.due === Number(due);
    if (!known) {
      const own = what === "deadline" && this.phase !== "ended" && this.intent !== "cancel"
        ? this.deadline
        : what === "start"
        ? this.startAt
        : what === "backoff" && cell?.is === "waiting" && cell.attempts === Number(attempt) &&
            cell.due === Number(due)
        ? cell.due
        : undefined;
      return own !== undefined && own > now ? "no" : "same";
    }
    if (cell.due! > now) return "no";
    Object.assign(cell, { is: "waiting", due: undefined });
    return "done";
  }

  #end(): Verdict {
    this.outcome = this.expiring
      ? "expired"
      : this.intent === "cancel"
      ? "cancelled"
      : this.intent === "stop"
      ? "stopped"
      : outcomeOfEnds(this.plan, this.ends, this.halted, (cell) => this.cells.get(cell)!.unneeded === true);
    for (const cell of this.cells.values()) {
      if (cell.is === "done") continue;
      const end = !cell.goesOn ? "skipped" : this.expiring ? "expired" : "cancelled";
      Object.assign(cell, { is: "done", end, due: undefined, goesOn: false });
    }
    this.phase = "ended";
    return "done";
  }

  #retry(cell: RefCell, now: number): Verdict {
    if (cell.is === "running" || cell.is === "held") return "no";
    if (cell.is === "waiting") {
      if (!this.needsMet(cell)) return "no";
      const waited = cell.due !== undefined;
      cell.due = undefined;
      return waited ? "done" : "same";
    }
    if (this.phase !== "ended" && (this.intent === "stop" || this.intent === "cancel")) return "no";
    const again = this.#below([cell.plan.cell]);
    if (again.some(({ is, goesOn }) => is === "running" || goesOn)) return "no";
    return this.#reopen(again, now);
  }

  #stop(cell: RefCell, as: "skipped" | "cancelled"): Verdict {
    if (this.phase === "ended") return "no";
    if (cell.is === "done") return cell.end === as ? "same" : "no";
    if (cell.is !== "running") return this.#finish(cell, as);
    if (cell.told !== undefined) return "same";
    cell.told = as;
    return "done";
  }

  #restart(now: number, from?: string[]): Verdict {
    if (this.phase !== "ended" || this.restarts >= 10) return "no";
    const names = from ??
      [...this.cells].flatMap(([name, { end, unneeded, untaken }]) =>
        end === "succeeded" || unneeded || untaken ? [] : [name]
      );
    if (names.length === 0 || names.some((name) => !this.cells.has(name))) return "no";
    this.restarts++;
    return this.#reopen(this.#below(names), now);
  }

  #below(names: string[]): RefCell[] {
    const found = new Set(names);
    for (let size = -1; size < found.size;) {
      size = found.size;
      for (const { cell, needs } of this.plan.steps) {
        if (needs.some((need) => found.has(need.cell))) found.add(cell);
        // What a join has ended without need comes again with it if what it counts does.
        const votes = needs.some((need) => need.join && found.has(need.cell));
        if (!votes && !(found.has(cell) && this.cells.get(cell)!.unneeded)) continue;
        for (const need of needs) if (this.cells.get(need.cell)!.unneeded) found.add(need.cell);
      }
    }
    return [...found].map((name) => this.cells.get(name)!);
  }

  #reopen(cells: RefCell[], now: number): Verdict {
    for (const cell of cells) {
      const fresh = {
        is: "waiting",
        end: undefined,
        failures: 0,
        losses: 0,
        due: undefined,
        told: undefined,
        heard: [],
        join: undefined,
        unneeded: false,
        untaken: false,
      };
      Object.assign(cell, fresh, { goesOn: false });
    }
    if (this.phase === "ended") {
      if ((this.deadline ?? Infinity) <= now) this.deadline = undefined;
      Object.assign(this, { phase: "queued", outcome: "none", intent: "go", expiring: false });
    }
    this.halted = false;
    return "done";
  }

  /** A join hears of what has ended, in that order, until it is decided. */
  #hear(cell: RefCell): void {
    if (cell.plan.join === undefined || !this.#idle(cell)) return;
    const news = cell.plan.needs.filter(({ cell: name, join }) =>
      join && this.cells.get(name)!.is === "done" && !cell.heard.includes(name)
    ).map(({ cell }) => this.cells.get(cell)!).toSorted((a, b) => a.endedAt - b.endedAt);
    for (const { plan } of news) if (this.decided(cell) === undefined) cell.heard.push(plan.cell);
  }

  /** Whatever cannot run any more is skipped, and so on below. */
  #settle(): void {
    for (let again = true; again;) {
      again = false;
      for (const cell of this.cells.values()) {
        if (cell.is !== "waiting") continue;
        this.#hear(cell);
        const blocked = cell.plan.needs.some(({ cell, mode, join }) => {
          const { end, untaken = false } = this.cells.get(cell)!;
          return !join && end !== undefined && blocks(mode, end, untaken);
        });
        if (!blocked) continue;
        Object.assign(cell, { is: "done", end: "skipped", due: undefined });
        again = true;
      }
    }
  }
}
