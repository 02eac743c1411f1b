/** Upkeep as a worker does it: when, by whom, and what a reader of an old run is told. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../../../../engine/base/errors.ts";
import type { Engine } from "../../../../engine/mod.ts";
import { encodeRecord } from "../../../../engine/store/codec.ts";
import { byTimeKey, holdPrefix, readyPrefix, roleKey, runPrefix } from "../../../../engine/store/keys.ts";
import { memoryStore } from "../../../../engine/store/memory.ts";
import type { Store } from "../../../../engine/store/store.ts";
import type { WireGroup } from "../../../../engine/wire/frame.ts";
import { readHead, readRole } from "../../../../engine/work/records.ts";
import { holdRole, ROLE_TTL_MS } from "../../../../engine/work/upkeep/role.ts";
import { ManualClock } from "../../../_support/manual_clock.ts";
import {
  ended,
  engineOf,
  type EngineTraits,
  kept,
  KeptLog,
  notebookOf,
  pass,
  ScriptedKind,
  turn,
  withMethods,
} from "../_harness.ts";
import { DAY, dump, keysWith, STORES } from "./_harness.ts";

const BIG = "x".repeat(20_000);

/** Streams three lines; `b` fails at its first attempt. */
const talks = () =>
  new ScriptedKind({
    a: ({ emit }) => {
      for (let i = 0; i < 3; i++) emit({ type: "log", level: "info", text: `a ${i}` });
      return { type: "succeeded", value: BIG };
    },
    b: ({ emit, attempt }) => {
      for (let i = 0; i < 2; i++) emit({ type: "log", level: "info", text: `b ${attempt} ${i}` });
      if (attempt > 1) return { type: "succeeded", value: 2 };
      return { type: "failed", problem: { category: "network", message: "cut" } };
    },
  });

/** Lets an engine live on `store` for so long. */
async function live(
  store: Store,
  clock: ManualClock,
  ms: number,
  traits: EngineTraits = {},
  act: (engine: Engine) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const engine = await engineOf(kept(store), talks(), { clock, ...traits });
  try {
    for (let at = 0; at < ms; at += 500) {
      await clock.advance(500);
      await turn();
    }
    await act(engine);
  } finally {
    await pass(clock, engine.close());
  }
}

async function made(
  store: Store,
  clock: ManualClock,
  text: string,
  traits: EngineTraits = {},
): Promise<string> {
  const engine = await engineOf(kept(store), talks(), { clock, ...traits });
  const { run } = await pass(clock, engine.submit({ notebook: "n", text, author: "t" }));
  await pass(clock, ended(engine, run));
  await pass(clock, engine.close());
  return run;
}

/** Resolves once something holds; the caller lets time pass. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!await holds()) await turn();
}

const TEXT = notebookOf({ a: [], b: ["a"] }, { b: "retry: { attempts: 2 }" });
const collect = async (from: AsyncIterable<WireGroup>) => await Array.fromAsync(from);
const items = (groups: WireGroup[]) => groups.flatMap(({ items }) => items);

for (const [where, open] of STORES) {
  Deno.test(`R29 EN-1901 T2 ${where} a week after its end a run has its values and no frames, and says which are missing`, async () => {
    const clock = new ManualClock();
    await open(clock, async (store) => {
      const run = await made(store, clock, TEXT);
      let before: WireGroup[] = [];
      let view = {};
      const signal = new AbortController().signal;
      await live(store, clock, 0, {}, async (engine) => {
        before = await collect(engine.follow(run, { signal }));
        view = await engine.view(run);
      });
      const events = (groups: WireGroup[]) => items(groups).filter(({ kind }) => kind === "event");
      assertEquals(items(before).filter(({ kind }) => kind === "gap"), []);

      await clock.advance(8 * DAY);
      await live(store, clock, 20_000, {}, async (engine) => {
        await pass(clock, until(async () => (await keysWith(store, '"frame"')).length === 0));
        const after = await collect(engine.follow(run, { signal }));
        assertEquals(events(after), events(before));
        assertEquals(items(after).filter(({ kind }) => kind === "frame"), []);
        assertEquals(items(after).flatMap((item) => item.kind === "gap" ? [item.gap] : []), [
          { step: "a", attempt: 1, from: 1, to: 3 },
          { step: "b", attempt: 1, from: 1, to: 2 },
          { step: "b", attempt: 2, from: 1, to: 2 },
        ]);
        // Each gap stands before the event that ends its attempt.
        const order = items(after).map((item) =>
          item.kind === "gap" ? `gap ${item.gap.step}` : item.kind === "event" ? item.event.type : "frame"
        );
        assertEquals(order[order.indexOf("step.succeeded") - 1], "gap a");
        assertEquals(order[order.indexOf("step.retried") - 1], "gap b");

        const now = await engine.view(run);
        for (const cell of ["a", "b"]) {
          const { value, label, trimmed, logs } = now.cells[cell]!;
          const old = (view as typeof now).cells[cell]!;
          assertEquals([value, label, trimmed, logs], [old.value, old.label, true, []]);
        }
        assertEquals(await engine.value(run, "a"), BIG);
        assertEquals(await engine.textOf(run), TEXT);
        assertEquals((await engine.runs({})).map(({ id }) => id), [run]);

        // Whoever goes on from a place: refused before what has gone, with the oldest that has lost nothing.
        let oldest: string | undefined;
        for (const [i, { cursor, end }] of before.entries()) {
          const rest = before.slice(i + 1).flatMap(({ items }) => items).some(({ kind }) => kind === "frame");
          const going = collect(engine.follow(run, { after: cursor, signal }));
          if (!rest) {
            assertEquals(items(await going), items(before.slice(i + 1)), "nothing is missing from here");
            continue;
          }
          const error = await assertRejects(() => going, EngineError);
          assertEquals([error.code, error.status, end], ["frames_trimmed", 410, undefined]);
          oldest = (error.problems![0] as { oldest: string }).oldest;
          const from = await collect(engine.follow(run, { after: oldest, signal }));
          assertEquals(items(from).filter(({ kind }) => kind !== "event"), []);
        }
        assert(oldest !== undefined, "some place came before frames");
      });
    });
  });
}

Deno.test("EN-1901 front matter beats the engine's settings, and pins beat both", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const own = `---\nretention: { keepRuns: 0, keepDays: 2 }\n---\n${notebookOf({ a: [] })}`;
  const short = await made(store, clock, own);
  const pinned = await made(store, clock, own);
  const long = await made(store, clock, notebookOf({ a: [] }));
  const heads = await Array.fromAsync(store.list(runPrefix), readHead);
  assertEquals(heads.map(({ retention }) => retention), [
    { keepRuns: 0, keepDays: 2 },
    { keepRuns: 0, keepDays: 2 },
    undefined,
  ]);
  await live(store, clock, 0, {}, (engine) => engine.pin(pinned));
  await clock.advance(3 * DAY);
  await live(store, clock, 20_000, {}, async (engine) => {
    assertEquals((await engine.runs({})).map(({ id, pinned }) => [id, pinned]), [
      [long, undefined],
      [pinned, true],
    ]);
    for (const act of [() => engine.view(short), () => engine.pin(short), () => engine.textOf(short)]) {
      assertEquals((await assertRejects(act, EngineError)).code, "run_not_found");
    }
    await pass(clock, engine.unpin(pinned));
  });
  await clock.advance(3 * DAY);
  await live(store, clock, 20_000, {}, async (engine) => {
    assertEquals((await engine.runs({})).map(({ id }) => id), [long]);
  });
  // A process without worker may pin, and leaves the taking away to one that has.
  const client = await engineOf(kept(store), talks(), { clock, worker: null });
  await client.pin(long);
  assertEquals((await client.runs({}))[0]!.pinned, true);
  assertEquals((await assertRejects(() => client.unpin(long), EngineError)).code, "store_in_use");
  await client.close();
});

Deno.test("C3 a run says what it names in the commits that name it, whichever way it is submitted", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const engine = await engineOf(kept(store), talks(), { clock });
  const params = "---\nparams: { p: { type: json } }\n---\n";
  const text = params + TEXT;
  const held = async (run: string) =>
    (await Array.fromAsync(store.list(holdPrefix()))).filter(({ key }) => key[2] === run).length;
  for (const key of [undefined, "k"]) {
    const { run } = await pass(
      clock,
      engine.submit({
        notebook: "n",
        text,
        author: "t",
        params: { p: BIG },
        ...key === undefined ? {} : { key },
      }),
    );
    await pass(clock, ended(engine, run));
    assertEquals(await held(run), 4, "text, plan, params, the value of a");
  }
  const { run } = await pass(
    clock,
    engine.submit({ notebook: "n", text, author: "t", params: { p: BIG }, cells: ["b"] }),
  );
  await pass(clock, ended(engine, run));
  assertEquals((await engine.view(run)).cells.a!.label, "reused");
  assertEquals(await held(run), 4, "text, plan, params, the value of a that it took from the run before");
  await pass(clock, engine.close());
});

Deno.test("D1 the last value of a deleted run is as if it had never been: the cell runs again, without a word in the log", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const settings = { retention: { keepRuns: 0, keepDays: 1 } };
  await made(store, clock, TEXT, settings);
  await clock.advance(2 * DAY);
  const log = new KeptLog();
  await live(store, clock, 20_000, { ...settings, log }, async (engine) => {
    assertEquals(await engine.runs({}), []);
    assertEquals(await keysWith(store, '"past"'), []);
    const { plan } = await engine.plan({ notebook: "n", text: TEXT, cells: ["b"] });
    assertEquals(plan!.steps.map(({ action }) => action), ["run", "run"]);
  });
  assertEquals(log.entries.filter(({ level }) => level === "error"), []);
});

Deno.test("EN-1801 repairs come shortly after the start and every five minutes; an idle pass writes no more than the role", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const run = await made(store, clock, notebookOf({ a: [] }));
  const { createdAt } = (await Array.fromAsync(store.list(runPrefix), readHead))[0]!;
  const index = byTimeKey(createdAt, run);
  const session = (await store.openSession("saboteur", 10 ** 12, ""))!;
  const commits: number[] = [];
  const counted = withMethods(store, {
    commit: (session, checks, puts, deletes) => {
      if (puts.length + deletes.length > 0) commits.push(puts.length + deletes.length);
      return store.commit(session, checks, puts, deletes);
    },
  });
  const there = async () => (await store.get([index]))[0] !== undefined;
  await store.commit(session, [], [], [index]);
  const engine = await engineOf(kept(counted), talks(), { clock });
  const seconds = async (count: number) => {
    for (let i = 0; i < count * 2; i++) {
      await clock.advance(500);
      await turn();
    }
  };
  await seconds(20);
  assertEquals(await there(), true, "repaired at the first pass");
  await store.commit(session, [], [], [index]);
  await seconds(200);
  assertEquals(await there(), false, "not every minute");
  await seconds(150);
  assertEquals(await there(), true, "within five minutes");
  commits.length = 0;
  const before = await dump(store);
  await seconds(400);
  assertEquals(await dump(store), before);
  assert(commits.length <= 6 && commits.every((size) => size === 1), `${commits}`);
  await pass(clock, engine.close());
});

Deno.test("EN-1801 one of two workers has the role; the other takes it when its time is over, the same worker at once", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const open = async (worker: string) => {
    const session = (await store.openSession(worker, 10 ** 12, ""))!;
    return {
      store,
      session,
      write: async (...operation: Parameters<Parameters<typeof holdRole>[0]["write"]>) =>
        await store.commit(session, ...operation) === "ok",
    };
  };
  const [one, two] = [await open("w1"), await open("w2")];
  assertEquals(await holdRole(one, clock.now()), true);
  assertEquals(await holdRole(two, clock.now()), false);
  const [first] = await store.get([roleKey("reaper")]);
  assertEquals(await holdRole(one, clock.now() + 1_000), true);
  assertEquals(
    (await store.get([roleKey("reaper")]))[0]!.version,
    first!.version,
    "not renewed without need",
  );
  assertEquals(await holdRole(one, clock.now() + ROLE_TTL_MS / 2), true);
  assertEquals(await holdRole(two, clock.now() + ROLE_TTL_MS + 5_001), false, "it was renewed");
  assertEquals(await holdRole(two, clock.now() + 2 * ROLE_TTL_MS), true);
  assertEquals(await holdRole(one, clock.now() + 2 * ROLE_TTL_MS), false);
  assertEquals(
    await holdRole(await open("w2"), clock.now() + 2 * ROLE_TTL_MS),
    true,
    "its former session is over",
  );
  const { worker, epoch } = readRole((await store.get([roleKey("reaper")]))[0]!);
  assertEquals([worker, epoch], ["w2", 2]);
});

Deno.test("EN-1801 a pass that fails is logged and tried again, and the worker goes on", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  let broken = true;
  const failing = withMethods(store, {
    list: (prefix, options) => {
      if (broken && prefix[0] === "hold") throw new TypeError("broken on purpose");
      return store.list(prefix, options);
    },
  });
  const log = new KeptLog();
  const client = await engineOf(kept(store), talks(), { clock, worker: null });
  await live(failing, clock, 80_000, { log }, async (engine) => {
    const errors = log.entries.filter(({ level }) => level === "error");
    assert(errors.length >= 1 && errors[0]!.message.includes("broken on purpose"), JSON.stringify(errors));
    broken = false;
    const { run } = await client.submit({ notebook: "n", text: notebookOf({ a: [] }), author: "t" });
    assertEquals((await pass(clock, ended(engine, run))).label, "succeeded");
  });
  await client.close();
});

Deno.test("EN-1801 a worker that takes up only its own runs leaves upkeep to others", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  await store.submit([{ key: byTimeKey(1, "run_none"), value: encodeRecord(null) }], []);
  const kind = talks();
  const engine = await engineOf(kept(store), kind, { clock, only: [] });
  for (let i = 0; i < 60; i++) {
    await clock.advance(500);
    await turn();
  }
  assertEquals((await keysWith(store, "run_none")).length, 1);
  assertEquals(await Array.fromAsync(store.list(readyPrefix())), []);
  assertEquals((await store.get([roleKey("reaper")]))[0], undefined);
  await pass(clock, engine.close());
});
