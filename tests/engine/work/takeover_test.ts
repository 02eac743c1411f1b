/** Two workers on one store: each run has one owner at a time, and finds another when its owner is gone. */
import { assert, assertEquals } from "@std/assert";
import type { Clock } from "../../../engine/base/clock.ts";
import { denoKvStore } from "../../../engine/store/deno_kv.ts";
import { sessionKey } from "../../../engine/store/keys.ts";
import { memoryStore } from "../../../engine/store/memory.ts";
import type { Store } from "../../../engine/store/store.ts";
import { readSessionRecord } from "../../../engine/store/table/session_chain.ts";
import { ManualClock } from "../../_support/manual_clock.ts";
import {
  ended,
  engineOf,
  gate,
  happened,
  journalOf,
  kept,
  KeptLog,
  notebookOf,
  pass,
  ScriptedKind,
  turn,
  untilAborted,
  valuesOf,
  withMethods,
} from "./_harness.ts";

/** What two processes see of one database: a store for each, with its own clock. */
type Open = (clocks: [Clock, Clock], test: (stores: [Store, Store]) => Promise<void>) => Promise<void>;

const STORES: [string, Open][] = [
  ["in memory", async ([, clock], test) => {
    const store = memoryStore({ clock });
    await test([kept(store), store]);
  }],
  ["in a file", async ([first, second], test) => {
    const folder = await Deno.makeTempDir();
    const location = `${folder}/weft.db`;
    await test([
      await denoKvStore({ location, clock: first }),
      await denoKvStore({ location, clock: second }),
    ]);
    await Deno.remove(folder, { recursive: true });
  }],
];

/** Everything that a store has, but for sessions. */
async function contentOf(store: Store): Promise<string[]> {
  const found: string[] = [];
  for (const kind of ["lease", "run", "event", "frame", "in", "ready", "past", "blob"]) {
    for await (const { key, value } of store.list([kind])) found.push(`${key.join("/")} ${value.join()}`);
  }
  return found;
}

for (const [where, open] of STORES) {
  Deno.test(`L1 two workers on one store ${where} share the work, each run to one of them`, async () => {
    const clock = new ManualClock();
    await open([clock, clock], async ([one, two]) => {
      const kinds = [new ScriptedKind({ mine: untilAborted }), new ScriptedKind({ mine: untilAborted })];
      const engines = [
        await engineOf(one, kinds[0]!, { clock, worker: "w1" }),
        await engineOf(two, kinds[1]!, { clock, worker: "w2" }),
      ];
      const own: string[] = [];
      for (const engine of engines) {
        const { run } = await engine.submit({ notebook: "n", text: notebookOf({ mine: [] }), author: "t" });
        await pass(clock, happened(engine, run, "step.started"), 1);
        own.push(run);
      }
      assertEquals(kinds.map(({ calls }) => calls), [["mine#1"], ["mine#1"]]);
      const client = await engineOf(kept(one), new ScriptedKind(), { worker: null, clock });
      const runs: string[] = [];
      for (let i = 0; i < 30; i++) {
        const text = notebookOf({ [`c${i}`]: [] });
        runs.push((await client.submit({ notebook: "n", text, author: "t" })).run);
      }
      await pass(clock, Promise.all(runs.map((run) => ended(client, run))));
      const calls = kinds.flatMap(({ calls }) => calls).filter((call) => call.startsWith("c"));
      assertEquals(calls.toSorted(), runs.map((_, i) => `c${i}#1`).toSorted());
      // Each can be told through the other.
      await pass(clock, engines[0]!.tell(own[1]!, { type: "cancelRun", by: "ann" }));
      await pass(clock, engines[1]!.tell(own[0]!, { type: "cancelRun", by: "ann" }));
      for (const [i, run] of own.entries()) {
        assertEquals((await pass(clock, ended(engines[i]!, run))).label, "cancelled");
      }
      await pass(clock, client.close());
      for (const engine of engines) await pass(clock, engine.close());
    });
  });

  Deno.test(`L3 L5 a dead worker's runs ${where} are taken over once its time is over, not before; its late commit leaves no trace`, async () => {
    // The clock of the dead stands still.
    const [stopped, clock] = [new ManualClock(), new ManualClock()];
    await open([stopped, clock], async ([one, two]) => {
      const late = gate();
      const dead = new ScriptedKind({
        b: async () => (await late.opened, { type: "succeeded", value: "late" }),
      });
      const log = new KeptLog();
      const first = await engineOf(one, dead, { clock: stopped, worker: "w1", log });
      const text = notebookOf({ a: [], b: ["a"], c: ["b"] });
      const { run } = await first.submit({ notebook: "n", text, author: "t" });
      await happened(first, run, "step.started", "b");
      const { expiresAt } = readSessionRecord((await two.get([sessionKey("w1")]))[0]!);

      // So that one of its looks falls into the two seconds.
      await clock.advance(1_200);
      let takenAt = 0;
      const heir = new ScriptedKind({
        b: ({ clock }) => {
          takenAt = clock.now();
          return { type: "succeeded", value: 2 };
        },
      });
      const second = await engineOf(two, heir, { clock, worker: "w2" });
      const view = await pass(clock, ended(second, run));
      assert(takenAt > expiresAt + 2_000, `taken ${expiresAt + 2_000 - takenAt} ms too early`);
      assert(takenAt <= expiresAt + 2_000 + 5_500, `taken ${takenAt - expiresAt} ms after its end`);
      assertEquals([view.label, valuesOf(view)], ["succeeded", { a: 1, b: 2, c: 3 }]);
      assertEquals([heir.calls, view.cells.b!.reason], [["b#2", "c#1"], "recovery"]);

      const before = await contentOf(two);
      late.open();
      await log.has("session_lost");
      assertEquals(await contentOf(two), before);
      assertEquals(dead.calls, ["a#1", "b#1"]);
      await pass(stopped, first.close());
      await pass(clock, second.close());
    });
  });

  Deno.test(`EN-2101 the runs of a worker that closes ${where} are claimed by another at once`, async () => {
    const clock = new ManualClock();
    await open([clock, clock], async ([one, two]) => {
      const first = await engineOf(one, new ScriptedKind({ b: untilAborted }), { clock, worker: "w1" });
      const text = notebookOf({ a: [], b: ["a"] });
      const { run } = await first.submit({ notebook: "n", text, author: "t" });
      await pass(clock, happened(first, run, "step.started", "b"), 1);
      const heir = new ScriptedKind();
      const second = await engineOf(two, heir, { clock, worker: "w2" });
      await pass(clock, first.close(), 1);
      const closedAt = clock.now();
      const view = await pass(clock, ended(second, run), 10);
      assert(clock.now() - closedAt <= 600, `claimed after ${clock.now() - closedAt} ms`);
      assertEquals([view.label, heir.calls, view.cells.b!.reason], ["succeeded", ["b#2"], "recovery"]);
      const types = (await journalOf(two, run)).map(({ type }) => type);
      assertEquals([types.includes("run.released"), types.includes("run.adopted")], [true, false]);
      await pass(clock, second.close());
    });
  });
}

for (const workers of [["w1"], ["w1", "w2", "w3"]]) {
  Deno.test(`EN-2101 a run outlives ten restarts in good order, by ${workers.length} worker ids, and counts none`, async () => {
    const store = memoryStore();
    let run = "";
    for (let i = 0; i < 10; i++) {
      const kind = new ScriptedKind({ a: untilAborted });
      const engine = await engineOf(kept(store), kind, { worker: workers[i % workers.length] });
      if (run === "") {
        run = (await engine.submit({ notebook: "n", text: notebookOf({ a: [] }), author: "t" })).run;
      }
      for await (const { items } of engine.follow(run, { signal: AbortSignal.timeout(5_000) })) {
        const started = (item: (typeof items)[number]) =>
          item.kind === "event" && item.event.type === "step.started" && item.event.attempt === i + 1;
        if (items.some(started)) break;
      }
      await engine.close();
    }
    // One that is gone without a word counts, and is the first that does.
    const clock = new ManualClock();
    const stuck = new ScriptedKind({ a: untilAborted });
    const dead = await engineOf(kept(store), stuck, { clock });
    while (stuck.calls.length === 0) await turn();
    const last = await engineOf(store, new ScriptedKind());
    const view = await ended(last, run);
    assertEquals([view.label, view.cells.a!.attempt, valuesOf(view)], ["succeeded", 12, { a: 1 }]);
    await pass(clock, dead.close());
    await last.close();
  });
}

Deno.test("EN-508 a cell whose worker dies six times fails as `recovery_limit`", async () => {
  const clocks: ManualClock[] = [];
  const store = memoryStore();
  let run = "";
  for (let i = 0; i < 7; i++) {
    // Each process is gone without a word: its time stands still.
    const clock = new ManualClock();
    clocks.push(clock);
    const kind = new ScriptedKind({ a: untilAborted });
    const engine = await engineOf(kept(store), kind, { clock });
    if (run === "") {
      run = (await engine.submit({ notebook: "n", text: notebookOf({ a: [] }), author: "t" })).run;
    }
    if (i < 6) {
      while (kind.calls.length === 0) await clock.advance(1);
      continue;
    }
    const view = await ended(engine, run);
    assertEquals([view.label, view.cells.a!.problem?.code], ["failed", "recovery_limit"]);
    await engine.close();
  }
  for (const clock of clocks) await clock.advance(20_000);
});

Deno.test("L5 a worker that begins while another looks for orphans keeps its runs", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const newcomer = new ScriptedKind({ a: untilAborted });
  let looks = 0;
  const second = gate();
  // The other worker begins, and claims, between the two lists that make up a look.
  const front = withMethods(store, {
    async *list(prefix, options) {
      yield* store.list(prefix, options);
      if ((prefix[0] !== "session" && prefix[0] !== "lease") || ++looks !== 3) return;
      const engine = await engineOf(kept(store), newcomer, { clock, worker: "w2" });
      const { run } = await engine.submit({ notebook: "n", text: notebookOf({ a: [] }), author: "t" });
      await happened(engine, run, "step.started");
      closing = () => engine.close();
      second.open();
    },
  });
  let closing = () => Promise.resolve();
  const thief = new ScriptedKind({ a: untilAborted });
  const first = await engineOf(front, thief, { clock, worker: "w1" });
  assertEquals(looks, 2);
  await pass(clock, second.opened, 500);
  await pass(clock, (async () => await clock.sleep(12_000))(), 500);
  assertEquals([newcomer.calls, thief.calls], [["a#1"], []]);
  await pass(clock, closing());
  await pass(clock, first.close());
});
