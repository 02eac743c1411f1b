/** What a cell reads from files counts for whether its value still holds. */
import { assertEquals } from "@std/assert";
import { systemClock } from "../../../engine/base/clock.ts";
import { systemIds } from "../../../engine/base/ids.ts";
import { noLog } from "../../../engine/base/log.ts";
import { inputKind } from "../../../engine/kinds/input.ts";
import type { Kind } from "../../../engine/kinds/kind.ts";
import { createEngine } from "../../../engine/mod.ts";
import { memoryStore } from "../../../engine/store/memory.ts";
import { ended, noFiles, ScriptedKind, valuesOf } from "./_harness.ts";

const TEXT =
  "```input notes\nfiles: notes/*.txt\n```\n\n```ts a\nreturn notes;\n```\n\n```ts b\nreturn a;\n```\n";

Deno.test("EN-206 running one cell reuses what rests on files only while the files are the same", async () => {
  let text = "one";
  const file = () => ({
    name: "n.txt",
    path: "notes/n.txt",
    text,
    bytes: text.length,
    contentType: "text/plain",
  });
  const workspace = { ...noFiles, files: () => Promise.resolve([file()]) };
  const code = new ScriptedKind({
    a: ({ inputs }) => ({ type: "succeeded", value: (inputs.notes as { text: string }[])[0]!.text }),
    b: ({ inputs }) => ({ type: "succeeded", value: `saw ${inputs.a}` }),
  });
  const engine = await createEngine({
    store: memoryStore(),
    kinds: new Map<string, Kind>([["ts", code], ["input", inputKind({ workspace })]]),
    workspace,
    clock: systemClock,
    ids: systemIds(systemClock),
    log: noLog,
    worker: "w",
  });
  const request = { notebook: "n", text: TEXT, author: "t" };
  await ended(engine, (await engine.submit(request)).run);
  assertEquals((await engine.plan(request)).stale, {});
  const same = await ended(engine, (await engine.submit({ ...request, cells: ["b"] })).run);
  assertEquals([same.cells.notes!.label, same.cells.a!.label], ["reused", "reused"]);
  text = "two";
  assertEquals((await engine.plan(request)).stale, {
    notes: "files changed",
    a: "notes is stale",
    b: "a is stale",
  });
  const changed = await ended(engine, (await engine.submit({ ...request, cells: ["b"] })).run);
  assertEquals(valuesOf(changed).b, "saw two");
  await engine.close();
});
