/** Limits of runs over HTTP, on a whole engine whose agents call scripted models. */
import { assert, assertEquals } from "@std/assert";
import { memoryStore } from "../../../engine/store/memory.ts";
import { ended, happened, soon } from "../../engine/work/_harness.ts";
import { agents, agentsOn, uses } from "../../engine/work/spend/_agents.ts";
import type { FakeEngine } from "../../_support/fake_engine.ts";
import { MemoryWorkspace } from "../../_support/memory_workspace.ts";
import { client } from "../_client.ts";

const CELLS = { a: { script: uses(3, 4) }, b: { script: uses(3, 4), header: "after: [a]\n" } };

async function open(text = agents("title: t", CELLS)) {
  const { engine: real, calls } = await agentsOn(memoryStore());
  const workspace = new MemoryWorkspace({ demo: text });
  const { json } = client({ engine: real as unknown as FakeEngine, workspace });
  const send = (method: string, path: string, body: unknown) =>
    json(path, { method, body: JSON.stringify(body) });
  return { real, calls, json, send };
}

// deno-lint-ignore no-explicit-any -- answers are asserted field by field
type Any = any;

Deno.test("R02 AP-601 AP-613 AP-623 a limit given over HTTP stops the next call, and raised it lets the run go on", async () => {
  const { real, calls, json, send } = await open();
  const made = await send("POST", "/api/v1/runs", { notebook: "demo", limits: { calls: 1, usd: 0.5 } });
  assertEquals(made.status, 201, JSON.stringify(made.body));
  const path = `/api/v1/runs/${made.body.id}`;
  const run = made.body.id as string;
  await soon(happened(real, run, "step.held"));
  const { body: explained } = await json(`${path}/explain`);
  assertEquals([explained.label, (explained.wait as Any).wait, calls.count], ["held", "budget", 1]);
  const used = (await json(`${path}/usage`)).body as Any;
  assertEquals(used.run.limits, { calls: 1, usd: 0.5 });
  assertEquals([used.run.settled.tokens, used.run.settled.calls, used.run.reserved], [7, 1, {}]);
  const a = used.steps.find(({ step }: Any) => step === "a");
  assertEquals([a.settled.tokens, a.attempts[0].n, a.attempts[0].outcome], [7, 1, "succeeded"]);
  const raised = await send("PATCH", path, { limits: { calls: null, cells: { b: { tokens: 1e6 } } } });
  assertEquals([raised.status, raised.body.answer], [200, "applied"], JSON.stringify(raised.body));
  assertEquals((await soon(ended(real, run))).label, "succeeded");
  assertEquals(calls.count, 2);
  const after = (await json(`${path}/usage`)).body as Any;
  assertEquals([after.run.limits, after.run.settled.calls], [{ usd: 0.5 }, 2]);
  assertEquals(after.steps.find(({ step }: Any) => step === "b").limits, { tokens: 1e6 });
  await real.close();
});

Deno.test("AP-623 a limit of a cell that the run lacks, a wrong dimension and a wrong number change nothing", async () => {
  const { real, send } = await open(agents("limits: { calls: 0 }", CELLS));
  const { body } = await send("POST", "/api/v1/runs", { notebook: "demo" });
  await soon(happened(real, body.id as string, "step.held"));
  const change = (limits: unknown) => send("PATCH", `/api/v1/runs/${body.id}`, { limits });
  const none = await change({ cells: { nope: { usd: 1 } } });
  assertEquals([none.status, none.body.code], [404, "step_not_found"]);
  for (const wrong of [{ euros: 1 }, { usd: -1 }, { tokens: "many" }, { cells: { a: { cells: {} } } }]) {
    assertEquals((await change(wrong)).body.code, "schema_invalid", JSON.stringify(wrong));
  }
  assertEquals((await real.state(body.id as string)).label, "held");
  await real.close();
});

Deno.test("EN-208 EN-209 a request cannot loosen what the notebook says, and strict refuses what will not do", async () => {
  const { real, send } = await open(agents("limits: { tokens: 5 }", CELLS));
  const { body } = await send("POST", "/api/v1/runs", { notebook: "demo", limits: { tokens: 900 } });
  await soon(happened(real, body.id as string, "step.held"));
  const { plan } = await real.inspect(body.id as string);
  assertEquals(plan.limits, { tokens: 5 });
  const refused = await send("POST", "/api/v1/runs", { notebook: "demo", strict: true });
  assert(refused.status >= 400 && refused.body.code === "estimate_over_limit", JSON.stringify(refused.body));
  await real.close();
});
