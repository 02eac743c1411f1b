/**
 * What a run waits for by the clock: derived from its state, never stored beside it. Owns: the ids of timers, when each
 * is due, and from when on a run has something to do.
 *
 * T1 A timer is in the state before anyone waits for it, so that it fires whoever owns the run then.
 */
import type { Millis } from "../base/clock.ts";
import { isOver } from "./outcome.ts";
import { hasRoomAgain } from "./spend/room.ts";
import type { Run } from "./state.ts";

/** One wait. Its id is another when the wait is another, so that firing it twice changes nothing (EN-1702). */
export interface Timer {
  id: string;
  due: Millis;
  /** The step that waits; absent: the run. */
  step?: string;
}

/** Every wait of a run by the clock, the run's own first. */
export function timersOf(run: Run): Timer[] {
  if (run.phase === "ended") return [];
  const found: Timer[] = [];
  if (run.deadline !== undefined && run.intent !== "cancel") {
    found.push({ id: "deadline", due: run.deadline });
  }
  if (run.startAt !== undefined) found.push({ id: "start", due: run.startAt });
  for (const step of run.waiting) {
    const { due, wait, attempts } = run.steps.get(step)!;
    found.push({ id: `${wait}/${step}/${attempts}/${due}`, due: due!, step });
  }
  return found;
}

/** When the earliest timer is due; `Infinity` for none. */
export function nextDue(run: Run): Millis {
  if (run.deadline === undefined && run.startAt === undefined && run.waiting.size === 0) return Infinity;
  return timersOf(run).reduce((least, { due }) => Math.min(least, due), Infinity);
}

/**
 * From when on whoever owns the run has something to do: `now` or earlier if there is something at once, `Infinity` if
 * only a command can change that.
 */
export function idleUntil(run: Run, now: Millis): Millis {
  if (run.phase === "ended") return Infinity;
  if (run.open.size > 0 || run.deciding.size > 0 || isOver(run)) return now;
  let earliest = run.deadline ?? Infinity;
  if (run.intent === "pause") return earliest;
  if (run.startAt !== undefined) return Math.min(earliest, run.startAt);
  if (run.phase === "queued") return now;
  if (run.ready.size > 0 || hasRoomAgain(run) !== undefined) return now;
  for (const name of run.waiting) earliest = Math.min(earliest, run.steps.get(name)!.due!);
  return earliest;
}
