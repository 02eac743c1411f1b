/**
 * Why a run or a step is not moving: one answer, derived from its state (EN-304). Owns: the words.
 * Never: what other workers do; that is for whoever can see them.
 */
import type { Millis } from "../../base/clock.ts";
import { evaluate } from "../waits/condition.ts";
import { offered } from "../waits/offered.ts";
import type { Suspension, WaitKind } from "../waits/types.ts";
import { type Hold, isHeld, type Run, type Step } from "../state.ts";

/** What something waits for. */
export interface Wait {
  wait: "inputs" | "items" | "slot" | "worker" | "delay" | "backoff" | "pause" | WaitKind | Hold;
  since: Millis;
  /** When it ends by itself, where that is known. */
  until?: Millis;
  /** What is waited for, as a sentence without a full stop. */
  what: string;
  /** What happens then, or what a person can do. */
  next: string;
}

const RESUME = "It goes on when the run is resumed";

/** Why a run is not moving; nothing if it is, or has ended. */
export function runWait(run: Run): Wait | undefined {
  if (run.phase === "ended" || run.open.size > 0) return undefined;
  if (run.intent === "stop" || run.intent === "cancel") return claimWait(run);
  if (run.intent === "pause") return paused(run.since);
  if (run.startAt !== undefined) {
    return {
      wait: "delay",
      since: run.since,
      until: run.startAt,
      what: "It was asked for with a delay",
      next: "It begins when its time has come",
    };
  }
  if (run.phase === "queued") return claimWait(run);
  let soonest: Wait | undefined;
  for (const names of [run.ready, run.parked, run.waiting]) {
    for (const name of names) {
      const wait = stepWait(run, run.steps.get(name)!)!;
      if (wait.until === undefined) return wait;
      if (soonest === undefined || wait.until < soonest.until!) soonest = wait;
    }
  }
  return soonest;
}

/** Why a step is not moving; nothing if it is running, or has ended. */
export function stepWait(run: Run, step: Step): Wait | undefined {
  const { phase, since, due } = step;
  if (phase === "ended" || phase === "running") return undefined;
  if (step.map !== undefined && (phase === "suspended" || phase === "idle")) {
    const { left, count } = step.map;
    return {
      wait: "items",
      since,
      what: `It waits for ${left} of its ${count} items`,
      next: "It goes on when they have ended",
    };
  }
  if (phase === "idle" && step.plan.item !== undefined) {
    return {
      wait: "slot",
      since,
      what: `As many items of ${step.plan.item.of} as may are under way`,
      next: "It starts when one of them has ended",
    };
  }
  if (phase === "idle") {
    return {
      wait: "inputs",
      since,
      what: `It waits for ${missing(run, step)}`,
      next: step.plan.join === undefined
        ? "It starts when they have ended"
        : "It starts when so many of them have succeeded",
    };
  }
  if (phase === "ready" && run.intent === "pause") return paused(Math.max(since, run.since));
  if (step.wait === "delay") {
    return {
      wait: "delay",
      since,
      until: due,
      what: `Attempt ${step.attempts} asked to be called again later`,
      next: "It goes on when its time has come",
    };
  }
  if (step.suspension !== undefined) {
    return {
      wait: step.suspension.escalated ? "operator" : step.suspension.wait,
      since,
      ...(due === undefined ? {} : { until: due }),
      what: missingWords(run, step, step.suspension),
      next: step.suspension.escalated
        ? "An operator resumes or closes it"
        : due === undefined
        ? NEXT[step.suspension.wait]
        : `${NEXT[step.suspension.wait]}, or when its time is over ${AFTER[step.suspension.timeout!.then]}`,
    };
  }
  if (step.wait === "backoff") {
    const why = step.problem === undefined
      ? "Its worker was lost several times"
      : step.problem.message.split("\n")[0];
    return {
      wait: "backoff",
      since,
      until: due,
      what: `Attempt ${step.attempts} did not come to an end: ${why}`,
      next: "It is tried again when the wait is over, or at once if it is retried by hand",
    };
  }
  if (isHeld(step)) {
    return {
      wait: step.wait as Hold,
      since,
      ...(due === undefined ? {} : { until: due }),
      ...HOLD_WORDS[step.wait as Hold],
      ...(step.holdWhy === undefined ? {} : { what: step.holdWhy }),
    };
  }
  if (run.phase !== "active") return claimWait(run);
  return run.open.size >= run.plan.concurrency
    ? {
      wait: "slot",
      since,
      what: `All ${run.plan.concurrency} attempts that this run may have open are open`,
      next: "It starts when one of them has ended",
    }
    : { wait: "slot", since, what: "Its worker has no free slot", next: "It starts when one is free" };
}

const NEXT: Record<WaitKind, string> = {
  signal: "It goes on when that has come",
  approval: "It goes on when somebody has decided",
  children: "It goes on when they have ended",
};

const AFTER: Record<NonNullable<Suspension["timeout"]>["then"], string> = {
  "fail": "it fails",
  "cancel": "it is cancelled",
  "skip": "it is skipped",
  "auto-resume": "it goes on without",
  "escalate": "an operator is to see to it",
};

/** What a suspension still needs, in words. */
function missingWords(run: Run, step: Step, { wait, condition }: Suspension): string {
  const { needs } = evaluate(condition, offered(run, step));
  if (wait === "children") return "It waits for a run of its own";
  const most = Math.max(1, ...needs.map(({ count }) => count));
  if (wait === "approval") {
    return most === 1 ? "It waits for a person to decide" : `It waits for ${most} more people to decide`;
  }
  const shown = needs.slice(0, MOST_NAMES).map(({ names, count }) =>
    `${count > 1 ? `${count} of ` : ""}${names.slice(0, MOST_NAMES).join(" or ")}`
  );
  return `It waits for a signal: ${shown.join(" and ")}`;
}

const HOLD_WORDS: Record<Hold, Pick<Wait, "what" | "next">> = {
  capability: { what: "No worker is there that can run it", next: "It starts when one is" },
  quota: { what: "A quota is used up", next: "It starts when the quota has room" },
  budget: {
    what: "A budget is used up",
    next: "It goes on when the budget is raised, or ends when the run is stopped",
  },
  doubt: {
    what: "Whether something that it did outside has happened is not known",
    next: "Somebody has to say",
  },
  operator: { what: "It was put aside for a person", next: "It goes on when it is retried by hand" },
};

function paused(since: Millis): Wait {
  return { wait: "pause", since, what: "The run is paused", next: RESUME };
}

function claimWait({ since }: Run): Wait {
  return {
    wait: "worker",
    since,
    what: "No worker has taken the run up yet",
    next: "It goes on when a worker has room for it",
  };
}

const MOST_NAMES = 3;

/** The upstreams that have not ended, by name; of those that a join counts, how many more have to succeed. */
function missing(run: Run, { plan, join, joined = [] }: Step): string {
  const open = plan.needs.filter(({ cell }) => run.steps.get(cell)?.phase !== "ended");
  const counted = open.filter((need) => need.join).map(({ cell }) => cell);
  const parts = [listed(open.filter((need) => !need.join).map(({ cell }) => cell))];
  if (plan.join !== undefined && join === undefined) {
    parts.push(`${plan.join.need - joined.length} of ${listed(counted)}`);
  }
  return parts.filter((part) => part !== "").join(", and for ");
}

function listed(names: string[]): string {
  const more = names.length - MOST_NAMES;
  return more > 0 ? `${names.slice(0, MOST_NAMES).join(", ")} and ${more} more` : names.join(", ");
}
