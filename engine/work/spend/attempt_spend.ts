/**
 * What an attempt may use, asked while it runs. Owns: the way from a kind's question to the run's budgets and back.
 * Never: whether it fits; that is `engine/run/spend`.
 *
 * E4 A call is made only after what it may use is durably set aside. Where nothing limits it, nothing is written for it
 * before it ends.
 */
import type { Outcome, Spend } from "../../kinds/kind.ts";
import type { RunCommand } from "../../run/command.ts";
import type { Amounts } from "../../run/spend/amounts.ts";
import { isLimited } from "../../run/spend/room.ts";
import { hit } from "../../base/faults.ts";
import type { LiveRun } from "../commit/live_run.ts";
import type { Answer } from "../commit/turn.ts";

/** What asking needs. */
export interface SpendPorts {
  /** Tells the run something; resolves when the answer is durable. */
  tell(live: LiveRun, command: RunCommand): Promise<Answer>;
}

/** What one attempt may use. */
export function spendOf(ports: SpendPorts, live: LiveRun, name: string, attempt: number): Spend {
  return {
    async reserve(wants, usage) {
      const { run } = live;
      const step = run.steps.get(name)!;
      if (!isLimited(run, step)) return { ok: true };
      const at = { step: name, attempt };
      const so = usage === undefined ? {} : { usage };
      const answer = await ports.tell(live, { type: "reserveSpend", ...at, wants: [...wants], ...so });
      if (answer.ok) {
        hit("budget.reserved");
        return { ok: true, amounts: step.reserved ?? {} };
      }
      if (answer.code !== "budget_exceeded") return { ok: false, outcome: { type: "cancelled", ...so } };
      return { ok: false, outcome: heldFor(wants.at(-1) ?? {}, so) };
    },
  };
}

/** The run says why, and whether it waits at all. */
function heldFor(want: Amounts, so: Pick<Extract<Outcome, { type: "held" }>, "usage">): Outcome {
  return { type: "held", wait: "budget", want, ...so };
}
