/** EN-113: what the engine promises, on every kind of store, unmodified. */
import { assert, assertEquals } from "@std/assert";
import { sessionKey } from "../../../engine/store/keys.ts";
import type { Store } from "../../../engine/store/store.ts";
import { ManualClock } from "../../_support/manual_clock.ts";
import { storeProfiles } from "../../_support/store_profiles.ts";
import { FAN as CELLS } from "../../crash/matrix/scenarios.ts";
import {
  ended,
  engineOf,
  gate,
  happened,
  journalOf,
  KeptLog,
  notebookOf,
  pass,
  ScriptedKind,
  soon,
  valuesOf,
} from "./_harness.ts";

const request = (cells: Record<string, string[]>) => ({
  notebook: "n",
  text: notebookOf(cells),
  author: "t",
});

/** Everything that a store has, but for sessions, which are renewed. */
async function contentOf(store: Store): Promise<string[]> {
  const found: string[] = [];
  for await (const { key, value } of store.list([])) {
    if (key[0] !== "session") found.push(`${key.join("/")} ${value.join()}`);
  }
  return found;
}

for (const { name, make } of await storeProfiles()) {
  Deno.test(`EN-113 on ${name}: a run of twelve cells ends, each cell run once, and a later process sees the same`, async () => {
    const open = await make();
    const kind = new ScriptedKind();
    const engine = await engineOf(await open(), kind);
    const { run } = await engine.submit(request(CELLS));
    const view = await ended(engine, run);
    assertEquals(view.label, "succeeded");
    // Layers of three: 1, then three times the one before and 1.
    assertEquals([valuesOf(view).c0, valuesOf(view).c5, valuesOf(view).c11], [1, 4, 40]);
    assertEquals(kind.calls.toSorted(), Object.keys(CELLS).map((cell) => `${cell}#1`).toSorted());
    await engine.close();

    const later = await engineOf(await open(), new ScriptedKind(), { worker: null });
    assertEquals(await later.view(run), view);
    assertEquals((await later.runs({})).map(({ id, label }) => [id, label]), [[run, "succeeded"]]);
    await later.close();
  });

  Deno.test(`EN-113 L3 L5 on ${name}: what a worker left is taken over by another, and its own late commit leaves no trace`, async () => {
    const open = await make();
    // The time of the dead stands still, so far back that its session is over for others.
    const stopped = new ManualClock(Date.now() - 60_000);
    const late = gate();
    const dead = new ScriptedKind({
      b: async () => (await late.opened, { type: "succeeded", value: "late" }),
    });
    const log = new KeptLog();
    const first = await engineOf(await open(stopped), dead, { clock: stopped, worker: "w1", log });
    const { run } = await first.submit(request({ a: [], b: ["a"], c: ["b"] }));
    await happened(first, run, "step.started", "b");

    const store = await open();
    const heir = new ScriptedKind();
    const second = await engineOf(store, heir, { worker: "w2" });
    const view = await ended(second, run);
    assertEquals([view.label, valuesOf(view)], ["succeeded", { a: 1, b: 2, c: 3 }]);
    assertEquals([heir.calls, view.cells.b!.reason], [["b#2", "c#1"], "recovery"]);
    assertEquals(
      await store.get([sessionKey("w1")]),
      [undefined],
      "the place of the dead was not taken first",
    );

    const before = await contentOf(store);
    late.open();
    await soon(log.has("session_lost"));
    assertEquals(await contentOf(store), before);
    assertEquals(dead.calls, ["a#1", "b#1"]);
    await pass(stopped, first.close());
    await second.close();
  });

  Deno.test(`EN-113 EN-601 on ${name}: a paused run stays paused over a reopening, and goes on when it is resumed`, async () => {
    const open = await make();
    const go = gate();
    const kind = new ScriptedKind({ a: async () => (await go.opened, { type: "succeeded", value: 1 }) });
    const first = await engineOf(await open(), kind);
    const { run } = await first.submit(request({ a: [], b: ["a"] }));
    await happened(first, run, "step.started", "a");
    await first.tell(run, { type: "pauseRun", by: "ann" });
    go.open();
    await happened(first, run, "step.succeeded", "a");
    assertEquals((await first.view(run)).label, "paused");
    await first.close();

    const later = new ScriptedKind();
    const second = await engineOf(await open(), later);
    assertEquals((await second.view(run)).label, "paused");
    assertEquals((await second.runs({})).map(({ label }) => label), ["paused"]);
    assertEquals(later.calls, []);
    await second.tell(run, { type: "resumeRun", by: "ann" });
    const view = await ended(second, run);
    assertEquals([view.label, valuesOf(view), later.calls], ["succeeded", { a: 1, b: 2 }, ["b#1"]]);
    await second.close();
  });

  Deno.test(`EN-113 T2 on ${name}: output followed from any cursor, by any process, is the rest without gap or repeat`, async () => {
    const open = await make();
    const kind = new ScriptedKind({
      a: async ({ emit, clock }) => {
        for (let i = 0; i < 6; i++) {
          emit({ type: "text", text: `line ${i}\n` });
          // So that they become durable in several groups.
          await clock.sleep(60);
        }
        return { type: "succeeded", value: 1 };
      },
    });
    const engine = await engineOf(await open(), kind);
    const { run } = await engine.submit(request({ a: [], b: ["a"] }));
    const follow = async (reader: typeof engine, after?: string) => {
      const items: string[] = [];
      const ends: [cursor: string, length: number][] = [];
      for await (const group of reader.follow(run, { after, signal: AbortSignal.timeout(20_000) })) {
        items.push(...group.items.map((item) => JSON.stringify(item)));
        ends.push([group.cursor, items.length]);
      }
      return { items, ends };
    };
    const live = await follow(engine);
    assert(live.ends.length > 3, `all came in ${live.ends.length} groups`);
    assertEquals(live.items.filter((item) => item.includes("line ")).length, 6);
    const other = await engineOf(await open(), new ScriptedKind(), { worker: null });
    assertEquals((await follow(other)).items, live.items);
    for (const [cursor, length] of live.ends) {
      assertEquals((await follow(other, cursor)).items, live.items.slice(length));
    }
    await other.close();
    await engine.close();
  });

  Deno.test(`EN-113 L1 on ${name}: two workers share twenty runs, and no step is done twice`, async () => {
    const open = await make();
    const kinds = [new ScriptedKind(), new ScriptedKind()];
    const engines = await Promise.all(
      kinds.map(async (kind, i) => await engineOf(await open(), kind, { worker: `w${i}` })),
    );
    const clientStore = await open();
    const client = await engineOf(clientStore, new ScriptedKind(), { worker: null });
    const runs = await Promise.all(Array.from({ length: 20 }, async (_, i) => {
      const cells = { [`a${i}`]: [], [`b${i}`]: [`a${i}`], [`c${i}`]: [`b${i}`] };
      return (await client.submit(request(cells))).run;
    }));
    const views = await Promise.all(runs.map((run) => ended(client, run)));
    assertEquals(views.map(({ label }) => label), runs.map(() => "succeeded"));
    assertEquals(views.map((view, i) => valuesOf(view)[`c${i}`]), runs.map(() => 3));
    const calls = kinds.flatMap(({ calls }) => calls);
    const steps = runs.flatMap((_, i) => [`a${i}#1`, `b${i}#1`, `c${i}#1`]);
    assertEquals(calls.toSorted(), steps.toSorted());
    for (const run of runs) {
      const started = (await journalOf(clientStore, run)).filter(({ type }) => type === "step.started");
      assertEquals(started.length, 3);
    }
    for (const engine of [...engines, client]) await engine.close();
  });
}
