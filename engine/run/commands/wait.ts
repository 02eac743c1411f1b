/**
 * Suspensions: how one begins, what a signal does to it, and how it ends (section 10). Owns: these decisions.
 *
 * Y3 A signal that was taken counts for a step that waits or is kept for one that will; a repeated key changes nothing
 * (P12).
 */
import type { Millis } from "../../base/clock.ts";
import type { Rejected, Transition } from "../command.ts";
import type { RunEvent } from "../event.ts";
import type { Run, Step } from "../state.ts";
import { conditionFault, evaluate, takes, type Verdict } from "../waits/condition.ts";
import { offered } from "../waits/offered.ts";
import {
  type AtTimeout,
  KEY_MS,
  LONGEST_WAIT_MS,
  MOST_SIGNALS,
  MOST_UNCLAIMED,
  OPENED_MS,
  type Signal,
  type SignalResult,
  type Suspension,
  type Timeout,
  waitpointId,
} from "../waits/types.ts";
import { delayedBefore, failing, openAttempt, stopped } from "./attempt.ts";
import { type Handlers, happen, noStep, refuse, SAME } from "./decide.ts";

/** Waitpoints of one step that may be open. */
const MOST_WAITPOINTS = 100;

type WaitCommands =
  | "openWaitpoint"
  | "suspendAttempt"
  | "applySignal"
  | "resumeSuspension"
  | "closeSuspension";

/** The handlers. */
export const waitCommands: Handlers<WaitCommands> = {
  openWaitpoint(run, { step: name, attempt, name: waitpointName }, now) {
    const other = openAttempt(run, name, attempt);
    if (other !== undefined) return other;
    const open = (run.waitpoints ?? []).filter(({ step }) => step === name);
    if (open.some((waitpoint) => waitpoint.name === waitpointName)) return SAME;
    if (open.length >= MOST_WAITPOINTS) {
      return refuse(
        "waitpoint_limit",
        `Step ${name} has ${MOST_WAITPOINTS} waitpoints open, which is the most`,
      );
    }
    return happen([{
      type: "waitpoint.opened",
      step: name,
      attempt,
      waitpoint: nextWaitpoint(run),
      name: waitpointName,
      expiresAt: now + OPENED_MS,
    }]);
  },

  suspendAttempt(run, command, now) {
    const { type: _, step: name, attempt, timeout: asked, frames, saved, ...rest } = command;
    const other = openAttempt(run, name, attempt);
    if (other !== undefined) return delayedBefore(run, name, attempt) ?? other;
    const step = run.steps.get(name)!;
    // What was told to end while it made up its mind ends, and does not wait for it.
    if (run.intent === "cancel" || step.told !== undefined) {
      return stopped(run, { step: name, attempt, frames });
    }
    const fault = conditionFault(command.condition);
    if (fault !== undefined) {
      const problem = {
        category: "invalid_output",
        code: "condition_invalid",
        message: `What it waits for: ${fault}`,
      };
      return failing(run, step, { problem: problem as Problem, frames, jitter: 0 }, now);
    }
    const timeout = asked === undefined ? undefined : bounded(asked);
    const kept = saved === undefined ? {} : { saved };
    const suspended: RunEvent = {
      type: "step.suspended",
      step: name,
      attempt,
      ...rest,
      waitpoint: nextWaitpoint(run),
      expiresAt: now + lifeOf(timeout),
      ...(timeout === undefined ? {} : { timeout, due: now + timeout.ms }),
      ...kept,
      frames,
    };
    const there = offered(run, step, command.wait);
    const verdict = evaluate(command.condition, there);
    // What had ended the wait of an attempt that was then lost ends this one's.
    const own = there.find(({ type }) => type !== undefined)?.id;
    if (!verdict.done && own === undefined) return happen([suspended]);
    const counted = new Set([...verdict.counted, ...(own === undefined ? [] : [own])]);
    const resumed = resumption(step, [...counted], command.resumeDelayMs, now);
    // EN-1002 What it waits for has come already: it keeps its slot, unless it may not go on just now.
    const goesOn = run.phase === "active" && run.intent === "go" && !run.halted && resumed.due === undefined;
    return goesOn
      ? happen([{ ...resumed, ...kept, frames }], [{ type: "run", step: name, attempt }])
      : happen([suspended, resumed]);
  },

  applySignal(run, { signal: given, waitpoint: to, key }, now) {
    const known = key === undefined ? undefined : run.answered?.[key];
    if (known !== undefined && now < known.at + KEY_MS) {
      return { ...SAME, result: { ...known.result, replayed: true } };
    }
    const waitpoint = to === undefined ? undefined : run.waitpoints?.find(({ id }) => id === to);
    if (run.phase === "ended" || (to !== undefined && waitpoint === undefined)) {
      return refuse("waitpoint_closed", to === undefined ? `Run ${run.id} has ended` : `${to} is closed`);
    }
    // Y4 A run of its own answers by itself.
    if (waitpoint?.wait === "children") return refuse("waitpoint_closed", `${to} waits for a run`);
    if (waitpoint !== undefined && waitpoint.expiresAt <= now) {
      return refuse("token_expired", `The time of ${to} is over`);
    }
    const signal: Signal = {
      ...given,
      at: now,
      ...(waitpoint === undefined ? {} : { step: waitpoint.step, waitpoint: to! }),
    };
    if ((run.signalsMade ?? 0) >= MOST_SIGNALS) {
      return refuse("signal_limit", `Run ${run.id} has had ${MOST_SIGNALS} signals, which is the most`);
    }
    const taken = take(run, signal, key, now);
    // One that lets a step go on is not kept.
    const kept = isKept(taken.result!) && taken.events.length < 2;
    if (kept && (run.signals?.length ?? 0) >= MOST_UNCLAIMED) {
      return refuse("signal_limit", `${MOST_UNCLAIMED} signals wait in run ${run.id}, which is the most`);
    }
    return taken;
  },

  resumeSuspension(run, { step: name, id, payload, by, reason }, now) {
    const step = suspendedStep(run, name);
    if ("rejected" in step) return step;
    const own: Signal = {
      id,
      name: "operator",
      type: "operator",
      source: by,
      at: now,
      ...(payload === undefined ? {} : { payload }),
    };
    const { counted } = evaluate(step.suspension!.condition, offered(run, step));
    const why = reason === undefined ? {} : { reason };
    return happen([{ ...resumption(step, counted, step.suspension!.resumeDelayMs, now), own, ...why }]);
  },

  closeSuspension(run, { step: name, by, reason }, now) {
    const step = suspendedStep(run, name);
    if ("rejected" in step) return step;
    const message = `${by} closed what it waited for${reason === undefined ? "" : `: ${reason}`}`;
    const problem = { category: "refused", code: "wait_closed", message } as const;
    return failing(run, step, { problem, frames: step.frames ?? 0, jitter: 0 }, now);
  },
};

type Problem = Parameters<typeof failing>[2]["problem"];

/** The time of a suspension is over (EN-1011): that may be what it waited for, else it is as its `onTimeout` says. */
export function timeIsOver(run: Run, step: Step, suspension: Suspension, now: Millis): Transition {
  const { cell } = step.plan;
  const attempt = step.attempts;
  const own: Signal = {
    id: `timeout/${suspension.waitpoint}`,
    name: "timeout",
    type: "timeout",
    source: "engine",
    at: now,
  };
  const verdict = evaluate(suspension.condition, [...offered(run, step), own]);
  const timeout = suspension.timeout!;
  if (!verdict.done && timeout.then === "escalate" && !suspension.escalated) {
    return happen([{ type: "step.escalated", step: cell, attempt, due: now + timeout.escalation.ms }]);
  }
  const then: AtTimeout = verdict.done
    ? "auto-resume"
    : timeout.then === "escalate"
    ? timeout.escalation.then
    : timeout.then;
  const frames = step.frames ?? 0;
  switch (then) {
    case "auto-resume": {
      const counted = verdict.counted.filter((id) => id !== own.id);
      return happen([{ ...resumption(step, counted, undefined, now), own }]);
    }
    case "cancel":
      return happen([{ type: "step.cancelled", step: cell, attempt, frames, as: "cancelled" }]);
    case "skip":
      return happen([{ type: "step.cancelled", step: cell, attempt, frames, as: "skipped", timedOut: true }]);
    case "fail": {
      const message = "What it waited for did not come in time";
      return failing(run, step, {
        problem: { category: "timeout", code: "wait_timeout", message },
        frames,
        jitter: 0,
      }, now);
    }
  }
}

function suspendedStep(run: Run, name: string): Step | Rejected {
  const step = run.steps.get(name);
  if (step === undefined) return noStep(run, name);
  return step.suspension === undefined ? refuse("not_suspended", `Step ${name} waits for no signal`) : step;
}

type Resumed = Extract<RunEvent, { type: "step.resumed" }>;

function resumption(
  { plan: { cell: step }, attempts: attempt }: Step,
  signals: string[],
  delayMs: number | undefined,
  now: Millis,
): Resumed {
  const due = delayMs === undefined || delayMs <= 0 ? {} : { due: now + Math.min(delayMs, LONGEST_WAIT_MS) };
  return { type: "step.resumed", step, attempt, signals, ...due };
}

/** What a signal does, whoever sent it: a step goes on, or it is kept for one that will wait. */
export function take(run: Run, signal: Signal, key: string | undefined, now: Millis): Transition {
  const received = (result: SignalResult): RunEvent => ({
    type: "signal.received",
    signal,
    ...(key === undefined ? {} : { key }),
    result,
  });
  const found = taker(run, signal);
  if (found?.verdict.done) {
    const { step } = found;
    const result: SignalResult = { answer: "applied", needs: [] };
    const resumed = resumption(step, found.verdict.counted, step.suspension!.resumeDelayMs, now);
    return { ...happen([received(result), resumed]), result };
  }
  const result = found === undefined ? uncounted(run, signal) : {
    answer: "applied" as const,
    needs: found.verdict.needs,
  };
  return { ...happen(isKept(result) || key !== undefined ? [received(result)] : []), result };
}

function isKept({ answer }: SignalResult): boolean {
  return answer === "applied" || answer === "buffered";
}

/** The first step that waits and for which a signal counts; one that it lets go on before others. */
function taker(run: Run, signal: Signal): { step: Step; verdict: Verdict } | undefined {
  let first: { step: Step; verdict: Verdict } | undefined;
  for (const { step: name, wait } of run.waitpoints ?? []) {
    if (wait === undefined || (signal.step !== undefined && signal.step !== name)) continue;
    const step = run.steps.get(name)!;
    const verdict = evaluate(step.suspension!.condition, offered(run, step, wait, signal));
    if (!verdict.counted.includes(signal.id)) continue;
    if (verdict.done) return { step, verdict };
    first ??= { step, verdict };
  }
  return first;
}

/** A signal that counts for no step that waits: for the waitpoint of one that does it is of no use, else it is kept. */
function uncounted(run: Run, signal: Signal): SignalResult {
  const step = signal.step === undefined ? undefined : run.steps.get(signal.step)!;
  if (step?.suspension === undefined) return { answer: "buffered", needs: [] };
  const { condition } = step.suspension;
  const { needs } = evaluate(condition, offered(run, step));
  return { answer: takes(condition, signal) ? "duplicate" : "ignored", needs };
}

function nextWaitpoint(run: Run): string {
  return waitpointId(run.id, (run.waitpointsMade ?? 0) + 1);
}

function bounded(timeout: Timeout): Timeout {
  const ms = clamp(timeout.ms);
  if (timeout.then !== "escalate") return { ms, then: timeout.then };
  return { ms, then: timeout.then, escalation: { ...timeout.escalation, ms: clamp(timeout.escalation.ms) } };
}

function clamp(ms: number): number {
  return Math.min(Math.max(0, ms), LONGEST_WAIT_MS);
}

/** How long signals for a suspension are taken: as long as it may last. */
function lifeOf(timeout: Timeout | undefined): number {
  if (timeout === undefined) return LONGEST_WAIT_MS;
  return timeout.ms + (timeout.then === "escalate" ? timeout.escalation.ms : 0);
}
