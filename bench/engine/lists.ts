/**
 * What runs cost that do nothing. Owns: listing 10,000 of them, and the memory of those that rest.
 */
import { type BenchRow, type Figures, rowOf } from "../measure.ts";
import { chainOf, inParallel, openBench, runToEnd } from "./shapes.ts";

const RUNS = 10_000;
const PAGE = 50;
const PARKED = 1_000;

/** A page of 50 of 10,000 runs, newest first. */
export async function listRows(rounds: number): Promise<BenchRow[]> {
  const bench = await openBench();
  try {
    await inParallel(RUNS, 100, () => runToEnd(bench, chainOf(1)));
    const work: Figures[] = [];
    for (let round = -1; round < rounds; round++) {
      const from = performance.now();
      const page = await bench.engine.runs({ limit: PAGE });
      if (page.length !== PAGE) throw new Error(`A page has ${page.length} runs`);
      if (round >= 0) work.push({ ms: performance.now() - from });
    }
    const what = `engine.runs({ limit: ${PAGE} }) of ${RUNS} runs`;
    return [rowOf({ name: "List of 10,000 runs", unit: "ms", figure: "ms", what }, { work })];
  } finally {
    await bench.close();
  }
}

/** Bytes that a run costs the process while it is paused, its first cell done. */
export async function parkedRows(rounds: number): Promise<BenchRow[]> {
  const work: Figures[] = [];
  for (let round = 0; round < rounds; round++) {
    const bench = await openBench({
      run: ({ clock }) => clock.sleep(1).then(() => ({ type: "succeeded", value: 1 })),
    });
    try {
      const park = async () => {
        const { run } = await bench.engine.submit({ notebook: "bench", text: chainOf(5), author: "bench" });
        await bench.engine.tell(run, { type: "pauseRun", by: "bench" });
      };
      await inParallel(PARKED, 50, park);
      const before = settledHeap();
      await inParallel(PARKED, 50, park);
      // Let attempts that were open end, and runs that rest leave.
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      const after = settledHeap();
      work.push({ heap: (after.heap - before.heap) / PARKED, rss: (after.rss - before.rss) / PARKED });
    } finally {
      await bench.close();
    }
  }
  const what =
    `${PARKED} more runs of 5 cells, paused, beside as many; after garbage collection where it can be asked for`;
  return [
    rowOf({ name: "Paused run, heap", unit: "bytes", figure: "heap", what }, { work }),
    rowOf({ name: "Paused run, resident", unit: "bytes", figure: "rss", what }, { work }),
  ];
}

/** Memory after garbage collection, if V8 was started with `--expose-gc`. */
function settledHeap(): { heap: number; rss: number } {
  (globalThis as { gc?: () => void }).gc?.();
  const { heapUsed, rss } = Deno.memoryUsage();
  return { heap: heapUsed, rss };
}
