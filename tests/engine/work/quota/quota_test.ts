/** Quotas end to end: how many at a time, how often, over all runs. */
import { assert, assertEquals } from "@std/assert";
import type { Attempt, Outcome } from "../../../../engine/kinds/kind.ts";
import {
  quotaHolderKey,
  quotaHolderPrefix,
  quotaSlotKey,
  quotaSlotPrefix,
  quotaUsePrefix,
} from "../../../../engine/store/keys.ts";
import { encodeRecord } from "../../../../engine/store/codec.ts";
import { memoryStore } from "../../../../engine/store/memory.ts";
import type { Store } from "../../../../engine/store/store.ts";
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
  untilAborted,
} from "../_harness.ts";

const left = async (store: Store) =>
  (await Promise.all(
    [quotaSlotPrefix(), quotaHolderPrefix()].map((prefix) => Array.fromAsync(store.list(prefix))),
  )).flat().map(({ key }) => key.join("/"));

/** Cells that count how many of them are at work. */
function counting(names: string[], during: (attempt: Attempt) => Promise<Outcome | void> | void = () => {}) {
  const seen = { open: 0, most: 0, order: [] as string[] };
  const act = async (attempt: Attempt): Promise<Outcome> => {
    seen.order.push(attempt.cell.name);
    seen.most = Math.max(seen.most, ++seen.open);
    try {
      const outcome = await during(attempt);
      await new Promise((resolve) => setTimeout(resolve, 1));
      return outcome ?? { type: "succeeded", value: 1 };
    } finally {
      seen.open--;
    }
  };
  return { seen, kind: new ScriptedKind(Object.fromEntries(names.map((name) => [name, act]))) };
}

const cells = (count: number) => Array.from({ length: count }, (_, i) => `c${i}`);
const text = (names: string[], quotas: string, concurrency = 50) =>
  `---\nconcurrency: ${concurrency}\nerrors: continue\n---\n` +
  notebookOf(
    Object.fromEntries(names.map((name) => [name, []])),
    Object.fromEntries(names.map((name) => [name, `quotas: ${quotas}`])),
  );

Deno.test("Q2 R05 EN-1202 so many run at a time, and each slot is free again in the commit that ends its attempt", async () => {
  const store = memoryStore();
  const names = cells(8);
  const { kind, seen } = counting(names);
  const engine = await engineOf(kept(store), kind);
  const notebook = { notebook: "n", text: text(names, "[{ name: api, maxConcurrent: 2 }]"), author: "t" };
  const runs = [(await engine.submit(notebook)).run, (await engine.submit(notebook)).run];
  for (const run of runs) assertEquals((await soon(ended(engine, run))).label, "succeeded");
  assertEquals([seen.most, seen.order.length, await left(store)], [2, 16, []]);
  await engine.close();
});

Deno.test("EN-1203 who came first begins first, and one that waits says for what", async () => {
  const store = memoryStore();
  const names = cells(4);
  const held = gate();
  const { kind, seen } = counting(names, ({ cell }) => cell.name === "c0" ? held.opened : undefined);
  const engine = await engineOf(kept(store), kind);
  const { run } = await engine.submit({
    notebook: "n",
    text: text(names, "[{ name: api, maxConcurrent: 1 }]"),
    author: "t",
  });
  for (const name of ["c1", "c2", "c3"]) await soon(happened(engine, run, "step.held", name));
  const { label, wait } = await engine.stepState(run, "c2");
  assertEquals([label, wait?.wait, wait?.what], ["held", "quota", "All slots of the quota 'api' are taken"]);
  assert(wait!.until !== undefined);
  held.open();
  await soon(ended(engine, run));
  assertEquals(seen.order, names);
  await engine.close();
});

Deno.test("EN-1201 EN-1203 in any window begin so many at most, and not before the time that was told", async () => {
  const store = memoryStore();
  const clock = new ManualClock();
  const began: number[] = [];
  const names = cells(7);
  const { kind } = counting(names, ({ clock }) => void began.push(clock.now()));
  const engine = await engineOf(kept(store), kind, { clock });
  const { run } = await engine.submit({
    notebook: "n",
    text: text(names, "[{ name: api, window: 10s, max: 3 }]"),
    author: "t",
  });
  assertEquals((await pass(clock, ended(engine, run), 200)).label, "succeeded");
  for (const at of began) assert(began.filter((other) => other > at - 10_000 && other <= at).length <= 3);
  assertEquals(began.length, 7);
  assert(began.at(-1)! - began[0]! < 30_000, `took ${began.at(-1)! - began[0]!} ms`);
  await engine.close();
});

Deno.test("EN-1204 an attempt has all its quotas or none, and waits for the one that has no room without the other", async () => {
  const store = memoryStore();
  const held = gate();
  const { kind } = counting(["a", "b", "c"], ({ cell }) => cell.name === "a" ? held.opened : undefined);
  const engine = await engineOf(kept(store), kind);
  const x = "{ name: x, maxConcurrent: 1 }";
  const y = "{ name: y, maxConcurrent: 1 }";
  const both = notebookOf({ a: [], b: [] }, { a: `quotas: [${x}]`, b: `quotas: [${y}, ${x}]` });
  const { run } = await engine.submit({ notebook: "n", text: both, author: "t" });
  await soon(happened(engine, run, "step.held", "b"));
  const other = await engine.submit({
    notebook: "m",
    text: notebookOf({ c: [] }, { c: `quotas: [${y}]` }),
    author: "t",
  });
  assertEquals((await soon(ended(engine, other.run))).label, "succeeded");
  held.open();
  assertEquals((await soon(ended(engine, run))).label, "succeeded");
  assertEquals(await left(store), []);
  await engine.close();
});

Deno.test("EN-1202 a slot is free while its attempt is suspended, and what it had saved is there when it goes on", async () => {
  const store = memoryStore();
  const { kind, seen } = counting(
    ["a", "b"],
    ({ cell, saved }) => {
      if (cell.name !== "a") return Promise.resolve();
      return Promise.resolve(
        saved === undefined
          ? { type: "delayed", ms: 30, saved: { n: 7 } } as const
          : { type: "succeeded", value: saved } as const,
      );
    },
  );
  const engine = await engineOf(kept(store), kind);
  const { run } = await engine.submit({
    notebook: "n",
    text: text(["a", "b"], "[{ name: api, maxConcurrent: 1 }]"),
    author: "t",
  });
  const view = await soon(ended(engine, run));
  assertEquals([view.label, view.cells.a?.value], ["succeeded", { inline: { n: 7 } }]);
  assertEquals([seen.most, seen.order.toSorted(), await left(store)], [1, ["a", "a", "b"], []]);
  await engine.close();
});

Deno.test("Q2 EN-1202 slots of attempts that were cancelled, given back or lost are free again", async () => {
  const store = memoryStore();
  const kind = new ScriptedKind({ a: untilAborted });
  const engine = await engineOf(kept(store), kind);
  const one = text(["a"], "[{ name: api, maxConcurrent: 1 }]");
  const first = await engine.submit({ notebook: "n", text: one, author: "t" });
  while ((await left(store)).length < 2) await happened(engine, first.run, "step.started");
  await engine.release(first.run);
  await soon(happened(engine, first.run, "run.released"));
  while ((await left(store)).length < 2) await happened(engine, first.run, "step.started");
  await engine.release(first.run, { force: true });
  await soon(happened(engine, first.run, "run.adopted"));
  await engine.tell(first.run, { type: "cancelRun", by: "ann" });
  await soon(ended(engine, first.run));
  assertEquals(await left(store), []);
  await engine.close();
});

Deno.test("EN-1201 a quota that was made concerns all cells of a kind; one that is named and not there fails the cell", async () => {
  const store = memoryStore();
  const { kind, seen } = counting(cells(3));
  const engine = await engineOf(kept(store), kind);
  await engine.quotas.make({ name: "ts", maxConcurrent: 1, on: { kind: "ts" } });
  const plain = notebookOf(Object.fromEntries(cells(3).map((name) => [name, []])));
  const { run } = await engine.submit({ notebook: "n", text: plain, author: "t" });
  await soon(ended(engine, run));
  assertEquals([seen.most, seen.order.length], [1, 3]);
  const missing = await engine.submit({ notebook: "n", text: text(["c0"], "[nope]"), author: "t" });
  const view = await soon(ended(engine, missing.run));
  assertEquals(view.cells.c0?.problem?.code, "quota_not_found");
  await engine.close();
});

Deno.test("EN-1203 more room lets those who wait begin at once", async () => {
  const store = memoryStore();
  const clock = new ManualClock();
  const { kind } = counting(["c0", "c1"]);
  const engine = await engineOf(kept(store), kind, { clock });
  await engine.quotas.make({ name: "day", windowMs: 86_400_000, max: 1 });
  const { run } = await engine.submit({ notebook: "n", text: text(["c0", "c1"], "[day]"), author: "t" });
  await pass(clock, happened(engine, run, "step.held"), 10);
  assertEquals((await engine.quotas.get("day")).inWindow, 1);
  await engine.quotas.change("day", { windowMs: 86_400_000, max: 2 });
  assertEquals((await pass(clock, ended(engine, run), 100)).label, "succeeded");
  assert(clock.now() < 86_400_000 + new ManualClock().now());
  await engine.close();
});

Deno.test("EN-1201 where no quota concerns a cell nothing is written for one", async () => {
  const store = memoryStore();
  const { kind } = counting(["c0"]);
  const engine = await engineOf(kept(store), kind);
  const { run } = await engine.submit({ notebook: "n", text: notebookOf({ c0: [] }), author: "t" });
  await soon(ended(engine, run));
  assertEquals((await Array.fromAsync(store.list(quotaUsePrefix("api")))).length, 0);
  const types = (await journalOf(store, run)).map(({ type }) => type);
  assertEquals(types, ["run.queued", "run.started", "step.started", "step.succeeded", "run.ended"]);
  await engine.close();
});

Deno.test("P16 Q2 fifty attempts with retries, cancels and a lost worker: never more at work than slots, and none left over", async () => {
  const store = memoryStore();
  const names = cells(50);
  let calls = 0;
  const { kind, seen } = counting(names, ({ attempt, cell }) => {
    calls++;
    const number = Number(cell.name.slice(1));
    if (attempt === 1 && number % 5 === 0) {
      return Promise.resolve({ type: "failed", problem: { category: "network", message: "cut" } } as const);
    }
  });
  const header = "[{ name: api, maxConcurrent: 4 }]\nretry: { attempts: 4, initial: 1ms, jitter: none }";
  const engine = await engineOf(kept(store), kind, { slots: 50 });
  const { run } = await engine.submit({ notebook: "n", text: text(names, header), author: "t" });
  while (calls < 10) await new Promise((resolve) => setTimeout(resolve, 1));
  await engine.tell(run, { type: "cancelStep", step: "c44", by: "ann" });
  await engine.tell(run, { type: "skipStep", step: "c45", by: "ann" });
  await engine.release(run, { force: true });
  const view = await soon(ended(engine, run));
  const labels = Object.values(view.cells).map(({ label }) => label);
  assertEquals(labels.filter((label) => label === "succeeded").length, 48, view.label);
  // What a lost session had at work may go on for a moment.
  assert(seen.most <= 8, `${seen.most} at a time`);
  assertEquals(await left(store), []);
  await engine.close();
});

Deno.test("Q2 a slot whose attempt is over is found by who is refused, and freed", async () => {
  const store = memoryStore();
  const session = (await store.openSession("vandal", 15_000, ""))!;
  const value = encodeRecord({ attempt: 1, at: 1 });
  const puts = [quotaSlotKey("api", "run_gone", "x"), quotaHolderKey("run_gone", "x", "api")]
    .map((key) => ({ key, value }));
  await store.commit(session, [], puts, []);
  await store.closeSession(session);
  const { kind } = counting(["a"]);
  const engine = await engineOf(kept(store), kind);
  const { run } = await engine.submit({
    notebook: "n",
    text: text(["a"], "[{ name: api, maxConcurrent: 1 }]"),
    author: "t",
  });
  assertEquals((await soon(ended(engine, run))).label, "succeeded");
  assertEquals(await left(store), []);
  await engine.close();
});

Deno.test("EN-1202 an attempt that another worker makes holds its slot there, and it is free with its report", async () => {
  const store = memoryStore();
  const { kind, seen } = counting(["a", "b"]);
  const owner = await engineOf(kept(store), kind, { worker: "w1" });
  const other = await engineOf(kept(store), kind, { worker: "w2", capabilities: ["gpu"], only: [] });
  const header = "[{ name: api, maxConcurrent: 1 }]\nrequires: [gpu]";
  const { run } = await owner.submit({ notebook: "n", text: text(["a", "b"], header), author: "t" });
  assertEquals((await soon(ended(owner, run))).label, "succeeded");
  assertEquals([seen.most, seen.order.length, await left(store)], [1, 2, []]);
  await other.close();
  await owner.close();
});

Deno.test("EN-1201 Q2 two workers of one store take no slot twice", async () => {
  const store = memoryStore();
  const names = cells(12);
  const { kind, seen } = counting(names);
  const workers = await Promise.all(["w1", "w2"].map((worker) => engineOf(kept(store), kind, { worker })));
  const notebook = { notebook: "n", text: text(names, "[{ name: api, maxConcurrent: 2 }]"), author: "t" };
  const runs = [];
  for (const engine of workers) runs.push((await engine.submit(notebook)).run);
  for (const run of runs) assertEquals((await soon(ended(workers[0]!, run))).label, "succeeded");
  assertEquals([seen.most <= 2, seen.order.length, await left(store)], [true, 24, []]);
  for (const engine of workers) await engine.close();
});
