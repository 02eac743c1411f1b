/**
 * Walking a folder. Owns: what is passed over: dotfiles, `node_modules`, links to folders and names that could not be
 * asked for. Never: reading files.
 */
import { EngineError } from "../base/errors.ts";
import type { Glob } from "./glob.ts";
import { nameProblem } from "./path_name.ts";

const DEEPEST = 32;
const MOST_ENTRIES = 100_000;

/** A file found: its path below the folder, and where it really is. */
export interface Found {
  path: string;
  real: string;
}

/**
 * Files below a folder that match, in no order. A link is given if it leads to a file, wherever that is: whoever
 * reads it looks where it leads.
 *
 * @throws EngineError `param_invalid` if the folder has over 100,000 entries to look at
 */
export async function* walk(folder: string, glob: Glob): AsyncGenerator<Found> {
  const open = [{ path: "", states: glob.start, depth: 0 }];
  let seen = 0;
  for (let here = open.pop(); here !== undefined; here = open.pop()) {
    for (const entry of await entriesOf(`${folder}/${here.path}`)) {
      if (++seen > MOST_ENTRIES) {
        throw new EngineError("param_invalid", `There are over ${MOST_ENTRIES} files here: name a folder`);
      }
      const path = here.path === "" ? entry.name : `${here.path}/${entry.name}`;
      if (entry.name === "node_modules" || nameProblem(entry.name) !== undefined) continue;
      const states = glob.step(here.states, entry.name);
      if (states.length === 0) continue;
      if (entry.isDirectory) {
        if (here.depth < DEEPEST) open.push({ path, states, depth: here.depth + 1 });
      } else if (glob.ends(states) && (entry.isFile || entry.isSymlink)) {
        const real = await Deno.realPath(`${folder}/${path}`).catch(() => undefined);
        if (real !== undefined) yield { path, real };
      }
    }
  }
}

/** A folder that went away or may not be read has no entries. */
async function entriesOf(path: string): Promise<Deno.DirEntry[]> {
  try {
    return await Array.fromAsync(Deno.readDir(path));
  } catch {
    return [];
  }
}
