/**
 * How a benchmark measures. Owns: rounds, medians and ratios. Never: what is measured.
 *
 * The workload and its baseline take turns in the same process, so that a machine that is slow for a minute is slow for
 * both, and the ratio of their medians holds where their times do not.
 */

/** One figure of a benchmark. */
export interface BenchRow {
  name: string;
  /** Of `median`, `min` and `max`. */
  unit: "ms" | "us" | "per_s";
  median: number;
  min: number;
  max: number;
  rounds: number;
  /** Median by the median of the row named `baseline`, in the same run. Absent for a baseline itself. */
  ratioToBaseline?: number;
  baseline?: string;
  /** Median by the median of the raw baseline and of the floor, in the same run and in the row's unit. */
  ratioToRaw?: number;
  ratioToFloor?: number;
  /** What the row does, in a sentence. */
  what?: string;
}

/** Work to be timed. Its result is kept until the clock has stopped, so that it cannot be optimised away. */
export interface Workload {
  name: string;
  what: string;
  run: () => unknown | Promise<unknown>;
}

/**
 * Times a baseline and workloads in turn.
 *
 * @param rounds timed rounds; one more before them warms up and is thrown away
 */
export async function inTurns(baseline: Workload, workloads: Workload[], rounds = 5): Promise<BenchRow[]> {
  const all = [baseline, ...workloads];
  const times = all.map((): number[] => []);
  for (let round = -1; round < rounds; round++) {
    for (const [i, { run }] of all.entries()) {
      const start = performance.now();
      const result = await run();
      const took = performance.now() - start;
      if (round >= 0 && result !== times) times[i]!.push(took);
    }
  }
  const base = median(times[0]!);
  return all.map(({ name, what }, i) => ({
    name,
    unit: "ms",
    median: median(times[i]!),
    min: Math.min(...times[i]!),
    max: Math.max(...times[i]!),
    rounds,
    ...(i === 0 ? {} : { ratioToBaseline: median(times[i]!) / base, baseline: baseline.name }),
    what,
  }));
}

/** A workload beside two baselines. */
export interface Ratios {
  name: string;
  unit: BenchRow["unit"];
  /** The row's figure from the milliseconds that a round took. */
  of: (ms: number) => number;
  rounds: number;
  work: () => Promise<unknown>;
  raw: () => Promise<unknown>;
  floor: () => Promise<unknown>;
  what: string;
}

/** Times a workload, raw and floor in turn; one more round before warms up and is thrown away. */
export async function ratios({ name, unit, of, rounds, work, raw, floor, what }: Ratios): Promise<BenchRow> {
  const figures: [number[], number[], number[]] = [[], [], []];
  for (let round = -1; round < rounds; round++) {
    for (const [i, run] of [work, raw, floor].entries()) {
      const start = performance.now();
      await run();
      const figure = of(performance.now() - start);
      if (round >= 0) figures[i]!.push(figure);
    }
  }
  const [own, rawFigure, floorFigure] = figures.map(median) as [number, number, number];
  return {
    name,
    unit,
    median: own,
    min: Math.min(...figures[0]),
    max: Math.max(...figures[0]),
    rounds,
    ratioToRaw: own / rawFigure,
    ratioToFloor: own / floorFigure,
    what,
  };
}

/** The middle of some figures; of an even number, the mean of the two in the middle. */
export function median(figures: readonly number[]): number {
  const sorted = figures.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
