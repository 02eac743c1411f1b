/**
 * How a worker comes to own runs: by claiming ready ones, and by taking up those whose owner is gone.
 * Owns: the lease records.
 *
 * L1 A claim checks that the ready entry is still there, in the commit that takes it away: one of many wins.
 * L5 A live session is not taken over: only one that is expired, and its record is taken before its runs are.
 * L2 A lease's epoch grows by one at each change of owner.
 */
import type { Millis } from "../../base/clock.ts";
import { EngineError } from "../../base/errors.ts";
import { hit } from "../../base/faults.ts";
import type { Log } from "../../base/log.ts";
import { encodeRecord } from "../../store/codec.ts";
import {
  LANE,
  lastText,
  leaseKey,
  leasePrefix,
  readyKey,
  readyPrefix,
  sessionPrefix,
} from "../../store/keys.ts";
import type { Check, Entry, Key, Put, Session, Store } from "../../store/store.ts";
import { readSessionRecord } from "../../store/table/session_chain.ts";
import type { Committer } from "../commit/committer.ts";
import type { LiveRun } from "../commit/live_run.ts";
import type { Journals } from "../journal.ts";
import { readLease } from "../records.ts";

/** Ready entries looked at together. */
const WINDOW = 32;
/** How long a session may be silent beyond its time before its place is taken (EN-503). */
const SKEW_MS = 2_000;
/** Long enough to adopt what a dead worker had; if we die over it, the next one finds this session dead. */
const TAKEOVER_TTL_MS = 15_000;

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
  /** Whether the worker takes this run up at all. */
  wants(run: string): boolean;
  /** Runs and sessions that could not be read and that the log has already told of. */
  unreadable: Set<string>;
  /** Takes a run in; `adopted` if it was begun by a session that is gone. */
  take(live: LiveRun, adopted: boolean): void;
}

/** Claims ready runs in their order until there is none or no room. */
export async function claimReady(ports: ClaimPorts): Promise<void> {
  let after: Key | undefined;
  for (;;) {
    const window = await firstOf(ports.store.list(readyPrefix(LANE), { limit: WINDOW, after }));
    for (const entry of window) {
      if (!ports.hasRoom()) return;
      await claimEntry(ports, entry);
    }
    if (window.length < WINDOW) return;
    after = window.at(-1)!.key;
  }
}

/** Claims one ready run whatever the room, because somebody has told it something. */
export async function claimOne(ports: ClaimPorts, run: string, createdAt: number): Promise<void> {
  const [entry] = await ports.store.get([readyKey(LANE, createdAt, run)]);
  if (entry !== undefined) await claimEntry(ports, entry);
}

async function claimEntry(ports: ClaimPorts, { key, version }: Entry): Promise<void> {
  const run = lastText(key);
  if (ports.wants(run) && !ports.owns(run)) await claim(ports, run, [{ key, version }], false);
}

/**
 * Takes up runs whose owner is gone: this worker's former session; one that gave up its session and not its runs; and
 * one that has been silent for `SKEW_MS` beyond its time, whose place is taken first, so that it can write no more.
 */
export async function adoptOrphans(ports: ClaimPorts, now: Millis): Promise<void> {
  const { store, worker } = ports;
  // Leases first: whoever wrote one of these had a session by then, so that no live one is missing below.
  const leases: Entry[] = [];
  for await (const entry of store.list(leasePrefix)) {
    const run = lastText(entry.key);
    if (!ports.owns(run) && ports.wants(run)) leases.push(entry);
  }
  const alive = new Set<string>();
  const taken: Session[] = [];
  for await (const entry of store.list(sessionPrefix)) {
    const id = lastText(entry.key);
    if (id === worker) continue;
    // One that cannot be read may be that of a newer version, which is alive.
    const expiresAt = (await readable(ports, id, () => readSessionRecord(entry), {}))?.expiresAt ?? Infinity;
    const session = expiresAt + SKEW_MS < now ? await store.openSession(id, TAKEOVER_TTL_MS, "") : undefined;
    if (session === undefined) alive.add(id);
    else taken.push(session);
  }
  for (const entry of leases) {
    const run = lastText(entry.key);
    const lease = await readable(ports, run, () => readLease(entry));
    if (lease === undefined || alive.has(lease.session)) continue;
    await claim(ports, run, [{ key: entry.key, version: entry.version }], true);
  }
  for (const session of taken) await store.closeSession(session);
}

/**
 * One claim. False if another was faster, or if the run cannot be read: it stays where it is, the log says so, and
 * the others go on.
 */
async function claim(ports: ClaimPorts, run: string, checks: Check[], adopted: boolean): Promise<boolean> {
  const { store, committer, worker, journals } = ports;
  const loaded = await readable(ports, run, async () => {
    const head = await journals.head(run);
    return head === undefined ? undefined : { head, run: await journals.load(head), attempts: new Map() };
  });
  if (loaded === undefined) return false;
  const key = leaseKey(run);
  const [held] = await store.get([key]);
  const epoch = (held === undefined ? 0 : readLease(held).epoch) + 1;
  const puts: Put[] = [{ key, value: encodeRecord({ session: worker, epoch }) }];
  const deletes = checks.map((check) => check.key).filter((other) => other[0] === "ready");
  if (await committer.claim(checks, puts, deletes) !== "ok") return false;
  hit("claim.after");
  ports.take(loaded, adopted);
  return true;
}

async function readable<T>(
  { log, unreadable }: ClaimPorts,
  id: string,
  read: () => T | Promise<T>,
  about: { runId?: string } = { runId: id },
): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== "store_corrupt") throw error;
    if (unreadable.has(id)) return undefined;
    unreadable.add(id);
    log.write({ level: "error", source: "engine", code: error.code, message: error.message, ...about });
  }
}

async function firstOf(entries: AsyncIterable<Entry>): Promise<Entry[]> {
  const found: Entry[] = [];
  for await (const entry of entries) found.push(entry);
  return found;
}
