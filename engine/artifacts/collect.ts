/**
 * Deleting content that nobody names any more. Owns: the mark on a manifest, the hour after it, and what goes then.
 * Never: who names what (`hold/{sha}/{run}` says so and the callers write it).
 *
 * C3 Every reference names something stored, also while the same content is put anew:
 * - a content without holders is marked first, and deleted an hour later if it still has none;
 * - whoever puts it meanwhile sees the mark and writes it again, so that the version of the manifest is another and the
 *   deletion is refused;
 * - whoever put it before the mark has named it within the hour, and is seen as a holder;
 * - a file is deleted after its manifest, and never has the name of one that is written anew.
 *
 * ```
 *   held ──last holder goes──▶ marked ──an hour, still nobody──▶ deleted
 *     ▲                          │ put again, or a holder found
 *     └──────────────────────────┘
 * ```
 */
import type { Clock } from "../base/clock.ts";
import { encodeRecord } from "../store/codec.ts";
import { chunkKey, dueKey, holdPrefix } from "../store/keys.ts";
import type { Check, Entry, Key, Put, Store } from "../store/store.ts";
import type { BlobFiles } from "./blob_files.ts";
import { type Manifest, manifestKey, readManifest, type Space } from "./manifest.ts";

/** How long a content without holders is kept (EN-1802). Whoever stores one names it within this time. */
export const ORPHAN_MS = 3_600_000;
/** Parts deleted in one commit. */
const PARTS_A_COMMIT = 500;

/** What collecting needs. */
export interface CollectPorts {
  store: Store;
  clock: Clock;
  /** Where values over 1 MiB are; absent: there are none. */
  files?: BlobFiles;
  /** Writes all or nothing; false if a check failed. */
  write(checks: Check[], puts: Put[], deletes: Key[]): Promise<boolean>;
}

/** Whether a run other than `except` names the content. */
export async function isHeld(store: Store, sha: string, except?: string): Promise<boolean> {
  for await (const { key } of store.list(holdPrefix(sha), { limit: 2 })) if (key[2] !== except) return true;
  return false;
}

/** Marks a content that has no holder any more, in both spaces, and says when it is looked at again. */
export async function markOrphan(ports: CollectPorts, sha: string): Promise<void> {
  for (const space of ["blob", "version"] as const) {
    // A put of the same content may be faster, and then there is another manifest to mark.
    for (;;) {
      const [entry] = await ports.store.get([manifestKey(space, sha)]);
      if (entry === undefined) break;
      const before = readManifest(entry);
      const after: Manifest = { ...before, orphanedAt: ports.clock.now() };
      if (await ports.write(...rewritten(space, sha, entry, before, after))) break;
    }
  }
}

/** Takes the mark from a content that has a holder. False if somebody was faster. */
export function unmark(ports: CollectPorts, space: Space, sha: string, entry: Entry): Promise<boolean> {
  const before = readManifest(entry);
  const { orphanedAt: _, ...after } = before;
  return ports.write(...rewritten(space, sha, entry, before, after));
}

/** Where the entry of the due index stands for a manifest; `undefined` if it is not marked. */
export function dueOfManifest(space: Space, sha: string, { orphanedAt }: Manifest): Key | undefined {
  return orphanedAt === undefined ? undefined : dueKey(space, orphanedAt + ORPHAN_MS, sha);
}

/**
 * Looks at a content whose hour is over: deletes it, or finds that it has a holder or is not due.
 *
 * @param due the entry of the due index that led here, which goes too
 * @returns whether the content was deleted; false also if somebody was faster, and the next pass looks again
 */
export async function collect(ports: CollectPorts, space: Space, sha: string, due: Key): Promise<boolean> {
  const { store, files, write } = ports;
  const [entry, other] = await store.get([
    manifestKey(space, sha),
    manifestKey(space === "blob" ? "version" : "blob", sha),
  ]);
  const manifest = entry === undefined ? undefined : readManifest(entry);
  const { orphanedAt } = manifest ?? {};
  if (entry === undefined || manifest === undefined || orphanedAt === undefined) {
    await write([], [], [due]);
    return false;
  }
  const at = orphanedAt + ORPHAN_MS;
  if (at > ports.clock.now()) {
    await write([{ key: entry.key, version: entry.version }], [], [due]);
    return false;
  }
  if (await isHeld(store, sha)) {
    await unmark(ports, space, sha, entry);
    return false;
  }
  // The other space names the same parts: they are its own then, and go with it.
  const parts = other === undefined
    ? Array.from({ length: manifest.chunks ?? 0 }, (_, i) => chunkKey(sha, i))
    : [];
  const checks: Check[] = [{ key: entry.key, version: entry.version }];
  if (other === undefined) {
    checks.push({ key: manifestKey(space === "blob" ? "version" : "blob", sha), version: null });
  }
  // Parts before the manifest, which is marked, so that a deletion that stops half way goes on from it.
  while (parts.length > PARTS_A_COMMIT) {
    if (!await write(checks, [], parts.splice(-PARTS_A_COMMIT))) return false;
  }
  if (!await write(checks, [], [...parts, entry.key, due])) return false;
  if (manifest.chunks === undefined && !isNamed(other, manifest, sha)) {
    await files?.remove(manifest.file ?? sha);
  }
  return true;
}

/** Deletes files that no manifest names and that were written more than an hour ago, such as those of a killed put. */
export async function sweepFiles({ store, clock, files }: CollectPorts): Promise<void> {
  if (files === undefined) return;
  for await (const { name, sha256 } of files.writtenBefore(clock.now() - ORPHAN_MS)) {
    const manifests = sha256 === undefined
      ? []
      : await store.get([manifestKey("blob", sha256), manifestKey("version", sha256)]);
    const named = manifests.some((entry) => isNamed(entry, { bytes: 0, file: name }, sha256!));
    if (!named) await files.remove(name);
  }
}

/** Whether a manifest names the file that another one does. */
function isNamed(entry: Entry | undefined, { file }: Manifest, sha: string): boolean {
  if (entry === undefined) return false;
  const found = readManifest(entry);
  return found.chunks === undefined && (found.file ?? sha) === (file ?? sha);
}

function rewritten(
  space: Space,
  sha: string,
  entry: Entry,
  before: Manifest,
  after: Manifest,
): [Check[], Put[], Key[]] {
  const [old, due] = [dueOfManifest(space, sha, before), dueOfManifest(space, sha, after)];
  const puts: Put[] = [{ key: entry.key, value: encodeRecord(after) }];
  if (due !== undefined) puts.push({ key: due, value: encodeRecord(null) });
  const gone = old !== undefined && before.orphanedAt !== after.orphanedAt ? [old] : [];
  return [[{ key: entry.key, version: entry.version }], puts, gone];
}
