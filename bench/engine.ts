/**
 * The durable engine, on embedded Deno KV on disk, with default settings. Owns: its workloads and how often each is
 * measured. Each is compared with the two baselines of `engine/baselines.ts`.
 */
import { crashRows } from "./engine/crash.ts";
import { framesRows } from "./engine/frames.ts";
import { joinRows } from "./engine/joins.ts";
import { listRows, parkedRows } from "./engine/lists.ts";
import { runsRows } from "./engine/runs.ts";
import { chainOf, fanOf } from "./engine/shapes.ts";
import type { BenchRow } from "./measure.ts";

const ROUNDS = 5;
const CHAIN_OF_5 = [1, 1, 1, 1, 1];

/** All workloads. */
export async function run(): Promise<BenchRow[]> {
  return [
    ...await runsRows(
      {
        name: "B1 chain of 100",
        text: chainOf(100),
        runs: 5,
        at: 1,
        levels: Array(100).fill(1),
        what: "5 runs of 100 no-op cells, one after the other",
      },
      ["hop_p50", "hop_p99"],
      ROUNDS,
    ),
    ...await runsRows(
      {
        name: "B2 1000 runs of 5",
        text: chainOf(5),
        runs: 1000,
        at: 100,
        levels: CHAIN_OF_5,
        what: "1000 runs of 5 no-op cells, 100 at once",
      },
      ["per_s", "cpu", "commits", "queue_p99"],
      ROUNDS,
    ),
    ...await runsRows(
      {
        name: "B2 1000 runs of 5, 4 KiB",
        text: chainOf(5),
        runs: 1000,
        at: 100,
        levels: CHAIN_OF_5,
        bytes: 4096,
        what: "1000 runs of 5 cells with values of 4 KiB, 100 at once",
      },
      ["per_s", "cpu", "commits", "queue_p99"],
      ROUNDS,
    ),
    ...await runsRows(
      {
        name: "B3 1 to 200 to 1",
        text: fanOf(200),
        runs: 1,
        at: 1,
        levels: [1, 200, 1],
        what: "one run of a cell, 200 that need it and one that needs them all",
      },
      ["ms"],
      4 * ROUNDS,
    ),
    ...await framesRows(4 * ROUNDS),
    ...await runsRows(
      {
        name: "B6 100 runs of 10",
        text: chainOf(10),
        runs: 100,
        at: 100,
        levels: Array(10).fill(1),
        what: "100 runs of 10 no-op cells, all at once",
      },
      ["runs_per_s", "hop_p50", "hop_p99"],
      2 * ROUNDS,
    ),
    ...await crashRows(ROUNDS),
    ...await joinRows(ROUNDS, 20),
    ...await listRows(4 * ROUNDS),
    ...await parkedRows(ROUNDS),
  ];
}
