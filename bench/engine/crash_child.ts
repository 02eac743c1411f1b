/**
 * A process with an engine on a store file, for B7. Arguments: store file, log file, worker id, ttl of its session in ms,
 * and how many runs it submits. Each call of a cell is a line in the log, `run cell`. Prints a line when the first cell
 * runs, and one when all runs of the file have ended.
 */
import { openStore } from "../../engine/mod.ts";
import type { Store } from "../../engine/store/store.ts";
import { chainOf, CountedStore, engineOn, inParallel } from "./shapes.ts";

/** Cells of each run. */
export const CHAIN = 5;

async function anyIn(store: Store, part: string): Promise<boolean> {
  for await (const _ of store.list([part], { limit: 1 })) return true;
  return false;
}

if (import.meta.main) {
  const [path, log, worker, ttlMs, runs] = Deno.args as [string, string, string, string, string];
  const { store, release } = await openStore(path);
  const { store: counted } = new CountedStore(store);
  const file = Deno.openSync(log, { append: true, create: true });
  const utf8 = new TextEncoder();
  let called = false;
  const engine = await engineOn(counted, ".", ({ run, cell, clock }) => {
    if (!called) console.log("begun");
    called = true;
    file.writeSync(utf8.encode(`${run} ${cell.name}\n`));
    return clock.sleep(1).then(() => ({ type: "succeeded", value: 1 }));
  }, { worker, sessionTtlMs: Number(ttlMs) });
  await inParallel(
    Number(runs),
    100,
    () => engine.submit({ notebook: "bench", text: chainOf(CHAIN), author: "bench" }),
  );
  // A run that has not ended has a lease or waits for one; asking for the runs themselves would read a thousand heads.
  while (await anyIn(counted, "lease") || await anyIn(counted, "ready")) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const all = await engine.runs({ limit: 1_000 });
  if (all.length === 0 || all.some(({ label }) => label !== "succeeded")) {
    throw new Error("Not all runs succeeded");
  }
  console.log("done");
  await engine.close();
  await release();
}
