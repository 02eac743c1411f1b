/**
 * Commands to a whole run (the first table of EN-304). Owns: these decisions.
 */
import { DIMENSIONS, type Limits } from "../../notebook/spend/limits.ts";
import type { LimitChange, RunEvent } from "../event.ts";
import { isOver, outcomeOf, problemOf } from "../outcome.ts";
import { withChange } from "../fold/spend.ts";
import { lostInDoubt } from "../effects/commands.ts";
import { unsuccessful, withAllBelow } from "../fold/reopen.ts";
import { itemsOf } from "../fold/map.ts";
import type { Run, Step } from "../state.ts";
import { timersOf } from "../timers.ts";
import { timeIsOver } from "./wait.ts";
import { abortAll, type Handlers, happen, noStep, refuse, runEnded, SAME } from "./decide.ts";

/** Attempts of one step that may be lost with their worker until it is opened again; the next one fails the step. */
export const MAX_RECOVERIES = 5;
/** Times that a run may be restarted (EN-606). */
export const MAX_RESTARTS = 10;

type RunCommands =
  | "queueRun"
  | "startRun"
  | "adoptRun"
  | "releaseRun"
  | "pauseRun"
  | "resumeRun"
  | "stopRun"
  | "cancelRun"
  | "expireRun"
  | "fireTimer"
  | "restartRun"
  | "changeRun"
  | "endRun";

/** The handlers. */
export const runCommands: Handlers<RunCommands> = {
  queueRun(run, { event }) {
    return run.seq === 0 ? happen([event]) : SAME;
  },

  startRun(run, _, now) {
    if (run.phase === "ended") return runEnded(run);
    if (run.phase === "active") return SAME;
    if (run.startAt !== undefined && run.startAt > now) {
      return refuse(
        "not_ready",
        `Run ${run.id} is not to begin before ${new Date(run.startAt).toISOString()}`,
      );
    }
    return happen([{ type: "run.started" }]);
  },

  adoptRun(run) {
    if (run.phase !== "active") return SAME;
    const lost = [...run.open].map((name) => run.steps.get(name)!).filter(({ away }) => away === undefined);
    const tooOften = lost.filter((step) => step.recoveries >= MAX_RECOVERIES && step.told === undefined);
    return happen([
      { type: "run.adopted" },
      ...tooOften.map((step) => lostInDoubt(step) ?? lostTooOften(step)),
    ]);
  },

  releaseRun(run, { reason }) {
    return run.phase === "active" ? happen([{ type: "run.released", reason }]) : SAME;
  },

  pauseRun(run, { type: _, ...told }) {
    if (run.phase === "ended") return runEnded(run);
    return run.intent === "go" ? happen([{ type: "run.paused", ...told }]) : SAME;
  },

  resumeRun(run, { type: _, ...told }) {
    if (run.phase === "ended") return runEnded(run);
    return run.intent === "pause" ? happen([{ type: "run.resumed", ...told }]) : SAME;
  },

  stopRun(run, { type: _, ...told }) {
    if (run.outcome === "stopped") return SAME;
    if (run.phase === "ended") return runEnded(run);
    const stops = run.intent === "go" || run.intent === "pause";
    return stops ? happen([{ type: "run.stopping", ...told }]) : SAME;
  },

  cancelRun(run, { type: _, ...told }) {
    if (run.outcome === "cancelled") return SAME;
    if (run.phase === "ended") return runEnded(run);
    return run.intent === "cancel" ? SAME : happen([{ type: "run.cancelling", ...told }], abortAll(run));
  },

  expireRun(run, _, now) {
    if (run.phase === "ended" || run.intent === "cancel") return SAME;
    // T1 Never early, whoever asks.
    if (run.deadline === undefined || run.deadline > now) {
      return refuse("not_ready", `The deadline of run ${run.id} has not passed`);
    }
    return happen([{ type: "run.expiring" }], abortAll(run));
  },

  fireTimer(run, { timer: id }, now) {
    const timer = timersOf(run).find((timer) => timer.id === id);
    if (timer === undefined) return SAME;
    if (timer.due > now) return refuse("not_ready", `Timer ${id} of run ${run.id} is not due`);
    const step = timer.step === undefined ? undefined : run.steps.get(timer.step)!;
    // Retries, the beginning and the deadline follow from the time by themselves (`next.ts`).
    if (step?.phase !== "suspended") return SAME;
    return step.suspension === undefined
      ? happen([{ type: "step.woken", step: timer.step! }])
      : timeIsOver(run, step, step.suspension, now);
  },

  restartRun(run, { from, by, reason }) {
    if (run.phase !== "ended") {
      return refuse("run_busy", `Run ${run.id} has not ended; stop or cancel it first`);
    }
    if (run.restarts >= MAX_RESTARTS) {
      return refuse("restart_limit", `Run ${run.id} was restarted ${MAX_RESTARTS} times, which is the most`);
    }
    const unknown = from?.find((name) => !run.steps.has(name));
    if (unknown !== undefined) return noStep(run, unknown);
    if ((from ?? unsuccessful(run)).length === 0) {
      return refuse("step_ended", `Every step of run ${run.id} succeeded; name those to run again`);
    }
    return happen([{ type: "run.reopened", ...given({ from, reason }), restart: true, by }]);
  },

  changeRun(run, { type: _, ...change }) {
    const { priority, lane, deadline, limits, cells } = change;
    const ofLife = [priority, lane, deadline, limits, cells].some((field) => field !== undefined);
    if (run.phase === "ended" && ofLife) return runEnded(run);
    const unknown = Object.keys(cells ?? {}).find((name) => !run.steps.has(name));
    if (unknown !== undefined) return noStep(run, unknown);
    return isChange(run, change) ? happen([{ type: "run.changed", ...change }]) : SAME;
  },

  endRun(run) {
    if (run.phase === "ended") return SAME;
    if (!isOver(run)) return refuse("not_ready", `Run ${run.id} has something left to do`);
    return happen([{ type: "run.ended", outcome: outcomeOf(run), ...given({ problem: problemOf(run) }) }]);
  },
};

/** What opens a step again, or why nothing does (EN-605): with everything below it, of which none may be running. */
export function reopenFrom(run: Run, name: string, told: { by: string; reason?: string }) {
  for (const below of withAllBelow(run, [name])) {
    const step = run.steps.get(below)!;
    const goesOn = ({ attempt }: Step) => attempt === "open" || attempt === "held";
    if (goesOn(step) || itemsOf(run, step).some(goesOn)) {
      return refuse(
        "attempt_open",
        `${below}, which comes after ${name}, has an open attempt; cancel it first`,
      );
    }
  }
  return happen([{ type: "run.reopened", from: [name], restart: false, ...told }]);
}

function isChange(run: Run, { priority, lane, tags, deadline, limits, cells = {} }: {
  priority?: number;
  lane?: string | null;
  tags?: Readonly<Record<string, string>>;
  deadline?: number | null;
  limits?: LimitChange;
  cells?: Record<string, LimitChange>;
}): boolean {
  const scopes = [[run.limits, limits ?? {}] as const]
    .concat(Object.entries(cells).map(([name, its]) => [run.steps.get(name)!.limits, its] as const));
  return scopes.some(([now, to]) => !sameLimits(now ?? {}, withChange(now, to))) ||
    (priority !== undefined && priority !== run.priority) ||
    (lane !== undefined && (lane ?? undefined) !== run.lane) ||
    (deadline !== undefined && (deadline ?? undefined) !== run.deadline) ||
    (tags !== undefined && !sameTags(tags, run.tags));
}

function sameLimits(a: Limits, b: Limits): boolean {
  return DIMENSIONS.every((dimension) => a[dimension] === b[dimension]);
}

function sameTags(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && a[name] === b[name]);
}

/** The event that fails a step whose worker was lost once too often. */
export function lostTooOften(step: Step): RunEvent {
  return {
    type: "step.failed",
    step: step.plan.cell,
    attempt: step.attempts,
    frames: 0,
    problem: {
      category: "unknown",
      code: "recovery_limit",
      message: `The worker was lost ${
        MAX_RECOVERIES + 1
      } times during this cell. Look at what it does, then run it again`,
    },
  };
}

/** An object without the fields that are undefined. */
function given<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}
