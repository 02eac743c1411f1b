/**
 * Reading what a run left in the store. Owns: which records make a run, and in which order they are read.
 * Never: writing.
 */
import type { Artifacts } from "../artifacts/artifacts.ts";
import { EngineError } from "../base/errors.ts";
import type { Plan } from "../plan/types.ts";
import type { JournalRecord } from "../run/event.ts";
import { foldJournal } from "../run/replay.ts";
import { newRun } from "../run/fold.ts";
import { fromSnapshot } from "../run/snapshot.ts";
import type { Run } from "../run/state.ts";
import { eventKey, eventPrefix, frameKey, framePrefix, runKey, snapshotKey } from "../store/keys.ts";
import type { Entry, Store } from "../store/store.ts";
import type { Frame } from "../wire/frame.ts";
import type { RunHead } from "./commit/live_run.ts";
import { readFrames, readHead, readPlan, readRecord, readSnapshot, readState } from "./records.ts";

/** Plans kept in memory, the longest known forgotten first. */
const KEPT_PLANS = 1_000;

/** Reads runs. */
export interface Journals {
  /** The head of a run; `undefined` if there is no such run, or no more. */
  head(run: string): Promise<RunHead | undefined>;
  /** The frozen plan of a run. */
  plan(head: RunHead): Promise<Plan>;
  /** Spares the reading of a plan that was just made. */
  remember(head: RunHead, plan: Plan): void;
  /** Journal records after `seq`, in order. */
  records(run: string, after: number): AsyncIterable<JournalRecord>;
  /** Frames of one attempt after `seq`, in order, in the batches in which they were written. */
  frames(run: string, step: string, attempt: number, after: number): AsyncIterable<Frame[]>;
  /** A run as its journal tells it now, from its last snapshot on if that can be used. */
  load(head: RunHead): Promise<Run>;
}

/** The head that is kept in an entry; `undefined` for one of a run that is being deleted. Throws `store_corrupt`. */
export function headIn(entry: Entry): RunHead | undefined {
  const head = readHead(entry);
  return head.deletedAt === undefined ? head : undefined;
}

/** See {@link Journals}. Each method throws `store_corrupt` for a record that it cannot read. */
export function journals(store: Store, artifacts: Artifacts): Journals {
  const plans = new Map<string, Promise<Plan>>();

  const keyOf = (head: RunHead) => "sha256" in head.plan ? head.plan.sha256 : head.id;
  const keep = (key: string, plan: Promise<Plan>) => {
    if (plans.size >= KEPT_PLANS) plans.delete(plans.keys().next().value!);
    plans.set(key, plan);
  };

  async function readPlanOf(head: RunHead): Promise<Plan> {
    const value = await artifacts.get(head.plan);
    try {
      return readPlan(value);
    } catch (cause) {
      throw new EngineError("store_corrupt", `The plan of ${head.id} cannot be read`, { cause });
    }
  }

  /** The run at its last snapshot. One that cannot be used is passed over: the journal has everything. */
  async function snapshotOf(run: string, plan: Plan): Promise<Run | undefined> {
    const [entry] = await store.get([snapshotKey(run)]);
    if (entry === undefined) return undefined;
    try {
      const { seq, state } = readSnapshot(entry);
      const found = fromSnapshot(run, plan, readState(await artifacts.get(state)));
      return found.seq === seq ? found : undefined;
    } catch (error) {
      if (error instanceof EngineError && error.code === "store_unavailable") throw error;
    }
  }

  const self: Journals = {
    async head(run) {
      const [entry] = await store.get([runKey(run)]);
      return entry && headIn(entry);
    },

    remember(head, plan) {
      keep(keyOf(head), Promise.resolve(plan));
    },

    plan(head) {
      const key = keyOf(head);
      const known = plans.get(key);
      if (known !== undefined) return known;
      const plan = readPlanOf(head);
      plan.catch(() => plans.delete(key));
      keep(key, plan);
      return plan;
    },

    async *records(run, after) {
      let expected = after + 1;
      for await (const entry of store.list(eventPrefix(run), { after: eventKey(run, after) })) {
        const record = readRecord(entry);
        if (record.seq !== expected) {
          throw new EngineError(
            "store_corrupt",
            `Journal of ${run} has record ${record.seq} where ${expected} belongs`,
          );
        }
        expected++;
        yield record;
      }
    },

    async *frames(run, step, attempt, after) {
      const options = { after: frameKey(run, step, attempt, after) };
      for await (const entry of store.list(framePrefix(run, step, attempt), options)) {
        yield readFrames(entry).filter((frame) => frame.seq > after);
      }
    },

    async load(head) {
      const plan = await self.plan(head);
      const run = await snapshotOf(head.id, plan) ?? newRun(head.id, plan);
      const records: JournalRecord[] = [];
      for await (const record of self.records(head.id, run.seq)) records.push(record);
      const loaded = foldJournal(run, records);
      if (head.phase === "ended" && loaded.phase !== "ended") await assertThere(head.id);
      return loaded;
    },
  };
  /** A run that was deleted while it was read has no end, because its journal goes from there. */
  async function assertThere(run: string): Promise<void> {
    if (await self.head(run) === undefined) throw goneAway(run);
  }

  return self;
}

/** A run that was deleted while it was read. */
export function goneAway(run: string): EngineError {
  return new EngineError("run_not_found", `The run was deleted: ${run}`);
}
