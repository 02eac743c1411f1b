import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import jsonata from "jsonata";
import type { Json } from "../../../engine/base/json.ts";
import { agentKind } from "../../../engine/kinds/agent.ts";
import type { Attempt, Outcome } from "../../../engine/kinds/kind.ts";
import type { ExpressionEvaluator } from "../../../engine/kinds/agent/prompt.ts";
import { ROLE_NAMES } from "../../../engine/kinds/agent/roles.ts";
import { createModels } from "../../../engine/models/registry.ts";
import type { ModelRequest, Models } from "../../../engine/models/model.ts";
import { parse } from "../../../engine/notebook/parse.ts";
import { cellsOf } from "../../../engine/notebook/types.ts";
import type { FrameBody } from "../../../engine/wire/frame.ts";
import { PRICES_AS_OF } from "../../../engine/models/prices.ts";
import { ManualClock } from "../../_support/manual_clock.ts";

/** Evaluates in this process: these tests are not about the evaluator's limits. */
const evaluator: ExpressionEvaluator = {
  async evaluate({ expression, input, params }) {
    try {
      const value = await jsonata(expression).evaluate(input, { params });
      return value === undefined ? { ok: true } : { ok: true, value: JSON.parse(JSON.stringify(value)) };
    } catch (error) {
      return {
        ok: false,
        category: "code_error",
        code: "expression_failed",
        message: (error as Error).message,
      };
    }
  },
};
const models = createModels({ env: () => undefined });

interface Setup {
  /** Header of the cell. */
  header?: string;
  source?: string;
  front?: string;
  inputs?: Record<string, Json>;
  attempt?: Partial<Attempt>;
  models?: Models;
}

/** Runs one attempt of one agent cell. */
async function run(setup: Setup): Promise<{ outcome: Outcome; frames: FrameBody[] }> {
  const { header = "", source = "Say it", front = "", inputs = {} } = setup;
  const { notebook } = parse(
    `---\nweft: 1\n${front}\n---\n\n\`\`\`\`agent a\n${header}\n---\n${source}\n\`\`\`\`\n`,
  );
  const frames: FrameBody[] = [];
  const kind = agentKind({ models: setup.models ?? models, evaluator });
  const outcome = await kind.run({
    cell: cellsOf(notebook)[0]!,
    frontMatter: notebook.frontMatter,
    inputs,
    run: "run_1",
    attempt: 1,
    key: "run_1/a",
    startedAt: 0,
    signal: new AbortController().signal,
    emit: (frame) => frames.push(frame),
    spend: { reserve: () => Promise.resolve({ ok: true }) },
    children: {
      start: () => Promise.reject(new Error("no runs here")),
      result: () => Promise.resolve(undefined),
    },
    effects: { perform: () => Promise.reject(new Error("It acts on the outside world")) },
    clock: new ManualClock(),
    ...setup.attempt,
  } as Attempt);
  return { outcome, frames };
}

/** A registry whose one model notes what it is asked and answers with `text`. */
function listening(text = "ok"): { models: Models; requests: ModelRequest[] } {
  const requests: ModelRequest[] = [];
  const provider = {
    name: "test",
    description: "",
    models: ["m"],
    async *stream(request: ModelRequest) {
      requests.push(request);
      await Promise.resolve();
      yield { type: "text" as const, text };
      yield { type: "finish" as const, reason: "stop" as const };
    },
  };
  const resolve: Models["resolve"] = () => ({ ok: true, provider, model: "m", id: "test/m" });
  return { models: { ...models, resolve }, requests };
}

function script(entries: Json, more = ""): string {
  return `model: mock/script\nmock: ${JSON.stringify(entries)}\n${more}`;
}

function problemOf(outcome: Outcome): string {
  return outcome.type === "failed" ? `${outcome.problem.category}: ${outcome.problem.message}` : outcome.type;
}

Deno.test("A2 text and reasoning are emitted as they come; the value is the joined text", async () => {
  const { outcome, frames } = await run({
    header: script([{ reasoning: "hm" }, { text: "Hello, " }, { text: "Ada" }]),
  });
  assertEquals(frames, [
    { type: "reasoning", text: "hm" },
    { type: "text", text: "Hello, " },
    { type: "text", text: "Ada" },
  ]);
  assertEquals(outcome, {
    type: "succeeded",
    value: "Hello, Ada",
    usage: { model: "mock/script" },
    display: { as: "markdown" },
  });
});

Deno.test("an agent without a model is local/extract, and front matter defaults reach it", async () => {
  const source = "Pick one sentence:\n\nBoth sentences are here. Only one of both is picked.";
  const { outcome } = await run({ source });
  assertEquals(outcome.type === "succeeded" && outcome.usage?.model, "local/extract");
  assertEquals(outcome.type === "succeeded" && outcome.usage?.usdMicros, 0);
  const heard = listening();
  await run({ front: "defaults: { temperature: 0.2, maxTokens: 9, model: test/m }", models: heard.models });
  assertEquals([heard.requests[0]!.temperature, heard.requests[0]!.maxTokens], [0.2, 9]);
});

Deno.test("placeholders become material with value and name; the rest is instruction", async () => {
  const heard = listening();
  const inputs = { n: 3, docs: [{ path: "a.md", name: "a.md", text: "A {{ n }}." }] };
  const front = "params: { n: { type: number, default: 3 } }";
  await run({ source: "List {{ $params.n }} from {{ docs.text }}", inputs, front, models: heard.models });
  assertEquals(heard.requests[0]!.prompt, [
    { type: "instruction", text: "List " },
    { type: "material", text: "3", value: 3, name: "$params.n" },
    { type: "instruction", text: " from " },
    { type: "material", text: "A {{ n }}.", value: inputs.docs[0]!, name: "docs.text" },
    { type: "instruction", text: "\n" },
  ]);
});

Deno.test("DF-605 a placeholder without value fails before the model is called", async () => {
  const heard = listening();
  const { outcome } = await run({
    source: "Write to {{ user.mail }}",
    inputs: { user: {} },
    models: heard.models,
  });
  assertEquals(problemOf(outcome), "invalid_input: Placeholder {{ user.mail }} has no value");
  assertEquals(heard.requests.length, 0);
  const allowed = await run({
    source: "Write to {{ user.mail ?? '' }}",
    inputs: { user: {} },
    models: heard.models,
  });
  assertEquals(allowed.outcome.type, "succeeded");
});

Deno.test("A1 a failing or unclosed placeholder, an empty prompt and a bad schema call no model", async () => {
  const heard = listening();
  const cases: [Setup, string][] = [
    [{ source: "{{ $number('x') }}" }, "code_error: Placeholder {{ $number('x') }}: "],
    [{ source: "a\nb {{ docs" }, "is not closed: add }}"],
    [{ source: "  " }, "invalid_input: Prompt is empty"],
    [{ source: "{{ e }}", inputs: { e: "" } }, "invalid_input: Prompt is empty"],
    [
      { header: "outputs: { c: { type: json, schema: { type: nonsense } } }" },
      "invalid_input: Schema of 'c' is not valid: ",
    ],
    [
      { header: "outputs: { c: { type: json, schema: { $ref: 'https://example.org/s.json' } } }" },
      "Schema of 'c' refers to https://example.org/s.json; only local references are allowed",
    ],
  ];
  for (const [setup, words] of cases) {
    assertStringIncludes(problemOf((await run({ ...setup, models: heard.models })).outcome), words);
  }
  assertEquals(heard.requests.length, 0);
});

Deno.test("a model that is not known fails with the known providers", async () => {
  const { outcome } = await run({ header: "model: nobody/x" });
  assertStringIncludes(
    problemOf(outcome),
    "invalid_input: Provider 'nobody' of model 'nobody/x' is not known",
  );
});

Deno.test("each role has its own system prompt, another role describes itself, system replaces it", async () => {
  const system = async (header: string, inputs = {}) => {
    const heard = listening();
    await run({ header, inputs, models: heard.models });
    return heard.requests[0]!.system;
  };
  const prompts = await Promise.all(
    [...ROLE_NAMES, "a patient teacher"].map((role) => system(`role: ${role}`)),
  );
  assertEquals(new Set([...prompts, await system("")]).size, 6);
  assertEquals(ROLE_NAMES, ["researcher", "coder", "reviewer", "coordinator"]);
  assertStringIncludes(prompts.at(-1)!, "You are a patient teacher.");
  assertEquals(
    await system('role: coder\nsystem: "Only {{ tone }} words"', { tone: "kind" }),
    "Only kind words",
  );
});

Deno.test("DF-105 one text or code port takes the model's text", async () => {
  const answer = "```ts\nconst a = 1;\n```";
  const value = async (header: string) => {
    const { outcome } = await run({ header: script([{ text: answer }], header) });
    return outcome.type === "succeeded" && [outcome.value, outcome.display];
  };
  assertEquals<unknown>(await value("outputs: { report: { type: text } }"), [{ report: answer }, {
    as: "markdown",
    port: "report",
  }]);
  assertEquals<unknown>(await value("outputs: { patch: { type: code } }"), [
    { patch: "const a = 1;" },
    undefined,
  ]);
});

Deno.test("DF-105 other ports are asked for as one JSON object that fits their schemas together", async () => {
  const outputs =
    "outputs: { text: { type: text }, claims: { type: json, schema: { type: array, items: { type: number } } } }";
  const heard = listening('{"text":"t","claims":[1],"extra":true}');
  const { outcome } = await run({ header: outputs, models: heard.models });
  const schema = {
    type: "object",
    properties: { text: { type: "string" }, claims: { type: "array", items: { type: "number" } } },
    required: ["text", "claims"],
    additionalProperties: false,
  };
  assertEquals(heard.requests[0]!.schema, schema);
  assertStringIncludes(heard.requests[0]!.system, JSON.stringify(schema));
  assert(outcome.type === "succeeded");
  assertEquals([outcome.value, outcome.display], [{ text: "t", claims: [1] }, {
    as: "markdown",
    port: "text",
  }]);
});

Deno.test("JSON in a code fence is taken out of it", async () => {
  for (const text of ['```json\n{"n":[1]}\n```', '```\n{"n":[1]}\n```', ' \n{"n":[1]}\n']) {
    const { outcome } = await run({ header: script([{ text }], "outputs: { n: { type: json } }") });
    assertEquals(outcome.type === "succeeded" && outcome.value, { n: [1] }, problemOf(outcome));
  }
});

Deno.test("DF-103 DF-104 DF-108 an answer that does not fit fails invalid_output with the place", async () => {
  const outputs =
    "outputs: { n: { type: json, schema: { type: array, items: { type: integer } } }, t: { type: text } }";
  const cases: [string, string][] = [
    ['{"n":[1,2', "The answer is not the JSON that was asked for: it ends too early, at position 9"],
    ['{"n":[1],, "t":""}', 'unexpected "," at position 9'],
    ["Sure! Here it is", 'unexpected "S" at position 0'],
    ["", "it is empty"],
    ["[1]", "The answer is list, expected an object of outputs"],
    ['{"n":[1]}', "Output 't' is missing"],
    ['{"n":[1],"t":null}', "Output 't' is null, expected text"],
    ['{"n":["x",1.5],"t":""}', "Output 'n' schema validation failed: /0 must be integer, /1 must be integer"],
    [
      '{"n":["1","2","3","4","5","6","7"],"t":""}',
      "/0 must be integer, /1 must be integer, /2 must be integer, /3 must be integer, /4 must be integer and 2 more",
    ],
  ];
  for (const [text, words] of cases) {
    const { outcome } = await run({ header: script([{ text }], outputs) });
    assertStringIncludes(problemOf(outcome), "invalid_output: ");
    assertStringIncludes(problemOf(outcome), words);
    assertEquals(
      outcome.type === "failed" && outcome.usage?.model,
      "mock/script",
      "a bad answer was paid for",
    );
  }
});

Deno.test("a provider's failure keeps category, code and wait, and the text so far was emitted", async () => {
  const { outcome, frames } = await run({
    header: script([{ text: "half" }, { error: { status: 429, retryAfter: 3 } }]),
  });
  assertEquals(outcome, {
    type: "failed",
    problem: {
      category: "rate_limited",
      code: "http_429",
      message: "mock/script answered 429: as its script says",
    },
    usage: { model: "mock/script" },
    retryAfterMs: 3000,
  });
  assertEquals(frames, [{ type: "text", text: "half" }]);
});

Deno.test("IO-214 length is a warning, content-filter fails refused", async () => {
  const long = await run({ header: script([{ text: "cut o" }, { finish: "length" }]) });
  assert(long.outcome.type === "succeeded");
  assertEquals(long.outcome.warnings?.map(({ type }) => type), ["quality"]);
  const filtered = await run({
    header: script([{ text: "x" }, {
      usage: { inputTokens: 2, outputTokens: 1, cacheReadTokens: 1, reasoningTokens: 1 },
    }, {
      finish: "content-filter",
    }]),
  });
  assertStringIncludes(problemOf(filtered.outcome), "refused: mock/script");
  assertEquals(filtered.outcome.type === "failed" && filtered.outcome.usage, {
    model: "mock/script",
    inputTokens: 2,
    outputTokens: 1,
    cacheReadTokens: 1,
    reasoningTokens: 1,
    usdMicros: 0,
    prices: PRICES_AS_OF,
  });
});

Deno.test("IO-312 what local/extract did not do is a warning", async () => {
  const source = "Translate this: {{ t }}";
  const { outcome } = await run({
    source,
    inputs: { t: "One sentence stands here alone. Another one follows it." },
  });
  assert(outcome.type === "succeeded");
  assertEquals(
    outcome.warnings?.[0]?.message,
    "local/extract only picks sentences; it did not do: translate",
  );
});

Deno.test("an aborted attempt is cancelled, whether it waits or streams", async () => {
  const scripts: Json[] = [[{ text: "a" }, { hang: true }], [{ text: "a" }, { text: "b" }]];
  for (const entries of scripts) {
    const stop = new AbortController();
    const frames: FrameBody[] = [];
    const emit = (frame: FrameBody) => {
      frames.push(frame);
      stop.abort();
    };
    const { outcome } = await run({ header: script(entries), attempt: { signal: stop.signal, emit } });
    assertEquals(outcome, { type: "cancelled", usage: { model: "mock/script" } });
    assertEquals(frames, [{ type: "text", text: "a" }], "nothing is emitted after the stop");
  }
});

Deno.test("an attempt's number reaches the model, so that a script can fail once", async () => {
  const header = script([{ attempt: 1, error: { status: 503 } }, { text: "second time" }]);
  assertEquals((await run({ header })).outcome.type, "failed");
  const second = (await run({ header, attempt: { attempt: 2 } })).outcome;
  assertEquals(second.type === "succeeded" && second.value, "second time");
});

Deno.test("IO-307 claims with their sources come out of local/extract as declared outputs", async () => {
  const header = `outputs:
  claims:
    type: json
    schema: { type: array, items: { type: object, properties: { claim: { type: string }, source: { type: string } }, required: [claim, source] } }`;
  const docs = [
    { name: "a.md", path: "docs/a.md", text: "The first document says one thing. It says it twice." },
    { name: "b.md", path: "docs/b.md", text: "The second document says another thing entirely." },
  ];
  const { outcome } = await run({
    header,
    source: "List 1 claim for each document:\n\n{{ docs.text }}",
    inputs: { docs },
  });
  assert(outcome.type === "succeeded", problemOf(outcome));
  const { claims } = outcome.value as { claims: { claim: string; source: string }[] };
  assertEquals(claims.map(({ source }) => source).sort(), ["docs/a.md", "docs/b.md"]);
  for (const { claim, source } of claims) {
    assert(docs.find(({ path }) => path === source)!.text.includes(claim));
  }
});
