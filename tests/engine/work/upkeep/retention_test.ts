/** What goes when, and that a deletion may stop anywhere. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../../../../engine/base/errors.ts";
import { onFault } from "../../../../engine/base/faults.ts";
import { DEFAULT_RETENTION } from "../../../../engine/notebook/policy.ts";
import { encodeRecord } from "../../../../engine/store/codec.ts";
import {
  blobPrefix,
  byNotebookPrefix,
  byTimePrefix,
  duePrefix,
  framePrefix,
  lastText,
  pinKey,
  runKey,
  runPrefix,
  versionPrefix,
} from "../../../../engine/store/keys.ts";
import { memoryStore } from "../../../../engine/store/memory.ts";
import type { Key, Put, Store } from "../../../../engine/store/store.ts";
import type { RunHead } from "../../../../engine/work/commit/live_run.ts";
import { readHead } from "../../../../engine/work/records.ts";
import { dueNow, firstDue, verdictOn } from "../../../../engine/work/upkeep/due.ts";
import { retain } from "../../../../engine/work/upkeep/retain.ts";
import { ManualClock } from "../../../_support/manual_clock.ts";
import { type Bench, benchOf, DAY, dump, keysWith, make, recordsOf, STORES } from "./_harness.ts";

const BIG = "x".repeat(20_000);
const ids = async (store: Store, prefix: Key) =>
  (await Array.fromAsync(store.list(prefix))).map(({ key }) => lastText(key));

Deno.test("EN-1901 SG-110 what is decided of a run whose time has come", () => {
  const end = 1_000 * DAY;
  const head: RunHead = {
    id: "r",
    notebook: "n",
    version: "v",
    author: "t",
    plan: { inline: null },
    createdAt: end - 5,
    endedAt: end,
    phase: "ended",
    intent: "go",
    outcome: "succeeded",
    due: { at: 0, what: "run" },
  };
  const frames: RunHead = { ...head, due: { at: 0, what: "frames" } };
  const own: RunHead = { ...head, retention: { keepDays: 1 } };
  const table: [string, Partial<Parameters<typeof verdictOn>[0]>, number, "drop" | number][] = [
    ["too young", { beyond: true }, end + 30 * DAY - 1, end + 30 * DAY],
    ["old and beyond", { beyond: true }, end + 30 * DAY, "drop"],
    ["old and among the newest", {}, end + 31 * DAY, end + 32 * DAY],
    ["pinned", { beyond: true, pinned: true }, end + 99 * DAY, end + 100 * DAY],
    ["frames too young", { head: frames }, end + 7 * DAY - 1, end + 7 * DAY],
    ["frames old, whatever its place", { head: frames }, end + 7 * DAY, "drop"],
    ["frames pinned", { head: frames, pinned: true }, end + 7 * DAY, end + 8 * DAY],
    ["its notebook's word", { head: own, beyond: true }, end + DAY, "drop"],
    ["half deleted, pinned late", { head: { ...head, deletedAt: 1 }, pinned: true }, end, "drop"],
  ];
  for (const [name, known, now, expected] of table) {
    const verdict = verdictOn({ head, pinned: false, beyond: false, ...known }, DEFAULT_RETENTION, now);
    assertEquals(verdict.type === "drop" ? "drop" : verdict.at, expected, name);
  }
  assertEquals(firstDue(head, DEFAULT_RETENTION), { at: end + 7 * DAY, what: "frames" });
  assertEquals(firstDue(head, { ...DEFAULT_RETENTION, keepFramesDays: 30 }), {
    at: end + 30 * DAY,
    what: "run",
  });
  assertEquals(firstDue({ ...head, trimmedAt: end }, DEFAULT_RETENTION).what, "run");
  assertEquals(
    firstDue({ ...head, trimmedAt: end - 1 }, DEFAULT_RETENTION).what,
    "frames",
    "it ran on since",
  );
  // Settings that became shorter move what stands too late; what is kept for a day more stays where it is.
  const late: RunHead = { ...head, due: { at: end + 30 * DAY, what: "run" } };
  assertEquals(dueNow(late, { ...DEFAULT_RETENTION, keepDays: 8 }, end + 9 * DAY).at, end + 8 * DAY);
  assertEquals(dueNow(late, { ...DEFAULT_RETENTION, keepDays: 8 }, end + 29 * DAY), late.due);
  assertEquals(dueNow(late, { ...DEFAULT_RETENTION, keepDays: 99 }, end + 9 * DAY), late.due);
});

for (const [where, open] of STORES) {
  Deno.test(`R29 EN-1901 ${where} a run goes with all it left once it is old and beyond the newest, its contents an hour after the last holder`, async () => {
    const clock = new ManualClock();
    await open(clock, async (store) => {
      const bench = await benchOf(store, clock, { keepRuns: 2 });
      const now = clock.now();
      for (let i = 0; i < 5; i++) {
        const createdAt = now + i;
        const value = { big: BIG, of: i < 3 ? 0 : i };
        await make(bench, { id: `run_${i}`, createdAt, endedAt: createdAt + 10, value, frames: 3 });
      }
      await make(bench, { id: "run_live", createdAt: now, text: "other" });
      const before = await dump(store);
      assertEquals(await retain(bench.ports, true), { trimmed: 0, deleted: 0, collected: 0, kept: 0 });
      assertEquals(await dump(store), before);

      await clock.advance(7 * DAY + 11);
      assertEquals((await retain(bench.ports, true)).trimmed, 2);
      await clock.advance(DAY);
      assertEquals((await retain(bench.ports, true)).trimmed, 3);
      assertEquals(await keysWith(store, '"frame"'), []);

      // Beyond the newest are 0, 1, 2; run_live is older than all but among the runs of its notebook.
      await clock.advance(23 * DAY);
      assertEquals((await retain(bench.ports, true)).deleted, 3);
      assertEquals(await ids(store, runPrefix), ["run_3", "run_4", "run_live"]);
      for (const gone of ["run_0", "run_1", "run_2"]) assertEquals(await keysWith(store, `"${gone}"`), []);
      assertEquals((await ids(store, blobPrefix)).length, 3, "still within the hour");
      await clock.advance(3_600_000);
      assertEquals((await retain(bench.ports, true)).collected, 1);
      assertEquals((await ids(store, blobPrefix)).length, 2);
      assertEquals((await ids(store, versionPrefix)).length, 2, "a run still names the text");
      const { plan } = readHead((await store.get([runKey("run_3")]))[0]!);
      assertEquals((await bench.journals.plan({ plan, id: "run_3" } as RunHead)).steps.length, 1);

      // Newer runs of the notebook push the others out; a day later they are looked at again.
      for (let i = 5; i < 7; i++) {
        await make(bench, {
          id: `run_${i}`,
          createdAt: clock.now() + i,
          endedAt: clock.now() + i,
          text: "new",
        });
      }
      await clock.advance(DAY);
      assertEquals((await retain(bench.ports, true)).deleted, 2);
      await clock.advance(3_600_000);
      assertEquals((await retain(bench.ports, true)).collected, 3, "two values and the text");
      assertEquals((await ids(store, versionPrefix)).length, 2);
      assertEquals(await keysWith(store, '"past"'), ['["past","n","a"]'], "the last value is run_6's");
    });
  });

  Deno.test(`R29 EN-1901 ${where} a pinned run stays with its frames, and goes once it is not`, async () => {
    const clock = new ManualClock();
    await open(clock, async (store) => {
      const bench = await benchOf(store, clock, { keepRuns: 0 });
      await make(bench, { id: "run_1", createdAt: clock.now(), endedAt: clock.now(), frames: 2 });
      await store.submit([{ key: pinKey("run_1"), value: encodeRecord(null) }], []);
      for (let day = 0; day < 60; day++) {
        await clock.advance(DAY);
        await retain(bench.ports, true);
      }
      assertEquals((await ids(store, runPrefix)).length, 1);
      assertEquals((await Array.fromAsync(store.list(framePrefix("run_1")))).length, 2);
      await store.commit(bench.session, [], [], [pinKey("run_1")]);
      for (let day = 0; day < 2; day++) {
        await clock.advance(DAY);
        await retain(bench.ports, true);
      }
      assertEquals(await keysWith(store, "run_1"), []);
    });
  });
}

Deno.test("EN-1901 a run that is pinned while its deletion begins stays whole", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const bench = await benchOf(store, clock, { keepRuns: 0, keepDays: 0 });
  await make(bench, { id: "run_1", createdAt: clock.now(), endedAt: clock.now() });
  const before = await dump(store);
  const { write } = bench.ports;
  bench.ports.write = async (...operation) => {
    await store.submit([{ key: pinKey("run_1"), value: encodeRecord(null) }], [pinKey("run_1")]);
    return await write(...operation);
  };
  assertEquals((await retain(bench.ports, true)).deleted, 0);
  const { ['["pin","run_1"]']: pin, ...after } = await dump(store);
  assert(pin !== undefined);
  assertEquals(after, before);
});

/** A run of many records, beside another that shares its value. */
async function twoRuns(bench: Bench): Promise<void> {
  const now = bench.clock.now();
  await make(bench, { id: "run_0", createdAt: now, endedAt: now, value: BIG, frames: 450 });
  await make(bench, { id: "run_1", createdAt: now + 1, endedAt: now + 40 * DAY, value: BIG, frames: 2 });
  await bench.clock.advance(30 * DAY);
}

Deno.test("SG-112 a deletion killed at any of its writes is gone on with; in between it is no run, and nothing else changes", async () => {
  const run = async (stopAt: number): Promise<{ store: Store; bench: Bench; stopped: boolean }> => {
    const clock = new ManualClock();
    const store = memoryStore({ clock });
    const bench = await benchOf(store, clock, { keepRuns: 0, keepFramesDays: 30 });
    await twoRuns(bench);
    let left = stopAt;
    bench.onWrite = () => {
      if (--left === 0) throw new Error("killed");
    };
    const stopped = await retain(bench.ports, true).then(() => false, () => true);
    bench.onWrite = () => {};
    return { store, bench, stopped };
  };
  const undisturbed = await run(Infinity);
  const after = await dump(undisturbed.store);
  for (let stopAt = 1;; stopAt++) {
    const { store, bench, stopped } = await run(stopAt);
    if (!stopped) {
      assert(stopAt > 3, "the deletion took several writes");
      break;
    }
    const head = await bench.journals.head("run_0");
    for (const prefix of [byTimePrefix, byNotebookPrefix("n")]) {
      assertEquals((await ids(store, prefix)).includes("run_0"), head !== undefined, `stopped at ${stopAt}`);
    }
    if (head !== undefined) {
      assertEquals((await bench.journals.load(head)).outcome, "succeeded");
      assertEquals((await Array.fromAsync(store.list(framePrefix("run_0")))).length, 450);
    }
    await retain(bench.ports, true);
    assertEquals(await dump(store), after, `stopped at ${stopAt}`);
  }
});

Deno.test("SG-112 trimming killed at retention.half is gone on with, and no reader takes the rest for all", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const bench = await benchOf(store, clock);
  await twoRuns(bench);
  const off = onFault((point) => {
    if (point === "retention.half") throw new Error("killed");
  });
  await assertRejects(() => retain(bench.ports, true), Error, "killed");
  off();
  assert((await bench.journals.head("run_0"))!.trimmedAt !== undefined, "told before the first frame goes");
  await retain(bench.ports, true);
  assertEquals(await Array.fromAsync(store.list(framePrefix("run_0"))), []);
  assertEquals((await Array.fromAsync(store.list(duePrefix()))).map(({ key }) => key[1]), ["frames", "run"]);
});

Deno.test("SG-112 a reader that began before a deletion is told that the run is gone, never of a shorter run", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const bench = await benchOf(store, clock, { keepRuns: 0, keepDays: 0 });
  await make(bench, { id: "run_0", createdAt: clock.now(), endedAt: clock.now() });
  const head = (await bench.journals.head("run_0"))!;
  // It is marked, and all but its first record are gone, when it is read.
  const marked = { key: runKey("run_0"), value: encodeRecord({ ...head, deletedAt: clock.now() }) };
  await store.commit(bench.session, [], [marked], [2, 3, 4, 5].map((seq) => ["event", "run_0", seq]));
  assertEquals((await assertRejects(() => bench.journals.load(head), EngineError)).code, "run_not_found");
});

Deno.test("R28 20,000 runs that are kept for long, and 20,000 that are kept by count, do not hold up one that is not", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const bench = await benchOf(store, clock, { keepRuns: 100_000, keepDays: 30, keepFramesDays: 30 });
  const now = clock.now();
  const { head } = await recordsOf(bench, { id: "run_base", createdAt: now, endedAt: now });
  const batch: Put[] = [];
  for (let i = 0; i < 40_000; i++) {
    const id = `run_${String(i).padStart(6, "0")}`;
    const kept: RunHead = {
      ...head,
      id,
      ...i < 20_000 ? { retention: { keepDays: 365 }, due: { at: now + 365 * DAY, what: "run" } } : {},
    };
    batch.push(
      { key: runKey(id), value: encodeRecord(kept) },
      { key: ["due", "run", kept.due!.at, id], value: encodeRecord(null) },
    );
  }
  for (let i = 0; i < batch.length; i += 800) {
    await store.commit(bench.session, [], batch.slice(i, i + 800), []);
  }
  await make(bench, {
    id: "run_short",
    notebook: "short",
    createdAt: now,
    endedAt: now + 1,
    head: { retention: { keepRuns: 0, keepDays: 30 } },
    frames: 1,
  });
  await clock.advance(30 * DAY + 1);
  // Those kept by count all come due just before it: they are looked at and step back, and it goes in the same pass.
  const first = await retain(bench.ports, true);
  assertEquals([first.deleted, first.kept], [1, 20_000]);
  await make(bench, {
    id: "run_next",
    notebook: "short",
    createdAt: now,
    endedAt: now + 2,
    head: { retention: { keepRuns: 0, keepDays: 30 } },
  });
  await clock.advance(60_000);
  let looked = 0;
  bench.onWrite = () => looked++;
  assertEquals(await retain(bench.ports, true), { trimmed: 0, deleted: 1, collected: 0, kept: 0 });
  assert(looked < 10, `${looked} writes for one run`);
});

Deno.test("EN-1902 more than 1,000 runs a minute go, in a file, in commits that leave room for others", async () => {
  const clock = new ManualClock();
  await STORES[1]![1](clock, async (store) => {
    const bench = await benchOf(store, clock, { keepRuns: 0, keepDays: 0 });
    const RUNS = 500;
    for (let i = 0; i < RUNS; i++) {
      await make(bench, { id: `run_${i}`, createdAt: clock.now(), endedAt: clock.now(), frames: 20 });
    }
    const largest = { mutations: 0 };
    const { write } = bench.ports;
    bench.ports.write = (checks, puts, deletes) => {
      largest.mutations = Math.max(largest.mutations, puts.length + deletes.length);
      return write(checks, puts, deletes);
    };
    const begun = performance.now();
    const { deleted } = await retain(bench.ports, true);
    const perMinute = deleted / (performance.now() - begun) * 60_000;
    assertEquals([deleted, await ids(store, runPrefix)], [RUNS, []]);
    if (Deno.env.get("WEFT_MEASURE") !== undefined) console.log(`${Math.round(perMinute)} runs a minute`);
    assert(perMinute > 1_000, `${perMinute} runs a minute`);
    assert(largest.mutations <= 210, `${largest.mutations} in one commit`);
  });
});
