/**
 * What a journal says that happened, as the commands that must have led to it, given to the reference one by one.
 */
import { assert, assertEquals } from "@std/assert";
import type { Plan } from "../../../../engine/plan/types.ts";
import type { RunCommand } from "../../../../engine/run/command.ts";
import type { JournalRecord, RunEvent } from "../../../../engine/run/event.ts";
import { foldRecord, newRun } from "../../../../engine/run/fold.ts";
import { illegal, type Run } from "../../../../engine/run/state.ts";
import { assertAgree } from "../../run/_model.ts";
import { Reference } from "../../run/_reference.ts";

const by = "journal";

/** The command that an event is the effect of; nothing for what follows from the event before it. */
function commandOf(event: RunEvent, ref: Reference, at: number): RunCommand | undefined {
  const cell = "step" in event ? ref.cells.get(event.step)! : undefined;
  const report = "attempt" in event ? { step: event.step, attempt: event.attempt, frames: 0 } : undefined;
  switch (event.type) {
    case "run.queued":
      return undefined;
    case "run.started":
      return { type: "startRun" };
    case "run.adopted":
      return { type: "adoptRun" };
    case "run.released":
      return { type: "releaseRun", reason: "drained" };
    case "run.paused":
      return { type: "pauseRun", by };
    case "run.resumed":
      return { type: "resumeRun", by };
    case "run.stopping":
      return { type: "stopRun", by };
    case "run.cancelling":
      return { type: "cancelRun", by };
    case "run.expiring":
      return { type: "expireRun" };
    case "run.ended":
      return { type: "endRun" };
    case "run.reopened":
      return event.restart
        ? { type: "restartRun", by, ...(event.from === undefined ? {} : { from: event.from }) }
        : { type: "retryStep", step: event.from![0]!, by };
    case "run.marked":
      return { type: "markCheckpoint", by };
    case "run.restored":
      return { type: "restoreRun", checkpoint: event.checkpoint, by };
    case "run.changed":
      return { ...event, type: "changeRun" };
    case "step.started":
    case "step.continued":
      return { type: "startAttempt", step: event.step };
    case "step.delayed":
      return { type: "delayAttempt", ...report!, ms: event.due - at };
    case "step.woken": {
      const timer = `delay/${event.step}/${cell!.attempts}/${cell!.due}`;
      return cell!.is === "held" ? { type: "fireTimer", timer } : { type: "retryStep", step: event.step, by };
    }
    case "step.succeeded": {
      const problem = { category: "code_error", message: "" } as const;
      return event.fallback
        ? { type: "failAttempt", ...report!, problem, jitter: 0 }
        : { type: "succeedAttempt", ...report!, value: event.value };
    }
    // No cell of the model has items.
    case "map.opened":
      throw new Error("A map");
    case "step.declined":
      return { type: "declineAttempt", ...report! };
    case "step.retried":
      return { type: "failAttempt", ...report!, problem: event.problem, jitter: 0 };
    case "step.failed":
      if (event.problem.code === "recovery_limit") return undefined;
      return { type: "failAttempt", ...report!, problem: event.problem, jitter: 0 };
    case "step.stopping":
      return { type: event.as === "skipped" ? "skipStep" : "cancelStep", step: event.step, by };
    case "step.cancelled":
      if (cell!.is === "running") return { type: "cancelAttempt", ...report! };
      return { type: event.as === "skipped" ? "skipStep" : "cancelStep", step: event.step, by };
    case "join.settled":
      return { type: "settleJoin", step: event.step };
    case "step.supplied":
      return { type: "supplyValue", step: event.step, value: event.value, by };
  }
}

/**
 * Holds a journal against the reference, record by record.
 *
 * @returns the state that it ends in
 */
export function assertExplained(run: string, plan: Plan, journal: JournalRecord[]): Run {
  const state = newRun(run, plan);
  const [first] = journal[0]!.events;
  assert(first?.type === "run.queued");
  const { startAt, deadline } = first;
  const ref = new Reference(plan, {
    ...(startAt === undefined ? {} : { startAt }),
    ...(deadline === undefined ? {} : { deadline }),
  });
  for (const [i, record] of journal.entries()) {
    assertEquals(record.seq, i + 1, "EN-108");
    for (const event of record.events) {
      const command = commandOf(event, ref, record.at);
      if (command !== undefined) {
        assertEquals(
          ref.apply(command, record.at),
          "done",
          `S3 S4 S5 ${JSON.stringify(event)} in record ${record.seq}`,
        );
      }
      if (event.type === "step.started") assertEquals(ref.cells.get(event.step)!.attempts, event.attempt);
      if (event.type === "run.ended") assertEquals(ref.outcome, event.outcome, "S5 P6");
    }
    foldRecord(state, record);
    assertEquals(illegal(state), undefined, "S2");
    assertAgree(state, ref);
  }
  return state;
}
