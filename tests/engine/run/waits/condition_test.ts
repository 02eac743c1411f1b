/** When a condition is met, and by which signals. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Json } from "../../../../engine/base/json.ts";
import { conditionFault, evaluate, holds, takes } from "../../../../engine/run/waits/condition.ts";
import type { Condition, Signal } from "../../../../engine/run/waits/types.ts";

/** `name@source!waitpoint`, numbered s1, s2 … in the order given. */
function signals(...texts: string[]): Signal[] {
  return texts.map((text, i) => {
    const [, name, source = "ann", waitpoint] = /^([^@!]+)(?:@([^!]+))?(?:!(.+))?$/.exec(text)!;
    return { id: `s${i + 1}`, name: name!, source, at: i, ...(waitpoint === undefined ? {} : { waitpoint }) };
  });
}

const of = (name: string): Condition => ({ type: "signal", name });
const count = (n: number, distinct: "sources" | "signals" | "waitpoints", ...of: Condition[]): Condition => ({
  type: "count",
  n,
  distinct,
  of,
});
const allOf = (...of: Condition[]): Condition => ({ type: "allOf", of });

const CASES: [
  what: string,
  condition: Condition,
  came: string[],
  closed: string | undefined,
  missing: string,
][] = [
  ["a signal of the name", of("go"), ["no", "go", "go"], "s2", ""],
  ["none of the name", of("go"), ["no"], undefined, "1 go"],
  ["allOf with one missing", allOf(of("a"), of("b")), ["a", "a"], undefined, "1 b"],
  ["R13 allOf in any order", allOf(of("a"), of("b")), ["b", "x", "a"], "s1 s3", ""],
  ["R13 a count", count(2, "signals", of("a")), ["a", "a", "a"], "s1 s2", ""],
  [
    "two sources, one of which speaks twice",
    count(2, "sources", of("a")),
    ["a@ann", "a@ann"],
    undefined,
    "1 a",
  ],
  ["two sources", count(2, "sources", of("a")), ["a@ann", "a@ann", "a@ben"], "s1 s3", ""],
  ["two waitpoints", count(2, "waitpoints", of("a")), ["a@x!w1", "a@y!w1", "a@x!w2"], "s1 s3", ""],
  ["either of two names", count(1, "signals", of("a"), of("b")), ["b", "a"], "s1", ""],
  ["either, none yet", count(2, "signals", of("a"), of("b")), ["b"], undefined, "1 a or b"],
  [
    "R16 two counts of the same name count apart",
    allOf(count(2, "sources", of("a")), count(3, "signals", of("a"))),
    ["a@ann", "a@ben"],
    undefined,
    "1 a",
  ],
  [
    "R16 two counts of the same name, both met",
    allOf(count(2, "sources", of("a")), count(3, "signals", of("a"))),
    ["a@ann", "a@ben", "a@ann"],
    "s1 s2 s3",
    "",
  ],
  [
    "a rejection, or two approvals",
    count(1, "signals", of("reject"), count(2, "sources", of("approve"))),
    ["approve@ann", "reject@ben"],
    "s2",
    "",
  ],
  ["a sent signal is no operator", { type: "operator" }, ["operator"], undefined, "1 operator"],
  ["a sent signal is no timeout", { type: "timeout" }, ["timeout"], undefined, "1 timeout"],
];

for (const [what, condition, came, closed, missing] of CASES) {
  Deno.test(`EN-1009 ${what}`, () => {
    const { done, counted, needs } = evaluate(condition, signals(...came));
    assertEquals(done ? counted.join(" ") : undefined, closed);
    assertEquals(needs.map(({ names, count }) => `${count} ${names.join(" or ")}`).join(", "), missing);
  });
}

Deno.test("EN-1009 the engine's own signals are what operator and timeout wait for", () => {
  for (const type of ["operator", "timeout"] as const) {
    const own: Signal = { id: "s1", name: type, source: "engine", at: 0, type };
    assertEquals(evaluate({ type }, [own]).done, true);
    assertEquals(evaluate(of(type), [own]).done, false, "and nothing else takes them");
  }
});

const MATCHES: [value: Json, match: Json, holds: boolean][] = [
  [{ state: "paid", n: 1 }, { state: "paid" }, true],
  [{ state: "open" }, { state: "paid" }, false],
  [{ a: { b: 1, c: 2 } }, { a: { c: 2 } }, true],
  [{ a: [1, 2] }, { a: [1, 2] }, true],
  [{ a: [1, 2, 3] }, { a: [1, 2] }, false],
  [{ a: null }, { a: null }, true],
  [{}, { a: null }, false],
  [{}, { toString: {} }, false],
  [3, 3, true],
  [null, {}, false],
];

Deno.test("EN-1009 match asks for what it names and for nothing else", () => {
  for (const [value, match, expected] of MATCHES) {
    assertEquals(holds(value, match), expected, JSON.stringify([value, match]));
  }
});

Deno.test("EN-1009 a payload that is stored elsewhere is matched by its plain fields", () => {
  const paid: Condition = { type: "signal", name: "pay", match: { state: "paid" } };
  const signal = (payload: Partial<Signal>): Signal => ({
    id: "s1",
    name: "pay",
    source: "ann",
    at: 0,
    ...payload,
  });
  const far = { payload: { sha256: "0".repeat(64), bytes: 9_000 } };
  assertEquals(takes(paid, signal({ payload: { inline: { state: "paid" } } })), true);
  assertEquals(takes(paid, signal({ ...far, facts: { state: "paid" } })), true);
  assertEquals(takes(paid, signal(far)), false);
  assertEquals(takes(paid, signal({})), false);
});

Deno.test("EN-1009 a condition that is too deep, too wide or empty is named", () => {
  const deep = (levels: number): Condition => levels === 1 ? of("a") : allOf(deep(levels - 1));
  assertEquals(conditionFault(deep(4)), undefined);
  assertEquals(conditionFault(deep(5)), "a condition is 4 levels deep at most");
  assertEquals(conditionFault(allOf()), "allOf needs something to wait for");
  assertEquals(conditionFault(count(0, "signals", of("a"))), "a count is a whole number from 1 to 100");
  assertEquals(
    conditionFault(allOf(...Array.from({ length: 64 }, () => of("a")))),
    "a condition has 64 parts at most",
  );
});

const leaves = fc.constantFrom("a", "b", "c").map(of);
const conditions: fc.Arbitrary<Condition> = fc.letrec<{ node: Condition }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaves,
    fc.array(tie("node"), { minLength: 1, maxLength: 3 }).map((of) => allOf(...of)),
    fc.tuple(
      fc.integer({ min: 1, max: 3 }),
      fc.constantFrom("sources" as const, "signals" as const, "waitpoints" as const),
      fc.array(tie("node"), { minLength: 1, maxLength: 3 }),
    ).map(([n, distinct, of]) => count(n, distinct, ...of)),
  ),
})).node;
const sent = fc.array(
  fc.record({
    name: fc.constantFrom("a", "b", "c", "d"),
    source: fc.constantFrom("ann", "ben"),
    waitpoint: fc.constantFrom("w1", "w2"),
  }),
  { maxLength: 8 },
).map((all): Signal[] => all.map((signal, i) => ({ id: `s${i}`, at: i, ...signal })));

Deno.test("Y1 what is met stays met when more comes, and what closed it is enough by itself", () => {
  fc.assert(fc.property(conditions, sent, sent, (condition, first, more) => {
    const now = evaluate(condition, first);
    const later = evaluate(condition, [
      ...first,
      ...more.map((signal) => ({ ...signal, id: `m${signal.id}` })),
    ]);
    if (!now.done) return now.needs.length > 0 && now.needs.every(({ count }) => count > 0);
    const closing = first.filter(({ id }) => now.counted.includes(id));
    return later.done && now.needs.length === 0 && evaluate(condition, closing).done;
  }));
});
