import { assert, assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import { systemClock } from "../../../engine/base/clock.ts";
import { failureOf, runModule, valueOf } from "./_run_cell.ts";

Deno.test("a cell's default export gets the inputs and gives the value", async () => {
  const module = `interface In { words: string[] }
export default async ({ words }: In) => { await null; return { n: words.length, first: words[0] } }`;
  assertEquals(await valueOf(module, { words: ["é", "b"] }), { n: 2, first: "é" });
});

Deno.test("an exported value that is no function is the value", async () => {
  assertEquals(await valueOf("export default [1, null, 'x']"), [1, null, "x"]);
});

Deno.test("a cell that returns nothing has the value null and says so", async () => {
  const { result, lines } = await runModule("export default () => {}");
  assertEquals(result, { ok: true, value: null });
  assertEquals(lines, ["info The cell returned nothing, so its value is null"]);
});

Deno.test("an input or result with own key __proto__ stays data (SE-604)", async () => {
  const value = JSON.parse('{"__proto__":{"polluted":1}}');
  const module = "export default ({ a }) => ({ a, polluted: ({}).polluted === undefined })";
  assertEquals(
    JSON.stringify(await valueOf(module, { a: value })),
    '{"a":{"__proto__":{"polluted":1}},"polluted":true}',
  );
});

Deno.test("what JSON would lose or refuse fails by name", async (t) => {
  const cases: [string, string][] = [
    ["({ x: NaN })", 'NaN at "x"'],
    ["-Infinity", "-Infinity"],
    ["({ f: () => 1 })", 'a function at "f"'],
    ["Symbol('s')", "a symbol"],
    ["[1n]", 'a bigint at "0"'],
    ["new Map()", "a Map"],
    ["({ s: new Set([1]) })", 'a Set at "s"'],
    ["new Uint8Array(3)", "a Uint8Array"],
    ["{ const a = {}; a.a = a; return a }", "it contains itself"],
    ["{ let a = []; for (let i = 0; i < 1e6; i++) a = [a]; return a }", "it is nested too deeply"],
    ["{ let a = []; for (let i = 0; i < 200; i++) a = [a]; return a }", "JSON is nested deeper than 100"],
  ];
  for (const [body, what] of cases) {
    await t.step(body, async () => {
      const failure = await failureOf(`export default () => ${body}`);
      assertEquals(failure.code, "value_not_json");
      assertEquals(failure.message, `The value is not JSON: ${what}`);
    });
  }
});

Deno.test("SE-514 toJSON and getters run in the cell's process", async () => {
  const module = "export default () => ({ get pid() { return Deno.pid }, d: { toJSON: () => 'own' } })";
  const value = await valueOf(module) as { pid: number; d: string };
  assertEquals(value.d, "own");
  assert(value.pid !== Deno.pid);
});

Deno.test("an error names its place in the cell's own lines", async () => {
  const module = `// ours
// ours
class Trouble extends Error { override name = "Trouble" }
export default () => {
  throw new Trouble("no\\nreally");
}`;
  const { message, code } = await failureOf(module, { lineOffset: 2 });
  assertEquals(code, undefined);
  assertMatch(message, /^Trouble: no\nreally\n {4}at .*line 3, column 9/);
  assert(!message.includes("data:"), message);
});

Deno.test("columns on the line that begins with our text are the cell's", async () => {
  const module = "export default () => { throw new Error('x') }";
  const { message } = await failureOf(module, { shift: { line: 1, columns: 22 } });
  assertStringIncludes(message, "line 1, column 8");
});

Deno.test("SE-517 each way to break a process fails the cell and nothing else", async (t) => {
  const cases: [string, string, RegExp][] = [
    ["throw null", "throw null", /^The cell threw null, which is not an Error$/],
    ["throw a text", "throw 'why'", /^The cell threw "why", which is not an Error$/],
    ["unhandled rejection", "Promise.reject(new Error('late')); return 1", /^Error: late/],
    ["throw after return", "setTimeout(() => { throw new Error('later') }, 0); return 1", /^Error: later/],
    ["stack overflow", "const f = () => f() + 1; return f()", /^RangeError: Maximum call stack/],
    ["Deno.exit", "Deno.exit(0)", /ended before it gave a value \(exit code 0\)/],
    [
      "a promise that never settles",
      "return new Promise(() => {})",
      /waits for a promise that nothing will settle/,
    ],
    [
      "a thrown trap",
      "throw { get message() { throw 1 }, [Symbol.for('Deno.customInspect')]() { throw 2 } }",
      /threw/,
    ],
    ["syntax", "let = = 3", /^SyntaxError: .* \(line 1, column \d+\)$/],
    ["failed import", "return import('./missing.ts')", /Cells cannot import/],
  ];
  for (const [name, body, message] of cases) {
    await t.step(name, async () => {
      const failure = await failureOf(`export default () => { ${body} }`);
      assertEquals(failure.category, "code_error");
      assertMatch(failure.message, message);
    });
  }
});

Deno.test("SE-515 memory: a heap of objects ends the cell", async () => {
  const module = "export default () => { const a = []; for (;;) a.push({ a: [1, 2, 3, a.length] }) }";
  assertEquals((await failureOf(module, { limits: { heapMb: 64 } })).code, "memory_exceeded");
});

Deno.test({
  name: "SE-515 memory: typed arrays, which lie outside the heap, end the cell",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const module = "export default () => { const a = []; for (;;) a.push(new Uint8Array(1e8).fill(1)) }";
    assertEquals((await failureOf(module)).code, "memory_exceeded");
  },
});

Deno.test("SE-515 output: more than the limit ends the cell, what came before is kept", async () => {
  const { result, lines } = await runModule(
    "export default () => { for (;;) console.log('x'.repeat(1000)) }",
  );
  assertEquals(result.ok ? "" : result.code, "output_limit");
  assertEquals(lines[0], `info ${"x".repeat(1000)}`);
});

Deno.test("SE-515 output: empty lines without end are output as well", async () => {
  const module =
    "const b = new Uint8Array(1e5).fill(10); export default () => { for (;;) Deno.stdout.writeSync(b) }";
  assertEquals((await failureOf(module)).code, "output_limit");
});

Deno.test("SE-515 output: what goes to standard error counts as well", async () => {
  const module =
    "const b = new Uint8Array(1e5).fill(65); export default () => { for (;;) Deno.stderr.writeSync(b) }";
  assertEquals((await failureOf(module)).code, "output_limit");
});

Deno.test("SE-515 line: one over 1 MB ends the cell", async () => {
  const module =
    "const b = new Uint8Array(1e5).fill(65); export default () => { for (;;) Deno.stdout.writeSync(b) }";
  const failure = await failureOf(module);
  assertEquals([failure.code, failure.message], [
    "output_limit",
    "The cell printed a line over 1048576 bytes",
  ]);
});

Deno.test("SE-515 value: 16 MiB pass, more does not", async () => {
  const most = 16 * 1024 * 1024 - 2;
  assertEquals(await valueOf(`export default "x".repeat(${most})`), "x".repeat(most));
  const over = await failureOf(`export default "x".repeat(${most + 1})`);
  assertEquals(over.code, "value_too_large");
  const wide = await failureOf(`export default "é".repeat(${most / 2 + 1})`);
  assertEquals(wide.code, "value_too_large", "the limit counts bytes");
});

Deno.test("a value of pairs of surrogates, quotes and controls comes through in pieces", async () => {
  const value = '😀"\\\n\u0000'.repeat(120_000);
  assertEquals(await valueOf(`export default ${JSON.stringify('😀"\\\n\u0000')}.repeat(120000)`), value);
});

Deno.test("SE-516 stop kills what does not listen within 2 s, and the event loop goes on", async (t) => {
  const cases: [string, string][] = [
    ["an endless loop", "for (;;);"],
    ["Atomics.wait", "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)"],
    ["a pattern that backtracks", "return /(a+)+$/.test('a'.repeat(40) + '!')"],
    ["a handler of its own unload", "addEventListener('unload', () => { for (;;); }); Deno.exit()"],
  ];
  for (const [name, body] of cases) {
    await t.step(name, async () => {
      const stop = new AbortController();
      const module = `export default () => { console.log("here"); ${body} }`;
      const begun = performance.now();
      let aborted = 0;
      let slowest = 0;
      const running = runModule(module, {
        signal: stop.signal,
        emit: () => {
          aborted = performance.now();
          stop.abort();
        },
      });
      for (let last = performance.now(), over = false; !over; last = performance.now()) {
        over = await Promise.race([running.then(() => true), systemClock.sleep(20).then(() => false)]);
        slowest = Math.max(slowest, performance.now() - last);
      }
      const { result } = await running;
      assertEquals(result.ok ? "" : result.code, "aborted");
      assert(aborted > begun);
      assertLess(performance.now() - aborted, 2000);
      assertLess(slowest, 1000);
    });
  }
});

Deno.test("an attempt that is aborted before it begins starts no process", async () => {
  const { result } = await runModule("export default 1", { signal: AbortSignal.abort() });
  assertEquals(result.ok ? "" : result.code, "aborted");
});

Deno.test("a time limit of its own ends the cell with category timeout", async () => {
  const failure = await failureOf("export default () => { for (;;); }", { timeoutMs: 300 });
  assertEquals([failure.category, failure.code], ["timeout", "cell_timeout"]);
});

Deno.test("console methods become log lines of their level, in order and before the value", async () => {
  const module = `export default () => {
  console.debug("d"); console.log("l", 1, { a: [2] }); console.info("i"); console.warn("w"); console.error("e");
  return 1;
}`;
  const { lines } = await runModule(module);
  assertEquals(lines, ["debug d", "info l 1 { a: [ 2 ] }", "info i", "warn w", "error e"]);
});

Deno.test("20,000 console lines all arrive, in order and in few frames", async () => {
  const { result, frames, lines } = await runModule(
    "export default () => { for (let i = 0; i < 20000; i++) console.log(`line ${i}`); return 1 }",
  );
  assertEquals(result, { ok: true, value: 1 });
  assertLess(frames.length, 1200);
  const all = lines.flatMap((text) => text.replace(/^info /, "").split("\n"));
  assertEquals(all, Array.from({ length: 20_000 }, (_, i) => `line ${i}`));
});
