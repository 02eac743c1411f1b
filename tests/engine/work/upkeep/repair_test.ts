/** Records that do not fit are set right from the heads, and nothing else is touched. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { encodeRecord } from "../../../../engine/store/codec.ts";
import {
  answerKey,
  blobPrefix,
  byNotebookKey,
  byTimeKey,
  dueKey,
  holdKey,
  inboxKey,
  leaseKey,
  pastKey,
  pinKey,
  readyKey,
  requestKey,
  runKey,
  snapshotKey,
  timerKey,
} from "../../../../engine/store/keys.ts";
import { memoryStore } from "../../../../engine/store/memory.ts";
import type { Key, Store } from "../../../../engine/store/store.ts";
import { holdsPass } from "../../../../engine/work/upkeep/holds_pass.ts";
import { indexPass } from "../../../../engine/work/upkeep/index_pass.ts";
import { retain } from "../../../../engine/work/upkeep/retain.ts";
import { HoldRound, runsPass } from "../../../../engine/work/upkeep/runs_pass.ts";
import { ManualClock } from "../../../_support/manual_clock.ts";
import { type Bench, benchOf, DAY, dump, keysWith, make, STORES } from "./_harness.ts";

const nothing = encodeRecord(null);
const BIG = "x".repeat(9_000);

/** A full pass, as `Upkeep` makes it. */
async function pass({ ports }: Bench, round = new HoldRound(500)): Promise<number> {
  return await runsPass(ports, round) + await indexPass(ports) + await holdsPass(ports, round.complete);
}

/** A store on which everything is as it should be: runs that are ready, owned, ended, trimmed, and half deleted. */
async function healthy(store: Store, clock: ManualClock): Promise<Bench> {
  const bench = await benchOf(store, clock);
  const now = clock.now();
  const at = now - 8 * DAY;
  await make(bench, { id: "run_ready", createdAt: now, value: BIG });
  await make(bench, { id: "run_owned", createdAt: now, notebook: "m" });
  await make(bench, { id: "run_ended", createdAt: now, endedAt: now, value: BIG, frames: 2 });
  await make(bench, {
    id: "run_old",
    createdAt: at,
    endedAt: at,
    value: { text: BIG },
    head: { trimmedAt: now, due: { at: at + 30 * DAY, what: "run" } },
  });
  await make(bench, {
    id: "run_reused",
    createdAt: now + 1,
    endedAt: now + 1,
    reuse: { run: "run_old", value: await bench.artifacts.put({ text: BIG }) },
  });
  const waiting = { phase: "suspended" } as const;
  await make(bench, { id: "run_urgent", createdAt: now, head: { priority: 60 } });
  await make(bench, { id: "run_waits", createdAt: now, head: { ...waiting, wakeAt: now + 500 } });
  await make(bench, { id: "run_later", createdAt: now, head: { startAt: now + 900, wakeAt: now + 900 } });
  await make(bench, { id: "run_told", createdAt: now, head: waiting });
  const state = await bench.artifacts.put({ state: BIG });
  const other = (await store.openSession("other", 10 ** 15, ""))!;
  await store.commit(other, [], [
    { key: readyKey("default", now - 50 * 60_000, "run_ready"), value: nothing },
    { key: leaseKey("run_owned"), value: encodeRecord({ session: "other", epoch: 1 }) },
    { key: inboxKey("run_owned", "cmd_1"), value: encodeRecord({ type: "pauseRun", by: "t" }) },
    { key: requestKey(Math.floor(now / DAY), "k"), value: encodeRecord(named("run_ended", now)) },
    { key: requestKey(Math.floor(now / DAY) - 1, "l"), value: encodeRecord(named("run_old", now)) },
    { key: answerKey("run_ended", "cmd_0"), value: encodeRecord({ state: "applied", at: now }) },
    { key: readyKey("default", now - 60 * 60_000, "run_urgent"), value: nothing },
    { key: timerKey(now + 500, "run_waits"), value: nothing },
    { key: timerKey(now + 900, "run_later"), value: nothing },
    { key: snapshotKey("run_old"), value: encodeRecord({ seq: 1, state }) },
    { key: holdKey((state as { sha256: string }).sha256, "run_old"), value: encodeRecord({ at }) },
    { key: pinKey("run_ended"), value: nothing },
  ], []);
  // What nobody names is marked by the first pass, here: the value that run_ready has not made yet is run_ended's.
  return bench;
}

const named = (made: string, at: number) => ({ made, fingerprint: "f", at });

/** Keys that a pass derives again. */
const INDEXES = new Set(["ready", "timer", "index", "due", "hold"]);

for (const [where, open] of STORES) {
  Deno.test(`R29 EN-1803 ${where} a pass changes nothing on a healthy store, however often`, async () => {
    const clock = new ManualClock();
    await open(clock, async (store) => {
      const bench = await healthy(store, clock);
      const before = await dump(store);
      const round = new HoldRound(2);
      for (let i = 0; i < 6; i++) assertEquals(await pass(bench, round), 0);
      assertEquals(round.complete, true);
      assertEquals(await dump(store), before);
    });
  });

  Deno.test(`R29 Q1 EN-1803 ${where} any index key that is deleted is back after one pass`, async () => {
    const clock = new ManualClock();
    await open(clock, async (store) => {
      const bench = await healthy(store, clock);
      const before = await dump(store);
      const keys = Object.keys(before).map((key): Key => JSON.parse(key)).filter(([kind]) =>
        INDEXES.has(String(kind))
      );
      assertEquals(new Set(keys.map(([kind]) => kind)), INDEXES);
      for (const key of keys) {
        await store.commit(bench.session, [], [], [key]);
        assertEquals(await pass(bench), 1, JSON.stringify(key));
        assertEquals(await dump(store), before, JSON.stringify(key));
      }
    });
  });
}

Deno.test("EN-1803 P: any set of index keys is back after one pass", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const bench = await healthy(store, clock);
  const before = await dump(store);
  const keys = Object.keys(before).map((key): Key => JSON.parse(key)).filter(([kind]) =>
    INDEXES.has(String(kind))
  );
  await fc.assert(
    fc.asyncProperty(fc.subarray(keys), async (gone) => {
      await store.commit(bench.session, [], [], gone);
      await pass(bench);
      assertEquals(await dump(store), before);
    }),
    { numRuns: 100 },
  );
});

Deno.test("EN-1802 entries without a run, of an ended run, or in the wrong place go; the rest stays", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const bench = await healthy(store, clock);
  const before = await dump(store);
  const now = clock.now();
  const lease = encodeRecord({ session: "gone", epoch: 3 });
  const past = encodeRecord({ run: "run_none", fingerprint: "f", at: now });
  const strays: [Key, Uint8Array][] = [
    [readyKey("default", now, "run_none"), nothing],
    [readyKey("default", now - 50 * 60_000, "run_ended"), nothing],
    [readyKey("default", now - 50 * 60_000, "run_owned"), nothing],
    [readyKey("default", now - 1, "run_ready"), nothing],
    [timerKey(now, "run_none"), nothing],
    [timerKey(now, "run_ended"), nothing],
    [timerKey(now, "run_ready"), nothing],
    [timerKey(now + 501, "run_waits"), nothing],
    [timerKey(now, "run_told"), nothing],
    [leaseKey("run_none"), lease],
    [answerKey("run_none", "cmd_1"), encodeRecord({ state: "applied", at: now })],
    [answerKey("run_ready", "cmd_1"), encodeRecord({ state: "applied", at: now - DAY - 1 })],
    [snapshotKey("run_none"), nothing],
    [byTimeKey(now, "run_none"), nothing],
    [byTimeKey(now - 1, "run_ready"), nothing],
    [byNotebookKey("m", now, "run_ready"), nothing],
    [dueKey("run", now, "run_none"), nothing],
    [dueKey("run", now, "run_ended"), nothing],
    [dueKey("frames", now, "run_ready"), nothing],
    [dueKey("blob", now, "a".repeat(64)), nothing],
    [dueKey("version", now, "b".repeat(64)), nothing],
    [inboxKey("run_none", "cmd_1"), nothing],
    [pastKey("n", "z"), past],
    [requestKey(Math.floor(now / DAY) - 2, "z"), encodeRecord(named("run_old", now - DAY))],
    [pinKey("run_none"), nothing],
    [holdKey("a".repeat(64), "run_none"), encodeRecord({ at: now - 2 * 3_600_000 })],
  ];
  for (const [key, value] of strays) {
    await store.commit(bench.session, [], [{ key, value }], []);
    assertEquals(await pass(bench), 1, JSON.stringify(key));
    assertEquals(await dump(store), before, JSON.stringify(key));
  }
  // A hold ahead of its run, and the content that it is of, have an hour.
  const value = await bench.artifacts.put("fresh".repeat(3_000));
  const hold = holdKey((value as { sha256: string }).sha256, "run_next");
  await store.commit(bench.session, [], [{ key: hold, value: encodeRecord({ at: now }) }], []);
  assertEquals(await pass(bench), 0);
});

Deno.test("EN-1802 an artifact that no run came to own goes an hour after a pass has found it", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const bench = await healthy(store, clock);
  const before = await dump(store);
  await bench.artifacts.put("never named".repeat(1_000));
  assertEquals(await pass(bench), 1);
  await retain(bench.ports, true);
  await clock.advance(3_600_000 - 1);
  assertEquals((await retain(bench.ports, true)).collected, 0);
  await clock.advance(1);
  assertEquals((await retain(bench.ports, true)).collected, 1);
  assertEquals(await dump(store), before);
});

Deno.test("C3 runs from before there were holds keep their contents: none is marked until all runs have been looked at", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const bench = await benchOf(store, clock);
  const now = clock.now();
  for (let i = 0; i < 6; i++) {
    await make(bench, {
      id: `run_${i}`,
      createdAt: now,
      endedAt: now,
      value: `${i}`.repeat(9_000),
      bare: true,
    });
  }
  const round = new HoldRound(2);
  // Each head changes once more between the look at it and the hold.
  const { write } = bench.ports;
  const changed = new Set<string>();
  bench.ports.write = async (checks, puts, deletes) => {
    const { key } = checks[0] ?? { key: [] };
    if (puts.some(({ key }) => key[0] === "hold") && !changed.has(String(key))) {
      changed.add(String(key));
      const [head] = await store.get([key]);
      await store.commit(bench.session, [], [head!], []);
    }
    return await write(checks, puts, deletes);
  };
  for (let i = 0; i < 3; i++) {
    await pass(bench, round);
    assertEquals(await keysWith(store, '["due","blob"'), [], `pass ${i}`);
    await clock.advance(7_200_000);
    await retain(bench.ports, round.complete);
  }
  await pass(bench, round);
  assertEquals(round.complete, true);
  await clock.advance(7_200_000);
  assertEquals((await retain(bench.ports, true)).collected, 0);
  assertEquals((await Array.fromAsync(store.list(blobPrefix))).length, 6);
  assertEquals((await keysWith(store, '["due","frames"')).length, 6, "and all have a place by due time");
  assertEquals((await keysWith(store, '["hold"')).length, 12, "text and value of each");
});

Deno.test("EN-1804 whatever is missing or too much around it, nothing of a run that a live session owns changes", async () => {
  const around = fc.record({
    owned: fc.boolean(),
    ended: fc.boolean(),
    ready: fc.boolean(),
    inbox: fc.boolean(),
    indexed: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(around, { minLength: 1, maxLength: 8 }), async (runs) => {
      const clock = new ManualClock();
      const store = memoryStore({ clock });
      const bench = await benchOf(store, clock);
      const now = clock.now();
      for (const [i, { owned, ended, ready, inbox, indexed }] of runs.entries()) {
        const id = `run_${i}`;
        await make(bench, { id, createdAt: now, ...ended ? { endedAt: now } : {} });
        await store.commit(bench.session, [], [
          ...owned ? [{ key: leaseKey(id), value: encodeRecord({ session: "other", epoch: 1 }) }] : [],
          ...ready ? [{ key: readyKey("default", now - 50 * 60_000, id), value: nothing }] : [],
          ...inbox ? [{ key: inboxKey(id, "cmd"), value: nothing }] : [],
        ], indexed ? [] : [byTimeKey(now, id)]);
      }
      const before = await dump(store);
      await pass(bench);
      const after = await dump(store);
      for (const [i, { owned, ended, inbox }] of runs.entries()) {
        const id = `run_${i}`;
        const kept = [runKey(id), ["event", id, 1], inbox ? inboxKey(id, "cmd") : runKey(id)];
        if (owned) kept.push(leaseKey(id));
        for (const key of kept) {
          assertEquals(after[JSON.stringify(key)], before[JSON.stringify(key)], JSON.stringify(key));
        }
        const places = [leaseKey(id), readyKey("default", now - 50 * 60_000, id)]
          .filter((key) => JSON.stringify(key) in after);
        // One that has ended is owned while somebody tells it to run on.
        assertEquals(places.length, owned || !ended ? 1 : 0, "Q1 one place, or none once it has ended");
      }
    }),
    { numRuns: 100 },
  );
});

Deno.test("EN-1804 a claim that comes between the look and the repair wins", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const bench = await benchOf(store, clock);
  await make(bench, { id: "run_1", createdAt: clock.now() });
  const { write } = bench.ports;
  bench.ports.write = async (...operation) => {
    const value = encodeRecord({ session: "other", epoch: 1 });
    await store.commit(bench.session, [], [{ key: leaseKey("run_1"), value }], []);
    return await write(...operation);
  };
  await runsPass(bench.ports, new HoldRound(0));
  assertEquals(await keysWith(store, '"ready"'), [], "it has an owner and no ready entry");
});

Deno.test("SG-112 a half-deleted run that lost its place by due time is found and finished", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const bench = await benchOf(store, clock, { keepRuns: 0, keepDays: 0 });
  await make(bench, { id: "run_1", createdAt: clock.now(), endedAt: clock.now(), frames: 450 });
  let left = 2;
  bench.onWrite = () => {
    if (--left === 0) throw new Error("killed");
  };
  await retain(bench.ports, true).catch(() => {});
  bench.onWrite = () => {};
  const due = (await keysWith(store, '"due"')).map((key): Key => JSON.parse(key));
  assertEquals(due.length, 1);
  await store.commit(bench.session, [], [], due);
  assertEquals((await retain(bench.ports, true)).deleted, 0);
  await pass(bench);
  assertEquals((await retain(bench.ports, true)).deleted, 1);
  assertEquals(await keysWith(store, "run_1"), []);
});

Deno.test("a head that cannot be read is told of once, keeps what is its, and keeps nothing else from being repaired", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const bench = await healthy(store, clock);
  await store.commit(bench.session, [], [{ key: runKey("run_ended"), value: new Uint8Array([9]) }], []);
  const before = await dump(store);
  const ready = readyKey("default", clock.now() - 50 * 60_000, "run_ready");
  await store.commit(bench.session, [], [], [ready]);
  for (let i = 0; i < 3; i++) {
    await pass(bench);
    await clock.advance(DAY * 40);
    await retain(bench.ports, false);
  }
  const after = await dump(store);
  const its = Object.keys(before).filter((key) => key.includes("run_ended") && !key.includes('"answer"'));
  for (const key of its) {
    assertEquals(after[key], before[key], key);
  }
  assertEquals(JSON.stringify(ready) in after, true);
  assertEquals(bench.log.entries.length, 1);
});
