/** Effects over HTTP, on a whole engine. */
import { assertEquals } from "@std/assert";
import type { FakeEngine } from "../../_support/fake_engine.ts";
import { memoryStore } from "../../../engine/store/memory.ts";
import { unknown, World } from "../../engine/work/effects/_world.ts";
import { ended, engineOf, happened, notebookOf, ScriptedKind, soon } from "../../engine/work/_harness.ts";
import { client } from "../_client.ts";

Deno.test("AP-1101 AP-1102 AP-1103 effects are listed with their entries, and a doubt is resolved", async () => {
  const world = new World();
  world.answers = (n) => n === 0 ? unknown : undefined;
  const real = await engineOf(memoryStore(), new ScriptedKind({ a: world.act(), b: world.act() }));
  const { json } = client({ engine: real as unknown as FakeEngine });
  const { run } = await real.submit({ notebook: "n", text: notebookOf({ a: [], b: ["a"] }), author: "t" });
  await soon(happened(real, run, "step.held", "a"));
  const { body } = await json("/api/v1/effects?state=in-doubt");
  const [effect] = body.items as { id: string; runId: string; at: string; entries: { type: string }[] }[];
  assertEquals([effect!.runId, typeof effect!.at], [run, "string"]);
  assertEquals(effect!.entries.map(({ type }) => type), ["effect.intended", "effect.in-doubt"]);
  const path = `/api/v1/effects/${effect!.id}`;
  const resolve = (body: unknown) => json(`${path}/resolve`, { method: "POST", body: JSON.stringify(body) });
  assertEquals((await resolve({ as: "done" })).body.code, "schema_invalid", "a note is needed");
  const done = await resolve({ as: "done", note: "I looked", result: 5 });
  assertEquals([done.status, done.body.state, done.body.result], [200, "done", { inline: 5 }]);
  const again = await resolve({ as: "not_done", note: "I looked" });
  assertEquals([again.status, again.body.code], [409, "effect_settled"]);
  await soon(ended(real, run));
  const undo = (body: unknown) => json(`${path}/compensate`, { method: "POST", body: JSON.stringify(body) });
  const undone = await undo({ dry: true });
  assertEquals([undone.status, undone.body.outcome, undone.body.requiresUserAction], [200, "manual", true]);
  assertEquals(undone.body.error, "Cannot auto-compensate: No compensation declared");
  assertEquals((await undo({ dry: 1 })).body.code, "schema_invalid");
  const all = await json(`/api/v1/runs/${run}/effects`);
  assertEquals((all.body.items as unknown[]).length, 2);
  assertEquals((await json(path)).body.state, "done");
  for (
    const [path, code] of [
      ["/api/v1/effects/eff_none", "effect_not_found"],
      ["/api/v1/effects?state=lost", "query_invalid"],
      ["/api/v1/effects?cursor=x", "query_invalid"],
      ["/api/v1/runs/run_none/effects", "run_not_found"],
    ] as const
  ) assertEquals((await json(path)).body.code, code, path);
  await real.close();
});
