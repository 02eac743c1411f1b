/** A rule that cannot fail guards nothing: each invariant is broken on purpose once, and found by its number. */
import { assert, assertEquals } from "@std/assert";
import { sha256 } from "../../engine/base/hash.ts";
import type { Json } from "../../engine/base/json.ts";
import type { JournalRecord, RunEvent } from "../../engine/run/event.ts";
import { decodeRecord, encodeRecord } from "../../engine/store/codec.ts";
import {
  blobKey,
  budgetEntryKey,
  budgetKey,
  budgetLogKey,
  chunkKey,
  eventKey,
  eventPrefix,
  framePrefix,
  LANE,
  leaseKey,
  quotaHolderKey,
  quotaSlotKey,
  readyKey,
  runKey,
  snapshotKey,
} from "../../engine/store/keys.ts";
import { memoryStore } from "../../engine/store/memory.ts";
import type { Key, Store } from "../../engine/store/store.ts";
import { readRecord } from "../../engine/work/records.ts";
import { ended, engineOf, kept, notebookOf, ScriptedKind } from "../engine/work/_harness.ts";
import { breaches } from "./_invariants.ts";
import { type Line, readEvidence } from "./matrix/evidence.ts";
import { Evidence } from "./matrix/evidence.ts";

/** A run of three cells with a retry, a delay, frames and a value kept by its hash, and what its process noted. */
async function sound(): Promise<{ store: Store; run: string; lines: Line[] }> {
  const file = await Deno.makeTempFile();
  const evidence = new Evidence(file);
  const store = memoryStore();
  const kind = new ScriptedKind({
    a: ({ run, attempt, emit }) => {
      evidence.ran(run, "a", attempt);
      emit({ type: "text", text: "one" });
      if (attempt === 1) return { type: "failed", problem: { category: "network", message: "cut" } };
      return { type: "succeeded", value: "x".repeat(20_000) };
    },
    b: ({ run, attempt, saved }) => {
      evidence.ran(run, "b", attempt);
      return saved === undefined ? { type: "delayed", ms: 5, saved: 1 } : { type: "succeeded", value: 2 };
    },
    c: async ({ run, attempt, effects }) => {
      evidence.ran(run, "c", attempt);
      const intent = { request: {}, description: "POST /c", service: "world", method: "POST" };
      const done = await effects.perform(intent, ({ key }) => {
        evidence.note({ at: "acted", run, step: "c", key });
        return Promise.resolve({ type: "done", result: 3 });
      });
      return done.ok ? { type: "succeeded", value: done.result } : done.outcome;
    },
  });
  const engine = await engineOf(kept(evidence.witness(store, "w1")), kind);
  const text = notebookOf({ a: [], b: ["a"], c: ["b"] }, {
    a: "retry: { attempts: 2, initial: 20ms, jitter: none }",
    c: "rest: cancel-remaining",
  });
  const { run } = await engine.submit({ notebook: "n", text, author: "t" });
  evidence.note({ at: "submitted", run });
  for await (const group of engine.follow(run, { signal: AbortSignal.timeout(5_000) })) {
    evidence.told(run, group);
  }
  await ended(engine, run);
  await engine.close();
  const lines = readEvidence([file]);
  await Deno.remove(file);
  return { store, run, lines };
}

async function write(store: Store, key: Key, record?: unknown): Promise<void> {
  const session = await store.openSession("vandal", 15_000, "");
  const put = { key, value: encodeRecord(record ?? null) };
  await store.commit(session!, [], record === undefined ? [] : [put], record === undefined ? [key] : []);
  await store.closeSession(session!);
}

interface Scene {
  store: Store;
  run: string;
  lines: Line[];
  journal: JournalRecord[];
}

/** Writes a changed record over the one that has an event of this type, of this step. */
async function rewrite(
  { store, run, journal }: Scene,
  type: RunEvent["type"],
  change: (record: JournalRecord, event: RunEvent) => void,
  step?: string,
): Promise<void> {
  for (const record of journal) {
    const event = record.events.find((event) =>
      event.type === type && (step === undefined || "step" in event && event.step === step)
    );
    if (event === undefined) continue;
    change(record, event);
    return await write(store, eventKey(run, record.seq), record);
  }
  throw new Error(`No ${type}`);
}

async function append({ store, run, journal }: Scene, events: RunEvent[], by = {}): Promise<void> {
  const last = journal.at(-1)!;
  await write(store, eventKey(run, last.seq + 1), { ...last, seq: last.seq + 1, events, ...by });
}

const changeHead = async ({ store, run }: Scene, change: (head: Record<string, Json>) => void) => {
  const head = decodeRecord((await store.get([runKey(run)]))[0]!, (json) => json as Record<string, Json>);
  change(head);
  await write(store, runKey(run), head);
};

const BREACHES: [string, string, (scene: Scene) => Promise<void> | void][] = [
  ["S1", "a head that says otherwise", (scene) => changeHead(scene, (head) => head.outcome = "failed")],
  ["S1", "a snapshot that is of another state", async (scene) => {
    const state = {
      run: { phase: "active", seq: 2 },
      steps: {},
      ready: [],
      open: [],
      waiting: [],
      parked: [],
    };
    await write(scene.store, snapshotKey(scene.run), { seq: 2, state: { inline: state } });
  }],
  ["S1", "a record that is gone", ({ store, run }) => write(store, eventKey(run, 3))],
  [
    "S2",
    "an attempt that begins in a step that has ended",
    (scene) => append(scene, [{ type: "step.started", step: "b", attempt: 2, reason: "first" }]),
  ],
  [
    "S3",
    "a step that succeeds twice",
    (scene) => rewrite(scene, "step.succeeded", ({ events }, event) => events.push(event), "b"),
  ],
  ["S3", "a run that ends twice", (scene) => append(scene, [{ type: "run.ended", outcome: "succeeded" }])],
  [
    "S4",
    "a step that starts before its input is there",
    (scene) =>
      rewrite(
        scene,
        "step.started",
        ({ events }) => events.push({ type: "step.started", step: "c", attempt: 1, reason: "first" }),
        "b",
      ),
  ],
  [
    "S6",
    "a join that settles twice",
    (scene) => rewrite(scene, "join.settled", ({ events }, event) => events.push(event), "c"),
  ],
  [
    "L1",
    "a late record of another session",
    (scene) => rewrite(scene, "step.succeeded", (record) => record.session = "w0", "b"),
  ],
  ["L2", "an epoch that comes again", (scene) => rewrite(scene, "run.ended", (record) => record.epoch = 0)],
  ["L2", "two owners of one number", ({ lines, run }) => void lines.push({ at: "leased", run, epoch: 1 })],
  ["L3", "a refused record that is there", async ({ lines, store, run }) => {
    const [entry] = await store.get([eventKey(run, 2)]);
    lines.push({ at: "refused", key: [...entry!.key], hash: sha256(entry!.value) });
  }],
  ["L4", "code that began when its session was over", ({ lines }) => {
    for (const line of lines) if (line.at === "ran" && line.step === "c") line.late = true;
  }],
  [
    "C1",
    "an answered submission that is nowhere",
    ({ lines }) => void lines.push({ at: "submitted", run: "run_0" }),
  ],
  [
    "C1",
    "an answered command without an event",
    ({ lines, run }) =>
      void lines.push({ at: "commanded", run, command: "cmd_0", type: "pauseRun", key: "k" }),
  ],
  [
    "C2",
    "code that ran without a durable start",
    ({ lines, run }) =>
      void lines.push({ at: "ran", run, step: "c", attempt: 2, session: "w1", epoch: 1, late: false }),
  ],
  [
    "C2",
    "code that ran for a run that is nowhere",
    ({ lines }) =>
      void lines.push({
        at: "ran",
        run: "run_0",
        step: "c",
        attempt: 1,
        session: "w1",
        epoch: 1,
        late: false,
      }),
  ],
  [
    "C2",
    "code that ran once more than it was started",
    ({ lines }) => void lines.push(lines.find((line) => line.at === "ran" && line.step === "c")!),
  ],
  [
    "C2",
    "a watcher that was told what is not durable",
    ({ lines, run }) => void lines.push({ at: "event", run, seq: 99, n: 0, type: "run.ended" }),
  ],
  [
    "C2",
    "a watcher that was given a frame that is not durable",
    ({ lines, run }) => void lines.push({ at: "frame", run, step: "a", attempt: 2, seq: 9 }),
  ],
  ["C3", "a value whose manifest is gone", async (scene) => {
    await rewrite(scene, "step.succeeded", (_, event) => {
      if (event.type !== "step.succeeded" || !("sha256" in event.value)) throw new Error("no reference");
      event.value.sha256 = "0".repeat(64);
    }, "a");
  }],
  ["C3", "a value of which a part is gone", async ({ store, journal }) => {
    const event = journal.flatMap(({ events }) => events).find((event) =>
      event.type === "step.succeeded" && event.step === "a"
    );
    const { sha256: sha } = (event as unknown as { value: { sha256: string } }).value;
    assert((await store.get([blobKey(sha)]))[0] !== undefined);
    await write(store, chunkKey(sha, 0));
  }],
  [
    "T1",
    "a retry before its time",
    (scene) => rewrite(scene, "step.retried", (_, event) => (event as { due: number }).due += 60_000),
  ],
  [
    "T1",
    "a delay that is over too soon",
    (scene) => rewrite(scene, "step.delayed", (_, event) => (event as { due: number }).due += 60_000),
  ],
  ["T2", "a frame that is gone", async ({ store, run }) => {
    for await (const { key } of store.list(framePrefix(run, "a", 2))) await write(store, key);
  }],
  [
    "T2",
    "a frame after the last",
    (scene) => rewrite(scene, "step.succeeded", (_, event) => (event as { frames: number }).frames = 0, "a"),
  ],
  ["E1", "something that was sent before it was intended", ({ lines, run }) => {
    lines.push({ at: "acted", run, step: "c", key: "weft-0" });
  }],
  ["E1", "something that was sent once more than is written", ({ lines }) => {
    lines.push(lines.find((line) => line.at === "acted")!);
  }],
  [
    "E1",
    "an effect that is done and was not intended",
    (scene) =>
      rewrite(scene, "effect.intended", ({ events }, event) => void events.splice(events.indexOf(event), 1)),
  ],
  [
    "E2",
    "something that is intended again when it may have happened",
    (scene) => rewrite(scene, "effect.intended", ({ events }, event) => events.push(event)),
  ],
  [
    "E2",
    "something that is sent again though nobody said so",
    (scene) =>
      rewrite(scene, "effect.intended", ({ events }, event) => {
        const { effect } = event as { effect: string };
        events.push({
          type: "effect.noted",
          step: "c",
          attempt: 1,
          effect,
          note: "Sent again",
          resend: "sent",
        });
      }),
  ],
  ["E4", "something that is set aside by an attempt that is over", async ({ store, run }) => {
    const rule = { name: "all", scope: "all", limits: { calls: 9 }, warnAt: 0.8, onLimit: "pause" };
    await write(store, budgetKey("all"), rule);
    await write(store, budgetEntryKey("all", run, "b", 1, 3), { at: 1, reserved: { calls: 1 } });
  }],
  ["E4", "calls that are settled and were never spent", async ({ store, run }) => {
    const rule = { name: "all", scope: "all", limits: { calls: 9 }, warnAt: 0.8, onLimit: "pause" };
    await write(store, budgetKey("all"), rule);
    await write(store, budgetLogKey("all", 1, run, "b", 1, 3), { at: 1, settled: { calls: 5 } });
  }],
  ["Q2", "a slot of an attempt that is over", async ({ store, run }) => {
    await write(store, quotaSlotKey("api", run, "b"), { attempt: 1, at: 1 });
    await write(store, quotaHolderKey(run, "b", "api"), { attempt: 1, at: 1 });
  }],
  ["Q1", "an ended run that may be claimed", ({ store, run }) => write(store, readyKey(LANE, 1, run), {})],
  ["Q1", "a run that nobody owns or finds", async (scene) => {
    await rewrite(scene, "run.ended", (record) => record.events.pop());
    await changeHead(scene, (head) => {
      [head.phase, head.outcome] = ["active", "none"];
      delete head.endedAt;
    });
  }],
  ["Q1", "a run that is owned and may be claimed", async (scene) => {
    await rewrite(scene, "run.ended", (record) => record.events.pop());
    await write(scene.store, leaseKey(scene.run), { session: "w1", epoch: 1 });
    await write(scene.store, readyKey(LANE, 1, scene.run), {});
  }],
];

Deno.test("a sound run breaks no invariant", async () => {
  const { store, lines } = await sound();
  assert(lines.length > 15);
  assertEquals(await breaches(store, lines), []);
  await store.close();
});

for (const [number, what, plant] of BREACHES) {
  Deno.test(`${number} is found broken by ${what}`, async () => {
    const scene = await sound();
    const journal = await Array.fromAsync(scene.store.list(eventPrefix(scene.run)), readRecord);
    await plant({ ...scene, journal });
    const found = await breaches(scene.store, scene.lines);
    assert(
      found.some((breach) => breach.startsWith(`${number} `)),
      `found only: ${found.join("; ") || "nothing"}`,
    );
    await scene.store.close();
  });
}
