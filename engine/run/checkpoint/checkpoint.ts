/**
 * The points of a run to which it can go back (EN-1401). Owns: which there are and what they are called. Pure.
 *
 * Only those that a person, or a failure, has named are in the journal. The automatic ones, after every third level of the
 * graph, and the end of each step follow from the run's state, so that a run which nobody restores writes nothing for them.
 */
import type { Plan } from "../../plan/types.ts";
import type { Checkpoint, Run } from "../state.ts";

/** Checkpoints that may be named in a run. */
export const MAX_CHECKPOINTS = 200;
/** Levels of the graph between two automatic ones. */
const LEVELS = 3;
/** Before the name of a cell: the point at which it ended. */
const OF_CELL = "cell:";

/**
 * The checkpoints of a run, oldest first.
 *
 * @example
 * ```ts
 * import { newRun } from "../fold.ts";
 * const run = newRun("run_1", { version: "", steps: [], concurrency: 1 });
 * if (checkpointsOf(run).length !== 0) throw new Error("nothing has happened yet");
 * ```
 */
export function checkpointsOf(run: Run): Checkpoint[] {
  return [...automatic(run), ...run.checkpoints ?? []].sort((a, b) => a.seq - b.seq || a.at - b.at);
}

/** The checkpoint of an id, which may also be `cell:` and the name of a cell that has ended; nothing if there is none. */
export function findCheckpoint(run: Run, id: string): Checkpoint | undefined {
  if (!id.startsWith(OF_CELL)) return checkpointsOf(run).find((checkpoint) => checkpoint.id === id);
  const step = run.steps.get(id.slice(OF_CELL.length));
  if (step?.phase !== "ended" || step.plan.item !== undefined) return undefined;
  return { id, seq: step.endedIn!, at: step.endedAt!, reason: "auto", label: `after ${step.plan.cell}` };
}

/** After every third level, where all up to it has ended. */
function automatic(run: Run): Checkpoint[] {
  const found: Checkpoint[] = [];
  let seq = 0;
  let at = 0;
  for (const [index, cells] of levelsOf(run.plan).entries()) {
    const steps = cells.map((cell) => run.steps.get(cell)!);
    if (steps.some(({ phase }) => phase !== "ended")) break;
    for (const { endedIn, endedAt } of steps) {
      seq = Math.max(seq, endedIn!);
      at = Math.max(at, endedAt!);
    }
    const level = index + 1;
    if (level % LEVELS === 0) {
      found.push({ id: `level:${level}`, seq, at, reason: "auto", label: `after level ${level}` });
    }
  }
  return found;
}

/** Cells by the longest way that leads to them. A plan's steps stand after all that they need. */
function levelsOf({ steps }: Plan): string[][] {
  const levels: string[][] = [];
  const levelOf = new Map<string, number>();
  for (const { cell, needs } of steps) {
    const level = needs.reduce((most, need) => Math.max(most, (levelOf.get(need.cell) ?? -1) + 1), 0);
    levelOf.set(cell, level);
    (levels[level] ??= []).push(cell);
  }
  return levels;
}
