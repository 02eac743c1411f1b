/**
 * Shapes of runs for the engine's benchmarks, and an engine of no-op cells on a file. Owns: both, and when a run is over.
 */
import process from "node:process";
import { systemClock } from "../../engine/base/clock.ts";
import { systemIds } from "../../engine/base/ids.ts";
import { noLog } from "../../engine/base/log.ts";
import type { Json } from "../../engine/base/json.ts";
import type { Kind } from "../../engine/kinds/kind.ts";
import { createEngine, type Engine, openStore } from "../../engine/mod.ts";
import type { RunWrite } from "./baselines.ts";
import type { CommitResult, Store } from "../../engine/store/store.ts";

/** An engine on a file of its own. */
export interface Bench {
  engine: Engine;
  store: CountedStore;
  /** A database beside the engine's, for baselines. */
  kv: Deno.Kv;
  /** Each call of a cell since the list was last emptied. */
  starts: Start[];
  close(): Promise<void>;
}

/** A cell began: its inputs are bound, its start is durable. */
export interface Start {
  run: string;
  cell: string;
  /** As `performance.now()`. */
  at: number;
}

/** How to open one. */
export interface BenchOptions {
  /** What a cell returns at once. Default 1. */
  value?: Json;
  /** What a cell does instead. */
  run?: Kind["run"];
}

/** Opens an engine of `ts` cells that do next to nothing, with default settings. */
export async function openBench({ value = 1, run }: BenchOptions = {}): Promise<Bench> {
  const folder = await Deno.makeTempDir({ prefix: "weft-bench-" });
  const { store, release } = await openStore(`${folder}/weft.db`);
  const counted = new CountedStore(store);
  const starts: Start[] = [];
  const engine = await engineOn(counted.store, folder, (attempt) => {
    starts.push({ run: attempt.run, cell: attempt.cell.name!, at: performance.now() });
    return run?.(attempt) ?? Promise.resolve({ type: "succeeded", value });
  });
  const kv = await Deno.openKv(`${folder}/raw.db`);
  return {
    engine,
    store: counted,
    kv,
    starts,
    async close() {
      kv.close();
      await engine.close();
      await release();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** An engine whose only kind does `run`. */
export function engineOn(
  store: Store,
  folder: string,
  run: Kind["run"],
  options: { worker?: string; sessionTtlMs?: number } = { worker: "bench" },
): Promise<Engine> {
  const kind: Kind = { name: "ts", title: "No-op", description: "Returns at once", attempts: 1, run };
  return createEngine({
    store,
    kinds: new Map([["ts", kind]]),
    workspace: {
      root: folder,
      notebooks: () => Promise.resolve([]),
      readNotebook: () => Promise.reject(new Error("none")),
      readLayout: () => Promise.resolve({ positions: {} }),
      writeLayout: () => Promise.resolve(),
      files: () => Promise.resolve([]),
    },
    clock: systemClock,
    ids: systemIds(systemClock),
    log: noLog,
    ...options,
  });
}

/**
 * A store that counts what is written and knows which runs are over: the commit that ends a run drops its lease, so
 * that nobody needs to follow it. Watching a run has a benchmark of its own, B4.
 */
export class CountedStore {
  /** Atomic operations so far, those of submitting included. */
  commits = 0;
  /** Gets every commit, if it is set. */
  recorded?: RunWrite[];
  readonly store: Store;
  readonly #ended = new Set<string>();
  readonly #waiting = new Map<string, () => void>();

  constructor(store: Store) {
    this.store = {
      limits: store.limits,
      openSession: (...args) => store.openSession(...args),
      renew: (session) => store.renew(session),
      closeSession: (session) => store.closeSession(session),
      commit: async (session, checks, puts, deletes): Promise<CommitResult> => {
        this.commits++;
        this.recorded?.push({ puts, deletes });
        const result = await store.commit(session, checks, puts, deletes);
        if (result === "ok") {
          for (const [kind, run] of deletes) if (kind === "lease") this.#end(run as string);
        }
        return result;
      },
      submit: (...args) => {
        this.commits++;
        return store.submit(...args);
      },
      post: (...args) => store.post(...args),
      get: (keys) => store.get(keys),
      list: (...args) => store.list(...args),
      close: () => store.close(),
    };
  }

  /** Resolves when the end of a run is durable; to be asked once. */
  ended(run: string): Promise<void> {
    if (this.#ended.delete(run)) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.set(run, resolve));
  }

  #end(run: string): void {
    const resolve = this.#waiting.get(run);
    this.#waiting.delete(run);
    if (resolve === undefined) this.#ended.add(run);
    else resolve();
  }
}

/** A chain of `length` cells. */
export function chainOf(length: number): string {
  return cells(length, (i) => i === 0 ? [] : [i - 1]);
}

/** One cell, `width` that need it, one that needs them all. */
export function fanOf(width: number): string {
  const text = cells(
    width + 2,
    (i) => i === 0 ? [] : i <= width ? [0] : Array.from({ length: width }, (_, k) => k + 1),
  );
  return `---\nweft: 1\nconcurrency: 64\n---\n\n${text}`;
}

function cells(count: number, reads: (i: number) => number[]): string {
  return Array.from(
    { length: count },
    (_, i) => "```ts s" + i + `\nreturn [${reads(i).map((k) => `s${k}`).join(", ")}];\n` + "```\n",
  ).join("\n");
}

/** Submits a run and waits for its end. */
export async function runToEnd({ engine, store }: Bench, text: string): Promise<string> {
  const { run } = await engine.submit({ notebook: "bench", text, author: "bench" });
  await store.ended(run);
  return run;
}

/** Runs `count` tasks, `at` of them at a time. */
export async function inParallel(
  count: number,
  at: number,
  task: (i: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await task(next++);
  };
  await Promise.all(Array.from({ length: Math.min(at, count) }, worker));
}

/** What a run writes that is alone in the engine: by turns, and in its journal and frames by bytes. */
export async function aloneIn(bench: Bench, text: string): Promise<{ turns: RunWrite[]; bytes: number }> {
  await runToEnd(bench, text);
  const turns: RunWrite[] = bench.store.recorded = [];
  const run = await runToEnd(bench, text);
  bench.store.recorded = undefined;
  return { turns: turns.filter(({ puts }) => puts.length > 0), bytes: await bytesOf(bench, run) };
}

/** Bytes of the journal and the frames of a run. */
async function bytesOf({ store }: Bench, run: string): Promise<number> {
  let bytes = 0;
  for (const part of ["event", "frame"]) {
    for await (const { value } of store.store.list([part, run])) bytes += value.length;
  }
  return bytes;
}

/** Milliseconds of processor time that this process has used, on all its threads. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
