/** Runs that are told to run on after their end, while upkeep looks at them. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../../../../engine/base/errors.ts";
import { noLog } from "../../../../engine/base/log.ts";
import { DEFAULT_RETENTION } from "../../../../engine/notebook/policy.ts";
import { encodeRecord } from "../../../../engine/store/codec.ts";
import {
  duePrefix,
  framePrefix,
  holdPrefix,
  inboxKey,
  leaseKey,
  runKey,
  runPrefix,
  snapshotKey,
} from "../../../../engine/store/keys.ts";
import { memoryStore } from "../../../../engine/store/memory.ts";
import { Committer } from "../../../../engine/work/commit/committer.ts";
import { HeldSession } from "../../../../engine/work/commit/session.ts";
import { readHead, readSnapshot } from "../../../../engine/work/records.ts";
import { Feed } from "../../../../engine/work/stream/feed.ts";
import { hashOf } from "../../../../engine/work/upkeep/names.ts";
import { retain } from "../../../../engine/work/upkeep/retain.ts";
import { ManualClock } from "../../../_support/manual_clock.ts";
import { ended, engineOf, kept, notebookOf, pass, ScriptedKind, turn } from "../_harness.ts";
import { benchOf, DAY, keysWith, make } from "./_harness.ts";

/** Fails in every run's first attempt, and streams a line in each. */
const stumbles = () =>
  new ScriptedKind({
    a: ({ emit, attempt }) => {
      emit({ type: "log", level: "info", text: `try ${attempt}` });
      if (attempt > 1) return { type: "succeeded", value: "x".repeat(9_000) };
      return { type: "failed", problem: { category: "code_error", message: "no" } };
    },
  });

Deno.test("EN-1901 T2 a run that runs on loses its place by due time, says which frames are gone, and gets a new place at its new end", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const engine = await engineOf(kept(store), stumbles(), { clock });
  const text = `---\nretention: { keepFramesDays: 2 }\n---\n${notebookOf({ a: [] })}`;
  const { run } = await pass(clock, engine.submit({ notebook: "n", text, author: "t" }));
  await pass(clock, ended(engine, run));
  await pass(clock, engine.close());
  const places = async () => (await Array.fromAsync(store.list(duePrefix()))).map(({ key }) => key[1]);
  assertEquals(await places(), ["frames"]);

  await clock.advance(3 * DAY);
  const second = await engineOf(kept(store), stumbles(), { clock });
  for (let i = 0; i < 60; i++) {
    await clock.advance(500);
    await turn();
  }
  assertEquals([await keysWith(store, '"frame"'), await places()], [[], ["run"]]);
  const before: string[] = [];
  for await (const { cursor } of second.follow(run, { signal: new AbortController().signal })) {
    before.push(cursor);
  }

  await pass(clock, second.tell(run, { type: "restartRun", by: "t" }));
  assertEquals((await pass(clock, ended(second, run))).label, "succeeded");
  const heads = await Array.fromAsync(store.list(runPrefix), readHead);
  assertEquals(heads.map(({ retention, due }) => [retention, due!.what]), [[
    { keepFramesDays: 2 },
    "frames",
  ]]);
  assertEquals(await places(), ["frames"]);
  const items = [];
  for await (const group of second.follow(run, { signal: new AbortController().signal })) {
    items.push(...group.items);
  }
  assertEquals(items.flatMap((item) => item.kind === "gap" ? [item.gap] : []), [
    { step: "a", attempt: 1, from: 1, to: 1 },
  ]);
  assertEquals(items.flatMap((item) => item.kind === "frame" ? [item.frame.attempt] : []), [2]);
  const { a } = (await second.view(run)).cells;
  assertEquals([a!.attempt, a!.trimmed, a!.logs.length], [2, undefined, 1]);
  // From its first end on nothing is missing.
  const rest = [];
  for await (
    const { items } of second.follow(run, { after: before.at(-1), signal: new AbortController().signal })
  ) {
    rest.push(...items.map(({ kind }) => kind));
  }
  assert(rest.includes("frame") && !rest.includes("gap"), `${rest}`);
  const early = second.follow(run, { after: before[0], signal: new AbortController().signal });
  assertEquals((await assertRejects(() => Array.fromAsync(early), EngineError)).code, "frames_trimmed");
  await pass(clock, second.close());
});

Deno.test("T2 a run that is claimed while its frames go keeps those that are there", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const bench = await benchOf(store, clock);
  await make(bench, { id: "run_1", createdAt: clock.now(), endedAt: clock.now(), frames: 700 });
  await clock.advance(8 * DAY);
  const claimed = { key: leaseKey("run_1"), value: encodeRecord({ session: "other", epoch: 1 }) };
  bench.onWrite = (write) => {
    // After the mark and the first commit of deletions.
    if (write === 3) void store.commit(bench.session, [], [claimed], []);
  };
  assertEquals((await retain(bench.ports, true)).trimmed, 0);
  const left = (await Array.fromAsync(store.list(framePrefix("run_1")))).length;
  assertEquals(left, 500);
  assert((await bench.journals.head("run_1"))!.trimmedAt !== undefined);
  // Once it has no owner again, the rest goes.
  await store.commit(bench.session, [], [], [leaseKey("run_1")]);
  bench.onWrite = () => {};
  assertEquals((await retain(bench.ports, true)).trimmed, 1);
  assertEquals(await Array.fromAsync(store.list(framePrefix("run_1"))), []);
});

Deno.test("EN-1804 a run that has ended and is owned, because it is being told something, is neither moved nor deleted", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const bench = await benchOf(store, clock, { keepRuns: 0, keepFramesDays: 99 });
  await make(bench, { id: "run_1", createdAt: clock.now(), endedAt: clock.now() });
  await make(bench, {
    id: "run_2",
    createdAt: clock.now(),
    endedAt: clock.now(),
    head: { retention: { keepRuns: 9 } },
  });
  for (const id of ["run_1", "run_2"]) {
    const value = encodeRecord({ session: "other", epoch: 1 });
    await store.commit(bench.session, [], [{ key: leaseKey(id), value }], []);
  }
  await clock.advance(31 * DAY);
  const heads = await store.get([runKey("run_1"), runKey("run_2")]);
  assertEquals(await retain(bench.ports, true), { trimmed: 0, deleted: 0, collected: 0, kept: 0 });
  assertEquals(await store.get([runKey("run_1"), runKey("run_2")]), heads);
});

Deno.test("SG-112 what is said to a half-deleted run wakes nobody, and goes with it", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const bench = await benchOf(store, clock, { keepRuns: 0, keepDays: 0 });
  const head = await make(bench, {
    id: "run_1",
    createdAt: clock.now(),
    endedAt: clock.now(),
    head: { deletedAt: clock.now(), due: { at: clock.now(), what: "run" } },
  });
  assertEquals(head.deletedAt, clock.now());
  await store.post("run_1", "cmd_1", encodeRecord({ type: "restartRun", by: "t" }));
  const engine = await engineOf(kept(store), stumbles(), { clock });
  for (let i = 0; i < 20; i++) {
    await clock.advance(500);
    await turn();
  }
  assertEquals((await store.get([leaseKey("run_1")]))[0], undefined);
  assert((await store.get([inboxKey("run_1", "cmd_1")]))[0] !== undefined);
  for (let i = 0; i < 40; i++) {
    await clock.advance(500);
    await turn();
  }
  assertEquals(await keysWith(store, "run_1"), []);
  await pass(clock, engine.close());
});

Deno.test("C3 a run holds its last snapshot and no other", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const engine = await engineOf(kept(store), new ScriptedKind(), { clock });
  const cells = Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`c${i}`, [] as string[]]));
  const { run } = await pass(clock, engine.submit({ notebook: "n", text: notebookOf(cells), author: "t" }));
  await pass(clock, ended(engine, run));
  const first = (await store.get([snapshotKey(run)]))[0]!;
  for (let i = 0; i < 2; i++) {
    await pass(clock, engine.tell(run, { type: "restartRun", by: "t", from: Object.keys(cells) }));
    await pass(clock, ended(engine, run));
  }
  for (let i = 0; i < 10; i++) await turn();
  const [entry] = await store.get([snapshotKey(run)]);
  const { state } = readSnapshot(entry!);
  assert(hashOf(state)[0] !== hashOf(readSnapshot(first).state)[0], "it is another than the first");
  const held = (await Array.fromAsync(store.list(holdPrefix()))).map(({ key }) => key[1]);
  assertEquals(held.filter((sha) => hashOf(state).includes(String(sha))).length, 1);
  assertEquals(held.length, 3, "text, plan and the snapshot");
  await pass(clock, engine.close());
});

Deno.test("L1 two operations that rest on the same record are not written as one: the second sees what the first did", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const committer = new Committer({
    store,
    held: await HeldSession.open(store, "w1", clock),
    feed: new Feed(),
    clock,
    log: noLog,
    retention: DEFAULT_RETENTION,
    slots: { free: 1 },
    covers: () => true,
    act() {},
    freed() {},
    gone() {},
    written() {},
    posted() {},
    lost() {},
  });
  const check = { key: leaseKey("run_1"), version: null };
  const put = { key: leaseKey("run_1"), value: encodeRecord({ session: "w1", epoch: 1 }) };
  const other = { key: leaseKey("run_2"), version: null };
  const answers = await Promise.all([
    committer.claim([check], [put], []),
    committer.claim([other], [], []),
    committer.claim([other, check], [{ key: runKey("run_1"), value: encodeRecord(null) }], []),
  ]);
  assertEquals(answers, ["ok", "ok", "conflict"]);
});

Deno.test("L1 a deletion whose run has an owner after its first commit leaves it alone", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const bench = await benchOf(store, clock, { keepRuns: 0, keepDays: 0 });
  for (const marked of [true, false]) {
    const id = `run_${marked}`;
    const head = await make(bench, { id, createdAt: clock.now(), endedAt: clock.now(), frames: 400 });
    const records = async () => (await keysWith(store, id)).length;
    const before = await records();
    const lease = { key: leaseKey(id), value: encodeRecord({ session: "other", epoch: 1 }) };
    // Its owner, who had read it before, has only just come; or has written the head as it was and gone again.
    const owner = [marked ? lease : { key: runKey(id), value: encodeRecord(head) }];
    const { write } = bench.ports;
    let first = true;
    bench.ports.write = async (...operation) => {
      const done = await write(...operation);
      if (first) await store.commit(bench.session, [], owner, []);
      first = false;
      return done;
    };
    assertEquals((await retain(bench.ports, true)).deleted, 0);
    bench.ports.write = write;
    assertEquals(await records(), before - 2 + (marked ? 1 : 0), "out of the lists, and else whole");
    await store.commit(bench.session, [], [], [lease.key]);
    assertEquals((await retain(bench.ports, true)).deleted, 1);
    assertEquals(await records(), 0);
  }
});

Deno.test("C3 a plan that serves again long after its runs went, and its values with them, names what is there", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const fails = new ScriptedKind({
    a: () => ({ type: "failed", problem: { category: "code_error", message: "no" } }),
  });
  const engine = await engineOf(kept(store), fails, { clock, retention: { keepRuns: 0, keepDays: 0 } });
  const fallback = "f".repeat(9_000);
  const text = notebookOf({ a: [] }, { a: `fallback: { value: ${fallback} }` });
  for (let i = 0; i < 2; i++) {
    const { run } = await pass(clock, engine.submit({ notebook: "n", text, author: "t" }));
    await pass(clock, ended(engine, run));
    assertEquals(await engine.value(run, "a"), fallback);
    await pass(clock, gone(), 20_000);
  }
  await pass(clock, engine.close());

  /** Upkeep has taken the run and, an hour later, all that it named. */
  async function gone(): Promise<void> {
    for (const left of ['"run', '["blob"', '["version"']) {
      while ((await keysWith(store, left)).length > 0) await turn();
    }
  }
});
