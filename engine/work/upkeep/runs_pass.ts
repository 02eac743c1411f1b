/**
 * From runs to their records in the indexes: what is missing is written again, what does not belong goes.
 * Owns: what must be there for a head, and the walk over all heads.
 *
 * Q1 A run not ended is owned, or stands in one of ready and timer index, or waits for a command; one that has ended
 * stands in neither, and once in the due index.
 * EN-1804 Nothing that a live session owns is touched. A lease is never: whoever lost its session loses it by adoption
 * (`claim/claim.ts`). Each repair checks the versions of what it rests on, so that one that meets a claim or a release
 * changes nothing.
 */
import { encodeRecord } from "../../store/codec.ts";
import {
  byNotebookKey,
  byTimeKey,
  eventPrefix,
  holdKey,
  leaseKey,
  runKey,
  runPrefix,
  snapshotKey,
  timerKey,
} from "../../store/keys.ts";
import type { Check, Entry, Key, Put } from "../../store/store.ts";
import { readyAt, type RunHead } from "../commit/live_run.ts";
import { readHead, readRecord, readSnapshot } from "../records.ts";
import { dueEntry, dueNow, duePut } from "./due.ts";
import { hashOf, holdsOf, namesOfEvent, namesOfPlan } from "./names.ts";
import { grouped, readable, type UpkeepPorts } from "./ports.ts";

/** Heads looked at together. */
const SHARD = 50;
const HOLDS_A_COMMIT = 200;

/** What is there for a head. */
export interface Standing {
  head: RunHead;
  /** Version of the head as read. */
  version: string;
  lease?: Entry;
  ready?: Entry;
  timer?: Entry;
  byNotebook?: Entry;
  byTime?: Entry;
  due?: Entry;
}

/** One operation that sets something right. */
export interface Repair {
  checks: Check[];
  puts: Put[];
  deletes: Key[];
}

const nothing = encodeRecord(null);
const NOWHERE: Key = timerKey(0, "");

/** What must be written so that a run stands where it should; nothing if it does. Pure. */
export function repairsOf(standing: Standing, now: number, retention: UpkeepPorts["retention"]): Repair[] {
  const repairs = [lists(standing), ...places(standing)];
  if (standing.head.phase === "ended") repairs.push(dueAgain(standing, now, retention));
  return repairs.filter((repair) => repair !== undefined);
}

/** A run is in all lists; one that is being deleted in none. */
function lists({ head, version, byNotebook, byTime }: Standing): Repair | undefined {
  const wanted = head.deletedAt === undefined;
  const found: [Key, Entry | undefined][] = [
    [byNotebookKey(head.notebook, head.createdAt, head.id), byNotebook],
    [byTimeKey(head.createdAt, head.id), byTime],
  ];
  const wrong = found.filter(([, entry]) => (entry !== undefined) !== wanted).map(([key]) => key);
  if (wrong.length === 0) return undefined;
  return {
    checks: [{ key: runKey(head.id), version }],
    puts: wanted ? wrong.map((key) => ({ key, value: nothing })) : [],
    deletes: wanted ? [] : wrong,
  };
}

/** Where it is found by whoever may claim it. */
function places({ head, version, lease, ready, timer }: Standing): Repair[] {
  const of = (key: Key, entry: Entry | undefined): Check => ({ key, version: entry?.version ?? null });
  const place = readyAt(head);
  const checks = [{ key: runKey(head.id), version }, of(leaseKey(head.id), lease), of(place, ready)];
  const found = [ready, timer].filter((entry) => entry !== undefined);
  if (timer !== undefined) checks.push(of(timer.key, timer));
  if (head.phase === "ended" || lease !== undefined) {
    return found.length === 0 ? [] : [{ checks, puts: [], deletes: found.map(({ key }) => key) }];
  }
  // Both: it is looked at as soon as it can be, which does no harm.
  if (found.length === 2) return [{ checks, puts: [], deletes: [timer!.key] }];
  if (found.length === 1) return [];
  // What rests without a time waits for a command.
  if (head.phase === "suspended" && head.wakeAt === undefined) return [];
  const key = head.wakeAt === undefined ? place : timerKey(head.wakeAt, head.id);
  return [{ checks, puts: [{ key, value: nothing }], deletes: [] }];
}

function dueAgain(
  { head, version, due }: Standing,
  now: number,
  retention: UpkeepPorts["retention"],
): Repair | undefined {
  const wanted = dueNow(head, retention, now);
  const same = head.due?.at === wanted.at && head.due.what === wanted.what;
  if (same && due !== undefined) return undefined;
  const after: RunHead = { ...head, due: wanted };
  const key = runKey(head.id);
  const old = dueEntry(head);
  return {
    checks: [{ key, version }, { key: leaseKey(head.id), version: null }],
    puts: [...same ? [] : [{ key, value: encodeRecord(after) }], ...duePut(after)],
    deletes: same || old === undefined ? [] : [old],
  };
}

/** Which runs' holds have been looked at: not all in every pass, because that reads their whole journals. */
export class HoldRound {
  #after: Key | undefined;
  #left = 0;
  /** Every run has been seen to hold what it names since this process began. */
  complete = false;

  constructor(private readonly runsAPass: number) {}

  /** Begins a pass. */
  begin(): void {
    this.#left = this.runsAPass;
  }

  /** Whether this run's turn is in this pass. Called for all in order. */
  takes(key: Key): boolean {
    const passed = this.#after !== undefined && String(key[1]) <= String(this.#after[1]);
    if (passed || this.#left === 0) return false;
    this.#left--;
    this.#after = key;
    return true;
  }

  /** Ends a pass that has walked all runs. */
  end(): void {
    if (this.#left === 0) return;
    this.complete = true;
    this.#after = undefined;
  }
}

/** Walks all heads and repairs what does not stand where it should. @returns how many repairs were made */
export async function runsPass(ports: UpkeepPorts, round: HoldRound): Promise<number> {
  let repaired = 0;
  round.begin();
  for await (const entries of grouped(ports.store.list(runPrefix), SHARD)) {
    for (const standing of await standings(ports, entries)) {
      for (const { checks, puts, deletes } of repairsOf(standing, ports.clock.now(), ports.retention)) {
        if (await ports.write(checks, puts, deletes)) repaired++;
      }
      if (standing.head.deletedAt === undefined && round.takes(runKey(standing.head.id))) {
        repaired += await holdAgain(ports, standing);
      }
    }
    await ports.breathe();
  }
  round.end();
  return repaired;
}

async function standings(ports: UpkeepPorts, entries: Entry[]): Promise<Standing[]> {
  const heads: Standing[] = [];
  for (const entry of entries) {
    const head = await readable(ports, String(entry.key[1]), () => readHead(entry));
    if (head !== undefined) heads.push({ head, version: entry.version });
  }
  // What a head says nothing of is asked for where nothing ever is.
  const found = await ports.store.get(heads.flatMap(({ head }) => [
    leaseKey(head.id),
    readyAt(head),
    head.wakeAt === undefined ? NOWHERE : timerKey(head.wakeAt, head.id),
    byNotebookKey(head.notebook, head.createdAt, head.id),
    byTimeKey(head.createdAt, head.id),
    dueEntry(head) ?? NOWHERE,
  ]));
  return heads.map((standing, i) => {
    const [lease, ready, timer, byNotebook, byTime, due] = found.slice(i * 6, i * 6 + 6);
    return { ...standing, lease, ready, timer, byNotebook, byTime, due };
  });
}

/** Writes holds again that are missing; when it is done, the run has them all or is gone. */
async function holdAgain(ports: UpkeepPorts, { head }: Standing): Promise<number> {
  const { store, journals } = ports;
  const names = new Set<string>([head.version, ...hashOf(head.plan)]);
  const plan = await readable(ports, head.id, () => journals.plan(head));
  for (const sha of plan === undefined ? [] : namesOfPlan(plan)) names.add(sha);
  for await (const entry of store.list(eventPrefix(head.id))) {
    const record = await readable(ports, head.id, () => readRecord(entry));
    for (const event of record?.events ?? []) for (const sha of namesOfEvent(event)) names.add(sha);
  }
  const [snapshot] = await store.get([snapshotKey(head.id)]);
  if (snapshot !== undefined) {
    for (const sha of hashOf(await readable(ports, head.id, () => readSnapshot(snapshot).state))) {
      names.add(sha);
    }
  }
  const wanted = [...names];
  const held = await store.get(wanted.map((sha) => holdKey(sha, head.id)));
  const missing = wanted.filter((_, i) => held[i] === undefined);
  let written = 0;
  for (let i = 0; i < missing.length;) {
    // Its head may change meanwhile, as with each repair above; only a deletion is a reason to leave it.
    const [entry] = await store.get([runKey(head.id)]);
    if (entry === undefined || readHead(entry).deletedAt !== undefined) break;
    const puts = holdsOf(head.id, missing.slice(i, i + HOLDS_A_COMMIT), head.createdAt);
    if (!await ports.write([{ key: entry.key, version: entry.version }], puts, [])) continue;
    i += HOLDS_A_COMMIT;
    written += puts.length;
  }
  return written;
}
