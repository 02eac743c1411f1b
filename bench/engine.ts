/**
 * The durable engine, on embedded Deno KV on disk, with default settings. Owns: its workloads and their baselines.
 *
 * raw: one atomic commit a step on the same kind of file, as many at a time as there are runs, and nothing else.
 * floor: the bytes of the engine's own journal, packed by hand into as few commits as the store's limits allow.
 */
import {
  bytesOf,
  chainOf,
  fanOf,
  floorCommits,
  inParallel,
  openBench,
  rawCommits,
  runToEnd,
} from "./engine/shapes.ts";
import { framesRows } from "./engine/frames.ts";
import { type BenchRow, ratios } from "./measure.ts";

const ROUNDS = 5;

/** All workloads. */
export async function run(): Promise<BenchRow[]> {
  return [
    ...await runs("B1 chain of 100", { steps: 100, runs: 1, text: chainOf(100), perHop: true }),
    ...await runs("B2 1000 runs of 5", { steps: 5, runs: 1000, at: 100, text: chainOf(5) }),
    ...await runs("B2 1000 runs of 5, 4 KiB", {
      steps: 5,
      runs: 1000,
      at: 100,
      text: chainOf(5),
      bytes: 4096,
    }),
    ...await runs("B3 1 to 200 to 1", { steps: 202, runs: 1, text: fanOf(200) }),
    ...await runs("B6 100 runs of 10", { steps: 10, runs: 100, at: 100, text: chainOf(10) }),
    ...await framesRows(ROUNDS),
  ];
}

interface Shape {
  steps: number;
  runs: number;
  /** Runs at a time. Default 1. */
  at?: number;
  text: string;
  /** Bytes of each value. Default a number. */
  bytes?: number;
  /** Time of one hop instead of steps a second. */
  perHop?: boolean;
}

async function runs(name: string, { steps, runs, at = 1, text, bytes, perHop }: Shape): Promise<BenchRow[]> {
  const bench = await openBench(bytes === undefined ? 1 : "x".repeat(bytes));
  const total = steps * runs;
  try {
    const journal = await bytesOf(bench.store, await runToEnd(bench.engine, text)) * runs;
    return [
      await ratios({
        name,
        unit: perHop ? "ms" : "per_s",
        of: (ms) => perHop ? ms / total : total / (ms / 1000),
        rounds: ROUNDS,
        work: () => inParallel(runs, at, () => runToEnd(bench.engine, text)),
        raw: () => rawCommits(bench.kv, total, at, bytes),
        floor: () => floorCommits(bench.kv, journal),
        what: `${runs} run(s) of ${steps} no-op steps, from submission to the end, ${at} at a time`,
      }),
    ];
  } finally {
    await bench.close();
  }
}
