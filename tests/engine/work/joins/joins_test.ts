/** Joins as their cells see them: what they are given, and what becomes of the others. */
import { assertEquals } from "@std/assert";
import type { Json } from "../../../../engine/base/json.ts";
import type { Attempt } from "../../../../engine/kinds/kind.ts";
import { memoryStore } from "../../../../engine/store/memory.ts";
import {
  type Behaviour,
  ended,
  engineOf,
  gate,
  happened,
  journalOf,
  kept,
  notebookOf,
  ScriptedKind,
  untilAborted,
  valuesOf,
} from "../_harness.ts";

const LIST = "inputs: { from: { from: [a, b, c] } }";

/** Runs `a`, `b`, `c` and a cell `j` with this header; `j` gives what it was given. */
async function runJoin(header: string, behaviour: Behaviour, reads: string[] = []) {
  const store = memoryStore();
  const j = ({ inputs }: Attempt) => ({ type: "succeeded", value: { ...inputs } } as const);
  const engine = await engineOf(kept(store), new ScriptedKind({ j, ...behaviour }));
  const text = notebookOf({ a: [], b: [], c: [], j: reads }, { j: header });
  const { run } = await engine.submit({ notebook: "n", text, author: "test" });
  const view = await ended(engine, run);
  await engine.close();
  return { view, j: valuesOf(view).j as Record<string, Json>, journal: await journalOf(store, run) };
}

const fails = () => ({ type: "failed", problem: { category: "code_error", message: "broken" } } as const);
const gives = (value: Json) => () => ({ type: "succeeded", value } as const);

Deno.test("EN-807 any gives the value of the first success and its name; the others are cancelled", async () => {
  const { view, j, journal } = await runJoin(`${LIST}\njoin: any`, {
    a: fails,
    b: gives({ n: 2 }),
    c: untilAborted,
  });
  assertEquals(j, { from: { value: { n: 2 }, name: "b" } });
  const { label, skipped } = view.cells.c!;
  assertEquals([view.label, label, skipped as string], ["partial", "cancelled", "not_needed"]);
  assertEquals(journal.filter(({ type }) => type === "join.settled"), [{ type: "join.settled", step: "j" }]);
});

Deno.test("EN-807 quorum gives a list in the order of success, with names, and nothing of what came later", async () => {
  const first = gate();
  const { j } = await runJoin(`${LIST}\njoin: { quorum: 2 }\nrest: let-run`, {
    a: async () => {
      await first.opened;
      return { type: "succeeded", value: "late" };
    },
    b: async ({ clock }) => {
      await clock.sleep(20);
      first.open();
      return { type: "succeeded", value: "second" };
    },
    c: gives("first"),
  });
  assertEquals(j.from, [{ value: "first", name: "c" }, { value: "second", name: "b" }]);
});

Deno.test("EN-802 EN-807 R17 a cell that reads what a join counts by name has null for what did not succeed", async () => {
  const { j } = await runJoin("join: { quorum: 2 }", { a: gives(1), b: fails, c: gives(3) }, ["a", "b", "c"]);
  assertEquals(j, { a: 1, b: null, c: 3 });
});

Deno.test("EN-806 too few successes skip the cell, and its run says what failed", async () => {
  const { view } = await runJoin(`${LIST}\njoin: { quorum: 2 }`, { a: fails, b: fails, c: untilAborted });
  const { label, skipped } = view.cells.j!;
  assertEquals([label, skipped as string, view.label], ["skipped", "join_impossible", "failed"]);
  assertEquals(view.cells.c!.label, "cancelled");
});

Deno.test("S6 a tried-again cell is given the same as before, whatever has succeeded meanwhile", async () => {
  const seen: unknown[] = [];
  const { j } = await runJoin(`${LIST}\njoin: any\nrest: let-run\nretry: { attempts: 2, initial: 20ms }`, {
    a: gives("a"),
    b: async ({ clock }) => {
      await clock.sleep(5);
      return { type: "succeeded", value: "b" };
    },
    c: gives("c"),
    j: ({ attempt, inputs }) => {
      seen.push(inputs.from!);
      if (attempt === 1) return { type: "failed", problem: { category: "network", message: "cut" } };
      return { type: "succeeded", value: { ...inputs } };
    },
  });
  assertEquals(seen, [j.from, j.from]);
});

Deno.test("EN-804 a watcher is told that a join has settled, and of those that it stops", async () => {
  const store = memoryStore();
  const engine = await engineOf(store, new ScriptedKind({ b: untilAborted, c: untilAborted }));
  const text = notebookOf({ a: [], b: [], c: [], j: [] }, { j: `${LIST}\njoin: any` });
  const { run } = await engine.submit({ notebook: "n", text, author: "test" });
  await happened(engine, run, "join.settled", "j");
  await happened(engine, run, "step.stopping", "b");
  await happened(engine, run, "step.cancelled", "c");
  assertEquals((await ended(engine, run)).label, "succeeded");
  await engine.close();
});
