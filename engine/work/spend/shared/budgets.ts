/**
 * Budgets that runs share, as whoever looks after them sees and sets them (AP-901 to AP-906). Owns: reading and writing
 * them, from any process, and what was used elsewhere. Never: setting aside.
 */
import type { Clock } from "../../../base/clock.ts";
import { EngineError } from "../../../base/errors.ts";
import type { Ids } from "../../../base/ids.ts";
import { type Amounts, type Spent } from "../../../run/spend/amounts.ts";
import { encodeRecord } from "../../../store/codec.ts";
import {
  budgetEntryPrefix,
  budgetKey,
  budgetLogKey,
  budgetLogPrefix,
  budgetPrefix,
  budgetSumKey,
  budgetToldKey,
  budgetWaitPrefix,
} from "../../../store/keys.ts";
import type { Entry, Put, Store } from "../../../store/store.ts";
import { changeRecord } from "../../request/change_record.ts";
import {
  type Budget,
  budgetSchema,
  type Ledger,
  type LedgerEntry,
  readBudget,
  readEntry,
  readTold,
  type Shared,
  SHARED_DIMENSIONS,
} from "./budget.ts";
import { addTo, stateOfSums, type Sums, sumsOf } from "./sums.ts";

/** Budgets that there may be, steps that are woken at once, and entries of a ledger that are shown. */
const MOST_MADE = 100;
const MOST_WOKEN = 500;
const MOST_SHOWN = 1_000;
/** Who used something where no run of ours did. */
const OUTSIDE = "outside";

/** How a budget stands. */
export interface BudgetState extends Budget {
  used: Spent;
  reserved: Amounts;
  left: Shared;
  /** Epoch ms. */
  resetsAt?: number;
  state: "ok" | "warned" | "over";
}

/** Something used elsewhere. */
export interface OutsideUse {
  /** Names the report: the same again is recorded once. */
  key: string;
  amounts: Shared;
  run?: string;
  step?: string;
}

/** A line of a ledger. */
export type LedgerLine = LedgerEntry & { run: string; step: string; attempt: number };

/** What the front doors may ask of budgets. Throws `budget_not_found`, `name_taken`, `schema_invalid`. */
export interface Budgets {
  list(): Promise<BudgetState[]>;
  get(name: string): Promise<BudgetState>;
  make(budget: Budget): Promise<BudgetState>;
  /** Other rules under the same name; what waits asks again, and so goes on if they are raised. */
  change(name: string, budget: Omit<Budget, "name">): Promise<BudgetState>;
  remove(name: string): Promise<void>;
  /** EN-1108: always recorded, also above the limit. */
  use(name: string, use: OutsideUse): Promise<{ result: BudgetState["state"]; left: Shared }>;
  /** Begins anew at once. */
  reset(name: string): Promise<BudgetState>;
  /** What was set aside and settled, the latest 1,000 lines that fit, oldest first. */
  ledger(name: string, filter: { run?: string; since?: number }): Promise<LedgerLine[]>;
}

/** What they need. `changed` is called when the rules have changed. */
export interface BudgetPorts {
  store: Store;
  clock: Clock;
  ids: Ids;
  changed(): Promise<void>;
  /** Lets a step go on that waits. */
  wake(run: string, step: string): Promise<void>;
}

/** See {@link Budgets}. */
export function openBudgets(ports: BudgetPorts): Budgets {
  const { store, clock, changed } = ports;
  const find = async (name: string) => {
    const [entry] = await store.get([budgetKey(name)]);
    if (entry === undefined) throw notFound(name);
    return readBudget(entry);
  };
  const stateOf = async (budget: Budget) => shown(await sumsOf(store, budget, clock.now()));
  const wakeAll = async (name: string) => {
    for await (const { key } of store.list(budgetWaitPrefix(name), { limit: MOST_WOKEN })) {
      await ports.wake(String(key[2]), String(key[3])).catch((error) => {
        // A run that is gone has nothing to go on with.
        if (!(error instanceof EngineError)) throw error;
      });
    }
  };
  const write = async (given: Budget, fresh: boolean) => {
    const parsed = budgetSchema.safeParse(given);
    if (!parsed.success) throw new EngineError("schema_invalid", parsed.error.issues[0]!.message);
    const budget = parsed.data as Budget;
    await changeRecord(ports, budgetKey(budget.name), async (entry) => {
      if (fresh && entry !== undefined) {
        throw new EngineError("name_taken", `There is a budget of this name: ${budget.name}`);
      }
      if (!fresh && entry === undefined) throw notFound(budget.name);
      if (
        fresh && (await Array.fromAsync(store.list(budgetPrefix, { limit: MOST_MADE }))).length >= MOST_MADE
      ) {
        throw new EngineError("schema_invalid", `There may be ${MOST_MADE} budgets; remove one first`);
      }
      return { puts: [{ key: budgetKey(budget.name), value: encodeRecord(budget) }], result: undefined };
    });
    await changed();
    await wakeAll(budget.name);
    return await stateOf(budget);
  };
  return {
    async list() {
      const all = await Array.fromAsync(store.list(budgetPrefix));
      return await Promise.all(all.map((entry) => stateOf(readBudget(entry))));
    },
    get: async (name) => await stateOf(await find(name)),
    make: (budget) => write(budget, true),
    change: (name, budget) => write({ ...budget, name }, false),
    async remove(name) {
      await changeRecord(ports, budgetKey(name), (entry) => {
        if (entry === undefined) throw notFound(name);
        return { deletes: [budgetKey(name), budgetSumKey(name)], result: undefined };
      });
      await changed();
      await wakeAll(name);
    },
    async use(name, { key, amounts, run = OUTSIDE, step = "" }) {
      const budget = await find(name);
      return await changeRecord(ports, budgetSumKey(name), async () => {
        const now = clock.now();
        const sums = await sumsOf(store, budget, now);
        const [known] = await store.get([budgetToldKey(name, key)]);
        if (known !== undefined) return { result: { result: readTold(known).result, left: leftOf(sums) } };
        const { ledger, others } = parts(sums);
        addTo(sums.used, amounts);
        const used = { ...ledger.used, ms: 0 };
        addTo(used, amounts);
        const { ms: _, ...sum } = used;
        const result = stateOfSums(sums);
        const puts: Put[] = [
          ...others,
          { key: budgetSumKey(name), value: encodeRecord({ ...ledger, used: sum }) },
          { key: budgetToldKey(name, key), value: encodeRecord({ result, at: now }) },
          {
            key: budgetLogKey(name, now, run, step || OUTSIDE, 0, hashOf(key)),
            value: encodeRecord({ at: now, settled: amounts, key }),
          },
        ];
        return { puts, deletes: sums.fold.deletes, result: { result, left: leftOf(sums) } };
      });
    },
    async reset(name) {
      const budget = await find(name);
      await changeRecord(ports, budgetSumKey(name), async () => {
        const sums = await sumsOf(store, budget, clock.now());
        const { ledger, others } = parts(sums);
        const used = { tokens: 0, usdMicros: 0, calls: 0 };
        const puts = [...others, { key: budgetSumKey(name), value: encodeRecord({ ...ledger, used }) }];
        return { puts, deletes: sums.fold.deletes, result: undefined };
      });
      await wakeAll(name);
      return await stateOf(budget);
    },
    async ledger(name, { run, since = 0 }) {
      await find(name);
      const lines: LedgerLine[] = [];
      const add = (entry: Entry, place: number) => {
        const [of, step, attempt] = entry.key.slice(place) as [string, string, number];
        const line = { ...readEntry(entry), run: of, step, attempt };
        if ((run === undefined || of === run) && line.at >= since) lines.push(line);
        if (lines.length > MOST_SHOWN) lines.shift();
      };
      for await (const entry of store.list(budgetLogPrefix(name))) add(entry, 3);
      for await (const entry of store.list(budgetEntryPrefix(name))) add(entry, 2);
      return lines;
    },
  };
}

function notFound(name: string): EngineError {
  return new EngineError("budget_not_found", `No budget has this name: ${name.slice(0, 64)}`);
}

function shown(sums: Sums): BudgetState {
  const { budget, used, reserved, resetsAt } = sums;
  return {
    ...budget,
    used,
    reserved,
    left: leftOf(sums),
    ...(resetsAt === Infinity ? {} : { resetsAt }),
    state: stateOfSums(sums),
  };
}

function leftOf({ budget, used, reserved }: Sums): Shared {
  const left: Shared = {};
  for (const dimension of SHARED_DIMENSIONS) {
    const limit = budget.limits[dimension];
    if (limit !== undefined) {
      left[dimension] = Math.max(0, limit - used[dimension] - (reserved[dimension] ?? 0));
    }
  }
  return left;
}

/** The ledger as folding would write it, and what else that writes. */
function parts({ fold, ledger }: Sums): { ledger: Ledger; others: Put[] } {
  return { ledger, others: fold.puts.slice(0, -1) };
}

/** A number that tells reports of one moment apart in the log. */
function hashOf(key: string): number {
  let hash = 0;
  for (const letter of key) hash = (hash * 31 + letter.codePointAt(0)!) % 4_294_967_291;
  return hash;
}
