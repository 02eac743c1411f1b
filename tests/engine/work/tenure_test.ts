/** One session's worth of trust: nothing starts outside it, and what waits for a time waits by the right clock. */
import { assertEquals } from "@std/assert";
import { EngineError } from "../../../engine/base/errors.ts";
import type { Clock } from "../../../engine/base/clock.ts";
import type { Log } from "../../../engine/base/log.ts";
import { memoryStore } from "../../../engine/store/memory.ts";
import type { Store } from "../../../engine/store/store.ts";
import { Timers } from "../../../engine/work/timers.ts";
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
  soon,
  untilAborted,
  withMethods,
} from "./_harness.ts";

/** Holds back the reply to the first commit that says that a cell started; the commit itself is durable. */
function slowReply(store: Store, cell: string) {
  const [held, arrived] = [gate(), gate()];
  let done = false;
  const slow = withMethods(store, {
    async commit(session, checks, puts, deletes) {
      const answer = await store.commit(session, checks, puts, deletes);
      const starts = puts.some(({ key, value }) =>
        key[0] === "event" && new TextDecoder().decode(value).includes(`"step.started","step":"${cell}"`)
      );
      if (starts && !done) {
        done = true;
        arrived.open();
        await held.opened;
      }
      return answer;
    },
  });
  return { store: slow, arrived: arrived.opened, reply: held.open };
}

/** A clock that the machine can skip: time that has passed although no timer rang, as after a process was stopped. */
class SkippedClock implements Clock {
  #skipped = 0;
  constructor(readonly inner: ManualClock) {}
  now = () => this.inner.now() + this.#skipped;
  monotonic = () => this.inner.monotonic() + this.#skipped;
  sleep = (ms: number, signal?: AbortSignal) => this.inner.sleep(ms, signal);
  skip(ms: number): void {
    this.#skipped += ms;
  }
}

Deno.test("C2 EN-502 a turn whose reply comes when the session was given up starts nothing under it", async () => {
  const inner = new ManualClock();
  const slow = slowReply(memoryStore({ clock: inner }), "b");
  const kind = new ScriptedKind();
  const engine = await engineOf(slow.store, kind, { clock: inner });
  const { run } = await engine.submit({ notebook: "n", text: notebookOf({ a: [], b: ["a"] }), author: "t" });
  await pass(inner, slow.arrived, 1);
  const again = happened(engine, run, "run.adopted");
  await pass(inner, again, 500);
  slow.reply();
  const view = await pass(inner, ended(engine, run), 1);
  assertEquals([view.label, kind.calls, view.cells.b!.reason], ["succeeded", ["a#1", "b#2"], "recovery"]);
  await pass(inner, engine.close());
});

Deno.test("L4 EN-502 a turn whose reply comes after the trust window starts nothing, though no timer has rung yet", async () => {
  const inner = new ManualClock();
  const clock = new SkippedClock(inner);
  const slow = slowReply(memoryStore({ clock }), "b");
  const kind = new ScriptedKind();
  const log = new KeptLog();
  const engine = await engineOf(slow.store, kind, { clock, log });
  const { run } = await engine.submit({ notebook: "n", text: notebookOf({ a: [], b: ["a"] }), author: "t" });
  await pass(inner, slow.arrived, 1);
  clock.skip(12_500);
  slow.reply();
  const view = await pass(inner, ended(engine, run), 1);
  assertEquals([view.label, kind.calls, view.cells.b!.reason], ["succeeded", ["a#1", "b#2"], "recovery"]);
  assertEquals(log.entries.filter(({ code }) => code === "session_lost").length, 1);
  await pass(inner, engine.close());
});

Deno.test("L4 EN-502 an attempt whose session's time passes while it reads its inputs does not begin", async () => {
  const inner = new ManualClock();
  const clock = new SkippedClock(inner);
  const store = memoryStore({ clock });
  const [held, arrived] = [gate(), gate()];
  let done = false;
  const front = withMethods(store, {
    async get(keys) {
      if (!done && keys.some(([kind]) => kind === "version")) {
        done = true;
        arrived.open();
        await held.opened;
      }
      return await store.get(keys);
    },
  });
  const client = await engineOf(kept(store), new ScriptedKind(), { worker: null, clock });
  const { run } = await client.submit({ notebook: "n", text: notebookOf({ a: [] }), author: "t" });
  const kind = new ScriptedKind();
  const engine = await engineOf(front, kind, { clock });
  await pass(inner, arrived.opened, 1);
  clock.skip(12_500);
  held.open();
  const view = await pass(inner, ended(engine, run), 1);
  assertEquals([view.label, kind.calls, view.cells.a!.reason], ["succeeded", ["a#2"], "recovery"]);
  await pass(inner, client.close());
  await pass(inner, engine.close());
});

Deno.test("C2 a turn in flight when its worker breaks starts nothing under the session that was dropped", async () => {
  const clock = new ManualClock();
  const slow = slowReply(memoryStore({ clock }), "b");
  const release = gate();
  const kind = new ScriptedKind({ r: async () => (await release.opened, { type: "succeeded", value: 1 }) });
  let broken = true;
  const log: Log = {
    write({ cell, message }) {
      if (cell !== "r" || !message.startsWith("Completed") || !broken) return;
      broken = false;
      throw new Error("The log is full");
    },
  };
  const engine = await engineOf(slow.store, kind, { clock, log });
  const text = `---\nweft: 1\nconcurrency: 2\n---\n\n${notebookOf({ r: [], a: [], b: ["a"] })}`;
  const { run } = await engine.submit({ notebook: "n", text, author: "t" });
  await pass(clock, slow.arrived, 1);
  const again = happened(engine, run, "run.adopted");
  release.open();
  await pass(clock, again, 1);
  slow.reply();
  const view = await pass(clock, ended(engine, run), 1);
  assertEquals([view.label, kind.calls.toSorted()], ["succeeded", ["a#1", "b#2", "r#1", "r#2"]]);
  await pass(clock, engine.close());
});

Deno.test("L4 EN-502 at the end of the trust window what runs is aborted, and goes on once the store answers again", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  let out = false;
  const front = withMethods(store, {
    commit(session, checks, puts, deletes) {
      if (out) return Promise.reject(new EngineError("store_unavailable", "The store does not answer"));
      return store.commit(session, checks, puts, deletes);
    },
    openSession(worker, ttlMs, address) {
      if (out) return Promise.reject(new EngineError("store_unavailable", "The store does not answer"));
      return store.openSession(worker, ttlMs, address);
    },
    renew(session) {
      if (out) return Promise.reject(new EngineError("store_unavailable", "The store does not answer"));
      return store.renew(session);
    },
  });
  let abortedAt = 0;
  const kind = new ScriptedKind({
    a: async (attempt) => {
      if (attempt.attempt === 2) return { type: "succeeded", value: 2 };
      const outcome = await untilAborted(attempt);
      abortedAt = clock.now();
      return outcome;
    },
  });
  const engine = await engineOf(front, kind, { clock });
  const { run } = await engine.submit({ notebook: "n", text: notebookOf({ a: [] }), author: "t" });
  await pass(clock, happened(engine, run, "step.started"), 1);
  out = true;
  const from = clock.now();
  await clock.advance(30_000);
  assertEquals(abortedAt > from && abortedAt <= from + 12_100, true, `aborted after ${abortedAt - from} ms`);
  out = false;
  const view = await pass(clock, ended(engine, run));
  assertEquals([view.label, kind.calls], ["succeeded", ["a#1", "a#2"]]);
  await pass(clock, engine.close());
});

Deno.test("T1 EN-407 a retry that waits while the wall clock steps back is tried all the same", async () => {
  const inner = new ManualClock();
  let step = 0;
  const clock: Clock = {
    now: () => inner.now() + step,
    monotonic: inner.monotonic,
    sleep: inner.sleep,
  };
  const store = memoryStore({ clock });
  const kind = new ScriptedKind({
    a: ({ attempt }) =>
      attempt === 1
        ? { type: "failed", problem: { category: "network", message: "cut" } }
        : { type: "succeeded", value: 1 },
  });
  const engine = await engineOf(store, kind, { clock });
  const text = notebookOf({ a: [] }, { a: "retry: { attempts: 2, initial: 2s, jitter: none }" });
  const { run } = await engine.submit({ notebook: "n", text, author: "t" });
  await pass(inner, happened(engine, run, "step.retried"), 1);
  const { due } = (await journalOf(store, run)).find((event) => event.type === "step.retried")!;
  step = -5_000;
  const view = await pass(inner, ended(engine, run));
  assertEquals([view.label, kind.calls], ["succeeded", ["a#1", "a#2"]]);
  assertEquals(clock.now() >= due && clock.now() < due + 500, true, `tried ${clock.now() - due} ms after`);
  await pass(inner, engine.close());
});

Deno.test("T1 a session outlives a step of the wall clock", async () => {
  for (const by of [-3_600_000, -5_000, 5_000]) {
    const inner = new ManualClock();
    let step = 0;
    const clock: Clock = {
      now: () => inner.now() + step,
      monotonic: inner.monotonic,
      sleep: inner.sleep,
    };
    const release = gate();
    const kind = new ScriptedKind({ a: async () => (await release.opened, { type: "succeeded", value: 1 }) });
    const engine = await engineOf(memoryStore({ clock }), kind, { clock });
    const { run } = await engine.submit({ notebook: "n", text: notebookOf({ a: [] }), author: "t" });
    await pass(inner, happened(engine, run, "step.started"), 1);
    step = by;
    await inner.advance(60_000);
    release.open();
    const view = await pass(inner, ended(engine, run));
    assertEquals([view.label, kind.calls], ["succeeded", ["a#1"]], `stepped by ${by} ms`);
    await pass(inner, engine.close());
  }
});

Deno.test("EN-1702 what is due already when it is set is looked at at once", async () => {
  const clock = new ManualClock();
  const over = new AbortController();
  const woken: string[] = [];
  const timers = new Timers<string>(clock, (item) => woken.push(`${item}@${clock.now()}`), over.signal);
  const from = clock.now();
  timers.set("first", from);
  await clock.advance(1);
  timers.set("second", from);
  await clock.advance(0);
  assertEquals(woken.slice(0, 1), [`first@${from}`]);
  assertEquals(woken.filter((call) => call.startsWith("second")), [`second@${from + 1}`]);
  over.abort();
  await clock.advance(1_000);
});

Deno.test("EN-1702 what is due and cannot go on keeps nothing else waiting", async () => {
  const clock = new ManualClock();
  const over = new AbortController();
  let wokenAt = 0;
  const wake = (item: string) => {
    if (item === "next") wokenAt ||= clock.now();
  };
  const timers = new Timers<string>(clock, wake, over.signal);
  const from = clock.now();
  timers.set("stuck", from - 1_000);
  await clock.advance(0);
  timers.set("next", from + 50);
  await clock.advance(0);
  await clock.advance(2_000);
  assertEquals(wokenAt - from, 50);
  over.abort();
  await clock.advance(1_000);
});

Deno.test("EN-1702 R26 an attempt that asks for a delay of 1 ms a hundred times is called again each time at once", async () => {
  const kind = new ScriptedKind({
    a: ({ saved }) => {
      const n = Number(saved ?? 0);
      return n === 100 ? { type: "succeeded", value: n } : { type: "delayed", ms: 1, saved: n + 1 };
    },
  });
  const engine = await engineOf(memoryStore(), kind);
  const { run } = await engine.submit({ notebook: "n", text: notebookOf({ a: [] }), author: "t" });
  // A second lost to each would make it 100.
  const view = await soon(ended(engine, run));
  assertEquals([view.label, kind.calls.length], ["succeeded", 101]);
  await engine.close();
});

Deno.test("L1 whoever ended a run writes nothing of it any more: its lease may be another's by then", async () => {
  const store = memoryStore();
  const written: string[] = [];
  const front = withMethods(store, {
    commit(session, checks, puts, deletes) {
      const keys = [...puts.map(({ key }) => key), ...deletes];
      written.push(keys.filter(([kind]) => kind === "lease" || kind === "run").join(" "));
      return store.commit(session, checks, puts, deletes);
    },
  });
  const engine = await engineOf(front, new ScriptedKind({ a: untilAborted }));
  const { run } = await engine.submit({ notebook: "n", text: notebookOf({ a: [] }), author: "t" });
  await happened(engine, run, "step.started");
  await engine.tell(run, { type: "cancelRun", by: "ann" });
  await ended(engine, run);
  await engine.close();
  const [head, lease] = [`run,${run}`, `lease,${run}`];
  assertEquals(written.filter((keys) => keys !== ""), [`${lease} ${head}`, head, `${head} ${lease}`]);
});

Deno.test("L1 a session that is lost while a worker begins is followed by another, and the engine is there", async () => {
  const store = memoryStore();
  const client = await engineOf(kept(store), new ScriptedKind(), { worker: null });
  const { run } = await client.submit({ notebook: "n", text: notebookOf({ a: [] }), author: "t" });
  let done = false;
  const front = withMethods(store, {
    async *list(prefix, options) {
      if (prefix[0] === "ready" && !done) {
        done = true;
        await store.openSession("w1", 15_000, "");
      }
      yield* store.list(prefix, options);
    },
  });
  const log = new KeptLog();
  const engine = await engineOf(front, new ScriptedKind(), { log });
  assertEquals((await soon(ended(engine, run))).label, "succeeded");
  assertEquals(log.entries.filter(({ code }) => code === "session_lost").length, 1);
  await client.close();
  await engine.close();
});
