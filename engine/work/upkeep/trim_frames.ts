/**
 * Letting the frames of a kept run go. Owns: the order, which is the mark on the head, the frames, then the due entry.
 *
 * T2 A run is marked before its first frame goes, so that no reader takes what is left for all there was. Every commit
 * checks that nobody owns the run and that it did not change: one that a person restarts meanwhile keeps its new frames.
 */
import { hit } from "../../base/faults.ts";
import { encodeRecord } from "../../store/codec.ts";
import { framePrefix, leaseKey, runKey } from "../../store/keys.ts";
import type { Check, Entry } from "../../store/store.ts";
import { readHead } from "../records.ts";
import { dueEntry, duePut, firstDue, isTrimmed } from "./due.ts";
import { Deletions, Overtaken, type UpkeepPorts } from "./ports.ts";

/**
 * Deletes a run's frames, or goes on with that, and gives it its next place in the due index.
 *
 * @param entry its head as read
 * @returns false if it was changed meanwhile
 */
export async function trimFrames(ports: UpkeepPorts, entry: Entry): Promise<boolean> {
  const { store, write, clock, retention } = ports;
  const key = runKey(readHead(entry).id);
  let { version } = entry;
  const unowned: Check = { key: leaseKey(readHead(entry).id), version: null };
  let head = readHead(entry);
  const before = dueEntry(head);
  const [some] = await Array.fromAsync(store.list(framePrefix(head.id), { limit: 1 }));
  if (some !== undefined && !isTrimmed(head)) {
    head = { ...head, trimmedAt: clock.now() };
    if (!await write([{ key, version }, unowned], [{ key, value: encodeRecord(head) }], [])) return false;
    const [marked] = await store.get([key]);
    if (marked === undefined) return false;
    version = marked.version;
    hit("retention.half");
  }
  const deletions = new Deletions(ports, () => hit("retention.half"), [{ key, version }, unowned]);
  try {
    for await (const frame of store.list(framePrefix(head.id))) await deletions.add(frame.key);
  } catch (error) {
    if (error instanceof Overtaken) return false;
    throw error;
  }
  const { at } = firstDue({ ...head, trimmedAt: clock.now() }, retention);
  const after = { ...head, due: { at, what: "run" as const } };
  return await deletions.end(
    [{ key, value: encodeRecord(after) }, ...duePut(after)],
    before === undefined ? [] : [before],
  );
}
