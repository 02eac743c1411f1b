/**
 * Writing a file so that a reader, or a power cut, finds the old bytes or the new ones. Owns: that one way to write.
 * Never: which file; the caller has made sure that the path may be written.
 */
import { basename, dirname } from "node:path";
import { newSecret } from "./secret.ts";

/**
 * Writes a temporary file beside `path`, makes it durable and renames it over `path`. A symbolic link at `path` is
 * replaced, not followed.
 *
 * @param mode permissions of the file; default: as the system gives
 * @throws what the system says; the temporary file is then removed
 *
 * @example
 * ```ts
 * const folder = await Deno.makeTempDir();
 * await writeWhole(`${folder}/a.json`, "{}");
 * const text = await Deno.readTextFile(`${folder}/a.json`);
 * await Deno.remove(folder, { recursive: true });
 * if (text !== "{}") throw new Error("not written");
 * ```
 */
export async function writeWhole(path: string, text: string, mode?: number): Promise<void> {
  const folder = dirname(path);
  const temporary = `${folder}/.${basename(path).slice(0, 100)}.${newSecret().slice(0, 12)}.tmp`;
  try {
    const file = await Deno.open(temporary, { write: true, createNew: true, mode });
    try {
      const bytes = new TextEncoder().encode(text);
      for (let written = 0; written < bytes.length;) written += await file.write(bytes.subarray(written));
      await file.sync();
    } finally {
      file.close();
    }
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
  await syncFolder(folder);
}

/** Makes the rename itself durable, where the system lets a folder be synced. */
async function syncFolder(path: string): Promise<void> {
  try {
    using folder = await Deno.open(path);
    await folder.sync();
  } catch { /* not every file system can */ }
}
