/**
 * Frames: how fast a cell's output becomes durable and reaches its watchers. Owns: B4.
 */
import type { Attempt, Outcome } from "../../engine/kinds/kind.ts";
import { type BenchRow, type Figures, interleaved, median, quantile, rowOf } from "../measure.ts";
import { floor, raw } from "./baselines.ts";
import { aloneIn, type Bench, openBench } from "./shapes.ts";

const FRAMES = 2_000;
const WATCHERS = [0, 1, 10, 100];
const TEXT = "```ts talks\nreturn 1;\n```\n";

/** A cell that puts out 2,000 frames as fast as it can, with 1, 10 and 100 watchers. */
export async function framesRows(rounds: number): Promise<BenchRow[]> {
  /** When each frame was put out, by its number. */
  const emitted: number[] = [];
  const bench = await openBench({ run: (attempt) => talk(attempt, emitted) });
  try {
    const { turns, bytes } = await aloneIn(bench, TEXT);
    const one = { runs: 1, at: 1 };
    const sides = await interleaved(rounds, {
      raw: () => raw(bench.kv, { ...one, levels: Array(FRAMES).fill(1), bytes: Math.ceil(bytes / FRAMES) }),
      floor: () => floor(bench.kv, { ...one, levels: [1], turns }),
      ...Object.fromEntries(WATCHERS.map((count) => [`at${count}`, () => watched(bench, count, emitted)])),
    }) as Record<string, Figures[]>;
    return WATCHERS.slice(1).flatMap((count) => rowsOf(count, sides));
  } finally {
    await bench.close();
  }
}

async function talk({ emit }: Attempt, emitted: number[]): Promise<Outcome> {
  emitted.length = 0;
  for (let i = 1; i <= FRAMES; i++) {
    emitted[i] = performance.now();
    emit({ type: "log", level: "info", text: `line ${i}` });
    // As a real stream does, it comes in pieces.
    if (i % 20 === 0) await Promise.resolve();
  }
  return { type: "succeeded", value: 1 };
}

function rowsOf(count: number, sides: Record<string, Figures[]>): BenchRow[] {
  const name = `B4 2000 frames, ${count} watcher${count === 1 ? "" : "s"}`;
  const [work, alone] = [sides[`at${count}`]!, sides.at0!];
  const { raw, floor } = sides;
  const row = (suffix: string, figure: string, what: string) =>
    rowOf({ name: name + suffix, unit: "ms", figure, what }, { work });
  // Each round beside the one without watchers that ran just before it.
  const slower = work.map(({ writer }, i) => ({ slower: (writer! / alone[i]!.writer! - 1) * 100 }));
  return [
    rowOf(
      { name, unit: "ms", figure: "ms", what: "from submission until every watcher has the end" },
      { work, raw: raw!, floor: floor! },
    ),
    row(", first frame", "first", "from the cell's start until the last watcher has its first frame"),
    row(", frame to watcher p99", "late", "from the cell's emit to a watcher"),
    row(", writer", "writer", "from submission to the durable end of the run"),
    rowOf(
      {
        name: `${name}, writer slowdown`,
        unit: "percent",
        figure: "slower",
        what: "of the writer's time against that without watchers",
      },
      { work: slower },
    ),
  ];
}

async function watched(bench: Bench, count: number, emitted: number[]): Promise<Figures> {
  const { engine, store, starts } = bench;
  starts.length = 0;
  const from = performance.now();
  const { run } = await engine.submit({ notebook: "bench", text: TEXT, author: "bench" });
  const writer = store.ended(run).then(() => performance.now() - from);
  const watchers = Array.from({ length: count }, () => watch(bench, run, emitted));
  const seen = await Promise.all(watchers);
  await writer;
  const ms = performance.now() - from;
  const figures = { ms, writer: await writer };
  if (count === 0) return figures;
  const first = Math.max(...seen.map(({ first }) => first)) - starts[0]!.at;
  return { ...figures, first, late: median(seen.map(({ late }) => late)) };
}

const never = new AbortController().signal;

/** Follows a run to its end: when its first frame came, and how long after its making a frame came, at p99. */
async function watch(
  { engine }: Bench,
  run: string,
  emitted: number[],
): Promise<{ first: number; late: number }> {
  let first = 0;
  const late = new Float64Array(FRAMES);
  for await (const { items, end } of engine.follow(run, { signal: never })) {
    const now = performance.now();
    for (const item of items) {
      if (item.kind !== "frame") continue;
      first ||= now;
      late[item.frame.seq - 1] = now - emitted[item.frame.seq]!;
    }
    if (end) break;
  }
  return { first, late: quantile([...late], 0.99) };
}
