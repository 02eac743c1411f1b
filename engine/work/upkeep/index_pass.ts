/**
 * From the records beside runs to the runs: what names none that is there, or another place than the head does, goes.
 * Owns: which entries belong to a head.
 *
 * Ids of runs are never used again and a run appears together with its entries, so one that has no head now never will.
 */
import { dueOfManifest } from "../../artifacts/collect.ts";
import { manifestKey, readManifest } from "../../artifacts/manifest.ts";
import {
  answerPrefix,
  byNotebookKey,
  byTimeKey,
  duePrefix,
  inboxPrefix,
  indexPrefix,
  lastText,
  leasePrefix,
  pastPrefix,
  pinPrefix,
  readyPrefix,
  requestPrefix,
  runKey,
  snapshotPrefix,
  timerKey,
  timerPrefix,
} from "../../store/keys.ts";
import type { Entry, Key } from "../../store/store.ts";
import { readyAt, type RunHead } from "../commit/live_run.ts";
import { KEPT_MS } from "../request/idempotency.ts";
import { readAnswer, readHead, readPast } from "../records.ts";
import { dueEntry } from "./due.ts";
import { grouped, readable, type UpkeepPorts } from "./ports.ts";

/** Entries looked at together. */
const SHARD = 100;

/** An index: which run an entry is of, and whether it belongs to that run's head. */
interface Index {
  prefix: Key;
  runOf(entry: Entry): string;
  belongs(head: RunHead, key: Key): boolean;
}

const always = () => true;
const unlessDeleted = ({ deletedAt }: RunHead) => deletedAt === undefined;
const isOneOf = (keys: (Key | undefined)[], key: Key) => keys.some((other) => String(other) === String(key));

const INDEXES: readonly Index[] = [
  {
    prefix: readyPrefix(),
    runOf: ({ key }) => lastText(key),
    belongs: (head, key) => head.phase !== "ended" && isOneOf([readyAt(head)], key),
  },
  {
    prefix: timerPrefix,
    runOf: ({ key }) => lastText(key),
    belongs: (head, key) =>
      head.phase !== "ended" && head.wakeAt !== undefined && isOneOf([timerKey(head.wakeAt, head.id)], key),
  },
  {
    prefix: indexPrefix,
    runOf: ({ key }) => lastText(key),
    belongs: (head, key) =>
      unlessDeleted(head) &&
      isOneOf([
        byNotebookKey(head.notebook, head.createdAt, head.id),
        byTimeKey(head.createdAt, head.id),
      ], key),
  },
  {
    prefix: duePrefix("frames"),
    runOf: ({ key }) => lastText(key),
    belongs: (head, key) => isOneOf([dueEntry(head)], key),
  },
  {
    prefix: duePrefix("run"),
    runOf: ({ key }) => lastText(key),
    belongs: (head, key) => isOneOf([dueEntry(head)], key),
  },
  { prefix: leasePrefix, runOf: ({ key }) => lastText(key), belongs: always },
  { prefix: pinPrefix, runOf: ({ key }) => lastText(key), belongs: always },
  { prefix: inboxPrefix(), runOf: ({ key }) => String(key[1]), belongs: always },
  { prefix: answerPrefix(), runOf: ({ key }) => String(key[1]), belongs: always },
  { prefix: snapshotPrefix, runOf: ({ key }) => lastText(key), belongs: always },
  { prefix: pastPrefix(), runOf: (entry) => readPast(entry).run, belongs: unlessDeleted },
];

/** Walks all indexes and deletes what does not belong. @returns how many entries went */
export async function indexPass(ports: UpkeepPorts): Promise<number> {
  let gone = 0;
  for (const index of INDEXES) {
    for await (const entries of grouped(ports.store.list(index.prefix), SHARD)) {
      gone += await lookAt(ports, index, entries);
      await ports.breathe();
    }
  }
  for (const space of ["blob", "version"] as const) {
    for await (const entries of grouped(ports.store.list(duePrefix(space)), SHARD)) {
      const manifests = await ports.store.get(entries.map(({ key }) => manifestKey(space, lastText(key))));
      for (const [i, entry] of entries.entries()) {
        const found = manifests[i];
        const sha = lastText(entry.key);
        const manifest = found && await readable(ports, sha, () => readManifest(found));
        if (found !== undefined && manifest === undefined) continue;
        if (manifest && isOneOf([dueOfManifest(space, sha, manifest)], entry.key)) continue;
        if (await drop(ports, entry, manifestKey(space, sha), found)) gone++;
      }
      await ports.breathe();
    }
  }
  return gone + await forgetOld(ports);
}

/** Names of requests, and answers to commands, are kept for a day (EN-202, EN-511). */
async function forgetOld(ports: UpkeepPorts): Promise<number> {
  const { store, clock } = ports;
  let gone = 0;
  const drop = async (entry: Entry) => {
    if (await ports.write([{ key: entry.key, version: entry.version }], [], [entry.key])) gone++;
  };
  for await (const entries of grouped(store.list(requestPrefix), SHARD)) {
    // A name is looked up under its day and the one before.
    const old = entries.filter(({ key }) => Number(key[1]) < Math.floor(clock.now() / KEPT_MS) - 1);
    for (const entry of old) await drop(entry);
    await ports.breathe();
    // They lie in the order of their days.
    if (old.length < entries.length) break;
  }
  for await (const entries of grouped(store.list(answerPrefix()), SHARD)) {
    for (const entry of entries) {
      const answer = await readable(ports, String(entry.key), () => readAnswer(entry));
      if (answer !== undefined && answer.at + KEPT_MS < clock.now()) await drop(entry);
    }
    await ports.breathe();
  }
  return gone;
}

async function lookAt(ports: UpkeepPorts, index: Index, entries: Entry[]): Promise<number> {
  const known: { entry: Entry; run: string }[] = [];
  for (const entry of entries) {
    const run = await readable(ports, String(entry.key), () => index.runOf(entry));
    if (run !== undefined) known.push({ entry, run });
  }
  const heads = await ports.store.get(known.map(({ run }) => runKey(run)));
  let gone = 0;
  for (const [i, { entry, run }] of known.entries()) {
    const found = heads[i];
    const head = found && await readable(ports, run, () => readHead(found));
    // A head that cannot be read may be that of a newer version: what is its stays.
    if (found !== undefined && (head === undefined || index.belongs(head, entry.key))) continue;
    if (await drop(ports, entry, runKey(run), found)) gone++;
  }
  return gone;
}

/** Deletes an entry, if neither it nor what it was judged by has changed. */
function drop({ write }: UpkeepPorts, entry: Entry, by: Key, found: Entry | undefined): Promise<boolean> {
  const checks = [{ key: entry.key, version: entry.version }, { key: by, version: found?.version ?? null }];
  return write(checks, [], [entry.key]);
}
