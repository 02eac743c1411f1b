/**
 * Frames: how fast a cell's output becomes durable and reaches its watchers. Owns: B4.
 */
import type { Attempt, Outcome } from "../../engine/kinds/kind.ts";
import type { Engine } from "../../engine/mod.ts";
import { type BenchRow, type Figures, interleaved, median, quantile, rowOf } from "../measure.ts";
import { floor, raw } from "./baselines.ts";
import { aloneIn, type Bench, openBench } from "./shapes.ts";

const FRAMES = 2_000;
const WATCHERS = [0, 1, 10, 100];
const TEXT = "```ts talks\nreturn 1;\n```\n";

/** A cell that puts out 2,000 frames as fast as it can, with 1, 10 and 100 watchers. */
export async function framesRows(rounds: number): Promise<BenchRow[]> {
  const talk = new Talk();
  const bench = await openBench({ run: (attempt) => talk.run(attempt) });
  try {
    talk.begin();
    const { turns, bytes } = await aloneIn(bench, TEXT);
    const one = { runs: 1, at: 1 };
    const sides = await interleaved(rounds, {
      raw: () => raw(bench.kv, { ...one, levels: Array(FRAMES).fill(1), bytes: Math.ceil(bytes / FRAMES) }),
      floor: () => floor(bench.kv, { ...one, levels: [1], turns: turns.slice(1) }),
      ...Object.fromEntries(WATCHERS.map((count) => [`at${count}`, () => watched(bench, talk, count)])),
    }) as Record<string, Figures[]>;
    return WATCHERS.slice(1).flatMap((count) => rowsOf(count, sides));
  } finally {
    await bench.close();
  }
}

/** The cell: it talks when all watchers are there. */
class Talk {
  /** When each frame was put out, by its number. */
  readonly emitted: number[] = [];
  #begun = Promise.withResolvers<void>();

  /** Makes the next run wait. */
  hold(): void {
    this.#begun = Promise.withResolvers<void>();
  }

  begin(): void {
    this.#begun.resolve();
  }

  async run({ emit }: Attempt): Promise<Outcome> {
    await this.#begun.promise;
    for (let i = 1; i <= FRAMES; i++) {
      this.emitted[i] = performance.now();
      emit({ type: "log", level: "info", text: `line ${i}` });
      // As a real stream does, it comes in pieces.
      if (i % 20 === 0) await Promise.resolve();
    }
    return { type: "succeeded", value: 1 };
  }
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
      {
        name,
        unit: "ms",
        figure: "ms",
        what: "from the first frame's making until every watcher has the end",
      },
      { work, raw: raw!, floor: floor! },
    ),
    row(", first frame", "first", "from its making until the last watcher has it"),
    row(", frame to watcher p99", "late", "from the cell's emit to a watcher"),
    row(", writer", "writer", "from the first frame's making to the durable end of the run"),
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

async function watched({ engine, store }: Bench, talk: Talk, count: number): Promise<Figures> {
  talk.hold();
  const { run } = await engine.submit({ notebook: "bench", text: TEXT, author: "bench" });
  const watchers = Array.from({ length: count }, () => new Watcher(engine, run, talk.emitted));
  await Promise.all(watchers.map((watcher) => watcher.there));
  const from = performance.now();
  const writer = store.ended(run).then(() => performance.now() - from);
  talk.begin();
  await Promise.all(watchers.map((watcher) => watcher.over));
  const figures = { writer: await writer, ms: performance.now() - from };
  if (count === 0) return figures;
  const first = Math.max(...watchers.map((watcher) => watcher.first)) - from;
  return { ...figures, first, late: median(watchers.map((watcher) => quantile([...watcher.late], 0.99))) };
}

const never = new AbortController().signal;

/** Follows a run to its end. */
class Watcher {
  /** It has seen that the cell has started. */
  readonly there: Promise<void>;
  readonly over: Promise<void>;
  /** When its first frame came. */
  first = 0;
  /** How long after its making each frame came. */
  readonly late = new Float64Array(FRAMES);

  constructor(engine: Engine, run: string, emitted: readonly number[]) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.there = promise;
    this.over = this.#follow(engine, run, emitted, resolve);
  }

  async #follow(engine: Engine, run: string, emitted: readonly number[], there: () => void): Promise<void> {
    for await (const { items, end } of engine.follow(run, { signal: never })) {
      const now = performance.now();
      for (const item of items) {
        if (item.kind === "event" && item.event.type === "step.started") there();
        if (item.kind !== "frame") continue;
        this.first ||= now;
        this.late[item.frame.seq - 1] = now - emitted[item.frame.seq]!;
      }
      if (end) break;
    }
  }
}
