/**
 * What the engine's workloads are compared with, on a Deno KV file beside the engine's. Owns: raw and floor.
 *
 * raw: one atomic commit a step and nothing else, as many at a time as the shape has steps that do not wait for each
 * other. floor: the same bytes packed by hand into group commits, one after the other: a commit holds one step of every
 * run that is under way, because the next step of a run needs the one before to be durable.
 *
 * Both write as many bytes a step as the step has in the engine's journal, each step under a key by which the steps of
 * its run can be read in order, as in the engine's. Neither has a lease, a list of runs, or a plan.
 */
import type { Figures } from "../measure.ts";
import { quantile } from "../measure.ts";
import { cpuMs } from "./shapes.ts";

/** Sizes of a workload. */
export interface Size {
  /** Steps of one run that can be under way together, in order: a chain of three is [1, 1, 1]. */
  levels: number[];
  runs: number;
  /** Runs at a time. */
  at: number;
  /** Bytes of one step. */
  bytes: number;
}

/** Baselines so far: each writes keys that were not there. */
let count = 0;

/** The keys of steps that can be under way together, in order. */
function* levelsOf({ levels, runs, at }: Size): Iterable<Deno.KvKey[]> {
  const from = ++count * 1_000_000;
  for (let wave = 0; wave < runs; wave += at) {
    for (const [level, width] of levels.entries()) {
      yield Array.from({ length: at * width }, (_, i) => ["step", from + wave + i % at, level, i]);
    }
  }
}

/** Times one baseline: `ms` in all, `p50` of a commit, `cpu` a step, `per_s` steps. */
async function timed(steps: number, work: (took: number[]) => Promise<void>): Promise<Figures> {
  const took: number[] = [];
  const [cpu, from] = [cpuMs(), performance.now()];
  await work(took);
  const ms = performance.now() - from;
  return { ms, p50: quantile(took, 0.5), cpu: (cpuMs() - cpu) / steps, per_s: steps / (ms / 1000) };
}

/** One atomic commit a step. */
export function raw(kv: Deno.Kv, size: Size): Promise<Figures> {
  const value = new Uint8Array(size.bytes);
  return timed(stepsOf(size), async (took) => {
    for (const keys of levelsOf(size)) {
      await Promise.all(keys.map(async (key) => {
        const from = performance.now();
        await kv.atomic().set(key, value).commit();
        took.push(performance.now() - from);
      }));
    }
  });
}

/** A commit holds at most so many values, and so many bytes of them. */
const MOST_PUTS = 900;
const MOST_BYTES = 700_000;

/** The steps of a level in one commit, or in as few as the limits of the store allow. */
export function floor(kv: Deno.Kv, size: Size): Promise<Figures> {
  const value = new Uint8Array(size.bytes);
  const most = Math.max(1, Math.min(MOST_PUTS, Math.floor(MOST_BYTES / size.bytes)));
  return timed(stepsOf(size), async (took) => {
    for (const keys of levelsOf(size)) {
      for (let i = 0; i < keys.length; i += most) {
        const from = performance.now();
        const atomic = kv.atomic();
        for (const key of keys.slice(i, i + most)) atomic.set(key, value);
        await atomic.commit();
        took.push(performance.now() - from);
      }
    }
  });
}

function stepsOf({ levels, runs }: Size): number {
  return runs * levels.reduce((sum, level) => sum + level, 0);
}
