/**
 * Values and texts by the hash of their content. Owns: where a value's bytes are, and that they come back unchanged.
 * Never: when they may be deleted (`collect.ts`).
 *
 * C3 A value is stored whole before anyone can name it: its parts with or before the manifest that names them, then the
 * caller's record. A manifest marked as orphaned is not relied on: its content is written again, which takes the mark
 * away. One without the mark stays for an hour at least, so whoever stores a value names it within that time.
 */
import { type Clock, systemClock } from "../base/clock.ts";
import { EngineError } from "../base/errors.ts";
import { hit } from "../base/faults.ts";
import { sha256 } from "../base/hash.ts";
import { canonicalJson, type Json, parseJson, RECORD_DEPTH } from "../base/json.ts";
import type { StoredValue } from "../plan/types.ts";
import { encodeRecord } from "../store/codec.ts";
import { blobKey, chunkKey, versionKey } from "../store/keys.ts";
import { measure } from "../store/limits.ts";
import type { Entry, Key, Put, Store } from "../store/store.ts";
import { blobFiles } from "./blob_files.ts";
import { type Manifest, MAX_VALUE_BYTES, readManifest } from "./manifest.ts";

export { MAX_VALUE_BYTES };

/** Longest JSON text, in bytes, that stands in the record itself. */
export const INLINE_BYTES = 8192;
/** Longest content, in bytes, that is kept in the store if there is a folder for the rest. */
const STORE_BYTES = 1024 * 1024;

/**
 * How long content counts as stored without another look, once it was seen there, and of how much content that is known.
 * What nothing names is left alone for an hour, so that it cannot go meanwhile.
 */
const KNOWN_MS = 600_000;
const MOST_KNOWN = 1_000;

/** Stores and fetches values. */
export interface Artifacts {
  /**
   * Stores a value and says how a record names it: inline up to 8 KiB of canonical JSON, else by hash, in the store
   * or in a file. The bytes are durable when this resolves.
   *
   * @throws `body_too_large` above 64 MiB
   */
  put(value: Json): Promise<StoredValue>;
  /**
   * Stores a value that many records name, always by hash: it is written once and then costs nothing. The value must not
   * change afterwards, since an object that comes again is not read again.
   */
  putShared(value: Json & object): Promise<StoredValue>;
  /** The value that a record names. @throws `store_corrupt` if its bytes are gone or are not those that were stored */
  get(stored: StoredValue): Promise<Json>;
  /** Stores a notebook's text. @returns its version: the SHA-256 of the text. @throws `body_too_large` above 64 MiB */
  putText(text: string): Promise<string>;
  /** The text of a version. @throws `version_not_found`, or `store_corrupt` as {@link Artifacts.get} does */
  getText(version: string): Promise<string>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Keeps values in `store`, and those above 1 MiB as files in `folder`; without a folder all are in the store.
 *
 * @example
 * ```ts
 * import { memoryStore } from "../store/memory.ts";
 * const { put, get } = artifacts({ store: memoryStore() });
 * const stored = await put({ text: "x".repeat(100_000) });
 * if (!("sha256" in stored)) throw new Error("inline");
 * const back = await get(stored) as { text: string };
 * if (back.text.length !== 100_000) throw new Error("not what was stored");
 * ```
 */
export function artifacts(
  { store, folder, clock = systemClock }: {
    store: Store;
    folder?: string;
    clock?: Pick<Clock, "now" | "monotonic">;
  },
): Artifacts {
  const files = folder === undefined ? undefined : blobFiles(folder);
  const known = new Known(clock);
  const shared = new WeakMap<object, { sha256: string; bytes: number }>();

  async function write(manifestKey: Key, hash: string, content: Uint8Array): Promise<void> {
    if (known.has(manifestKey)) return;
    const [entry] = await store.get([manifestKey]);
    if (entry === undefined || readManifest(entry).orphanedAt !== undefined) {
      await writeNew(manifestKey, hash, content);
    }
    known.add(manifestKey);
  }

  async function writeNew(manifestKey: Key, hash: string, content: Uint8Array): Promise<void> {
    const bytes = content.length;
    const put = (manifest: Manifest): Put => ({ key: manifestKey, value: encodeRecord(manifest) });
    if (files !== undefined && bytes > STORE_BYTES) {
      const file = await files.write(hash, content);
      await store.submit([put(file === hash ? { bytes } : { bytes, file })], []);
    } else {
      const parts = split(content, store.limits.valueBytes).map((value, i) => ({
        key: chunkKey(hash, i),
        value,
      }));
      const manifest: Manifest = { bytes, chunks: parts.length };
      const groups = groupsWithin(parts, store.limits.commitBytes - MANIFEST_BYTES);
      const last = groups.pop() ?? [];
      // Until all parts are there, the manifest is one that nobody relies on, and that whoever collects leaves alone.
      const begun = put({ ...manifest, orphanedAt: clock.now() });
      for (const [i, group] of groups.entries()) await store.submit(i === 0 ? [begun, ...group] : group, []);
      await store.submit([...last, put(manifest)], []);
    }
    hit("artifact.written");
  }

  async function read(entry: Entry, hash: string): Promise<string> {
    const { bytes, chunks, file = hash } = readManifest(entry);
    const content = chunks === undefined ? await files?.read(file, bytes) : await join(hash, bytes, chunks);
    if (content === undefined) throw corrupt(hash, "its bytes are not there");
    if (content.length !== bytes) throw corrupt(hash, `it has ${content.length} bytes, not ${bytes}`);
    if (sha256(content) !== hash) throw corrupt(hash, "its bytes have another hash");
    return decoder.decode(content);
  }

  async function join(hash: string, bytes: number, chunks: number): Promise<Uint8Array | undefined> {
    const content = new Uint8Array(bytes);
    let at = 0;
    for (let i = 0; i < chunks; i += CHUNKS_A_READ) {
      const keys = Array.from(
        { length: Math.min(CHUNKS_A_READ, chunks - i) },
        (_, j) => chunkKey(hash, i + j),
      );
      for (const entry of await store.get(keys)) {
        if (entry === undefined || at + entry.value.length > bytes) return undefined;
        content.set(entry.value, at);
        at += entry.value.length;
      }
    }
    return content.subarray(0, at);
  }

  return {
    async put(value) {
      const text = canonicalJson(value);
      const content = encode(text);
      if (content.length <= INLINE_BYTES) return { inline: value };
      const hash = sha256(content);
      await write(blobKey(hash), hash, content);
      return { sha256: hash, bytes: content.length };
    },
    async putShared(value) {
      const before = shared.get(value);
      if (before !== undefined && known.has(blobKey(before.sha256))) return before;
      const content = encode(canonicalJson(value));
      const stored = { sha256: sha256(content), bytes: content.length };
      await write(blobKey(stored.sha256), stored.sha256, content);
      shared.set(value, stored);
      return stored;
    },
    async get(stored) {
      if ("inline" in stored) return stored.inline;
      const [entry] = await store.get([blobKey(stored.sha256)]);
      if (entry === undefined) throw corrupt(stored.sha256, "nothing is stored under its hash");
      const parsed = parseJson(await read(entry, stored.sha256), {
        maxLength: MAX_VALUE_BYTES,
        maxDepth: RECORD_DEPTH,
      });
      if (!parsed.ok) throw corrupt(stored.sha256, parsed.reason);
      return parsed.value;
    },
    async putText(text) {
      const content = encode(text);
      const hash = sha256(content);
      await write(versionKey(hash), hash, content);
      return hash;
    },
    async getText(version) {
      const [entry] = await store.get([versionKey(version)]);
      if (entry !== undefined) return await read(entry, version);
      throw new EngineError("version_not_found", `No notebook text has this version: ${version}`);
    },
  };
}

/** Manifests that were seen in the store lately: by either clock, since one jumps and the other may sleep with the machine. */
class Known {
  readonly #until = new Map<string, { monotonic: number; now: number }>();

  constructor(private readonly clock: Pick<Clock, "now" | "monotonic">) {}

  has(manifestKey: Key): boolean {
    const until = this.#until.get(manifestKey.join("/"));
    return until !== undefined && until.monotonic > this.clock.monotonic() && until.now > this.clock.now();
  }

  add(manifestKey: Key): void {
    if (this.#until.size >= MOST_KNOWN) this.#until.delete(this.#until.keys().next().value!);
    const { clock } = this;
    this.#until.set(manifestKey.join("/"), {
      monotonic: clock.monotonic() + KNOWN_MS,
      now: clock.now() + KNOWN_MS,
    });
  }
}

/** Room left in an operation for the manifest and its key. */
const MANIFEST_BYTES = 1_000;
/** Chunks read at a time, 1.2 MB. */
const CHUNKS_A_READ = 20;

function encode(text: string): Uint8Array {
  const content = encoder.encode(text);
  if (content.length <= MAX_VALUE_BYTES) return content;
  throw new EngineError(
    "body_too_large",
    `A value may have ${MAX_VALUE_BYTES} bytes; split it, or keep it in a file and pass its path: ${content.length}`,
  );
}

function split(content: Uint8Array, size: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < content.length; at += size) parts.push(content.subarray(at, at + size));
  return parts;
}

function groupsWithin(puts: Put[], commitBytes: number): Put[][] {
  const groups: Put[][] = [];
  let room = 0;
  for (const put of puts) {
    const size = measure({ puts: [put] }).commitBytes;
    if (groups.length === 0 || size > room) {
      groups.push([]);
      room = commitBytes;
    }
    groups.at(-1)!.push(put);
    room -= size;
  }
  return groups;
}

function corrupt(hash: string, why: string): EngineError {
  return new EngineError("store_corrupt", `A stored value cannot be read, because ${why}: ${hash}`);
}
