/**
 * How a worker comes to own runs: by claiming those that are ready (`ready.ts`) or due, and by taking up those whose owner is gone.
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
import { lastText, leaseKey, leasePrefix, runKey, sessionPrefix, timerPrefix } from "../../store/keys.ts";
import type { Check, Entry, Key, Put, Session, Store } from "../../store/store.ts";
import { readSessionRecord } from "../../store/table/session_chain.ts";
import type { Committer } from "../commit/committer.ts";
import { type LiveRun, liveRun, placesOf, readyAt, type RunHead } from "../commit/live_run.ts";
import type { Journals } from "../journal.ts";
import { findLoans } from "../spend/shared/loans.ts";
import { findSlots } from "../quota/slots.ts";
import type { LaneBook } from "../lanes/lane_book.ts";
import { readHead, readLease } from "../records.ts";

/** Ready entries looked at together. */
export const WINDOW = 32;
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
  /** For how many more runs the worker has room. */
  room(): number;
  owns(run: string): boolean;
  /** Whether the worker takes this run up at all. */
  wants(run: string): boolean;
  lanes: LaneBook;
  /** Runs and sessions that could not be read and that the log has already told of. */
  unreadable: Set<string>;
  /** Takes a run in, in whatever state its last owner left it; `told`: it is to stay until a command was applied. */
  take(live: LiveRun, told: boolean): void;
}

/**
 * Claims runs that waited for the clock and are due, the earliest first (EN-1701).
 *
 * @returns when the next one is due, `Infinity` for none; now if there is no room for one that is
 */
export async function claimDue(ports: ClaimPorts, now: Millis): Promise<Millis> {
  let after: Key | undefined;
  for (;;) {
    const window = await Array.fromAsync(ports.store.list(timerPrefix, { limit: WINDOW, after }));
    // T1 Never early.
    const due = window.filter(({ key }) => (key[1] as Millis) <= now);
    if (due.length > 0) hit("timer.fired");
    if (!await claimAll(ports, due, now)) return now;
    if (due.length < window.length) return window[due.length]!.key[1] as Millis;
    if (window.length < WINDOW) return Infinity;
    after = window.at(-1)!.key;
  }
}

/** Claims one run that nobody owns, whatever the room and whether it has ended, because somebody has told it something. */
export async function claimOne(ports: ClaimPorts, run: string): Promise<boolean> {
  return await claim(ports, run, { told: true });
}

/** Claims these together, so that their records are read at once and few operations write them; false if room ran out. */
async function claimAll(ports: ClaimPorts, entries: Entry[], now: Millis): Promise<boolean> {
  const room = ports.room();
  await Promise.all(entries.slice(0, Math.max(0, room)).map((entry) => claimEntry(ports, entry, { now })));
  return room >= entries.length;
}

/** Claims the run of an entry, unless this worker does not take it up or has it. */
export async function claimEntry(
  ports: ClaimPorts,
  { key, version }: Entry,
  how: Pick<Finding, "checks" | "puts" | "now"> = {},
): Promise<void> {
  const run = lastText(key);
  if (ports.wants(run) && !ports.owns(run)) await claim(ports, run, { ...how, found: { key, version } });
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
  if (taken.length > 0) hit("takeover.bumped");
  const orphans: Entry[] = [];
  for (const entry of leases) {
    const lease = await readable(ports, lastText(entry.key), () => readLease(entry));
    if (lease !== undefined && !alive.has(lease.session)) orphans.push(entry);
  }
  // Together, as in `claimAll`: one after the other, 500 runs took 13 s on a busy machine, most of it spent waiting.
  for (let i = 0; i < orphans.length; i += WINDOW) {
    const room = ports.room();
    await Promise.all(
      orphans.slice(i, i + WINDOW).map((entry, k) => {
        const run = lastText(entry.key);
        return k < room ? claim(ports, run, { orphaned: entry }) : requeue(ports, run, entry);
      }),
    );
  }
  for (const session of taken) await store.closeSession(session);
}

/** How a run that is to be claimed was found. */
interface Finding {
  /** The entry under which it was found, which must still be there. */
  found?: Check;
  /** It is one of those that are due: the time. */
  now?: Millis;
  /** The lease of an owner that is gone; without it, the run must have none. */
  orphaned?: Entry;
  /** Somebody has told it something. */
  told?: boolean;
  /** What the claim rests on besides, and what it writes. */
  checks?: Check[];
  puts?: Put[];
}

/**
 * One claim. False if another was faster, or if the run cannot be read: it stays where it is, the log says so, and
 * the others go on.
 */
async function claim(
  ports: ClaimPorts,
  run: string,
  { found, now, orphaned, told = false, checks: more = [], puts = [] }: Finding,
): Promise<boolean> {
  const { store, committer, worker, journals } = ports;
  const [stored, lease] = await store.get([runKey(run), leaseKey(run)]);
  if (stored === undefined || lease?.version !== orphaned?.version) return false;
  const loaded = await readable(ports, run, async () => {
    const head = readHead(stored);
    if (head.deletedAt !== undefined) return undefined;
    const epoch = Math.max(head.epoch ?? 0, lease === undefined ? 0 : readLease(lease).epoch) + 1;
    return liveRun(head, await journals.load(head), epoch);
  });
  if (loaded === undefined) return false;
  if (loaded.run.open.size > 0) {
    await findSlots(store, loaded);
    await findLoans(store, loaded);
  }
  const { lane, deadline = Infinity } = loaded.head;
  if (now !== undefined && deadline > now && !ports.lanes.free(lane)) {
    return await waitForTurn(ports, loaded.head, stored, found!);
  }
  const checks = [
    ...(found === undefined ? [] : [found]),
    ...more,
    { key: stored.key, version: stored.version },
    { key: leaseKey(run), version: lease?.version ?? null },
  ];
  const owner = { session: worker, epoch: loaded.epoch, ...(lane === undefined ? {} : { lane }) };
  const put: Put = { key: leaseKey(run), value: encodeRecord(owner) };
  const deletes = [...placesOf(loaded.head), ...(found === undefined ? [] : [found.key])];
  if (await committer.claim(checks, [put, ...puts], deletes) !== "ok") return false;
  hit("claim.after");
  ports.take(loaded, told);
  return true;
}

/** Its time has come and not its turn, which its lane gives: from now on it stands among those that are ready. */
async function waitForTurn(
  { committer }: ClaimPorts,
  { wakeAt: _, ...head }: RunHead,
  { key, version }: Entry,
  found: Check,
): Promise<false> {
  const puts = [
    { key: readyAt(head), value: encodeRecord(null) },
    { key, value: encodeRecord(head) },
  ];
  await committer.claim([found, { key, version }, { key: leaseKey(head.id), version: null }], puts, [
    found.key,
  ]);
  return false;
}

/** EN-507: an orphan for which there is no room goes back to its place in the queue. */
async function requeue({ store, committer }: ClaimPorts, run: string, lease: Entry): Promise<void> {
  const [stored] = await store.get([runKey(run)]);
  if (stored === undefined) return;
  const head: RunHead = readHead(stored);
  // L2 The lease goes, so that the head has to tell how far the epochs have come.
  const { epoch } = readLease(lease);
  const puts: Put[] = [
    { key: readyAt(head), value: encodeRecord(null) },
    { key: stored.key, value: encodeRecord({ ...head, epoch }) },
  ];
  const checks = [stored, lease].map(({ key, version }) => ({ key, version }));
  await committer.claim(checks, puts, [lease.key]);
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
