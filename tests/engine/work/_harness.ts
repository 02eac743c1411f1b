/** An engine on a store of the test's choice, with kinds that the test scripts. */
import type { Workspace } from "../../../engine/access/workspace.ts";
import { type Clock, systemClock } from "../../../engine/base/clock.ts";
import { systemIds } from "../../../engine/base/ids.ts";
import { noLog } from "../../../engine/base/log.ts";
import type { Attempt, Kind, Outcome } from "../../../engine/kinds/kind.ts";
import { createEngine, type Engine } from "../../../engine/mod.ts";
import type { Store } from "../../../engine/store/store.ts";
import type { RunView } from "../../../engine/wire/view.ts";

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

/** An engine whose `ts` cells are scripted. */
export function engineOf(
  store: Store,
  kind: ScriptedKind,
  { worker = "w1", clock = systemClock }: { worker?: string | null; clock?: Clock } = {},
): Promise<Engine> {
  const kinds = new Map<string, Kind>([["ts", kind]]);
  const ports = { store, kinds, workspace: noFiles, clock, ids: systemIds(clock), log: noLog };
  return createEngine(worker === null ? ports : { ...ports, worker });
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
