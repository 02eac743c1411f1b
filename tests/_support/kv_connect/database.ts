/**
 * A database as a KV Connect server has it: ordered bytes, checked writes. No call waits, so each is at one moment.
 * Speaks in messages of https://github.com/denoland/denokv/blob/main/proto/kv-connect.md.
 */
import { encodeMessage, Message } from "./protobuf.ts";

/** What an atomic write may check on a server. */
const CHECKS = 10;
/** Values that are bytes; the only ones that a store writes. */
const BYTES = 3;
const [SET, DELETE] = [1, 2];
const [WRITTEN, CHECK_FAILED] = [1, 2];
const READ = 1;

/** See the module comment. */
export class Database {
  /** Keys with a character for each byte, in order. */
  #order: string[] = [];
  readonly #entries = new Map<string, { value: Uint8Array; version: Uint8Array }>();
  #version = 0;

  /** Answers a `SnapshotRead`. */
  read(request: Message): Uint8Array {
    const ranges = request.messages(1).map((range) => {
      const [from, to] = [range.bytes(1), range.bytes(2)].map((bytes) => this.#place(textOf(bytes)));
      const keys = this.#order.slice(from, to);
      if (range.number(4) === 1) keys.reverse();
      const entries = keys.slice(0, range.number(3)).map((key) => {
        const { value, version } = this.#entries.get(key)!;
        return encodeMessage([[1, bytesOf(key)], [2, value], [3, BYTES], [4, version]]);
      });
      return encodeMessage(entries.map((entry) => [1, entry]));
    });
    return encodeMessage([...ranges.map((range): [number, Uint8Array] => [1, range]), [4, 1], [8, READ]]);
  }

  /** Answers an `AtomicWrite`. Throws a `RangeError` for one that this server does not take. */
  write(request: Message): Uint8Array {
    const checks = request.messages(1);
    if (checks.length > CHECKS) throw new RangeError(`Too many checks (max ${CHECKS})`);
    for (const check of checks) {
      const there = this.#entries.get(textOf(check.bytes(1)))?.version ?? new Uint8Array();
      if (textOf(there) !== textOf(check.bytes(2))) return encodeMessage([[1, CHECK_FAILED]]);
    }
    const version = new Uint8Array(10);
    new DataView(version.buffer).setBigUint64(0, BigInt(++this.#version));
    for (const mutation of request.messages(2)) {
      const key = textOf(mutation.bytes(1));
      const type = mutation.number(3);
      if (type === DELETE) {
        if (this.#entries.delete(key)) this.#order.splice(this.#place(key), 1);
        continue;
      }
      const [value] = mutation.messages(2);
      if (type !== SET || value?.number(2) !== BYTES) throw new RangeError("Only bytes can be set here");
      if (!this.#entries.has(key)) this.#order.splice(this.#place(key), 0, key);
      this.#entries.set(key, { value: value.bytes(1).slice(), version });
    }
    return encodeMessage([[1, WRITTEN], [2, version]]);
  }

  /** Number of keys before `key`. */
  #place(key: string): number {
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#order[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function textOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
