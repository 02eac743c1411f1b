/** Values and keys come back as they were, whatever they are. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { packKey } from "../../../engine/store/pack_key.ts";
import type { Key, Put } from "../../../engine/store/store.ts";
import type { ContractTest } from "./stage.ts";
import { keysOf, put } from "./read.ts";

const VALUES: [string, Uint8Array][] = [
  ["empty", new Uint8Array()],
  ["a zero byte", new Uint8Array([0])],
  ["every byte", Uint8Array.from({ length: 256 }, (_, i) => i)],
  ["text that reads as false", new TextEncoder().encode("false")],
  ["at the limit", new Uint8Array(60_000).fill(255)],
  ["a part of a larger buffer", new Uint8Array([9, 9, 1, 2, 9]).subarray(2, 4)],
];

const KEYS: Key[] = [
  [""],
  ["", ""],
  ["a", 0],
  ["a", Number.MAX_SAFE_INTEGER],
  ["\0"],
  ["with\0zero", "\0\0"],
  ["\u00ff\u{1f600}é"],
  ["e\u0301"],
  ["k".repeat(1800)],
  Array.from({ length: 100 }, (_, i) => i),
];

const part = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.nat(),
  fc.constantFrom("", "\0", "\u00ff", "\u{10ffff}", 0, 255, 256, 2 ** 40),
);

export const valueTests: ContractTest[] = [
  ["EN-112 any bytes come back as they were, by get and by list", async (stage) => {
    const puts = VALUES.map(([name, value]): Put => ({ key: ["v", name], value }));
    assertEquals(await stage.store.submit(puts, []), "ok");
    await stage.again();
    const found = await stage.store.get(puts.map(({ key }) => key));
    for (const [i, [name, value]] of VALUES.entries()) {
      assertEquals([...found[i]!.value], [...value], name);
      assertEquals(found[i]!.key, ["v", name]);
    }
    for await (const { key, value } of stage.store.list(["v"])) {
      assertEquals([...value], [...VALUES.find(([name]) => name === key[1])![1]]);
    }
  }],

  ["any key comes back as it was", async (stage) => {
    await stage.store.submit(KEYS.map((key, i) => put(key, String(i))), []);
    await stage.again();
    const found = await stage.store.get(KEYS);
    assertEquals(found.map((entry) => entry?.key), KEYS);
    assertEquals(found.map((entry) => new TextDecoder().decode(entry?.value)), KEYS.map((_, i) => String(i)));
    assertEquals(new Set((await keysOf(stage.store, [])).map(packKey)).size, KEYS.length);
  }],

  ["an empty value is there: it meets no check for absence", async (stage) => {
    const empty = { key: ["e"], value: new Uint8Array() };
    assertEquals(await stage.store.submit([empty], [["e"]]), "ok");
    await stage.again();
    assertEquals(await stage.store.submit([put(["e"], "other")], [["e"]]), "exists");
    const absent = [{ key: ["e"], version: null }];
    assertEquals(await stage.store.commit(await stage.session(), absent, [], []), "conflict");
  }],

  ["what was given and what was got are the caller's own bytes", async (stage) => {
    const mine = put(["a"], "mine");
    await stage.store.submit([mine], []);
    mine.value.fill(0);
    const [got] = await stage.store.get([["a"]]);
    assertEquals(new TextDecoder().decode(got!.value), "mine");
    got!.value.fill(0);
    const [again] = await stage.store.get([["a"]]);
    assertEquals(new TextDecoder().decode(again!.value), "mine");
  }],

  ["get takes any number of keys, repeated and absent ones too, and keeps their order", async (stage) => {
    await stage.store.submit([put(["a", 3], "3"), put(["a", 14], "14")], []);
    await stage.again();
    const numbers = [...Array.from({ length: 25 }, (_, i) => i), 3];
    const found = await stage.store.get(numbers.map((i) => ["a", i]));
    assertEquals(
      found.map((entry) => entry?.key[1]),
      numbers.map((i) => i === 3 || i === 14 ? i : undefined),
    );
    assertEquals(await stage.store.get([]), []);
  }],

  ["any set of keys is kept apart and listed in packed order", async (stage) => {
    const keys = fc.uniqueArray(fc.array(part, { minLength: 1, maxLength: 4 }), {
      maxLength: 30,
      selector: (key) => packKey(key),
    });
    let round = 0;
    await fc.assert(
      fc.asyncProperty(keys, async (set) => {
        const prefix = ["set", round++];
        const puts = set.map((key) => put([...prefix, ...key]));
        await stage.store.submit(puts, []);
        const listed = await keysOf(stage.store, prefix);
        const packed = puts.map(({ key }) => packKey(key)).toSorted((a, b) => a < b ? -1 : 1);
        assertEquals(listed.map(packKey), packed);
      }),
      { numRuns: 30 },
    );
  }],
];
