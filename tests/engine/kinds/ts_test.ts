import { assert, assertEquals, assertMatch } from "@std/assert";
import { tsKind } from "../../../engine/kinds/ts.ts";
import { attemptAt } from "./_attempt.ts";

const run = (options: Parameters<typeof attemptAt>[1]) => tsKind().run(attemptAt("ts", options).attempt);

Deno.test("a ts cell's value is what it returns, else its last expression", async () => {
  const inputs = { strong: [{ confidence: 0.5 }, { confidence: 0.9 }] };
  const returned = "return Math.max(0, ...strong.map((c: { confidence: number }) => c.confidence));\n";
  assertEquals(await run({ source: returned, inputs }), { type: "succeeded", value: 0.9 });
  const last = "const all = strong.map((c) => c.confidence);\nall.length * 2;\n";
  assertEquals(await run({ source: last, inputs }), { type: "succeeded", value: 4 });
  assertEquals(await run({ source: "" }), { type: "succeeded", value: null });
});

Deno.test("what a ts cell prints is emitted before its value", async () => {
  const { attempt, frames } = attemptAt("ts", { source: 'console.warn("look");\nreturn 1' });
  assertEquals(await tsKind().run(attempt), { type: "succeeded", value: 1 });
  assertEquals(frames, [{ type: "log", level: "warn", text: "look" }]);
});

Deno.test("EN-406 an error is a code_error at the cell's own line and column", async () => {
  const source = '// one\nconst x: number = 2;\n\nthrow new TypeError("no " + x);\n';
  const outcome = await run({ source });
  assert(outcome.type === "failed");
  assertEquals(outcome.problem.category, "code_error");
  assertMatch(outcome.problem.message, /^TypeError: no 2\n {4}at .*line 4, column 7/);
  const first = await run({ source: 'throw new Error("first")' });
  assert(first.type === "failed");
  assertMatch(first.problem.message, /line 1, column 7/);
});

Deno.test("code that does not parse fails before a process starts, with its place", async () => {
  const outcome = await run({ source: "const a = 1;\nlet = = 3" });
  assert(outcome.type === "failed");
  assertEquals([outcome.problem.category, outcome.problem.code], ["code_error", "code_invalid"]);
  assertMatch(outcome.problem.message, /\(line 2, column \d+\)$/);
});

Deno.test("SE-508 an ungranted need fails permission_denied and names the need", async () => {
  const outcome = await run({ source: 'return await Deno.readTextFile("/etc/hostname")' });
  assert(outcome.type === "failed");
  assertEquals([outcome.problem.category, outcome.problem.code], ["code_error", "permission_denied"]);
  assertMatch(
    outcome.problem.message,
    /^This cell may not read files \(read access to "\/etc\/hostname"\); cells have no permissions in this version\n/,
  );
});

Deno.test("SE-517 a looping cell ends by a limit of processor time that follows its timeout", async () => {
  // 1 s and a tenth, and 5 s more; nothing here watches the clock.
  const outcome = await run({ source: "for (;;);", header: { timeout: "1s" } });
  assert(outcome.type === "failed");
  assertEquals(outcome.problem.code, "process_killed");
});

Deno.test("an abort makes the attempt cancelled", async () => {
  const stop = new AbortController();
  const { attempt } = attemptAt("ts", { source: 'console.log("here");\nfor (;;);', signal: stop.signal });
  const outcome = await tsKind().run({ ...attempt, emit: () => stop.abort() });
  assertEquals(outcome, { type: "cancelled" });
});

Deno.test("a value that says it is a Vega-Lite specification is shown as a chart", async () => {
  const source = 'return { $schema: "https://vega.github.io/schema/vega-lite/v6.json", mark: "bar" }';
  const outcome = await run({ source });
  assertEquals(outcome.type === "succeeded" && outcome.display, { as: "chart" });
});
