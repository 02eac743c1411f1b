/**
 * That the items of a step are known. Owns: this decision, and which attempts of items end with their step.
 */
import type { RunAction } from "../command.ts";
import { itemsOf } from "../fold/map.ts";
import type { Run, Step } from "../state.ts";
import { delayedBefore, openAttempt, stopped } from "./attempt.ts";
import { abort, type Handlers, happen } from "./decide.ts";

/** The handler. */
export const mapCommands: Handlers<"openMap"> = {
  openMap(run, { type: _, ...opened }) {
    const { step, attempt, frames } = opened;
    const other = openAttempt(run, step, attempt);
    if (other !== undefined) return delayedBefore(run, step, attempt) ?? other;
    // What was told to end while it looked for its items ends, and opens none.
    if (run.intent === "cancel" || run.steps.get(step)!.told !== undefined) {
      return stopped(run, { step, attempt, frames });
    }
    return happen([{ type: "map.opened", ...opened }]);
  },
};

/** Asks for the abort of what runs for a step that ends. */
export function abortItems(run: Run, step: Step): RunAction[] {
  if (step.map === undefined || step.map.left === 0) return [];
  return itemsOf(run, step).filter(({ attempt, told }) => attempt === "open" && told === undefined).map(
    abort,
  );
}
