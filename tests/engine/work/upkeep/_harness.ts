/** Upkeep on a store of the test's choice: its ports without a worker, runs made by hand, and all that a store has. */
import { type Artifacts, artifacts as openArtifacts } from "../../../../engine/artifacts/artifacts.ts";
import { blobFiles } from "../../../../engine/artifacts/blob_files.ts";
import type { Json } from "../../../../engine/base/json.ts";
import { DEFAULT_RETENTION, type Retention } from "../../../../engine/notebook/policy.ts";
import type { StoredValue } from "../../../../engine/plan/types.ts";
import type { RunEvent } from "../../../../engine/run/event.ts";
import { encodeRecord } from "../../../../engine/store/codec.ts";
import { denoKvStore } from "../../../../engine/store/deno_kv.ts";
import {
  byNotebookKey,
  byTimeKey,
  eventKey,
  frameKey,
  pastKey,
  runKey,
} from "../../../../engine/store/keys.ts";
import { memoryStore } from "../../../../engine/store/memory.ts";
import type { Put, Session, Store } from "../../../../engine/store/store.ts";
import type { RunHead } from "../../../../engine/work/commit/live_run.ts";
import { type Journals, journals as openJournals } from "../../../../engine/work/journal.ts";
import { duePut, retired } from "../../../../engine/work/upkeep/due.ts";
import { holdsOf, namesOfEvent } from "../../../../engine/work/upkeep/names.ts";
import { UpkeepOver, type UpkeepPorts } from "../../../../engine/work/upkeep/ports.ts";
import { ManualClock } from "../../../_support/manual_clock.ts";
import { KeptLog } from "../_harness.ts";

export const DAY = 86_400_000;

/** The drivers on which every duty must run. */
export const STORES: [
  string,
  (clock: ManualClock, test: (store: Store) => Promise<void>) => Promise<void>,
][] = [
  ["in memory", (clock, test) => test(memoryStore({ clock }))],
  ["in a file", async (clock, test) => {
    const folder = await Deno.makeTempDir({ prefix: "weft-upkeep-" });
    const store = await denoKvStore({ location: `${folder}/weft.db`, clock });
    try {
      await test(store);
    } finally {
      await store.close();
      await Deno.remove(folder, { recursive: true });
    }
  }],
];

/** What a test of upkeep works with. */
export interface Bench {
  store: Store;
  clock: ManualClock;
  session: Session;
  log: KeptLog;
  artifacts: Artifacts;
  journals: Journals;
  ports: UpkeepPorts;
  /** Writes so far; a test may throw in it. */
  onWrite(write: number): void;
}

/** Ports under a session of their own. */
export async function benchOf(
  store: Store,
  clock: ManualClock,
  retention: Partial<Retention> = {},
  folder?: string,
): Promise<Bench> {
  const session = (await store.openSession("upkeep", 10 ** 15, ""))!;
  const log = new KeptLog();
  const artifacts = openArtifacts({ store, clock, ...folder === undefined ? {} : { folder } });
  const journals = openJournals(store, artifacts);
  let writes = 0;
  const bench: Bench = {
    store,
    clock,
    session,
    log,
    artifacts,
    journals,
    onWrite() {},
    ports: {
      store,
      clock,
      log,
      journals,
      retention: { ...DEFAULT_RETENTION, ...retention },
      unreadable: new Set(),
      ...folder === undefined ? {} : { files: blobFiles(folder) },
      write: async (checks, puts, deletes) => {
        bench.onWrite(++writes);
        const result = await store.commit(session, checks, puts, deletes);
        if (result === "fenced") throw new UpkeepOver();
        return result === "ok";
      },
      breathe: () => Promise.resolve(),
    },
  };
  return bench;
}

/** A run to make. Absent: `a` has the value 1, and there are no frames. */
export interface Made {
  id: string;
  notebook?: string;
  createdAt: number;
  /** Absent: it has not ended. */
  endedAt?: number;
  value?: Json;
  text?: string;
  /** Frames of the one attempt. */
  frames?: number;
  /** What `a` takes from another run instead of running. */
  reuse?: { run: string; value: StoredValue };
  head?: Partial<RunHead>;
  /** Without holds and due entry, as runs of earlier versions are. */
  bare?: boolean;
}

/** Writes a run of one cell `a` as a worker would have. @returns its head */
export async function make(bench: Bench, made: Made): Promise<RunHead> {
  const { head, puts } = await recordsOf(bench, made);
  await bench.store.commit(bench.session, [], puts, []);
  return head;
}

/** The records of such a run. */
export async function recordsOf(
  { artifacts, ports: { retention } }: Pick<Bench, "artifacts" | "ports">,
  {
    id,
    notebook = "n",
    createdAt,
    endedAt,
    value = 1,
    text = "~~~ts a\n~~~\n",
    frames = 0,
    reuse,
    bare,
    ...more
  }: Made,
): Promise<{ head: RunHead; puts: Put[] }> {
  const version = await artifacts.putText(text);
  const stored = await artifacts.put(value);
  const step = {
    cell: "a",
    kind: "ts",
    needs: [],
    action: reuse === undefined ? "run" : "reuse",
    why: "",
    fingerprint: "f",
    retry: {
      attempts: 1,
      backoff: "fixed",
      initialMs: 0,
      factor: 1,
      maxMs: 0,
      jitter: "none",
      on: [],
    },
    timeoutMs: 0,
    errors: "stop",
    ...reuse === undefined ? {} : { reuse },
  };
  const plan = await artifacts.put({ version, steps: [step], concurrency: 1 } as unknown as Json);
  const params = { inline: {} };
  const events: RunEvent[] = [{ type: "run.queued", notebook, version, plan, params, author: "t" }];
  if (endedAt !== undefined) {
    events.push({ type: "run.started" });
    if (reuse === undefined) {
      events.push({ type: "step.started", step: "a", attempt: 1, reason: "first" });
      events.push({ type: "step.succeeded", step: "a", attempt: 1, value: stored, frames });
    }
    events.push({ type: "run.ended", outcome: "succeeded" });
  }
  const open: RunHead = {
    id,
    notebook,
    version,
    author: "t",
    plan,
    createdAt,
    phase: "queued",
    intent: "go",
    outcome: "none",
  };
  const ended = endedAt === undefined
    ? open
    : { ...open, startedAt: createdAt, endedAt, phase: "ended" as const, outcome: "succeeded" as const };
  const head = { ...bare ? ended : retired({ ...ended, ...more.head }, retention), ...more.head };
  const names = [
    ...events.flatMap(namesOfEvent),
    ...reuse && "sha256" in reuse.value ? [reuse.value.sha256] : [],
  ];
  return {
    head,
    puts: [
      { key: runKey(id), value: encodeRecord(head) },
      ...events.map((event, i) => ({
        key: eventKey(id, i + 1),
        value: encodeRecord({
          seq: i + 1,
          at: endedAt ?? createdAt,
          session: "w",
          epoch: 1,
          events: [event],
        }),
      })),
      { key: byNotebookKey(notebook, createdAt, id), value: encodeRecord(null) },
      { key: byTimeKey(createdAt, id), value: encodeRecord(null) },
      ...Array.from({ length: frames }, (_, i) => ({
        key: frameKey(id, "a", 1, i + 1),
        value: encodeRecord([{
          type: "text",
          text: `${i}`,
          step: "a",
          attempt: 1,
          seq: i + 1,
          at: createdAt,
        }]),
      })),
      ...endedAt === undefined || reuse !== undefined
        ? []
        : [{ key: pastKey(notebook, "a"), value: encodeRecord({ run: id, fingerprint: "f", at: endedAt }) }],
      ...bare ? [] : [...duePut(head), ...holdsOf(id, names, createdAt)],
    ],
  };
}

/** Everything in a store but sessions and roles, as text by key. */
export async function dump(store: Store): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { key, value } of store.list([])) {
    if (key[0] !== "session" && key[0] !== "role") {
      found[JSON.stringify(key)] = new TextDecoder().decode(value);
    }
  }
  return found;
}

/** Keys of a store that a text is part of. */
export async function keysWith(store: Store, text: string): Promise<string[]> {
  return Object.keys(await dump(store)).filter((key) => key.includes(text));
}
