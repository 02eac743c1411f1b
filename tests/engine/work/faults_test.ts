/** What goes wrong around an attempt or a turn is that attempt's or that turn's: the engine goes on. */
import { assert, assertEquals } from "@std/assert";
import { EngineError } from "../../../engine/base/errors.ts";
import { decodeRecord, encodeRecord } from "../../../engine/store/codec.ts";
import { runKey } from "../../../engine/store/keys.ts";
import { memoryStore } from "../../../engine/store/memory.ts";
import type { Store } from "../../../engine/store/store.ts";
import {
  ended,
  engineOf,
  happened,
  inboxEmptied,
  kept,
  KeptLog,
  notebookOf,
  ScriptedKind,
  soon,
  untilAborted,
  valuesOf,
  withMethods,
} from "./_harness.ts";

Deno.test("EN-412 a value that cannot be written to disk fails its attempt; the engine goes on", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/file`, "");
  const log = new KeptLog();
  const kind = new ScriptedKind({ a: () => ({ type: "succeeded", value: "x".repeat(2_000_000) }) });
  const engine = await engineOf(memoryStore(), kind, { log, artifactsFolder: `${folder}/file` });
  const run = (text: string) => engine.submit({ notebook: "n", text, author: "t" });
  const view = await ended(engine, (await run(notebookOf({ a: [] }))).run);
  assertEquals([view.label, view.cells.a!.problem?.code, kind.calls], ["failed", "internal", ["a#1"]]);
  assert(log.entries.some(({ level, cell }) => level === "error" && cell === "a"), "the log has the cause");
  assertEquals((await ended(engine, (await run(notebookOf({ b: [] }))).run)).label, "succeeded");
  await soon(engine.close());
  await Deno.remove(folder, { recursive: true });
});

/** A store that is out of reach for the first two reads of a kind of record, but for those of the hash `spared`. */
function interrupted(store: Store, kind: string, spared = ""): { store: Store; failures: () => number } {
  let failures = 0;
  const out = (keys: readonly (readonly unknown[])[]) => {
    if (!keys.some(([first, hash]) => first === kind && hash !== spared) || failures >= 2) return;
    failures++;
    throw new EngineError("store_unavailable", "The store does not answer");
  };
  const methods = withMethods(store, {
    async get(keys) {
      out(keys);
      return await store.get(keys);
    },
    async submit(puts, unless) {
      out(puts.map(({ key }) => key));
      return await store.submit(puts, unless);
    },
  });
  return { store: methods, failures: () => failures };
}

// Read: the document by `version`, params and inputs by `blob` and `chunk`. Written: the value of `a`.
for (const kind of ["version", "blob", "chunk"]) {
  Deno.test(`EN-412 an attempt waits for a store that is out of reach for its ${kind} records, then succeeds`, async () => {
    const store = memoryStore();
    const big = "x".repeat(20_000);
    const client = await engineOf(kept(store), new ScriptedKind(), { worker: null });
    const text = `---\nweft: 1\nparams:\n  p: { type: string }\n---\n${notebookOf({ a: ["p"], b: ["a"] })}`;
    const { run } = await client.submit({ notebook: "n", text, params: { p: big }, author: "t" });
    // The plan is read before there is an attempt.
    const { plan } = decodeRecord(
      (await store.get([runKey(run)]))[0]!,
      (head) => head as { plan: { sha256: string } },
    );
    const outage = interrupted(store, kind, plan.sha256);
    const same: Record<string, boolean> = {};
    const scripted = new ScriptedKind({
      a: ({ inputs }) => {
        same.a = inputs.p === big;
        return { type: "succeeded", value: big + 1 };
      },
      b: ({ inputs }) => {
        same.b = inputs.a === big + 1;
        return { type: "succeeded", value: 2 };
      },
    });
    const log = new KeptLog();
    const engine = await engineOf(outage.store, scripted, { log });
    const view = await ended(engine, run);
    assertEquals([view.label, scripted.calls, same], ["succeeded", ["a#1", "b#1"], { a: true, b: true }]);
    assertEquals([outage.failures(), log.entries.filter(({ code }) => code === "store_unavailable").length], [
      2,
      2,
    ]);
    await client.close();
    await soon(engine.close());
  });
}

Deno.test("EN-412 an outage at the end of an attempt delays its value and does not fail it", async () => {
  const store = memoryStore();
  let outage: ReturnType<typeof interrupted> | undefined;
  const front = withMethods(store, {
    get: (keys) => (outage?.store ?? store).get(keys),
    submit: (puts, unless) => (outage?.store ?? store).submit(puts, unless),
  });
  const kind = new ScriptedKind({
    a: () => {
      outage = interrupted(store, "chunk");
      return { type: "succeeded", value: "y".repeat(20_000) };
    },
  });
  const engine = await engineOf(front, kind);
  const view = await ended(
    engine,
    (await engine.submit({ notebook: "n", text: notebookOf({ a: [] }), author: "t" })).run,
  );
  assertEquals([view.label, outage?.failures(), kind.calls], ["succeeded", 2, ["a#1"]]);
  await soon(engine.close());
});

/** A store whose commits throw what no driver should, once `armed` and once only, where `match` says so. */
function breaking(store: Store, match: (puts: string[], deletes: string[]) => boolean) {
  const bomb = { armed: false };
  const heads = (keys: readonly (readonly unknown[])[]) => keys.map(([first]) => String(first));
  const broken = withMethods(store, {
    async commit(session, checks, puts, deletes) {
      if (bomb.armed && match(heads(puts.map(({ key }) => key)), heads(deletes))) {
        bomb.armed = false;
        throw new RangeError("An operation is over commitBytes");
      }
      return await store.commit(session, checks, puts, deletes);
    },
  });
  return { bomb, store: broken };
}

Deno.test("C1 a turn that throws answers whoever waits for it: a command is applied in the end, and close returns", async () => {
  const { bomb, store } = breaking(memoryStore(), (puts) => puts.includes("event"));
  const log = new KeptLog();
  const engine = await engineOf(store, new ScriptedKind({ a: untilAborted }), { log });
  const { run } = await engine.submit({ notebook: "n", text: notebookOf({ a: [] }), author: "t" });
  await happened(engine, run, "step.started");
  bomb.armed = true;
  await soon(engine.tell(run, { type: "cancelRun", by: "ann" }));
  assertEquals((await soon(ended(engine, run))).label, "cancelled");
  assertEquals(log.entries.filter(({ code }) => code === "session_lost").length, 1);
  await soon(engine.close());
});

Deno.test("C1 a turn that throws while it applies a posted command does not stop the worker from looking", async () => {
  const { bomb, store } = breaking(memoryStore(), (_, deletes) => deletes.includes("in"));
  const engine = await engineOf(store, new ScriptedKind({ a: untilAborted }));
  const { run } = await engine.submit({ notebook: "n", text: notebookOf({ a: [] }), author: "t" });
  await happened(engine, run, "step.started");
  bomb.armed = true;
  await store.post(run, "cmd_1", encodeRecord({ type: "stopRun", by: "cli" }));
  const next = await engine.submit({ notebook: "n", text: notebookOf({ b: [] }), author: "t" });
  assertEquals(valuesOf(await soon(ended(engine, next.run))), { b: 1 });
  await inboxEmptied(store);
  assertEquals(bomb.armed, false);
  await soon(engine.tell(run, { type: "cancelRun", by: "ann" }));
  assertEquals((await soon(ended(engine, run))).label, "cancelled");
  await soon(engine.close());
});

Deno.test("C1 a claim that throws does not stop the worker from claiming", async () => {
  const { bomb, store } = breaking(memoryStore(), (puts) => puts.includes("lease"));
  const engine = await engineOf(store, new ScriptedKind());
  bomb.armed = true;
  const { run } = await engine.submit({ notebook: "n", text: notebookOf({ a: [] }), author: "t" });
  assertEquals(valuesOf(await soon(ended(engine, run))), { a: 1 });
  assertEquals(bomb.armed, false);
  await soon(engine.close());
});

Deno.test("C1 close returns while turns throw and nothing can be written any more", async () => {
  let broken = false;
  const inner = memoryStore();
  const store = withMethods(inner, {
    commit(session, checks, puts, deletes) {
      if (broken) throw new TypeError("A driver's bug");
      return inner.commit(session, checks, puts, deletes);
    },
  });
  const engine = await engineOf(store, new ScriptedKind({ a: untilAborted }));
  const { run } = await engine.submit({ notebook: "n", text: notebookOf({ a: [] }), author: "t" });
  await happened(engine, run, "step.started");
  broken = true;
  await soon(engine.close());
});
