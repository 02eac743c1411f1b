/**
 * The workspace on disk. Owns: how a name becomes an open file, and how much of a folder is read.
 * Never: what a file means.
 *
 * F1 A file is read only after what is open was seen to lie inside the folder, whatever links led there.
 * F2 A write is whole or absent and follows no link.
 */
import { dirname, join } from "node:path";
import { EngineError, type ErrorCode } from "../base/errors.ts";
import { isObject, parseJson } from "../base/json.ts";
import { contentTypeOf } from "./content_type.ts";
import { parseGlob } from "./glob.ts";
import { nameProblem } from "./path_name.ts";
import { isInside, readInside, type ReadProblem } from "./read_inside.ts";
import { decodeText } from "./text_bytes.ts";
import { walk } from "./walk.ts";
import type { FileValue, Layout, NotebookFile, Workspace } from "./workspace.ts";
import { writeWhole } from "./write_whole.ts";

const NOTEBOOK_BYTES = 16 * 1024 * 1024;
const LAYOUT_BYTES = 4 * 1024 * 1024;
const MOST_FILES = 1000;
const FILES_BYTES = 64 * 1024 * 1024;

/**
 * Opens a workspace.
 *
 * @param root folder that globs are relative to
 * @param notebooks folder of notebooks; it need not exist
 * @throws what the system says if `root` is not there
 *
 * @example
 * ```ts
 * const root = await Deno.makeTempDir();
 * await Deno.mkdir(`${root}/notebooks`);
 * await Deno.writeTextFile(`${root}/notebooks/hello.md`, "# Hello");
 * const workspace = await openWorkspace({ root, notebooks: `${root}/notebooks` });
 * const ids = (await workspace.notebooks()).map(({ id }) => id);
 * await Deno.remove(root, { recursive: true });
 * if (ids.join() !== "hello") throw new Error("notebook not found");
 * ```
 */
export async function openWorkspace(
  { root, notebooks }: { root: string; notebooks: string },
): Promise<Workspace> {
  const realRoot = await Deno.realPath(root);
  /** Asked each time: the folder may be made, or replaced by another, while we run. */
  const notebooksRoot = () => Deno.realPath(notebooks).catch(() => undefined);

  return {
    root: realRoot,

    async notebooks() {
      const folder = await notebooksRoot();
      if (folder === undefined) return [];
      const found: NotebookFile[] = [];
      for await (const { path, real } of walk(folder, parseGlob("**"))) {
        if (!path.endsWith(".md")) continue;
        const info = await Deno.stat(real).catch(() => undefined);
        if (!info?.isFile || !isInside(folder, real)) continue;
        found.push({ id: path.slice(0, -3), modifiedAt: info.mtime?.getTime() ?? 0, bytes: info.size });
      }
      return found.sort((a, b) => a.id < b.id ? -1 : 1);
    },

    async readNotebook(id) {
      checkId(id);
      const folder = await notebooksRoot();
      const read = folder === undefined ? "missing" : await readInside(folder, `${id}.md`, NOTEBOOK_BYTES);
      if (typeof read === "string") {
        if (read === "too_large") throw new EngineError("notebook_invalid", `${id}.md is over 16 MiB`);
        throw refused(read, `There is no notebook named ${id}`, `${id}.md`, "notebook_not_found");
      }
      const decoded = decodeText(read);
      if (!decoded.ok) throw new EngineError("notebook_invalid", `${id}.md is not text: ${decoded.reason}`);
      return read;
    },

    async readLayout(id) {
      checkId(id);
      const folder = await notebooksRoot();
      if (folder === undefined) return { positions: {} };
      const read = await readInside(folder, `${id}.layout.json`, LAYOUT_BYTES);
      return typeof read === "string" ? { positions: {} } : toLayout(new TextDecoder().decode(read));
    },

    async writeLayout(id, layout) {
      checkId(id);
      const folder = await notebooksRoot();
      const path = join(folder ?? notebooks, `${id}.layout.json`);
      const parent = await Deno.realPath(dirname(path)).catch(() => undefined);
      if (folder === undefined || parent === undefined || !isInside(folder, parent)) {
        throw new EngineError("notebook_not_found", `There is no notebook named ${id}`);
      }
      const there = await Deno.lstat(path).catch(() => undefined);
      if (there !== undefined && (!there.isFile || (there.nlink ?? 1) > 1)) {
        throw new EngineError("id_invalid", `The layout's file is a link or no file: ${id}.layout.json`);
      }
      await writeWhole(path, `${JSON.stringify({ positions: layout.positions }, null, 2)}\n`);
    },

    async files(glob) {
      const problem = nameProblem(glob, true);
      if (problem !== undefined) throw new EngineError("id_invalid", `A file pattern ${problem}: ${glob}`);
      const wild = /[*?]/.test(glob);
      const paths: string[] = [];
      for await (const { path } of walk(realRoot, parseGlob(glob))) {
        paths.push(path);
        if (paths.length > MOST_FILES) throw invalid(`The pattern matches over ${MOST_FILES} files: ${glob}`);
      }
      const found: FileValue[] = [];
      let left = FILES_BYTES;
      for (const path of paths.sort()) {
        const read = await readInside(realRoot, path, left);
        if (read === "too_large") throw invalid(`The files of the pattern are over 64 MiB: ${glob}`);
        if (typeof read === "string") {
          if (wild) continue;
          throw refused(read, `There is no file ${path}`, path, "param_invalid");
        }
        left -= read.length;
        const decoded = decodeText(read);
        if (!decoded.ok) throw invalid(`${path} is not text: ${decoded.reason}`);
        found.push({
          name: path.slice(path.lastIndexOf("/") + 1),
          path,
          text: decoded.text,
          bytes: read.length,
          contentType: contentTypeOf(path),
        });
      }
      return found;
    },
  };
}

function checkId(id: string): void {
  const problem = nameProblem(id);
  if (problem !== undefined) throw new EngineError("id_invalid", `A notebook's name ${problem}: ${id}`);
}

const invalid = (message: string) => new EngineError("param_invalid", message);

function refused(problem: ReadProblem, missing: string, path: string, code: ErrorCode): EngineError {
  if (problem === "outside") return new EngineError("id_invalid", `${path} leads out of its folder`);
  if (problem === "not_a_file") return new EngineError("id_invalid", `${path} is not a regular file`);
  return new EngineError(code, missing);
}

/** A layout is a convenience: what is not readable as one is left out. */
function toLayout(text: string): Layout {
  const parsed = parseJson(text, { maxDepth: 4 });
  const positions: Layout["positions"] = {};
  if (!parsed.ok || !isObject(parsed.value) || !isObject(parsed.value.positions)) return { positions };
  for (const [name, place] of Object.entries(parsed.value.positions)) {
    if (!isObject(place) || !/^[a-z][a-z0-9_]{0,63}$/.test(name)) continue;
    const { x, y } = place;
    if (typeof x === "number" && typeof y === "number") positions[name] = { x, y };
  }
  return { positions };
}
