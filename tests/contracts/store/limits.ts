/** C4: one over each limit is refused whole; at the limit it is written. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { DENO_KV_LIMITS } from "../../../engine/store/limits.ts";
import { packKey } from "../../../engine/store/pack_key.ts";
import type { Check, Key, Limits, Put } from "../../../engine/store/store.ts";
import type { ContractTest } from "./stage.ts";
import { contents, put } from "./read.ts";

interface Operation {
  checks?: Check[];
  puts: Put[];
  deletes?: Key[];
}

const keyOf = (bytes: number, i = 0): Key => {
  const base: Key = ["k", i];
  return [...base, "x".repeat(bytes - packKey(base).length - 2)];
};
const zeros = (key: Key, bytes: number): Put => ({ key, value: new Uint8Array(bytes) });

/** `count` keys of together exactly `bytes`. */
const keysOfTogether = (bytes: number, count: number): Key[] => {
  const each = Math.floor(bytes / count);
  return Array.from({ length: count }, (_, i) => keyOf(i === 0 ? each + bytes % count : each, i));
};

/** For each limit, an operation that uses exactly `amount` of it and stays below all others. */
const USES: Record<keyof Limits, (amount: number, limits: Limits) => Operation> = {
  valueBytes: (amount) => ({ puts: [zeros(["v"], amount)] }),
  oneKeyBytes: (amount) => ({ puts: [zeros(keyOf(amount), 0)] }),
  keyBytes: (amount) => ({ puts: keysOfTogether(amount, 50).map((key) => zeros(key, 1)) }),
  mutations: (amount) => ({
    puts: Array.from({ length: amount - 10 }, (_, i) => put(["m", i])),
    deletes: Array.from({ length: 10 }, (_, i) => ["d", i]),
  }),
  checks: (amount) => ({
    checks: Array.from({ length: amount }, (_, i) => ({ key: ["c", i], version: null })),
    puts: [put(["checked"])],
  }),
  commitBytes: (amount, { valueBytes }) => {
    const puts: Put[] = [];
    for (let left = amount; left > 0;) {
      const key = keyOf(30, puts.length);
      const value = Math.min(valueBytes, left - 30, left > 2000 ? left - 1000 : left);
      puts.push(zeros(key, value));
      left -= 30 + value;
    }
    return { puts };
  },
};

const REFUSED_KEYS: [string, Key][] = [
  ["no parts", []],
  ["a fraction", ["a", 1.5]],
  ["a number below 0", ["a", -1]],
  ["minus zero", ["a", -0]],
  ["a number beyond what is exact", ["a", 2 ** 53]],
  ["not a number", ["a", NaN]],
  ["half a character", ["a", "\ud800"]],
];

export const limitTests: ContractTest[] = [
  ...(Object.keys(USES) as (keyof Limits)[]).flatMap((name): ContractTest[] => [
    [`C4 an operation at the limit of ${name} is written`, async (stage) => {
      const { limits } = stage.store;
      assert(limits[name] < DENO_KV_LIMITS[name]);
      const { checks = [], puts, deletes = [] } = USES[name](limits[name], limits);
      assertEquals(await stage.store.commit(await stage.session(), checks, puts, deletes), "ok");
      await stage.again();
      assertEquals((await contents(stage.store)).length, puts.length);
    }],
    [`C4 EN-2401 an operation one over the limit of ${name} is refused whole, by name`, async (stage) => {
      const { store } = stage;
      const { checks = [], puts, deletes = [] } = USES[name](store.limits[name] + 1, store.limits);
      const session = await stage.session();
      await assertRejects(() => store.commit(session, checks, puts, deletes), RangeError, name);
      if (checks.length > 0) {
        await assertRejects(() => store.submit(puts, checks.map(({ key }) => key)), RangeError, name);
      } else if (deletes.length === 0) {
        await assertRejects(() => store.submit(puts, []), RangeError, name);
      }
      assertEquals(await contents(store), []);
      assertEquals(await store.commit(session, [], [put(["after"])], []), "ok");
    }],
  ]),

  ["C4 a command over the value limit is refused", async (stage) => {
    const { store } = stage;
    const large = new Uint8Array(store.limits.valueBytes + 1);
    await assertRejects(() => store.post("r", "cmd", large), RangeError, "valueBytes");
    await assertRejects(() => store.openSession("w".repeat(2000), 1000, ""), RangeError, "oneKeyBytes");
    assertEquals(await contents(store), []);
  }],

  ["a key that cannot be told apart from another, or is none, is refused by every verb", async (stage) => {
    const { store } = stage;
    const session = await stage.session();
    for (const [name, key] of REFUSED_KEYS) {
      const calls: (() => Promise<unknown>)[] = [
        () => store.commit(session, [], [put(["fine"]), put(key)], []),
        () => store.commit(session, [{ key, version: null }], [put(["fine"])], []),
        () => store.commit(session, [], [put(["fine"])], [key]),
        () => store.submit([put(["fine"]), put(key)], []),
        () => store.submit([put(["fine"])], [key]),
        () => store.get([["fine"], key]),
      ];
      if (key.length > 0) calls.push(() => store.list(key)[Symbol.asyncIterator]().next());
      for (const call of calls) await assertRejects(call, RangeError, undefined, name);
    }
    assertEquals(await contents(store), []);
  }],
];
