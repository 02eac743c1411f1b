import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import type { Json, JsonObject } from "../../../engine/base/json.ts";
import type { ModelPart, PromptPart } from "../../../engine/models/model.ts";
import { ask, modelsWith, textOf } from "./fake_provider.ts";

const models = modelsWith({});

function prompt(instruction: string, ...values: Json[]): PromptPart[] {
  return [
    { type: "instruction", text: instruction },
    ...values.map((value, i): PromptPart => ({
      type: "material",
      text: typeof value === "string" ? value : JSON.stringify(value),
      value,
      name: `m${i + 1}`,
    })),
  ];
}

async function extract(instruction: string, ...values: Json[]): Promise<string> {
  return textOf(await ask(models, "local/extract", { prompt: prompt(instruction, ...values) }));
}

async function fill(schema: JsonObject, instruction: string, ...values: Json[]): Promise<Json> {
  const parts = await ask(models, "local/extract", { prompt: prompt(instruction, ...values), schema });
  const last = parts.at(-1)!;
  return last.type === "error" ? last.message : JSON.parse(textOf(parts));
}

function fold(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

function file(path: string, text: string): Json {
  return { name: path.split("/").at(-1)!, path, text, bytes: text.length, contentType: "text/markdown" };
}

const LEASES = `# Leases

A worker owns a run by a lease that is kept in the store. Each commit of the worker renews its lease in the store.
When a lease ends, another worker takes the run from the store. The weather was fine that day, and everybody went out.
A lease that has ended is never renewed by the worker that lost it.
`;
const STREAMS = `# Streams

Frames of an output stream are stored before readers see them. A reader of the stream goes on from its cursor. The
lunch consisted of soup and bread for all. The stream of an output ends with one last frame for every reader.
`;
const FILES = [file("docs/leases.md", LEASES), file("docs/streams.md", STREAMS)];

Deno.test("IO-303 local/extract describes itself and needs no key", () => {
  const [own] = models.list();
  assertEquals(own, {
    id: "local/extract",
    description: "Picks sentences and key phrases out of its input. It writes nothing of its own.",
  });
});

Deno.test("IO-306 of 5 central sentences among 50, at least 4 are in the top 5", async () => {
  const themes = ["durable", "engine", "journal", "checkpoint", "worker", "lease", "recovery", "commit"];
  const central = [
    "The durable engine writes a checkpoint to the journal after each commit of a worker.",
    "A worker with a lease reads the journal and the checkpoint during recovery of the engine.",
    "Recovery of the durable engine begins at the last checkpoint in the journal.",
    "Each commit of the engine renews the lease of the worker and extends the journal.",
    "The durable journal lets another worker take the lease after recovery from a checkpoint.",
  ];
  for (const [round, shift] of [0, 7, 13, 29].entries()) {
    // Fillers touch one theme word each, so that they hang on the centre and not on each other.
    const fillers = Array.from({ length: 45 }, (_, i) => {
      const own = (i * 7919 + round).toString(36);
      return `Item ${own}x concerns the ${
        themes[i % themes.length]
      } and some thing${own} of kind${i} with shape${own}y.`;
    });
    const text = [...fillers];
    for (const [i, sentence] of central.entries()) text.splice((i * 9 + shift) % text.length, 0, sentence);
    const answer = await extract("Pick the five most important sentences:", text.join(" "));
    const found = central.filter((sentence) => answer.includes(sentence));
    assert(found.length >= 4, `round ${round}: ${answer}`);
  }
});

Deno.test("IO-307 every sentence given out stands word for word in the material", async () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "# Head\n\n",
      "- item ",
      "> quote ",
      "| a | b |\n",
      "```\ncode here.\n```\n",
      "**bold** ",
      "\n\n",
      "\n",
      "[link](x.md) ",
      "e.g. ",
      "Dr. ",
      "1. ",
      "`x.y` ",
      "  ",
      "---\n",
      "<b>",
      "…",
      "? ",
      "! ",
      "\r\n",
    ),
    fc.lorem({ maxCount: 3, mode: "sentences" }),
    fc.string(),
  );
  const text = fc.array(piece, { minLength: 1, maxLength: 25 }).map((pieces) => pieces.join(""));
  const instruction = fc.constantFrom("List 9 claims:", "Pick 30 sentences:", "Merge these:");
  await fc.assert(
    fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 3 }), instruction, async (texts, asked) => {
      const documents = texts.map((content, i) => ({ ...file(`d${i}.md`, content) as JsonObject }));
      const schema: JsonObject = {
        type: "object",
        properties: {
          claims: {
            type: "array",
            items: {
              type: "object",
              properties: { claim: { type: "string" }, source: {}, start: {}, end: {}, confidence: {} },
            },
          },
        },
      };
      const value = await fill(schema, asked, documents) as {
        claims: { claim: string; source: string; start: number; end: number; confidence: number }[];
      };
      for (const { claim, source, start, end, confidence } of value.claims) {
        const own = documents.find(({ path }) => path === source)!.text as string;
        assertEquals(fold(own.slice(start, end)), claim);
        assert(fold(own).includes(claim));
        assert(confidence > 0 && confidence <= 1);
      }
      const scores = value.claims.map(({ confidence }) => confidence);
      assertEquals(scores, [...scores].sort((a, b) => b - a), "rank order");
    }),
    { numRuns: 150 },
  );
});

Deno.test("IO-305 code, tables, headings, badges and front matter are not sentences; headings are titles", async () => {
  const text = `---
title: Front matter is not a sentence at all.
---
# The title of it

[![build is passing here](https://a.b/c.svg)](https://a.b/c) [only a link to somewhere](https://a.b)

| A table row that looks like a sentence. | b |
|---|---|

\`\`\`ts
const code = "This line of code is not a sentence.";
\`\`\`

    This line of indented code is not a sentence.

Setext heading that has many words
----------------------------------

- A list item can be a sentence of its own.
- Another bullet, e.g. this one here, follows right below.

> A quoted line may be given out as well, without its mark.

<p>A line of raw markup is not a sentence.</p>
`;
  const answer = await extract("Pick 50 sentences:", text);
  assertEquals(
    answer,
    "A list item can be a sentence of its own. Another bullet, e.g. this one here, follows right below. " +
      "A quoted line may be given out as well, without its mark.",
  );
  assertEquals(await extract("Give it a title:", text), "The title of it");
});

Deno.test("IO-306 near-duplicates are chosen once and the output keeps source order", async () => {
  const text = "Alpha beams carry the load of the roof. Gamma walls close the house to the north. " +
    "The alpha beams carry the load of the whole roof. Delta doors open to the garden side.";
  const answer = await extract("Pick 4 sentences:", text);
  assertEquals([answer.includes("Gamma"), answer.includes("Delta")], [true, true]);
  assertEquals(answer.match(/alpha beams/gi)?.length, 1);
  assertLess(answer.indexOf("Gamma"), answer.indexOf("Delta"));
});

Deno.test("IO-308 key phrases: no stop word at an end, singular and plural joined, 10 by default", async () => {
  const text =
    "Group commits are cheap. A group commit is one write. The group commit of a worker is fenced. ".repeat(
      3,
    ) +
    "Workers renew leases. A worker renews its lease. Cats sleep.";
  const phrases = (await extract("List the key phrases:", text)).trim().split("\n");
  assertEquals(phrases[0], "- group commit");
  assert(phrases.length <= 10);
  assertEquals(phrases.filter((phrase) => /^- (?:the|of|a|is|are) | (?:the|of|a|is|are)$/.test(phrase)), []);
  assertEquals((await extract("List 2 key phrases:", text)).trim().split("\n").length, 2);
});

Deno.test("IO-309 numbers in words and digits, per document, English and German", async () => {
  const bullets = async (instruction: string) => (await extract(instruction, FILES)).match(/^- /gm)?.length;
  assertEquals(await bullets("Give two key points:"), 2);
  assertEquals(await bullets("Give 3 key points:"), 3);
  assertEquals(await bullets("List 2 claims for each document:"), 4);
  assertEquals(await bullets("Nenne die drei wichtigsten Aussagen:"), 3);
  assertEquals(await bullets("Nenne zwei Aussagen je Dokument:"), 4);
  const words = fold(await extract("Summarise in at most 15 words:", LEASES)).split(" ").length;
  assert(words <= 15, String(words));
});

Deno.test("IO-309 without a number: 5 sentences or 20 %, whichever is less", async () => {
  const sentences = (n: number) =>
    Array.from({ length: n }, (_, i) => `Number ${i} stands alone with word${i} here.`);
  for (const [n, expected] of [[3, 1], [10, 2], [20, 4], [60, 5]] as const) {
    const answer = await extract("Summarise:", sentences(n).join(" "));
    assertEquals(answer.match(/stands alone/g)?.length, expected, `${n} sentences`);
  }
});

Deno.test("IO-306 what was asked about is preferred", async () => {
  assertStringIncludes(await extract("Pick one sentence about the weather:", LEASES), "weather");
  const parts: PromptPart[] = [
    { type: "instruction", text: "Pick one sentence about " },
    { type: "material", text: "the weather", value: "the weather", name: "topic" },
    { type: "instruction", text: " in:\n\n" },
    { type: "material", text: LEASES, value: LEASES, name: "text" },
  ];
  assertStringIncludes(textOf(await ask(models, "local/extract", { prompt: parts })), "weather");
});

Deno.test("a digest of claims is grouped by source under headings, each sentence quoted and once", async () => {
  const claims = [
    {
      claim: "Each commit of the worker renews its lease in the store.",
      source: "docs/leases.md",
      confidence: 1,
    },
    { claim: "A reader of the stream goes on from its cursor.", source: "docs/streams.md", confidence: 0.9 },
    {
      claim: "Each commit of a worker renews the lease in the store.",
      source: "docs/leases.md",
      confidence: 0.8,
    },
  ];
  const parts = await ask(models, "local/extract", {
    prompt: prompt("Write a digest of these claims:", claims),
  });
  assertEquals(
    textOf(parts),
    "## docs/leases.md\n\n- “Each commit of the worker renews its lease in the store.”\n\n" +
      "## docs/streams.md\n\n- “A reader of the stream goes on from its cursor.”\n",
  );
  const last = parts.at(-1)!;
  assertEquals(last.type === "finish" && last.notDone, "write", "IO-312 what it did not do is said");
  const digest = await extract("Merge these documents:", FILES);
  assertStringIncludes(digest, "## Leases\n\nFrom `docs/leases.md`:\n\n- “");
});

Deno.test("IO-312 what it cannot do is named, what it can is not", async () => {
  const cases: [string, string | undefined][] = [
    ["Translate this into German:", "translate"],
    ["Write an essay from this:", "write"],
    ["Rewrite this in plain words:", "rewrite"],
    ["Write a function for this:", "write code"],
    ["What is a lease?", "answer"],
    ["Übersetze den Text:", "translate"],
    ["Summarise this and translate it:", "translate"],
    ["Write a summary of this:", undefined],
    ["List the claims:", undefined],
    ["Fasse den Text zusammen:", undefined],
    ["Review this:", undefined],
  ];
  for (const [instruction, expected] of cases) {
    const parts = await ask(models, "local/extract", { prompt: prompt(instruction, LEASES) });
    const last = parts.at(-1)!;
    assert(last.type === "finish", instruction);
    assertEquals(last.notDone, expected, instruction);
    assert(textOf(parts) !== "", "it picks all the same");
  }
});

Deno.test("a review says what it checked and finds repeats, other numbers, and claims without a source", async () => {
  const text = "The engine keeps 5 leases for each worker. The engine keeps 7 leases for each worker. " +
    "A cursor is opaque to every reader of it. Every reader takes a cursor as opaque to it.";
  const answer = await extract("Review this:", text);
  assertStringIncludes(
    answer,
    "Checked 4 sentences for repeats and for similar sentences whose numbers differ",
  );
  assertStringIncludes(answer, "- Numbers differ: “The engine keeps 5 leases");
  assertStringIncludes(await extract("Review this:", STREAMS), "Nothing was found");
  const claims = [{ claim: "The moon is made of cheese today.", source: "docs/leases.md" }];
  assertStringIncludes(
    await extract("Review the claims:", claims, FILES),
    "- Not in the documents: “The moon",
  );
});

Deno.test("IO-311 a schema is filled by property names; nullable others are null", async () => {
  const item = {
    type: "object",
    properties: {
      claim: { type: "string" },
      source: { type: "string" },
      confidence: { type: "number" },
      key_phrase: { type: "string" },
      severity: { type: ["string", "null"] },
      line: { type: "integer" },
    },
    required: ["claim", "source", "confidence", "severity"],
  };
  const schema = {
    type: "object",
    properties: {
      claims: { type: "array", items: item, maxItems: 2 },
      title: { type: "string" },
      text: { type: "string" },
    },
    required: ["claims", "title", "text"],
  };
  const value = await fill(schema, "List 3 claims:", FILES) as {
    claims: JsonObject[];
    title: string;
    text: string;
  };
  assertEquals(value.claims.length, 2);
  for (const claim of value.claims) {
    assertEquals(Object.keys(claim), ["claim", "source", "confidence", "key_phrase", "severity"]);
    assertEquals([claim.severity, typeof claim.key_phrase], [null, "string"]);
    assert(fold(LEASES + STREAMS).includes(claim.claim as string));
  }
  assertEquals(value.claims[0]!.confidence, 1);
  assert(["Leases", "Streams"].includes(value.title));
  assertStringIncludes(value.text, value.claims[0]!.claim as string);
});

Deno.test("IO-311 a property that cannot be filled fails with its name", async () => {
  const schema = (inner: JsonObject): JsonObject => ({
    type: "object",
    properties: inner,
    required: Object.keys(inner),
  });
  const claims = (inner: JsonObject): JsonObject =>
    schema({ claims: { type: "array", items: { ...schema({ claim: { type: "string" }, ...inner }) } } });
  assertStringIncludes(
    String(await fill(schema({ mood: { type: "string" } }), "List:", LEASES)),
    "cannot fill 'mood'",
  );
  assertStringIncludes(
    String(await fill(claims({ ok: { type: "boolean" } }), "List:", LEASES)),
    "cannot fill 'claims.ok'",
  );
  assertStringIncludes(
    String(await fill(schema({ questions: { type: "array", items: { type: "string" } } }), "List:", LEASES)),
    "cannot fill 'questions'",
  );
  assertEquals(await fill(schema({ mood: {} }), "List:", LEASES), { mood: null });
});

Deno.test("IO-311 lists of texts, and lists that say nothing of their items, are filled by name", async () => {
  const schema: JsonObject = {
    type: "object",
    properties: {
      keywords: { type: "array", items: { type: "string" } },
      sources: { type: "array", items: { type: "string" } },
      claims: {},
    },
  };
  const value = await fill(schema, "List 2 claims:", FILES) as Record<string, JsonObject[]>;
  assertEquals<unknown>(value.sources, ["docs/leases.md", "docs/streams.md"]);
  assert(value.keywords!.length > 0);
  assertEquals(Object.keys(value.claims![0]!), ["claim", "source", "confidence"]);
});

Deno.test("IO-304 without marked material the first paragraph is the instruction and the rest material", async () => {
  const text = `Pick one sentence about readers.\n\n${STREAMS}`;
  assertStringIncludes(await extract(text), "reader");
});

Deno.test("nothing to pick from fails for text, and gives empty lists for a schema", async () => {
  const table: [PromptPart[], string][] = [
    [prompt("Summarise:"), "has no material to pick from."],
    [prompt("Summarise:", []), "found no sentences in its material: {{ m1 }} is an empty list."],
    [prompt("Summarise:", ""), "{{ m1 }} is empty text."],
    [prompt("Summarise:", { a: [1, 2] }), "{{ m1 }} is an object without a sentence."],
  ];
  for (const [parts, says] of table) {
    const last = (await ask(models, "local/extract", { prompt: parts })).at(-1)!;
    assertStringIncludes(last.type === "error" ? last.message : "", says);
    assertEquals(last.type === "error" && [last.category, last.code], ["invalid_input", "local_no_material"]);
  }
  const schema: JsonObject = {
    type: "object",
    properties: { claims: { type: "array", items: { type: "string" } } },
  };
  assertEquals(await fill(schema, "List the claims:", []), { claims: [] });
});

Deno.test("X3 the same request gives the same parts", async () => {
  for (const instruction of ["Summarise:", "List the key phrases:", "List 5 claims:", "Review:"]) {
    const once = () => ask(models, "local/extract", { prompt: prompt(instruction, FILES) });
    assertEquals(await once(), await once());
  }
});

Deno.test("IO-313 it streams by sentence, counts words, and stops when told", async () => {
  const parts = await ask(models, "local/extract", { prompt: prompt("Pick 3 sentences:", LEASES) });
  assertEquals(parts.filter(({ type }) => type === "text").length, 3);
  const last = parts.at(-1)!;
  assert(last.type === "finish" && last.inputTokens! > 60 && last.outputTokens! > 20);
  const stop = new AbortController();
  const found = models.resolve("local/extract");
  assert(found.ok);
  const got: ModelPart[] = [];
  const request = {
    model: "extract",
    system: "",
    prompt: prompt("Pick 3 sentences:", LEASES),
    signal: stop.signal,
  };
  for await (
    const part of found.provider.stream({
      ...request,
      clock: {
        now: () => 0,
        monotonic: () => 0,
        sleep: () => Promise.resolve(),
      },
    })
  ) {
    got.push(part);
    stop.abort();
  }
  assertEquals(got.map(({ type }) => type), ["text"]);
});

Deno.test("IO-313 a megabyte takes less than 2 s, also without a full stop or with one line", async () => {
  const words = Array.from({ length: 3000 }, (_, i) => `w${(i * 7919) % 3001}o`);
  const sentence = (i: number) => `The ${words.slice(i % 2900, i % 2900 + 12).join(" ")} end.`;
  const prose = Array.from({ length: 14_000 }, (_, i) => sentence(i * 37)).join(" ");
  const texts = [
    prose,
    "word ".repeat(210_000),
    "[".repeat(1_000_000),
    "> ".repeat(500_000),
    "- a\n".repeat(260_000),
    "`".repeat(1_000_000),
    "|".repeat(1_000_000),
    "***".repeat(330_000) + "x",
    "! [a](".repeat(170_000),
  ];
  for (const text of texts) {
    // The machine may be busy with something else; the fastest of three tells what the work costs.
    let fastest = Infinity;
    for (let i = 0; i < 3 && fastest >= 2000; i++) {
      const begun = performance.now();
      await ask(models, "local/extract", { prompt: prompt("Summarise in five sentences:", text) });
      fastest = Math.min(fastest, performance.now() - begun);
    }
    assertLess(fastest, 2000, text.slice(0, 30));
  }
});
