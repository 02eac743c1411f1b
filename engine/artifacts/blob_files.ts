/**
 * Content-addressed files `aa/<sha256>` in a folder. Owns: that a file of that name is whole, or not there.
 * Never: whether anything names it.
 *
 * A file is written under another name, forced to disk, renamed, and its folder forced to disk: a kill at any moment
 * leaves the name absent or complete.
 */
import { EngineError } from "../base/errors.ts";

const PRIVATE_FOLDER = 0o700;

/** Reads and writes such files. */
export interface BlobFiles {
  /** Makes the file durable. Writing the same content again changes nothing that can be seen. */
  write(sha256: string, content: Uint8Array): Promise<void>;
  /** The file's bytes; `undefined` if there is none, it is no plain file, or its size is not `bytes`. */
  read(sha256: string, bytes: number): Promise<Uint8Array | undefined>;
}

/** Files in `folder`, which is made with the first file, for its owner's eyes only. */
export function blobFiles(folder: string): BlobFiles {
  const folderOf = (sha256: string) => `${folder}/${sha256.slice(0, 2)}`;
  return {
    async write(sha256, content) {
      assertHash(sha256);
      const home = folderOf(sha256);
      await Deno.mkdir(home, { recursive: true, mode: PRIVATE_FOLDER });
      // Mode 0600 and a free name are what makeTempFile promises.
      const temporary = await Deno.makeTempFile({ dir: home, prefix: "tmp-" });
      try {
        const file = await Deno.open(temporary, { write: true });
        try {
          for (let at = 0; at < content.length;) at += await file.write(content.subarray(at));
          await file.sync();
        } finally {
          file.close();
        }
        await Deno.rename(temporary, `${home}/${sha256}`);
      } catch (error) {
        await Deno.remove(temporary).catch(() => {});
        throw error;
      }
      await syncFolder(home);
      await syncFolder(folder);
    },
    async read(sha256, bytes) {
      assertHash(sha256);
      const path = `${folderOf(sha256)}/${sha256}`;
      try {
        const { isFile, size } = await Deno.lstat(path);
        return isFile && size === bytes ? await Deno.readFile(path) : undefined;
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return undefined;
        throw error;
      }
    },
  };
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
function assertHash(sha256: string): void {
  if (/^[0-9a-f]{64}$/.test(sha256)) return;
  throw new EngineError("store_corrupt", `Not a hash: ${JSON.stringify(sha256.slice(0, 100))}`);
}
