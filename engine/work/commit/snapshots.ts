/**
 * Writing a run's state down now and then, so that opening it does not read its whole journal (EN-109).
 * Owns: how often. Never: what a snapshot holds (`engine/run/snapshot.ts`).
 */
import type { Artifacts } from "../../artifacts/artifacts.ts";
import { hit } from "../../base/faults.ts";
import type { Json } from "../../base/json.ts";
import { takeSnapshot } from "../../run/snapshot.ts";
import { encodeRecord } from "../../store/codec.ts";
import { holdKey, snapshotKey } from "../../store/keys.ts";
import type { Store } from "../../store/store.ts";
import { readSnapshot } from "../records.ts";
import { hashOf, holdsOf } from "../upkeep/names.ts";
import type { Committer } from "./committer.ts";
import type { LiveRun } from "./live_run.ts";

/** Events between two snapshots. A run of more steps has as many between them, so that the cost stays in proportion. */
const EVERY = 256;

/** Whether a run should be written down. */
export function snapshotDue({ run, snapshotAt }: LiveRun): boolean {
  return run.events - snapshotAt >= Math.max(EVERY, run.steps.size);
}

/** Writes a run down. Called while what is in memory is what is durable: the state is taken before anything is awaited. */
export async function writeSnapshot(
  { artifacts, store, committer }: { artifacts: Artifacts; store: Store; committer: Committer },
  live: LiveRun,
): Promise<void> {
  const { run } = live;
  live.snapshotAt = run.events;
  const [seq, taken] = [run.seq, takeSnapshot(run) as unknown as Json];
  const state = await artifacts.put(taken);
  const key = snapshotKey(run.id);
  const [before] = await store.get([key]);
  const old = before === undefined ? [] : hashOf(readSnapshot(before).state);
  const now = hashOf(state);
  await committer.claim(
    [{ key, version: before?.version ?? null }],
    [{ key, value: encodeRecord({ seq, state }) }, ...holdsOf(run.id, now, live.head.createdAt)],
    old.filter((sha) => !now.includes(sha)).map((sha) => holdKey(sha, run.id)),
  );
  hit("snapshot.written");
}
