/**
 * What a person may tell one step (the second table of EN-304, EN-605). Owns: these decisions.
 */
import type { Rejected, Transition } from "../command.ts";
import type { Run, Step } from "../state.ts";
import { abort, type Handlers, happen, noStep, refuse, runEnded, SAME } from "./decide.ts";
import { abortItems } from "./map.ts";
import { reopenFrom } from "./run.ts";

/** The handlers. */
export const stepCommands: Handlers<"retryStep" | "skipStep" | "cancelStep" | "supplyValue"> = {
  retryStep(run, { step: name, type: _, ...told }) {
    const step = run.steps.get(name);
    if (step === undefined) return noStep(run, name);
    switch (step.phase) {
      case "idle":
        return refuse("not_ready", `Step ${name} waits for its inputs`);
      case "ready":
        return step.wait === "backoff" || step.wait === "quota" || step.wait === "operator"
          ? happen([{ type: "step.woken", step: name }])
          : SAME;
      case "running":
        return refuse("attempt_open", `Step ${name} has an open attempt`);
      case "suspended":
        return refuse("step_suspended", `Step ${name} is suspended`);
      case "ended":
        return run.intent === "stop" || run.intent === "cancel"
          ? run.phase === "ended"
            ? reopenFrom(run, name, told)
            : refuse("run_busy", `Run ${run.id} is about to end`)
          : reopenFrom(run, name, told);
    }
  },

  skipStep: (run, command) => stop(run, command, "skipped"),
  cancelStep: (run, command) => stop(run, command, "cancelled"),

  supplyValue(run, { step: name, value, type: _, ...told }) {
    const step = run.steps.get(name);
    if (step === undefined) return noStep(run, name);
    if (run.phase === "ended") return runEnded(run);
    if (step.phase === "ended") return refuse("step_ended", `Step ${name} has ended`);
    if (step.phase === "running") return refuse("attempt_open", `Step ${name} has an open attempt`);
    return happen([{ type: "step.supplied", step: name, value, ...told }], abortItems(run, step));
  },
};

/** Ends a step that is not running at once, and one that is as soon as its attempt has. */
function stop(
  run: Run,
  { step: name, by, reason }: { step: string; by: string; reason?: string },
  as: "skipped" | "cancelled",
): Transition | Rejected {
  const step: Step | undefined = run.steps.get(name);
  if (step === undefined) return noStep(run, name);
  if (run.phase === "ended") return runEnded(run);
  if (step.phase === "ended") {
    return step.outcome === as ? SAME : refuse("step_ended", `Step ${name} has ended`);
  }
  if (step.phase === "running") {
    if (step.told !== undefined) return SAME;
    const why = reason === undefined ? {} : { reason };
    return happen([{ type: "step.stopping", step: name, as, by, ...why }], [abort(step)]);
  }
  return happen([{
    type: "step.cancelled",
    step: name,
    attempt: step.attempts,
    frames: step.frames ?? 0,
    as,
  }], abortItems(run, step));
}
