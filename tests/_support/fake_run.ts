/**
 * A run that a test tells the story of, and what it does when it is told something. Keeps the shape of the real wire.
 */
import { EngineError } from "../../engine/base/errors.ts";
import { sha256 } from "../../engine/base/hash.ts";
import { canonicalJson, type Json } from "../../engine/base/json.ts";
import type { Instruction, RunRequest, RunSummary } from "../../engine/mod.ts";
import { versionOf } from "../../engine/notebook/version.ts";
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

  /** The attempt failed and another follows at `due`. */
  retry(step: string, message: string, due: number): void {
    const { attempt } = this.#attempts.get(step)!;
    const problem = { category: "network", message } as const;
    this.tell({ type: "step.retried", step, label: "retrying", attempt, due, problem });
  }

  /** Follows the tables of the engine as far as a page can tell. Codes: `run_ended`, `run_busy`, `step_not_found`, `step_ended`, `attempt_open`. */
  take(instruction: Instruction): void {
    if ("step" in instruction) return this.#takeStep(instruction);
    const over = this.endedAt !== undefined;
    if (over && instruction.type !== "restartRun" && instruction.type !== "changeRun") {
      throw new EngineError("run_ended", `Run ${this.id} has ended`);
    }
    switch (instruction.type) {
      case "pauseRun":
        return this.tell({ type: "run.paused", label: "paused" });
      case "resumeRun":
        return this.tell({ type: "run.resumed", label: "running" });
      case "stopRun":
        this.tell({ type: "run.stopping", label: "stopping" });
        return this.asked.resolve("stop");
      case "cancelRun":
        this.tell({ type: "run.cancelling", label: "cancelling" });
        return this.asked.resolve("cancel");
      case "changeRun":
        return this.tell({ type: "run.changed", label: this.label });
      case "restartRun": {
        if (!over) throw new EngineError("run_busy", `Run ${this.id} has not ended; stop or cancel it first`);
        const { cells } = this.view();
        return this.#reopen(
          instruction.from ?? this.steps.filter((step) => !this.values.has(step) || cells[step]?.problem),
        );
      }
    }
  }

  #takeStep(instruction: Extract<Instruction, { step: string }>): void {
    const { step } = instruction;
    const { cells } = this.view();
    if (!this.steps.includes(step)) {
      throw new EngineError("step_not_found", `Run ${this.id} has no step ${step}`);
    }
    const { label, attempt } = cells[step]!;
    const open = label === "running";
    const ended = cells[step]!.endedAt !== undefined && label !== "retrying";
    if (instruction.type === "retryStep") {
      if (open) throw new EngineError("attempt_open", `Step ${step} has an open attempt`);
      if (ended) return this.#reopen([step]);
      return this.tell({ type: "step.queued", step, label: "queued" });
    }
    if (this.endedAt !== undefined) throw new EngineError("run_ended", `Run ${this.id} has ended`);
    if (ended) throw new EngineError("step_ended", `Step ${step} has ended`);
    if (instruction.type === "supplyValue") {
      if (open) throw new EngineError("attempt_open", `Step ${step} has an open attempt`);
      this.values.set(step, instruction.value);
      return this.tell({
        type: "step.supplied",
        step,
        label: "supplied",
        value: { inline: instruction.value },
      });
    }
    const as = instruction.type === "skipStep" ? "skipped" : "cancelled";
    if (open) return this.tell({ type: "step.stopping", step, label: "running", attempt, as });
    this.tell({ type: "step.cancelled", step, label: as, attempt, reason: "asked" });
  }

  #reopen(steps: string[]): void {
    this.endedAt = undefined;
    const { cells } = this.view();
    this.tell(
      { type: "run.reopened", label: "running" },
      ...steps.map((step) =>
        ({ type: "step.reopened", step, label: "queued", attempt: cells[step]!.attempt }) as const
      ),
    );
    for (const step of steps) this.values.delete(step);
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

  /** The step that began it. */
  parent?: { run: string; step: string };

  summary(): RunSummary {
    const { id, label, createdAt, startedAt, endedAt, request, parent } = this;
    const { notebook, text } = request;
    return {
      id,
      notebook,
      version: versionOf(text),
      label,
      createdAt,
      startedAt,
      endedAt,
      ...parent && { parent },
    };
  }

  #push(items: Item[], end: boolean): void {
    const cursor = `c${this.groups.length + 1}`;
    this.groups.push(end ? { cursor, items, end } : { cursor, items });
    const wake = this.#wake;
    this.#wake = Promise.withResolvers<void>();
    wake.resolve();
  }
}

/** How a value is named that does not stand in its event. */
export function hashOf(value: Json): string {
  return sha256(canonicalJson(value));
}
