/** `tool` cells on a whole engine, with servers that are real processes. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { systemClock } from "../../../engine/base/clock.ts";
import { systemIds } from "../../../engine/base/ids.ts";
import type { Json } from "../../../engine/base/json.ts";
import { noLog } from "../../../engine/base/log.ts";
import { allowedSoFar } from "../../../engine/kinds/tool/asked.ts";
import { createEngine, createKindTools, type Effect } from "../../../engine/mod.ts";
import { memoryStore } from "../../../engine/store/memory.ts";
import type { RunView } from "../../../engine/wire/view.ts";
import { noFiles } from "../work/_harness.ts";

const SERVER = new URL("../../_support/mcp_server.ts", import.meta.url).pathname;

interface Scene {
  /** What people were asked, in order. */
  asked: { ask: string; context?: Json }[];
  view: RunView;
  effects: Effect[];
  /** Lines that the tool has written: how often it was really called. */
  written: string;
}

/** A program that is the test's server and behaves so. */
async function place(folder: string, manner: string): Promise<void> {
  const run = `exec ${Deno.execPath()} run --no-config --no-lock -A ${SERVER} ${manner} ${folder}/ledger`;
  await Deno.writeTextFile(`${folder}/server`, `#!/bin/sh\n${run}\n`, { mode: 0o755 });
}

/** Runs a cell that calls a tool; each question gets the next answer, until there is none or the run stands still. */
async function calling(
  {
    settle,
    manner = "good",
    source = 'test/append\n{ "line": "{{ what }}" }',
    header = "",
    listed = "test",
    answers,
  }: {
    manner?: string;
    /** What a person says of a doubt; without it a run that is held stays so. */
    settle?: "done" | "not_done";
    source?: string;
    header?: string;
    listed?: string;
    answers: ("approve" | "reject" | ((folder: string) => Promise<void>))[];
  },
): Promise<Scene> {
  const folder = await Deno.makeTempDir();
  await place(folder, manner);
  await Deno.writeTextFile(`${folder}/ledger`, "");
  const tools = createKindTools({
    workspace: noFiles,
    clock: systemClock,
    log: noLog,
    env: (name) => name === "WEFT_MCP_STDIO" ? listed : undefined,
    envNames: () => [],
  });
  const engine = await createEngine({
    store: memoryStore({ clock: systemClock }),
    kinds: tools.kinds,
    workspace: noFiles,
    clock: systemClock,
    ids: systemIds(systemClock),
    log: noLog,
    worker: "w1",
  });
  const text = `---\nweft: 1\nmcp: { test: { command: ${folder}/server, env: { NO_COLOR: "1" } } }\n---\n` +
    `~~~jsonata what\n"tea"\n~~~\n\n~~~tool it\n${header === "" ? "" : `${header}\n---\n`}${source}\n~~~\n`;
  const asked: Scene["asked"] = [];
  const left = [...answers];
  try {
    const { run } = await engine.submit({ notebook: "n", text, author: "ann" });
    following: for await (const { items } of engine.follow(run, { signal: AbortSignal.timeout(20_000) })) {
      for (const item of items) {
        if (item.kind !== "event") continue;
        if (item.event.type === "step.held") {
          if (settle === undefined) break following;
          const [doubt] = (await engine.effects.list({ run })).items;
          const result = settle === "done" ? { result: { content: [{ type: "text", text: "seen" }] } } : {};
          await place(folder, "good");
          await engine.effects.resolve(doubt!.id, "ben", { as: settle, note: "I looked", ...result });
        }
        if (item.event.type !== "step.suspended") continue;
        const { waitpoint } = item.event;
        const { ask, context } = await engine.waitpoints.approval(waitpoint);
        asked.push({ ask, ...(context === undefined ? {} : { context }) });
        let answer = left.shift();
        if (typeof answer === "function") {
          await answer(folder);
          answer = left.shift();
        }
        if (answer === undefined || typeof answer === "function") break following;
        await engine.waitpoints.decide(waitpoint, "ben", { decision: answer });
      }
    }
    const { items: effects } = await engine.effects.list({ run });
    const written = await Deno.readTextFile(`${folder}/ledger`);
    return { asked, view: await engine.view(run), effects, written };
  } finally {
    await engine.close();
    await tools.close();
    await Deno.remove(folder, { recursive: true });
  }
}

const BOTH = ["approve", "approve"] as const;

function problemOf({ view }: Scene): [category?: string, message?: string] {
  const problem = view.cells.it!.problem;
  return [problem?.category, problem?.message];
}

Deno.test("SE-1301 SE-1304 a server starts and a tool is called once each was approved, and the call is an effect", async () => {
  const scene = await calling({ answers: [...BOTH] });
  assertEquals(scene.asked.map(({ ask }) => ask), [
    "Start the server 'test' of tools?",
    "Call the tool 'test/append'?",
  ]);
  assertEquals(scene.asked[1]!.context, {
    arguments: { line: "tea" },
    "what the server says of it": "Does append",
  });
  assertEquals([scene.view.label, scene.written], ["succeeded", "tea\n"]);
  const { value } = scene.view.cells.it!;
  assert(value !== undefined && "inline" in value);
  const content = [{ type: "text", text: "tea" }];
  assertEquals(value.inline, { text: "tea", structured: null, content });
  const [{ state, operation, service, description }] = scene.effects as [Effect];
  assertEquals([state, operation, service, description], ["done", "tool_call", "test", "Call test/append"]);
});

Deno.test("SE-1304 what is rejected is not done", async () => {
  for (const answers of [["reject"], ["approve", "reject"]] as const) {
    const scene = await calling({ answers: [...answers] });
    assertEquals([scene.view.label, ...problemOf(scene)], ["failed", "refused", "ben rejected it"]);
    assertEquals([scene.written, scene.effects.length, scene.asked.length], ["", 0, answers.length]);
  }
});

Deno.test("SE-1301 SE-1303 a program and a tool that have changed since they were approved are asked about again", async () => {
  const change = (folder: string) => place(folder, "changed");
  const scene = await calling({ answers: ["approve", change, "approve", "approve", "approve"] });
  assertEquals(scene.asked.map(({ ask }) => ask), [
    "Start the server 'test' of tools?",
    "Call the tool 'test/append'?",
    "Start the server 'test' of tools, which has changed since it was approved?",
    "Call the tool 'test/append', which has changed since it was approved?",
  ]);
  assertEquals([scene.view.label, scene.written], ["succeeded", "tea\n"]);
});

Deno.test("EF-044 a server that dies amid a call leaves a doubt, and the call is not made again in silence", async () => {
  const scene = await calling({
    manner: "dies",
    header: "retry: { attempts: 3, initial: 1ms, jitter: none }",
    answers: [...BOTH],
  });
  assertEquals(scene.effects.map(({ state }) => state), ["in-doubt"]);
  assertEquals([scene.view.cells.it!.label, scene.written], ["in-doubt", "tea\n"]);
});

Deno.test("EF-044 a doubt that a person settles as done is not called again; one that is settled as not done is", async () => {
  const done = await calling({ manner: "dies", settle: "done", answers: [...BOTH, ...BOTH] });
  assertEquals([done.view.label, done.written], ["succeeded", "tea\n"]);
  const again = await calling({ manner: "dies", settle: "not_done", answers: [...BOTH, ...BOTH] });
  assertEquals([again.view.label, again.written], ["succeeded", "tea\ntea\n"]);
  // The program is another one by then, so that its start is asked about again; the call is the one that was approved.
  assertEquals(again.asked.map(({ ask }) => ask), [
    "Start the server 'test' of tools?",
    "Call the tool 'test/append'?",
    "Start the server 'test' of tools, which has changed since it was approved?",
  ]);
});

Deno.test("a tool that says it failed fails its step with its words, and is not called again by a retry", async () => {
  const scene = await calling({
    manner: "isError",
    header: "retry: { attempts: 3, initial: 1ms, jitter: none, on: [unknown] }",
    answers: [...BOTH, ...BOTH, ...BOTH],
  });
  assertEquals([scene.view.label, problemOf(scene)[1]], ["failed", "The disk is full"]);
  assertEquals([scene.written, scene.effects.length], ["tea\n", 1]);
});

Deno.test("a cell that says readOnly has no effect to be recorded, and is asked about all the same", async () => {
  const scene = await calling({ header: "readOnly: true", answers: [...BOTH] });
  assertEquals([scene.view.label, scene.effects.length, scene.asked.length], ["succeeded", 0, 2]);
});

Deno.test("SE-1302 a program that the operator does not list is not even asked about", async () => {
  const scene = await calling({ listed: "other, more", answers: [] });
  assertEquals(problemOf(scene), [
    "refused",
    "Server 'test' is a program, and WEFT_MCP_STDIO does not name it; set WEFT_MCP_STDIO=test",
  ]);
  assertEquals(scene.asked, []);
});

Deno.test("IO-602 what does not fit a tool is told before the call is asked about", async () => {
  const cases: [string, string][] = [
    ['test/append\n{ "line": 5 }', "Arguments do not fit 'test/append'"],
    ["test/append", "Arguments do not fit 'test/append'"],
    ['test/append\n"{{ what }}"', "Arguments of 'it' must be a JSON object"],
    ["test/burn", "Server 'test' has no tool 'burn'; there are: echo, append, environment"],
    ["other/append", "Front matter's 'mcp' has no server 'other': there are test"],
  ];
  for (const [source, says] of cases) {
    const scene = await calling({ source, answers: ["approve"] });
    assertStringIncludes(problemOf(scene)[1] ?? "", says);
    assertEquals(scene.written, "");
  }
});

Deno.test("A1 only an approval allows: an operator who resumes the step, and time that is over, do not", () => {
  const saved = { start: "s", asked: "call", hash: "h" };
  const signal = { id: "1", name: "approve", source: "ann", at: 0 };
  const allowed = (signals: Parameters<typeof allowedSoFar>[0]["signals"]) => {
    const so = allowedSoFar({ saved, ...(signals === undefined ? {} : { signals }) });
    return so.ok ? so.allowed : so.outcome.type;
  };
  assertEquals(allowed([signal]), { start: "s", call: "h" });
  assertEquals(allowed([{ ...signal, type: "operator" }]), { start: "s" });
  assertEquals(allowed([{ ...signal, type: "timeout" }]), { start: "s" });
  assertEquals(allowed([{ ...signal, name: "other" }]), { start: "s" });
  assertEquals(allowed(undefined), { start: "s" });
  assertEquals(allowed([signal, { ...signal, name: "reject" }]), "failed");
});
