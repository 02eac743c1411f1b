/**
 * The durable engine. Owns: its workloads and the two baselines that each is held against.
 *
 * raw: one atomic commit a step on the same kind of file, and nothing else; what a careful hand-written loop would do.
 * floor: the bytes that the engine wrote, packed by hand into as few commits as the store's limits allow.
 */
import { systemClock } from "../engine/base/clock.ts";
import { systemIds } from "../engine/base/ids.ts";
import { noLog } from "../engine/base/log.ts";
import type { Kind } from "../engine/kinds/kind.ts";
import { createEngine, type Engine, openStore } from "../engine/mod.ts";
import { type BenchRow, inTurns } from "./measure.ts";

const STEPS = 100;
const ROUNDS = 7;
/** Largest record that the engine writes. */
const RECORD_BYTES = 60_000;

/** A cell that does nothing, so that what is left is the engine. */
const noop: Kind = {
  name: "ts",
  title: "No-op",
  description: "Returns 1",
  attempts: 1,
  run: () => Promise.resolve({ type: "succeeded", value: 1 }),
};

const CHAIN = Array.from(
  { length: STEPS },
  (_, i) => "```ts s" + i + "\n" + (i === 0 ? "return 1;" : `return s${i - 1};`) + "\n```\n",
).join("\n");

/** B1: a chain of 100 no-op cells beside raw and floor. */
export async function run(): Promise<BenchRow[]> {
  const folder = await Deno.makeTempDir({ prefix: "weft-bench-" });
  const { store, release } = await openStore(`${folder}/weft.db`);
  const engine = await createEngine({
    store,
    kinds: new Map([["ts", noop]]),
    workspace: {
      root: folder,
      notebooks: () => Promise.resolve([]),
      readNotebook: () => Promise.reject(new Error("none")),
      readLayout: () => Promise.resolve({ positions: {} }),
      writeLayout: () => Promise.resolve(),
      files: () => Promise.resolve([]),
    },
    clock: systemClock,
    ids: systemIds(systemClock),
    log: noLog,
    worker: "bench",
  });
  const kv = await Deno.openKv(`${folder}/raw.db`);
  const bytes = await bytesOf(engine, store);
  try {
    return await inTurns(
      {
        name: "raw",
        what: `${STEPS} atomic commits of 16 bytes, one after the other`,
        run: () => commits(kv, STEPS, new Uint8Array(16)),
      },
      [{
        name: "chain",
        what: `a run of ${STEPS} no-op cells in a chain, from its submission to its end, followed live`,
        run: () => chain(engine),
      }, {
        name: "floor",
        what: `the journal of such a run, ${bytes} bytes, in commits as large as may be`,
        run: () => commits(kv, Math.ceil(bytes / RECORD_BYTES), new Uint8Array(RECORD_BYTES)),
      }],
      ROUNDS,
    );
  } finally {
    kv.close();
    await engine.close();
    await release();
    await Deno.remove(folder, { recursive: true });
  }
}

/** One run of the chain; its id. */
async function chain(engine: Engine): Promise<string> {
  const { run } = await engine.submit({ notebook: "bench", text: CHAIN, author: "bench" });
  for await (const { end } of engine.follow(run, { signal: AbortSignal.timeout(60_000) })) {
    if (end) return run;
  }
  throw new Error("The chain did not end within a minute");
}

/** Bytes of a chain's journal. */
async function bytesOf(
  engine: Engine,
  store: Awaited<ReturnType<typeof openStore>>["store"],
): Promise<number> {
  const run = await chain(engine);
  let bytes = 0;
  for await (const { value } of store.list(["event", run])) bytes += value.length;
  return bytes;
}

async function commits(kv: Deno.Kv, count: number, value: Uint8Array): Promise<void> {
  for (let i = 0; i < count; i++) await kv.atomic().set(["step", i], value).commit();
}
