/** Checkpoints, going back to one and forks over HTTP, on a whole engine. */
import { assertEquals, assertMatch } from "@std/assert";
import type { Engine } from "../../../engine/mod.ts";
import { memoryStore } from "../../../engine/store/memory.ts";
import { ended, engineOf, notebookOf, ScriptedKind } from "../../engine/work/_harness.ts";
import type { FakeEngine } from "../../_support/fake_engine.ts";
import { type Client, client } from "../_client.ts";

const CHAIN = notebookOf({ a: [], b: ["a"], c: ["b"] });
const post = (body: unknown, headers: HeadersInit = {}): RequestInit => ({
  method: "POST",
  body: JSON.stringify(body),
  headers,
});

async function withRun(act: (at: Client & { real: Engine; run: string; path: string }) => Promise<void>) {
  const real = await engineOf(memoryStore(), new ScriptedKind());
  try {
    const { run } = await real.submit({ notebook: "n", text: CHAIN, author: "t" });
    await ended(real, run);
    await act({
      ...client({ engine: real as unknown as FakeEngine }),
      real,
      run,
      path: `/api/v1/runs/${run}`,
    });
  } finally {
    await real.close();
  }
}

Deno.test("AP-620 a point of a run is named and listed with those that the run has by itself", async () => {
  await withRun(async ({ json, path }) => {
    const made = (await json(`${path}/checkpoints`, post({ label: "before the letter" }))).body;
    const { checkpoint } = made as { checkpoint: Record<string, unknown> };
    assertEquals([checkpoint.id, checkpoint.reason, checkpoint.label], [
      "cp_1",
      "manual",
      "before the letter",
    ]);
    assertMatch(String(checkpoint.at), /^\d{4}-.*Z$/);
    const { items } = (await json(`${path}/checkpoints`)).body as { items: { id: string }[] };
    assertEquals(items.map(({ id }) => id), ["level:3", "cp_1"]);
    assertEquals((await json(`${path}/checkpoints`, post({ label: "" }))).body.code, "schema_invalid");
    assertEquals((await json("/api/v1/runs/run_nobody/checkpoints")).status, 404);
  });
});

Deno.test("AP-621 a run goes back to a checkpoint and waits there; one that is none is 404, a run that goes on 409", async () => {
  await withRun(async ({ json, path, real, run }) => {
    assertEquals(
      (await json(`${path}/restore`, post({ checkpoint: "cp_4" }))).body.code,
      "checkpoint_not_found",
    );
    const done = await json(`${path}/restore`, post({ checkpoint: "cell:a", reason: "again" }));
    assertEquals([done.status, done.body.answer], [200, "applied"]);
    assertEquals((await json(path)).body.label, "paused");
    assertEquals((await json(`${path}/resume`, post({}))).status, 200);
    await ended(real, run);
    assertEquals((await json(path)).body.label, "succeeded");
  });
});

Deno.test("AP-622 EN-1406 a fork says where it comes from and what differs; another text needs a word on what to take over", async () => {
  await withRun(async ({ json, ask, path, real, run }) => {
    const made = await json(`${path}/fork`, post({ checkpoint: "cell:b" }));
    assertEquals(made.status, 201);
    const { id, forkedFrom } = made.body as { id: string; forkedFrom: Record<string, unknown> };
    assertEquals([forkedFrom.run, forkedFrom.checkpoint], [run, "cell:b"]);
    await ended(real, id);
    const text = notebookOf({ a: [], b: ["a"], c: ["a"] });
    const refused = (await json(`${path}/fork`, post({ text }))).body;
    assertEquals(refused.code, "version_mismatch");
    assertEquals(refused.problems, [{ added: [], removed: [], changed: ["c"], frontMatter: false }]);
    const taken = (await json(`${path}/fork`, post({ text, onMismatch: "compatible" }))).body as {
      id: string;
      differences: unknown;
    };
    assertEquals(taken.differences, { added: [], removed: [], changed: ["c"], frontMatter: false });
    await ended(real, taken.id);
    assertEquals((await json(`${path}/fork`, post({ onMismatch: "maybe" }))).body.code, "schema_invalid");
    const lost = await json(`${path}/fork`, post({ version: "0".repeat(64) }));
    assertEquals([lost.status, lost.body.code], [404, "version_not_found"]);
    const both = await json(`${path}/fork`, post({ version: "0".repeat(64), text }));
    assertEquals(both.body.code, "schema_invalid");
    const twice = async () => (await ask(`${path}/fork`, post({}, { "idempotency-key": "k" }))).headers;
    const first = (await twice()).get("location");
    const again = await twice();
    assertEquals([again.get("location"), again.get("idempotency-replayed")], [first, "true"]);
    await ended(real, first!.split("/").at(-1)!);
  });
});
