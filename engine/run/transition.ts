/**
 * What a command does to a run: events to make durable and actions to carry out after. Owns: every decision about a
 * run, with `commands/`. Never: awaits, reads a clock, draws a number or changes the run it is given; `fold.ts` applies
 * the events.
 *
 * S2 Total over states and commands: each pair has a transition or a reason for its rejection.
 * S3 A result of an attempt that is not the open one is refused and changes nothing.
 */
import type { Millis } from "../base/clock.ts";
import type { Rejected, RunCommand, Transition } from "./command.ts";
import { attemptCommands } from "./commands/attempt.ts";
import { checkpointCommands } from "./commands/checkpoint.ts";
import { childCommands } from "./commands/child.ts";
import type { Handlers } from "./commands/decide.ts";
import { joinCommands } from "./commands/join.ts";
import { mapCommands } from "./commands/map.ts";
import { reported, routeCommands } from "./commands/route.ts";
import { runCommands } from "./commands/run.ts";
import { spendCommands } from "./commands/spend.ts";
import { stepCommands } from "./commands/step.ts";
import { waitCommands } from "./commands/wait.ts";
import { effectCommands, withEffects } from "./effects/commands.ts";
import { undoCommands, waitsForUndo } from "./effects/undo.ts";
import type { Run } from "./state.ts";

export { MAX_RECOVERIES, MAX_RESTARTS } from "./commands/run.ts";
export { mayStart } from "./commands/attempt.ts";

const HANDLERS: Handlers<RunCommand["type"]> = {
  ...runCommands,
  ...stepCommands,
  ...attemptCommands,
  ...waitCommands,
  ...joinCommands,
  ...spendCommands,
  ...mapCommands,
  ...routeCommands,
  reportAttempt: (run, command, now) => reported(run, command, (report) => transition(run, report, now)),
  ...childCommands,
  ...effectCommands,
  ...undoCommands,
  ...checkpointCommands,
};

/**
 * Decides on a command. Pure.
 *
 * @param now epoch ms, for due times
 * @returns what happens, or why not: commands race, so a refusal is normal
 */
export function transition(run: Run, command: RunCommand, now: Millis): Transition | Rejected {
  const handle = HANDLERS[command.type] as (
    run: Run,
    command: RunCommand,
    now: Millis,
  ) => Transition | Rejected;
  const decision = waitsForUndo(run, command) ?? handle(run, command, now);
  return isRejected(decision) ? decision : withEffects(run, command, decision);
}

/** Whether a decision is a refusal. */
export function isRejected(decision: Transition | Rejected): decision is Rejected {
  return "rejected" in decision;
}
