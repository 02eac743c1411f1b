/**
 * Runs that steps begin and wait for (EN-810). Owns: whether one may begin, and what its end means for the step.
 */
import type { Signal } from "../waits/types.ts";
import { openAttempt } from "./attempt.ts";
import { type Handlers, happen, noStep, refuse, SAME } from "./decide.ts";
import { take } from "./wait.ts";

/** Runs that one run may have under way: what it is told reaches all of them in one commit. */
export const MOST_CHILDREN = 100;

/** The handlers. */
export const childCommands: Handlers<"openChild" | "childEnded"> = {
  openChild(run, { step: name, attempt, child }) {
    const other = openAttempt(run, name, attempt);
    if (other !== undefined) return other;
    const step = run.steps.get(name)!;
    if (step.child !== undefined) return refuse("not_ready", `Step ${name} has begun a run before`);
    if (run.intent !== "go" || step.told !== undefined) {
      return refuse("not_ready", `Run ${run.id} is to begin nothing`);
    }
    const open = Object.values(run.children ?? {}).filter(({ ended }) => !ended).length;
    if (open >= MOST_CHILDREN) {
      return refuse(
        "child_limit",
        `Run ${run.id} has ${open} runs of its own under way, which is the most; let fewer cells run them at a time`,
      );
    }
    return happen([{ type: "child.opened", step: name, attempt, child }]);
  },

  childEnded(run, { child, n, outcome }, now) {
    const known = run.children?.[child];
    if (known === undefined) return refuse("step_ended", `No step of run ${run.id} waits for ${child}`);
    const step = run.steps.get(known.step);
    if (step === undefined) return noStep(run, known.step);
    const id = `${child}/${n}`;
    const there = [...run.signals ?? [], ...step.signals ?? []].some((signal) => signal.id === id);
    if (there) return SAME;
    const signal: Signal = {
      id,
      name: child,
      source: "engine",
      at: now,
      step: known.step,
      payload: { inline: { run: child, outcome } },
      ...(step.suspension === undefined ? {} : { waitpoint: step.suspension.waitpoint }),
    };
    const taken = take(run, signal, undefined, now);
    return { ...taken, events: [{ type: "child.ended", step: known.step, child, outcome }, ...taken.events] };
  },
};
