/** Cells that run only if something holds, and cells that stand in for others. */
import { assertEquals } from "@std/assert";
import type { Json } from "../../../../engine/base/json.ts";
import type { Attempt, Outcome } from "../../../../engine/kinds/kind.ts";
import { run } from "./_expressions.ts";

const fails = () => ({ type: "failed", problem: { category: "code_error", message: "broken" } } as const);

const gives = (value: Json) => (): Outcome => ({ type: "succeeded", value });

Deno.test("EN-811 a cell whose `when` is false is not run, and is skipped as not taken", async () => {
  const { view, calls, journal } = await run(
    { a: [], yes: ["a"], no: ["a"] },
    { yes: "when: a > 0", no: "when: a > 1" },
  );
  assertEquals(calls, ["a#1", "yes#1"]);
  const { label, skipped, because } = view.cells.no!;
  assertEquals([label, skipped as string, because], ["skipped", "not_taken", undefined]);
  assertEquals([view.cells.yes!.label, view.label], ["succeeded", "succeeded"]);
  assertEquals(journal.filter(({ type }) => type === "step.declined").length, 1);
});

Deno.test("EN-811 false, 0, nothing and what is empty are false; what only `when` reads leads to the cell too", async () => {
  const values: Record<string, Json> = {
    f: false,
    z: 0,
    t: "",
    e: [],
    o: {},
    n: null,
    l: [0, ""],
    y: [0, 1],
    s: "x",
  };
  const cells = Object.fromEntries(Object.keys(values).flatMap((name) => [[`v_${name}`, []], [name, []]]));
  const header = Object.fromEntries(Object.keys(values).map((name) => [name, `when: v_${name}`]));
  const given = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [`v_${name}`, gives(value)]),
  );
  const { calls } = await run(cells, { ...header, f: "when: v_f.absent" }, given);
  assertEquals(calls.filter((call) => !call.startsWith("v_")), ["y#1", "s#1"]);
});

Deno.test("EN-811 EN-704 what is below one not taken: a value skips, an order is met, an option is null, a join counts against", async () => {
  const { view, values } = await run(
    { a: [], x: [], y: [], value: ["x"], after: [], optional: ["i"], join: [] },
    {
      x: "when: a > 5",
      after: "after: [x]",
      optional: "inputs: { i: { from: x, required: false } }",
      join: "inputs: { i: { from: [x, y] } }\njoin: any",
    },
    {
      optional: ({ inputs }: Attempt) => ({ type: "succeeded", value: inputs.i! }),
      join: ({ inputs }: Attempt) => ({ type: "succeeded", value: inputs.i! }),
    },
  );
  const { skipped, because } = view.cells.value!;
  assertEquals([skipped as string, because], ["not_taken", "x"]);
  assertEquals([view.cells.after!.label, values.optional, values.join], ["succeeded", null, {
    value: 1,
    name: "y",
  }]);
  assertEquals(view.label, "succeeded");
});

Deno.test("EN-811 a `when` that cannot be evaluated fails its cell and says that it was the `when`", async () => {
  const { view, calls } = await run({ a: [], b: [] }, { b: "when: $sum(a & 'x') > 1" });
  assertEquals([view.cells.b!.label, calls], ["failed", ["a#1"]]);
  assertEquals(view.cells.b!.problem?.message.startsWith("'when': "), true);
});

Deno.test("EN-704 a cell that fails takes the value of its fallback cell, with a warning; without one it fails", async () => {
  const cells = { spare: [], a: [], b: ["a"] };
  const header = { a: "fallback: { cell: spare }" };
  const { view, values, calls } = await run(cells, header, { a: fails, spare: gives(40) });
  assertEquals([view.cells.a!.label, values.a, values.b, view.label], ["warned", 40, 41, "succeeded"]);
  assertEquals(
    view.cells.a!.warnings?.[0]?.message,
    "Its last attempt failed, so the value of spare is used: broken",
  );
  // It stands before its cell, so that its value is there when it is needed.
  assertEquals(calls, ["spare#1", "a#1", "b#1"]);
  const both = await run(cells, header, { a: fails, spare: fails }, { errors: "continue" });
  assertEquals([both.view.cells.a!.label, both.view.cells.b!.label], ["failed", "skipped"]);
  const good = await run(cells, header, { spare: fails }, { errors: "continue" });
  assertEquals([good.view.cells.a!.label, good.values.b], ["succeeded", 2]);
});
