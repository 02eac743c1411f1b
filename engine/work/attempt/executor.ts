/**
 * One attempt, from its durable start to its durable end. Owns: the steps of that and their order.
 * Never: what the attempt computes (`engine/kinds`), nor what its result means for the run (`engine/run`).
 *
 * ```
 *   open document ▸ resolve inputs ▸ call the kind ▸ classify ▸ store the value ▸ report
 * ```
 *
 * EN-412 Whatever a kind throws fails the attempt, never the worker.
 */
import type { Artifacts } from "../../artifacts/artifacts.ts";
import { breath, type Clock } from "../../base/clock.ts";
import { EngineError } from "../../base/errors.ts";
import { hit } from "../../base/faults.ts";
import type { Ids } from "../../base/ids.ts";
import { depthWithin, isObject, type Json, type JsonObject, MAX_DEPTH } from "../../base/json.ts";
import type { Log } from "../../base/log.ts";
import type { Attempt, Kinds, Outcome, TakenSignal } from "../../kinds/kind.ts";
import type { StoredValue } from "../../plan/types.ts";
import type { RunCommand } from "../../run/command.ts";
import type { StepProblem, Usage } from "../../run/event.ts";
import type { Signal } from "../../run/waits/types.ts";
import type { Put, Store } from "../../store/store.ts";
import type { Frame } from "../../wire/frame.ts";
import { childrenOf, type Nursery } from "../children/children.ts";
import type { Documents } from "../documents.ts";
import { isOutage, tellOutage } from "../outage.ts";
import { effectsOf } from "../effects/perform.ts";
import { spendOf } from "../spend/attempt_spend.ts";
import type { Till } from "../spend/shared/till.ts";
import { FrameWriter } from "../stream/frame_writer.ts";
import { evaluatorOn } from "./edges/evaluate.ts";
import { checkCondition } from "./header_value.ts";
import { resolveInputs } from "./inputs.ts";
import { findItems, gather, itemInput } from "./items.ts";
import type { LiveRun } from "../commit/live_run.ts";
import type { Answer } from "../commit/turn.ts";

/** How long an attempt has to settle after its abort before it is given up. */
const SETTLE_MS = 5_000;

/** Most that an attempt may save over a delay (EN-410), in characters of JSON. */
const SAVED_CHARACTERS = 32_768;

/** Longest condition that an attempt may wait for, in characters of JSON. */
const CONDITION_CHARACTERS = 8_192;

/** Why an attempt was aborted: the reason of its signal. */
export type AbortReason = "timeout" | "cancelled" | "lost";

/** What executing needs. */
export interface ExecutorPorts {
  store: Store;
  documents: Documents;
  artifacts: Artifacts;
  kinds: Kinds;
  clock: Clock;
  ids: Ids;
  log: Log;
  /** Whether the session is still to be trusted; if it is not, the attempt has been aborted as lost. */
  trusted(): boolean;
  /** Makes frames durable. */
  stream(live: LiveRun, frames: Frame[]): void;
  /** Tells the run something amid an attempt; resolves when the answer is durable, so that what follows may act on it. */
  tell(live: LiveRun, command: RunCommand, puts?: Put[]): Promise<Answer>;
  nursery: Nursery;
  /** Takes the slots of the attempt's quotas; what becomes of it if there are none. */
  admit(live: LiveRun, step: string, own: Attempt): Promise<Outcome | undefined>;
  /** Where something is set aside in budgets that runs share. */
  shared(): Till;
  /** Makes the end durable, with the last frames. */
  report(live: LiveRun, command: RunCommand, frames: Frame[]): void;
}

/** Runs an attempt that the journal says has begun; `abort` ends it early with an {@link AbortReason}. */
export async function execute(
  ports: ExecutorPorts,
  live: LiveRun,
  step: string,
  attempt: number,
  abort: AbortController,
): Promise<void> {
  hit("attempt.started");
  const { clock, log } = ports;
  const startedAt = clock.now();
  const from = live.run.steps.get(step)!.frames;
  const writer = new FrameWriter({ step, attempt, from }, clock, (frames) => ports.stream(live, frames));
  log.write({
    level: "info",
    source: "engine",
    message: `Starting ${step}`,
    runId: live.run.id,
    cell: step,
    attempt,
  });
  const outcome = await withinTime(
    ports,
    live,
    step,
    abort,
    () => call(ports, live, step, attempt, startedAt, abort, writer),
  );
  if (abort.signal.reason === "lost") return void writer.close();
  hit("attempt.result");
  const command = await classify(ports, live, step, attempt, outcome, abort.signal);
  const frames = writer.close();
  if (command.type === "delayAttempt" || command.type === "suspendAttempt") hit("suspend.opened");
  ports.report(live, { ...command, frames: writer.seq } as RunCommand, frames);
  const durationMs = clock.now() - startedAt;
  log.write({
    ...describe(outcome, durationMs),
    source: "engine",
    runId: live.run.id,
    cell: step,
    attempt,
    durationMs,
  });
}

/** Resolves inputs and calls the kind. */
async function call(
  ports: ExecutorPorts,
  live: LiveRun,
  step: string,
  attempt: number,
  startedAt: number,
  abort: AbortController,
  writer: FrameWriter,
): Promise<Outcome> {
  const read = <T>(from: () => Promise<T>) => patiently(ports, abort.signal, from);
  const document = await read(() => ports.documents.open(live.head.version));
  const state = live.run.steps.get(step)!;
  const cell = state.plan.item?.of ?? step;
  const node = document.graph.byName.get(cell);
  const kind = ports.kinds.get(node?.kind ?? "");
  if (node === undefined || kind === undefined) {
    throw new EngineError(
      "store_corrupt",
      `Version ${document.version} has no cell that can run by this name: ${step}`,
    );
  }
  const value = (stored: StoredValue) => read(() => ports.artifacts.get(stored));
  const { saved, signals, map } = state;
  // Its items have ended: what is left is putting their values together.
  if (map !== undefined) return await gather(live.run, state, value);
  const params = await paramsOf(live, value);
  const resolved = await resolveInputs({
    run: live.run,
    graph: document.graph,
    cell,
    params,
    read: value,
    evaluate: evaluatorOn(ports.kinds, `${live.run.id}/${step}/${attempt}`, {
      params,
      now: state.startedAt ?? startedAt,
      signal: abort.signal,
    }),
  });
  if (!resolved.ok) {
    return abort.signal.aborted ? { type: "cancelled" } : { type: "failed", problem: resolved.problem };
  }
  // L4 What was told to end, or whose session's time has passed, while its inputs were read does not begin.
  if (!ports.trusted() || abort.signal.aborted || live.released) return { type: "cancelled" };
  const earlier = saved === undefined ? {} : { saved: await value(saved) };
  const own: Attempt = {
    cell: node.cell,
    frontMatter: document.notebook.frontMatter,
    inputs: state.plan.item === undefined
      ? resolved.inputs
      : { ...resolved.inputs, ...await itemInput(live.run, state, node, value) },
    run: live.run.id,
    attempt,
    key: `${live.run.id}/${step}`,
    startedAt: state.startedAt ?? startedAt,
    ...earlier,
    ...(signals === undefined
      ? {}
      : { signals: await Promise.all(signals.map((signal) => taken(signal, value))) }),
    signal: abort.signal,
    emit: (frame) => writer.write(frame),
    spend: spendOf(ports, live, step, attempt),
    children: childrenOf({ ...ports, patiently: read }, live, step, attempt),
    effects: effectsOf(ports, live, step, attempt, { ...earlier, signal: abort.signal, read }),
    clock: ports.clock,
  };
  // One that goes on has been let through, and an item with its step.
  if (state.frames === undefined && state.plan.item === undefined) {
    const stop = await checkCondition(ports.kinds, own);
    if (stop !== undefined) return stop;
    if (state.plan.each !== undefined) return await findItems(ports.kinds, own);
  }
  const outcome = await read(() => ports.admit(live, step, own)) ?? await kind.run(own);
  // DF-257 What its inputs were warned of is told with what the cell makes of them.
  return outcome.type !== "succeeded" || resolved.warnings.length === 0
    ? outcome
    : { ...outcome, warnings: [...resolved.warnings, ...outcome.warnings ?? []] };
}

/** A signal as the kind gets it: with what it carries. */
async function taken(
  { id, name, source, at, payload, type }: Signal,
  read: (stored: StoredValue) => Promise<Json>,
): Promise<TakenSignal> {
  return {
    id,
    name,
    source,
    at,
    ...(payload === undefined ? {} : { payload: await read(payload) }),
    ...(type === undefined ? {} : { type }),
  };
}

async function paramsOf(
  live: LiveRun,
  read: (stored: StoredValue) => Promise<Json>,
): Promise<JsonObject> {
  const params = live.run.params === undefined ? {} : await read(live.run.params);
  return isObject(params) ? params : {};
}

/** How an attempt ended; `unsettled`: it was given up, and nobody knows whether it has stopped. */
type Settled = Outcome & { unsettled?: true };

/** Bounds an attempt by its timeout, and by `SETTLE_MS` after any abort. */
async function withinTime(
  { clock, ids, log }: ExecutorPorts,
  live: LiveRun,
  step: string,
  abort: AbortController,
  run: () => Promise<Outcome>,
): Promise<Settled> {
  const { plan: { timeoutMs }, ranMs = 0 } = live.run.steps.get(step)!;
  const ended: { outcome?: Outcome } = {};
  const running = run().catch((error) => bug(error, ids, log, live, step))
    .then((outcome) => ended.outcome = outcome);
  // One that waits for nothing needs no timers; making and ending them took 19 us, an eighth of a no-op step.
  await breath(() => ended.outcome !== undefined);
  if (ended.outcome !== undefined) return ended.outcome;
  const over = new AbortController();
  if (timeoutMs > 0) {
    // EN-408 Only running time counts.
    clock.sleep(Math.max(1, timeoutMs - ranMs), over.signal).then(() => {
      if (!over.signal.aborted) abort.abort("timeout" satisfies AbortReason);
    });
  }
  const givenUp = aborted(abort.signal, over.signal)
    .then(() => clock.sleep(abort.signal.reason === "lost" ? 0 : SETTLE_MS, over.signal))
    .then((): Settled => ({ type: "cancelled", unsettled: true }));
  try {
    return await Promise.race([running, givenUp]);
  } finally {
    over.abort("over");
  }
}

/** Resolves when either aborts. */
function aborted(...signals: AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of signals) {
      if (signal.aborted) return resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    }
  });
}

/** An error without a code is a bug of the kind: the log has it whole, the step only its incident. */
function bug(
  error: unknown,
  ids: Ids,
  log: Log,
  live: LiveRun,
  step: string,
): Extract<Outcome, { type: "failed" }> {
  if (error instanceof EngineError) {
    return { type: "failed", problem: { category: "unknown", code: error.code, message: error.message } };
  }
  const incident = ids.next("inc");
  const message = `${incident}: ${error instanceof Error ? error.stack : String(error)}`;
  log.write({ level: "error", source: "engine", message, runId: live.run.id, cell: step });
  return {
    type: "failed",
    problem: {
      category: "unknown",
      code: "internal",
      message: `This is a bug. The log has it under ${incident}`,
    },
  };
}

type WithoutFrames<T> = T extends unknown ? Omit<T, "frames"> : never;
/** How an attempt ended, but for the number of its last frame. */
type Report = WithoutFrames<
  Extract<
    RunCommand,
    {
      type:
        | "succeedAttempt"
        | "failAttempt"
        | "openMap"
        | "declineAttempt"
        | "cancelAttempt"
        | "delayAttempt"
        | "suspendAttempt"
        | "holdAttempt";
    }
  >
>;

/** What the run is told of an outcome; a value is stored before. */
async function classify(
  ports: ExecutorPorts,
  live: LiveRun,
  step: string,
  attempt: number,
  outcome: Settled,
  signal: AbortSignal,
): Promise<Report> {
  const at = { step, attempt };
  const { artifacts, ids, log } = ports;
  if (signal.reason === "timeout" && outcome.type !== "succeeded") {
    const problem: StepProblem = {
      category: "timeout",
      code: "timed-out",
      message: outcome.unsettled
        ? "Took longer than its timeout allows, and has not stopped since it was told to"
        : "Took longer than its timeout allows",
    };
    return { type: "failAttempt", ...at, problem, ...usageIn(outcome), jitter: ids.random() };
  }
  if (outcome.type === "cancelled") {
    const unsettled = outcome.unsettled ? { unsettled: true } as const : {};
    return { type: "cancelAttempt", ...at, ...unsettled, ...usageIn(outcome) };
  }
  if (outcome.type === "mapped") {
    const { items } = outcome;
    const stored = await patiently(ports, signal, () => artifacts.put(items));
    return { type: "openMap", ...at, items: stored, count: items.length };
  }
  if (outcome.type === "declined") return { type: "declineAttempt", ...at };
  if (outcome.type === "failed") {
    const { type: _, ...failure } = { ...outcome, problem: boundedProblem(outcome.problem) };
    return { type: "failAttempt", ...at, ...failure, jitter: ids.random() };
  }
  const failed = (problem: StepProblem): Report => ({
    type: "failAttempt",
    ...at,
    problem,
    jitter: ids.random(),
  });
  if (outcome.type === "delayed" || outcome.type === "suspended" || outcome.type === "held") {
    const { saved } = outcome;
    const tooMuch = tooLarge(outcome);
    if (tooMuch !== undefined) return failed(tooMuch);
    const store = (value: Json) => patiently(ports, signal, () => artifacts.put(value));
    const kept = saved === undefined ? {} : { saved: await store(saved) };
    if (outcome.type === "delayed") return { type: "delayAttempt", ...at, ms: outcome.ms, ...kept };
    if (outcome.type === "held") {
      const { type: _, saved: __, ...how } = outcome;
      return { type: "holdAttempt", ...at, ...how, ...kept };
    }
    const { type: _, about, saved: __, ...wait } = outcome;
    const shown = about === undefined ? {} : { about: await store(about) };
    return { type: "suspendAttempt", ...at, ...wait, ...shown, ...kept };
  }
  const { type: _, value, ...rest } = bounded(outcome);
  if (value === undefined || !depthWithin(value, MAX_DEPTH)) {
    const message = `Its value must be JSON, nested at most ${MAX_DEPTH} deep`;
    return failed({ category: "invalid_output", message });
  }
  try {
    const stored = await patiently(ports, signal, () => artifacts.put(value));
    return { type: "succeedAttempt", ...at, ...rest, value: stored };
  } catch (error) {
    const problem: StepProblem = error instanceof EngineError
      ? { category: "invalid_output", code: error.code, message: error.message }
      : bug(error, ids, log, live, step).problem;
    return failed(problem);
  }
}

/** What of a pause does not fit a record. */
function tooLarge(
  outcome: Extract<Outcome, { type: "delayed" | "suspended" | "held" }>,
): StepProblem | undefined {
  const over = (value: Json | undefined, characters: number) =>
    value !== undefined && (!depthWithin(value, MAX_DEPTH) || JSON.stringify(value).length > characters);
  const problem = (message: string): StepProblem => ({
    category: "invalid_output",
    code: "record_too_large",
    message,
  });
  if (over(outcome.saved, SAVED_CHARACTERS)) {
    return problem(`What it saves over a delay may have ${SAVED_CHARACTERS} characters of JSON`);
  }
  if (outcome.type !== "suspended") return undefined;
  if (over(outcome.condition as unknown as Json, CONDITION_CHARACTERS)) {
    return problem(`What it waits for may have ${CONDITION_CHARACTERS} characters of JSON`);
  }
}

function usageIn(outcome: Outcome): { usage?: Usage } {
  return "usage" in outcome && outcome.usage !== undefined ? { usage: outcome.usage } : {};
}

/** Asks the store again while it is out of reach, until the attempt is aborted: an outage is no fault of the cell. */
async function patiently<T>(
  { clock, log }: ExecutorPorts,
  signal: AbortSignal,
  ask: () => Promise<T>,
): Promise<T> {
  for (let wait = 50;; wait = Math.min(wait * 2, SETTLE_MS)) {
    try {
      return await ask();
    } catch (error) {
      if (!isOutage(error) || signal.aborted) throw error;
      tellOutage(log, error);
      await clock.sleep(wait, signal);
    }
  }
}

/** Longest message, in characters, and most warnings of an attempt that its event carries; the log has no more. */
const MESSAGE_CHARACTERS = 2_000;
const WARNING_CHARACTERS = 300;
const MOST_WARNINGS = 5;

function boundedProblem(problem: StepProblem): StepProblem {
  return { ...problem, message: cut(problem.message, MESSAGE_CHARACTERS) };
}

/** An event must fit a record, whatever a kind says. */
function bounded(outcome: Extract<Outcome, { type: "succeeded" }>): typeof outcome {
  const { warnings } = outcome;
  if (warnings === undefined) return outcome;
  return {
    ...outcome,
    warnings: warnings.slice(0, MOST_WARNINGS).map(({ type, severity, message, suggestion }) => ({
      type,
      severity,
      message: cut(message, WARNING_CHARACTERS),
      ...(suggestion === undefined ? {} : { suggestion: cut(suggestion, WARNING_CHARACTERS) }),
    })),
  };
}

function cut(text: string, characters: number): string {
  const left = text.length - characters;
  return left <= 0 ? text : `${text.slice(0, characters).toWellFormed()}... ${left} characters cut`;
}

function describe(outcome: Outcome, ms: number): { level: "info" | "error"; message: string; code?: string } {
  if (outcome.type !== "failed") {
    const words = {
      succeeded: `Completed in ${ms}ms`,
      delayed: "Waits",
      suspended: "Waits",
      mapped: "Goes on with its items",
      declined: "Not taken",
      held: "Waits",
      cancelled: "Cancelled",
    };
    return { level: "info", message: words[outcome.type] };
  }
  const { category, code, message } = outcome.problem;
  return { level: "error", code: code ?? category, message: `${code ?? category}: ${message}` };
}
