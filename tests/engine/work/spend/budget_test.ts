/** Budgets of runs and cells, end to end: agents call scripted models under limits. */
import { assert, assertEquals } from "@std/assert";
import { memoryStore } from "../../../../engine/store/memory.ts";
import { ended, happened, journalOf, kept, soon } from "../_harness.ts";
import { agents, agentsOn, uses } from "./_agents.ts";

const ann = { by: "ann" };
const many = (count: number, script: string, header = "") =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`c${i}`, { script, header }]));

Deno.test("R02 P8 EN-1102 of fifty parallel agents under a limit of ten calls ten call, and the others wait for somebody", async () => {
  const { engine, calls } = await agentsOn(memoryStore(), { traits: { slots: 50 } });
  const text = agents("limits: { calls: 10 }\nconcurrency: 50", many(50, uses(1, 1)));
  const { run } = await engine.submit({ notebook: "n", text, author: "t" });
  await soon(happened(engine, run, "step.held"));
  while ((await engine.state(run)).label !== "held") await happened(engine, run, "step.held");
  const { spend } = await engine.view(run);
  assertEquals([calls.count, spend?.spent.calls], [10, 10]);
  await engine.tell(run, { type: "changeRun", limits: { calls: 49 }, ...ann });
  while ((await engine.state(run)).label !== "held") await happened(engine, run, "step.held");
  assertEquals(calls.count, 49);
  await engine.tell(run, { type: "changeRun", limits: { calls: null }, ...ann });
  assertEquals((await soon(ended(engine, run))).label, "succeeded");
  assertEquals(calls.count, 50);
  await engine.close();
});

Deno.test("EN-1102 an agent under a limit is told the most that it may answer with, and one without is not", async () => {
  const { engine, calls } = await agentsOn(memoryStore());
  const cell = { a: { script: uses(1, 1) } };
  for (const front of ["limits: { tokens: 300 }", "title: free"]) {
    const { run } = await engine.submit({ notebook: "n", text: agents(front, cell), author: "t" });
    await soon(ended(engine, run));
  }
  assertEquals(calls.requests.map(({ maxTokens }) => maxTokens), [256, undefined]);
  await engine.close();
});

Deno.test("EN-1102 without a limit nothing is written for a call before its end", async () => {
  const store = memoryStore();
  const { engine } = await agentsOn(kept(store));
  const text = agents("title: free", { a: { script: uses(3, 4) } });
  const { run } = await engine.submit({ notebook: "n", text, author: "t" });
  const { spend } = await soon(ended(engine, run));
  assertEquals([spend?.spent.tokens, spend?.spent.calls, spend?.limits], [7, 1, undefined]);
  const types = (await journalOf(store, run)).map(({ type }) => type);
  assertEquals(types, ["run.queued", "run.started", "step.started", "step.succeeded", "run.ended"]);
  await engine.close();
});

Deno.test("EN-1103 R19 spend beyond a limit is recorded, and so is that of tries that failed", async () => {
  const { engine } = await agentsOn(memoryStore());
  const script = "[{ usage: { inputTokens: 400, outputTokens: 1 } }, " +
    "{ text: x, attempt: 2 }, { cut: true, attempt: 1 }]";
  const header = "retry: { attempts: 2, initial: 1ms, jitter: none }\nmaxTokens: 20\n";
  const text = agents("limits: { tokens: 100 }", { a: { script, header } });
  const { run } = await engine.submit({ notebook: "n", text, author: "t" });
  const { spend, label } = await soon(ended(engine, run));
  // The stream that broke off counts at its estimate: 1 of the system prompt, 1 of the prompt, 20 of the answer.
  assertEquals([label, spend?.spent.tokens, spend?.spent.calls], ["succeeded", 22 + 401, 2]);
  await engine.close();
});

Deno.test("EN-1104 a run that waits for a budget says so, leaves memory, and goes on when its limit is raised", async () => {
  const { engine, calls } = await agentsOn(memoryStore());
  const text = agents("limits: { tokens: 5 }", { a: { script: uses(1, 1), header: "maxTokens: 9\n" } });
  const { run } = await engine.submit({ notebook: "n", text, author: "t" });
  await soon(happened(engine, run, "run.released"));
  const { label, wait, vector } = await engine.state(run);
  assertEquals([label, wait?.wait, vector.phase, calls.count], ["held", "budget", "suspended", 0]);
  assert(/0 tokens of 5 tokens; the next call may take 11 tokens/.test(wait!.what), wait!.what);
  await engine.tell(run, { type: "changeRun", limits: { tokens: 11 }, ...ann });
  assertEquals((await soon(ended(engine, run))).label, "succeeded");
  await engine.close();
});

Deno.test("EN-1104 onLimit: fail and stop end what would wait", async () => {
  const { engine } = await agentsOn(memoryStore());
  const cell = { a: { script: uses(1, 1), header: "maxTokens: 9\n" } };
  for (const [onLimit, label] of [["fail", "failed"], ["stop", "stopped"]]) {
    const text = agents(`limits: { tokens: 5 }\nonLimit: ${onLimit}`, cell);
    const { run } = await engine.submit({ notebook: "n", text, author: "t" });
    assertEquals((await soon(ended(engine, run))).label, label);
  }
  await engine.close();
});

Deno.test("EN-208 of the limits of notebook and request the lowest wins, dimension by dimension", async () => {
  const { engine } = await agentsOn(memoryStore());
  const text = agents("limits: { tokens: 50, calls: 2 }", { a: { script: uses(1, 1) } });
  const overrides = { limits: { tokens: 900, calls: 1, usdMicros: 7 } };
  const { plan } = await engine.plan({ notebook: "n", text, overrides });
  assertEquals(plan?.limits, { tokens: 50, usdMicros: 7, calls: 1 });
  await engine.close();
});

Deno.test("EN-209 a plan whose estimate is over a limit warns, and with strict refuses", async () => {
  const { engine } = await agentsOn(memoryStore());
  const text = agents("limits: { tokens: 50 }", { a: { script: uses(1, 1), header: "maxTokens: 98\n" } });
  const request = { notebook: "n", text };
  const { plan, problems } = await engine.plan(request);
  assertEquals(plan?.estimate, { tokens: 100, usdMicros: 0 });
  const said = problems.map(({ severity, message }) => `${severity}: ${message}`);
  assertEquals(said, ["warning: Estimated token usage (100) exceeds limit (50)"]);
  let code;
  await engine.submit({ ...request, author: "t", strict: true }).catch((error) => code = error.code);
  assertEquals(code, "estimate_over_limit");
  await engine.close();
});

Deno.test("EN-1106 what a process that died had set aside counts, and nothing is left over", async () => {
  const store = memoryStore();
  const { engine, calls } = await agentsOn(kept(store), {
    meanwhile: ({ signal }, call) =>
      call > 1 ? undefined : new Promise((resolve) => signal.addEventListener("abort", () => resolve())),
  });
  const text = agents("limits: { tokens: 30 }", { a: { script: uses(3, 4), header: "maxTokens: 9\n" } });
  const { run } = await engine.submit({ notebook: "n", text, author: "t" });
  await soon(happened(engine, run, "step.reserved"));
  while (calls.open === 0) await new Promise((resolve) => setTimeout(resolve));
  await engine.release(run, { force: true });
  const { spend } = await soon(ended(engine, run));
  assertEquals([spend?.spent.tokens, calls.count], [11 + 7, 2]);
  await engine.close();
});
