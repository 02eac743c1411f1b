/** Lanes, workers and leases over HTTP, on a whole engine. */
import { assertEquals } from "@std/assert";
import type { Engine } from "../../engine/mod.ts";
import { memoryStore } from "../../engine/store/memory.ts";
import { ended, engineOf, notebookOf, ScriptedKind, untilAborted } from "../engine/work/_harness.ts";
import type { FakeEngine } from "../_support/fake_engine.ts";
import { type Client, client } from "./_client.ts";

async function open(): Promise<Client & { real: Engine }> {
  const real = await engineOf(memoryStore(), new ScriptedKind({ stuck: untilAborted }), { slots: 3 });
  return { ...client({ engine: real as unknown as FakeEngine }), real };
}
const put = (body: unknown): RequestInit => ({ method: "PUT", body: JSON.stringify(body) });
const run = async (real: Engine, cell: string, lane: string) =>
  (await real.submit({ notebook: "n", text: notebookOf({ [cell]: [] }), author: "t", lane })).run;

Deno.test("AP-910 AP-911 lanes are made, changed and shown with what is in them", async () => {
  const { json, real } = await open();
  const made = await json("/api/v1/lanes/nightly", put({ weight: 2, maxRuns: 1, state: "paused" }));
  assertEquals(made.status, 201);
  assertEquals(made.body, { name: "nightly", weight: 2, maxRuns: 1, state: "paused", ready: 0, active: 0 });
  const queued = await run(real, "a", "nightly");
  const { body: { oldestMs, ...lane } } = await json("/api/v1/lanes/nightly");
  assertEquals([lane.ready, lane.active, typeof oldestMs], [1, 0, "number"]);
  const changed = await json("/api/v1/lanes/nightly", put({ maxRuns: null, state: "open" }));
  assertEquals([changed.status, changed.body.maxRuns, changed.body.weight], [200, null, 2]);
  await ended(real, queued);
  const { body } = await json("/api/v1/lanes");
  assertEquals((body.items as { name: string }[]).map(({ name }) => name), ["default", "nightly"]);
  for (
    const [path, body, code] of [
      ["/api/v1/lanes/nightly", { weight: 0 }, "schema_invalid"],
      ["/api/v1/lanes/nightly", { state: "shut" }, "schema_invalid"],
      ["/api/v1/lanes/no%20name", {}, "schema_invalid"],
    ] as const
  ) assertEquals((await json(path, put(body))).body.code, code);
  assertEquals((await json("/api/v1/lanes/nope")).body.code, "lane_not_found");
  await real.close();
});

Deno.test("AP-1001 AP-1008 AP-1010 workers and leases are shown, and a worker's session is ended", async () => {
  const { json, ask, real } = await open();
  await real.lanes.put("x", {});
  const id = await run(real, "stuck", "x");
  while ((await real.workers.get("w1")).running !== 1) await new Promise((resolve) => setTimeout(resolve));
  const { body } = await json("/api/v1/workers/w1");
  assertEquals([body.label, body.slots, body.runs, body.running, body.lanes, body.capabilities], [
    "live",
    3,
    1,
    1,
    null,
    [],
  ]);
  const leases = (await json("/api/v1/leases")).body.items as Record<string, unknown>[];
  assertEquals(leases.map(({ run, worker, lane }) => [run, worker, lane]), [[id, "w1", "x"]]);
  assertEquals((await json("/api/v1/leases?state=expired")).body.items, []);
  assertEquals((await json("/api/v1/leases?state=old")).body.code, "query_invalid");
  const { body: lacks } = await json("/api/v1/explain?requires=gpu,eu");
  assertEquals([lacks.covered, (lacks.workers as { missing: string[] }[])[0]!.missing], [false, [
    "gpu",
    "eu",
  ]]);
  assertEquals((await json("/api/v1/explain?requires=a%20b")).body.code, "query_invalid");
  const { body: why } = await json(`/api/v1/runs/${id}/explain`);
  assertEquals([why.label, why.lane, why.sentence], ["running", "x", undefined]);
  assertEquals((await ask("/api/v1/workers/w1", { method: "DELETE" })).status, 204);
  assertEquals((await json("/api/v1/workers/w9", { method: "DELETE" })).body.code, "worker_not_found");
  await real.close();
});
