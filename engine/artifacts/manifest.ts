/**
 * The record that says where a content's bytes are. Owns: its form, and the two spaces in which manifests live.
 * Never: the bytes.
 */
import { isObject, type Json } from "../base/json.ts";
import { decodeRecord } from "../store/codec.ts";
import { blobKey, versionKey } from "../store/keys.ts";
import type { Entry, Key } from "../store/store.ts";

/** Longest content at all, in bytes. */
export const MAX_VALUE_BYTES = 64 * 1024 * 1024;

/** Values, and texts of notebooks: the same content may stand in both. */
export type Space = "blob" | "version";

/** What is kept under a manifest's key. */
export interface Manifest {
  bytes: number;
  /** Parts in the store; absent: a file. */
  chunks?: number;
  /** Name of the file; absent: the hash. */
  file?: string;
  /**
   * Since when nobody was known to name the content, in epoch ms: it may be collected an hour later, and whoever is
   * about to name it writes it again.
   */
  orphanedAt?: number;
}

/** Where the manifest of a content lives. */
export function manifestKey(space: Space, sha: string): Key {
  return space === "blob" ? blobKey(sha) : versionKey(sha);
}

/** Reads a manifest. Throws `store_corrupt`. */
export function readManifest(entry: Pick<Entry, "key" | "value">): Manifest {
  return decodeRecord(entry, toManifest);
}

function toManifest(json: Json): Manifest | undefined {
  if (!isObject(json) || !isCount(json.bytes, MAX_VALUE_BYTES)) return undefined;
  const { bytes, chunks, file, orphanedAt } = json;
  if (chunks !== undefined && !isCount(chunks, MAX_VALUE_BYTES)) return undefined;
  if (file !== undefined && typeof file !== "string") return undefined;
  if (orphanedAt !== undefined && !isCount(orphanedAt, Number.MAX_SAFE_INTEGER)) return undefined;
  return {
    bytes,
    ...(chunks === undefined ? {} : { chunks }),
    ...(file === undefined ? {} : { file }),
    ...(orphanedAt === undefined ? {} : { orphanedAt }),
  };
}

function isCount(value: Json | undefined, max: number): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= max;
}
