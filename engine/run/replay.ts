/**
 * A run from its plan and journal. Owns: the checks that a journal is whole. Pure.
 *
 * S1 `replay` of what was written is the state of who wrote it.
 */
import { EngineError } from "../base/errors.ts";
import type { Plan } from "../plan/types.ts";
import type { JournalRecord } from "./event.ts";
import { foldRecord, newRun } from "./fold.ts";
import type { Run } from "./state.ts";

/**
 * Folds a journal over its plan.
 *
 * @throws {EngineError} `store_corrupt` if a record is missing or names what the plan lacks
 */
export function replay(id: string, plan: Plan, journal: Iterable<JournalRecord>): Run {
  return foldJournal(newRun(id, plan), journal);
}

/**
 * Folds what comes after a run's last record into it.
 *
 * @throws {EngineError} `store_corrupt` if a record is missing or names what the plan lacks
 */
export function foldJournal(run: Run, journal: Iterable<JournalRecord>): Run {
  try {
    for (const record of journal) foldRecord(run, record);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new EngineError("store_corrupt", error.message, { cause: error });
  }
  return run;
}
