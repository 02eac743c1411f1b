/** Runs of notebooks with scripted `ts` cells and expressions that are really evaluated. */
import { systemClock } from "../../../../engine/base/clock.ts";
import { systemIds } from "../../../../engine/base/ids.ts";
import { noLog } from "../../../../engine/base/log.ts";
import { jsonataKind } from "../../../../engine/kinds/jsonata.ts";
import type { Kind } from "../../../../engine/kinds/kind.ts";
import { createEngine, type Engine } from "../../../../engine/mod.ts";
import { createEvaluator } from "../../../../engine/sandbox/evaluator.ts";
import type { WireGroup } from "../../../../engine/wire/frame.ts";
import { memoryStore } from "../../../../engine/store/memory.ts";
import {
  type Behaviour,
  ended,
  journalOf,
  kept,
  noFiles,
  notebookOf,
  ScriptedKind,
  valuesOf,
} from "../_harness.ts";

/** What is done with the engine before it closes, with what a watcher saw. */
type Also<T> = (engine: Engine, run: string, seen: WireGroup[]) => Promise<T>;

/** Runs a notebook to its end. */
export async function run<T = undefined>(
  cells: Record<string, string[]>,
  header: Record<string, string>,
  behaviour: Behaviour = {},
  { errors, also }: { errors?: "continue"; also?: Also<T> } = {},
) {
  const evaluator = createEvaluator({ clock: systemClock, log: noLog });
  const store = memoryStore();
  const ts = new ScriptedKind(behaviour);
  const engine = await createEngine({
    store: kept(store),
    kinds: new Map<string, Kind>([["ts", ts], ["jsonata", jsonataKind({ evaluator })]]),
    workspace: noFiles,
    clock: systemClock,
    ids: systemIds(systemClock),
    log: noLog,
    worker: "w1",
  });
  try {
    const overrides = errors === undefined ? {} : { overrides: { errors } };
    const text = notebookOf(cells, header);
    const { run } = await engine.submit({ notebook: "n", text, author: "t", ...overrides });
    const seen = Array.fromAsync(engine.follow(run, { signal: AbortSignal.timeout(20_000) }));
    const view = await ended(engine, run);
    const more = await also?.(engine, run, await seen);
    await seen;
    return { view, calls: ts.calls, values: valuesOf(view), journal: await journalOf(store, run), more };
  } finally {
    await engine.close();
    await evaluator.close();
  }
}
