/**
 * The one door from names to files. Owns: which paths below the workspace may be read or written.
 * Never: what a file means.
 */
import type { Json } from "../base/json.ts";

/** A notebook found below the notebooks folder. */
export interface NotebookFile {
  /** Path below the notebooks folder without `.md`, with `/`. */
  id: string;
  modifiedAt: number;
  bytes: number;
}

/** Positions of nodes, kept beside the notebook in `NAME.layout.json`; never part of its version. */
export interface Layout {
  positions: Record<string, { x: number; y: number }>;
}

/** A file as a cell gets it (DF-623). */
export type FileValue =
  & { name: string; path: string; text: string; bytes: number; contentType: string }
  & Record<string, Json>;

/**
 * Files of one workspace folder. Methods throw `EngineError`: `id_invalid` for a name that may not be asked for or leads
 * out, `notebook_not_found`, `notebook_invalid` for one that is not text or over 16 MiB, and from `files` `param_invalid`
 * for more than 1,000 files, more than 64 MiB or a file that is not text.
 */
export interface Workspace {
  /** Absolute path of the folder that globs are relative to. */
  readonly root: string;
  /** All notebooks, sorted by id. */
  notebooks(): Promise<NotebookFile[]>;
  /** The exact bytes of a notebook. */
  readNotebook(id: string): Promise<Uint8Array>;
  /** Positions; empty if there is no layout file or it is not readable as one. */
  readLayout(id: string): Promise<Layout>;
  writeLayout(id: string, layout: Layout): Promise<void>;
  /** Files that match a glob, sorted by path. */
  files(glob: string): Promise<FileValue[]>;
}
