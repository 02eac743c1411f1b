/** What the test of races starts as other processes: `count.ts ADDRESS WORKER TIMES` adds to one number. */
import { openStore } from "../../../../engine/store/open.ts";

const [address, worker, times] = Deno.args as [string, string, string];
const { store, release } = await openStore(address);
const session = (await store.openSession(worker, 60_000, ""))!;
for (let done = 0; done < Number(times);) {
  const [seen] = await store.get([["count"]]);
  const next = String(Number(new TextDecoder().decode(seen!.value)) + 1);
  const value = new TextEncoder().encode(next);
  if (await store.commit(session, [seen!], [{ key: ["count"], value }], []) !== "ok") continue;
  done++;
  Deno.stdout.writeSync(new TextEncoder().encode("+"));
}
await release();
