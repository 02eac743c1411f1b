/**
 * Frames: how fast a cell's output becomes durable and reaches its watchers. Owns: B4.
 */
import type { BenchRow } from "../measure.ts";
import { median, ratios } from "../measure.ts";
import { bytesOf, floorCommits, openBench, rawCommits, runToEnd } from "./shapes.ts";

const FRAMES = 2_000;
const TEXT = "```ts talks\nreturn 1;\n```\n";

/** A cell that puts out 2,000 frames as fast as it can, with 1, 10 and 100 watchers. */
export async function framesRows(rounds: number): Promise<BenchRow[]> {
  const bench = await openBench(1, async ({ emit, clock }) => {
    for (let i = 0; i < FRAMES; i++) {
      emit({ type: "log", level: "info", text: `line ${i}` });
      if (i % 20 === 19) await clock.sleep(0).then(() => Promise.resolve());
    }
    return { type: "succeeded", value: 1 };
  });
  try {
    const bytes = await bytesOf(bench.store, await runToEnd(bench.engine, TEXT));
    const rows: BenchRow[] = [];
    const firsts: number[] = [];
    for (const watchers of [1, 10, 100]) {
      rows.push(
        await ratios({
          name: `B4 2000 frames, ${watchers} watchers`,
          unit: "ms",
          of: (ms) => ms,
          rounds,
          work: () => watched(watchers, firsts),
          raw: () => rawCommits(bench.kv, FRAMES),
          floor: () => floorCommits(bench.kv, bytes),
          what: "from submission until every watcher has the end",
        }),
      );
    }
    rows.push({
      name: "B4 first frame",
      unit: "ms",
      median: median(firsts),
      min: Math.min(...firsts),
      max: Math.max(...firsts),
      rounds: firsts.length,
      what: "from the cell's start to its first frame at a watcher",
    });
    return rows;
  } finally {
    await bench.close();
  }

  async function watched(watchers: number, firsts: number[]): Promise<void> {
    const { run } = await bench.engine.submit({ notebook: "bench", text: TEXT, author: "bench" });
    const follow = async () => {
      let started: number | undefined;
      let seen = false;
      for await (const { items, end } of bench.engine.follow(run, { signal: AbortSignal.timeout(60_000) })) {
        for (const item of items) {
          if (item.kind === "event" && item.event.type === "step.started") started = performance.now();
          if (item.kind === "frame" && !seen) {
            seen = true;
            if (started !== undefined) firsts.push(performance.now() - started);
          }
        }
        if (end) return;
      }
    };
    await Promise.all(Array.from({ length: watchers }, follow));
  }
}
