import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { LogEntry } from "../../../engine/base/log.ts";
import { costOf, priceOf } from "../../../engine/models/prices.ts";
import { createModels } from "../../../engine/models/registry.ts";
import { ask, modelsWith } from "./fake_provider.ts";

Deno.test("IO-101 ids are split at the first / or : only", () => {
  const models = modelsWith({ WEFT_PROVIDER_OPENROUTER_BASE_URL: "http://127.0.0.1:1" });
  const cases: [string, string, string][] = [
    ["local/extract", "local/extract", "extract"],
    ["ollama:llama3:8b", "ollama/llama3:8b", "llama3:8b"],
    ["openrouter/meta/llama-3", "openrouter/meta/llama-3", "meta/llama-3"],
    ["openrouter:meta/llama-3:free", "openrouter/meta/llama-3:free", "meta/llama-3:free"],
  ];
  for (const [id, canonical, model] of cases) {
    const found = models.resolve(id);
    assert(found.ok);
    assertEquals([found.id, found.model], [canonical, model]);
  }
});

Deno.test("IO-102 an id that names no provider is a problem that lists the known ones", () => {
  const models = modelsWith({ WEFT_PROVIDER_LAB_BASE_URL: "http://127.0.0.1:1" });
  const cases = ["gpt-5", "chat", "nobody/x", "", "/x", "local/"];
  for (const id of cases) {
    const found = models.resolve(id);
    assert(!found.ok, id);
    if (id !== "local/") {
      assertStringIncludes(found.reason, "local, mock, openai, anthropic, google, ollama, lab");
    }
  }
});

Deno.test("IO-101 a provider of the environment is known by its lower-case name, with key and headers", () => {
  const models = modelsWith({
    WEFT_PROVIDER_MY_LAB_BASE_URL: "http://127.0.0.1:1/v1",
    WEFT_PROVIDER_EMPTY_BASE_URL: "",
    WEFT_PROVIDER_OPENAI_BASE_URL: "http://127.0.0.1:2/v1",
  });
  assertEquals(models.resolve("my_lab/x").ok, true);
  assertEquals(models.resolve("empty/x").ok, false);
  const openai = models.resolve("openai/x");
  assert(openai.ok && openai.provider.keyMissing === "OPENAI_API_KEY", "a built-in provider is not replaced");
});

Deno.test("IO-106 a list says which key is missing and never shows a key", () => {
  const models = modelsWith({ OPENAI_API_KEY: "sk-hidden" });
  const text = JSON.stringify([models.list(), models.providers()]);
  assertEquals(text.includes("sk-hidden"), false);
  const missing = Object.fromEntries(models.providers().map(({ name, keyMissing }) => [name, keyMissing]));
  assertEquals(missing, {
    local: undefined,
    mock: undefined,
    openai: undefined,
    anthropic: "ANTHROPIC_API_KEY",
    google: "GOOGLE_GENERATIVE_AI_API_KEY",
    ollama: undefined,
  });
  assertEquals(models.list().filter(({ id }) => id.startsWith("local/")).map(({ id }) => id), [
    "local/extract",
  ]);
});

Deno.test("IO-103 what is no URL or no JSON is told and never half used", async () => {
  const [entry] = await ask(modelsWith({ OPENAI_BASE_URL: "not a url", OPENAI_API_KEY: "sk-x" }), "openai/m");
  assert(entry?.type === "error" && entry.category === "invalid_input");
  assertStringIncludes(entry.message, "OPENAI_BASE_URL");
  const variables: Record<string, string> = {
    WEFT_PROVIDER_A_BASE_URL: "nonsense",
    WEFT_PROVIDER_B_BASE_URL: "http://127.0.0.1:1",
    WEFT_PROVIDER_B_HEADERS: "secret-not-json",
  };
  const entries: Omit<LogEntry, "at">[] = [];
  const models = createModels({
    env: (name) => variables[name],
    envNames: () => Object.keys(variables),
    log: { write: (entry) => entries.push(entry) },
  });
  assertEquals([models.resolve("a/x").ok, models.resolve("b/x").ok], [false, true]);
  assertEquals(entries.length, 2);
  assertEquals(JSON.stringify(entries).includes("secret-not-json"), false);
});

Deno.test("IO-303 local and mock cost 0, an unknown model has no price, which is not 0", () => {
  assertEquals(costOf("local/extract", 1e6, 1e6), 0);
  assertEquals(costOf("mock/echo", 1e6, 1e6), 0);
  assertEquals(costOf("ollama/llama3", 1, 1), undefined);
  assertEquals(priceOf("openai/toString"), undefined);
  assertEquals(costOf("openai/gpt-4o-mini", 1_000_000, 1_000_000), 750_000);
  assertEquals(costOf("openai/gpt-4o-mini-2024-07-18", 1, 0), 1, "a part of a millionth is rounded up");
});
