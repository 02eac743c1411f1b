/**
 * The attempts of a step, as its run's events tell them (AP-403, AP-608). Owns: that fold. Pure.
 */
import type { StepProblem, Usage } from "../../engine/wire/view.ts";
import type { Marker, WireEvent } from "../../engine/wire/frame.ts";
import { iso } from "./run_shapes.ts";

/** One attempt. */
export interface Attempt {
  n: number;
  /** Why it began. */
  reason: string;
  startedAt: string;
  endedAt?: string;
  /** How it ended; absent while it is open. */
  outcome?: "succeeded" | "failed" | "cancelled" | "skipped" | "expired" | "lost";
  category?: string;
  problem?: StepProblem;
  usage?: Usage;
  /** How its frames end. */
  marker?: Marker;
  /** It ignored its abort and may still be at work. */
  unsettled?: true;
}

/** The attempts of `step` in order. */
export function attemptsOf(step: string, events: Iterable<WireEvent>): Attempt[] {
  const attempts: Attempt[] = [];
  for (const event of events) {
    if (!("step" in event) || event.step !== step || !("attempt" in event)) continue;
    if (event.type === "step.started") {
      attempts.push({ n: event.attempt, reason: event.reason, startedAt: iso(event.at) });
    }
    const last = attempts.at(-1);
    if (last === undefined || last.endedAt !== undefined) continue;
    Object.assign(last, endOf(event));
  }
  return attempts;
}

/** What an event says of the end of its attempt, if it ended it. */
function endOf(event: WireEvent): Partial<Attempt> | undefined {
  switch (event.type) {
    case "step.succeeded":
      return ended(event, "succeeded", { usage: event.usage });
    case "step.retried": {
      const { problem, usage } = event;
      return ended(event, problem === undefined ? "lost" : "failed", {
        category: problem?.category,
        problem,
        usage,
      });
    }
    case "step.failed": {
      const { problem, usage } = event;
      return ended(event, "failed", { category: problem.category, problem, usage });
    }
    case "step.skipped":
      return event.marker === undefined ? undefined : ended(event, "skipped", {});
    case "step.cancelled":
      return event.marker === undefined
        ? undefined
        : ended(event, event.marker as Attempt["outcome"], { unsettled: event.unsettled });
  }
}

function ended(
  { at, marker }: { at: number; marker?: Marker },
  outcome: Attempt["outcome"],
  more: Partial<Attempt>,
): Partial<Attempt> {
  const known = Object.entries({ outcome, marker, ...more }).filter(([, value]) => value !== undefined);
  return { endedAt: iso(at), ...Object.fromEntries(known) };
}
