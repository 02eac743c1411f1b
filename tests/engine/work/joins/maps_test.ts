/** Cells that are done once for each of some items, as their author and a watcher see them. */
import { assert, assertEquals } from "@std/assert";
import type { Json } from "../../../../engine/base/json.ts";
import type { Attempt, Outcome } from "../../../../engine/kinds/kind.ts";
import { decodePosition, encodePosition } from "../../../../engine/work/stream/position.ts";
import { run } from "./_expressions.ts";

const gives = (value: Json) => (): Outcome => ({ type: "succeeded", value });
const twice = ({ inputs }: Attempt): Outcome => ({ type: "succeeded", value: Number(inputs.item) * 2 });
const own = (calls: string[]) => calls.filter((call) => call.startsWith("m"));

Deno.test("EN-808 a cell is done for each item, and its value is theirs in the order of the items", async () => {
  const late = async (attempt: Attempt): Promise<Outcome> => {
    await attempt.clock.sleep(attempt.inputs.item === 1 ? 30 : 1);
    return twice(attempt);
  };
  const { view, values } = await run({ a: [], m: [], z: ["m"] }, { m: "each: { in: a }" }, {
    a: gives([1, 2, 3]),
    m: late,
    z: ({ inputs }) => ({ type: "succeeded", value: inputs.m! }),
  });
  assertEquals([values.m, values.z, values["m[1]"], view.label], [[2, 4, 6], [2, 4, 6], 4, "succeeded"]);
  assertEquals(view.cells.m!.items, { count: 3, ended: 3 });
});

Deno.test("EN-808 the item has the name that `as` gives it, beside the other inputs, and an attempt and frames of its own", async () => {
  const { view, calls } = await run({ a: [], b: [], m: ["b"] }, { m: "each: { in: a.list, as: one }" }, {
    a: gives({ list: ["x", "y"] }),
    b: gives("b"),
    m: ({ inputs, key, emit }) => {
      emit({ type: "text", text: `${inputs.one}${inputs.b} ${key.split("/")[1]}` });
      return { type: "succeeded", value: 1 };
    },
  });
  assertEquals([view.cells["m[0]"]!.text, view.cells["m[1]"]!.text], ["xb m[0]", "yb m[1]"]);
  assertEquals([view.cells.m!.text, view.cells.m!.attempt, own(calls).length], ["", 1, 2]);
});

Deno.test("EN-808 with `continue` a failed item is null and told in a warning; with `stop` the cell fails and says which", async () => {
  const odd = (attempt: Attempt): Outcome =>
    attempt.inputs.item === 2
      ? { type: "failed", problem: { category: "code_error", message: "no two" } }
      : twice(attempt);
  const a = gives([1, 2, 3]);
  const goes = await run({ a: [], m: [] }, { m: "each: { in: a, errors: continue }" }, { a, m: odd });
  assertEquals([goes.values.m, goes.view.cells.m!.label, goes.view.label], [
    [2, null, 6],
    "warned",
    "succeeded",
  ]);
  assertEquals(goes.view.cells.m!.warnings?.map(({ message }) => message), ["m[1] has no value: no two"]);
  assertEquals(goes.view.cells["m[1]"]!.problem?.message, "no two");
  const stops = await run({ a: [], m: [] }, { m: "each: { in: a, concurrency: 1 }" }, { a, m: odd });
  const { label, problem } = stops.view.cells.m!;
  assertEquals([label, problem?.code, problem?.category, problem?.message], [
    "failed",
    "item_failed",
    "code_error",
    "m[1]: no two",
  ]);
  assertEquals([own(stops.calls), stops.view.label], [["m#1", "m#1"], "failed"]);
});

Deno.test("EN-808 an item is tried again by itself, and a fallback stands in for it", async () => {
  const flaky = (attempt: Attempt): Outcome =>
    attempt.inputs.item === 2
      ? { type: "failed", problem: { category: "network", message: "cut" } }
      : twice(attempt);
  const header = "each: { in: a }\nretry: { attempts: 2, initial: 1ms }\nfallback: { value: -1 }";
  const { values, calls } = await run({ a: [], m: [] }, { m: header }, { a: gives([1, 2, 3]), m: flaky });
  assertEquals([values.m, own(calls).length], [[2, -1, 6], 4]);
});

Deno.test("EN-808 no items are [], nothing is no item, what is no list is one, and too many are refused", async () => {
  const of = async (in_: string, more = "") => {
    const { values, view } = await run({ a: [], m: [] }, { m: `each: { in: ${in_}${more} }` }, {
      a: gives({ none: [], one: 4, many: [1, 2, 3] }),
      m: twice,
    }, { errors: "continue" });
    return view.cells.m!.problem ?? values.m;
  };
  assertEquals([await of("a.none"), await of("a.absent"), await of("a.one")], [[], [], [8]]);
  assertEquals(await of("a.many", ", max: 2"), {
    category: "invalid_input",
    code: "item_limit",
    message: "'each' gives 3 items, over the limit 2",
  });
  assertEquals(await of("a.many", ", max: 3"), [2, 4, 6]);
});

Deno.test("EN-811 EN-808 `when` is asked once, before there are items", async () => {
  const { view, calls } = await run({ a: [], m: [] }, { m: "when: $count(a) > 5\neach: { in: a }" }, {
    a: gives([1, 2]),
    m: twice,
  });
  assertEquals([view.cells.m!.skipped as string, own(calls)], ["not_taken", []]);
});

Deno.test("EN-808 C3 1,000 items too big for an event are kept by their hash, and each is read", async () => {
  const items = Array.from({ length: 1_000 }, (_, i) => ({ i, text: "x".repeat(50) }));
  const { values, journal, more } = await run(
    { a: [], m: [] },
    { m: "each: { in: a, concurrency: 50 }" },
    { a: gives(items), m: ({ inputs }) => ({ type: "succeeded", value: (inputs.item as { i: number }).i }) },
    { also: async (engine, run) => await engine.value(run, "m") },
  );
  const [opened, ...others] = journal.filter(({ type }) => type === "map.opened");
  assert(opened?.type === "map.opened" && "sha256" in opened.items);
  assertEquals([opened.count, others.length], [1_000, 0]);
  assertEquals([more, values["m[999]"]], [items.map(({ i }) => i), 999]);
});

Deno.test("T2 EN-1607 a reader may go on from any cursor, also amid the frames of items", async () => {
  const { more } = await run({ a: [], m: [] }, { m: "each: { in: a }" }, {
    a: gives([1, 2, 3]),
    m: async (attempt) => {
      for (let i = 0; i < 3; i++) {
        attempt.emit({ type: "text", text: String(i) });
        await attempt.clock.sleep(60);
      }
      return twice(attempt);
    },
  }, {
    also: async (engine, run, groups) => {
      const signal = AbortSignal.timeout(10_000);
      // Frames of several attempts come in another order from the store than live.
      const texts = (from: typeof groups) =>
        from.flatMap(({ items }) => items).map((item) => JSON.stringify(item)).toSorted();
      for (const [i, { cursor }] of groups.entries()) {
        const rest = await Array.fromAsync(engine.follow(run, { after: cursor, signal }));
        assertEquals(texts(rest), texts(groups.slice(i + 1)), cursor);
      }
      return groups.some(({ cursor }) => cursor.includes("~"));
    },
  });
  assertEquals(more, true);
});

Deno.test("EN-1607 a cursor names an item by its cell's place and its own", () => {
  const frames = new Map([["m[999]", { attempt: 3, seq: 40 }], ["a", { attempt: 1, seq: 2 }]]);
  const cursor = encodePosition({ seq: 7, frames }, new Map([["a", 0], ["m", 1]]));
  assertEquals(cursor, "r1.7.1~rr-3-14.0-1-2");
  assertEquals(decodePosition(cursor, ["a", "m"]), { seq: 7, frames });
});
