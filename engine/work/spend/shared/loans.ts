/**
 * What a run's attempts have set aside in budgets that it shares. Owns: settling it.
 *
 * E4 What a call used is written to its entry in the commit that ends or interrupts its attempt, or in which its next
 * call sets something aside, whatever that commit says of it: what a lost attempt had set aside counts in full (EN-1106).
 * The ledger takes it from there later, once, so that no turn waits for a ledger.
 */
import { budgetEntryKey, budgetHolderKey, budgetHolderPrefix } from "../../../store/keys.ts";
import type { RunEvent } from "../../../run/event.ts";
import type { Step } from "../../../run/state.ts";
import { encodeRecord } from "../../../store/codec.ts";
import type { Key, Put, Store } from "../../../store/store.ts";
import type { LiveRun } from "../../commit/live_run.ts";
import { type LedgerEntry, readEntry } from "./budget.ts";

/** Something that an attempt has set aside in one budget. */
export interface Loan {
  budget: string;
  attempt: number;
  /** Its number among those of its attempt. */
  n: number;
  entry: LedgerEntry;
}

/** Settles the loans whose calls are over. @returns of which budgets */
export function settleLoans(
  { run, loans }: LiveRun,
  events: readonly RunEvent[],
  { puts, deletes }: { puts: Put[]; deletes: Key[] },
): string[] {
  if (loans === undefined || loans.size === 0) return [];
  const settled: string[] = [];
  for (const [name, its] of loans) {
    const step = run.steps.get(name);
    const open = step?.attempt === "open" && step.attempts === its[0]!.attempt;
    const again = events.some((event) => event.type === "step.reserved" && event.step === name);
    if (open && !again) continue;
    for (const { budget, attempt, n, entry } of its) {
      const value = encodeRecord(since(step, entry));
      puts.push({ key: budgetEntryKey(budget, run.id, name, attempt, n), value });
      deletes.push(budgetHolderKey(run.id, name, attempt, n, budget));
      settled.push(budget);
    }
    loans.delete(name);
  }
  return settled;
}

/** What a step has used since it set this aside. */
function since(step: Step | undefined, { at, before = {} }: LedgerEntry): LedgerEntry {
  const spent = step?.spent;
  const settled: LedgerEntry["settled"] = {};
  for (const dimension of ["tokens", "usdMicros", "calls"] as const) {
    const used = (spent?.[dimension] ?? 0) - (before[dimension] ?? 0);
    if (used > 0) settled[dimension] = used;
  }
  const unknown: LedgerEntry["unknown"] = {};
  for (const dimension of ["tokens", "usdMicros"] as const) {
    const more = (spent?.unknown?.[dimension] ?? 0) - (before.unknown?.[dimension] ?? 0);
    if (more > 0) unknown[dimension] = more;
  }
  return { at, settled, ...(Object.keys(unknown).length === 0 ? {} : { unknown }) };
}

/** Reads what a run has set aside that is taken over with open attempts. */
export async function findLoans(store: Store, live: LiveRun): Promise<void> {
  for await (const entry of store.list(budgetHolderPrefix(live.run.id))) {
    const [, , step, attempt, n, budget] = entry.key as [string, string, string, number, number, string];
    live.loans ??= new Map();
    const its = live.loans.get(step) ?? [];
    live.loans.set(step, [...its, { budget, attempt, n, entry: readEntry(entry) }]);
  }
}
