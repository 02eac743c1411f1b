import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { systemClock } from "../../../engine/base/clock.ts";
import type { Json, JsonObject } from "../../../engine/base/json.ts";
import { noLog } from "../../../engine/base/log.ts";
import { createEvaluator, type Evaluated, type Evaluation } from "../../../engine/sandbox/evaluator.ts";

type Ask = (expression: string, input?: JsonObject, options?: Partial<Evaluation>) => Promise<Evaluated>;

/** A test with an evaluator of its own. */
function evaluatorTest(name: string, run: (ask: Ask, t: Deno.TestContext) => Promise<void>): void {
  Deno.test(name, async (t) => {
    const evaluator = createEvaluator({ clock: systemClock, log: noLog });
    try {
      await run((expression, input = {}, options = {}) =>
        evaluator.evaluate({
          expression,
          input,
          now: Date.UTC(2024, 1, 3, 4, 5, 6, 7),
          seed: "run_1/cell/1",
          signal: new AbortController().signal,
          ...options,
        }), t);
    } finally {
      await evaluator.close();
    }
  });
}

const DATA: JsonObject = {
  items: [{ price: 50, name: "a" }, { price: 150, name: "b" }, { price: 200, name: "c" }],
  user: { name: "Alice" },
  none: [],
};

evaluatorTest("DF-301 expressions give plain JSON: sequences are lists, one item is itself", async (ask) => {
  const cases: [string, Json][] = [
    ["items[price > 100].name", ["b", "c"]],
    ["items[price > 160].name", "c"],
    ["[items[price > 160].name]", ["c"]],
    ["[none[x > 1]]", []],
    ["$sum(items.price)", 400],
    ["user & ''", '{"name":"Alice"}'],
    ["{ 'n': items.name, 'u': user }", { n: ["a", "b", "c"], u: { name: "Alice" } }],
    ["null", null],
  ];
  for (const [expression, value] of cases) {
    assertEquals(await ask(expression, DATA), { ok: true, value }, expression);
  }
});

evaluatorTest("no value is told apart from null", async (ask) => {
  assertEquals(await ask("items[price > 1000]", DATA), { ok: true });
  assertEquals(await ask("user.mail", DATA), { ok: true });
  assertEquals(await ask("user.mail ?? 'none'", DATA), { ok: true, value: "none" });
});

evaluatorTest("DF-302 time is that of the attempt, randomness that of the seed", async (ask) => {
  assertEquals(await ask("$now()"), { ok: true, value: "2024-02-03T04:05:06.007Z" });
  assertEquals(await ask("$now('[Y]')"), { ok: true, value: "2024" });
  assertEquals(await ask("$millis()"), { ok: true, value: Date.UTC(2024, 1, 3, 4, 5, 6, 7) });
  assertEquals(await ask("$toMillis('05:00', '[H]:[m]')"), { ok: true, value: Date.UTC(2024, 1, 3, 5) });
  for (const expression of ["[$random(), $random()]", "$uuid()", "$shuffle([1..50])"]) {
    const first = await ask(expression);
    assert(first.ok && first.value !== undefined);
    assertEquals(await ask(expression), first, "the same seed repeats");
    assert(JSON.stringify(await ask(expression, {}, { seed: "run_1/cell/2" })) !== JSON.stringify(first));
  }
  const uuid = await ask("$uuid()");
  assertMatch(
    String(uuid.ok && uuid.value),
    /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  const pair = await ask("[$random(), $random()]");
  assert(pair.ok && Array.isArray(pair.value) && pair.value[0] !== pair.value[1]);
});

evaluatorTest("DF-212 $params is what the caller says", async (ask) => {
  assertEquals(await ask("$params.top + 1", { top: 1 }, { params: { top: 5 } }), { ok: true, value: 6 });
});

evaluatorTest("DF-305 what is not JSON is told by name", async (ask) => {
  const cases: [string, string][] = [
    ["1/0", "Infinity"],
    ["-1/0", "-Infinity"],
    ["$sum", "a function"],
    ["function($x){ $x }", "a function"],
    ["{ 'f': $sum }", "a function"],
    ["[1, $uppercase]", "a function"],
    ["/a/", "a function"],
  ];
  for (const [expression, what] of cases) {
    const result = await ask(expression);
    assert(!result.ok, expression);
    assertEquals([result.category, result.code], ["code_error", "expression_not_json"]);
    assertEquals(result.message, `Expression result is not JSON: ${what}`);
  }
});

evaluatorTest("DF-314 and DF-304 texts that are wrong fail with place and words", async (ask) => {
  const cases: [string, string, RegExp][] = [
    ["a = =", "expression_invalid", /^Invalid expression: .* \(line 1, column 5\)$/],
    ["  ", "expression_empty", /^Empty expression$/],
    ["$eval('1')", "expression_eval", /^\$eval is not available$/],
    ["$map(['1'], $eval)", "expression_eval", /^\$eval is not available$/],
    ["$nope(1)", "expression_unknown", /^Unknown function \$nope/],
    ["$error('boo')", "expression_failed", /^Expression evaluation failed: boo$/],
    ["'x' - 1", "expression_failed", /^Expression evaluation failed: The left side of the "-" operator/],
    [
      `"${"x".repeat(20_000)}"`,
      "expression_too_long",
      /^Expression is too long \(20002 of 20000 characters\)$/,
    ],
  ];
  for (const [expression, code, message] of cases) {
    const result = await ask(expression);
    assert(!result.ok, expression);
    assertEquals([result.category, result.code], ["code_error", code]);
    assertMatch(result.message, message);
  }
});

evaluatorTest("SE-603 only own properties are readable", async (ask) => {
  const data = JSON.parse(
    '{"own":{"__proto__":{"a":1},"constructor":2,"prototype":3},"plain":{},"list":[],"text":"x"}',
  );
  assertEquals(await ask("[own.`__proto__`.a, own.constructor, own.prototype]", data), {
    ok: true,
    value: [1, 2, 3],
  });
  for (const root of ["plain", "list", "text", "{}", "$sum", "(function($x){$x})"]) {
    for (const key of ["__proto__", "constructor", "prototype", "toString", "environment"]) {
      assertEquals(await ask(`${root}.\`${key}\``, data), { ok: true }, `${root}.${key}`);
    }
  }
  assertEquals(await ask("$lookup(plain, 'constructor')", data), { ok: true });
});

evaluatorTest("SE-604 own keys __proto__ of results and merges are data", async (ask) => {
  const results = [
    await ask('{ "__proto__": { "polluted": 1 } }'),
    await ask('$merge([{ "__proto__": { "polluted": 1 } }, {}])'),
    await ask('plain ~> |$|{ "__proto__": { "polluted": 1 } }|', { plain: {} }),
    await ask("data", JSON.parse('{"data":{"__proto__":{"polluted":1}}}')),
  ];
  for (const result of results) {
    assertEquals(JSON.stringify(result), '{"ok":true,"value":{"__proto__":{"polluted":1}}}');
  }
  assertEquals(await ask("plain.polluted", { plain: {} }), { ok: true });
  assertEquals((({}) as { polluted?: number }).polluted, undefined);
});

evaluatorTest("DF-306 inputs and results over 16 MB fail with their size", async (ask) => {
  const large = await ask("text & ''", { text: "x".repeat(17 * 1024 * 1024) });
  assert(!large.ok);
  assertEquals([large.code, large.message], [
    "expression_too_large",
    "Expression input is too large (17.0 MB, limit 16 MB)",
  ]);
  const result = await ask("$pad('', 17 * 1024 * 1024, 'x')");
  assert(!result.ok);
  assertEquals(result.message, "Expression result is too large (17.0 MB, limit 16 MB)");
  const most = "x".repeat(15 * 1024 * 1024);
  assertEquals(await ask("text & ''", { text: most }), { ok: true, value: most });
});

evaluatorTest("DF-310 bombs end in time with a message, and no other evaluation is lost", async (ask) => {
  const timeoutMs = 1000;
  const bombs: [string, RegExp][] = [
    ["($f := function($n){ $f($n+1) }; $f(0))", /^Expression timeout after 1000 ms$/],
    [
      "($f := function($n){ 1 + $f($n+1) }; $f(0))",
      /^Expression evaluation failed: Stack overflow|^Expression timeout/,
    ],
    ["($f := function($n){ $map([1,2], function($x){ $f($n+1) }) }; $f(0))", /timeout|memory|Stack overflow/],
    [`$match("${"a".repeat(40)}!", /(a+)+$/)`, /^Expression timeout after 1000 ms$/],
    ["$pad('a', 400000000)", /^Expression used too much memory \(limit 128 MB\)$|timeout|string length/],
    [`[${Array(80).fill("[1..999999]").join(",")}]`, /^Expression used too much memory|timeout/],
    ["[1..10000000].[1..10000000]", /maximum sequence length/],
    ["[1..900000].[1..900000]", /maximum sequence length|memory|timeout/],
  ];
  let slowest = 0;
  let over = false;
  const pulse = (async () => {
    for (let last = performance.now(); !over; last = performance.now()) {
      await systemClock.sleep(20);
      slowest = Math.max(slowest, performance.now() - last);
    }
  })();
  const begun = performance.now();
  const [ended, good] = await Promise.all([
    Promise.all(bombs.map(async ([expression, message]) => {
      const result = await ask(expression, {}, { timeoutMs });
      assert(!result.ok, expression);
      assertEquals(result.category, "code_error");
      assertMatch(result.message, message, expression);
    })),
    Promise.all(Array.from({ length: 20 }, (_, i) => ask(`$sum([1..${i}])`))),
  ]);
  over = true;
  await pulse;
  assertEquals(ended.length, bombs.length);
  assertEquals(good.map((result) => result.ok && (result.value ?? 0)), good.map((_, i) => i * (i + 1) / 2));
  assertLess(performance.now() - begun, bombs.length * 1500 + 5000);
  assertLess(slowest, 1000);
});

evaluatorTest("DF-307 a time limit of 5 s holds for what never looks at it", async (ask) => {
  const begun = performance.now();
  const result = await ask(`$match("${"a".repeat(40)}!", /(a+)+$/)`);
  assert(!result.ok);
  assertEquals([result.code, result.message], ["expression_timeout", "Expression timeout after 5000 ms"]);
  assertLess(performance.now() - begun, 6500);
});

evaluatorTest("DF-308 grouping 10,000 items succeeds", async (ask) => {
  const items = Array.from({ length: 10_000 }, (_, i) => ({ k: `k${i}`, v: i }));
  assertEquals(await ask("$count($keys(items{k: $sum(v)}))", { items }), { ok: true, value: 10_000 });
});

evaluatorTest("an abort ends the evaluation under way and those that wait", async (ask) => {
  const stop = new AbortController();
  const loops = Array.from(
    { length: 8 },
    () => ask("($f := function($n){ $f($n+1) }; $f(0))", {}, { signal: stop.signal }),
  );
  const waiting = ask("1 + 1");
  await systemClock.sleep(200);
  stop.abort();
  for (const result of await Promise.all(loops)) assertEquals(result.ok ? "" : result.code, "aborted");
  assertEquals(await waiting, { ok: true, value: 2 }, "a place that became free went to who still waited");
});

evaluatorTest("DF-311 first result within 300 ms, then 2 ms, on a quiet machine", async (ask) => {
  const begun = performance.now();
  await ask("1 + 1");
  const cold = performance.now() - begun;
  const times: number[] = [];
  for (let i = 0; i < 100; i++) {
    const start = performance.now();
    await ask(`a + ${i}`, { a: 1 });
    times.push(performance.now() - start);
  }
  // Four times the target: the machine of a test is never quiet, and what must not happen is a start per question.
  assertLess(cold, 1200);
  assertLess(times.sort((a, b) => a - b)[50]!, 8);
});

Deno.test("X8 idle evaluators do not keep a process from ending", async () => {
  const url = (path: string) => new URL(`../../../engine/${path}`, import.meta.url).href;
  const program = `
import { createEvaluator } from "${url("sandbox/evaluator.ts")}";
import { systemClock } from "${url("base/clock.ts")}";
import { noLog } from "${url("base/log.ts")}";
const evaluator = createEvaluator({ clock: systemClock, log: noLog });
const signal = new AbortController().signal;
const result = await evaluator.evaluate({ expression: "a + 1", input: { a: 1 }, now: 0, seed: "", signal });
console.log(JSON.stringify(result));`;
  const file = new URL("./_idle_evaluator.ts", import.meta.url);
  await Deno.writeTextFile(file, program);
  try {
    const { stdout, code } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", file.pathname],
      signal: AbortSignal.timeout(20_000),
    }).output();
    assertEquals(new TextDecoder().decode(stdout).trim(), '{"ok":true,"value":2}');
    assertEquals(code, 0);
  } finally {
    await Deno.remove(file);
  }
});
