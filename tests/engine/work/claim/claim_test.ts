/** Who comes to own which runs: room, order, races. */
import { assert, assertEquals } from "@std/assert";
import { leasePrefix, readyPrefix } from "../../../../engine/store/keys.ts";
import { memoryStore } from "../../../../engine/store/memory.ts";
import type { Store } from "../../../../engine/store/store.ts";
import { readLease } from "../../../../engine/work/records.ts";
import { ManualClock } from "../../../_support/manual_clock.ts";
import {
  ended,
  engineOf,
  gate,
  journalOf,
  kept,
  notebookOf,
  pass,
  ScriptedKind,
  turn,
  untilAborted,
  withMethods,
} from "../_harness.ts";

const ONE = notebookOf({ a: [] });

/** Submits runs that nobody takes up yet. */
async function waiting(store: Store, clock: ManualClock, count: number): Promise<string[]> {
  const client = await engineOf(kept(store), new ScriptedKind(), { clock, worker: null });
  const runs: string[] = [];
  for (let i = 0; i < count; i++) {
    runs.push((await client.submit({ notebook: "n", text: ONE, author: "t" })).run);
  }
  await client.close();
  return runs;
}

async function owners(store: Store): Promise<Record<string, number>> {
  const count: Record<string, number> = {};
  for await (const entry of store.list(leasePrefix)) {
    const { session } = readLease(entry);
    count[session] = (count[session] ?? 0) + 1;
  }
  return count;
}

const ready = async (store: Store) => (await Array.fromAsync(store.list(readyPrefix("default")))).length;

Deno.test("EN-506 R08 workers claim different runs at once, each once, and no more than each has room for", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const runs = await waiting(store, clock, 12);
  const go = gate();
  const kind = new ScriptedKind({ a: async () => (await go.opened, { type: "succeeded", value: 1 }) });
  const names = ["w1", "w2", "w3", "w4"];
  const engines = await Promise.all(
    names.map((worker) => engineOf(kept(store), kind, { clock, worker, maxRuns: 3 })),
  );
  for (let i = 0; i < 10 && await ready(store) > 0; i++) await clock.advance(100);
  assertEquals(await owners(store), { w1: 3, w2: 3, w3: 3, w4: 3 });
  go.open();
  for (const run of runs) assertEquals((await pass(clock, ended(engines[0]!, run), 1)).label, "succeeded");
  assertEquals(kind.calls.length, 12, "each ran once");
  for (const engine of engines) await pass(clock, engine.close());
});

Deno.test("EN-507 an adopter takes what it has room for and puts the rest back in the queue, where its turn comes", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const kind = new ScriptedKind({
    a: (attempt) => attempt.attempt === 1 ? untilAborted(attempt) : { type: "succeeded", value: 1 },
  });
  const lost = await engineOf(kept(store), kind, { clock });
  const runs = [];
  for (let i = 0; i < 5; i++) runs.push((await lost.submit({ notebook: "n", text: ONE, author: "t" })).run);
  await turn();
  assertEquals(await owners(store), { w1: 5 });
  // A worker of the same name takes the place of the one that is now silent.
  const next = await engineOf(kept(store), kind, { clock, maxRuns: 2 });
  for (const run of runs) assertEquals((await pass(clock, ended(next, run), 10)).label, "succeeded");
  for (const run of runs) {
    const events = (await journalOf(store, run)).map(({ type }) => type);
    assertEquals(events.filter((type) => type === "run.adopted").length, 1, events.join());
  }
  await pass(clock, next.close());
  await pass(clock, lost.close());
});

Deno.test("L3 EN-517 of several claims in one operation, one that has lost its race loses alone", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const runs = await waiting(store, clock, 6);
  let operations = 0;
  let stolen: string | undefined;
  const thief = (await store.openSession("thief", 3_600_000, ""))!;
  const front = withMethods(kept(store), {
    async commit(session, checks, puts, deletes) {
      const claims = checks.filter(({ key }) => key[0] === "ready").length;
      if (claims > 1 && stolen === undefined) {
        // In the moment before it is written, another worker takes one of them.
        const theirs = checks.find(({ key }) => key[0] === "ready")!;
        stolen = String(theirs.key.at(-1));
        await store.commit(thief, [theirs], [], [theirs.key]);
      }
      if (claims > 0) operations++;
      return await store.commit(session, checks, puts, deletes);
    },
  });
  const kind = new ScriptedKind();
  const engine = await engineOf(front, kind, { clock });
  const mine = runs.filter((run) => run !== stolen);
  for (const run of mine) assertEquals((await pass(clock, ended(engine, run), 1)).label, "succeeded");
  assert(stolen !== undefined && operations < 2 + 3 + 3, `${operations} operations for 6 claims`);
  assertEquals((await engine.state(stolen)).label, "queued");
  assertEquals(kind.calls.length, 5);
  await pass(clock, engine.close());
});
