/**
 * Notices that a notebook's file has changed. Owns: one look a second at each notebook that somebody has open, which
 * works on every file system. Never: what a change means.
 */
import type { Clock } from "../../engine/base/clock.ts";
import type { Workspace } from "../../engine/access/workspace.ts";
import { versionOf } from "../../engine/notebook/version.ts";
import { decode } from "../document.ts";
import type { Watch } from "./live_stream.ts";

const LOOK_MS = 1000;

interface Watched {
  listeners: Set<(version: string) => void>;
  version: string | undefined;
  stop: AbortController;
}

/** A watch that reads the files of a workspace. A listener hears the version once at the start, then each new one. */
export function watchWorkspace(workspace: Workspace, clock: Clock): Watch {
  const watched = new Map<string, Watched>();
  return (notebook, changed) => {
    let entry = watched.get(notebook);
    if (entry === undefined) {
      entry = { listeners: new Set(), version: undefined, stop: new AbortController() };
      watched.set(notebook, entry);
      void look(workspace, clock, notebook, entry);
    } else if (entry.version !== undefined) changed(entry.version);
    const own = entry;
    own.listeners.add(changed);
    return () => {
      own.listeners.delete(changed);
      if (own.listeners.size > 0) return;
      own.stop.abort();
      if (watched.get(notebook) === own) watched.delete(notebook);
    };
  };
}

async function look(workspace: Workspace, clock: Clock, notebook: string, entry: Watched): Promise<void> {
  while (!entry.stop.signal.aborted) {
    // A file that is gone or half written is looked at again.
    const version = await workspace.readNotebook(notebook)
      .then((bytes) => versionOf(decode(bytes, notebook)))
      .catch(() => entry.version);
    if (version !== undefined && version !== entry.version) {
      entry.version = version;
      for (const listener of entry.listeners) listener(version);
    }
    await clock.sleep(LOOK_MS, entry.stop.signal);
  }
}
