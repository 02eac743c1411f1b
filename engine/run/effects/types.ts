/**
 * What a run knows of the effects of its steps, and which state may follow which. Owns: these shapes and rules. Pure.
 * Never: what is sent, nor the log's entries; those are `engine/work/effects`.
 *
 * E1 An effect is done only after it was intended.
 * E2 What may have happened is never done again unless it is declared idempotent or a person said so.
 */
import { sha256 } from "../../base/hash.ts";
import type { Step } from "../state.ts";

/** Every state of an effect (EF-040). */
export const EFFECT_STATES = [
  "intended",
  "done",
  "failed",
  "in-doubt",
  "compensated",
  "compensation-failed",
] as const;

/** One of {@link EFFECT_STATES}. */
export type EffectState = typeof EFFECT_STATES[number];

/** What may follow (EF-041); `failed` and `compensated` are final. */
const NEXT: Record<EffectState, readonly EffectState[]> = {
  "intended": ["done", "failed", "in-doubt"],
  "in-doubt": ["done", "failed", "compensated"],
  "done": ["compensated", "compensation-failed"],
  "compensation-failed": ["compensated", "compensation-failed"],
  "failed": [],
  "compensated": [],
};

/**
 * Whether an effect may go from one state to another.
 *
 * @example
 * ```ts
 * if (!mayBecome("in-doubt", "done") || mayBecome("failed", "done")) throw new Error("wrong order");
 * ```
 */
export function mayBecome(from: EffectState, to: EffectState): boolean {
  return NEXT[from].includes(to);
}

/** An effect of a step, as the run keeps it. Never changed, only replaced. */
export interface StepEffect {
  readonly id: string;
  /** Which of its step's effects it is, whatever the attempt (EF-056). */
  readonly slot: string;
  readonly key: string;
  /** How often what the slot did was undone before. */
  readonly generation: number;
  readonly state: EffectState;
  /** SHA-256 of the request. */
  readonly hash: string;
  /** It may be sent again while it is in doubt. */
  readonly again?: true;
  /** A person said that it is to be sent again, once. */
  readonly resend?: true;
  /** The step was opened again since. */
  readonly before?: true;
  /** For a person; only until it is settled. */
  readonly description?: string;
}

/** Most effects of one step. */
export const MOST_EFFECTS = 500;

/** Whether nobody knows yet what became of an effect. */
export function isUnsettled({ state }: Pick<StepEffect, "state">): boolean {
  return state === "intended" || state === "in-doubt";
}

/** The effect of a slot that counts: its latest. */
export function latestOf(step: Step, slot: string): StepEffect | undefined {
  return step.effects?.findLast((effect) => effect.slot === slot);
}

/** The first effect of a step of which a person has to say what became of it. */
export function doubtOf(step: Step): StepEffect | undefined {
  return step.effects?.find((effect) => isUnsettled(effect) && !effect.resend);
}

/** Why a step waits: a sentence without a full stop (EF-047). */
export function doubtText(description: string): string {
  return `We do not know whether "${description}" happened`;
}

/**
 * The key of an effect (EF-055), the same in every attempt.
 *
 * @example
 * ```ts
 * const key = keyOf("run_1", "pay", "0", 0);
 * if (!/^weft-[0-9a-f]{40}$/.test(key)) throw new Error("not a key");
 * if (key === keyOf("run_1", "pay", "0", 1)) throw new Error("a generation has a key of its own");
 * ```
 */
export function keyOf(run: string, step: string, slot: string, generation: number): string {
  return `weft-${sha256(JSON.stringify([run, step, slot, generation])).slice(0, 40)}`;
}
