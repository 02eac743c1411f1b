/** A workspace in memory, whose files a test changes at will. */
import { EngineError } from "../../engine/base/errors.ts";
import type { Layout, Workspace } from "../../engine/access/workspace.ts";

/** See the module comment. Texts by notebook id. */
export class MemoryWorkspace implements Workspace {
  readonly root = "/nowhere";
  readonly layouts = new Map<string, Layout>();

  constructor(readonly texts: Record<string, string>) {}

  notebooks = () =>
    Promise.resolve(
      Object.entries(this.texts).map(([id, text]) => ({ id, modifiedAt: 0, bytes: text.length }))
        .sort((a, b) => a.id < b.id ? -1 : 1),
    );

  readNotebook = (id: string): Promise<Uint8Array> => {
    const text = Object.hasOwn(this.texts, id) ? this.texts[id] : undefined;
    if (text === undefined) {
      return Promise.reject(new EngineError("notebook_not_found", `No notebook has this name: ${id}`));
    }
    return Promise.resolve(new TextEncoder().encode(text));
  };

  readLayout = (id: string): Promise<Layout> => Promise.resolve(this.layouts.get(id) ?? { positions: {} });

  writeLayout = (id: string, layout: Layout): Promise<void> => {
    this.layouts.set(id, layout);
    return Promise.resolve();
  };

  files = () => Promise.resolve([]);
}
