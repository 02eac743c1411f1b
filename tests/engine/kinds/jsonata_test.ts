import { assert, assertEquals } from "@std/assert";
import { systemClock } from "../../../engine/base/clock.ts";
import { noLog } from "../../../engine/base/log.ts";
import { jsonataKind } from "../../../engine/kinds/jsonata.ts";
import type { Outcome } from "../../../engine/kinds/kind.ts";
import type { JsonObject } from "../../../engine/base/json.ts";
import { createEvaluator, type Evaluation, type Evaluator } from "../../../engine/sandbox/evaluator.ts";
import { attemptAt } from "./_attempt.ts";

async function run(options: Parameters<typeof attemptAt>[1]): Promise<Outcome> {
  const evaluator = createEvaluator({ clock: systemClock, log: noLog });
  try {
    return await jsonataKind({ evaluator }).run(attemptAt("jsonata", options).attempt);
  } finally {
    await evaluator.close();
  }
}

Deno.test("a jsonata cell's value is that of its expression over cells and params", async () => {
  const inputs = { scout: { claims: [{ confidence: 0.9 }, { confidence: 0.1 }] }, least: 0.5 };
  const value: Outcome = { type: "succeeded", value: [{ confidence: 0.9 }] };
  assertEquals(await run({ source: "[scout.claims[confidence > $$.least]]\n", inputs }), value);
  assertEquals(
    await run({ source: "[scout.claims[confidence > $params.least]]", inputs, params: ["least"] }),
    value,
  );
});

Deno.test("DF-212 $params holds params and no cells", async () => {
  const outcome = await run({
    source: "$keys($params)",
    inputs: { a: 1, b: 2, c: 3 },
    params: ["a", "c", "unused"],
  });
  assertEquals(outcome, { type: "succeeded", value: ["a", "c"] });
});

Deno.test("a value of null is a value; none is null with a warning", async () => {
  assertEquals(await run({ source: "a", inputs: { a: null } }), { type: "succeeded", value: null });
  const outcome = await run({ source: "a.nmae", inputs: { a: { name: 1 } } });
  assert(outcome.type === "succeeded" && outcome.value === null);
  assertEquals(outcome.warnings?.map(({ type }) => type), ["quality"]);
});

Deno.test("EN-406 what an expression does wrong is a code_error with its message", async () => {
  assertEquals(await run({ source: "$error('boo')" }), {
    type: "failed",
    problem: {
      category: "code_error",
      code: "expression_failed",
      message: "Expression evaluation failed: boo",
    },
  });
});

Deno.test("DF-306 a cell's timeout is its expression's time limit", async () => {
  const outcome = await run({
    source: "($f := function($n){ $f($n+1) }; $f(0))",
    header: { timeout: "200ms" },
  });
  assert(outcome.type === "failed");
  assertEquals(outcome.problem.message, "Expression timeout after 200 ms");
});

Deno.test("DF-306 EN-114 without a timeout of its own a cell has the notebook's", async () => {
  const limits: [header: JsonObject, front: JsonObject, ms: number | undefined][] = [
    [{}, {}, undefined],
    [{ timeout: "6s" }, {}, 6000],
    [{}, { timeout: "6s" }, 6000],
    [{ timeout: "7s" }, { timeout: "6s" }, 7000],
    [{ timeout: 0 }, { timeout: "6s" }, undefined],
  ];
  for (const [header, data, ms] of limits) {
    let asked: number | undefined;
    const evaluator = {
      evaluate: ({ timeoutMs }: Evaluation) =>
        Promise.resolve({ ok: true as const, value: asked = timeoutMs }),
      close: () => Promise.resolve(),
    } as unknown as Evaluator;
    const { attempt } = attemptAt("jsonata", { source: "1", header });
    await jsonataKind({ evaluator }).run({ ...attempt, frontMatter: { ...attempt.frontMatter, data } });
    assertEquals(asked, ms);
  }
});

Deno.test("an abort makes the attempt cancelled", async () => {
  const signal = AbortSignal.timeout(300);
  const outcome = await run({ source: "($f := function($n){ $f($n+1) }; $f(0))", signal });
  assertEquals(outcome, { type: "cancelled" });
});

Deno.test("a value that says it is a Vega-Lite specification is shown as a chart", async () => {
  const schema = "https://vega.github.io/schema/vega-lite/v6.json";
  const outcome = await run({ source: `{ "$schema": "${schema}", "mark": "bar" }` });
  assertEquals(outcome.type === "succeeded" && outcome.display, { as: "chart" });
});
