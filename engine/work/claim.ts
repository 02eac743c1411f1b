/**
 * How a worker comes to own runs: by claiming ready ones, and by taking up what its former session left.
 * Owns: the lease records.
 *
 * L1 A claim checks that the ready entry is still there, in the commit that takes it away: one of many wins.
 * L2 A lease's epoch grows by one at each change of owner.
 */
import { EngineError } from "../base/errors.ts";
import { hit } from "../base/faults.ts";
import type { Log } from "../base/log.ts";
import { encodeRecord } from "../store/codec.ts";
import { lastText, leaseKey, leasePrefix, readyPrefix } from "../store/keys.ts";
import type { Check, Entry, Put, Store } from "../store/store.ts";
import type { Committer } from "./commit/committer.ts";
import type { LiveRun } from "./commit/live_run.ts";
import type { Journals } from "./journal.ts";
import { readLease } from "./records.ts";
import { LANE } from "./submit.ts";

/** Ready entries looked at together. */
const WINDOW = 32;

/** What claiming needs. */
export interface ClaimPorts {
  store: Store;
  journals: Journals;
  committer: Committer;
  worker: string;
  log: Log;
  /** Whether the worker has room for another run. */
  hasRoom(): boolean;
  owns(run: string): boolean;
  /** Takes a run in; `adopted` if it was begun by a session that is gone. */
  take(live: LiveRun, adopted: boolean): void;
}

/** Claims ready runs in their order until there is none or no room. */
export async function claimReady(ports: ClaimPorts): Promise<void> {
  for (let tried = true; tried && ports.hasRoom();) {
    tried = false;
    for await (const entry of ports.store.list(readyPrefix(LANE), { limit: WINDOW })) {
      if (!ports.hasRoom()) return;
      const run = lastText(entry.key);
      if (!ports.owns(run)) {
        tried = await claim(ports, run, [{ key: entry.key, version: entry.version }], false) || tried;
      }
    }
  }
}

/** Takes up runs whose lease names this worker: its session before this one had them. */
export async function adoptOwn(ports: ClaimPorts): Promise<void> {
  for await (const entry of ports.store.list(leasePrefix)) {
    const run = lastText(entry.key);
    if (ports.owns(run) || (await readable(ports, run, () => readLease(entry)))?.session !== ports.worker) {
      continue;
    }
    await claim(ports, run, [{ key: entry.key, version: entry.version }], true);
  }
}

/** One claim. False if another was faster, or if the run cannot be read: it stays where it is and the log says so. */
async function claim(ports: ClaimPorts, run: string, checks: Check[], adopted: boolean): Promise<boolean> {
  const { store, committer, worker, journals } = ports;
  const loaded = await readable(ports, run, async () => {
    const head = await journals.head(run);
    return head === undefined ? undefined : { head, run: await journals.load(head), attempts: new Map() };
  });
  if (loaded === undefined) return false;
  const key = leaseKey(run);
  const [held] = await store.get([key]);
  const epoch = (held === undefined ? 0 : readLease(held as Entry).epoch) + 1;
  const puts: Put[] = [{ key, value: encodeRecord({ session: worker, epoch }) }];
  const deletes = checks.map((check) => check.key).filter((other) => other[0] === "ready");
  if (await committer.claim(checks, puts, deletes) !== "ok") return false;
  hit("claim.after");
  ports.take(loaded, adopted);
  return true;
}

/** A run with a record that cannot be read is left alone; the others go on. */
async function readable<T>(
  { log }: ClaimPorts,
  runId: string,
  read: () => T | Promise<T>,
): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== "store_corrupt") throw error;
    log.write({ level: "error", source: "engine", code: error.code, message: error.message, runId });
  }
}
