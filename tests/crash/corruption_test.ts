/**
 * One record of each kind, broken as a disk may break it: what it belongs to is left alone or does without it, the log
 * says so, and the engine runs everything else. What a newer version wrote is in `unreadable_test.ts`.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../../engine/base/errors.ts";
import {
  blobKey,
  chunkKey,
  eventKey,
  framePrefix,
  leaseKey,
  runKey,
  sessionKey,
  snapshotKey,
  versionKey,
} from "../../engine/store/keys.ts";
import { memoryStore } from "../../engine/store/memory.ts";
import type { Key, Store } from "../../engine/store/store.ts";
import { readHead } from "../../engine/work/records.ts";
import { ManualClock } from "../_support/manual_clock.ts";
import {
  type Behaviour,
  ended,
  engineOf,
  happened,
  kept,
  KeptLog,
  notebookOf,
  pass,
  ScriptedKind,
  soon,
  untilAborted,
} from "../engine/work/_harness.ts";

/** Ways in which bytes go wrong. */
const DAMAGE: Record<string, (bytes: Uint8Array) => Uint8Array> = {
  "cut off": (bytes) => bytes.subarray(0, bytes.length >> 1),
  "overwritten with zeros": (bytes) => new Uint8Array(bytes.length),
  "with a byte flipped": (bytes) => {
    const broken = bytes.slice();
    broken[broken.length >> 1]! ^= 0x80;
    return broken;
  },
};

/** 60 cells, so that the plan is a value of its own, before one that holds. */
const CELLS = Object.fromEntries([
  ...Array.from({ length: 60 }, (_, i) => [`c${i}`, []] as [string, string[]]),
  ["holds", ["c0"]],
]);

interface Scene {
  store: Store;
  run: string;
  /** Hash of the plan, and of the text. */
  plan: string;
  version: string;
}

/** Which record, and whether its run goes on without it. */
const RECORDS: Record<string, { find(scene: Scene): Promise<Key> | Key; goesOn?: true }> = {
  head: { find: ({ run }) => runKey(run) },
  "first event": { find: ({ run }) => eventKey(run, 1) },
  "later event": { find: ({ run }) => eventKey(run, 2) },
  "plan's manifest": { find: ({ plan }) => blobKey(plan) },
  "plan's part": { find: ({ plan }) => chunkKey(plan, 0) },
  lease: { find: ({ run }) => leaseKey(run) },
  snapshot: { find: ({ run }) => snapshotKey(run), goesOn: true },
  "session of its owner": { find: () => sessionKey("w0") },
};

async function overwrite(store: Store, key: Key, damage: (bytes: Uint8Array) => Uint8Array): Promise<void> {
  const [entry] = await store.get([key]);
  assert(entry !== undefined, `no record at ${key.join("/")}`);
  const session = await store.openSession("vandal", 15_000, "");
  await store.commit(session!, [], [{ key, value: damage(entry.value) }], []);
  await store.closeSession(session!);
}

/** A run that a worker w0 left in the middle, with a snapshot; w0's clock stands still, as that of a dead one. */
async function leftBehind(behaviour: Behaviour = {}): Promise<Scene & { close(): Promise<void> }> {
  const store = memoryStore();
  const kind = new ScriptedKind({ holds: untilAborted, c0: speak, ...behaviour });
  const clock = new ManualClock();
  const engine = await engineOf(kept(store), kind, { worker: "w0", clock });
  const { run } = await engine.submit({ notebook: "n", text: notebookOf(CELLS), author: "t" });
  await happened(engine, run, "step.started", "holds");
  const head = readHead((await store.get([runKey(run)]))[0]!);
  const session = await store.openSession("scribe", 15_000, "");
  const snapshot = new TextEncoder().encode(`\u0001{"seq":1,"state":{"inline":{}}}`);
  await store.commit(session!, [], [{ key: snapshotKey(run), value: snapshot }], []);
  await store.closeSession(session!);
  assert("sha256" in head.plan);
  return {
    store,
    run,
    plan: head.plan.sha256,
    version: head.version,
    close: () => pass(clock, engine.close()),
  };
}

const speak: Behaviour[string] = ({ emit }) => {
  emit({ type: "text", text: "hello" });
  return { type: "succeeded", value: 1 };
};

for (const [what, { find, goesOn }] of Object.entries(RECORDS)) {
  for (const [how, damage] of Object.entries(DAMAGE)) {
    const then = goesOn ? "its run goes on without it" : "its run is left alone, told of once";
    Deno.test(`C1 a ${what} ${how}: ${then}, and others run`, async () => {
      const scene = await leftBehind();
      const { store, run } = scene;
      await overwrite(store, await find(scene), damage);
      const log = new KeptLog();
      const kind = new ScriptedKind();
      // A restart of its owner takes the run up at once; if the owner's session is broken, another worker comes.
      const worker = what === "session of its owner" ? "w1" : "w0";
      const engine = await engineOf(store, kind, { log, worker });
      const other = await engine.submit({ notebook: "other", text: notebookOf({ a: [] }), author: "t" });
      assertEquals((await soon(ended(engine, other.run))).label, "succeeded");
      if (goesOn) assertEquals((await soon(ended(engine, run))).label, "succeeded");
      else {
        assertEquals(kind.calls, ["a#1"], "something of the broken run ran");
        const told = log.entries.filter(({ code }) => code === "store_corrupt");
        assertEquals(told.length, 1, `told ${told.length} times`);
      }
      await engine.close();
      await scene.close();
    });
  }
}

for (const [how, damage] of Object.entries(DAMAGE)) {
  Deno.test(`C1 a batch of frames ${how} hides its run's output and stops no run`, async () => {
    const scene = await leftBehind();
    const { store, run } = scene;
    const [batch] = await Array.fromAsync(store.list(framePrefix(run)));
    await overwrite(store, batch!.key, damage);
    const engine = await engineOf(store, new ScriptedKind(), { worker: "w0" });
    while ((await engine.state(run)).label !== "succeeded") await new Promise((go) => setTimeout(go));
    const error = await assertRejects(() => engine.view(run), EngineError);
    assertEquals(error.code, "store_corrupt");
    assertEquals(await engine.value(run, "c0"), 1);
    await engine.close();
    await scene.close();
  });

  Deno.test(`C1 a notebook's text ${how} fails the cells of its run that need it, and stops no other run`, async () => {
    const scene = await leftBehind();
    const { store, run, version } = scene;
    await overwrite(store, versionKey(version), damage);
    const engine = await engineOf(store, new ScriptedKind(), { worker: "w0" });
    const view = await soon(ended(engine, run));
    assertEquals([view.label, view.cells.holds!.problem?.code], ["failed", "store_corrupt"]);
    const other = await engine.submit({ notebook: "other", text: notebookOf({ a: [] }), author: "t" });
    assertEquals((await soon(ended(engine, other.run))).label, "succeeded");
    await engine.close();
    await scene.close();
  });

  Deno.test(`C1 a worker's own session ${how} refuses its start and names the record`, async () => {
    const scene = await leftBehind();
    await overwrite(scene.store, sessionKey("w0"), damage);
    const error = await assertRejects(
      () => engineOf(kept(scene.store), new ScriptedKind(), { worker: "w0" }),
      EngineError,
    );
    assertEquals(error.code, "store_corrupt");
    assert(error.message.includes('["session","w0"]'));
    await scene.close();
  });
}
