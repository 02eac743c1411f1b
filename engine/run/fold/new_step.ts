/**
 * A step before anything has happened to it. Owns: that state.
 */
import type { PlanStep } from "../../plan/types.ts";
import type { Step } from "../state.ts";
import { pendingOf } from "./join.ts";

/** The step of a plan's step. */
export function newStep(plan: PlanStep): Step {
  return {
    plan,
    phase: "idle",
    attempt: "none",
    attempts: 0,
    recoveries: 0,
    uncounted: 0,
    source: "none",
    outcome: "none",
    wait: "inputs",
    quality: "clean",
    pending: pendingOf(plan),
    since: 0,
    ...(plan.limits === undefined ? {} : { limits: plan.limits }),
  };
}
