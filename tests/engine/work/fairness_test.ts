/** Slots and places in memory are for all runs: none takes more than there are, and none keeps another waiting for long. */
import { assert, assertEquals } from "@std/assert";
import { encodeRecord } from "../../../engine/store/codec.ts";
import { memoryStore } from "../../../engine/store/memory.ts";
import { ManualClock } from "../../_support/manual_clock.ts";
import {
  type Behaviour,
  ended,
  engineOf,
  gate,
  happened,
  inboxEmptied,
  kept,
  notebookOf,
  pass,
  ScriptedKind,
  soon,
  turn,
  untilAborted,
} from "./_harness.ts";

const SLOTS = 32;

/** A run of `count` cells that need nothing of each other. */
function wide(count: number, concurrency = SLOTS): { text: string; cells: string[] } {
  const cells = Array.from({ length: count }, (_, i) => `c${i}`);
  const notebook = notebookOf(Object.fromEntries(cells.map((cell) => [cell, []])));
  return { text: `---\nweft: 1\nconcurrency: ${concurrency}\n---\n\n${notebook}`, cells };
}

const all = (cells: string[], act: Behaviour[string]): Behaviour =>
  Object.fromEntries(cells.map((cell) => [cell, act]));

for (const way of ["died", "closed in good order"]) {
  Deno.test(`Q3 a worker that takes up 20 open attempts of one that ${way} opens no more than ${SLOTS} in all`, async () => {
    const clock = new ManualClock();
    const store = memoryStore({ clock });
    const { text, cells } = wide(100, 20);
    const stuck = new ScriptedKind(all(cells, untilAborted));
    const before = await engineOf(kept(store), stuck, { clock });
    const first = await before.submit({ notebook: "n", text, author: "t" });
    while (stuck.calls.length < 20) await turn();
    if (way !== "died") await pass(clock, before.close(), 1);
    let [open, most] = [0, 0];
    const kind = new ScriptedKind(all(cells, async ({ clock }) => {
      most = Math.max(most, ++open);
      await clock.sleep(100);
      open--;
      return { type: "succeeded", value: 1 };
    }));
    const after = await engineOf(store, kind, { clock });
    const second = await after.submit({ notebook: "n", text: wide(100).text, author: "t" });
    for (const { run } of [first, second]) {
      assertEquals((await pass(clock, ended(after, run), 10)).label, "succeeded");
    }
    assertEquals([most, stuck.calls.length, kind.calls.length], [SLOTS, 20, 200]);
    await pass(clock, after.close());
    if (way === "died") await pass(clock, before.close());
  });
}

Deno.test("Q3 EN-1303 a run of one cell waits for one slot of a run of 300, not for its end", async () => {
  const clock = new ManualClock();
  const { text, cells } = wide(300);
  const order: string[] = [];
  let begun = 0;
  const kind = new ScriptedKind({
    ...all(cells, async ({ clock }) => {
      await clock.sleep(10 + (begun++ % SLOTS) * 7);
      order.push("wide");
      return { type: "succeeded", value: 1 };
    }),
    solo: () => {
      order.push("solo");
      return { type: "succeeded", value: 1 };
    },
  });
  const engine = await engineOf(memoryStore({ clock }), kind, { clock });
  const first = await engine.submit({ notebook: "n", text, author: "t" });
  await pass(clock, happened(engine, first.run, "step.succeeded"), 1);
  const before = order.length;
  const { run } = await engine.submit({ notebook: "n", text: notebookOf({ solo: [] }), author: "t" });
  await pass(clock, ended(engine, run), 1);
  const waited = order.indexOf("solo") - before;
  assert(waited <= 4, `it waited for ${waited} cells of the other run`);
  assertEquals((await pass(clock, ended(engine, first.run), 50)).label, "succeeded");
  await pass(clock, engine.close());
});

Deno.test("Q3 EN-1303 five runs that want all slots get them by turns", async () => {
  const clock = new ManualClock();
  const { text, cells } = wide(100, 2 * SLOTS);
  const order: string[] = [];
  const kind = new ScriptedKind(all(cells, async ({ run, clock }) => {
    // Slots come free one at a time.
    await clock.sleep(10 + (order.push(run) % SLOTS) * 7);
    return { type: "succeeded", value: 1 };
  }));
  const store = memoryStore({ clock });
  const client = await engineOf(kept(store), kind, { worker: null, clock });
  const runs: string[] = [];
  for (let i = 0; i < 5; i++) runs.push((await client.submit({ notebook: "n", text, author: "t" })).run);
  const engine = await engineOf(store, kind, { clock });
  await pass(clock, Promise.all(runs.map((run) => ended(engine, run))), 5);
  // After the first, who came alone, each has had about a fifth of the starts by the middle.
  const middle = order.slice(0, 250);
  const shares = runs.map((run) => middle.filter((other) => other === run).length);
  for (const share of shares) assert(share >= 30, `shares of 250 starts: ${shares}`);
  await pass(clock, client.close());
  await pass(clock, engine.close());
});

Deno.test("EN-601 with 1,000 runs in hand a queued run can be cancelled, and once they are paused a new one is claimed", async () => {
  const store = memoryStore();
  const client = await engineOf(kept(store), new ScriptedKind(), { worker: null });
  const text = notebookOf({ a: [] });
  const submit = (cells = text) => client.submit({ notebook: "n", text: cells, author: "t" });
  const runs: string[] = [];
  for (let i = 0; i < 1000; i++) runs.push((await submit()).run);
  const release = gate();
  const kind = new ScriptedKind({ a: async () => (await release.opened, { type: "succeeded", value: 1 }) });
  const engine = await engineOf(store, kind);
  while (kind.calls.length < SLOTS) await turn();
  const [queued, next] = [(await submit()).run, (await submit(notebookOf({ b: [] }))).run];
  await engine.tell(queued, { type: "cancelRun", by: "ann" });
  assertEquals((await soon(ended(engine, queued))).label, "cancelled");
  await inboxEmptied(store);
  assertEquals((await engine.view(next)).label, "queued");

  await Promise.all(runs.map((run) => engine.tell(run, { type: "pauseRun", by: "ann" })));
  await happened(engine, next, "run.started");
  release.open();
  assertEquals((await ended(engine, next)).label, "succeeded");
  assertEquals(kind.calls.length, SLOTS + 1);
  await client.close();
  await engine.close();
});

Deno.test("EN-603 a run that was cancelled before anybody claimed it ends as cancelled and runs nothing", async () => {
  const store = memoryStore();
  const client = await engineOf(kept(store), new ScriptedKind(), { worker: null });
  const { run } = await client.submit({ notebook: "n", text: notebookOf({ a: [], b: ["a"] }), author: "t" });
  await client.tell(run, { type: "cancelRun", by: "cli" });
  const kind = new ScriptedKind({ a: untilAborted });
  const engine = await engineOf(store, kind);
  assertEquals((await ended(engine, run)).label, "cancelled");
  assertEquals(kind.calls.filter((call) => call.startsWith("b")), []);
  await client.close();
  await engine.close();
});

Deno.test("EN-101 a command to a run that has ended is dropped", async () => {
  const store = memoryStore();
  const engine = await engineOf(store, new ScriptedKind());
  const submit = () => engine.submit({ notebook: "n", text: notebookOf({ a: [] }), author: "t" });
  const { run } = await submit();
  await ended(engine, run);
  await store.post(run, "cmd_0", encodeRecord({ type: "cancelRun", by: "cli" }));
  await submit();
  await inboxEmptied(store);
  assertEquals((await engine.view(run)).label, "succeeded");
  await engine.close();
});
