/**
 * Reading one file below a folder. Owns: seeing that what was opened lies inside. Never: names; see `path_name.ts`.
 */
import { join, sep } from "node:path";

/** Why nothing was read. */
export type ReadProblem = "missing" | "outside" | "not_a_file" | "too_large";

/** Whether a real path is the folder or lies below it. */
export function isInside(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/**
 * The bytes of a regular file below a folder. Links are followed as long as they stay inside.
 *
 * @param folder a real path
 * @param path relative, allowed by `nameProblem`
 * @param most largest number of bytes
 *
 * @example
 * ```ts
 * const folder = await Deno.realPath(await Deno.makeTempDir());
 * await Deno.symlink("/etc/hostname", `${folder}/out`);
 * const read = await readInside(folder, "out", 100);
 * await Deno.remove(folder, { recursive: true });
 * if (read !== "outside") throw new Error("read through a link");
 * ```
 */
export async function readInside(
  folder: string,
  path: string,
  most: number,
): Promise<Uint8Array | ReadProblem> {
  try {
    const real = await Deno.realPath(join(folder, path));
    if (!isInside(folder, real)) return "outside";
    // Before opening: to open a FIFO is to wait for its writer.
    if (!(await Deno.lstat(real)).isFile) return "not_a_file";
    using file = await Deno.open(real);
    // What was checked may have been replaced since, so what counts is what is open.
    const [open, there] = [await file.stat(), await Deno.lstat(real)];
    if (await Deno.realPath(real) !== real || open.ino !== there.ino || open.dev !== there.dev) {
      return "outside";
    }
    if (!open.isFile) return "not_a_file";
    return open.size > most ? "too_large" : await readMost(file, open.size, most);
  } catch (error) {
    // A name too long or a file where a folder should be: either way nothing has this name.
    const code = (error as { code?: string }).code ?? "";
    if (error instanceof Deno.errors.NotFound || ["ENOTDIR", "ENAMETOOLONG", "ELOOP"].includes(code)) {
      return "missing";
    }
    throw error;
  }
}

async function readMost(file: Deno.FsFile, size: number, most: number): Promise<Uint8Array | ReadProblem> {
  let bytes = new Uint8Array(Math.min(size, most) + 1);
  let length = 0;
  for (;;) {
    const read = await file.read(bytes.subarray(length));
    if (read === null) return bytes.subarray(0, length);
    length += read;
    if (length > most) return "too_large";
    if (length === bytes.length) {
      // It grew while it was read.
      const wider = new Uint8Array(length * 2);
      wider.set(bytes);
      bytes = wider;
    }
  }
}
