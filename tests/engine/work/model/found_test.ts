/** Orders of events in which the model found that a run had two owners, or none, put in so that they come for sure. */
import { assert, assertEquals } from "@std/assert";
import { leaseKey } from "../../../../engine/store/keys.ts";
import { memoryStore } from "../../../../engine/store/memory.ts";
import type { Store } from "../../../../engine/store/store.ts";
import { readLease } from "../../../../engine/work/records.ts";
import { ManualClock } from "../../../_support/manual_clock.ts";
import {
  ended,
  engineOf,
  gate,
  happened,
  journalOf,
  kept,
  notebookOf,
  pass,
  ScriptedKind,
  soon,
  turn,
  untilAborted,
  withMethods,
} from "../_harness.ts";

/** Holds back the reply to the first commit that matches while `armed`; the commit itself is durable. */
function heldReply(store: Store, match: (puts: string[], deletes: string[]) => boolean) {
  const [held, arrived] = [gate(), gate()];
  const state = { armed: false };
  const texts = (keys: (readonly (string | number)[])[]) => keys.map((key) => key.join("/"));
  const slow = withMethods(store, {
    async commit(session, checks, puts, deletes) {
      const answer = await store.commit(session, checks, puts, deletes);
      if (state.armed && match(texts(puts.map(({ key }) => key)), texts([...deletes]))) {
        state.armed = false;
        arrived.open();
        await held.opened;
      }
      return answer;
    },
  });
  return { store: slow, state, arrived: arrived.opened, reply: held.open };
}

for (const type of ["restartRun", "retryStep"] as const) {
  Deno.test(`L1 Q1 EN-606 a ${type} that comes while the end of its run is being written finds the run an owner`, async () => {
    const inner = memoryStore();
    const held = heldReply(inner, (_, deletes) => deletes.some((key) => key.startsWith("lease/")));
    const again = gate();
    const kind = new ScriptedKind({
      a: async ({ attempt }) => {
        if (attempt === 1) return { type: "delayed", ms: 10_000 };
        return await again.opened, { type: "succeeded", value: 2 };
      },
    });
    const engine = await engineOf(held.store, kind);
    const { run } = await engine.submit({ notebook: "n", text: notebookOf({ a: [] }), author: "t" });
    await happened(engine, run, "step.delayed");
    for (let i = 0; i < 5; i++) await turn();
    held.state.armed = true;
    const by = "ann";
    const cancelled = engine.tell(run, { type: "cancelRun", by });
    await soon(held.arrived);
    const told = engine.tell(run, type === "restartRun" ? { type, by } : { type, step: "a", by });
    for (let i = 0; i < 5; i++) await turn();
    held.reply();
    assertEquals([(await soon(cancelled)).state, (await soon(told)).state], ["applied", "applied"]);
    while (!kind.calls.includes("a#2")) await turn();
    const [lease] = await inner.get([leaseKey(run)]);
    assertEquals(lease === undefined ? "none" : readLease(lease), { session: "w1", epoch: 2 });
    again.open();
    assertEquals((await soon(ended(engine, run))).label, "succeeded");
    assertEquals(kind.calls, ["a#1", "a#2"]);
    await soon(engine.close());
  });
}

Deno.test("L1 a look that is rung for while a new session takes up what the last one left does not take it twice", async () => {
  const inner = memoryStore();
  const held = heldReply(inner, (puts) => puts.some((key) => key.startsWith("lease/")));
  const [taken, listed] = [gate(), gate()];
  let slow = false;
  // The second look has read the leases when the first has taken what it found.
  const front = withMethods(held.store, {
    async *list(prefix, options) {
      if (slow && prefix[0] === "session") {
        listed.open();
        await taken.opened;
      }
      yield* inner.list(prefix, options);
    },
  });
  const kind = new ScriptedKind({ a: untilAborted });
  // One that looks for what was left whenever it is given something.
  const engine = await engineOf(front, kind, { only: [] });
  const { run } = await engine.submit({ notebook: "n", text: notebookOf({ a: [] }), author: "t" });
  await happened(engine, run, "step.started");
  held.state.armed = true;
  await soon(engine.release(run, { force: true }));
  await soon(held.arrived);
  slow = true;
  const other = engine.submit({ notebook: "n", text: notebookOf({ b: [] }), author: "t", key: "k" });
  for (let i = 0; i < 20; i++) await turn();
  held.reply();
  while (!kind.calls.includes("a#2")) await turn();
  await soon(listed.opened);
  taken.open();
  assertEquals((await soon(ended(engine, (await soon(other)).run))).label, "succeeded");
  await soon(engine.tell(run, { type: "cancelRun", by: "ann" }));
  assertEquals((await soon(ended(engine, run))).label, "cancelled");
  const types = (await journalOf(inner, run)).map(({ type }) => type);
  assertEquals(types.filter((type) => type === "run.adopted").length, 1);
  assertEquals(kind.calls.filter((call) => call.startsWith("a")), ["a#1", "a#2"]);
  await soon(engine.close());
});

Deno.test("L4 an attempt whose run is given back while it reads its inputs does not begin", async () => {
  const inner = memoryStore();
  const [reads, read] = [gate(), gate()];
  let slow = false;
  const front = withMethods(inner, {
    async get(keys) {
      if (slow && keys.some(([kind]) => kind === "chunk")) {
        slow = false;
        reads.open();
        await read.opened;
      }
      return await inner.get(keys);
    },
  });
  const kind = new ScriptedKind({
    a: () => {
      slow = true;
      return { type: "succeeded", value: "x".repeat(20_000) };
    },
  });
  const engine = await engineOf(front, kind);
  const { run } = await engine.submit({ notebook: "n", text: notebookOf({ a: [], b: ["a"] }), author: "t" });
  await soon(reads.opened);
  await soon(engine.release(run));
  read.open();
  assertEquals((await soon(ended(engine, run))).label, "succeeded");
  assertEquals(kind.calls, ["a#1", "b#2"]);
  await soon(engine.close());
});

Deno.test("L2 EN-507 a run that is queued again for want of room, by whoever found its owner dead, keeps its epoch", async () => {
  const [stopped, clock] = [new ManualClock(), new ManualClock()];
  const inner = memoryStore({ clock });
  const held = heldReply(inner, (puts) => puts.some((key) => key.startsWith("lease/")));
  const client = await engineOf(kept(inner), new ScriptedKind(), { clock, worker: null });
  const { run } = await client.submit({ notebook: "n", text: notebookOf({ a: [] }), author: "t" });
  // It dies with its first claim, before it has written anything else of the run.
  held.state.armed = true;
  const dead = engineOf(kept(held.store), new ScriptedKind(), { clock: stopped });
  await soon(held.arrived);
  const full = await engineOf(kept(inner), new ScriptedKind(), { clock, worker: "w2", maxRuns: 0 });
  const lease = async () => (await inner.get([leaseKey(run)]))[0];
  for (let left = 100; await lease() !== undefined; left--) {
    assert(left > 0, "nobody found its owner dead");
    await pass(clock, turn(), 1_000);
    await clock.advance(1_000);
  }
  await pass(clock, full.close());
  const kind = new ScriptedKind({ a: untilAborted });
  const heir = await engineOf(kept(inner), kind, { clock, worker: "w3" });
  while (kind.calls.length === 0) await pass(clock, turn(), 10);
  assertEquals(readLease((await lease())!), { session: "w3", epoch: 2 });
  held.reply();
  await pass(stopped, (await dead).close());
  await pass(clock, heir.close());
  await client.close();
});
