/**
 * Shapes of runs for the engine's benchmarks, and an engine of no-op cells on a file. Owns: both.
 */
import { systemClock } from "../../engine/base/clock.ts";
import { systemIds } from "../../engine/base/ids.ts";
import { noLog } from "../../engine/base/log.ts";
import type { Json } from "../../engine/base/json.ts";
import type { Kind } from "../../engine/kinds/kind.ts";
import { createEngine, type Engine, openStore } from "../../engine/mod.ts";
import type { Store } from "../../engine/store/store.ts";

/** An engine on a file of its own. */
export interface Bench {
  engine: Engine;
  store: Store;
  /** A database beside the engine's, for baselines. */
  kv: Deno.Kv;
  close(): Promise<void>;
}

/** Opens an engine whose `ts` cells return `value` at once. */
export async function openBench(value: Json = 1, run?: Kind["run"]): Promise<Bench> {
  const folder = await Deno.makeTempDir({ prefix: "weft-bench-" });
  const { store, release } = await openStore(`${folder}/weft.db`);
  const noop: Kind = {
    name: "ts",
    title: "No-op",
    description: "Returns its value at once",
    attempts: 1,
    run: run ?? (() => Promise.resolve({ type: "succeeded", value })),
  };
  const engine = await createEngine({
    store,
    kinds: new Map([["ts", noop]]),
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
    worker: "bench",
  });
  const kv = await Deno.openKv(`${folder}/raw.db`);
  return {
    engine,
    store,
    kv,
    async close() {
      kv.close();
      await engine.close();
      await release();
      await Deno.remove(folder, { recursive: true });
    },
  };
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

/** Submits a run and follows it live to its end. */
export async function runToEnd(engine: Engine, text: string, notebook = "bench"): Promise<string> {
  const { run } = await engine.submit({ notebook, text, author: "bench" });
  for await (const { end } of engine.follow(run, { signal: AbortSignal.timeout(120_000) })) {
    if (end) return run;
  }
  throw new Error("The run did not end in time");
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

/** raw: `count` atomic commits of `bytes` bytes, `at` of them at a time. */
export async function rawCommits(kv: Deno.Kv, count: number, at = 1, bytes = 16): Promise<void> {
  const value = new Uint8Array(bytes);
  await inParallel(count, at, (i) => kv.atomic().set(["step", i], value).commit());
}

/** floor: `bytes` bytes in as few commits as the store's limits allow, ten records of 60,000 bytes each. */
export async function floorCommits(kv: Deno.Kv, bytes: number): Promise<void> {
  const record = new Uint8Array(60_000);
  for (let left = bytes, i = 0; left > 0; i++) {
    const atomic = kv.atomic();
    for (let k = 0; k < 10 && left > 0; k++, left -= record.length) atomic.set(["floor", i, k], record);
    await atomic.commit();
  }
}

/** Bytes of everything that the runs of a notebook have in the store. */
export async function bytesOf(store: Store, run: string): Promise<number> {
  let bytes = 0;
  for (const part of ["event", "frame"]) {
    for await (const { value } of store.list([part, run])) bytes += value.length;
  }
  return bytes;
}
