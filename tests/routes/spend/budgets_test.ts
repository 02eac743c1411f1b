/** Budgets that runs share over HTTP, on a whole engine whose agents call scripted models. */
import { assertEquals } from "@std/assert";
import { memoryStore } from "../../../engine/store/memory.ts";
import { ended, happened, soon } from "../../engine/work/_harness.ts";
import { agents, agentsOn, uses } from "../../engine/work/spend/_agents.ts";
import type { FakeEngine } from "../../_support/fake_engine.ts";
import { MemoryWorkspace } from "../../_support/memory_workspace.ts";
import { client } from "../_client.ts";

// deno-lint-ignore no-explicit-any -- answers are asserted field by field
type Any = any;

async function open() {
  const cells = { a: { script: uses(3, 4) }, b: { script: uses(3, 4), header: "after: [a]\n" } };
  const { engine: real, calls } = await agentsOn(memoryStore());
  const workspace = new MemoryWorkspace({ demo: agents("title: t", cells) });
  const { json, ask } = client({ engine: real as unknown as FakeEngine, workspace });
  const send = (method: string, path: string, body: unknown): Promise<{ status: number; body: Any }> =>
    json(`/api/v1${path}`, { method, body: JSON.stringify(body) });
  return { real, calls, json, ask, send };
}

Deno.test("R02 AP-901 AP-902 AP-905 AP-906 a budget made over HTTP, used up, stops the next call; raised, it goes on", async () => {
  const { real, calls, json, ask, send } = await open();
  const rule = {
    scope: { notebook: "demo" },
    limits: { calls: 1, usd: 2.5 },
    reset: "month",
    timeZone: "Europe/Berlin",
  };
  const made = await send("POST", "/budgets", { name: "demo", ...rule });
  assertEquals([made.status, made.body.state, made.body.warnAt, made.body.onLimit], [
    201,
    "ok",
    0.8,
    "pause",
  ]);
  assertEquals([made.body.limits, made.body.left], [{ calls: 1, usd: 2.5 }, { usd: 2.5, calls: 1 }]);
  assertEquals(typeof made.body.resetsAt, "string");
  const run = (await send("POST", "/runs", { notebook: "demo" })).body.id as string;
  await soon(happened(real, run, "step.held", "b"));
  const used = (await json("/api/v1/budgets/demo")).body as Any;
  assertEquals([used.state, used.used.calls, used.left.calls, calls.count], ["over", 1, 0, 1]);
  assertEquals(((await json(`/api/v1/runs/${run}/explain`)).body as Any).wait.wait, "budget");
  const raised = await send("PUT", "/budgets/demo", { ...rule, limits: { calls: 5 } });
  assertEquals(raised.status, 200, JSON.stringify(raised.body));
  assertEquals((await soon(ended(real, run))).label, "succeeded");
  const lines = (await json(`/api/v1/budgets/demo/ledger?run=${run}`)).body as Any;
  assertEquals(lines.items.map(({ step, settled }: Any) => [step, settled.tokens]), [["a", 7], ["b", 7]]);
  const anew = await send("POST", "/budgets/demo/reset", { reason: "new month of work" });
  assertEquals([anew.status, anew.body.used.calls], [200, 0]);
  assertEquals((await ask("/api/v1/budgets/demo", { method: "DELETE" })).status, 204);
  assertEquals((await json("/api/v1/budgets/demo")).body.code, "budget_not_found");
  await real.close();
});

Deno.test("AP-903 use from outside is recorded once by its key, and answered with what is left", async () => {
  const { real, send } = await open();
  await send("POST", "/budgets", { name: "out", scope: "all", limits: { usd: 1 } });
  const use = async (key: string, usd: number) =>
    (await send("POST", "/budgets/out/usage", { key, amounts: { usd } })).body;
  assertEquals(await use("k1", 0.9), { result: "warned", left: { usd: 0.1 } });
  assertEquals(await use("k1", 0.9), { result: "warned", left: { usd: 0.1 } });
  assertEquals((await use("k2", 5)).result, "over");
  await real.close();
});

Deno.test("AP-901 what is no budget is refused, and a name is taken once", async () => {
  const { real, send, json } = await open();
  const good = { name: "x", scope: "all", limits: { calls: 1 } };
  for (
    const wrong of [
      { ...good, scope: { deployment: "d" } },
      { ...good, limits: { minutes: 1 } },
      { ...good, name: "no name" },
      { ...good, timeZone: "Nowhere", reset: "day" },
      { ...good, warnAt: 2 },
    ]
  ) assertEquals((await send("POST", "/budgets", wrong)).body.code, "schema_invalid", JSON.stringify(wrong));
  assertEquals((await send("POST", "/budgets", good)).status, 201);
  assertEquals((await send("POST", "/budgets", good)).body.code, "name_taken");
  assertEquals(((await json("/api/v1/budgets")).body as Any).items.length, 1);
  assertEquals((await send("POST", "/budgets/none/reset", { reason: "r" })).body.code, "budget_not_found");
  await real.close();
});
