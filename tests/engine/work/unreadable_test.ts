/** Records that this version cannot read, as of a newer one or a broken disk: what they belong to is left alone, all else works. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../../../engine/base/errors.ts";
import type { Json } from "../../../engine/base/json.ts";
import { decodeRecord, encodeRecord } from "../../../engine/store/codec.ts";
import { eventKey, leaseKey, pastKey, runKey, sessionKey } from "../../../engine/store/keys.ts";
import { memoryStore } from "../../../engine/store/memory.ts";
import type { Key, Store } from "../../../engine/store/store.ts";
import {
  ended,
  engineOf,
  happened,
  inboxEmptied,
  kept,
  KeptLog,
  notebookOf,
  ScriptedKind,
  untilAborted,
  valuesOf,
} from "./_harness.ts";

const BYTES: [string, Uint8Array][] = [
  ["of another format", new Uint8Array([9, 1, 2])],
  ["that is empty", new Uint8Array()],
  ["of an unknown kind", encodeRecord({ type: "paintStep", step: "a", by: "cli" })],
  ["with an unknown field", encodeRecord({ type: "stopRun", by: "cli", force: true })],
];

for (const [what, bytes] of BYTES) {
  Deno.test(`EN-101 a posted command ${what} is dropped and blocks neither the next nor a start`, async () => {
    const store = memoryStore();
    const client = await engineOf(kept(store), new ScriptedKind(), { worker: null });
    const { run } = await client.submit({ notebook: "n", text: notebookOf({ a: [] }), author: "t" });
    await store.post(run, "cmd_0", bytes);
    const log = new KeptLog();
    const engine = await engineOf(store, new ScriptedKind({ a: untilAborted }), { log });
    await inboxEmptied(store);
    await happened(engine, run, "step.started");
    await store.post(run, "cmd_1", bytes);
    await client.tell(run, { type: "cancelRun", by: "cli" });
    const next = await engine.submit({ notebook: "n", text: notebookOf({ b: [] }), author: "t" });
    assertEquals(valuesOf(await ended(engine, next.run)), { b: 1 });
    assertEquals((await ended(engine, run)).label, "cancelled");
    await inboxEmptied(store);
    assertEquals(log.entries.filter(({ message }) => message.includes("dropped")).length, 2);
    await client.close();
    await engine.close();
  });
}

/** Writes records past the engine, as another version or a broken disk would have left them. */
async function overwrite(store: Store, key: Key, value: Uint8Array): Promise<void> {
  const session = await store.openSession("vandal", 15_000, "");
  await store.commit(session!, [], [{ key, value }], []);
  await store.closeSession(session!);
}

async function changed(store: Store, key: Key, change: (json: Json) => Json): Promise<Uint8Array> {
  const [entry] = await store.get([key]);
  return encodeRecord(decodeRecord(entry!, change));
}

const withNews = (json: Json) => ({ ...json as Record<string, Json>, news: 1 });
const withNewsInPlan = (json: Json) => ({
  ...json as Record<string, Json>,
  plan: { inline: { version: "", steps: [], concurrency: 1, news: 1 } },
});
const DAMAGE: [string, (run: string) => Key, (json: Json) => Json][] = [
  ["head", runKey, withNews],
  ["plan", runKey, withNewsInPlan],
  ["journal record", (run) => eventKey(run, 1), withNews],
  [
    "journal of another number",
    (run) => eventKey(run, 1),
    (json) => ({ ...withNews(json), news: 2, seq: 7 }),
  ],
];

for (const [what, keyOf, change] of DAMAGE) {
  for (const when of ["before anybody claims it", "after its owner is gone"]) {
    Deno.test(`C1 a run whose ${what} cannot be read, damaged ${when}, is left alone and told of once`, async () => {
      const store = memoryStore();
      const text = notebookOf({ a: [], b: ["a"] });
      const owner = when.startsWith("after") ? "w1" : null;
      const before = await engineOf(kept(store), new ScriptedKind({ b: untilAborted }), { worker: owner });
      const submit = (notebook: string) => before.submit({ notebook, text, author: "t" });
      const { run: bad } = await submit("n");
      if (owner !== null) await happened(before, bad, "step.started", "b");
      const { run: good } = await submit("n");
      if (owner !== null) await happened(before, good, "step.started", "b");
      await overwrite(store, keyOf(bad), await changed(store, keyOf(bad), change));

      const log = new KeptLog();
      const kind = new ScriptedKind();
      const engine = await engineOf(store, kind, { log });
      assertEquals(valuesOf(await ended(engine, good)), { a: 1, b: 2 });
      const { run: next } = await engine.submit({ notebook: "n", text, author: "t" });
      assertEquals((await ended(engine, next)).label, "succeeded");
      assertEquals(
        log.entries.filter(({ code, runId }) => code === "store_corrupt" && runId === bad).length,
        1,
      );
      assertEquals(kind.calls.length, owner === null ? 4 : 3, "nothing of the damaged run has run");

      const ids = (await engine.runs({ notebook: "n" })).map(({ id }) => id);
      assertEquals(new Set(ids.filter((id) => id !== bad)), new Set([good, next]));
      assertEquals((await engine.plan({ notebook: "n", text })).problems, []);
      const error = await assertRejects(() => engine.view(bad), EngineError);
      assertEquals(error.code, "store_corrupt");
      await before.close();
      await engine.close();
    });
  }
}

Deno.test("C1 40 runs that cannot be read do not keep the one behind them from being claimed", async () => {
  const store = memoryStore();
  const client = await engineOf(kept(store), new ScriptedKind(), { worker: null });
  const submit = () => client.submit({ notebook: "n", text: notebookOf({ a: [] }), author: "t" });
  for (let i = 0; i < 40; i++) {
    await overwrite(store, runKey((await submit()).run), encodeRecord({ news: 1 }));
  }
  const { run } = await submit();
  const engine = await engineOf(store, new ScriptedKind());
  assertEquals((await ended(engine, run)).label, "succeeded");
  assertEquals((await engine.runs({})).map(({ id }) => id), [run]);
  await client.close();
  await engine.close();
});

Deno.test("D1 a last value that cannot be read is as if it were not there: the cell runs again", async () => {
  const store = memoryStore();
  const kind = new ScriptedKind();
  const engine = await engineOf(store, kind);
  const text = notebookOf({ a: [], b: ["a"] });
  const submit = (cells?: string[]) =>
    engine.submit({ notebook: "n", text, author: "t", ...(cells === undefined ? {} : { cells }) });
  const first = await submit();
  await ended(engine, first.run);
  await overwrite(store, pastKey("n", "a"), encodeRecord({ news: 1 }));
  assertEquals((await engine.plan({ notebook: "n", text })).problems, []);
  assertEquals(valuesOf(await ended(engine, (await submit(["b"])).run)), { a: 1, b: 2 });
  assertEquals(kind.calls, ["a#1", "b#1", "a#1", "b#1"]);
  // The whole run that a last value is of.
  await overwrite(store, runKey(first.run), encodeRecord({ news: 1 }));
  assertEquals((await ended(engine, (await submit(["b"])).run)).label, "succeeded");
  await engine.close();
});

const BESIDE: [string, Key][] = [
  ["session of another worker", sessionKey("w9")],
  ["lease of a run", leaseKey("run_00000000000000000000000000")],
];
for (const [what, key] of BESIDE) {
  Deno.test(`C1 a ${what} that cannot be read does not keep an engine from starting`, async () => {
    const store = memoryStore();
    await overwrite(store, key, encodeRecord({ news: 1 }));
    const log = new KeptLog();
    const engine = await engineOf(store, new ScriptedKind(), { log });
    const { run } = await engine.submit({ notebook: "n", text: notebookOf({ a: [] }), author: "t" });
    assertEquals((await ended(engine, run)).label, "succeeded");
    assert(log.entries.some(({ code }) => code === "store_corrupt"));
    await engine.close();
  });
}
