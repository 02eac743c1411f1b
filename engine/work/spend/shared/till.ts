/**
 * Where a worker's attempts set aside what they may use of budgets that runs share. Owns: that, and waking those who wait.
 *
 * E4 A call is made only when what it may use is set aside in every shared budget that it is under, by one operation that
 * rests on what was counted, or in none (EN-1102); the entry stands under its attempt, so that a repeat sets aside once
 * (EN-1105). A ledger that cannot be read refuses (EN-1107).
 */
import type { Clock } from "../../../base/clock.ts";
import { EngineError } from "../../../base/errors.ts";
import type { Ids } from "../../../base/ids.ts";
import type { Log } from "../../../base/log.ts";
import type { Outcome } from "../../../kinds/kind.ts";
import { type Amounts, lacking } from "../../../run/spend/amounts.ts";
import { amountText } from "../../../run/spend/room.ts";
import { encodeRecord } from "../../../store/codec.ts";
import {
  budgetEntryKey,
  budgetHolderKey,
  budgetPrefix,
  budgetWaitKey,
  budgetWaitPrefix,
} from "../../../store/keys.ts";
import type { Store } from "../../../store/store.ts";
import type { Committer } from "../../commit/committer.ts";
import type { LiveRun } from "../../commit/live_run.ts";
import { type Budget, isAbout, type LedgerEntry, readBudget, readWant } from "./budget.ts";
import { stateOfSums, type Sums, sumsOf } from "./sums.ts";

/** How long what was read of the budgets holds. */
const FRESH_MS = 1_000;
/** Budgets of one call, so that one operation may check them all. */
const MOST_TOGETHER = 4;
/** How long a call waits for a ledger that cannot be read. */
const UNREADABLE_MS = 60_000;
/** Most by which the end of a wait for a new period is put off, so that not all come at once. */
const SPREAD_MS = 10_000;
/** Steps that are looked at when something was given back. */
const MOST_WOKEN = 100;
/** How often somebody is looked for who is about to wait. */
const LOOK_MS = 10;
const LOOKS = 50;

/** What a till needs of its worker. */
export interface TillPorts {
  store: Store;
  clock: Clock;
  ids: Ids;
  log: Log;
  committer: Pick<Committer, "claim" | "submit">;
  /** Runs that the worker has. */
  runs: ReadonlyMap<string, LiveRun>;
}

/** Who sets something aside. */
export interface Caller {
  live: LiveRun;
  step: string;
  attempt: number;
}

type Held = Extract<Outcome, { type: "held" | "cancelled" }>;

/** See the module comment. */
export class Till {
  #budgets: Budget[] = [];
  #unreadable: string | undefined;
  #readAt = -Infinity;
  #turn: Promise<unknown> = Promise.resolve();
  readonly #told = new Set<string>();

  constructor(private readonly ports: TillPorts) {}

  /** Reads the budgets again unless that was done a moment ago; `now`: in any case. */
  async refresh(now = false): Promise<void> {
    const { store, clock } = this.ports;
    if (!now && clock.monotonic() - this.#readAt < FRESH_MS) return;
    this.#readAt = clock.monotonic();
    const found: Budget[] = [];
    let unreadable: string | undefined;
    for await (const entry of store.list(budgetPrefix)) {
      const budget = await readable(() => readBudget(entry));
      if (budget === undefined) unreadable = String(entry.key[1]);
      else found.push(budget);
    }
    this.#budgets = found;
    this.#unreadable = unreadable;
  }

  /** Whether a run is under a budget that it shares. */
  concerns(notebook: string): boolean {
    return this.#unreadable !== undefined || this.#budgets.some((budget) => isAbout(budget, notebook));
  }

  /** Those of `wants` that fit as far as can be seen now, or what becomes of the call. */
  async fitting(
    caller: Caller,
    wants: readonly Amounts[],
  ): Promise<{ wants: Amounts[] } | { refused: Held }> {
    const sums = await this.#sums(caller);
    if (!Array.isArray(sums)) return { refused: sums };
    const fit = wants.filter((want) => sums.every((one) => short(one, want) === undefined));
    if (fit.length > 0) return { wants: fit };
    return { refused: await this.#wait(caller, sums, wants.at(-1) ?? {}) };
  }

  /** Sets aside what the run's own budgets have given; nothing if that is done. */
  async take(caller: Caller, amounts: Amounts): Promise<Held | undefined> {
    // One at a time: of several that count at once all but one would count again.
    const taking = this.#turn.then(() => this.#take(caller, amounts));
    this.#turn = taking.catch(() => {});
    return await taking;
  }

  /** Something was settled in these budgets: there may be room for those who wait, and people want to know. */
  settled(names: string[]): void {
    for (const name of new Set(names)) this.#look(name).catch(() => {});
  }

  async #take(caller: Caller, { ms: _, ...amounts }: Amounts): Promise<Held | undefined> {
    const { committer, clock } = this.ports;
    const { live, step: name, attempt } = caller;
    const { run } = live;
    // The number of the record in which its run has set this aside.
    const n = run.seq;
    for (;;) {
      if (!isOpen(caller)) return { type: "cancelled" };
      const sums = await this.#sums(caller);
      if (!Array.isArray(sums)) return sums;
      if (sums.some((one) => short(one, amounts) !== undefined)) {
        return await this.#wait(caller, sums, amounts);
      }
      const { tokens = 0, usdMicros = 0, calls = 0, unknown } = run.steps.get(name)?.spent ?? {};
      const before = { tokens, usdMicros, calls, ...(unknown === undefined ? {} : { unknown }) };
      const entry: LedgerEntry = { at: clock.now(), reserved: amounts, before };
      const value = encodeRecord(entry);
      const keys = sums.flatMap(({ budget }) => [
        budgetEntryKey(budget.name, run.id, name, attempt, n),
        budgetHolderKey(run.id, name, attempt, n, budget.name),
      ]);
      const answer = await committer.claim(
        sums.map(({ check }) => check),
        [...sums.flatMap(({ fold }) => fold.puts), ...keys.map((key) => ({ key, value }))],
        [
          ...sums.flatMap(({ fold }) => fold.deletes),
          ...sums.map(({ budget }) => budgetWaitKey(budget.name, run.id, name)),
        ],
      );
      if (answer === "fenced") return { type: "cancelled" };
      if (answer === "conflict") continue;
      if (!isOpen(caller)) {
        await committer.claim([], [], keys);
        return { type: "cancelled" };
      }
      const its = sums.map(({ budget }) => ({ budget: budget.name, attempt, n, entry }));
      (live.loans ??= new Map()).set(name, its);
      return undefined;
    }
  }

  async #sums({ live }: Caller): Promise<Sums[] | Held> {
    const { store, clock } = this.ports;
    if (this.#unreadable !== undefined) return this.#refuse(this.#unreadable);
    const found: Sums[] = [];
    for (const budget of this.#budgets) {
      if (!isAbout(budget, live.run.notebook) || found.length >= MOST_TOGETHER) continue;
      const sums = await readable(() => sumsOf(store, budget, clock.now()));
      if (sums === undefined) return this.#refuse(budget.name);
      found.push(sums);
    }
    return found;
  }

  #refuse(name: string): Held {
    const why = `The ledger of the budget '${name}' cannot be read, so that nobody can say what is left`;
    return {
      type: "held",
      wait: "budget",
      due: this.ports.clock.now() + UNREADABLE_MS,
      why,
      onLimit: "pause",
    };
  }

  async #wait({ live, step }: Caller, all: readonly Sums[], want: Amounts): Promise<Held> {
    const { committer, ids } = this.ports;
    const sums = all.find((one) => short(one, want) !== undefined) ?? all[0]!;
    const { budget, resetsAt } = sums;
    const { ms: _, ...wanted } = want;
    await committer.claim([], [{
      key: budgetWaitKey(budget.name, live.run.id, step),
      value: encodeRecord(wanted),
    }], []);
    const due = resetsAt === Infinity ? {} : { due: resetsAt + Math.floor(SPREAD_MS * ids.random()) };
    return {
      type: "held",
      wait: "budget",
      why: shortText(sums, want),
      onLimit: budget.onLimit,
      ...due,
    };
  }

  async #look(name: string): Promise<void> {
    const { store, clock, log } = this.ports;
    const budget = this.#budgets.find((one) => one.name === name);
    if (budget === undefined) return;
    const sums = await sumsOf(store, budget, clock.now());
    const state = stateOfSums(sums);
    const period = `${name} ${sums.resetsAt} ${state}`;
    if (state !== "ok" && !this.#told.has(period)) {
      this.#told.add(period);
      const message = state === "over" ? `Budget '${name}' is used up` : `Budget '${name}' is nearly used up`;
      log.write({ level: "warn", source: "engine", code: `budget_${state}`, message });
    }
    for await (const entry of store.list(budgetWaitPrefix(name), { limit: MOST_WOKEN })) {
      if (short(sums, readWant(entry)) !== undefined) continue;
      await this.#wake(String(entry.key[2]), String(entry.key[3]));
    }
  }

  /** The hold of a step here may not be durable yet. */
  async #wake(run: string, step: string): Promise<void> {
    const { store, clock, ids, runs, committer } = this.ports;
    const live = runs.get(run);
    const command = { type: "wakeStep", step, wait: "budget" } as const;
    if (live === undefined) return await store.post(run, ids.next("cmd"), encodeRecord(command));
    for (let look = 0; look < LOOKS && live.run.steps.get(step)?.attempt === "open"; look++) {
      await clock.sleep(LOOK_MS);
    }
    committer.submit({ live, command, settle: () => {} });
  }
}

function isOpen({ live: { run, released }, step: name, attempt }: Caller): boolean {
  const step = run.steps.get(name);
  return !released && step?.attempt === "open" && step.attempts === attempt;
}

function short({ budget, used, reserved }: Sums, want: Amounts) {
  return lacking({ limits: budget.limits, spent: used, reserved }, want);
}

function shortText(sums: Sums, want: Amounts): string {
  const dimension = short(sums, want) ?? "calls";
  const { budget, used, reserved } = sums;
  if (want[dimension] === null) {
    return `The price of the model is not known, so that nobody can say whether a call fits the budget '${budget.name}'`;
  }
  const aside = reserved[dimension] ?? 0;
  const open = aside === 0 ? "" : `, with ${amountText(dimension, aside)} set aside for open calls`;
  return `The budget '${budget.name}' has used ${amountText(dimension, used[dimension])} of ${
    amountText(dimension, budget.limits[dimension as "calls"] ?? 0)
  }${open}`;
}

/** Nothing for a record that cannot be read. */
async function readable<T>(read: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof EngineError && error.code === "store_corrupt") return undefined;
    throw error;
  }
}
