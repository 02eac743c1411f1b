/**
 * What a person can tell a cell while or after it is in a run (ST-204, ST-506). Owns: which commands fit its state, and
 * their words. Never: sending them. Browser-safe.
 */
import type { CellView, RunView } from "../../engine/wire/view.ts";
import { isActive } from "./status.ts";

/** A command to one cell, as its route is called; `supply` sends a value. */
export type CellCommand = "cancel" | "retry" | "skip" | "supply";

/** A command with its words. */
export interface CellAction {
  command: CellCommand;
  word: string;
  /** What comes of it. */
  hint: string;
}

const CANCEL: CellAction = { command: "cancel", word: "Cancel", hint: "Abort it now" };
const SKIP: CellAction = { command: "skip", word: "Skip", hint: "Go on without its value" };
const SUPPLY: CellAction = { command: "supply", word: "Give a value…", hint: "Write its value by hand" };
const NOW: CellAction = { command: "retry", word: "Retry now", hint: "Do not wait any longer" };
const AGAIN: CellAction = {
  command: "retry",
  word: "Run again",
  hint: "With every cell below it, in this run",
};

// Lists that are the same object each time, so that a cell that streams does not draw its menu anew.
const NOTHING: readonly CellAction[] = [];
const OF_OPEN: readonly CellAction[] = [CANCEL, SKIP];
const OF_RETRY: readonly CellAction[] = [NOW, SKIP, SUPPLY];
const OF_WAIT: readonly CellAction[] = [SKIP, SUPPLY];
const OF_END: readonly CellAction[] = [AGAIN];

/**
 * What can be told to a cell of a run.
 *
 * @example
 * ```ts
 * const cell = { label: "running", attempt: 1 } as Parameters<typeof cellActions>[0];
 * const words = cellActions(cell, "running").map(({ word }) => word).join();
 * if (words !== "Cancel,Skip" || cellActions(cell, "succeeded").length > 0) throw new Error(words);
 * ```
 */
export function cellActions(
  cell: CellView | undefined,
  run: RunView["label"] | undefined,
): readonly CellAction[] {
  if (cell === undefined || run === undefined) return NOTHING;
  const open = cell.label === "running" && cell.stopping === undefined;
  if (run === "cancelling") return NOTHING;
  if (run === "stopping") return open ? OF_OPEN : NOTHING;
  if (!isActive(run)) return canRunAgain(cell) ? OF_END : NOTHING;
  switch (cell.label) {
    case "running":
      return open ? OF_OPEN : NOTHING;
    case "retrying":
      return OF_RETRY;
    case "in-doubt":
      return NOTHING;
    case "held":
    case "suspended":
    case "waiting":
    case "queued":
      return OF_WAIT;
    case "skipped":
      return canRunAgain(cell) ? OF_END : NOTHING;
    default:
      return OF_END;
  }
}

/** Whether running it again could come to something else: it did not succeed, and not only because of one above it. */
function canRunAgain({ label, skipped }: CellView): boolean {
  if (skipped === "not_needed" || skipped === "join_impossible") return false;
  if (label === "skipped") return skipped === undefined || !skipped.startsWith("upstream_");
  return label === "failed" || label === "cancelled" || label === "expired";
}

/** Cells of a run that did not succeed: what a restart runs again (EN-606). */
export function unsuccessful(view: RunView | undefined): string[] {
  if (view === undefined) return [];
  return Object.entries(view.cells).flatMap(([name, { label, skipped }]) =>
    ["failed", "skipped", "cancelled", "expired"].includes(label) && skipped !== "not_needed" ? [name] : []
  );
}
