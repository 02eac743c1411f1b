/**
 * The sums of a shared budget. Owns: what is used and set aside in its period, and adding what is settled. Reads the
 * ledger first and its entries then, so that an operation which rests on the ledger's version has seen what it counts.
 */
import type { Amounts, Spent } from "../../../run/spend/amounts.ts";
import { encodeRecord } from "../../../store/codec.ts";
import { budgetEntryPrefix, budgetLogKey, budgetLogPrefix, budgetSumKey } from "../../../store/keys.ts";
import type { Check, Key, Put, Store } from "../../../store/store.ts";
import { type Budget, type Ledger, periodOfBudget, readEntry, readLedger } from "./budget.ts";

/** A budget as it stands. */
export interface Sums {
  budget: Budget;
  /** The ledger as it was read. */
  check: Check;
  /** Settled, those included that are not in the ledger yet. */
  used: Spent;
  reserved: Amounts;
  /** The ledger as `fold` writes it. */
  ledger: Ledger;
  /** When it begins anew; `Infinity`: not by itself. */
  resetsAt: number;
  /** What moves everything that is settled into the ledger, in an operation that rests on `check`. */
  fold: { puts: Put[]; deletes: Key[] };
}

/** Entries that one operation moves, and what of the log goes with it. */
const MOST_MOVED = 50;
const LOG_KEPT_MS = 31 * 86_400_000;

/** Reads a budget's ledger and what lies beside it. Throws `store_corrupt`. */
export async function sumsOf(store: Store, budget: Budget, now: number): Promise<Sums> {
  const key = budgetSumKey(budget.name);
  const [stored] = await store.get([key]);
  const period = periodOfBudget(budget, now);
  const ledger = stored === undefined ? undefined : readLedger(stored);
  const used: Spent = { tokens: 0, usdMicros: 0, calls: 0, ms: 0 };
  if (ledger !== undefined && ledger.from === period.from) addTo(used, ledger.used, ledger.used.unknown);
  const inLedger: Spent = structuredClone(used);
  const reserved: Amounts = {};
  const puts: Put[] = [];
  const deletes: Key[] = [];
  for await (const entry of store.list(budgetEntryPrefix(budget.name))) {
    const { at, reserved: aside, settled, unknown } = readEntry(entry);
    if (settled === undefined) {
      for (const [dimension, amount] of Object.entries(aside ?? {})) {
        const name = dimension as "tokens" | "usdMicros" | "calls";
        reserved[name] = (reserved[name] ?? 0) + (amount ?? 0);
      }
      continue;
    }
    // What was set aside in a period counts in that one.
    if (at >= period.from) addTo(used, settled, unknown);
    if (deletes.length >= MOST_MOVED) continue;
    if (at >= period.from) addTo(inLedger, settled, unknown);
    const [, , run, step, attempt, n] = entry.key as [string, string, string, string, number, number];
    puts.push({ key: budgetLogKey(budget.name, at, run, step, attempt, n), value: entry.value });
    deletes.push(entry.key);
  }
  const { ms: _, ...sum } = inLedger;
  const folded: Ledger = { from: period.from, used: sum };
  puts.push({ key, value: encodeRecord(folded) });
  if (deletes.length > 0) {
    for await (const old of store.list(budgetLogPrefix(budget.name), { limit: 20 })) {
      if ((old.key[2] as number) < now - LOG_KEPT_MS) deletes.push(old.key);
    }
  }
  return {
    budget,
    check: { key, version: stored?.version ?? null },
    used,
    reserved,
    ledger: folded,
    resetsAt: period.to,
    fold: { puts, deletes },
  };
}

type Part = { tokens?: number; usdMicros?: number | null; calls?: number };

/** Adds to a sum, which is changed. */
export function addTo(sum: Spent, part: Part, unknown?: Spent["unknown"]): void {
  sum.tokens += part.tokens ?? 0;
  sum.usdMicros += part.usdMicros ?? 0;
  sum.calls += part.calls ?? 0;
  for (const dimension of ["tokens", "usdMicros"] as const) {
    const more = unknown?.[dimension];
    if (more !== undefined) {
      sum.unknown = { ...sum.unknown, [dimension]: (sum.unknown?.[dimension] ?? 0) + more };
    }
  }
}

/** `over`: a limit is reached; `warned`: nearly. */
export function stateOfSums({ budget, used }: Pick<Sums, "budget" | "used">): "ok" | "warned" | "over" {
  let state: "ok" | "warned" | "over" = "ok";
  for (const dimension of ["tokens", "usdMicros", "calls"] as const) {
    const limit = budget.limits[dimension];
    if (limit === undefined) continue;
    if (used[dimension] >= limit) return "over";
    if (used[dimension] >= limit * budget.warnAt) state = "warned";
  }
  return state;
}
