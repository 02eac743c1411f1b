/**
 * The end of what a join leaves over. Owns: B8, the first of 10, 100 and 1000 cells that ends the others.
 */
import type { Attempt, Outcome } from "../../engine/kinds/kind.ts";
import { type BenchRow, type Figures, quantile, rowOf } from "../measure.ts";
import { type Bench, openBench } from "./shapes.ts";

const WIDTHS = [10, 100, 1000];
/** Attempts that are open as the first succeeds; as many as a worker has. */
const OPEN = 32;

/** The rows, one for each width; each round is one figure, and the row's p99 that of a round's runs. */
export async function joinRows(rounds: number, runs: number): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const width of WIDTHS) {
    const open = Math.min(OPEN, width);
    const begun = { count: 0 };
    // The last that begins wins; those before it run until they are told to end, and the others never begin.
    const act = ({ cell, signal }: Attempt): Promise<Outcome> | Outcome =>
      cell.name === "j" || ++begun.count === open
        ? { type: "succeeded", value: 1 }
        : new Promise((resolve) =>
          signal.addEventListener("abort", () => resolve({ type: "cancelled" }), { once: true })
        );
    const bench = await openBench({ run: async (attempt) => await act(attempt) });
    try {
      const work: Figures[] = [];
      for (let round = -1; round < rounds; round++) {
        const took: number[] = [];
        for (let i = 0; i < runs; i++) {
          begun.count = 0;
          took.push(await untilAllEnded(bench, textOf(width)));
        }
        if (round >= 0) work.push({ p99: quantile(took, 0.99) });
      }
      const what =
        `${runs} runs of ${width} cells, ${open} of them running, and one that waits for the first: ` +
        "from its join's being settled to the end of the last of the others, as a watcher is told";
      rows.push(rowOf({ name: `B8 quorum 1 of ${width}, p99`, unit: "ms", figure: "p99", what }, { work }));
    } finally {
      await bench.close();
    }
  }
  return rows;
}

function textOf(width: number): string {
  const names = Array.from({ length: width }, (_, i) => `s${i}`);
  const cells = names.map((name) => "```ts " + name + "\nreturn 1;\n```\n");
  const join = "```ts j\ninputs: { of: { from: [" + names.join(", ") +
    "] } }\njoin: { quorum: 1 }\n---\nreturn 1;\n```\n";
  return `---\nweft: 1\nconcurrency: 64\n---\n\n${[...cells, join].join("\n")}`;
}

async function untilAllEnded({ engine }: Bench, text: string): Promise<number> {
  const { run } = await engine.submit({ notebook: "bench", text, author: "bench" });
  let settled = NaN;
  let last = NaN;
  for await (const { items } of engine.follow(run, { signal: AbortSignal.timeout(30_000) })) {
    const now = performance.now();
    for (const item of items) {
      if (item.kind !== "event") continue;
      if (item.event.type === "join.settled") settled = last = now;
      if (item.event.type === "step.cancelled" || item.event.type === "step.skipped") last = now;
    }
  }
  return last - settled;
}
