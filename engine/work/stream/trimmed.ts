/**
 * Frames that are no longer kept. Owns: which of a run's attempts had frames after a place, and what a reader who asks
 * for them is told.
 *
 * T2 AP-714 Whoever goes on from a place before frames that have gone is refused and told the next one that has lost none;
 * whoever begins at the beginning is told each gap where it is. Nobody is passed over them in silence.
 */
import { EngineError } from "../../base/errors.ts";
import type { Plan } from "../../plan/types.ts";
import type { JournalRecord, RunEvent } from "../../run/event.ts";
import { foldEvent, newRun } from "../../run/fold.ts";
import type { Run } from "../../run/state.ts";
import { encodePosition, type Position } from "./position.ts";

/** An attempt that ended, and the number of its last frame where it is known. */
export interface EndedAttempt {
  step: string;
  attempt: number;
  frames?: number;
}

/** Attempts that end when a run changes owner. */
export function openWithOwner({ open, away, steps }: Run): EndedAttempt[] {
  return [...open].filter((step) => !away.has(step)).map((step) => ({
    step,
    attempt: steps.get(step)!.attempts,
  }));
}

/** Attempts that an event ends, given those that were open before it. */
export function endedAttempts(event: RunEvent, open: readonly EndedAttempt[]): readonly EndedAttempt[] {
  if (event.type === "run.adopted" || event.type === "run.released") return open;
  return "frames" in event || event.type === "step.interrupted" ? [event] : [];
}

/**
 * Refuses to go on from a place in a run whose frames have gone, if there were some after it.
 *
 * @param trimmedAt when they went; what the run put out since, having run on, is there
 * @throws `frames_trimmed`, with the oldest place from which nothing is missing as `oldest` in its problems
 */
export async function assertFramesKept(
  plan: Plan,
  records: AsyncIterable<JournalRecord>,
  from: Position,
  trimmedAt: number,
): Promise<void> {
  const run = newRun("", plan);
  let oldest: number | undefined;
  for await (const record of records) {
    for (const event of record.events) {
      const open = openWithOwner(run);
      foldEvent(run, event, record.at);
      if (record.seq <= from.seq || record.at > trimmedAt) continue;
      for (const { step, attempt, frames = Infinity } of endedAttempts(event, open)) {
        const at = from.frames.get(step);
        if (frames > (at?.attempt === attempt ? at.seq : 0)) oldest = record.seq;
      }
    }
  }
  if (oldest === undefined) return;
  const cursor = encodePosition({ seq: oldest, frames: new Map() }, new Map());
  throw new EngineError(
    "frames_trimmed",
    `Output after this place is no longer kept. Read the run from its beginning, or go on from ${cursor}`,
    { problems: [{ oldest: cursor }] },
  );
}
