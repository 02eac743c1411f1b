/**
 * A process killed amid 1,000 runs. Owns: B7: how long until all is done again, whether a finished step ran twice, and how
 * soon another worker begins.
 */
import { openStore } from "../../engine/mod.ts";
import { readRecord } from "../../engine/work/records.ts";
import { type BenchRow, type Figures, rowOf } from "../measure.ts";
import { CHAIN } from "./crash_child.ts";

const RUNS = 1_000;
const TTL_MS = 15_000;

/** Kills a process half way, starts it again, and compares with one that was left alone. */
export async function crashRows(rounds: number): Promise<BenchRow[]> {
  const restarts: Figures[] = [];
  for (let round = 0; round < rounds; round++) restarts.push(await inFolder(restarted));
  const takeover = [await inFolder(takenOver)];
  const name = `B7 kill -9 amid ${RUNS} runs`;
  return [
    rowOf(
      {
        name: `${name}, lost time`,
        unit: "ms",
        figure: "lost",
        what: "until all is done, over the undisturbed time",
      },
      { work: restarts },
    ),
    rowOf(
      {
        name: `${name}, finished steps repeated`,
        unit: "count",
        figure: "repeated",
        what: "calls of cells that had ended",
      },
      { work: restarts },
    ),
    rowOf(
      {
        name: `${name}, take-over`,
        unit: "ms",
        figure: "takeover",
        what: `from the kill to the first cell at another worker; the ttl is ${TTL_MS} ms`,
      },
      { work: takeover },
    ),
  ];
}

async function restarted(folder: string): Promise<Figures> {
  const from = performance.now();
  const alone = start(folder, "alone", "w", RUNS);
  await alone.said("done");
  const undisturbed = performance.now() - from;
  await alone.process.status;

  const began = performance.now();
  const log = `${folder}/killed.log`;
  await killHalfWay(folder, "w");
  const before = linesOf(log);
  const finished = await finishedSteps(`${folder}/killed.db`);
  const again = start(folder, "killed", "w", 0);
  await again.said("done");
  const took = performance.now() - began;
  await again.process.status;
  const repeated = linesOf(log).slice(before.length).filter((line) => finished.has(line)).length;
  return { lost: took - undisturbed, repeated };
}

async function takenOver(folder: string): Promise<Figures> {
  await killHalfWay(folder, "w");
  const killed = performance.now();
  const other = start(folder, "killed", "other", 0);
  await other.said("begun");
  const takeover = performance.now() - killed;
  await other.said("done");
  await other.process.status;
  return { takeover };
}

async function killHalfWay(folder: string, worker: string): Promise<void> {
  const { process } = start(folder, "killed", worker, RUNS);
  while (linesOf(`${folder}/killed.log`).length < RUNS * CHAIN / 2) await sleep(10);
  process.kill("SIGKILL");
  await process.status;
}

function start(folder: string, name: string, worker: string, runs: number) {
  const child = new URL("crash_child.ts", import.meta.url).pathname;
  const args = [`${folder}/${name}.db`, `${folder}/${name}.log`, worker, String(TTL_MS), String(runs)];
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", child, ...args],
    stdout: "piped",
  });
  const process = command.spawn();
  let output = "";
  const reading = (async () => {
    for await (const text of process.stdout.pipeThrough(new TextDecoderStream())) output += text;
  })();
  const said = async (word: string) => {
    let over = false;
    reading.finally(() => over = true);
    while (!output.includes(`${word}\n`)) {
      if (over) throw new Error(`The process ended before it said ${word}`);
      await sleep(5);
    }
  };
  return { process, said };
}

/** Steps whose success is durable, as the log names them. */
async function finishedSteps(path: string): Promise<Set<string>> {
  const { store, release } = await openStore(path, { client: true });
  const found = new Set<string>();
  for await (const entry of store.list(["event"])) {
    for (const event of readRecord(entry).events) {
      if (event.type === "step.succeeded") found.add(`${entry.key[1]} ${event.step}`);
    }
  }
  await release();
  return found;
}

function linesOf(log: string): string[] {
  try {
    return Deno.readTextFileSync(log).split("\n").slice(0, -1);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function inFolder(act: (folder: string) => Promise<Figures>): Promise<Figures> {
  const folder = await Deno.makeTempDir({ prefix: "weft-bench-" });
  try {
    return await act(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
