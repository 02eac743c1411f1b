/**
 * Commands that undo effects, and what they mean for other commands meanwhile. Owns: these decisions. Never: what is sent;
 * that is `engine/work/effects`.
 *
 * E3 One effect of a run at a time is undone. What is durable of it before anything is sent (EF-073) is in the run, which
 *    keeps its owner until it is known how that went, whether the run has ended or not.
 */
import type { Rejected, RunCommand } from "../command.ts";
import { type Handlers, happen, noStep, refuse, SAME } from "../commands/decide.ts";
import type { RunEvent } from "../event.ts";
import type { Run } from "../state.ts";
import { mayBecome } from "./types.ts";

/** The effect that a run's owner is undoing. */
export interface Undo {
  readonly step: string;
  readonly effect: string;
  /** Who asked for it. */
  readonly by: string;
}

/** What is noted of an effect before the first byte of what undoes it. */
export const UNDO_STARTED = "compensation started";

/** The handlers. */
export const undoCommands: Handlers<"compensateEffect" | "settleUndo"> = {
  compensateEffect(run, { step: name, effect: id, by }) {
    // Whoever asks for the same meanwhile gets the same answer.
    if (run.undo?.effect === id) return SAME;
    const busy = busyUndoing(run);
    if (busy !== undefined) return busy;
    const step = run.steps.get(name);
    if (step === undefined) return noStep(run, name);
    const effect = step.effects?.find((effect) => effect.id === id);
    if (effect === undefined) return refuse("effect_not_found", "Effect not found");
    if (!mayBecome(effect.state, "compensation-failed")) {
      return refuse("effect_not_done", notDoneText(effect.state));
    }
    if (step.phase !== "ended") {
      return refuse("not_ready", `Step ${name} has not ended and may rely on it; undo it when it has ended`);
    }
    const at = { step: name, attempt: step.attempts, effect: id };
    return happen(
      [{ type: "effect.noted", ...at, by, note: UNDO_STARTED, undo: true }],
      [{ type: "undo", ...at }],
    );
  },

  settleUndo(run, { step: name, effect: id, how }) {
    if (run.undo?.effect !== id) return SAME;
    const { by } = run.undo;
    const at = { step: name, attempt: run.steps.get(name)!.attempts, effect: id, by };
    const { note, message } = how;
    const event: RunEvent = how.ok
      ? { type: "effect.compensated", ...at, note, message }
      : { type: "effect.compensation-failed", ...at, note, message };
    return happen([event]);
  },
};

/** EF-072. */
export function notDoneText(state: string): string {
  return `Effect not in done state (is ${state})`;
}

/** Commands that would open steps again whose effects are being undone, or say what becomes of one. */
const WAITS_FOR_UNDO: ReadonlySet<RunCommand["type"]> = new Set([
  "restartRun",
  "retryStep",
  "restoreRun",
  "supplyValue",
]);

/** Why a command has to wait until something is undone; nothing if it has not. */
export function waitsForUndo(run: Run, command: RunCommand): Rejected | undefined {
  if (run.undo === undefined) return undefined;
  const says = command.type === "resolveEffect" && command.effect === run.undo.effect;
  return says || WAITS_FOR_UNDO.has(command.type) ? busyUndoing(run) : undefined;
}

function busyUndoing({ id, undo }: Run): Rejected | undefined {
  if (undo === undefined) return undefined;
  return refuse("run_busy", `Effect ${undo.effect} of run ${id} is being undone; wait until that is over`);
}
