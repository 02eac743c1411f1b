/**
 * What events of effects do to a step. Owns: its list of effects, which is replaced and never changed. Called only by the
 * fold.
 *
 * EF-045 An attempt that closes leaves no effect as intended: what was not settled by then is in doubt.
 */
import type { RunEvent } from "../event.ts";
import type { Run, Step } from "../state.ts";
import type { EffectState, StepEffect } from "./types.ts";

type EffectEvent = Extract<RunEvent, { effect: string }>;

/** Applies an event of an effect. */
export function foldEffect(step: Step, event: EffectEvent): void {
  if (event.type === "effect.intended") {
    const { effect: id, slot, key, generation, hash, again, description } = event;
    const added: StepEffect = {
      id,
      slot,
      key,
      generation,
      state: "intended",
      hash,
      ...(again ? { again } : {}),
      description,
    };
    step.effects = [...step.effects ?? [], added];
    return;
  }
  step.effects = (step.effects ?? []).map((effect) => {
    if (effect.id !== event.effect) return effect;
    const { resend: _, ...known } = effect;
    if (event.type === "effect.noted") return event.resend === "asked" ? { ...known, resend: true } : known;
    const state = event.type.slice("effect.".length) as EffectState;
    if (state === "in-doubt") return { ...effect, state };
    const { description: __, ...settled } = known;
    return { ...settled, state };
  });
}

/** The owner of the run is undoing an effect from the note of that on, until it is known how that went. */
export function foldUndo(run: Run, event: EffectEvent): void {
  const { step, effect } = event;
  if (event.type === "effect.noted" && event.undo) run.undo = { step, effect, by: event.by ?? "engine" };
  else if (UNDONE.has(event.type) && run.undo?.effect === effect) run.undo = undefined;
}

const UNDONE: ReadonlySet<EffectEvent["type"]> = new Set([
  "effect.compensated",
  "effect.compensation-failed",
]);

/** Nobody will hear any more how what the attempt had sent has ended. */
export function doubtIntended(step: Step): void {
  if (!step.effects?.some(({ state }) => state === "intended")) return;
  step.effects = step.effects.map((effect) =>
    effect.state === "intended" ? { ...effect, state: "in-doubt" } : effect
  );
}

/** The step runs again, perhaps with other inputs. */
export function effectsBefore(step: Step): void {
  if (step.effects === undefined) return;
  step.effects = step.effects.map((effect) => ({ ...effect, before: true }));
}
