/**
 * An engine without an engine: a test says what a run's watchers hear, group by group. Keeps the contract of `follow`:
 * without gap or repeat from any cursor, to the end.
 */
import { EngineError } from "../../engine/base/errors.ts";
import { sha256 } from "../../engine/base/hash.ts";
import { canonicalJson, type Json, type JsonObject } from "../../engine/base/json.ts";
import { buildGraph } from "../../engine/graph/graph.ts";
import { runOrder } from "../../engine/graph/order.ts";
import type { Engine, Instruction, RunRequest, RunSummary, Told } from "../../engine/mod.ts";
import { parse } from "../../engine/notebook/parse.ts";
import { versionOf } from "../../engine/notebook/version.ts";
import type { Plan, StoredValue } from "../../engine/plan/types.ts";
import type { FrameBody, WireEvent, WireGroup } from "../../engine/wire/frame.ts";
import { emptyView, reduceAll } from "../../engine/wire/reduce.ts";
import type { RunLabel, RunView } from "../../engine/wire/view.ts";

type Item = WireGroup["items"][number];
type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
/** An event without its place and without what says how frames ended. */
export type EventBody = Without<WireEvent, "seq" | "at" | "n" | "marker">;

/** A run that a test tells the story of. */
export class FakeRun {
  readonly groups: WireGroup[] = [];
  readonly values = new Map<string, Json>();
  readonly #attempts = new Map<string, { attempt: number; seq: number }>();
  #wake = Promise.withResolvers<void>();
  #seq = 0;
  label: RunLabel = "queued";
  startedAt?: number;
  endedAt?: number;
  /** Set by `Engine.stop` and `Engine.cancel`; the story decides what comes of it. */
  readonly asked = Promise.withResolvers<"stop" | "cancel">();

  constructor(
    readonly id: string,
    readonly request: RunRequest,
    readonly steps: string[],
    readonly now: () => number,
    readonly createdAt = now(),
  ) {
    const { notebook, author } = request;
    const version = versionOf(request.text);
    this.tell({ type: "run.queued", run: id, notebook, version, author, label: "queued", steps });
  }

  /** One group of events, under one journal record. */
  tell(...bodies: EventBody[]): void {
    const seq = ++this.#seq;
    for (const body of bodies) {
      if ("step" in body) continue;
      this.label = body.label;
      if (body.type === "run.started") this.startedAt = this.now();
      if (body.type === "run.ended") this.endedAt = this.now();
    }
    const ended = bodies.some(({ type }) => type === "run.ended");
    this.#push(
      bodies.map((body, n) => ({ kind: "event", event: { ...body, seq, n, at: this.now() } as WireEvent })),
      ended,
    );
  }

  start(step: string): void {
    const attempt = (this.#attempts.get(step)?.attempt ?? 0) + 1;
    this.#attempts.set(step, { attempt, seq: 0 });
    if (this.label === "queued") this.tell({ type: "run.started", label: "running" });
    const reason = attempt > 1 ? "retry" : "first";
    this.tell({ type: "step.started", step, label: "running", attempt, reason });
  }

  frame(step: string, body: FrameBody): void {
    const place = this.#attempts.get(step)!;
    const frame = { ...body, step, attempt: place.attempt, seq: ++place.seq, at: this.now() };
    this.#push([{ kind: "frame", frame }], false);
  }

  text(step: string, text: string): void {
    this.frame(step, { type: "text", text });
  }

  succeed(
    step: string,
    value: Json,
    more: Partial<Extract<EventBody, { type: "step.succeeded" }>> = {},
  ): void {
    const { attempt } = this.#attempts.get(step)!;
    this.values.set(step, value);
    const bytes = JSON.stringify(value).length;
    const stored = bytes > 8192 ? { sha256: hashOf(value), bytes } : { inline: value };
    this.tell({ type: "step.succeeded", step, label: "succeeded", attempt, value: stored, ...more });
  }

  fail(step: string, message: string): void {
    const { attempt } = this.#attempts.get(step)!;
    const problem = { category: "code_error", message } as const;
    this.tell({ type: "step.failed", step, label: "failed", attempt, problem });
  }

  end(label: Extract<WireEvent, { type: "run.ended" }>["label"]): void {
    this.tell({ type: "run.ended", label });
  }

  /** Resolves when something is added after `count` groups. */
  async more(count: number, signal: AbortSignal): Promise<void> {
    if (this.groups.length > count || signal.aborted) return;
    const aborted = Promise.withResolvers<void>();
    const wake = () => aborted.resolve();
    signal.addEventListener("abort", wake, { once: true });
    await Promise.race([this.#wake.promise, aborted.promise]);
    signal.removeEventListener("abort", wake);
  }

  view(): RunView {
    return reduceAll(emptyView(this.id), this.groups);
  }

  summary(): RunSummary {
    const { id, label, createdAt, startedAt, endedAt, request } = this;
    const { notebook, text } = request;
    return { id, notebook, version: versionOf(text), label, createdAt, startedAt, endedAt };
  }

  #push(items: Item[], end: boolean): void {
    const cursor = `c${this.groups.length + 1}`;
    this.groups.push(end ? { cursor, items, end } : { cursor, items });
    const wake = this.#wake;
    this.#wake = Promise.withResolvers<void>();
    wake.resolve();
  }
}

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
    for (const listener of this.#listeners) listener(run.summary());
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

  // deno-lint-ignore require-await -- what it throws must be a rejection, as the contract's is
  async tell(id: string, instruction: Instruction): Promise<Told> {
    const run = this.#run(id);
    if (run.endedAt !== undefined && instruction.type !== "restartRun") {
      throw new EngineError("run_ended", `The run has ended: ${id}`);
    }
    this.instructions.push(instruction);
    switch (instruction.type) {
      case "pauseRun":
        run.tell({ type: "run.paused", label: "paused" });
        break;
      case "resumeRun":
        run.tell({ type: "run.resumed", label: "running" });
        break;
      case "stopRun":
        run.tell({ type: "run.stopping", label: "stopping" });
        run.asked.resolve("stop");
        break;
      case "cancelRun":
        run.tell({ type: "run.cancelling", label: "cancelling" });
        run.asked.resolve("cancel");
        break;
    }
    return { command: `cmd_${this.instructions.length}`, state: "applied" };
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
    const { label, endedAt, steps } = this.#run(id);
    const vector = {
      phase: endedAt === undefined ? "active" : "ended",
      intent: "go",
      outcome: "none",
    } as const;
    return { label, vector, seq: 1, steps: steps.length, byLabel: {} };
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

  runs({ notebook, limit = 50 }: { notebook?: string; limit?: number }): Promise<RunSummary[]> {
    const found = this.all.map((run) => run.summary()).filter((run) =>
      notebook === undefined || run.notebook === notebook
    );
    return Promise.resolve(found.reverse().slice(0, limit));
  }

  async *follow(
    id: string,
    { after, signal }: { after?: string; signal: AbortSignal },
  ): AsyncIterable<WireGroup> {
    const run = this.#run(id);
    let at = after === undefined ? 0 : Number(/^c(\d+)$/.exec(after)?.[1] ?? NaN);
    if (!(at >= 0 && at <= run.groups.length)) throw new EngineError("cursor_invalid", "No such cursor");
    this.following++;
    try {
      while (!signal.aborted) {
        const group = run.groups[at];
        if (group === undefined) {
          if (run.groups.at(-1)?.end) return;
          await run.more(at, signal);
        } else {
          at++;
          yield group;
          if (group.end) return;
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

function hashOf(value: Json): string {
  return sha256(canonicalJson(value));
}
