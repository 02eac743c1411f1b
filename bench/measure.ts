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
  unit: "ms" | "us" | "per_s" | "bytes" | "count" | "percent";
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

/** What one round of a side measured, by name. */
export type Figures = Record<string, number>;

/** A workload (`work`), what it is compared with, and whatever else takes its turn beside them. */
export type Sides<K extends string> = Record<K, () => Promise<Figures>>;

/** Runs the sides in turn; one more round before warms up and is thrown away. */
export async function interleaved<K extends string>(
  rounds: number,
  sides: Sides<K>,
): Promise<Record<K, Figures[]>> {
  const names = Object.keys(sides) as K[];
  const found = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<K, Figures[]>;
  for (let round = -1; round < rounds; round++) {
    for (const name of names) {
      const figures = await sides[name]();
      if (round >= 0) found[name].push(figures);
    }
  }
  return found;
}

/** One figure of the work as a row, beside the same figure of the baselines that have it. */
export function rowOf(
  { name, unit, what, figure }: Pick<BenchRow, "name" | "unit" | "what"> & { figure: string },
  { work, raw, floor }: { work: Figures[]; raw?: Figures[]; floor?: Figures[] },
): BenchRow {
  const of = (rounds: Figures[] | undefined) =>
    (rounds ?? []).flatMap((figures) => figures[figure] === undefined ? [] : [figures[figure]]);
  const own = of(work);
  const middle = median(own);
  const ratio = (figures: number[]) => figures.length === 0 ? undefined : middle / median(figures);
  const [ratioToRaw, ratioToFloor] = [ratio(of(raw)), ratio(of(floor))];
  return {
    name,
    unit,
    median: middle,
    min: Math.min(...own),
    max: Math.max(...own),
    rounds: own.length,
    ...(ratioToRaw === undefined ? {} : { ratioToRaw }),
    ...(ratioToFloor === undefined ? {} : { ratioToFloor }),
    what,
  };
}

/** The value below which a share `p` of some figures lies. */
export function quantile(figures: readonly number[], p: number): number {
  const sorted = figures.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))]!;
}

/** The middle of some figures; of an even number, the mean of the two in the middle. */
export function median(figures: readonly number[]): number {
  const sorted = figures.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
