/**
 * What is in a store, whole, for whoever judges it. Owns: reading it; a record that cannot be read is an error here.
 */
import { artifacts } from "../../../engine/artifacts/artifacts.ts";
import type { JournalRecord, RunEvent } from "../../../engine/run/event.ts";
import type { Plan, StoredValue } from "../../../engine/plan/types.ts";
import type { Snapshot } from "../../../engine/run/snapshot.ts";
import {
  answerPrefix,
  budgetEntryPrefix,
  budgetLogPrefix,
  budgetPrefix,
  eventPrefix,
  framePrefix,
  inboxPrefix,
  LANE,
  leaseKey,
  quotaHolderPrefix,
  quotaSlotPrefix,
  readyPrefix,
  runPrefix,
  snapshotKey,
  timerPrefix,
} from "../../../engine/store/keys.ts";
import type { Entry, Key, Store } from "../../../engine/store/store.ts";
import type { Frame } from "../../../engine/wire/frame.ts";
import { readSlot } from "../../../engine/work/quota/quota.ts";
import { readEntry } from "../../../engine/work/spend/shared/budget.ts";
import type { RunHead } from "../../../engine/work/commit/live_run.ts";
import {
  type CommandAnswer,
  type Lease,
  readAnswer,
  readFrames,
  readHead,
  readLease,
  readPlan,
  readRecord,
  readSnapshot,
  readState,
} from "../../../engine/work/records.ts";

/** One run as the store has it. */
export interface LeftRun {
  head: RunHead;
  plan: Plan;
  journal: JournalRecord[];
  /** By `step attempt`, in the order of their keys. */
  frames: Map<string, { key: Key; frames: Frame[] }[]>;
  snapshot?: { seq: number; state: Snapshot };
  lease?: Lease;
  /** Its entries in the queue and among the timers. */
  ready: Key[];
  timers: Key[];
  waiting: number;
  /** Slots of quotas that it holds, by each of their two records: quota, step and attempt. */
  slots: string[];
  holders: string[];
  /** What its attempts have set aside in shared budgets, and what they have settled there: step and attempt, calls. */
  aside: string[];
  settled: number;
  answers: Map<string, CommandAnswer>;
}

/** All runs by id, and what of their references is not there. */
export interface Left {
  runs: Map<string, LeftRun>;
  missing: string[];
  /** The bytes under a key. */
  bytes(key: Key): Promise<Uint8Array | undefined>;
}

/** Reads it all. */
export async function readLeft(store: Store, folder?: string): Promise<Left> {
  const kept = artifacts({ store, folder });
  const missing: string[] = [];
  const resolve = async <T>(what: string, read: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await read();
    } catch (error) {
      missing.push(`${what}: ${(error as Error).message}`);
    }
  };
  const list = (prefix: Key) => Array.fromAsync(store.list(prefix));
  const slots = await list(quotaSlotPrefix());
  const budgets = (await list(budgetPrefix)).map(({ key }) => String(key[1]));
  const [entries, logged] = [
    (await Promise.all(budgets.map((name) => list(budgetEntryPrefix(name))))).flat(),
    (await Promise.all(budgets.map((name) => list(budgetLogPrefix(name))))).flat(),
  ];
  const [ready, timers] = [await list(readyPrefix(LANE)), await list(timerPrefix)];
  const ofRun = (entries: Entry[], run: string) =>
    entries.filter(({ key }) => key.at(-1) === run).map(({ key }) => key);

  const runs = new Map<string, LeftRun>();
  for (const entry of await list(runPrefix)) {
    const head = readHead(entry);
    const { id } = head;
    const journal = (await list(eventPrefix(id))).map(readRecord);
    const value = (what: string, stored: StoredValue) => resolve(`${id} ${what}`, () => kept.get(stored));
    await resolve(`${id} version`, () => kept.getText(head.version));
    const plan = await resolve(`${id} plan`, async () => readPlan(await kept.get(head.plan)));
    for (const { events } of journal) {
      for (const event of events) {
        for (const [what, stored] of references(event)) await value(`${event.type} ${what}`, stored);
      }
    }
    for (const { fallback, reuse, cell } of plan?.steps ?? []) {
      if (fallback !== undefined) await value(`plan of ${cell}`, fallback);
      if (reuse !== undefined) await value(`plan of ${cell}`, reuse.value);
    }
    const [lease, snapshotted] = await store.get([leaseKey(id), snapshotKey(id)]);
    const found = snapshotted === undefined ? undefined : readSnapshot(snapshotted);
    const state = found && await value("snapshot", found.state);
    const answers = (await list(answerPrefix(id))).map((answer) =>
      [String(answer.key.at(-1)), readAnswer(answer)] as const
    );
    if (plan === undefined) continue;
    runs.set(id, {
      head,
      plan,
      journal,
      frames: Map.groupBy(
        (await list(framePrefix(id))).map((batch) => ({ key: batch.key, frames: readFrames(batch) })),
        ({ key }) => `${key[2]} ${key[3]}`,
      ),
      ...(found === undefined || state === undefined
        ? {}
        : { snapshot: { seq: found.seq, state: readState(state) } }),
      ...(lease === undefined ? {} : { lease: readLease(lease) }),
      ready: ofRun(ready, id),
      timers: ofRun(timers, id),
      waiting: (await list(inboxPrefix(id))).length,
      aside: entries.filter(({ key, value }) =>
        key[2] === id && readEntry({ key, value }).settled === undefined
      )
        .map(({ key }) => `${key[3]}#${key[4]}`),
      settled: [...entries.filter(({ key }) => key[2] === id), ...logged.filter(({ key }) => key[3] === id)]
        .reduce((sum, entry) => sum + (readEntry(entry).settled?.calls ?? 0), 0),
      slots: slots.filter(({ key }) => key[2] === id).map((slot) =>
        `${slot.key[1]} ${slot.key[3]}#${readSlot(slot).attempt}`
      ),
      holders: (await list(quotaHolderPrefix(id))).map((slot) =>
        `${slot.key[3]} ${slot.key[2]}#${readSlot(slot).attempt}`
      ),
      answers: new Map(answers),
    });
  }
  return { runs, missing, bytes: async (key) => (await store.get([key]))[0]?.value };
}

function references(event: RunEvent): [string, StoredValue][] {
  return (["plan", "params", "value", "saved"] as const).flatMap((field): [string, StoredValue][] => {
    const stored = (event as Partial<Record<typeof field, StoredValue>>)[field];
    return stored === undefined ? [] : [[field, stored]];
  });
}
