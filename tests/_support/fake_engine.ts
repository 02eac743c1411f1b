/**
 * An engine without an engine: a test says what a run's watchers hear, group by group. Keeps the contract of `follow`:
 * without gap or repeat from any cursor, to the end.
 */
import { EngineError } from "../../engine/base/errors.ts";
import type { Json, JsonObject } from "../../engine/base/json.ts";
import { buildGraph } from "../../engine/graph/graph.ts";
import { runOrder } from "../../engine/graph/order.ts";
import type {
  Engine,
  Instruction,
  RunRequest,
  RunState,
  RunSummary,
  TellOptions,
  Told,
  Wait,
} from "../../engine/mod.ts";
import { nothing } from "../../engine/run/spend/amounts.ts";
import { parse } from "../../engine/notebook/parse.ts";
import { versionOf } from "../../engine/notebook/version.ts";
import type { Plan, StoredValue } from "../../engine/plan/types.ts";
import type { WireGroup } from "../../engine/wire/frame.ts";
import type { RunView } from "../../engine/wire/view.ts";
import { FakeRun, hashOf } from "./fake_run.ts";

export { FakeRun };

/** See the module comment. `story` is told at each submit; what it throws is thrown by `settled`. */
export class FakeEngine implements Engine {
  readonly all: FakeRun[] = [];
  readonly #listeners = new Set<(run: RunSummary) => void>();
  /** Watchers at this moment. */
  following = 0;
  #told: Promise<void>[] = [];

  constructor(
    public story: (run: FakeRun, request: RunRequest) => Promise<void> | void = () => {},
    readonly now: () => number = Date.now,
  ) {}

  plan({ notebook, text, cells }: Omit<RunRequest, "author">): ReturnType<Engine["plan"]> {
    const parsed = parse(text);
    const { graph, problems: more } = buildGraph(parsed.notebook);
    const problems = [...parsed.problems, ...more];
    if (problems.some(({ severity }) => severity === "error")) {
      return Promise.resolve({ problems, stale: {} });
    }
    const version = versionOf(text);
    const past = this.all.filter(({ request }) => request.notebook === notebook);
    const stale: Record<string, string> = {};
    for (const run of past) {
      for (const cell of run.values.keys()) {
        if (run.summary().version === version) delete stale[cell];
        else stale[cell] = "code edited";
      }
    }
    const steps = runOrder(graph).order.filter((name) => cells === undefined || cells.includes(name))
      .map((cell) => ({ cell, action: "run", why: stale[cell] ?? "not run yet" }));
    const plan = { version, steps, concurrency: 4 } as unknown as Plan;
    return Promise.resolve({ plan, problems, stale });
  }

  async submit(request: RunRequest): Promise<{ run: string; replayed: boolean }> {
    const { plan, problems } = await this.plan(request);
    if (plan === undefined) throw new EngineError("notebook_invalid", problems[0]!.message, { problems });
    const id = `run_${String(this.all.length + 1).padStart(4, "0")}`;
    const run = new FakeRun(id, request, plan.steps.map(({ cell }) => cell), this.now);
    this.all.push(run);
    this.announce(run);
    this.#told.push(Promise.resolve(this.story(run, request)));
    return { run: id, replayed: false };
  }

  /** When every story told so far has ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#told);
  }

  #run(id: string): FakeRun {
    const run = this.all.find((run) => run.id === id);
    if (run === undefined) throw new EngineError("run_not_found", `No run has this id: ${id}`);
    return run;
  }

  /** What runs were told, in order. */
  readonly instructions: Instruction[] = [];
  /** Whether what they are told is applied in time. */
  answers: "applied" | "pending" = "applied";
  readonly #keys = new Map<string, Told>();

  /** Tells those who listen of a run. */
  announce(run: FakeRun): void {
    for (const listener of this.#listeners) listener(run.summary());
  }

  // deno-lint-ignore require-await -- what it throws must be a rejection, as the contract's is
  async tell(id: string, instruction: Instruction, { key }: TellOptions = {}): Promise<Told> {
    const run = this.#run(id);
    const known = key === undefined ? undefined : this.#keys.get(key);
    if (known !== undefined) return { ...known, replayed: true };
    run.take(instruction);
    this.instructions.push(instruction);
    if (instruction.type === "restartRun" || instruction.type === "retryStep") this.announce(run);
    const told = { command: `cmd_${this.instructions.length}`, state: this.answers } as const;
    if (key !== undefined) this.#keys.set(key, told);
    return told;
  }

  // deno-lint-ignore require-await -- what it throws must be a rejection, as the contract's is
  async command(_: string, command: string): ReturnType<Engine["command"]> {
    if (!/^cmd_\d+$/.test(command)) throw new EngineError("command_not_found", "No such command");
    return { state: "applied", at: this.now() };
  }

  pin(): Promise<void> {
    return Promise.resolve();
  }

  unpin(): Promise<void> {
    return Promise.resolve();
  }

  release(): Promise<{ epoch: number }> {
    return Promise.resolve({ epoch: 1 });
  }

  // deno-lint-ignore require-await -- what it throws must be a rejection, as the contract's is
  async state(id: string): ReturnType<Engine["state"]> {
    return this.#stateOf(this.#run(id));
  }

  #stateOf(run: FakeRun): RunState {
    const { label, endedAt, steps } = run;
    const cells = Object.values(run.view().cells);
    const byLabel: RunState["byLabel"] = {};
    for (const { label } of cells) byLabel[label] = (byLabel[label] ?? 0) + 1;
    const vector = {
      phase: endedAt === undefined ? "active" : "ended",
      intent: "go",
      outcome: "none",
    } as const;
    const wait = this.waits === undefined ? {} : { wait: this.waits };
    return { label, vector, seq: 1, steps: steps.length, byLabel, ...wait };
  }

  /** Tests of lanes and workers use an engine, as those of waitpoints do. */
  get effects(): never {
    throw new Error("The fake has no effects");
  }

  get lanes(): never {
    throw new Error("The fake has no lanes");
  }
  get workers(): never {
    throw new Error("The fake has no workers");
  }

  /** Tests of budgets use an engine. */
  get budgets(): never {
    throw new Error("The fake has no budgets");
  }

  /** Tests of quotas use an engine. */
  get quotas(): never {
    throw new Error("The fake has no quotas");
  }

  /** Tests of checkpoints use an engine. */
  checkpoints(): never {
    throw new Error("The fake has no checkpoints");
  }
  versionText(): never {
    throw new Error("The fake has no versions");
  }
  fork(): never {
    throw new Error("The fake has no forks");
  }

  /** Tests of waitpoints use an engine. */
  get waitpoints(): never {
    throw new Error("The fake has no waitpoints");
  }

  /** Why runs do not move. */
  waits: Wait | undefined;

  // deno-lint-ignore require-await -- what it throws must be a rejection, as the contract's is
  async inspect(id: string): ReturnType<Engine["inspect"]> {
    const run = this.#run(id);
    const { cells } = run.view();
    const plan = {
      version: run.summary().version,
      concurrency: 4,
      steps: run.steps.map((cell) => ({ cell, kind: "ts", needs: [], action: "run", why: "not run yet" })),
    } as unknown as Plan;
    const steps = Object.fromEntries(
      run.steps.map((name) => [name, { label: cells[name]!.label, attempt: cells[name]!.attempt }]),
    );
    const { priority, tags, deadline, author } = run.request;
    const said = {
      ...priority === undefined ? {} : { priority },
      ...tags === undefined ? {} : { tags },
      ...deadline === undefined ? {} : { deadline },
    };
    const state = this.#stateOf(run);
    return {
      ...run.summary(),
      ...said,
      author,
      state,
      restarts: 0,
      plan,
      steps,
      lease: { worker: "w1", epoch: 1 },
      usage: { run: { settled: nothing(), reserved: {} }, steps: {} },
    };
  }

  async explain(id: string, step?: string): ReturnType<Engine["explain"]> {
    const { label, wait } = step === undefined ? await this.state(id) : await this.stepState(id, step);
    const why = wait === undefined ? {} : { wait, sentence: `${wait.what}. ${wait.next}.` };
    return { label, ...why, rank: 0, lane: "default", requires: [], workers: [] };
  }

  lacks(): ReturnType<Engine["lacks"]> {
    return Promise.resolve([]);
  }

  // deno-lint-ignore require-await -- what it throws must be a rejection, as the contract's is
  async stepState(id: string, step: string): ReturnType<Engine["stepState"]> {
    const cell = this.#run(id).view().cells[step];
    if (cell === undefined) throw new EngineError("step_not_found", `The run has no such cell: ${step}`);
    return { label: cell.label, attempt: cell.attempt };
  }

  async ended(id: string, signal: AbortSignal): ReturnType<Engine["ended"]> {
    for await (const { end } of this.follow(id, { signal })) {
      if (end) return { label: this.#run(id).label, unsettled: [] };
    }
  }

  // deno-lint-ignore require-await -- what it throws must be a rejection, as the contract's is
  async view(id: string): Promise<RunView> {
    return this.#run(id).view();
  }

  children(id: string): Promise<RunSummary[]> {
    return Promise.resolve(
      this.all.map((run) => run.summary()).filter(({ parent }) => parent?.run === id),
    );
  }

  runs({ notebook, limit = 50 }: { notebook?: string; limit?: number }): Promise<RunSummary[]> {
    const found = this.all.map((run) => run.summary()).filter((run) =>
      notebook === undefined || run.notebook === notebook
    );
    return Promise.resolve(found.reverse().slice(0, limit));
  }

  async *follow(
    id: string,
    { after, signal, live = true }: { after?: string; signal: AbortSignal; live?: boolean },
  ): AsyncIterable<WireGroup> {
    const run = this.#run(id);
    let at = after === undefined ? 0 : Number(/^c(\d+)$/.exec(after)?.[1] ?? NaN);
    if (!(at >= 0 && at <= run.groups.length)) throw new EngineError("cursor_invalid", "No such cursor");
    this.following++;
    try {
      while (!signal.aborted) {
        const group = run.groups[at];
        if (group === undefined) {
          if (run.groups.at(-1)?.end || !live) return;
          await run.more(at, signal);
        } else {
          at++;
          // A run may have gone on after its end: only the last group ends it.
          const last = at === run.groups.length;
          yield last ? group : { cursor: group.cursor, items: group.items };
          if (last && group.end) return;
        }
      }
    } finally {
      this.following--;
    }
  }

  // deno-lint-ignore require-await -- what it throws must be a rejection, as the contract's is
  async value(id: string, cell: string): Promise<Json> {
    const run = this.#run(id);
    if (!run.steps.includes(cell)) {
      throw new EngineError("step_not_found", `The run has no such cell: ${cell}`);
    }
    const value = run.values.get(cell);
    if (value === undefined) throw new EngineError("value_not_ready", `The cell has no value yet: ${cell}`);
    return value;
  }

  // deno-lint-ignore require-await -- what it throws must be a rejection, as the contract's is
  async textOf(id: string): Promise<string> {
    return this.#run(id).request.text;
  }

  read(stored: StoredValue): Promise<Json> {
    if ("inline" in stored) return Promise.resolve(stored.inline);
    const found = this.all.flatMap((run) => [...run.values.values()]).find((value) =>
      hashOf(value) === stored.sha256
    );
    if (found === undefined) return Promise.reject(new EngineError("store_corrupt", "No run has this value"));
    return Promise.resolve(found);
  }

  onRun(listener: (run: RunSummary) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Params of the newest request. */
  get lastParams(): JsonObject | undefined {
    return this.all.at(-1)?.request.params;
  }
}
