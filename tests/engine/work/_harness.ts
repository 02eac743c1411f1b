/** An engine on a store of the test's choice, with kinds that the test scripts. */
import type { WaitpointKeys } from "../../../engine/access/waitpoint_keys/waitpoint_keys.ts";
import type { Workspace } from "../../../engine/access/workspace.ts";
import { type Clock, systemClock } from "../../../engine/base/clock.ts";
import { systemIds } from "../../../engine/base/ids.ts";
import type { Json } from "../../../engine/base/json.ts";
import { type Log, type LogEntry, noLog } from "../../../engine/base/log.ts";
import type { Attempt, Kind, Outcome } from "../../../engine/kinds/kind.ts";
import type { Retention } from "../../../engine/notebook/policy.ts";
import { createEngine, type Engine } from "../../../engine/mod.ts";
import { eventPrefix, inboxPrefix } from "../../../engine/store/keys.ts";
import type { Egress } from "../../../engine/sandbox/egress/egress.ts";
import type { Store } from "../../../engine/store/store.ts";
import type { RunEvent } from "../../../engine/run/event.ts";
import type { RunView } from "../../../engine/wire/view.ts";
import { readRecord } from "../../../engine/work/records.ts";
import { type ManualClock, settle } from "../../_support/manual_clock.ts";

/** A workspace without files. */
export const noFiles: Workspace = {
  root: "/nowhere",
  notebooks: () => Promise.resolve([]),
  readNotebook: () => Promise.reject(new Error("no notebooks")),
  readLayout: () => Promise.resolve({ positions: {} }),
  writeLayout: () => Promise.resolve(),
  files: () => Promise.resolve([]),
};

/** What a cell does, by its name; others return the sum of their inputs and 1. */
export type Behaviour = Record<string, (attempt: Attempt) => Promise<Outcome> | Outcome>;

/** A `ts` kind that runs no code: it does what the test says for the cell, and notes each call. */
export class ScriptedKind implements Kind {
  readonly name = "ts";
  readonly title = "Scripted";
  readonly description = "Does what a test says";
  readonly attempts = 1;
  readonly calls: string[] = [];

  constructor(private readonly behaviour: Behaviour = {}) {}

  async run(attempt: Attempt): Promise<Outcome> {
    this.calls.push(`${attempt.cell.name}#${attempt.attempt}`);
    const act = this.behaviour[attempt.cell.name];
    if (act !== undefined) return await act(attempt);
    const numbers = Object.values(attempt.inputs).map(Number);
    return { type: "succeeded", value: numbers.reduce((a, b) => a + b, 1) };
  }
}

/** A `jsonata` kind that knows no expressions but names, for the headers of scripted cells. */
const NAMES: Kind = {
  name: "jsonata",
  title: "Names",
  description: "Gives the input of a name",
  attempts: 1,
  run: ({ cell, inputs }) =>
    Promise.resolve({ type: "succeeded", value: inputs[cell.source.trim()] ?? null }),
};

/** How a test's engine differs from others. */
export interface EngineTraits {
  /** Null: one that runs nothing itself. */
  worker?: string | null;
  clock?: Clock;
  log?: Log;
  artifactsFolder?: string;
  sessionTtlMs?: number;
  slots?: number;
  maxRuns?: number;
  only?: readonly string[];
  bell?: object;
  capabilities?: readonly string[];
  lanes?: readonly string[];
  retention?: Partial<Retention>;
  /** Kinds besides. */
  kinds?: readonly Kind[];
  workspace?: Workspace;
  waitpointKeys?: WaitpointKeys;
  egress?: Egress;
}

/** An engine whose `ts` cells are scripted. */
export function engineOf(
  store: Store,
  kind: ScriptedKind,
  { worker = "w1", clock = systemClock, log = noLog, kinds: others = [], workspace = noFiles, ...rest }:
    EngineTraits = {},
): Promise<Engine> {
  const kinds = new Map<string, Kind>([["ts", kind], ["jsonata", NAMES]]);
  for (const other of others) kinds.set(other.name, other);
  const ports = { store, kinds, workspace, clock, ids: systemIds(clock), log, ...rest };
  return createEngine(worker === null ? ports : { ...ports, worker });
}

/** A log that keeps its entries. */
export class KeptLog implements Log {
  readonly entries: Omit<LogEntry, "at">[] = [];
  #wake = () => {};

  write(entry: Omit<LogEntry, "at">): void {
    this.entries.push(entry);
    this.#wake();
  }

  /** Resolves once there is an entry of this code. */
  async has(code: string): Promise<void> {
    while (!this.entries.some((entry) => entry.code === code)) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }
}

/** A notebook of `ts` cells: name and what it reads. */
export function notebookOf(cells: Record<string, string[]>, header: Record<string, string> = {}): string {
  return Object.entries(cells).map(([name, reads]) => {
    const head = header[name] === undefined ? "" : `${header[name]}\n---\n`;
    return "```ts " + name + "\n" + head + `return [${reads.join(", ")}];\n` + "```\n";
  }).join("\n");
}

/** Waits for the end of a run and returns what a page then knows. */
export async function ended(engine: Engine, run: string): Promise<RunView> {
  for await (const group of engine.follow(run, { signal: AbortSignal.timeout(30_000) })) if (group.end) break;
  return await engine.view(run);
}

/** Values of the cells of a run, by name. */
export function valuesOf(view: RunView): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(view.cells).map((
      [name, { value }],
    ) => [name, value !== undefined && "inline" in value ? value.inline : value]),
  );
}

/** A promise with its handles. */
export function gate(): { open: () => void; opened: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { open: resolve, opened: promise };
}

/** A store with some of its methods replaced. */
export function withMethods(store: Store, methods: Partial<Store>): Store {
  return new Proxy(store, {
    get(target, name) {
      const own = methods[name as keyof Store] ?? target[name as keyof Store];
      return typeof own === "function" ? own.bind(target) : own;
    },
  });
}

/** A store that outlives the engine that closes it. */
export const kept = (store: Store): Store => withMethods(store, { close: () => Promise.resolve() });

/** What an attempt does that ends only when it is aborted. */
export function untilAborted({ signal }: Attempt): Promise<Outcome> {
  return new Promise((resolve) => {
    const end = () => resolve({ type: "cancelled" });
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  });
}

/** Reads a run until an event of this type has happened, of the cell if one is named. */
export async function happened(engine: Engine, run: string, type: string, step?: string): Promise<void> {
  for await (const { items } of engine.follow(run, { signal: AbortSignal.timeout(10_000) })) {
    for (const item of items) {
      if (item.kind !== "event" || item.event.type !== type) continue;
      if (step === undefined || "step" in item.event && item.event.step === step) return;
    }
  }
  throw new Error(`${type} never happened`);
}

/** The journal of a run as the store has it. */
export async function journalOf(store: Store, run: string): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const entry of store.list(eventPrefix(run))) events.push(...readRecord(entry).events);
  return events;
}

/** Lets time pass, in steps of `stepMs` with real events between them, until `until` settles. */
export async function pass<T>(clock: ManualClock, until: Promise<T>, stepMs = 100): Promise<T> {
  let over = false;
  const done = until.finally(() => over = true);
  done.catch(() => {});
  for (let left = 5_000; !over; left--) {
    if (left === 0) throw new Error(`Not there after ${5_000 * stepMs} ms`);
    await clock.advance(stepMs);
    await turn();
  }
  return await done;
}

/** The promise, unless it takes more than five seconds. */
export async function soon<T>(promise: Promise<T>): Promise<T> {
  const over = new AbortController();
  const late = systemClock.sleep(5_000, over.signal).then(() => {
    if (!over.signal.aborted) throw new Error("Not there after 5 s");
  });
  try {
    return await Promise.race([promise, late]) as T;
  } finally {
    over.abort();
  }
}

/** Lets the event loop go round once. */
export async function turn(): Promise<void> {
  await settle();
  await new Promise<void>((resolve) => setTimeout(resolve));
}

/** `depth` arrays inside each other. */
export function nested(depth: number, inner: Json = 1): Json {
  let value = inner;
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

/** Waits until every posted command has been taken out of the inbox. */
export async function inboxEmptied(store: Store): Promise<void> {
  const until = performance.now() + 5_000;
  while ((await Array.fromAsync(store.list(inboxPrefix()))).length > 0) {
    if (performance.now() > until) throw new Error("A posted command is still there after 5 s");
    await turn();
  }
}
