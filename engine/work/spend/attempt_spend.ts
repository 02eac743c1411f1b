/**
 * What an attempt may use, asked while it runs. Owns: the way from a kind's question to the run's budgets and back.
 * Never: whether it fits; that is `engine/run/spend`.
 *
 * EN-1102 The run's own budgets and those that it shares have room, or none takes it.
 * E4 A call is made only after what it may use is durably set aside. Where nothing limits it, nothing is written for it
 * before it ends.
 */
import type { Outcome, Spend } from "../../kinds/kind.ts";
import type { RunCommand } from "../../run/command.ts";
import type { Amounts } from "../../run/spend/amounts.ts";
import { isLimited } from "../../run/spend/room.ts";
import { hit } from "../../base/faults.ts";
import type { Till } from "./shared/till.ts";
import type { LiveRun } from "../commit/live_run.ts";
import type { Answer } from "../commit/turn.ts";

/** What asking needs. */
export interface SpendPorts {
  /** Tells the run something; resolves when the answer is durable. */
  tell(live: LiveRun, command: RunCommand): Promise<Answer>;
  /** Where something is set aside in budgets that runs share. */
  shared(): Till;
}

/** What one attempt may use. */
export function spendOf(ports: SpendPorts, live: LiveRun, name: string, attempt: number): Spend {
  return {
    async reserve(wants, usage) {
      const { run } = live;
      const step = run.steps.get(name)!;
      const till = ports.shared();
      const shares = till.concerns(run.notebook);
      if (!isLimited(run, step) && !shares) return { ok: true };
      const at = { step: name, attempt };
      const so = usage === undefined ? {} : { usage };
      const caller = { live, ...at };
      if (shares && step.away !== undefined) return { ok: false, outcome: { ...ELSEWHERE, ...so } };
      const seen = shares ? await till.fitting(caller, wants) : { wants };
      if ("refused" in seen) return { ok: false, outcome: { ...seen.refused, ...so } };
      const answer = await ports.tell(live, { type: "reserveSpend", ...at, wants: [...seen.wants], ...so });
      if (!answer.ok) {
        if (answer.code !== "budget_exceeded") return { ok: false, outcome: { type: "cancelled", ...so } };
        return { ok: false, outcome: heldFor(wants.at(-1) ?? {}, so) };
      }
      // The run's own first: what it has set aside is free again if the attempt is held after all.
      const amounts = step.reserved ?? {};
      const refused = shares ? await till.take(caller, amounts) : undefined;
      if (refused !== undefined) return { ok: false, outcome: refused };
      hit("budget.reserved");
      return { ok: true, amounts };
    },
  };
}

/** A worker that makes an attempt for another run's owner does not keep what the ledger says of it. */
const ELSEWHERE = {
  type: "failed",
  problem: {
    category: "budget",
    code: "ledger_unavailable",
    message: "A call under a budget that runs share cannot be made by a worker that does not own its run yet",
  },
} as const;

/** The run says why, and whether it waits at all. */
function heldFor(want: Amounts, so: Pick<Extract<Outcome, { type: "held" }>, "usage">): Outcome {
  return { type: "held", wait: "budget", want, ...so };
}
