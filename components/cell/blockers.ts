/**
 * What stands in the way of running a cell (ST-108). Owns: which errors concern which cells, by the rule that the engine
 * refuses by: an error of the cell itself, of one that leads to it, or of none in particular. Browser-safe.
 */
import type { Problem } from "../../engine/notebook/types.ts";
import type { CellFacts } from "./facts.ts";

/** Errors in the way. */
export interface Blockers {
  /** Of a run of all cells. */
  all?: Problem;
  /** Of a run of one cell, by its name. */
  byCell: ReadonlyMap<string, Problem>;
}

/**
 * The first error in the way of each cell. Time grows with cells and connections, not with their product.
 *
 * @example
 * ```ts
 * const facts = (name: string, needs: string[]) => ({ name, kind: "ts", line: 1, needs });
 * const cells = [facts("a", []), facts("b", ["a"]), facts("c", ["b"])];
 * const { byCell } = blockersOf(cells, [
 *   { code: "x", severity: "error", type: "structure", message: "Broken", line: 5, column: 1, cell: "b" },
 * ]);
 * if ([...byCell.keys()].join() !== "b,c") throw new Error("the wrong cells are blocked");
 * ```
 */
export function blockersOf(cells: readonly CellFacts[], problems: readonly Problem[]): Blockers {
  const errors = problems.filter(({ severity }) => severity === "error");
  const byCell = new Map<string, Problem>();
  const anywhere = errors.find(({ cell }) => cell === undefined);
  if (anywhere !== undefined) {
    for (const { name } of cells) byCell.set(name, anywhere);
    return { all: errors[0], byCell };
  }
  // What is left out of every run is in nobody's way, and leads to nothing.
  const within = new Map(cells.filter(({ leftOut }) => !leftOut).map((cell) => [cell.name, cell]));
  const leadsTo = new Map<string, string[]>();
  if (errors.length > 0) {
    for (const { name, needs } of within.values()) {
      for (const need of needs) {
        const list = leadsTo.get(need);
        if (list === undefined) leadsTo.set(need, [name]);
        else list.push(name);
      }
    }
  }
  for (const error of errors) {
    const reached = within.has(error.cell!) ? [error.cell!] : [];
    for (let next = reached.pop(); next !== undefined; next = reached.pop()) {
      if (byCell.has(next)) continue;
      byCell.set(next, error);
      for (const name of leadsTo.get(next) ?? []) reached.push(name);
    }
  }
  const all = errors.find(({ cell }) => within.has(cell!));
  return all === undefined ? { byCell } : { all, byCell };
}

/** Why a cell, or without a name the whole notebook, cannot run, as a sentence. */
export function blockedBecause(error: Problem | undefined, name?: string): string | undefined {
  if (error === undefined) return undefined;
  const where = error.cell === undefined || error.cell === name ? "" : `${error.cell}: `;
  return `Cannot run: ${where}${error.message}`;
}
