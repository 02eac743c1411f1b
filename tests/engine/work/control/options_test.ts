/** What a request may say beside the notebook, and values that do not come from the cells themselves. */
import { assertEquals } from "@std/assert";
import { snapshotKey } from "../../../../engine/store/keys.ts";
import { memoryStore } from "../../../../engine/store/memory.ts";
import { ManualClock } from "../../../_support/manual_clock.ts";
import {
  ended,
  engineOf,
  gate,
  happened,
  kept,
  notebookOf,
  pass,
  ScriptedKind,
  valuesOf,
} from "../_harness.ts";

const fails = (category: "network" | "code_error") => () =>
  ({ type: "failed", problem: { category, message: "no\nstack" } }) as const;

Deno.test("EN-206 a cell runs alone with inputs given by hand; what leads to them does not run", async () => {
  const clock = new ManualClock();
  const kind = new ScriptedKind();
  const engine = await engineOf(memoryStore({ clock }), kind, { clock });
  const text = notebookOf({ a: [], b: ["a"], c: ["b"], d: ["c"] });
  const { run } = await engine.submit({ notebook: "n", text, author: "t", cells: ["c"], inputs: { b: 10 } });
  const view = await pass(clock, ended(engine, run), 1);
  assertEquals([valuesOf(view), kind.calls], [{ b: 10, c: 11 }, ["c#1"]]);
  assertEquals([view.cells.b!.label, view.cells.b!.reusedFrom], ["supplied", undefined]);
  const { plan } = await engine.plan({ notebook: "n", text, cells: ["d"] });
  assertEquals(
    plan?.steps.map(({ action }) => action),
    ["run", "run", "run", "run"],
    "nothing of it is reused",
  );
  const unknown = await engine.plan({ notebook: "n", text, inputs: { x: 1 } });
  assertEquals(unknown.problems.map(({ code }) => code), ["cell_unknown"]);
  await pass(clock, engine.close());
});

Deno.test("EN-112 an input given by hand may be large", async () => {
  const clock = new ManualClock();
  const kind = new ScriptedKind({
    b: ({ inputs }) => ({ type: "succeeded", value: String(inputs.a).length }),
  });
  const engine = await engineOf(memoryStore({ clock }), kind, { clock });
  const text = notebookOf({ a: [], b: ["a"] });
  const inputs = { a: "é".repeat(200_000) };
  const { run } = await engine.submit({ notebook: "n", text, author: "t", inputs });
  assertEquals(valuesOf(await pass(clock, ended(engine, run), 1)).b, 200_000);
  await pass(clock, engine.close());
});

Deno.test("EN-208 what a request says beats the cell, and that the notebook", async () => {
  const clock = new ManualClock();
  const kind = new ScriptedKind({ a: fails("network") });
  const engine = await engineOf(memoryStore({ clock }), kind, { clock });
  const text = `---\nweft: 1\nerrors: stop\n---\n\n${
    notebookOf({ a: [], b: [] }, { a: "retry: { attempts: 1 }" })
  }`;
  const overrides = {
    errors: "continue",
    retry: { attempts: 3, initial: "1s", jitter: "none" },
    concurrency: 1,
  } as const;
  const { run } = await engine.submit({ notebook: "n", text, author: "t", overrides });
  const view = await pass(clock, ended(engine, run));
  assertEquals([view.label, kind.calls], ["partial", ["a#1", "b#1", "a#2", "a#3"]]);
  await pass(clock, engine.close());
});

Deno.test("EN-704 a fallback turns a final failure into a success with a warning, which no later run reuses", async () => {
  const clock = new ManualClock();
  const kind = new ScriptedKind({ a: fails("network") });
  const engine = await engineOf(memoryStore({ clock }), kind, { clock });
  const text = notebookOf({ a: [], b: ["a"] }, {
    a: "retry: { attempts: 2, initial: 1s, jitter: none }\nfallback: { value: 40 }",
  });
  const { run } = await engine.submit({ notebook: "n", text, author: "t" });
  const view = await pass(clock, ended(engine, run));
  assertEquals([view.label, valuesOf(view), kind.calls], ["succeeded", { a: 40, b: 41 }, [
    "a#1",
    "a#2",
    "b#1",
  ]]);
  const { label, warnings } = view.cells.a!;
  assertEquals([label, warnings?.[0]?.severity, warnings?.[0]?.message.includes("no")], [
    "warned",
    "high",
    true,
  ]);
  const { plan } = await engine.plan({ notebook: "n", text, cells: ["b"] });
  assertEquals(plan?.steps.map(({ action }) => action), ["run", "run"]);
  await pass(clock, engine.close());
});

Deno.test("EN-208 R09 a higher priority is claimed first, until a lower one has waited longer than its head start", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const client = await engineOf(kept(store), new ScriptedKind(), { clock, worker: null });
  const submit = async (author: string, priority?: number) =>
    (await client.submit({ notebook: "n", text: notebookOf({ [author]: [] }), author, priority })).run;
  await submit("old", 0);
  await clock.advance(99 * 60_000);
  await submit("low", 40);
  await submit("usual");
  await submit("high", 99);
  const kind = new ScriptedKind();
  const engine = await engineOf(store, kind, { clock });
  for (const { id } of await engine.runs({})) await pass(clock, ended(engine, id), 1);
  assertEquals(kind.calls, ["old#1", "high#1", "usual#1", "low#1"]);
  await pass(clock, engine.close());
});

Deno.test("EN-109 S1 a long run is opened from its snapshot, and one that cannot be used is passed over", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const hold = gate();
  const cells = Object.fromEntries(
    Array.from({ length: 300 }, (_, i) => [`c${i}`, i === 0 ? [] : [`c${i - 1}`]]),
  );
  const kind = new ScriptedKind({ c299: async () => (await hold.opened, { type: "succeeded", value: 0 }) });
  const before = await engineOf(kept(store), kind, { clock });
  const { run } = await before.submit({ notebook: "n", text: notebookOf(cells), author: "t" });
  await pass(clock, happened(before, run, "step.started", "c299"), 1);
  const whole = await before.state(run);
  const [entry] = await store.get([snapshotKey(run)]);
  assertEquals(entry === undefined, false, "there is one");
  const session = (await store.openSession("test", 15_000, ""))!;
  await store.commit(session, [], [], [snapshotKey(run)]);
  assertEquals(await before.state(run), whole, "the journal alone says the same");
  await store.commit(session, [], [{ key: snapshotKey(run), value: new Uint8Array([9]) }], []);
  assertEquals(await before.state(run), whole, "and does so beside one that cannot be read");
  hold.open();
  assertEquals((await pass(clock, ended(before, run), 1)).label, "succeeded");
  await pass(clock, before.close());
});
