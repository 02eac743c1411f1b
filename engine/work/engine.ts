/**
 * The engine: everything of this folder put together behind the interface that the front doors use.
 * Owns: the assembly, and what a caller is told when the owner of a run is elsewhere.
 */
import { openWaitpointKeys, type WaitpointKeys } from "../access/waitpoint_keys/waitpoint_keys.ts";
import type { Workspace } from "../access/workspace.ts";
import { artifacts as openArtifacts } from "../artifacts/artifacts.ts";
import type { Clock } from "../base/clock.ts";
import { EngineError } from "../base/errors.ts";
import type { Ids } from "../base/ids.ts";
import { sha256 } from "../base/hash.ts";
import type { Json } from "../base/json.ts";
import type { Log } from "../base/log.ts";
import { fingerprints, staleCells } from "../graph/stale.ts";
import type { Kinds } from "../kinds/kind.ts";
import { DEFAULT_RETENTION, type Retention } from "../notebook/policy.ts";
import type { Problem } from "../notebook/types.ts";
import type { History, PastValue, Plan, StoredValue } from "../plan/types.ts";
import type { Run } from "../run/state.ts";
import { type RunLabel, stepLabel } from "../run/words/label.ts";
import { byNotebookPrefix, byTimePrefix, lastText, pastPrefix, runKey } from "../store/keys.ts";
import type { Egress } from "../sandbox/egress/egress.ts";
import type { Key, Store } from "../store/store.ts";
import type { WireGroup } from "../wire/frame.ts";
import { emptyView, reduceAll } from "../wire/reduce.ts";
import type { RunView } from "../wire/view.ts";
import type { Differences } from "../plan/differences.ts";
import { checkpointsOf } from "../run/checkpoint/checkpoint.ts";
import type { Checkpoint } from "../run/state.ts";
import { headLabel, type Origin, type RunHead } from "./commit/live_run.ts";
import { baseOf, type ForkRequest } from "./fork/fork.ts";
import { type Details, detailsOf } from "./control/inspect.ts";
import { childrenIn } from "./children/children.ts";
import { Documents } from "./documents.ts";
import { headIn, journals as openJournals } from "./journal.ts";
import {
  answerOf,
  type ControlPorts,
  type Instruction,
  release,
  tell,
  type TellOptions,
  type Told,
  wake,
} from "./control/tell.ts";
import { type RunState, stateOf, type StepState, stepStateOf } from "./control/explain.ts";
import { type CommandAnswer, readPast } from "./records.ts";
import { tellingFull } from "./outage.ts";
import { Feed } from "./stream/feed.ts";
import { follow } from "./stream/follow.ts";
import { isPinned, pin } from "./upkeep/pins.ts";
import { type Lanes, openLanes } from "./lanes/lanes.ts";
import { explainRun, type Explanation, lacksOf, type WorkerLack } from "./workers/explain_run.ts";
import { type Budgets, openBudgets } from "./spend/shared/budgets.ts";
import { openQuotas, type Quotas } from "./quota/quotas.ts";
import { openWorkers, type Workers } from "./workers/workers.ts";
import { prepare, type Prepared, type RunRequest, submit, type SubmitPorts } from "./submit.ts";
import { type EffectLog, openEffectLog } from "./effects/effects.ts";
import { openWaits, type Waits } from "./waits/waits.ts";
import { Worker } from "./worker.ts";

/** A run in a list. */
export interface RunSummary {
  id: string;
  notebook: string;
  version: string;
  label: RunLabel;
  createdAt: number;
  startedAt?: number;
  endedAt?: number;
  /** Not to begin before. */
  startAt?: number;
  /** When it expires. */
  deadline?: number;
  priority?: number;
  /** Absent: the default lane. */
  lane?: string;
  tags?: Record<string, string>;
  /** The step that began it. */
  parent?: { run: string; step: string };
  /** The run that it goes on from. */
  origin?: Origin;
  /** Kept whatever its age. */
  pinned?: true;
}

/** Everything about a run but its output. */
export type RunDetails = RunSummary & Details;

/** What a run would do. */
export interface Planned {
  /** Absent if a problem stops it. */
  plan?: Plan;
  problems: Problem[];
  /** Cells that have a value of an earlier run which no longer holds, and why in words such as `code edited`. */
  stale: Record<string, string>;
}

/** The engine as the front doors see it. Methods throw `EngineError` with the codes named. */
export interface Engine {
  /** What a run would do, what is wrong, and which last values no longer hold; starts nothing. */
  plan(request: Omit<RunRequest, "author">): Promise<Planned>;
  /** Starts a run; `replayed` if the request's key had started it before. `notebook_invalid`, `cycle_found`, `kind_unknown`, `param_missing`, `param_invalid`, `idempotency_conflict`. */
  submit(request: RunRequest): Promise<{ run: string; replayed: boolean }>;
  /**
   * Tells a run, or one of its steps, what to do: see {@link Instruction}. Resolves once that is durable, or, where
   * another process owns the run and does not answer in time, once it is kept for it (`pending`). Codes:
   * `run_not_found`, `run_ended`, `run_busy`, `restart_limit`, `step_not_found`, `step_ended`, `step_suspended`,
   * `attempt_open`, `not_ready`, `inbox_full`, `idempotency_conflict`.
   */
  tell(run: string, instruction: Instruction, options?: TellOptions): Promise<Told>;
  /**
   * Starts a run that goes on from another, which it leaves as it is: cells that had succeeded there are taken over if
   * they, their params and all above them are unchanged. Also says what differs from the source's version. Codes:
   * `run_not_found`, `checkpoint_not_found`, `version_mismatch`, and those of `submit`.
   */
  fork(request: ForkRequest): Promise<{ run: string; replayed: boolean; differences: Differences }>;
  /** The checkpoints of a run, oldest first. `run_not_found`. */
  checkpoints(run: string): Promise<Checkpoint[]>;
  /** What became of a command, for a day. `run_not_found`, `command_not_found`. */
  command(run: string, command: string): Promise<CommandAnswer | { state: "pending" }>;
  /** What runs did to the outside world. */
  readonly effects: EffectLog;
  /** Waitpoints and approvals of all runs. */
  readonly waitpoints: Waits;
  /** Lanes, and what is in them. */
  readonly lanes: Lanes;
  /** What runs may use together. */
  readonly budgets: Budgets;
  /** How often and how many at a time, over all runs. */
  readonly quotas: Quotas;
  /** Who works on this store. */
  readonly workers: Workers;
  /**
   * Why a run, or one of its steps, does not move, and what has a part in that: workers, the queue, budgets. Changes
   * nothing. `run_not_found`, `step_not_found`.
   */
  explain(run: string, step?: string): Promise<Explanation>;
  /** What each live worker lacks of these capabilities. */
  lacks(requires: readonly string[]): Promise<WorkerLack[]>;
  /** Makes a run's owner hand it back: see `control/tell.ts`. `run_not_found`, `lease_lost`. */
  release(run: string, options?: { expectEpoch?: number; force?: boolean }): Promise<{ epoch: number }>;
  /** The state of a run, and why it is not moving if it is not. `run_not_found`. */
  state(run: string): Promise<RunState>;
  /** The same of one of its steps. `run_not_found`, `step_not_found`. */
  stepState(run: string, step: string): Promise<StepState>;
  /** Waits until a run has ended and says which attempts ignored their abort; `undefined` if the signal aborts first. */
  ended(run: string, signal: AbortSignal): Promise<{ label: RunLabel; unsettled: string[] } | undefined>;
  /** Keeps a run, with all that it left, whatever its age. `run_not_found`. */
  pin(run: string): Promise<void>;
  /** Takes that back. `run_not_found`; `store_in_use` if this process has no worker. */
  unpin(run: string): Promise<void>;
  /** Everything that happened to a run so far, reduced, with the cursor to go on from. `run_not_found`. */
  view(run: string): Promise<RunView>;
  /** The runs that steps of a run have begun, in that order, as far as they are kept. `run_not_found`. */
  children(run: string): Promise<RunSummary[]>;
  /** Runs, newest first, at most `limit` (50); of one notebook or of all. */
  runs(filter: { notebook?: string; limit?: number }): Promise<RunSummary[]>;
  /**
   * What happened and happens to a run, from `after` (the beginning without it) to its end, without gap or repeat.
   * Ends after the group with `end`, or when `signal` aborts; with `live: false`, where the run stands now. Frames that
   * are not kept any more are gaps from the beginning on, and `frames_trimmed` from a later place.
   * `run_not_found`, `cursor_invalid`, `frames_trimmed`.
   */
  follow(
    run: string,
    options: { after?: string; signal: AbortSignal; live?: boolean },
  ): AsyncIterable<WireGroup>;
  /** The value that a view names, whole. */
  read(stored: StoredValue): Promise<Json>;
  /** The value of a cell in a run, whole. `run_not_found`, `step_not_found`, `value_not_ready`. */
  value(run: string, cell: string): Promise<Json>;
  /** The text of a version that a run has had. `version_not_found`. */
  versionText(version: string): Promise<string>;
  /** The text that a run was made from. `run_not_found`. */
  textOf(run: string): Promise<string>;
  /** Everything else that is known of a run: who owns it, its plan, its steps. `run_not_found`. */
  inspect(run: string): Promise<RunDetails>;
  /** Calls back with each run that this process submits, takes up or opens again; returns the function that ends it. */
  onRun(listener: (run: RunSummary) => void): () => void;
  /** Stops claiming, lets attempts end within `drainMs` (0), aborts the rest, closes the store. */
  close(drainMs?: number): Promise<void>;
}

/** What an engine is made of. */
export interface EngineOptions {
  store: Store;
  kinds: Kinds;
  workspace: Workspace;
  clock: Clock;
  ids: Ids;
  log: Log;
  /** The way out for what undoes effects; absent: nothing that has to be sent is undone. */
  egress?: Egress;
  /** Secrets of waitpoint tokens; without them tokens end with this process. */
  waitpointKeys?: WaitpointKeys;
  /** Folder for values over 1 MiB; without it all values live in the store. */
  artifactsFolder?: string;
  /**
   * Id of this process's worker; no two live processes may share one. Absent: this process runs nothing itself and its
   * runs wait for the worker of another.
   */
  worker?: string;
  /** How long the worker may be silent before its runs may be taken from it, in ms. Default 15,000. */
  sessionTtlMs?: number;
  /**
   * How long what runs left is kept, where their notebooks do not say: the newest 100 runs of each, and all for 30 days;
   * frames for 7. Fields that are absent have these defaults.
   */
  retention?: Partial<Retention>;
  /** Takes up only these runs and those that this process submits, and leaves all others alone. Absent: every run. */
  only?: readonly string[];
  /** What engines of one process that share a store know each other by, so that they hear of each other at once. Default: the store. */
  bell?: object;
  /** Tokens of what this process can do that others may not, such as `gpu`. */
  capabilities?: readonly string[];
  /** Lanes whose runs the worker takes up; absent: all. */
  lanes?: readonly string[];
  /** Version of the code, for whoever looks at the workers. */
  code?: string;
  /** Attempts that the worker runs at a time. Default 32; 0: it applies what runs are told and starts nothing. */
  slots?: number;
  /** Runs that the worker keeps in memory; others wait their turn. Default 1,000. */
  maxRuns?: number;
}

/** Groups that a view takes in together. */
const VIEW_GROUPS = 500;
const DEFAULT_LIMIT = 50;

/** Makes an engine and, with a `worker`, takes up the runs that its last process left. */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const { kinds, workspace, clock, ids, log } = options;
  const store = tellingFull(options.store, log);
  const artifacts = openArtifacts({ store, folder: options.artifactsFolder, clock });
  const documents = new Documents(artifacts);
  const journals = openJournals(store, artifacts);
  const feed = new Feed((run) => void announceAgain(run));
  const listeners = new Set<(run: RunSummary) => void>();
  const announce = (head: RunHead) => {
    for (const listener of listeners) listener(summaryOf(head));
  };
  /** Who follows a notebook hears that a run of it goes on after its end. */
  const announceAgain = async (run: string) => {
    const head = await readable(() => headOf(run)).catch(() => undefined);
    if (head !== undefined) announce(head);
  };
  const ports: SubmitPorts = {
    store,
    artifacts,
    documents,
    kinds,
    workspace,
    clock,
    ids,
    history,
    plans: new WeakMap(),
    defaultLane: () => worker?.defaultLane,
    remember: journals.remember,
    admit: (...run) => worker?.admit(...run),
  };
  const worker: Worker | undefined = options.worker === undefined ? undefined : new Worker({
    store,
    artifacts,
    documents,
    journals,
    kinds,
    feed,
    clock,
    ids,
    log,
    worker: options.worker,
    bell: options.bell ?? options.store,
    sessionTtlMs: options.sessionTtlMs,
    slots: options.slots,
    maxRuns: options.maxRuns,
    retention: { ...DEFAULT_RETENTION, ...options.retention },
    artifactsFolder: options.artifactsFolder,
    ...(options.egress === undefined ? {} : { egress: options.egress }),
    ...(options.only === undefined ? {} : { only: options.only }),
    ...(options.capabilities === undefined ? {} : { capabilities: options.capabilities }),
    ...(options.lanes === undefined ? {} : { lanes: options.lanes }),
    ...(options.code === undefined ? {} : { code: options.code }),
    nursery: { submit: ports, journals, expect: (run) => worker?.expect(run) },
    taken: ({ head }) => announce(head),
  });
  const closing = new AbortController();
  await worker?.start();

  async function headOf(run: string): Promise<RunHead> {
    const head = await journals.head(run);
    if (head === undefined) throw new EngineError("run_not_found", `No run has this id: ${run.slice(0, 60)}`);
    return head;
  }

  async function heads(notebook: string | undefined, limit: number): Promise<RunHead[]> {
    const prefix = notebook === undefined ? byTimePrefix : byNotebookPrefix(notebook);
    const keys: Key[] = [];
    for await (const entry of store.list(prefix, { reverse: true, limit })) {
      keys.push(runKey(lastText(entry.key)));
    }
    return await headsAt(keys);
  }

  /** Those that are there and can be read. */
  async function headsAt(keys: Key[]): Promise<RunHead[]> {
    const found: RunHead[] = [];
    for (const entry of await store.get(keys)) {
      const head = entry && await readable(() => Promise.resolve(headIn(entry)));
      if (head !== undefined) found.push(head);
    }
    return found;
  }

  /** One record that cannot be read must not hide the others. */
  async function readable<T>(read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof EngineError) || error.code === "store_unavailable") throw error;
      log.write({ level: "error", source: "engine", code: error.code, message: error.message });
    }
  }

  /** The last value of each cell. Its record names the run that has it. */
  async function history(notebook: string): Promise<History> {
    const runs = new Map<string, Promise<Run | undefined>>();
    const runOf = (id: string) => {
      const known = runs.get(id) ?? readable(async () => {
        const head = await journals.head(id);
        return head && await journals.load(head);
      });
      runs.set(id, known);
      return known;
    };
    const past: [string, PastValue][] = [];
    for await (const entry of store.list(pastPrefix(notebook))) {
      const found = await readable(() => Promise.resolve(readPast(entry)));
      const cell = lastText(entry.key);
      const value = found === undefined ? undefined : (await runOf(found.run))?.steps.get(cell)?.value;
      if (found !== undefined && value !== undefined) past.push([cell, { ...found, value }]);
    }
    return Object.fromEntries(past);
  }

  const control: ControlPorts = { store, artifacts, clock, ids, worker, headOf, load: journals.load };

  const workers = openWorkers({ store, clock, worker });

  const waitpoints = openWaits({
    store,
    artifacts,
    clock,
    keys: options.waitpointKeys ?? await openWaitpointKeys({ clock }),
    tell: (run, instruction, options) => tell(control, run, instruction, options),
  });

  async function* following(run: string, after: string | undefined, signal: AbortSignal, live: boolean) {
    const head = await headOf(run);
    // What other workers put out for a run is in the store alone.
    const owns = (id: string) => worker?.ownsWhole(id) ?? false;
    yield* follow({ journals, feed, clock, owns }, head, {
      after,
      live,
      signal: AbortSignal.any([signal, closing.signal]),
    });
  }

  return {
    async plan(request) {
      const { plan, problems, ...prepared } = await prepare(ports, request);
      const stale = staleOf(prepared, prepared.history ?? await history(request.notebook));
      return { problems, stale, ...(plan === undefined ? {} : { plan }) };
    },
    async submit(request) {
      const { run, head } = await submit(ports, request);
      if (head !== undefined) announce(head);
      worker?.expect(run);
      return { run, replayed: head === undefined };
    },
    tell: (run, instruction, options) => tell(control, run, instruction, options),
    waitpoints,
    effects: openEffectLog({
      store,
      clock,
      tell: (run, instruction, options) => tell(control, run, instruction, options),
    }),
    lanes: openLanes({ store, clock, ids, changed: () => worker?.lanesChanged() }),
    workers,
    async explain(run, step) {
      const head = await headOf(run);
      return await explainRun({ store, workers }, head, await journals.load(head), step);
    },
    lacks: (requires) => lacksOf(workers, requires),
    budgets: openBudgets({
      store,
      clock,
      ids,
      changed: async () => await worker?.limitsChanged(),
      wake: (run, step) => wake(control, run, step, "budget"),
    }),
    quotas: openQuotas({
      store,
      clock,
      ids,
      changed: async () => await worker?.limitsChanged(),
      wake: (run, step) => wake(control, run, step, "quota"),
    }),
    async fork(request) {
      const { author, key, params } = request;
      const { base, differences, ...source } = await baseOf(
        { artifacts, documents, journals, headOf },
        request,
      );
      const asked = { ...source, author, ...(key && { key }), ...(params && { params }) };
      const { run, head } = await submit(ports, asked, base);
      if (head !== undefined) announce(head);
      worker?.expect(run);
      return { run, replayed: head === undefined, differences };
    },
    checkpoints: async (run) => checkpointsOf(await journals.load(await headOf(run))),
    command: (run, command) => answerOf(control, run, command),
    release: (run, options) => release(control, run, options),
    state: async (run) => stateOf(await journals.load(await headOf(run))),
    stepState: async (run, step) => stepStateOf(await journals.load(await headOf(run)), step),
    async ended(run, signal) {
      const unsettled = new Set<string>();
      for await (const { items, end } of following(run, undefined, signal, true)) {
        for (const item of items) {
          if (item.kind !== "event") continue;
          if (item.event.type === "step.reopened") unsettled.delete(item.event.step);
          if (item.event.type === "step.cancelled" && item.event.unsettled) unsettled.add(item.event.step);
        }
        if (end) return { label: headLabel(await headOf(run)), unsettled: [...unsettled] };
      }
    },
    async pin(run) {
      await pin(store, (await headOf(run)).id);
    },
    async unpin(run) {
      await headOf(run);
      const done = worker?.unpin(run);
      if (done === undefined) {
        throw new EngineError("store_in_use", "Another process has the store; take the pin away there");
      }
      await done;
    },
    async view(run) {
      let view = emptyView(run);
      let groups: WireGroup[] = [];
      for await (const group of following(run, undefined, closing.signal, false)) {
        if (groups.push(group) < VIEW_GROUPS) continue;
        view = reduceAll(view, groups);
        groups = [];
      }
      return reduceAll(view, groups);
    },
    async runs({ notebook, limit = DEFAULT_LIMIT }) {
      const found = await heads(notebook, limit);
      const pinned = await isPinned(store, found.map(({ id }) => id));
      return found.map((head, i) => ({ ...summaryOf(head), ...(pinned[i] ? { pinned: true } : {}) }));
    },
    async children(run) {
      const ids = await childrenIn(store, (await headOf(run)).id);
      return (await headsAt(ids.map(runKey))).map(summaryOf);
    },
    follow: (run, { after, signal, live = true }) => following(run, after, signal, live),
    async inspect(run) {
      const head = await headOf(run);
      return { ...summaryOf(head), ...await detailsOf(store, await journals.load(head), head) };
    },
    read: (stored) => artifacts.get(stored),
    async value(run, cell) {
      const step = (await journals.load(await headOf(run))).steps.get(cell);
      if (step === undefined) {
        throw new EngineError("step_not_found", `Run ${run} has no cell of this name: ${cell}`);
      }
      if (step.value === undefined) {
        throw new EngineError("value_not_ready", `${cell} has no value: it is ${stepLabel(step)}`);
      }
      return await artifacts.get(step.value);
    },
    versionText: (version) => artifacts.getText(version),
    textOf: async (run) => await artifacts.getText((await headOf(run)).version),
    onRun(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close(drainMs = 0) {
      await worker?.close(drainMs);
      closing.abort();
      await store.close();
    },
  };
}

/** Why values of earlier runs no longer hold; cells without one are not among them. */
function staleOf(
  { document: { notebook, graph }, params, contents }: Pick<Prepared, "document" | "params" | "contents">,
  past: History,
): Record<string, string> {
  const { frontMatter } = notebook;
  const current = fingerprints(graph, { frontMatter, params, contents, hash: sha256 });
  const stale = staleCells(graph, current, past);
  return Object.fromEntries([...stale].filter(([cell]) => Object.hasOwn(past, cell)));
}

function summaryOf(head: RunHead): RunSummary {
  const {
    id,
    notebook,
    version,
    createdAt,
    startedAt,
    endedAt,
    startAt,
    deadline,
    priority,
    lane,
    tags,
    parent,
    origin,
  } = head;
  return {
    id,
    notebook,
    version,
    label: headLabel(head),
    createdAt,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(startAt === undefined ? {} : { startAt }),
    ...(deadline === undefined ? {} : { deadline }),
    ...(priority === undefined ? {} : { priority }),
    ...(lane === undefined ? {} : { lane }),
    ...(tags === undefined ? {} : { tags }),
    ...(parent === undefined ? {} : { parent: { run: parent.run, step: parent.step } }),
    ...(origin === undefined ? {} : { origin }),
  };
}
