/** Lanes: their shares, their limits, their states, and runs that change them while they wait. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../../../../engine/base/errors.ts";
import type { Engine } from "../../../../engine/mod.ts";
import type { RunRequest } from "../../../../engine/work/submit.ts";
import { memoryStore } from "../../../../engine/store/memory.ts";
import type { Store } from "../../../../engine/store/store.ts";
import { ManualClock } from "../../../_support/manual_clock.ts";
import {
  ended,
  engineOf,
  type EngineTraits,
  gate,
  happened,
  kept,
  notebookOf,
  pass,
  ScriptedKind,
  soon,
  turn,
} from "../_harness.ts";

const TEXT = notebookOf({ a: [] });
const submit = async (engine: Engine, more: Partial<RunRequest> = {}) =>
  (await engine.submit({ notebook: "n", text: TEXT, author: "t", ...more })).run;
const client = (store: Store, traits: EngineTraits = {}) =>
  engineOf(kept(store), new ScriptedKind(), { worker: null, ...traits });

Deno.test("EN-1302 of 1,000 starts under load each lane has its share by weight within 10 %", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const front = await client(store, { clock });
  const weights = { heavy: 5, light: 2, default: 1 };
  const lanes = Object.entries(weights);
  for (const [name, weight] of lanes) await front.lanes.put(name, { weight });
  const laneOf = new Map<string, string>();
  for (let i = 0; i < 800; i++) {
    for (const [lane] of lanes) laneOf.set(await submit(front, { lane }), lane);
  }
  const starts: string[] = [];
  const kind = new ScriptedKind({
    a: async ({ run, clock }) => {
      starts.push(laneOf.get(run)!);
      await clock.sleep(10);
      return { type: "succeeded", value: 1 };
    },
  });
  const workers = await Promise.all(
    ["w1", "w2"].map((worker) => engineOf(kept(store), kind, { worker, clock, slots: 4, maxRuns: 8 })),
  );
  const enough = (async () => {
    while (starts.length < 1000) await turn();
  })();
  await pass(clock, enough, 5);
  for (const [name, weight] of lanes) {
    const share = starts.slice(0, 1000).filter((lane) => lane === name).length;
    const due = 1000 * weight / 8;
    assert(Math.abs(share - due) <= due / 10, `${name} had ${share} of 1,000, not ${due}`);
  }
  for (const engine of [front, ...workers]) await pass(clock, engine.close());
  await store.close();
});

Deno.test("EN-1302 L6 a lane with a limit has no more runs under way over all workers, and all of them get there", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const front = await client(store, { clock });
  await front.lanes.put("few", { maxRuns: 3 });
  const runs: string[] = [];
  for (let i = 0; i < 20; i++) runs.push(await submit(front, { lane: "few" }));
  let [open, most] = [0, 0];
  const kind = new ScriptedKind({
    a: async ({ clock }) => {
      most = Math.max(most, ++open);
      await clock.sleep(50);
      open--;
      return { type: "succeeded", value: 1 };
    },
  });
  const workers = await Promise.all(
    ["w1", "w2", "w3"].map((worker) => engineOf(kept(store), kind, { worker, clock })),
  );
  await pass(clock, Promise.all(runs.map((run) => ended(front, run))), 20);
  assertEquals(most, 3);
  assertEquals((await front.lanes.get("few")).active, 0);
  for (const engine of [front, ...workers]) await pass(clock, engine.close());
  await store.close();
});

Deno.test("EN-1302 what each state of a lane takes and starts", async () => {
  const store = memoryStore();
  const engine = await engineOf(store, new ScriptedKind());
  for (const name of ["x", "default"]) {
    await engine.lanes.put(name, { state: "paused" });
    const waiting = await submit(engine, { lane: name });
    const delayed = await submit(engine, { lane: name, delayMs: 1 });
    await engine.lanes.put("other", {});
    assertEquals((await soon(ended(engine, await submit(engine, { lane: "other" })))).label, "succeeded");
    while ((await engine.lanes.get(name)).ready < 2) await turn();
    assertEquals((await engine.state(waiting)).label, "queued");
    await engine.lanes.put(name, { state: "closed" });
    const error = await assertRejects(() => submit(engine, { lane: name }), EngineError);
    assertEquals([error.code, error.message], [
      "lane_closed",
      `Lane ${name} is closed and takes no new runs`,
    ]);
    assertEquals((await engine.state(waiting)).label, "queued");
    await engine.lanes.put(name, { state: "draining" });
    for (const run of [waiting, delayed]) assertEquals((await soon(ended(engine, run))).label, "succeeded");
    assertEquals(
      (await assertRejects(() => submit(engine, { lane: name }), EngineError)).code,
      "lane_closed",
    );
  }
  await engine.close();
});

Deno.test("EN-605 EN-1302 what has begun goes on while its lane is paused", async () => {
  const store = memoryStore();
  const release = gate();
  const kind = new ScriptedKind({ a: async () => (await release.opened, { type: "succeeded", value: 1 }) });
  const engine = await engineOf(store, kind);
  await engine.lanes.put("x", {});
  const text = notebookOf({ a: [], b: ["a"] });
  const run = await submit(engine, { lane: "x", text });
  while (kind.calls.length === 0) await turn();
  await engine.lanes.put("x", { state: "paused" });
  release.open();
  assertEquals((await soon(ended(engine, run))).label, "succeeded");
  await engine.close();
});

Deno.test("EN-1308 a queued run changes its lane and its priority, and starts only when its turn has come", async () => {
  const store = memoryStore();
  const engine = await engineOf(store, new ScriptedKind());
  await engine.lanes.put("held", { state: "paused" });
  await engine.lanes.put("shut", { state: "closed" });
  const run = await submit(engine, { lane: "held" });
  await engine.tell(run, { type: "changeRun", priority: 90, by: "t" });
  assertEquals((await engine.state(run)).label, "queued");
  assertEquals((await engine.inspect(run)).priority, 90);
  assertEquals((await engine.lanes.get("held")).ready, 1);
  const tell = (lane: string | null) => engine.tell(run, { type: "changeRun", lane, by: "t" });
  assertEquals((await assertRejects(() => tell("shut"), EngineError)).code, "lane_closed");
  const unknown = await assertRejects(() => tell("hel"), EngineError);
  assertEquals([unknown.code, unknown.message], [
    "lane_unknown",
    "No lane is named 'hel'. Did you mean 'held'?",
  ]);
  await tell(null);
  assertEquals((await soon(ended(engine, run))).label, "succeeded");
  assertEquals((await engine.lanes.get("held")).ready, 0);
  await engine.close();
});

Deno.test("R09 Q4 the run of highest priority is claimed first, whichever worker comes", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const front = await client(store, { clock });
  const runs = new Map<string, number>();
  for (let i = 0; i < 60; i++) {
    const priority = i * 37 % 101;
    runs.set(await submit(front, { priority }), priority);
  }
  const order: number[] = [];
  const kind = new ScriptedKind({
    a: async ({ run, clock }) => {
      order.push(runs.get(run)!);
      await clock.sleep(10);
      return { type: "succeeded", value: 1 };
    },
  });
  const workers = await Promise.all(
    ["w1", "w2", "w3"].map((worker) => engineOf(kept(store), kind, { worker, clock, slots: 1, maxRuns: 1 })),
  );
  await pass(clock, Promise.all([...runs.keys()].map((run) => ended(front, run))), 10);
  const sorted = order.toSorted((a, b) => b - a);
  for (const [place, priority] of order.entries()) {
    assert(Math.abs(place - sorted.indexOf(priority)) <= 3, `${priority} started as number ${place}`);
  }
  for (const engine of [front, ...workers]) await pass(clock, engine.close());
  await store.close();
});

Deno.test("EN-204 a lane that nobody has made refuses the run, in front matter at its place", async () => {
  const engine = await engineOf(memoryStore(), new ScriptedKind());
  await engine.lanes.put("nightly", {});
  const asked = await assertRejects(() => submit(engine, { lane: "nope" }), EngineError);
  assertEquals([asked.code, asked.message], ["lane_unknown", "No lane is named 'nope'"]);
  const front = (lane: string) => `---\nweft: 1\npriority: 70\nlane: ${lane}\n---\n\n${TEXT}`;
  const { problems } = await engine.plan({ notebook: "n", text: front("nightli") });
  assertEquals(problems.map(({ code, message, line, column }) => [code, message, line, column]), [
    ["lane_unknown", "No lane is named 'nightli'. Did you mean 'nightly'?", 4, 1],
  ]);
  const refused = await assertRejects(() => submit(engine, { text: front("nightli") }), EngineError);
  assertEquals(refused.code, "lane_unknown");
  const { lane, priority } = await engine.inspect(await submit(engine, { text: front("nightly") }));
  assertEquals([lane, priority], ["nightly", 70]);
  // EN-208 What is asked for beats front matter.
  const other = await engine.inspect(
    await submit(engine, { text: front("nightly"), lane: "default", priority: 1 }),
  );
  assertEquals([other.lane, other.priority], [undefined, 1]);
  await engine.close();
});

Deno.test("a worker for some lanes leaves the runs of others, also when they are due", async () => {
  const store = memoryStore();
  const front = await client(store);
  await front.lanes.put("x", {});
  const kind = new ScriptedKind();
  const worker = await engineOf(kept(store), kind, { lanes: ["x"] });
  const mine = await submit(front, { lane: "x" });
  const [other, delayed] = [await submit(front), await submit(front, { delayMs: 1 })];
  assertEquals((await soon(ended(front, mine))).label, "succeeded");
  while ((await front.lanes.get("default")).ready < 2) await turn();
  assertEquals(kind.calls.length, 1);
  const all = await engineOf(kept(store), kind, { worker: "w2" });
  for (const run of [other, delayed]) assertEquals((await soon(ended(front, run))).label, "succeeded");
  for (const engine of [front, worker, all]) await engine.close();
  await store.close();
});

Deno.test("EN-518 AP-1001 a worker tells what it offers with its session, and is gone with it", async () => {
  const store = memoryStore();
  const front = await client(store);
  const release = gate();
  const kind = new ScriptedKind({ a: async () => (await release.opened, { type: "succeeded", value: 1 }) });
  const engine = await engineOf(kept(store), kind, {
    capabilities: ["kind:python", "gpu", "gpu"],
    lanes: ["default"],
    slots: 7,
  });
  const run = await submit(engine);
  while (kind.calls.length === 0) await turn();
  const [{ startedAt, expiresAt, ...worker }, ...more] = await engine.workers.list() as [
    Awaited<ReturnType<Engine["workers"]["get"]>>,
  ];
  assertEquals(more, []);
  assertEquals(worker, {
    id: "w1",
    epoch: 1,
    label: "live",
    capabilities: ["gpu", "kind:python"],
    lanes: ["default"],
    slots: 7,
    code: "",
    runs: 1,
    running: 1,
  });
  assert(startedAt! > 0 && expiresAt > startedAt!);
  assertEquals((await front.workers.get("w1")).running, undefined);
  assertEquals((await front.workers.leases()).map(({ run, worker }) => [run, worker]), [[run, "w1"]]);
  assertEquals(await front.workers.leases({ expired: true }), []);
  assertEquals(
    (await assertRejects(() => front.workers.get("w2"), EngineError)).code,
    "worker_not_found",
  );
  release.open();
  await ended(engine, run);
  await engine.close();
  assertEquals(await front.workers.list(), []);
  await front.close();
  await store.close();
});

Deno.test("AP-1010 a worker whose session is ended has its runs taken up anew at once", async () => {
  const store = memoryStore();
  const front = await client(store);
  let calls = 0;
  const kind = new ScriptedKind({
    a: ({ signal }) =>
      ++calls > 1
        ? { type: "succeeded", value: 1 }
        : new Promise((resolve) =>
          signal.addEventListener("abort", () => resolve({ type: "cancelled" }), { once: true })
        ),
  });
  const engine = await engineOf(kept(store), kind, { sessionTtlMs: 900 });
  const run = await submit(front);
  await happened(front, run, "step.started");
  await front.workers.end("w1");
  assertEquals((await soon(ended(front, run))).label, "succeeded");
  assertEquals(calls, 2);
  await engine.close();
  await front.close();
  await store.close();
});

Deno.test("EN-1307 AP-612 why a run waits for its turn: its lane, who is before it, and who could take it", async () => {
  const store = memoryStore();
  const engine = await engineOf(store, new ScriptedKind(), { capabilities: ["gpu"] });
  await engine.lanes.put("x", { state: "paused" });
  const first = await submit(engine, { lane: "x", priority: 60 });
  const second = await submit(engine, { lane: "x" });
  const why = await engine.explain(second);
  assertEquals([why.label, why.wait?.wait, why.lane, why.ahead, why.requires], [
    "queued",
    "worker",
    "x",
    1,
    [],
  ]);
  assertEquals(
    why.workers.map(({ worker, missing, slots, running, lane }) => [worker, missing, slots, running, lane]),
    [
      ["w1", [], 32, 0, true],
    ],
  );
  assertEquals(
    why.sentence,
    "No worker has taken the run up yet. It goes on when a worker has room for it. Lane x is paused. " +
      "1 run stands before it in lane x.",
  );
  assert(why.rank > (await engine.explain(first)).rank);
  await engine.lanes.put("x", { state: "open" });
  await soon(Promise.all([first, second].map((run) => ended(engine, run))));
  const { sentence, wait, ahead } = await engine.explain(second);
  assertEquals([sentence, wait, ahead], [undefined, undefined, undefined]);
  await engine.close();
});
