import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { ModelPart } from "../../../engine/models/model.ts";
import { ManualClock, settle } from "../../_support/manual_clock.ts";
import { ask, chunk, modelsWith, type Received, sse, textOf, withServer } from "./fake_provider.ts";

const KEY = "sk-very-secret-0123456789";
const USAGE = {
  usage: {
    prompt_tokens: 11,
    completion_tokens: 7,
    prompt_tokens_details: { cached_tokens: 4 },
    completion_tokens_details: { reasoning_tokens: 3 },
  },
};

function compatible(url: string, path = "/v1"): ReturnType<typeof modelsWith> {
  return modelsWith({ WEFT_PROVIDER_LAB_BASE_URL: url + path, WEFT_PROVIDER_LAB_API_KEY: KEY });
}

function lastOf(parts: readonly ModelPart[]): ModelPart {
  return parts.at(-1)!;
}

Deno.test("IO-104 IO-211 a compatible server is streamed from, with usage, system prompt and settings", async () => {
  const answer = () =>
    sse([chunk("Hel"), chunk("lo"), chunk(null, "stop"), { choices: [], ...USAGE }, "[DONE]"]);
  await withServer(answer, async (url, received) => {
    const parts = await ask(compatible(url), "lab/m/1", { temperature: 0.3, maxTokens: 50 });
    assertEquals(textOf(parts), "Hello");
    assertEquals(lastOf(parts), {
      type: "finish",
      reason: "stop",
      inputTokens: 11,
      outputTokens: 7,
      cacheReadTokens: 4,
      reasoningTokens: 3,
    });
    const [{ path, headers, body }] = received as [Received];
    assertEquals([path, headers.get("authorization")], ["/v1/chat/completions", `Bearer ${KEY}`]);
    assertEquals([body.model, body.temperature, body.max_tokens], ["m/1", 0.3, 50]);
    assertEquals(body.messages.map((message: { role: string }) => message.role), ["system", "user"]);
    assertEquals(body.stream_options, { include_usage: true });
    assertEquals(received.length, 1);
  });
});

Deno.test("IO-103 the base URL works with a trailing slash, an empty path becomes /v1, others stay", async () => {
  const answer = () => sse([chunk("x", "stop"), "[DONE]"]);
  for (const [path, expected] of [["", "/v1"], ["/", "/v1"], ["/v1/", "/v1"], ["/deep/api", "/deep/api"]]) {
    await withServer(answer, async (url, received) => {
      await ask(compatible(url, path), "lab/m");
      assertEquals(received[0]!.path, `${expected}/chat/completions`);
    });
  }
});

Deno.test("IO-216 a schema is sent in the server's schema mode", async () => {
  const schema = { type: "object", properties: { a: { type: "number" } }, required: ["a"] };
  await withServer(() => sse([chunk('{"a":'), chunk("1}", "stop"), "[DONE]"]), async (url, received) => {
    const parts = await ask(compatible(url), "lab/m", { schema });
    assertEquals(textOf(parts), '{"a":1}');
    assertEquals(received[0]!.body.response_format.type, "json_schema");
    assertEquals(received[0]!.body.response_format.json_schema.schema.required, ["a"]);
  });
});

Deno.test("IO-204 each status has its category, and IO-203 neither key nor prompt is in the sentence", async () => {
  const cases: [number, string][] = [
    [429, "rate_limited"],
    [529, "overloaded"],
    [500, "unavailable"],
    [503, "unavailable"],
    [408, "unavailable"],
    [409, "unavailable"],
    [425, "unavailable"],
    [401, "auth"],
    [403, "auth"],
    [404, "not_found"],
    [400, "invalid_input"],
    [413, "invalid_input"],
    [422, "invalid_input"],
  ];
  for (const [status, category] of cases) {
    const error = { message: `No luck with ${KEY} for 'Say hello to Ada'`, type: "t", code: "c" };
    const answer = () => Response.json({ error }, { status, headers: { "x-request-id": "req-9" } });
    await withServer(answer, async (url, received) => {
      const parts = await ask(compatible(url), "lab/m");
      const last = lastOf(parts);
      assert(last.type === "error", `${status}: ${JSON.stringify(parts)}`);
      assertEquals([last.category, last.code], [category, `http_${status}`]);
      assertStringIncludes(last.message, `lab answered ${status}: No luck`);
      assertStringIncludes(last.message, "req-9");
      assertEquals([last.message.includes(KEY), last.message.includes("Ada")], [false, false]);
      assertEquals(received.length, 1, "the SDK must not try again by itself");
    });
  }
});

Deno.test("IO-202 the wait that a provider asks for is passed on: ms, seconds, date", async () => {
  const clock = new ManualClock(Date.parse("2027-01-01T00:00:00Z"));
  const cases: [Record<string, string>, number | undefined][] = [
    [{ "retry-after-ms": "1500", "retry-after": "9" }, 1500],
    [{ "retry-after": "3" }, 3000],
    [{ "retry-after": "Fri, 01 Jan 2027 00:00:10 GMT" }, 10_000],
    [{ "retry-after": "soon" }, undefined],
    [{}, undefined],
  ];
  for (const [headers, expected] of cases) {
    const answer = () => Response.json({ error: { message: "slow down" } }, { status: 429, headers });
    await withServer(answer, async (url) => {
      const last = lastOf(await ask(compatible(url), "lab/m", { clock }));
      assertEquals(last.type === "error" && last.retryAfterMs, expected);
    });
  }
});

Deno.test("IO-206 a stream without finish reason is cut; with [DONE] or a finish reason it is complete", async () => {
  const cases: [unknown[], string][] = [
    [[chunk("half")], "provider_stream_cut"],
    [[chunk("whole"), "[DONE]"], "finish"],
    [[chunk("whole", "stop")], "finish"],
    [[chunk("much", "length"), "[DONE]"], "finish"],
  ];
  for (const [events, expected] of cases) {
    await withServer(() => sse(events), async (url) => {
      const last = lastOf(await ask(compatible(url), "lab/m"));
      assertEquals(last.type === "error" ? last.code : last.type, expected, JSON.stringify(last));
      if (last.type === "error") assertEquals(last.category, "network");
    });
  }
});

Deno.test("IO-214 finish reasons are mapped", async () => {
  for (
    const [theirs, ours] of [["stop", "stop"], ["length", "length"], ["content_filter", "content-filter"]]
  ) {
    await withServer(() => sse([chunk("x", theirs), "[DONE]"]), async (url) => {
      const last = lastOf(await ask(compatible(url), "lab/m"));
      assertEquals<unknown>(last.type === "finish" && last.reason, ours);
    });
  }
});

Deno.test("IO-213 missing usage is unknown, never 0", async () => {
  await withServer(() => sse([chunk("x", "stop"), "[DONE]"]), async (url) => {
    assertEquals(lastOf(await ask(compatible(url), "lab/m")), { type: "finish", reason: "stop" });
  });
});

Deno.test("IO-205 a character cut by a chunk is whole; one cut by the end of the stream is an error", async () => {
  const bytes = new TextEncoder().encode(
    `data: ${JSON.stringify(chunk("Grüße", "stop"))}\n\ndata: [DONE]\n\n`,
  );
  const middle = bytes.indexOf(0xc3) + 1;
  await withServer(() => sse([bytes.slice(0, middle), bytes.slice(middle)]), async (url) => {
    assertEquals(textOf(await ask(compatible(url), "lab/m")), "Grüße");
  });
  await withServer(() => sse([chunk("ok"), bytes.slice(0, middle)]), async (url) => {
    const parts = await ask(compatible(url), "lab/m");
    const last = lastOf(parts);
    assertEquals([last.type, textOf(parts).includes("\ufffd")], ["error", false]);
    assertEquals(last.type === "error" && [last.category, last.code], ["network", "provider_stream_cut"]);
  });
});

Deno.test("IO-205 a broken character inside the stream is an error, never U+FFFD in silence", async () => {
  const bytes = new TextEncoder().encode(
    `data: ${JSON.stringify(chunk("Gruß", "stop"))}\n\ndata: [DONE]\n\n`,
  );
  bytes[bytes.indexOf(0xc3) + 1] = 0x41;
  await withServer(() => sse([chunk("ok"), bytes]), async (url) => {
    const parts = await ask(compatible(url), "lab/m");
    assertEquals(lastOf(parts).type, "error");
    assertEquals(textOf(parts).includes("\ufffd"), false);
  });
});

Deno.test("IO-207 an error in mid-stream fails with its message; comments and empty choices are accepted", async () => {
  const comment = new TextEncoder().encode(": still here\r\n\r\n");
  const events = [comment, { choices: [] }, chunk(null), chunk("so far"), {
    error: { message: "GPU on fire", type: "server_error" },
  }];
  await withServer(() => sse(events), async (url) => {
    const parts = await ask(compatible(url), "lab/m");
    assertEquals(textOf(parts), "so far");
    const last = lastOf(parts);
    assert(last.type === "error");
    assertEquals(last.category, "unavailable");
    assertStringIncludes(last.message, "GPU on fire");
  });
});

Deno.test("IO-208 silence of 60 s fails, comments do not count, and the connection is closed", async () => {
  const clock = new ManualClock();
  const closed = Promise.withResolvers<void>();
  let send: (text: string) => void = () => {};
  const answer = () => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(chunk("first"))}\n\n`));
        send = (text) => controller.enqueue(new TextEncoder().encode(text));
      },
      cancel: () => closed.resolve(),
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  };
  await withServer(answer, async (url) => {
    const found = compatible(url).resolve("lab/m");
    assert(found.ok);
    const signal = new AbortController().signal;
    const prompt = [{ type: "instruction" as const, text: "x" }];
    const stream = found.provider.stream({ model: "m", system: "", prompt, signal, clock })
      [Symbol.asyncIterator]();
    assertEquals((await stream.next()).value, { type: "text", text: "first" });
    await clock.advance(40_000);
    send(`data: ${JSON.stringify(chunk("second"))}\n\n`);
    assertEquals((await stream.next()).value, { type: "text", text: "second" });
    const next = stream.next();
    await clock.advance(40_000);
    send(": ping\n\n");
    assertEquals(await Promise.race([next, settle().then(() => "still waiting")]), "still waiting");
    await clock.advance(20_000);
    const { value } = await next;
    assertEquals([value.type, value.category, value.code], ["error", "timeout", "provider_stalled"]);
    await closed.promise;
  });
});

Deno.test("IO-209 after an abort the stream just ends and the connection is closed", async () => {
  const closed = Promise.withResolvers<void>();
  const answer = () => {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) =>
        controller.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(chunk("one"))}\n\n`)),
      cancel: () => closed.resolve(),
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  };
  await withServer(answer, async (url) => {
    const stop = new AbortController();
    const found = compatible(url).resolve("lab/m");
    assert(found.ok);
    const parts: ModelPart[] = [];
    const prompt = [{ type: "instruction" as const, text: "x" }];
    const request = { model: "m", system: "", prompt, signal: stop.signal, clock: new ManualClock() };
    for await (const part of found.provider.stream(request)) {
      parts.push(part);
      stop.abort();
    }
    assertEquals(parts, [{ type: "text", text: "one" }]);
    await closed.promise;
  });
});

Deno.test("IO-212 a server that refuses token counts is asked again without, and not asked for them twice", async () => {
  const answer = ({ body }: Received) =>
    body.stream_options === undefined
      ? sse([chunk("fine", "stop"), "[DONE]"])
      : Response.json({ error: { message: "Unknown field stream_options" } }, { status: 400 });
  await withServer(answer, async (url, received) => {
    const models = compatible(url);
    assertEquals(textOf(await ask(models, "lab/m")), "fine");
    assertEquals(textOf(await ask(models, "lab/m")), "fine");
    assertEquals(received.map(({ body }) => body.stream_options !== undefined), [true, false, false]);
  });
});

Deno.test("IO-215 a redirect is not followed and a web page is not an answer", async () => {
  await withServer(() => sse([chunk("stolen", "stop")]), async (other, stolen) => {
    const answer = () =>
      new Response(null, { status: 307, headers: { location: `${other}/v1/chat/completions` } });
    await withServer(answer, async (url) => {
      const last = lastOf(await ask(compatible(url), "lab/m"));
      assertEquals(last.type === "error" && last.code, "provider_redirect");
    });
    assertEquals(stolen.length, 0);
  });
  const page = () =>
    new Response(`<h1>Log in</h1>${"x".repeat(900)}`, { headers: { "content-type": "text/html" } });
  await withServer(page, async (url) => {
    const last = lastOf(await ask(compatible(url), "lab/m"));
    assert(last.type === "error");
    assertStringIncludes(last.message, "<h1>Log in</h1>");
    assert(last.message.length < 350);
  });
});

Deno.test("IO-204 a server that is not there is a network failure", async () => {
  let address = "";
  await withServer(() => new Response(), (url) => Promise.resolve(void (address = url)));
  const last = lastOf(await ask(compatible(address), "lab/m"));
  assert(last.type === "error");
  assertEquals(last.category, "network", last.message);
  assertEquals(last.message.includes(KEY), false);
});

Deno.test("IO-204 a connection that breaks in mid-stream is a network failure", async () => {
  using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 100000\r\n\r\n";
  const served = (async () => {
    using connection = await listener.accept();
    await connection.read(new Uint8Array(65_536));
    await connection.write(new TextEncoder().encode(`${head}data: ${JSON.stringify(chunk("half"))}\n\n`));
  })();
  const parts = await ask(compatible(`http://127.0.0.1:${listener.addr.port}`), "lab/m");
  await served;
  const last = lastOf(parts);
  assertEquals(
    [textOf(parts), last.type === "error" && last.category],
    ["half", "network"],
    JSON.stringify(last),
  );
});

Deno.test("IO-107 without its key a provider fails auth by naming the variable, and sends nothing", async () => {
  await withServer(() => new Response(), async (url, received) => {
    const models = modelsWith({ ANTHROPIC_BASE_URL: url, GOOGLE_BASE_URL: url });
    for (
      const [id, name] of [["anthropic/m", "ANTHROPIC_API_KEY"], ["google/m", "GEMINI_API_KEY"], [
        "openai/m",
        "OPENAI_API_KEY",
      ]]
    ) {
      const parts = await ask(models, id!);
      const only = lastOf(parts);
      assert(only.type === "error" && parts.length === 1);
      assertEquals([only.category, only.code], ["auth", "key_missing"]);
      assertMatch(only.message, new RegExp(name!));
    }
    assertEquals(received.length, 0);
  });
});

Deno.test("IO-104 openai at another base URL speaks chat completions and needs no key", async () => {
  await withServer(() => sse([chunk("hi", "stop"), "[DONE]"]), async (url, received) => {
    assertEquals(textOf(await ask(modelsWith({ OPENAI_BASE_URL: url }), "openai/gpt")), "hi");
    assertEquals(received[0]!.path, "/v1/chat/completions");
  });
});

Deno.test("IO-108 IO-211 Anthropic: text, reasoning, usage, stop reason and errors are mapped", async () => {
  const events = [
    {
      type: "message_start",
      message: {
        id: "m",
        type: "message",
        role: "assistant",
        model: "c",
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: {
          input_tokens: 12,
          output_tokens: 1,
          cache_read_input_tokens: 20,
          cache_creation_input_tokens: 8,
        },
      },
    },
    { type: "content_block_start", index: 0, content_block: { type: "thinking", thinking: "" } },
    { type: "content_block_delta", index: 0, delta: { type: "thinking_delta", thinking: "hm" } },
    { type: "content_block_stop", index: 0 },
    { type: "content_block_start", index: 1, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 1, delta: { type: "text_delta", text: "Hello" } },
    { type: "content_block_stop", index: 1 },
    {
      type: "message_delta",
      delta: { stop_reason: "end_turn", stop_sequence: null },
      usage: { output_tokens: 5 },
    },
    { type: "message_stop" },
  ];
  await withServer(() => sse(events), async (url, received) => {
    const parts = await ask(
      modelsWith({ ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: url }),
      "anthropic/claude-x",
    );
    assertEquals(parts, [
      { type: "reasoning", text: "hm" },
      { type: "text", text: "Hello" },
      {
        type: "finish",
        reason: "stop",
        inputTokens: 40,
        outputTokens: 5,
        cacheReadTokens: 20,
        cacheWriteTokens: 8,
      },
    ]);
    assertEquals([received[0]!.path, received[0]!.headers.get("x-api-key")], ["/v1/messages", KEY]);
    assertEquals(received[0]!.body.system[0].text, "Be brief");
  });
  await withServer(() => sse(events.slice(0, 6)), async (url) => {
    const last = lastOf(
      await ask(modelsWith({ ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: url }), "anthropic/c"),
    );
    assertEquals(last.type === "error" && last.code, "provider_stream_cut");
  });
  const busy = () =>
    Response.json({ type: "error", error: { type: "overloaded_error", message: "Overloaded" } }, {
      status: 529,
    });
  await withServer(busy, async (url) => {
    const last = lastOf(
      await ask(modelsWith({ ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: url }), "anthropic/c"),
    );
    assertEquals(last.type === "error" && last.category, "overloaded");
  });
});

Deno.test("IO-108 IO-211 Google: text, usage and stop reason are mapped", async () => {
  const events = [
    { candidates: [{ content: { role: "model", parts: [{ text: "Hel" }] } }] },
    {
      candidates: [{ content: { role: "model", parts: [{ text: "lo" }] }, finishReason: "STOP" }],
      usageMetadata: {
        promptTokenCount: 9,
        candidatesTokenCount: 3,
        thoughtsTokenCount: 2,
        cachedContentTokenCount: 5,
        totalTokenCount: 14,
      },
    },
  ];
  await withServer(() => sse(events), async (url, received) => {
    const models = modelsWith({ GEMINI_API_KEY: KEY, GOOGLE_BASE_URL: `${url}/v1beta` });
    const parts = await ask(models, "google/gemini-x");
    assertEquals(textOf(parts), "Hello");
    assertEquals(lastOf(parts), {
      type: "finish",
      reason: "stop",
      inputTokens: 9,
      outputTokens: 5,
      cacheReadTokens: 5,
      reasoningTokens: 2,
    });
    assertStringIncludes(received[0]!.path, "/v1beta/models/gemini-x:streamGenerateContent");
    assertEquals(received[0]!.headers.get("x-goog-api-key"), KEY);
  });
  await withServer(() => sse(events.slice(0, 1)), async (url) => {
    const last = lastOf(await ask(modelsWith({ GEMINI_API_KEY: KEY, GOOGLE_BASE_URL: url }), "google/g"));
    assertEquals(last.type === "error" && last.code, "provider_stream_cut");
  });
});
