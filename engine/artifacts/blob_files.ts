/**
 * Content-addressed files `aa/<sha256>` in a folder. Owns: that a file of that name is whole, or not there.
 * Never: whether anything names it.
 *
 * A file is written under another name, forced to disk, renamed, and its folder forced to disk: a kill at any moment
 * leaves the name absent or complete. A name that is taken is never written again: the same content then gets
 * `aa/<sha256>.<letters>`, so that whoever deletes the old file cannot delete the new one.
 */
import type { Millis } from "../base/clock.ts";
import { EngineError } from "../base/errors.ts";

const PRIVATE_FOLDER = 0o700;

/** Reads and writes such files. */
export interface BlobFiles {
  /** Makes the content durable. @returns the name of its file: the hash, or the hash and some letters */
  write(sha256: string, content: Uint8Array): Promise<string>;
  /** A file's bytes; `undefined` if there is none, it is no plain file, or its size is not `bytes`. */
  read(name: string, bytes: number): Promise<Uint8Array | undefined>;
  /** Deletes a file, if there is one. */
  remove(name: string): Promise<void>;
  /** Files written before `before`, temporary ones among them (those have no `sha256`). */
  writtenBefore(before: Millis): AsyncIterable<{ name: string; sha256?: string }>;
}

const NAME = /^([0-9a-f]{64})(\.[0-9a-z]+)?$/;
const TEMPORARY = /^tmp-[0-9a-z]+$/;

/** Files in `folder`, which is made with the first file, for its owner's eyes only. */
export function blobFiles(folder: string): BlobFiles {
  const folderOf = (sha256: string) => `${folder}/${sha256.slice(0, 2)}`;
  const pathOf = (name: string) => `${folderOf(name)}/${name}`;
  async function writeWhole(sha256: string, content: Uint8Array): Promise<string> {
    const home = folderOf(sha256);
    await Deno.mkdir(home, { recursive: true, mode: PRIVATE_FOLDER });
    // Mode 0600 and a free name are what makeTempFile promises.
    const temporary = await Deno.makeTempFile({ dir: home, prefix: "tmp-" });
    let name: string;
    try {
      const file = await Deno.open(temporary, { write: true });
      try {
        for (let at = 0; at < content.length;) at += await file.write(content.subarray(at));
        await file.sync();
      } finally {
        file.close();
      }
      name = await isFile(`${home}/${sha256}`) ? `${sha256}.${lettersOf(temporary)}` : sha256;
      await Deno.rename(temporary, `${home}/${name}`);
    } catch (error) {
      await Deno.remove(temporary).catch(() => {});
      throw error;
    }
    await syncFolder(home);
    await syncFolder(folder);
    return name;
  }

  return {
    async write(sha256, content) {
      assertHash(sha256);
      try {
        return await writeWhole(sha256, content);
      } catch (error) {
        if ((error as { code?: string }).code !== "ENOSPC") throw error;
        throw new EngineError("storage_full", `Disk full: ${folder}`, { cause: error });
      }
    },
    async read(name, bytes) {
      assertName(name);
      const path = pathOf(name);
      try {
        const { isFile, size } = await Deno.lstat(path);
        return isFile && size === bytes ? await Deno.readFile(path) : undefined;
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return undefined;
        throw error;
      }
    },
    async remove(name) {
      if (!TEMPORARY.test(name.slice(3))) assertName(name);
      // A temporary file is named with its folder, which its own name does not tell.
      const path = TEMPORARY.test(name.slice(3)) ? `${folder}/${name}` : pathOf(name);
      await Deno.remove(path).catch((error) => {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      });
    },
    async *writtenBefore(before) {
      for (const home of await entriesOf(folder)) {
        if (!/^[0-9a-f]{2}$/.test(home)) continue;
        for (const name of await entriesOf(`${folder}/${home}`)) {
          const sha256 = NAME.exec(name)?.[1];
          if (sha256 === undefined && !TEMPORARY.test(name)) continue;
          const { mtime } = await Deno.lstat(`${folder}/${home}/${name}`).catch(() => ({ mtime: null }));
          if (mtime === null || mtime.getTime() >= before) continue;
          yield sha256 === undefined ? { name: `${home}/${name}` } : { name, sha256 };
        }
      }
    },
  };
}

async function entriesOf(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

async function isFile(path: string): Promise<boolean> {
  return await Deno.lstat(path).then((found) => found.isFile, () => false);
}

/** What `makeTempFile` chose to make the name free. */
function lettersOf(temporary: string): string {
  return temporary.slice(temporary.lastIndexOf("tmp-") + 4).toLowerCase();
}

/** A folder's names are data of the folder. Windows has no way to force them, and needs none. */
async function syncFolder(path: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  const folder = await Deno.open(path, { read: true });
  try {
    await folder.sync();
  } finally {
    folder.close();
  }
}

/** What names a file is checked here again, because it may come from a record. */
function assertName(name: string): void {
  if (NAME.test(name)) return;
  throw new EngineError("store_corrupt", `Not a hash: ${JSON.stringify(name.slice(0, 100))}`);
}

function assertHash(sha256: string): void {
  assertName(sha256.includes(".") ? "" : sha256);
}
