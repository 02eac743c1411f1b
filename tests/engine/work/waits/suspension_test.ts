/** Suspensions on a whole engine: they hold nothing, and signals find them wherever their run is. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../../../../engine/base/errors.ts";
import type { Outcome } from "../../../../engine/kinds/kind.ts";
import type { Engine } from "../../../../engine/mod.ts";
import { leaseKey, readyPrefix, timerPrefix } from "../../../../engine/store/keys.ts";
import { memoryStore } from "../../../../engine/store/memory.ts";
import type { Store } from "../../../../engine/store/store.ts";
import { ManualClock } from "../../../_support/manual_clock.ts";
import {
  ended,
  engineOf,
  happened,
  journalOf,
  kept,
  notebookOf,
  pass,
  ScriptedKind,
  soon,
} from "../_harness.ts";

const ONE = notebookOf({ a: [] });
const FOR_GO: Outcome = { type: "suspended", wait: "signal", condition: { type: "signal", name: "go" } };
const patient = (more: Partial<Extract<Outcome, { type: "suspended" }>> = {}) => {
  const seen: unknown[] = [];
  const kind = new ScriptedKind({
    a: ({ attempt, saved, signals }) => {
      seen.push([attempt, saved, signals?.map(({ name, source, payload }) => [name, source, payload])]);
      return signals === undefined ? { ...FOR_GO, ...more } : { type: "succeeded", value: "done" };
    },
  });
  return { kind, seen };
};
const go = { type: "applySignal", name: "go", by: "ann" } as const;

async function places(store: Store, run: string): Promise<unknown[]> {
  const count = async (prefix: Parameters<Store["list"]>[0]) =>
    (await Array.fromAsync(store.list(prefix))).length;
  const lease = (await store.get([leaseKey(run)]))[0] !== undefined;
  return [lease, await count(readyPrefix("default")), await count(timerPrefix)];
}

async function submitted(engine: Engine): Promise<string> {
  return (await engine.submit({ notebook: "n", text: ONE, author: "t" })).run;
}

Deno.test("EN-1001 a run that only waits for a signal leaves memory at once with nothing to look for; the signal brings it back", async () => {
  const store = memoryStore();
  const { kind, seen } = patient({ saved: { page: 2 } });
  const engine = await engineOf(store, kind);
  const run = await submitted(engine);
  await soon(happened(engine, run, "run.released"));
  assertEquals(await places(store, run), [false, 0, 0]);
  assertEquals((await engine.state(run)).label, "waiting");
  const told = await engine.tell(run, { ...go, payload: { n: 3 } });
  assertEquals(told.result, { answer: "applied", needs: [] });
  assertEquals((await ended(engine, run)).label, "succeeded");
  assertEquals(seen, [[1, undefined, undefined], [1, { page: 2 }, [["go", "ann", { n: 3 }]]]]);
  await engine.close();
});

Deno.test("R14 T3 a signal before the suspension is accepted and counts, whatever its size", async () => {
  const store = memoryStore();
  const large = "x".repeat(100_000);
  const opened = Promise.withResolvers<void>();
  const began = Promise.withResolvers<void>();
  const kind = new ScriptedKind({
    a: async ({ signals }) => {
      if (signals !== undefined) {
        return { type: "succeeded", value: (signals[0]!.payload as { text: string }).text.length };
      }
      began.resolve();
      await opened.promise;
      return { ...FOR_GO, condition: { type: "signal", name: "go", match: { state: "paid" } } };
    },
  });
  const engine = await engineOf(store, kind);
  const run = await submitted(engine);
  await soon(began.promise);
  const { result } = await engine.tell(run, { ...go, payload: { state: "paid", text: large } });
  assertEquals(result?.answer, "buffered");
  opened.resolve();
  const view = await ended(engine, run);
  assertEquals([view.label, view.cells.a!.value], ["succeeded", { inline: 100_000 }]);
  const types = (await journalOf(store, run)).map(({ type }) => type);
  assert(!types.includes("step.suspended"), "it kept its slot");
  await engine.close();
});

Deno.test("R15 EN-1005 the signal that resumed gets its first answer again by its key, also after the end", async () => {
  const { kind } = patient();
  const engine = await engineOf(memoryStore(), kind);
  const run = await submitted(engine);
  await soon(happened(engine, run, "run.released"));
  const first = await engine.tell(run, { ...go, signalKey: "k" });
  await ended(engine, run);
  const again = await engine.tell(run, { ...go, signalKey: "k" });
  assertEquals([first.result, again.result], [
    { answer: "applied", needs: [] },
    { answer: "applied", needs: [], replayed: true },
  ]);
  const error = await assertRejects(() => engine.tell(run, go), EngineError);
  assertEquals(error.code, "waitpoint_closed");
  await engine.close();
});

Deno.test("EN-511 P12 a signal that is told again with the key of its command is told once, and another one conflicts", async () => {
  const { kind } = patient();
  const engine = await engineOf(memoryStore(), kind);
  const run = await submitted(engine);
  await soon(happened(engine, run, "run.released"));
  const first = await engine.tell(run, { ...go, payload: 1 }, { key: "k" });
  const again = await engine.tell(run, { ...go, payload: 1 }, { key: "k" });
  assertEquals([again.command, again.replayed, again.result], [first.command, true, first.result]);
  const error = await assertRejects(() => engine.tell(run, { ...go, payload: 2 }, { key: "k" }), EngineError);
  assertEquals(error.code, "idempotency_conflict");
  await ended(engine, run);
  await engine.close();
});

Deno.test("T3 a signal from a process that runs nothing finds the run of another, and one that nobody owns", async () => {
  const store = kept(memoryStore());
  const { kind } = patient();
  const engine = await engineOf(store, kind);
  const run = await submitted(engine);
  await soon(happened(engine, run, "run.released"));
  const other = await engineOf(store, new ScriptedKind(), { worker: null });
  const told = await other.tell(run, go, { waitMs: 5_000 });
  assertEquals([told.state, told.result?.answer], ["applied", "applied"]);
  assertEquals((await ended(engine, run)).label, "succeeded");
  await other.close();
  await engine.close();
});

Deno.test("T3 EN-1001 what waits survives its process, and goes on with its signal in the next one", async () => {
  const store = kept(memoryStore());
  const first = patient({ saved: 1 });
  const engine = await engineOf(store, first.kind);
  const run = await submitted(engine);
  await soon(happened(engine, run, "step.suspended"));
  await engine.close();
  const second = patient();
  const next = await engineOf(store, second.kind, { worker: "w2" });
  await next.tell(run, { ...go, payload: 7 });
  assertEquals((await ended(next, run)).label, "succeeded");
  assertEquals(second.seen, [[1, 1, [["go", "ann", 7]]]]);
  await next.close();
});

Deno.test("EN-1011 T1 a timeout is one timer entry while nobody has the run, and fires then", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const { kind } = patient({ timeout: { ms: 3_600_000, then: "fail" } });
  const engine = await engineOf(store, kind, { clock });
  const run = await submitted(engine);
  await pass(clock, happened(engine, run, "run.released"), 1);
  assertEquals(await places(store, run), [false, 0, 1]);
  const { due } = (await journalOf(store, run)).find((event) => event.type === "step.suspended")!;
  const view = await pass(clock, ended(engine, run), 30_000);
  assertEquals([view.label, view.cells.a!.problem?.code], ["failed", "wait_timeout"]);
  assert(view.endedAt! >= due!, "never early");
  await pass(clock, engine.close());
});

Deno.test("EN-1009 a condition that cannot be waited for fails its attempt, and so does one that fits no record", async () => {
  const cases: [Outcome, string][] = [
    [{ ...FOR_GO, condition: { type: "allOf", of: [] } }, "condition_invalid"],
    [{ ...FOR_GO, condition: { type: "signal", name: "go", match: "x".repeat(10_000) } }, "record_too_large"],
  ];
  for (const [outcome, code] of cases) {
    const engine = await engineOf(memoryStore(), new ScriptedKind({ a: () => outcome }));
    const view = await ended(engine, await submitted(engine));
    assertEquals([view.label, view.cells.a!.problem?.code], ["failed", code]);
    await engine.close();
  }
});

Deno.test("EN-1015 an operator resumes a suspension, and another closes one", async () => {
  const { kind, seen } = patient();
  const engine = await engineOf(memoryStore(), kind);
  const run = await submitted(engine);
  await soon(happened(engine, run, "run.released"));
  await engine.tell(run, {
    type: "resumeSuspension",
    step: "a",
    payload: "by hand",
    by: "ann",
    reason: "it is late",
  });
  assertEquals((await ended(engine, run)).label, "succeeded");
  assertEquals(seen[1], [1, undefined, [["operator", "ann", "by hand"]]]);
  const other = await submitted(engine);
  await soon(happened(engine, other, "run.released"));
  await engine.tell(other, { type: "closeSuspension", step: "a", by: "ann" });
  assertEquals((await ended(engine, other)).cells.a!.problem?.code, "wait_closed");
  await engine.close();
});
