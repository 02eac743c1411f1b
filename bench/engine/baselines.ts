/**
 * What the engine's workloads are compared with, on a Deno KV file beside the engine's. Owns: raw and floor.
 *
 * raw: one atomic commit a step and nothing else, of as many bytes as the step has in the engine's journal; as many at a
 * time as the shape has steps that do not wait for each other.
 *
 * floor: the same bytes packed by hand into group commits. What one run writes, turn by turn, when it is alone in the
 * engine, is written again without the engine: one commit, one after the other, holds the same turn of all runs that are
 * under way together. Fewer there cannot be, because a turn follows from the one before being durable.
 */
import type { Key, Put } from "../../engine/store/store.ts";
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
  /** Bytes of one step in the journal. */
  bytes: number;
  /** What a run that is alone writes. */
  turns: RunWrite[];
}

/** One commit of a run. */
export interface RunWrite {
  puts: readonly Put[];
  deletes: readonly Key[];
}

/** Baselines so far: each writes keys that were not there. */
let count = 0;

/** The keys of steps that can be under way together, in order. */
function* levelsOf({ levels, runs, at }: Pick<Size, "levels" | "runs" | "at">): Iterable<Deno.KvKey[]> {
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
export function raw(kv: Deno.Kv, size: Omit<Size, "turns">): Promise<Figures> {
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

/** A commit holds at most so many writes, and so many bytes of them. */
const MOST_WRITES = 900;
const MOST_BYTES = 700_000;

/** The same turn of all runs under way in one commit, or in as few as the limits of the store allow. */
export function floor(kv: Deno.Kv, size: Omit<Size, "bytes">): Promise<Figures> {
  const commits = packed(size);
  return timed(stepsOf(size), async (took) => {
    for (const { puts, deletes } of commits) {
      const from = performance.now();
      const atomic = kv.atomic();
      for (const { key, value } of puts) atomic.set(key, value);
      for (const key of deletes) atomic.delete(key);
      await atomic.commit();
      took.push(performance.now() - from);
    }
  });
}

/** Packed before the clock starts: a hand has nothing to think of. */
function packed({ runs, at, turns }: Omit<Size, "bytes">): RunWrite[] {
  const commits: { puts: Put[]; deletes: Key[] }[] = [];
  const from = ++count * 1_000_000;
  for (let wave = 0; wave < runs; wave += at) {
    for (const turn of turns) {
      let [writes, bytes] = [Infinity, 0];
      const seen = new Set<string>();
      for (let run = from + wave; run < from + Math.min(wave + at, runs); run++) {
        const puts = turn.puts.map(({ key, value }) => ({ key: ofRun(key, run), value }))
          // What all runs of a notebook share is written once.
          .filter(({ key }) => seen.size < seen.add(JSON.stringify(key)).size);
        const size = puts.reduce((sum, { value }) => sum + value.length, 0);
        writes += puts.length + turn.deletes.length;
        bytes += size;
        if (writes > MOST_WRITES || bytes > MOST_BYTES) {
          commits.push({ puts: [], deletes: [] });
          [writes, bytes] = [puts.length + turn.deletes.length, size];
        }
        commits.at(-1)!.puts.push(...puts);
        commits.at(-1)!.deletes.push(...turn.deletes.map((key) => ofRun(key, run)));
      }
    }
  }
  return commits;
}

/** The same key of another run, whose id is as long and sorts by its number. */
function ofRun(key: Key, run: number): Key {
  return key.map((part) =>
    typeof part === "string" && part.startsWith("run_")
      ? `run_${String(run).padStart(part.length - 4, "0")}`
      : part
  );
}

function stepsOf({ levels, runs }: Pick<Size, "levels" | "runs">): number {
  return runs * levels.reduce((sum, level) => sum + level, 0);
}
