/** Quotas over HTTP, on a whole engine. */
import { assertEquals } from "@std/assert";
import { memoryStore } from "../../../engine/store/memory.ts";
import {
  ended,
  engineOf,
  gate,
  happened,
  notebookOf,
  ScriptedKind,
  soon,
} from "../../engine/work/_harness.ts";
import type { FakeEngine } from "../../_support/fake_engine.ts";
import { MemoryWorkspace } from "../../_support/memory_workspace.ts";
import { client } from "../_client.ts";

// deno-lint-ignore no-explicit-any -- answers are asserted field by field
type Any = any;

Deno.test("AP-907 AP-908 a quota is made, seen while it is used, changed and removed", async () => {
  const held = gate();
  const kind = new ScriptedKind({
    a: async () => {
      await held.opened;
      return { type: "succeeded", value: 1 };
    },
  });
  const real = await engineOf(memoryStore(), kind);
  const text = notebookOf({ a: [], b: [] }, { a: "quotas: [api]", b: "quotas: [api]" });
  const workspace = new MemoryWorkspace({ demo: text });
  const { json, ask } = client({ engine: real as unknown as FakeEngine, workspace });
  const send = (method: string, path: string, body: unknown) =>
    json(`/api/v1${path}`, { method, body: JSON.stringify(body) });

  const made = await send("POST", "/quotas", { name: "api", windowMs: 60_000, max: 1, maxConcurrent: 1 });
  assertEquals([made.status, made.body.inWindow, made.body.held], [201, 0, 0], JSON.stringify(made.body));
  assertEquals((await send("POST", "/quotas", { name: "api", maxConcurrent: 1 })).body.code, "name_taken");
  const run = (await send("POST", "/runs", { notebook: "demo" })).body.id as string;
  await soon(happened(real, run, "step.held", "b"));
  const used = (await json("/api/v1/quotas/api")).body as Any;
  assertEquals([used.inWindow, used.held, used.waiting, used.holders[0].step], [1, 1, 1, "a"]);
  assertEquals(typeof used.nextFreeAt, "string");
  const more = await send("PUT", "/quotas/api", { maxConcurrent: 2 });
  assertEquals([more.status, more.body.max], [200, undefined], JSON.stringify(more.body));
  held.open();
  assertEquals((await soon(ended(real, run))).label, "succeeded");
  assertEquals(((await json("/api/v1/quotas")).body as Any).items.map(({ name }: Any) => name), ["api"]);
  assertEquals((await ask("/api/v1/quotas/api", { method: "DELETE" })).status, 204);
  assertEquals((await json("/api/v1/quotas/api")).body.code, "quota_not_found");
  await real.close();
});

Deno.test("AP-907 a quota that says nothing, half of a window, or too much is refused", async () => {
  const real = await engineOf(memoryStore(), new ScriptedKind());
  const { json } = client({ engine: real as unknown as FakeEngine });
  const wrongs = [
    { name: "a" },
    { name: "a", windowMs: 5 },
    { name: "a b", maxConcurrent: 1 },
    { name: "a", maxConcurrent: 0 },
    { name: "a", maxConcurrent: 1, on: { host: "example.com" } },
  ];
  for (const body of wrongs) {
    const answer = await json("/api/v1/quotas", { method: "POST", body: JSON.stringify(body) });
    assertEquals([answer.status, answer.body.code], [422, "schema_invalid"], JSON.stringify(body));
  }
  const none = await json("/api/v1/quotas/a", { method: "PUT", body: JSON.stringify({ maxConcurrent: 1 }) });
  assertEquals([none.status, none.body.code], [404, "quota_not_found"]);
  await real.close();
});
