import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Json } from "../../../engine/base/json.ts";
import type { ModelPart } from "../../../engine/models/model.ts";
import { mockModels } from "../../../engine/models/mock.ts";
import { ManualClock, settle } from "../../_support/manual_clock.ts";
import { ask, modelsWith } from "./fake_provider.ts";

const models = modelsWith({});

Deno.test("IO-301 mock/echo gives back the prompt", async () => {
  assertEquals(await ask(models, "mock/echo"), [
    { type: "text", text: "Say hello to Ada" },
    { type: "finish", reason: "stop", inputTokens: 4, outputTokens: 4 },
  ]);
});

Deno.test("IO-301 mock/script plays its list", async () => {
  const cases: [Json, unknown[]][] = [
    [[{ reasoning: "hm" }, { text: "a" }, { text: "b" }, { usage: { inputTokens: 3, outputTokens: 2 } }], [
      { type: "reasoning", text: "hm" },
      { type: "text", text: "a" },
      { type: "text", text: "b" },
      { type: "finish", reason: "stop", inputTokens: 3, outputTokens: 2 },
    ]],
    [[{ text: "a" }, { finish: "length" }], [{ type: "text", text: "a" }, {
      type: "finish",
      reason: "length",
    }]],
    [[{ tokens: 2 }], [{ type: "text", text: "word1 " }, { type: "text", text: "word2 " }, {
      type: "finish",
      reason: "stop",
    }]],
    [[{ error: { status: 429, retryAfter: 2, message: "slow" } }, { text: "never" }], [{
      type: "error",
      category: "rate_limited",
      code: "http_429",
      message: "mock/script answered 429: slow",
      retryAfterMs: 2000,
    }]],
  ];
  for (const [script, expected] of cases) {
    assertEquals<unknown>(await ask(models, "mock/script", { script }), expected);
  }
});

Deno.test("IO-301 a cut ends the stream like a provider's that broke off", async () => {
  const parts = await ask(models, "mock/script", {
    script: [{ text: "half" }, { cut: true }, { text: "x" }],
  });
  assertEquals(parts.map((part) => part.type === "error" ? part.code : part.type), [
    "text",
    "provider_stream_cut",
  ]);
});

Deno.test("IO-301 an entry with attempt plays in that attempt alone", async () => {
  const script: Json = [{ attempt: 1, error: { status: 503 } }, { text: "second" }];
  const types = async (attempt: number) =>
    (await ask(models, "mock/script", { script, attempt })).map(({ type }) => type);
  assertEquals([await types(1), await types(2)], [["error"], ["text", "finish"]]);
});

Deno.test("IO-301 delays use the injected clock", async () => {
  const clock = new ManualClock();
  const got: string[] = [];
  const script: Json = [{ text: "a" }, { delay: "2s" }, { text: "b" }, { tokens: 2, every: 500 }];
  const done = (async () => {
    for await (const part of streamOf(script, clock)) if (part.type === "text") got.push(part.text);
  })();
  const asleep = async () => {
    while (clock.sleeping === 0) await settle();
  };
  await asleep();
  assertEquals(got, ["a"]);
  await clock.advance(1999);
  assertEquals(clock.sleeping, 1, "not before its time");
  await clock.advance(1);
  await asleep();
  assertEquals(got, ["a", "b"]);
  await clock.advance(500);
  await asleep();
  assertEquals(got, ["a", "b", "word1 "]);
  await clock.advance(500);
  await done;
  assertEquals(got.length, 4);
});

Deno.test("IO-301 a hanging model stops when it is told to, without a finish", async () => {
  const stop = new AbortController();
  const parts: ModelPart[] = [];
  for await (
    const part of streamOf([{ text: "a" }, { hang: true }, { text: "b" }], new ManualClock(), stop.signal)
  ) {
    parts.push(part);
    queueMicrotask(() => stop.abort());
  }
  assertEquals(parts, [{ type: "text", text: "a" }]);
});

Deno.test("IO-301 a script that is none is told with the entry at fault", async () => {
  const cases: [Json | undefined, string][] = [
    [undefined, "needs a mock: list"],
    ["text", "needs a mock: list"],
    [[{ text: "a" }, { txet: "b" }], "Entry 2 of the mock: list does nothing that is known: txet"],
    [[7], "Entry 1 of the mock: list is not an object"],
  ];
  for (const [script, words] of cases) {
    const last = (await ask(models, "mock/script", script === undefined ? {} : { script })).at(-1)!;
    assertStringIncludes(last.type === "error" ? `${last.category}: ${last.message}` : "", `invalid_input: `);
    assertStringIncludes(JSON.stringify(last), words);
  }
});

function streamOf(
  script: Json,
  clock: ManualClock,
  signal = new AbortController().signal,
): AsyncIterable<ModelPart> {
  return mockModels().stream({ model: "script", system: "", prompt: [], script, signal, clock });
}
