import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Json, JsonObject } from "../../../engine/base/json.ts";
import { agentSettings, DEFAULT_MODEL } from "../../../engine/notebook/agent.ts";
import { durationMs } from "../../../engine/notebook/duration.ts";
import { nearest } from "../../../engine/notebook/nearest.ts";
import { outputsOf } from "../../../engine/notebook/outputs.ts";
import { resolveParams } from "../../../engine/notebook/params.ts";
import { parse } from "../../../engine/notebook/parse.ts";
import { type RetryPolicy, stepPolicies } from "../../../engine/notebook/policy.ts";
import { type Cell, cellsOf } from "../../../engine/notebook/types.ts";

function notebook(front: string, header: string, kind = "agent") {
  const parsed = parse(`---\n${front}\n---\n\`\`\`${kind} a\n${header}\n---\nDo it\n\`\`\`\n`).notebook;
  return { cell: cellsOf(parsed)[0]!, frontMatter: parsed.frontMatter };
}

const PARAMS = `params:
  s: { type: string, enum: [a, b], default: a }
  n: { type: number, min: 1, max: 10 }
  low: { type: number, min: 1, default: 1 }
  b: { type: boolean, required: false }
  j: { type: json, default: [1] }
  f: { type: files, default: "*.md" }`;

const GIVEN: [given: JsonObject, values: JsonObject | undefined, messages: string[]][] = [
  [{ n: 5 }, { s: "a", n: 5, low: 1, b: null, j: [1], f: "*.md" }, []],
  [{ n: "5.50", b: "true", j: '{"x":null}', s: "b", f: "x" }, {
    s: "b",
    n: 5.5,
    low: 1,
    b: true,
    j: { x: null },
    f: "x",
  }, []],
  [{}, undefined, ["Param 'n' is required"]],
  [{ n: 11, low: 0, s: "c" }, undefined, [
    "Param 's' must be one of a, b",
    "Param 'n' must be between 1 and 10",
    "Param 'low' must be at least 1",
  ]],
  [{ n: "five", b: "yes", f: 3, s: 1 }, undefined, [
    "Param 's' must be a string",
    "Param 'n' must be a number",
    "Param 'b' must be true or false",
    "Param 'f' must be a files",
  ]],
  [{ n: 1, j: "{bad" }, undefined, [
    "Param 'j' must be a json: Not JSON: Expected property name or '}' in JSON at position 1 (line 1 column 2)",
  ]],
  [{ n: 1, j: "[1" }, undefined, [
    "Param 'j' must be a json: Not JSON: Expected ',' or ']' after array element in JSON at position 2 (line 1 column 3)",
  ]],
  [{ n: 1, j: "plain words" }, { s: "a", n: 1, low: 1, b: null, j: "plain words", f: "*.md" }, []],
  [{ n: 1, f: "../*.md" }, undefined, [
    "Param 'f' must be a relative path without .. that stays below the workspace",
  ]],
  [{ n: 1, topik: 1, __proto__x: 2 }, undefined, ["Unknown param 'topik'", "Unknown param '__proto__x'"]],
];

for (const [given, values, messages] of GIVEN) {
  Deno.test(`DF-622 DF-624 params from ${JSON.stringify(given)}`, () => {
    const { frontMatter } = notebook(PARAMS, "");
    const resolved = resolveParams(frontMatter.params, given);
    assertEquals(resolved.problems.map((problem) => problem.message), messages);
    if (values !== undefined) assertEquals(resolved.values, values);
  });
}

Deno.test("DF-624 text becomes a number only if a number holds every digit of it", () => {
  const n = { name: "n", type: "number" as const, required: true, place: { line: 1, column: 1 } };
  const read = (text: string) => resolveParams([n], { n: text }).values.n;
  const cases: [string, Json | undefined][] = [
    ["0", 0],
    ["-0.50", -0.5],
    ["1e3", 1000],
    ["0.1", 0.1],
    [".5", 0.5],
    ["9007199254740993", undefined],
    ["12345678901234567890", undefined],
    ["0.10000000000000000001", undefined],
    ["1e400", undefined],
    ["0x10", undefined],
    [" 1", undefined],
    ["", undefined],
    ["NaN", undefined],
  ];
  for (const [text, number] of cases) assertEquals([text, read(text)], [text, number]);
  fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) => {
    assertEquals(read(String(x)), x === 0 ? 0 : x);
  }));
});

Deno.test("an agent's settings are the cell's, else the notebook's defaults", () => {
  const { cell, frontMatter } = notebook(
    "defaults: { model: mock/echo, temperature: 0.2, maxTokens: 100 }",
    "role: critic\ntemperature: 9\nmaxTokens: 5\nmock: [{ text: hi }]\noutputs: { a: { type: text } }",
  );
  assertEquals(agentSettings(cell, frontMatter), {
    role: "critic",
    model: "mock/echo",
    temperature: 0.2,
    maxTokens: 5,
    outputs: [{ name: "a", type: "text" }],
    mock: [{ text: "hi" }],
  });
  const plain = notebook("title: x", "role: critic");
  assertEquals(agentSettings(plain.cell, plain.frontMatter).model, DEFAULT_MODEL);
});

Deno.test("DF-101 DF-102 outputs of a cell", () => {
  const of = (kind: string, header: string) => outputsOf(notebook("weft: 1", header, kind).cell);
  assertEquals(of("agent", ""), [{ name: "", type: "text" }]);
  assertEquals(of("ts", ""), [{ name: "", type: "json" }]);
  assertEquals(
    of("ts", "outputs: { b: { type: code }, a: { type: json, schema: { type: array } }, c: {} }"),
    [
      { name: "b", type: "code" },
      { name: "a", type: "json", schema: { type: "array" } },
    ],
  );
});

const POLICIES: [
  name: string,
  front: string,
  header: string,
  expected: { attempts: number; errors: string },
][] = [
  ["EN-404 a kind's own tries", "weft: 1", "", { attempts: 3, errors: "stop" }],
  ["EN-404 the cell's tries beat the notebook's", "retry: { attempts: 5 }", "retry: { attempts: 2 }", {
    attempts: 2,
    errors: "stop",
  }],
  ["EN-404 the notebook's tries", "retry: { attempts: 5 }", "retry: { factor: 3 }", {
    attempts: 5,
    errors: "stop",
  }],
  ["EN-703 retry continues with four tries", "errors: retry", "", { attempts: 4, errors: "continue" }],
  ["EN-703 but for a cell that has its own", "errors: retry", "retry: { attempts: 1 }", {
    attempts: 1,
    errors: "continue",
  }],
  ["EN-704 a cell's errors beat the notebook's", "errors: retry", "errors: stop", {
    attempts: 3,
    errors: "stop",
  }],
];

for (const [name, front, header, expected] of POLICIES) {
  Deno.test(name, () => {
    const { cell, frontMatter } = notebook(front, header);
    const { retry, errors } = stepPolicies(cell, frontMatter, 3);
    assertEquals({ attempts: retry.attempts, errors: errors as string }, expected);
  });
}

Deno.test("EN-404 EN-406 EN-408 what holds when nobody says, and every field", () => {
  const plain = notebook("weft: 1", "");
  const expected: RetryPolicy = {
    attempts: 1,
    backoff: "exponential",
    initialMs: 1000,
    factor: 2,
    maxMs: 60_000,
    jitter: "equal",
    on: ["network", "timeout", "rate_limited", "unavailable", "overloaded"],
  };
  assertEquals(stepPolicies(plain.cell, plain.frontMatter, 1), {
    retry: expected,
    timeoutMs: 300_000,
    errors: "stop",
  });
  const full = notebook(
    "timeout: 1m",
    "timeout: 0\nretry: { attempts: 2, backoff: fixed, initial: 500ms, factor: 1, max: 2m, jitter: none, on: [auth] }",
  );
  const policy: RetryPolicy = stepPolicies(full.cell, full.frontMatter, 1).retry;
  assertEquals(policy, {
    attempts: 2,
    backoff: "fixed",
    initialMs: 500,
    factor: 1,
    maxMs: 120_000,
    jitter: "none",
    on: ["auth"],
  });
  assertEquals(stepPolicies(full.cell, full.frontMatter, 1).timeoutMs, 0);
});

Deno.test("settings are read from any data without throwing", () => {
  const { cell, frontMatter } = notebook("weft: 1", "");
  fc.assert(fc.property(
    fc.dictionary(
      fc.constantFrom(
        "retry",
        "timeout",
        "errors",
        "outputs",
        "model",
        "temperature",
        "system",
        "on",
        "attempts",
      ),
      fc.jsonValue() as fc.Arbitrary<Json>,
    ),
    (data) => {
      const odd: Cell = { ...cell, header: data };
      const { retry, timeoutMs } = stepPolicies(odd, { ...frontMatter, data: { ...data, retry: data } }, 1);
      assert(retry.attempts >= 1 && retry.attempts <= 20 && timeoutMs >= 0);
      assert(agentSettings(odd, { ...frontMatter, data: { defaults: data } }).model !== "");
    },
  ));
});

Deno.test("durations and near words", () => {
  const spans: [Json, number | undefined][] = [
    ["500ms", 500],
    ["30s", 30_000],
    ["10m", 600_000],
    ["2h", 7_200_000],
    [
      "2d",
      172_800_000,
    ],
    [0, 0],
    ["1.5s", undefined],
    ["-1s", undefined],
    ["10 m", undefined],
    [10, undefined],
    [null, undefined],
  ];
  for (const [text, ms] of spans) assertEquals([text, durationMs(text)], [text, ms]);
  assertEquals(nearest("tempreature", ["temperature", "tools"]), "temperature");
  assertEquals(nearest("modle", ["role", "model"]), "model");
  assertEquals(nearest("stroy", ["a", "story"]), "story");
  assertEquals(nearest("cat", ["bat", "car"]), "car");
  assertEquals(nearest("notes", ["note", "nodes"]), "nodes");
  assertEquals(nearest("ba", ["xyba", "ab"]), "ab");
  assertEquals(nearest("ab", ["cd", "abcd"]), undefined);
  assertEquals(nearest("x", ["ok"]), undefined);
  assertEquals(nearest("abc", ["xyz"]), undefined);
});
