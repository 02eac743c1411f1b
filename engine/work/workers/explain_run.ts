/**
 * Why a run or one of its steps does not move, with all that has a part in it (EN-1307, AP-612). Owns: putting that
 * together from the run's state, the queue and the workers. Reads only: nothing is claimed, started or written for it.
 */
import type { Limits } from "../../notebook/spend/limits.ts";
import type { Run, Step } from "../../run/state.ts";
import type { Spent } from "../../run/spend/amounts.ts";
import type { RunLabel, StepLabel } from "../../run/words/label.ts";
import type { Wait } from "../../run/words/wait.ts";
import { LANE, lastText, readyPrefix } from "../../store/keys.ts";
import type { Store } from "../../store/store.ts";
import { rankOf, readyAt, type RunHead } from "../commit/live_run.ts";
import { stateOf, stepStateOf } from "../control/explain.ts";
import { startsRuns } from "../lanes/lane.ts";
import { rulesOf } from "../lanes/lanes.ts";
import type { Workers, WorkerState } from "./workers.ts";

/** Entries of the queue that are counted, at most. */
const MOST_COUNTED = 1_000;
/** Workers that a sentence names. */
const MOST_NAMED = 3;

/** What a worker lacks for something. */
export interface WorkerLack {
  worker: string;
  /** Tokens that are required and that it does not offer; empty: it can. */
  missing: string[];
  /** Attempts that it runs at a time, and how many it runs now, where that is known. */
  slots: number;
  running?: number;
  /** Whether it takes up runs of the lane. */
  lane: boolean;
}

/** See the module comment. */
export interface Explanation {
  label: RunLabel | StepLabel;
  wait?: Wait;
  /** Its place among runs that wait for their turn: lower goes first. */
  rank: number;
  lane: string;
  /** How many stand before it, up to 1,000; absent: it does not stand in the queue. */
  ahead?: number;
  /** What is required; of a run, by the step that it waits for. */
  requires: string[];
  /** Live workers. */
  workers: WorkerLack[];
  /** With wait `budget`: what may be used and what was. */
  budget?: { limits?: Limits; spent?: Spent };
  /** When it goes on by itself, epoch ms. */
  timer?: number;
  /** With a suspension: for what. */
  suspension?: NonNullable<Step["suspension"]>["wait"];
  /** All of it in words; absent where it moves or has ended. */
  sentence?: string;
}

/** What each live worker lacks of `requires`, by id. */
export async function lacksOf(
  workers: Workers,
  requires: readonly string[],
  lane = LANE,
): Promise<WorkerLack[]> {
  return (await workers.list()).filter(({ label }) => label === "live").map((worker) =>
    lackOf(worker, requires, lane)
  );
}

function lackOf(
  { id, capabilities, lanes, slots, running }: WorkerState,
  requires: readonly string[],
  lane: string,
): WorkerLack {
  return {
    worker: id,
    missing: requires.filter((token) => !capabilities.includes(token)),
    slots,
    ...(running === undefined ? {} : { running }),
    lane: lanes?.includes(lane) ?? true,
  };
}

/** The explanation of a run, or of one of its steps. Throws `step_not_found`. */
export async function explainRun(
  { store, workers }: { store: Store; workers: Workers },
  head: RunHead,
  run: Run,
  name?: string,
): Promise<Explanation> {
  const { label, wait } = name === undefined ? stateOf(run) : stepStateOf(run, name);
  const step = name === undefined ? waitingFor(run, wait) : run.steps.get(name)!;
  const lane = head.lane ?? LANE;
  const requires = step?.plan.requires ?? [];
  const found = await lacksOf(workers, requires, lane);
  const ahead = await aheadOf(store, head, lane);
  const scope = step?.limits === undefined ? run : step;
  const why = wait === undefined ? undefined : await wordsOf(store, wait, lane, ahead, requires, found);
  return {
    label,
    ...(wait === undefined ? {} : { wait }),
    rank: rankOf(head),
    lane,
    ...(ahead === undefined ? {} : { ahead }),
    requires: [...requires],
    workers: found,
    ...(wait?.wait === "budget" ? { budget: { limits: scope.limits, spent: scope.spent } } : {}),
    ...(wait?.until === undefined ? {} : { timer: wait.until }),
    ...(step?.suspension === undefined ? {} : { suspension: step.suspension.wait }),
    ...(why === undefined ? {} : { sentence: why }),
  };
}

/** The step whose wait is the run's. */
function waitingFor(run: Run, wait: Wait | undefined): Step | undefined {
  if (wait === undefined) return undefined;
  for (const name of [...run.ready, ...run.parked, ...run.waiting]) {
    const step = run.steps.get(name)!;
    if (step.wait === wait.wait && step.since === wait.since) return step;
  }
}

/** How many stand before a run in its lane; nothing if it does not stand there. */
async function aheadOf(store: Store, head: RunHead, lane: string): Promise<number | undefined> {
  const key = readyAt(head);
  const [own] = await store.get([key]);
  if (own === undefined) return undefined;
  let ahead = 0;
  for await (const entry of store.list(readyPrefix(lane), { limit: MOST_COUNTED })) {
    if (lastText(entry.key) === head.id) return ahead;
    ahead++;
  }
  return ahead;
}

/** The sentences of a wait, and what the queue and the workers say to it. */
async function wordsOf(
  store: Store,
  wait: Wait,
  lane: string,
  ahead: number | undefined,
  requires: readonly string[],
  workers: readonly WorkerLack[],
): Promise<string> {
  const said = [wait.what, wait.next];
  if (wait.wait === "capability") said.push(...lackWords(requires, workers));
  if (wait.wait === "worker") {
    const rules = await rulesOf(store, lane);
    if (rules !== undefined && !startsRuns(rules)) said.push(`Lane ${lane} is ${rules.state}`);
    else if (workers.length === 0) said.push("No worker is there");
    else if (!workers.some((worker) => worker.lane)) said.push(`No worker is there for lane ${lane}`);
    if (ahead !== undefined && ahead > 0) {
      said.push(`${ahead} ${ahead === 1 ? "run stands" : "runs stand"} before it in lane ${lane}`);
    }
  }
  return said.map((words) => `${words}.`).join(" ");
}

function lackWords(requires: readonly string[], workers: readonly WorkerLack[]): string[] {
  if (requires.length === 0) return [];
  const words = [`It requires ${requires.join(", ")}`];
  // The nearest first.
  const near = workers.toSorted((a, b) => a.missing.length - b.missing.length).slice(0, MOST_NAMED);
  for (const { worker, missing } of near) {
    words.push(
      missing.length === 0
        ? `Worker ${worker} has all of it`
        : `Worker ${worker} lacks ${missing.join(", ")}`,
    );
  }
  return workers.length === 0 ? [...words, "No worker is there"] : words;
}
