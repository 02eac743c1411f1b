/**
 * Runs that attempts begin, from a kind's question to a run and back to its result (EN-810). Owns: that the attempts of a
 * step which follow a lost one find the same run; what it may use; and how its end reads as the step's.
 *
 * C5 A run of a step is made in the commit in which its parent's journal names it: both are there or neither.
 */
import { decodeText } from "../../access/text_bytes.ts";
import { EngineError } from "../../base/errors.ts";
import { hit } from "../../base/faults.ts";
import type { Json, JsonObject } from "../../base/json.ts";
import { type Children, type ChildResult, failed, type Outcome } from "../../kinds/kind.ts";
import { DIMENSIONS, type Limits, lowest } from "../../notebook/spend/limits.ts";
import type { RunCommand } from "../../run/command.ts";
import type { Usage } from "../../run/event.ts";
import type { Scope, Spent } from "../../run/spend/amounts.ts";
import type { Run } from "../../run/state.ts";
import { eventPrefix } from "../../store/keys.ts";
import type { Put, Store } from "../../store/store.ts";
import type { LiveRun } from "../commit/live_run.ts";
import type { Answer } from "../commit/turn.ts";
import type { Journals } from "../journal.ts";
import { readRecord } from "../records.ts";
import { bear, type SubmitPorts } from "../submit.ts";
import { lineageOf } from "./lineage.ts";

/** What making runs for steps needs of the engine. */
export interface Nursery {
  submit: SubmitPorts;
  journals: Journals;
  /** A run is there, for this process's worker to take up. */
  expect(run: string): void;
}

/** What it needs of the attempt besides. */
export interface ChildPorts {
  nursery: Nursery;
  tell(live: LiveRun, command: RunCommand, puts: Put[]): Promise<Answer>;
  /** Asks the store again while it is out of reach. */
  patiently<T>(ask: () => Promise<T>): Promise<T>;
}

/** The runs of one attempt. */
export function childrenOf(ports: ChildPorts, live: LiveRun, name: string, attempt: number): Children {
  const { nursery: { submit, journals, expect }, patiently } = ports;
  const { artifacts } = submit;
  return {
    async start({ notebook, params }) {
      const step = live.run.steps.get(name)!;
      // One that was lost with its worker has begun it.
      if (step.child === undefined) {
        const stop = await begin(ports, live, name, attempt, notebook, params);
        if (stop !== undefined) return { ok: false, outcome: stop };
      }
      hit("child.submitted");
      expect(step.child!);
      return { ok: true, run: step.child! };
    },
    async result(child) {
      return await patiently(async () => {
        const head = await journals.head(child);
        if (head === undefined) return GONE;
        if (head.phase !== "ended") return undefined;
        return await resultOf(await journals.load(head), (value) => artifacts.get(value));
      });
    },
  };
}

/** Ids of the runs that a run's journal names, in its order. */
export async function childrenIn(store: Store, run: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of store.list(eventPrefix(run))) {
    for (const event of readRecord(entry).events) if (event.type === "child.opened") found.push(event.child);
  }
  return found;
}

const GONE: ChildResult = {
  outcome: "failed",
  value: null,
  problem: {
    category: "unavailable",
    code: "child_gone",
    message: "The run of this cell is not kept any more",
  },
};

/** Makes the run; or how the attempt ends without it. */
async function begin(
  { nursery: { submit }, tell, patiently }: ChildPorts,
  live: LiveRun,
  step: string,
  attempt: number,
  notebook: string,
  params: JsonObject,
): Promise<Outcome | undefined> {
  try {
    const parent = lineageOf(live.head, step, notebook);
    const { run } = live;
    const limits = lowest(restOf(run), restOf(run.steps.get(step)!));
    const { head, puts } = await patiently(async () =>
      await bear(submit, {
        notebook,
        text: await textOf(submit, notebook),
        params,
        author: run.author,
        priority: run.priority,
        ...(run.deadline === undefined ? {} : { deadline: run.deadline }),
        ...(limits === undefined ? {} : { overrides: { limits } }),
      }, parent)
    );
    const answer = await tell(live, { type: "openChild", step, attempt, child: head.id }, puts);
    if (answer.ok) return undefined;
    if (answer.code === "child_limit") return failed("overloaded", answer.reason, answer.code);
    // Its run was told to pause or to end meanwhile: it is called again if it is to go on.
    return { type: "delayed", ms: 0 };
  } catch (error) {
    if (!(error instanceof EngineError) || error.status >= 500) throw error;
    return failed("invalid_input", `Notebook '${notebook}': ${error.message}`, error.code);
  }
}

async function textOf({ workspace }: SubmitPorts, notebook: string): Promise<string> {
  const decoded = decodeText(await workspace.readNotebook(notebook));
  if (decoded.ok) return decoded.text;
  throw new EngineError("notebook_invalid", `It is not UTF-8 text: ${decoded.reason}`);
}

/**
 * What is left of a budget. Nothing is set aside for a run that goes on for days, so that two of them side by side may
 * use more together than there was; the next call of the parent then finds its budget used up.
 */
function restOf({ limits, spent, reserved }: Scope): Limits | undefined {
  if (limits === undefined) return undefined;
  const rest: Limits = {};
  for (const dimension of DIMENSIONS) {
    const limit = limits[dimension];
    if (limit === undefined) continue;
    rest[dimension] = Math.max(0, limit - (spent?.[dimension] ?? 0) - (reserved?.[dimension] ?? 0));
  }
  return rest;
}

async function resultOf(
  run: Run,
  read: (value: NonNullable<Run["params"]>) => Promise<Json>,
): Promise<ChildResult> {
  const outcome = run.outcome as ChildResult["outcome"];
  const sinks = [...run.steps.values()].filter(({ plan }) =>
    plan.item === undefined && run.successors.get(plan.cell)?.length === 0
  );
  const good = outcome === "succeeded" || outcome === "partial";
  const values = !good ? [] : await Promise.all(
    sinks.map(async ({ plan, value }): Promise<[string, Json]> => [
      plan.cell,
      value === undefined ? null : await read(value),
    ]),
  );
  const usage = usageOf(run.spent);
  return {
    outcome,
    value: values.length === 1 ? values[0]![1] : good ? Object.fromEntries(values) : null,
    ...(run.problem === undefined ? {} : { problem: run.problem }),
    ...(usage === undefined ? {} : { usage }),
  };
}

/** What a run used, as the usage of one attempt; its sum does not tell tokens of prompts from those of answers. */
function usageOf({ tokens, usdMicros, calls, unknown = {} }: Spent): Usage | undefined {
  if (calls === 0) return undefined;
  return {
    calls,
    ...(unknown.tokens === undefined ? { inputTokens: tokens, outputTokens: 0 } : {}),
    ...(unknown.usdMicros === undefined ? { usdMicros } : {}),
  };
}
