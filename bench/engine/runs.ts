/**
 * Runs of no-op cells from submission to their end. Owns: B1 (a chain), B2 and B6 (many at once), B3 (a fan).
 */
import { type BenchRow, type Figures, interleaved, quantile, rowOf } from "../measure.ts";
import { floor, raw, type Size } from "./baselines.ts";
import { aloneIn, type Bench, cpuMs, inParallel, openBench } from "./shapes.ts";

/** A workload: runs of one notebook. */
export interface Shape {
  name: string;
  text: string;
  runs: number;
  /** Runs at a time. */
  at: number;
  /** Steps of one run that can be under way together, in order. */
  levels: number[];
  /** Bytes of each value. Default a number. */
  bytes?: number;
  what: string;
}

/** A figure that a shape is asked for. `per_s` is of steps. */
export type Figure = "ms" | "per_s" | "runs_per_s" | "cpu" | "commits" | "queue_p99" | "hop_p50" | "hop_p99";

/** Where a figure stands in the rows, and what it is compared with. */
const FIGURES: Record<Figure, { suffix: string; unit: BenchRow["unit"]; what: string }> = {
  ms: { suffix: "", unit: "ms", what: "from submission to the durable end" },
  per_s: { suffix: "", unit: "per_s", what: "steps a second, from submission to the durable end" },
  runs_per_s: { suffix: "", unit: "per_s", what: "runs a second, from submission to the durable end" },
  cpu: { suffix: ", CPU a step", unit: "ms", what: "processor time of all threads by steps" },
  commits: { suffix: ", commits a step", unit: "count", what: "atomic operations by steps" },
  queue_p99: {
    suffix: ", queue p99",
    unit: "ms",
    what: "from submission to the start of a run's first cell",
  },
  hop_p50: { suffix: ", hop p50", unit: "ms", what: "from the start of a cell to the start of the next" },
  hop_p99: { suffix: ", hop p99", unit: "ms", what: "from the start of a cell to the start of the next" },
};

/** The rows of a shape, one for each figure. */
export async function runsRows(shape: Shape, figures: Figure[], rounds: number): Promise<BenchRow[]> {
  const bench = await openBench({ value: shape.bytes === undefined ? 1 : "x".repeat(shape.bytes) });
  try {
    const size = await sizeOf(bench, shape);
    const sides = await interleaved(rounds, {
      work: () => round(bench, shape),
      raw: async () => alike(await raw(bench.kv, size), shape),
      floor: async () => alike(await floor(bench.kv, size), shape),
    });
    return figures.map((figure) => {
      const { suffix, unit, what } = FIGURES[figure];
      return rowOf({ name: shape.name + suffix, unit, figure, what: `${shape.what}: ${what}` }, sides);
    });
  } finally {
    await bench.close();
  }
}

/** A baseline's figures under the names of the shape's: a hop is a commit. */
function alike({ p50, ...figures }: Figures, { runs }: Shape): Figures {
  return { ...figures, runs_per_s: runs / (figures.ms! / 1000), hop_p50: p50! };
}

/** The shape as the baselines have it. */
async function sizeOf(bench: Bench, { text, runs, at, levels }: Shape): Promise<Size> {
  const steps = levels.reduce((sum, level) => sum + level, 0);
  const { turns, bytes } = await aloneIn(bench, text);
  return { levels, runs, at, bytes: Math.ceil(bytes / steps), turns };
}

async function round(bench: Bench, { text, runs, at, levels }: Shape): Promise<Figures> {
  const { store, engine, starts } = bench;
  const steps = runs * levels.reduce((sum, level) => sum + level, 0);
  const submitted = new Map<string, number>();
  starts.length = 0;
  const [commits, cpu, from] = [store.commits, cpuMs(), performance.now()];
  await inParallel(runs, at, async () => {
    const asked = performance.now();
    const { run } = await engine.submit({ notebook: "bench", text, author: "bench" });
    submitted.set(run, asked);
    await store.ended(run);
  });
  const ms = performance.now() - from;
  const { hops, queued } = waits(bench, submitted);
  return {
    ms,
    per_s: steps / (ms / 1000),
    runs_per_s: runs / (ms / 1000),
    cpu: (cpuMs() - cpu) / steps,
    commits: (store.commits - commits) / steps,
    queue_p99: quantile(queued, 0.99),
    hop_p50: quantile(hops, 0.5),
    hop_p99: quantile(hops, 0.99),
  };
}

/** Times between the starts of a run's cells, and from its submission to the first. */
function waits({ starts }: Bench, submitted: Map<string, number>): { hops: number[]; queued: number[] } {
  const last = new Map<string, number>();
  const hops: number[] = [];
  const queued: number[] = [];
  for (const { run, at } of starts) {
    const before = last.get(run);
    if (before === undefined) queued.push(at - submitted.get(run)!);
    else hops.push(at - before);
    last.set(run, at);
  }
  return { hops, queued };
}
