/**
 * One engine to a database file. Owns: the lock beside it and the modes of the files.
 * Never: the database itself.
 *
 * The lock is the operating system's, on an open file: it ends with its process, however that ends. The lock file
 * stays, because deleting it would let two processes lock two files of one name.
 */
import { EngineError } from "../base/errors.ts";

const PRIVATE_FOLDER = 0o700;
const PRIVATE_FILE = 0o600;

/** A lock that is held. */
export interface StoreLock {
  /** Frees it; a second call does nothing. */
  release(): void;
}

/** Where the lock of a database is. */
export const lockPath = (path: string): string => `${path}.lock`;

/**
 * Locks the database at `path` for this process and writes the process id into the lock file, for people.
 *
 * @returns `undefined` if it is held already, by another process or by this one
 */
export async function lockStore(path: string): Promise<StoreLock | undefined> {
  const file = await Deno.open(lockPath(path), { read: true, write: true, create: true, mode: PRIVATE_FILE });
  let locked = false;
  try {
    locked = await file.tryLock(true);
    if (!locked) return undefined;
    await file.truncate();
    await file.write(new TextEncoder().encode(`${Deno.pid}\n`));
  } finally {
    if (!locked) file.close();
  }
  let held = true;
  return {
    release() {
      if (held) file.close();
      held = false;
    },
  };
}

/** Process id that the lock file names: of the holder while it is held, else of the last one. */
export async function lockHolder(path: string): Promise<number | undefined> {
  const text = await Deno.readTextFile(lockPath(path)).catch(() => "");
  const pid = Number.parseInt(text, 10);
  return Number.isNaN(pid) ? undefined : pid;
}

/**
 * Makes the files of the database at `path` readable by their owner only, and its folder too if it has to be made;
 * a folder that is there is left as it is. SQLite gives the files that it makes later the mode of the first.
 */
export async function makePrivate(path: string): Promise<void> {
  const folder = path.replace(/[^/\\]*$/, "");
  if (folder !== "") await Deno.mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER });
  await create(path);
  if (Deno.build.os === "windows") return;
  for (const suffix of ["", "-wal", "-shm"]) {
    await Deno.chmod(path + suffix, PRIVATE_FILE).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
}

/** Never opens a file that is there: closing it would drop the locks that SQLite holds on it in this process. */
async function create(path: string): Promise<void> {
  try {
    (await Deno.open(path, { write: true, createNew: true, mode: PRIVATE_FILE })).close();
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

/** The refusal for a database that another engine has. */
export async function storeInUse(path: string): Promise<EngineError> {
  const pid = await lockHolder(path);
  const who = pid === undefined ? "Another process" : `Process ${pid}`;
  return new EngineError(
    "store_in_use",
    `${who} runs an engine on this store; stop it, send work to it, or name another store: ${path}`,
  );
}
