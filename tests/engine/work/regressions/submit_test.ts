/** Rows of the table of regressions (section 25 of the engine's specification) that concern what is submitted. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../../../../engine/base/errors.ts";
import type { Json } from "../../../../engine/base/json.ts";
import { eventPrefix, readyPrefix, runKey } from "../../../../engine/store/keys.ts";
import { memoryStore } from "../../../../engine/store/memory.ts";
import { ended, engineOf, kept, notebookOf, ScriptedKind, soon, valuesOf, withMethods } from "../_harness.ts";

Deno.test("R10 EN-201 a run can be claimed as soon as it is seen: plan, text and first event are there before its entry", async () => {
  const inner = memoryStore();
  const wrong: string[] = [];
  // Looks at the store after every write, as another worker could.
  const look = async () => {
    for await (const { key } of inner.list(readyPrefix("default"))) {
      const run = String(key.at(-1));
      const [head] = await inner.get([runKey(run)]);
      const first = (await Array.fromAsync(inner.list(eventPrefix(run)))).length;
      if (head === undefined || first === 0) wrong.push(run);
    }
  };
  const front = withMethods(inner, {
    submit: async (...write) => {
      const answer = await inner.submit(...write);
      await look();
      return answer;
    },
  });
  const client = await engineOf(kept(front), new ScriptedKind(), { worker: null });
  const kind = new ScriptedKind();
  const workers = [await engineOf(kept(inner), kind), await engineOf(kept(inner), kind, { worker: "w2" })];
  const cells = Object.fromEntries(
    Array.from({ length: 20 }, (_, i) => [`c${i}`, i === 0 ? [] : [`c${i - 1}`]]),
  );
  const runs = await Promise.all(
    Array.from({ length: 10 }, () => client.submit({ notebook: "n", text: notebookOf(cells), author: "t" })),
  );
  for (const { run } of runs) assertEquals(valuesOf(await soon(ended(client, run))).c19, 20);
  assertEquals([wrong, kind.calls.length], [[], 200]);
  await Promise.all([client, ...workers].map((engine) => soon(engine.close())));
});

Deno.test("R17 three parents reach a cell under their three names, whatever order they end in", async () => {
  let seen: Readonly<Record<string, Json>> = {};
  const ends: (() => void)[] = [];
  const parent = (value: Json) => () =>
    new Promise<{ type: "succeeded"; value: Json }>((resolve) => {
      ends.push(() => resolve({ type: "succeeded", value }));
      if (ends.length === 3) { for (const end of ends.reverse()) end(); }
    });
  const kind = new ScriptedKind({
    p: parent("from p"),
    q: parent("from q"),
    r: parent("from r"),
    child: ({ inputs }) => {
      seen = inputs;
      return { type: "succeeded", value: 1 };
    },
  });
  const engine = await engineOf(memoryStore(), kind);
  const header = "inputs: { first: { from: r }, second: { from: p }, third: { from: q } }";
  const text = notebookOf({ p: [], q: [], r: [], child: ["first", "second", "third"] }, { child: header });
  const { run } = await engine.submit({ notebook: "n", text, author: "t" });
  assertEquals((await soon(ended(engine, run))).label, "succeeded");
  assertEquals(seen, { first: "from r", second: "from p", third: "from q" });
  await engine.close();
});

Deno.test("R23 EN-204 10,000 cells without a cycle are accepted, and one edge back refuses them and names its cells", async () => {
  const client = await engineOf(memoryStore(), new ScriptedKind(), { worker: null });
  const chain = (first: string[]) =>
    Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`c${i}`, i === 0 ? first : [`c${i - 1}`]]));
  const request = (first: string[]) => ({ notebook: "n", text: notebookOf(chain(first)), author: "t" });
  const { run } = await client.submit(request([]));
  assertEquals((await client.state(run)).steps, 10_000);
  const error = await assertRejects(() => client.submit(request(["c9999"])), EngineError);
  assertEquals(error.code, "cycle_found");
  assert(error.message.includes("c0") && error.message.includes("c9999"), error.message);
  assertEquals((await client.runs({})).length, 1, "nothing was written");
  await client.close();
});
