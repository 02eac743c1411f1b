/**
 * Commands on effects, and what effects that are not settled mean for other commands. Owns: these decisions.
 *
 * E1 E2 See `types.ts`. EF-050 A step does not come to an end while it is not known what became of an effect of it.
 */
import type { Rejected, RunCommand, Transition } from "../command.ts";
import { openAttempt, stopped } from "../commands/attempt.ts";
import { type Handlers, happen, noStep, refuse, SAME } from "../commands/decide.ts";
import type { RunEvent } from "../event.ts";
import type { Run, Step } from "../state.ts";
import {
  doubtOf,
  doubtText,
  type EffectState,
  isUnsettled,
  latestOf,
  mayBecome,
  MOST_EFFECTS,
  type StepEffect,
} from "./types.ts";

type EffectCommands = "intendEffect" | "settleEffect" | "resendEffect" | "resolveEffect";

/** The author of what the engine does by itself. */
const ENGINE = "engine";

/** The handlers. */
export const effectCommands: Handlers<EffectCommands> = {
  intendEffect(run, { type: _, ...intent }) {
    const { step: name, attempt, effect: id, slot } = intent;
    const other = openAttempt(run, name, attempt);
    if (other !== undefined) return other;
    const step = run.steps.get(name)!;
    if (run.intent === "cancel" || step.told !== undefined) {
      return refuse("not_ready", `Step ${name} was told to end`);
    }
    if (step.effects?.some((effect) => effect.id === id)) return SAME;
    const last = latestOf(step, slot);
    if (last !== undefined && last.state !== "failed" && last.state !== "compensated") {
      return refuse("effect_settled", settledText(last, "intended"));
    }
    if ((step.effects?.length ?? 0) >= MOST_EFFECTS) {
      return refuse("effect_limit", `Step ${name} has ${MOST_EFFECTS} effects, which is the most`);
    }
    return happen([{ type: "effect.intended", ...intent }]);
  },

  settleEffect(run, { step: name, attempt, effect: id, state, ...how }) {
    const other = openAttempt(run, name, attempt);
    if (other !== undefined) return other;
    const effect = run.steps.get(name)!.effects?.find((effect) => effect.id === id);
    if (effect === undefined) return noEffect(id);
    if (effect.state === state) return SAME;
    if (!mayBecome(effect.state, state)) return refuse("effect_settled", settledText(effect, state));
    const at = { step: name, attempt, effect: id };
    const { result, descriptor, error, why = "Nobody heard how it ended" } = how;
    if (state === "done") {
      const said = { ...(result === undefined ? {} : { result }), ...(descriptor ? { descriptor } : {}) };
      return happen([{ type: "effect.done", ...at, ...said }]);
    }
    if (state === "in-doubt") return happen([{ type: "effect.in-doubt", ...at, note: why }]);
    return happen([{ type: "effect.failed", ...at, ...(error === undefined ? {} : { error }) }]);
  },

  resendEffect(run, { step: name, attempt, effect: id }) {
    const other = openAttempt(run, name, attempt);
    if (other !== undefined) return other;
    const step = run.steps.get(name)!;
    if (run.intent === "cancel" || step.told !== undefined) {
      return refuse("not_ready", `Step ${name} was told to end`);
    }
    const effect = step.effects?.find((effect) => effect.id === id);
    if (effect === undefined) return noEffect(id);
    if (effect.state !== "in-doubt") return refuse("effect_settled", settledText(effect, "in-doubt"));
    if (!effect.again && !effect.resend) {
      return refuse("effect_in_doubt", `${doubtText(effect.description ?? id)}; somebody has to say`);
    }
    const event = { type: "effect.noted", step: name, attempt, effect: id, note: "Sent again" } as const;
    return happen([{ ...event, by: ENGINE, resend: "sent" }]);
  },

  resolveEffect(run, { step: name, effect: id, as, result, by, note }) {
    const step = run.steps.get(name);
    if (step === undefined) return noStep(run, name);
    const effect = step.effects?.find((effect) => effect.id === id);
    if (effect === undefined) return noEffect(id);
    const doubted = effect.state === "in-doubt";
    if (!(doubted || as === "compensated" && mayBecome(effect.state, as))) {
      return refuse("effect_settled", settledText(effect, WORDS[as]));
    }
    if (step.attempt === "open" && doubted) {
      return refuse("attempt_open", `Step ${name} is at work on it; wait until it waits for a person`);
    }
    const at = { step: name, attempt: step.attempts, effect: id, by, note };
    if (as === "retry") {
      if (run.phase === "ended" || step.phase === "ended") {
        return refuse("step_ended", `Step ${name} has ended; it sends nothing any more`);
      }
      if (effect.resend) return SAME;
    }
    const event: RunEvent = as === "done"
      ? { type: "effect.done", ...at, ...(result === undefined ? {} : { result }) }
      : as === "not_done"
      ? { type: "effect.failed", ...at }
      : as === "retry"
      ? { type: "effect.noted", ...at, resend: "asked" }
      : { type: "effect.compensated", ...at };
    const rest = step.effects!.filter((other) => other !== effect);
    const goesOn = step.wait === "doubt" && doubtOf({ ...step, effects: rest }) === undefined;
    return happen(goesOn ? [event, { type: "step.woken", step: name }] : [event]);
  },
};

const WORDS = { done: "done", not_done: "failed", retry: "in-doubt", compensated: "compensated" } as const;

function noEffect(id: string): Rejected {
  return refuse("effect_not_found", `Effect not found: ${id.slice(0, 60)}`);
}

/** EF-042. */
function settledText({ id, state }: StepEffect, next: EffectState): string {
  return `Effect ${id} is ${state}; it cannot become ${next}`;
}

/** Ends of an attempt that wait until it is known what became of its effects. */
const ENDS: ReadonlySet<RunEvent["type"]> = new Set<RunEvent["type"]>([
  "step.succeeded",
  "step.failed",
  "step.suspended",
  "map.opened",
]);
/** Events after which an attempt is not open any more. */
const CLOSING: ReadonlySet<RunEvent["type"]> = new Set<RunEvent["type"]>([
  ...ENDS,
  "step.retried",
  "step.cancelled",
  "step.declined",
  "step.delayed",
  "step.held",
  "step.interrupted",
]);

/** A decision, with what it means for effects that are not settled: which are in doubt now, and what waits for them. */
export function withEffects(
  run: Run,
  command: RunCommand,
  decision: Transition,
): Transition | Rejected {
  if (command.type === "supplyValue") {
    const doubt = doubtOf(run.steps.get(command.step)!);
    if (doubt !== undefined) {
      return refuse("effect_in_doubt", `${doubtText(doubt.description ?? doubt.id)}; say that first`);
    }
  }
  const found: RunEvent[] = [];
  for (const event of decision.events) {
    if (event.type === "run.adopted" || event.type === "run.released") {
      for (const name of run.open) if (!run.away.has(name)) found.push(...doubts(run.steps.get(name)!));
      break;
    }
    if (CLOSING.has(event.type)) {
      const step = run.steps.get((event as { step: string }).step)!;
      if (step.effects === undefined) continue;
      const waits = ENDS.has(event.type) ? waiting(run, step, event) : undefined;
      if (waits !== undefined && decision.events.length === 1) {
        return { ...waits, events: [...waits.events, ...doubts(step)] };
      }
      found.push(...doubts(step));
    }
  }
  // What another worker reports was decided on before.
  const said = new Set(decision.events.map((event) => event.type === "effect.in-doubt" ? event.effect : ""));
  const events = found.filter((event) => !("effect" in event && said.has(event.effect)));
  return events.length === 0 ? decision : { ...decision, events: [...decision.events, ...events] };
}

/** Events that say of what an attempt had sent, and not heard of, that it is in doubt. */
function doubts(step: Step): RunEvent[] {
  if (step.attempt !== "open" || step.effects === undefined) return [];
  return step.effects.filter(({ state }) => state === "intended").map(({ id }): RunEvent => ({
    type: "effect.in-doubt",
    step: step.plan.cell,
    attempt: step.attempts,
    effect: id,
    note: "The attempt was over before anybody heard how it ended",
  }));
}

/** What becomes of an attempt instead of its end, if there is an effect of which nobody knows. */
function waiting(run: Run, step: Step, event: RunEvent): Transition | undefined {
  const effect = step.effects!.find(isUnsettled);
  if (effect === undefined || step.attempt !== "open") return undefined;
  const { frames = 0, usage } = event as { frames?: number; usage?: never };
  const used = usage === undefined ? {} : { usage };
  const at = { step: step.plan.cell, attempt: step.attempts, frames, ...used };
  if (step.told !== undefined || step.skipped === "not_needed" || run.intent === "cancel") {
    return stopped(run, at);
  }
  return held(step, effect, at);
}

/** The step waits for somebody who says what became of an effect; it is then called again as it was. */
function held(step: Step, effect: StepEffect, at: { step: string; attempt: number; frames: number }) {
  const why = doubtText(effect.description ?? effect.id);
  const saved = step.saved === undefined ? {} : { saved: step.saved };
  return happen([{ type: "step.held", ...at, wait: "doubt", why, ...saved }]);
}

/** Of an attempt that was lost once too often: it waits, if nobody knows what became of an effect of it. */
export function lostInDoubt(step: Step): RunEvent | undefined {
  const effect = step.effects?.find(isUnsettled);
  return effect && held(step, effect, { step: step.plan.cell, attempt: step.attempts, frames: 0 }).events[0];
}
