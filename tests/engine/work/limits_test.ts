/** What a run may hold and how many there may be: the largest that is allowed passes, and more than that harms nobody. */
import { assert, assertEquals } from "@std/assert";
import type { Json } from "../../../engine/base/json.ts";
import { encodeRecord } from "../../../engine/store/codec.ts";
import { memoryStore } from "../../../engine/store/memory.ts";
import { ManualClock } from "../../_support/manual_clock.ts";
import {
  ended,
  engineOf,
  gate,
  happened,
  inboxEmptied,
  journalOf,
  kept,
  KeptLog,
  nested,
  notebookOf,
  pass,
  ScriptedKind,
  untilAborted,
  withMethods,
} from "./_harness.ts";

const CASES: [string, Json][] = [["in its record", 1], ["beside it", "x".repeat(10_000)]];

for (const [where, inner] of CASES) {
  Deno.test(`C1 a value and a param nested 100 deep, kept ${where}, survive journal, view, adoption and reading`, async () => {
    const deep = nested(100, inner);
    const store = memoryStore();
    const text = `---\nweft: 1\nparams:\n  p: { type: json }\n---\n${notebookOf({ a: [], b: ["a", "p"] })}`;
    const first = new ScriptedKind({ a: () => ({ type: "succeeded", value: deep }), b: untilAborted });
    const before = await engineOf(kept(store), first);
    const { run } = await before.submit({ notebook: "n", text, params: { p: deep }, author: "t" });
    await happened(before, run, "step.started", "b");
    assertEquals((await before.view(run)).cells.a!.label, "succeeded");

    let seen: Json = null;
    const second = new ScriptedKind({
      b: ({ inputs }) => {
        seen = [inputs.a!, inputs.p!];
        return { type: "succeeded", value: inputs.a! };
      },
    });
    const after = await engineOf(store, second);
    const view = await ended(after, run);
    assertEquals([view.label, view.cells.b!.reason, second.calls], ["succeeded", "recovery", ["b#2"]]);
    assertEquals(seen, [deep, deep]);
    assertEquals(await after.value(run, "b"), deep);
    assertEquals((await after.plan({ notebook: "n", text, params: { p: deep } })).problems, []);
    await before.close();
    await after.close();
  });
}

const UNREADABLE: [string, Json][] = [
  ["101 deep", nested(101)],
  ["5,000 deep", nested(5000)],
  ["nothing", undefined as unknown as Json],
];
for (const [what, value] of UNREADABLE) {
  Deno.test(`C1 a value that could not be read back fails its cell: ${what}`, async () => {
    const engine = await engineOf(
      memoryStore(),
      new ScriptedKind({ a: () => ({ type: "succeeded", value }) }),
    );
    const view = await ended(
      engine,
      (await engine.submit({ notebook: "n", text: notebookOf({ a: [] }), author: "t" })).run,
    );
    assertEquals([view.label, view.cells.a!.problem?.category], ["failed", "invalid_output"]);
    await engine.close();
  });
}

for (const retryAfterMs of [Infinity, NaN, 1e308, -5, -Infinity, 3_600_001]) {
  Deno.test(`EN-405 told to try again after ${retryAfterMs} ms, a cell waits an hour at most and its run stays readable`, async () => {
    const clock = new ManualClock();
    const store = memoryStore({ clock });
    const kind = new ScriptedKind({
      a: ({ attempt }) =>
        attempt === 1
          ? { type: "failed", problem: { category: "network", message: "cut" }, retryAfterMs }
          : { type: "succeeded", value: 1 },
    });
    const engine = await engineOf(store, kind, { clock });
    const text = notebookOf({ a: [] }, { a: "retry: { attempts: 2, initial: 1s, jitter: none }" });
    const { run } = await engine.submit({ notebook: "n", text, author: "t" });
    await pass(clock, happened(engine, run, "step.retried"), 1);
    const retried = (await journalOf(store, run)).find((event) => event.type === "step.retried")!;
    const wait = retried.due - clock.now();
    assert(wait > 0 && wait <= 3_600_000, `due in ${wait} ms`);
    assertEquals((await engine.view(run)).cells.a!.label, "retrying");
    assertEquals((await pass(clock, ended(engine, run), 10_000)).label, "succeeded");
    await pass(clock, engine.close());
  });
}

Deno.test("C4 however long the words of a command are, it is applied, or dropped, and the worker goes on", async () => {
  const store = memoryStore();
  const log = new KeptLog();
  const engine = await engineOf(store, new ScriptedKind({ a: untilAborted }), { log });
  const { run } = await engine.submit({ notebook: "n", text: notebookOf({ a: [] }), author: "t" });
  await happened(engine, run, "step.started");
  // The largest that an inbox takes: as an event it would be over the limit of a record.
  await store.post(run, "cmd_0", encodeRecord({ type: "pauseRun", by: "x".repeat(59_950) }));
  await engine.submit({ notebook: "n", text: notebookOf({ b: [] }), author: "t" });
  await inboxEmptied(store);
  await engine.tell(run, { type: "stopRun", by: "y".repeat(70_000) });
  const next = await engine.submit({ notebook: "n", text: notebookOf({ b: [] }), author: "t" });
  assertEquals((await ended(engine, next.run)).label, "succeeded");
  await engine.tell(run, { type: "cancelRun", by: "ann" });
  assertEquals((await ended(engine, run)).label, "cancelled");
  const told = (await journalOf(store, run)).flatMap((event) =>
    "by" in event ? [[event.type, event.by]] : []
  );
  assertEquals(told, [["run.stopping", "y".repeat(200)], ["run.cancelling", "ann"]]);
  assertEquals(log.entries.filter(({ code }) => code === "session_lost"), []);
  await engine.close();
});

Deno.test("EN-603 C4 600 runs that are cancelled at once all end", async () => {
  const store = memoryStore();
  const client = await engineOf(kept(store), new ScriptedKind(), { worker: null });
  const runs = await submitted(client, 600);
  const log = new KeptLog();
  const engine = await engineOf(store, new ScriptedKind({ a: untilAborted }), { log });
  await Promise.all(runs.map((run) => engine.tell(run, { type: "cancelRun", by: "ann" })));
  await Promise.all(runs.map((run) => ended(engine, run)));
  const labels = (await engine.runs({ limit: 1000 })).map(({ label }) => label);
  assertEquals(labels, Array(600).fill("cancelled"));
  assertEquals(log.entries.filter(({ code }) => code === "session_lost"), []);
  await client.close();
  await engine.close();
});

Deno.test("Q3 600 runs share 32 slots and all end", async () => {
  const store = memoryStore();
  const client = await engineOf(kept(store), new ScriptedKind(), { worker: null });
  const runs = await submitted(client, 600);
  let [open, most] = [0, 0];
  const full = gate();
  const kind = new ScriptedKind({
    a: async ({ clock }) => {
      most = Math.max(most, ++open);
      // The first ones wait for each other, so that every slot is taken once.
      if (open === 32) full.open();
      await full.opened;
      await clock.sleep(1);
      open--;
      return { type: "succeeded", value: 1 };
    },
  });
  const log = new KeptLog();
  const engine = await engineOf(store, kind, { log });
  await Promise.all(runs.map((run) => ended(engine, run)));
  assertEquals([kind.calls.length, new Set((await engine.runs({ limit: 1000 })).map((r) => r.label))], [
    600,
    new Set(["succeeded"]),
  ]);
  assertEquals([most, log.entries.filter(({ code }) => code === "session_lost")], [32, []]);
  await client.close();
  await engine.close();
});

async function submitted(engine: Awaited<ReturnType<typeof engineOf>>, count: number): Promise<string[]> {
  const runs: string[] = [];
  const text = notebookOf({ a: [] });
  for (let i = 0; i < count; i++) runs.push((await engine.submit({ notebook: "n", text, author: "t" })).run);
  return runs;
}

Deno.test("EN-207 a submission that the worker takes in reads no leases and no sessions", async () => {
  const read: string[] = [];
  const store = memoryStore();
  const front = withMethods(store, {
    list(prefix, options) {
      read.push(String(prefix[0]));
      return store.list(prefix, options);
    },
  });
  const engine = await engineOf(front, new ScriptedKind());
  read.length = 0;
  const runs = [];
  for (let i = 0; i < 5; i++) {
    runs.push(await engine.submit({ notebook: "n", text: notebookOf({ a: [] }), author: "t" }));
  }
  assertEquals(read.filter((part) => part === "lease" || part === "session"), []);
  for (const { run } of runs) await ended(engine, run);
  await engine.close();
});

Deno.test("C4 Q1 more runs submitted at once than a turn holds all appear whole, and end", async () => {
  const store = memoryStore();
  const kind = new ScriptedKind({
    a: async ({ clock }) => (await clock.sleep(1), { type: "succeeded", value: 1 }),
  });
  const engine = await engineOf(store, kind);
  const text = notebookOf({ a: [] });
  const request = { notebook: "n", text, author: "t" };
  // The first makes the turn in flight, the others wait together for the next.
  const runs = await Promise.all(Array.from({ length: 250 }, () => engine.submit(request)));
  for (const { run } of runs) {
    assertEquals((await journalOf(store, run))[0]?.type, "run.queued");
    assertEquals((await ended(engine, run)).label, "succeeded");
  }
  await engine.close();
});
