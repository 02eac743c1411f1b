/**
 * From the address of a store to the store. Owns: which forms there are, and that one engine has a file.
 * Never: settings; whoever calls knows the address.
 */
import { EngineError } from "../base/errors.ts";
import { denoKvStore } from "./deno_kv.ts";
import { lockStore, makePrivate, storeInUse, type StoreLock } from "./lock.ts";
import { memoryStore } from "./memory.ts";
import { postgresStore } from "./postgres.ts";
import type { Store } from "./store.ts";
import type { StoreOptions } from "./table/table_store.ts";

/** How to open a store. */
export interface OpenOptions extends StoreOptions {
  /**
   * Only read, submit and post: opens a file without its lock, so beside an engine that has it. Such a caller opens no
   * session. Default false.
   */
  client?: boolean;
}

/** A store that is open. */
export interface OpenedStore {
  store: Store;
  /** No other process can open the store as an engine while this one has it. A server's sessions are the arbiter there. */
  exclusive: boolean;
  /** Closes the store, then frees its lock. A second call does nothing. */
  release(): Promise<void>;
}

/**
 * Opens the store at `address`: `memory:`, the path of a file (or a `file:` URL), the `http(s)` address of a KV
 * Connect server, or the `postgres` address of a database. A file is made if there is none, with its folder, for its
 * owner's eyes only; so is the schema in a database.
 *
 * @throws `store_in_use` if another process has the file as an engine; `store_unavailable` for any other form, or if
 * the store cannot be opened
 *
 * @example
 * ```ts
 * const { store, exclusive, release } = await openStore("memory:");
 * if (!exclusive || await store.submit([], []) !== "ok") throw new Error("not open");
 * await release();
 * ```
 */
export async function openStore(address: string, options: OpenOptions = {}): Promise<OpenedStore> {
  if (address === "memory:") return opened(memoryStore(options), true);
  if (/^https?:\/\//i.test(address)) return opened(await connect(address, options), false);
  if (/^postgres(ql)?:\/\//i.test(address)) {
    const { clock, random } = options;
    return opened(await unavailable(address, () => postgresStore({ address, clock, random })), false);
  }
  const path = pathOf(address);
  await unavailable(path, () => makePrivate(path));
  if (options.client) return opened(await connect(path, options), false);
  const lock = await unavailable(path, () => lockStore(path));
  if (lock === undefined) throw await storeInUse(path);
  try {
    return opened(await connect(path, options), true, lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** A scheme of one letter is a Windows drive. */
function pathOf(address: string): string {
  if (address.startsWith("file:")) {
    const path = decodeURIComponent(new URL(address).pathname);
    return Deno.build.os === "windows" ? path.slice(1) : path;
  }
  if (address !== "" && !/^[a-z][a-z0-9+.-]+:/i.test(address)) return address;
  throw new EngineError(
    "store_unavailable",
    `A store is memory:, the path of a file, the http(s) address of a KV Connect server, or postgres://…, not ${
      shown(address)
    }`,
  );
}

function connect(location: string, options: OpenOptions): Promise<Store> {
  const { clock, random } = options;
  return unavailable(location, () => denoKvStore({ location, clock, random }));
}

async function unavailable<T>(location: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof EngineError) throw error;
    const reason = (error as Error).message;
    throw new EngineError(
      "store_unavailable",
      `The store at ${shown(location)} cannot be opened: ${reason}`,
      {
        cause: error,
      },
    );
  }
}

/** Without user name, password and parameters, one of which may be a password too. A path is shown as it is. */
function shown(address: string): string {
  if (address === "") return "nothing";
  const url = /^([a-z][a-z0-9+.-]+:)\/\/(?:.*@)?([^?#]*)/is.exec(address);
  return url === null ? address : `${url[1]}//${url[2]}`;
}

function opened(store: Store, exclusive: boolean, lock?: StoreLock): OpenedStore {
  return {
    store,
    exclusive,
    async release() {
      await store.close();
      lock?.release();
    },
  };
}
