/** Each key of front matter that is said to act, seen to act: a run with it differs from one without. */
import { assertEquals } from "@std/assert";
import type { JsonObject } from "../../../engine/base/json.ts";
import type { Outcome } from "../../../engine/kinds/kind.ts";
import { memoryStore } from "../../../engine/store/memory.ts";
import { ManualClock } from "../../_support/manual_clock.ts";
import { type Behaviour, ended, engineOf, gate, notebookOf, ScriptedKind, turn } from "../work/_harness.ts";

const busy: Outcome = { type: "failed", problem: { category: "unavailable", message: "busy" } };

/** Runs cells with the front matter, and gives labels and calls. */
async function ran(
  front: string,
  cells: Record<string, string[]>,
  behaviour: Behaviour,
  { params, clock }: { params?: JsonObject; clock?: ManualClock } = {},
) {
  const kind = new ScriptedKind(behaviour);
  const engine = await engineOf(memoryStore(), kind, clock === undefined ? {} : { clock });
  try {
    const text = `---\nweft: 1\n${front}\n---\n\n${notebookOf(cells)}`;
    const { run } = await engine.submit({ notebook: "n", text, author: "t", ...(params ? { params } : {}) });
    const view = await ended(engine, run);
    const labels = Object.fromEntries(Object.entries(view.cells).map(([name, { label }]) => [name, label]));
    return { labels, calls: kind.calls, problem: view.cells.a?.problem };
  } finally {
    await engine.close();
  }
}

Deno.test("EN-114 'retry' of front matter: a cell that fails is tried again", async () => {
  const behaviour = {
    a: ({ attempt }: { attempt: number }) => attempt < 3 ? busy : { type: "succeeded", value: 1 },
  };
  const once = await ran("title: x", { a: [] }, behaviour as Behaviour);
  assertEquals([once.labels.a, once.calls], ["failed", ["a#1"]]);
  const retried = await ran("retry: { attempts: 3, initial: 1ms }", { a: [] }, behaviour as Behaviour);
  assertEquals([retried.labels.a, retried.calls], ["succeeded", ["a#1", "a#2", "a#3"]]);
});

Deno.test("EN-114 'errors' of front matter: a failed cell stops the run or not", async () => {
  const cells = { a: [], b: [] };
  const front = (errors: string) => `concurrency: 1\nerrors: ${errors}`;
  assertEquals((await ran(front("stop"), cells, { a: () => busy })).calls, ["a#1"]);
  assertEquals((await ran(front("continue"), cells, { a: () => busy })).calls, ["a#1", "b#1"]);
});

Deno.test("EN-114 'concurrency' of front matter: so many attempts are open at a time, four without it", async () => {
  for (const [front, expected] of [["concurrency: 2", 2], ["title: x", 4]] as const) {
    let [open, most] = [0, 0];
    const full = gate();
    const wait = async (): Promise<Outcome> => {
      most = Math.max(most, ++open);
      if (open === expected) full.open();
      await full.opened;
      // Whoever is let in too many comes in meanwhile.
      for (let i = 0; i < 20; i++) await Promise.resolve();
      open--;
      return { type: "succeeded", value: 1 };
    };
    const names = ["a", "b", "c", "d", "e", "f"];
    await ran(
      front,
      Object.fromEntries(names.map((name) => [name, []])),
      Object.fromEntries(names.map((name) => [name, wait])),
    );
    assertEquals(most, expected);
  }
});

Deno.test("EN-114 'timeout' of front matter: an attempt that takes longer fails", async () => {
  const clock = new ManualClock(Date.now());
  const { labels, problem } = await ran("timeout: 2s", { a: [] }, {
    a: async ({ signal }) => {
      // Its time counts from the first moment in which it waits for something.
      await turn();
      await clock.advance(1999);
      const early = signal.aborted;
      await clock.advance(1);
      return early || !signal.aborted ? { type: "succeeded", value: 1 } : { type: "cancelled" };
    },
  }, { clock });
  assertEquals([labels.a, problem?.category], ["failed", "timeout"]);
});

Deno.test("EN-114 'params' of front matter: a default, a given value, and one that does not fit", async () => {
  const seen: unknown[] = [];
  const behaviour: Behaviour = {
    a: ({ inputs }) => {
      seen.push(inputs.p);
      return { type: "succeeded", value: 1 };
    },
  };
  const front = "params: { p: { type: number, default: 3, max: 9 } }";
  await ran(front, { a: ["p"] }, behaviour);
  await ran(front, { a: ["p"] }, behaviour, { params: { p: 5 } });
  const refused = await ran(front, { a: ["p"] }, behaviour, { params: { p: 10 } }).catch((error) =>
    error.message
  );
  assertEquals(seen, [3, 5]);
  assertEquals(refused, "Cannot run: Param 'p' must be at most 9");
});
