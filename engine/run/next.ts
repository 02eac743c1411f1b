/**
 * What follows from a run's state by itself: the commands that whoever owns it applies until there is none.
 * Owns: the order in which ready steps start (the order in which they became ready). Pure.
 */
import type { Millis } from "../base/clock.ts";
import type { RunCommand } from "./command.ts";
import { isOver } from "./outcome.ts";
import { hasRoomAgain, isOutOfTime } from "./spend/room.ts";
import type { Run } from "./state.ts";
import { idleUntil, timersOf } from "./timers.ts";
import { mayStart } from "./transition.ts";

/**
 * The next command that the state itself calls for, or nothing.
 *
 * @param slots attempts that the worker may still open
 * @param covers whether the worker has all that a step requires; one that it may not start is held, for others
 */
export function nextCommand(
  run: Run,
  slots: number,
  now: Millis,
  covers: Covers = () => true,
): RunCommand | undefined {
  if (run.phase === "ended") return undefined;
  if (isOver(run)) return { type: "endRun" };
  if (run.deadline !== undefined && run.deadline <= now && run.intent !== "cancel") {
    return { type: "expireRun" };
  }
  for (const step of run.deciding) return { type: "settleJoin", step };
  if (run.phase !== "active") return idleUntil(run, now) <= now ? { type: "startRun" } : undefined;
  const again = run.intent === "go" ? hasRoomAgain(run) : undefined;
  if (again !== undefined) return { type: "wakeStep", step: again };
  const full = slots <= 0 || run.open.size >= run.plan.concurrency;
  if (run.waiting.size > 0) {
    for (const { id, step, due } of timersOf(run)) {
      if (step === undefined || due > now) continue;
      const { phase, suspension } = run.steps.get(step)!;
      // A paused run has its time too, and what comes of it when it goes on.
      if (phase === "suspended" && (suspension === undefined || run.intent === "go")) {
        return { type: "fireTimer", timer: id };
      }
      const command = full ? undefined : startOf(run, step, now, covers);
      if (command !== undefined) return command;
    }
  }
  if (full) return run.routed ? heldForOthers(run, now, covers) : undefined;
  for (const name of run.ready) {
    const command = startOf(run, name, now, covers);
    if (command !== undefined) return command;
  }
}

type Covers = (requires: readonly string[]) => boolean;

/** EN-1305 What another worker is to do waits for no slot of this one. */
function heldForOthers(run: Run, now: Millis, covers: Covers): RunCommand | undefined {
  for (const name of run.ready) {
    const { requires } = run.steps.get(name)!.plan;
    if (requires !== undefined && !covers(requires)) return startOf(run, name, now, covers);
  }
}

/** A step starts, or is held because this worker lacks what it requires, or there is no time left for it. */
function startOf(run: Run, name: string, now: Millis, covers: Covers): RunCommand | undefined {
  const step = run.steps.get(name)!;
  if (!mayStart(run, step, now)) return undefined;
  const { requires } = step.plan;
  if (requires !== undefined && !covers(requires)) {
    return { type: "holdStep", step: name, wait: "capability" };
  }
  return isOutOfTime(run, step) ? { type: "holdStep", step: name, wait: "budget" } : {
    type: "startAttempt",
    step: name,
  };
}
