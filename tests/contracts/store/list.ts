/** Lists: order, prefixes, bounds, limits, writes meanwhile. */
import { assertEquals, assertRejects } from "@std/assert";
import type { Key, ListOptions } from "../../../engine/store/store.ts";
import type { ContractTest } from "./stage.ts";
import { keysOf, put } from "./read.ts";

/** In order; written in another. */
const ORDERED: Key[] = [
  ["a"],
  ["n", ""],
  ["n", "", "x"],
  ["n", "\0"],
  ["n", "\0b"],
  ["n", "a"],
  ["n", "a", "x"],
  ["n", "a", "x", "y"],
  ["n", "a\0b"],
  ["n", "a b"],
  ["n", "ab"],
  ["n", "é"],
  ["n", "\ufffd"],
  ["n", "\u{1f600}"],
  ["o", 0],
  ["o", 9],
  ["o", 9, "x"],
  ["o", 10],
  ["o", 100],
  ["o", 256],
  ["o", 65_536],
  ["o", 2 ** 32],
  ["o", Number.MAX_SAFE_INTEGER],
  ["o2"],
];

const shuffled = ORDERED.toSorted((a, b) => JSON.stringify(a).length % 7 - JSON.stringify(b).length % 7);

export const listTests: ContractTest[] = [
  [
    "keys come in order: numbers by value, text by its UTF-8 bytes, a key before its extensions",
    async (stage) => {
      await stage.store.submit(shuffled.map((key) => put(key)), []);
      await stage.again();
      assertEquals(await keysOf(stage.store, []), ORDERED);
      assertEquals(await keysOf(stage.store, [], { reverse: true }), ORDERED.toReversed());
    },
  ],

  ["a prefix ends at a part, and is not listed itself", async (stage) => {
    await stage.store.submit(shuffled.map((key) => put(key)), []);
    await stage.again();
    assertEquals(await keysOf(stage.store, ["o", 9]), [["o", 9, "x"]]);
    assertEquals(await keysOf(stage.store, ["n", "a"]), [["n", "a", "x"], ["n", "a", "x", "y"]]);
    assertEquals(await keysOf(stage.store, ["a"]), []);
    assertEquals(await keysOf(stage.store, ["none"]), []);
    assertEquals(await keysOf(stage.store, ["o"]), ORDERED.filter(([first]) => first === "o"));
  }],

  ["after and limit are exact in both directions, at every place", async (stage) => {
    const all = ORDERED.filter(([first]) => first === "n");
    await stage.store.submit(shuffled.map((key) => put(key)), []);
    await stage.again();
    for (const [i, after] of all.entries()) {
      const cases: [ListOptions, Key[]][] = [
        [{ after }, all.slice(i + 1)],
        [{ after, limit: 2 }, all.slice(i + 1, i + 3)],
        [{ after, reverse: true }, all.slice(0, i).toReversed()],
        [{ after, reverse: true, limit: 2 }, all.slice(0, i).toReversed().slice(0, 2)],
      ];
      for (const [options, expected] of cases) {
        assertEquals(await keysOf(stage.store, ["n"], options), expected, JSON.stringify(options));
      }
    }
    assertEquals(await keysOf(stage.store, ["n"], { limit: 0 }), []);
    assertEquals(await keysOf(stage.store, ["n"], { limit: 3 }), all.slice(0, 3));
    assertEquals(await keysOf(stage.store, ["n"], { limit: 3, reverse: true }), all.toReversed().slice(0, 3));
  }],

  ["after need not be there", async (stage) => {
    await stage.store.submit([put(["o", 1]), put(["o", 3])], []);
    assertEquals(await keysOf(stage.store, ["o"], { after: ["o", 2] }), [["o", 3]]);
    assertEquals(await keysOf(stage.store, ["o"], { after: ["o", 2], reverse: true }), [["o", 1]]);
    assertEquals(await keysOf(stage.store, ["o"], { after: ["o", 9] }), []);
  }],

  ["an after outside the prefix is refused", async (stage) => {
    for (const after of [["p", 1], ["o"], []]) {
      await assertRejects(() => keysOf(stage.store, ["o"], { after }), RangeError, "must extend its prefix");
    }
  }],

  ["a long list comes whole, once, and can stop anywhere", async (stage) => {
    const count = 1050;
    for (let i = 0; i < count; i += 350) {
      await stage.store.submit(
        Array.from({ length: 350 }, (_, j) => put(["long", i + j], String(i + j))),
        [],
      );
    }
    await stage.again();
    const numbers = Array.from({ length: count }, (_, i) => i);
    assertEquals((await keysOf(stage.store, ["long"])).map(([, i]) => i), numbers);
    assertEquals(
      (await keysOf(stage.store, ["long"], { reverse: true })).map(([, i]) => i),
      numbers.toReversed(),
    );
    assertEquals((await keysOf(stage.store, ["long"], { limit: 250, after: ["long", 99] })).length, 250);
    for await (const { key } of stage.store.list(["long"])) {
      if (key[1] === 150) break;
    }
  }],

  ["a list goes on correctly while its keys are written and deleted", async (stage) => {
    const puts = Array.from({ length: 400 }, (_, i) => put(["l", 2 * i]));
    await stage.store.submit(puts, []);
    const session = await stage.session();
    const seen: number[] = [];
    for await (const { key } of stage.store.list(["l"])) {
      const at = key[1] as number;
      seen.push(at);
      // Behind the walk: never seen. Far ahead of it: seen, because batches are smaller than 400.
      if (at === 0) await stage.store.commit(session, [], [put(["l", 701])], [["l", 700], ["l", 0]]);
      if (at === 100) await stage.store.commit(session, [], [put(["l", 51]), put(["l", 703])], [["l", 702]]);
    }
    assertEquals(seen, seen.toSorted((a, b) => a - b));
    assertEquals(new Set(seen).size, seen.length);
    const expected = puts.map(({ key }) => key[1] as number).map((n) => n === 700 || n === 702 ? n + 1 : n);
    assertEquals(seen, expected);
  }],
];
