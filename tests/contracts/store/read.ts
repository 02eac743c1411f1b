/** Reading a store in tests: values as text, lists as arrays. */
import type { Key, ListOptions, Put, Store } from "../../../engine/store/store.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A record whose value is text. */
export const put = (key: Key, text = "x"): Put => ({ key, value: encoder.encode(text) });

/** The text at a key, `undefined` for none. */
export async function textAt(store: Store, key: Key): Promise<string | undefined> {
  const [entry] = await store.get([key]);
  return entry && decoder.decode(entry.value);
}

/** The keys of a list. */
export async function keysOf(store: Store, prefix: Key, options?: ListOptions): Promise<Key[]> {
  const keys: Key[] = [];
  for await (const entry of store.list(prefix, options)) keys.push(entry.key);
  return keys;
}

/** Everything in the store but sessions, as text, to compare before and after. */
export async function contents(store: Store): Promise<[Key, string][]> {
  const all: [Key, string][] = [];
  for await (const { key, value } of store.list([])) {
    if (key[0] !== "session") all.push([key, decoder.decode(value)]);
  }
  return all;
}
