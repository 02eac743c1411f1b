/**
 * From contents to their holders and back. Owns: which contents nobody holds, and which holds have no run.
 *
 * C3 A content is marked only once every run has been seen to hold what it names (`HoldRound`): a store from before there
 * were holds, or one that lost some, loses no content.
 */
import { dueOfManifest, isHeld, markOrphan, ORPHAN_MS, unmark } from "../../artifacts/collect.ts";
import { readManifest } from "../../artifacts/manifest.ts";
import { encodeRecord } from "../../store/codec.ts";
import { blobPrefix, holdPrefix, lastText, runKey, versionPrefix } from "../../store/keys.ts";
import type { Entry } from "../../store/store.ts";
import { readHold } from "../records.ts";
import { isEffect } from "./names.ts";
import { grouped, readable, type UpkeepPorts } from "./ports.ts";

/** Entries looked at together. */
const SHARD = 100;

/**
 * Walks all holds and all contents.
 *
 * @param mayMark whether contents without holder may be marked
 * @returns how many records were set right
 */
export async function holdsPass(ports: UpkeepPorts, mayMark: boolean): Promise<number> {
  const { store } = ports;
  let repaired = 0;
  for await (const entries of grouped(store.list(holdPrefix()), SHARD)) {
    repaired += await dropStrays(ports, entries);
    await ports.breathe();
  }
  for (const [space, prefix] of [["blob", blobPrefix], ["version", versionPrefix]] as const) {
    for await (const entries of grouped(store.list(prefix), SHARD)) {
      for (const entry of entries) {
        const sha = lastText(entry.key);
        const manifest = await readable(ports, sha, () => readManifest(entry));
        if (manifest === undefined) continue;
        const held = await isHeld(store, sha);
        const due = dueOfManifest(space, sha, manifest);
        if (due === undefined && !held && mayMark) {
          await markOrphan(ports, sha);
          repaired++;
        } else if (due !== undefined && held) {
          if (await unmark(ports, space, sha, entry)) repaired++;
        } else if (due !== undefined && (await store.get([due]))[0] === undefined) {
          const checks = [{ key: entry.key, version: entry.version }];
          if (await ports.write(checks, [{ key: due, value: encodeRecord(null) }], [])) repaired++;
        }
      }
      await ports.breathe();
    }
  }
  return repaired;
}

/** Holds of runs that never appeared or are gone; a run that is about to appear has an hour for it. */
async function dropStrays(ports: UpkeepPorts, entries: Entry[]): Promise<number> {
  const { store, clock } = ports;
  const heads = await store.get(entries.map(({ key }) => runKey(lastText(key))));
  let gone = 0;
  for (const [i, entry] of entries.entries()) {
    if (heads[i] !== undefined || isEffect(lastText(entry.key))) continue;
    const [, sha, run] = entry.key as [string, string, string];
    const hold = await readable(ports, sha, () => readHold(entry));
    if (hold === undefined || hold.at + ORPHAN_MS > clock.now()) continue;
    if (!await isHeld(store, sha, run)) await markOrphan(ports, sha);
    const checks = [{ key: entry.key, version: entry.version }, { key: runKey(run), version: null }];
    if (await ports.write(checks, [], [entry.key])) gone++;
  }
  return gone;
}
