/**
 * What follows from a run's state by itself: the commands that whoever owns it applies until there is none.
 * Owns: the order in which ready steps start (the order in which they became ready). Pure.
 */
import type { Millis } from "../base/clock.ts";
import type { RunCommand } from "./command.ts";
import { isOver } from "./outcome.ts";
import type { Run } from "./state.ts";
import { mayStart } from "./transition.ts";

/**
 * The next command that the state itself calls for, or nothing.
 *
 * @param slots attempts that the worker may still open
 */
export function nextCommand(run: Run, slots: number, now: Millis): RunCommand | undefined {
  if (run.phase !== "active") return undefined;
  if (isOver(run)) return { type: "endRun" };
  if (slots <= 0 || run.open.size >= run.plan.concurrency) return undefined;
  for (const name of run.ready) {
    if (mayStart(run, run.steps.get(name)!, now)) return { type: "startAttempt", step: name };
  }
}

/** When the retries that are waiting are due, epoch ms, by step. */
export function dues(run: Run): [step: string, due: Millis][] {
  return [...run.ready].flatMap((name): [string, Millis][] => {
    const { due } = run.steps.get(name)!;
    return due === undefined ? [] : [[name, due]];
  });
}
