/**
 * Deleting a run that has ended. Owns: the order in which its records go.
 *
 * SG-112 What depends on a run goes before its head, so that a deletion that stops anywhere is gone on with from the head:
 *
 * ```
 *   head marked, out of all lists ▸ frames ▸ last values ▸ holds ▸ journal from its end, commands, waitpoints ▸ head, due entry
 *   └── from here on it is no run: no list has it, and opening it finds nothing
 * ```
 *
 * L1 Every commit checks that the head is still the marked one and that nobody has the run.
 * C3 Contents lose this holder only after they are marked as orphaned where it was the last one. The plan, which tells of
 * others, loses it last. Journal records go from the last to the first: a reader that began before sees that its run has
 * no end, and never a shorter run.
 */
import { isHeld, markOrphan } from "../../artifacts/collect.ts";
import { hit } from "../../base/faults.ts";
import { encodeRecord } from "../../store/codec.ts";
import {
  answerPrefix,
  byNotebookKey,
  byTimeKey,
  eventPrefix,
  framePrefix,
  holdKey,
  inboxPrefix,
  leaseKey,
  pastKey,
  pinKey,
  runKey,
  snapshotKey,
  stepLeasePrefix,
  stepStopPrefix,
  waitpointPrefix,
} from "../../store/keys.ts";
import type { Entry, Key } from "../../store/store.ts";
import type { RunHead } from "../commit/live_run.ts";
import { readHead, readPast, readRecord, readSnapshot } from "../records.ts";
import { placeOf } from "../waits/listed.ts";
import { readWaitpoint } from "../waits/record.ts";
import { dueEntry, duePut } from "./due.ts";
import { hashOf, namesOfEvent, namesOfPlan } from "./names.ts";
import { Deletions, Overtaken, readable, type UpkeepPorts } from "./ports.ts";

/**
 * Deletes a run, or goes on with its deletion.
 *
 * @param entry its head as read; it has ended
 * @returns false if it was pinned or changed meanwhile
 */
export async function deleteRun(ports: UpkeepPorts, entry: Entry): Promise<boolean> {
  const head = readHead(entry);
  if (head.deletedAt === undefined && !await begin(ports, entry, head)) return false;
  hit("retention.half");
  const key = runKey(head.id);
  const [marked] = await ports.store.get([key]);
  if (marked === undefined || readHead(marked).deletedAt === undefined) return false;
  const checks = [{ key, version: marked.version }, { key: leaseKey(head.id), version: null }];
  const deletions = new Deletions(ports, () => hit("retention.half"), checks);
  try {
    return await deleteAll(ports, readHead(marked), deletions);
  } catch (error) {
    if (error instanceof Overtaken) return false;
    throw error;
  }
}

async function deleteAll(ports: UpkeepPorts, head: RunHead, deletions: Deletions): Promise<boolean> {
  const { store } = ports;
  for await (const { key } of store.list(framePrefix(head.id))) await deletions.add(key);

  const plan = await readable(ports, head.id, () => ports.journals.plan(head));
  for (const { cell } of plan?.steps ?? []) await forget(ports, head, cell);

  const journal: Key[] = [];
  const names = new Set([head.version, ...plan === undefined ? [] : namesOfPlan(plan)]);
  for await (const record of store.list(eventPrefix(head.id))) {
    journal.push(record.key);
    const found = await readable(ports, head.id, () => readRecord(record));
    for (const event of found?.events ?? []) for (const sha of namesOfEvent(event)) names.add(sha);
  }
  const [snapshot] = await store.get([snapshotKey(head.id)]);
  if (snapshot !== undefined) {
    const state = await readable(ports, head.id, () => readSnapshot(snapshot).state);
    for (const sha of hashOf(state)) names.add(sha);
  }
  const [last] = hashOf(head.plan);
  if (last !== undefined) names.add(last);
  for (const sha of names) {
    if (!await isHeld(store, sha, head.id)) await markOrphan(ports, sha);
    if (sha !== last) await deletions.add(holdKey(sha, head.id));
  }
  await deletions.add(snapshotKey(head.id));
  for (const key of journal.reverse()) await deletions.add(key);
  for (
    const prefix of [
      inboxPrefix(head.id),
      answerPrefix(head.id),
      stepLeasePrefix(head.id),
      stepStopPrefix(head.id),
    ]
  ) {
    for await (const { key } of store.list(prefix)) await deletions.add(key);
  }
  for await (const entry of store.list(waitpointPrefix(head.id))) {
    const waitpoint = await readable(ports, head.id, () => readWaitpoint(entry));
    if (waitpoint !== undefined) await deletions.add(placeOf(waitpoint));
    // EN-1901 Who has approved what is kept.
    if (waitpoint?.wait !== "approval") await deletions.add(entry.key);
  }
  const rest = [runKey(head.id), pinKey(head.id), ...last === undefined ? [] : [holdKey(last, head.id)]];
  const due = dueEntry(head);
  return await deletions.end([], due === undefined ? rest : [...rest, due]);
}

/** From here on it is no run any more. */
function begin({ write, clock }: UpkeepPorts, { version }: Entry, head: RunHead): Promise<boolean> {
  const { id, notebook, createdAt } = head;
  const now = clock.now();
  const marked: RunHead = { ...head, deletedAt: now, due: head.due ?? { at: now, what: "run" } };
  const key = runKey(id);
  return write(
    [{ key, version }, { key: pinKey(id), version: null }, { key: leaseKey(id), version: null }],
    [{ key, value: encodeRecord(marked) }, ...duePut(marked)],
    [byNotebookKey(notebook, createdAt, id), byTimeKey(createdAt, id)],
  );
}

/** A cell's last value, if it is this run's; one that a later run writes just now stays. */
async function forget({ store, write }: UpkeepPorts, { id, notebook }: RunHead, cell: string): Promise<void> {
  const key = pastKey(notebook, cell);
  const [entry] = await store.get([key]);
  if (entry === undefined || readPast(entry).run !== id) return;
  await write([{ key, version: entry.version }], [], [key]);
}
