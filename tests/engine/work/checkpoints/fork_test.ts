/** Going back to a checkpoint, and runs that go on from another one, on an engine. */
import { assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../../../../engine/base/errors.ts";
import type { Engine, ForkRequest } from "../../../../engine/mod.ts";
import { memoryStore } from "../../../../engine/store/memory.ts";
import { ManualClock } from "../../../_support/manual_clock.ts";
import { ended, engineOf, kept, notebookOf, pass, ScriptedKind, valuesOf } from "../_harness.ts";

const by = "ann";
const CHAIN = notebookOf({ a: [], b: ["a"], c: ["b"] });
const codeOf = async (act: Promise<unknown>) => (await assertRejects(() => act, EngineError)).code;

async function withEngine(
  kind: ScriptedKind,
  act: (at: { engine: Engine; clock: ManualClock; again: () => Promise<Engine> }) => Promise<void>,
): Promise<void> {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const engines: Engine[] = [];
  const again = async () => {
    engines.push(await engineOf(kept(store), kind, { clock }));
    return engines.at(-1)!;
  };
  try {
    await act({ engine: await again(), clock, again });
  } finally {
    for (const engine of engines) await pass(clock, engine.close());
    await store.close();
  }
}

async function done(engine: Engine, clock: ManualClock, text: string, params = {}): Promise<string> {
  const { run } = await engine.submit({ notebook: "n", text, author: "t", params });
  await pass(clock, ended(engine, run));
  return run;
}

const fork = (engine: Engine, request: Omit<ForkRequest, "author">) =>
  engine.fork({ author: "t", ...request });

Deno.test("EN-1402 a run that has ended goes back to a checkpoint, waits there over the end of its process, and goes on when it is resumed", async () => {
  const kind = new ScriptedKind();
  await withEngine(kind, async ({ engine, clock, again }) => {
    const run = await done(engine, clock, CHAIN);
    assertEquals((await engine.checkpoints(run)).map(({ id }) => id), ["level:3"]);
    await pass(clock, engine.tell(run, { type: "restoreRun", checkpoint: "cell:a", by }));
    assertEquals((await engine.state(run)).label, "paused");
    await pass(clock, engine.close());
    const next = await again();
    for (let i = 0; i < 50; i++) await clock.advance(1_000);
    assertEquals((await next.state(run)).label, "paused");
    assertEquals(kind.calls, ["a#1", "b#1", "c#1"]);
    await pass(clock, next.tell(run, { type: "resumeRun", by }));
    const view = await pass(clock, ended(next, run));
    assertEquals([view.label, valuesOf(view)], ["succeeded", { a: 1, b: 2, c: 3 }]);
    assertEquals(kind.calls, ["a#1", "b#1", "c#1", "b#2", "c#2"]);
  });
});

Deno.test("EN-1405 a fork of the same version takes over what had succeeded, and leaves its source as it is", async () => {
  const kind = new ScriptedKind();
  await withEngine(kind, async ({ engine, clock }) => {
    const run = await done(engine, clock, CHAIN);
    const before = await engine.inspect(run);
    const [last] = await engine.checkpoints(run);
    const { run: forked, differences } = await fork(engine, { run, checkpoint: "cell:a" });
    const view = await pass(clock, ended(engine, forked));
    assertEquals(Object.values(view.cells).map(({ label }) => label), ["reused", "succeeded", "succeeded"]);
    assertEquals(view.cells.a!.reusedFrom, run);
    assertEquals((await engine.inspect(forked)).origin, {
      run,
      seq: last!.seq - 2,
      checkpoint: "cell:a",
    });
    assertEquals(differences, { added: [], removed: [], changed: [], frontMatter: false });
    assertEquals(kind.calls, ["a#1", "b#1", "c#1", "b#1", "c#1"]);
    assertEquals(await engine.inspect(run), before);
    const whole = await fork(engine, { run });
    assertEquals((await pass(clock, ended(engine, whole.run))).label, "succeeded");
    assertEquals(kind.calls.length, 5, "all was taken over");
  });
});

Deno.test("EN-1405 with another param only what reads it runs, and all below", async () => {
  const text = `---\nparams:\n  p: { type: number, default: 1 }\n  q: { type: number, default: 1 }\n---\n${
    notebookOf({ a: ["p"], b: ["q"], c: ["a", "b"] })
  }`;
  const kind = new ScriptedKind();
  await withEngine(kind, async ({ engine, clock }) => {
    const run = await done(engine, clock, text, { q: 5 });
    const forked = await fork(engine, { run, params: { p: 10 } });
    const view = await pass(clock, ended(engine, forked.run));
    assertEquals(valuesOf(view), { a: 11, b: 6, c: 18 }, "q is still what the source had");
    assertEquals(kind.calls.slice(3), ["a#1", "c#1"]);
    assertEquals(await codeOf(fork(engine, { run, params: { p: "x" } })), "param_invalid");
  });
});

Deno.test("EN-1406 another version is refused with its differences, or taken: unchanged cells over, or cells by name, or the old text", async () => {
  const kind = new ScriptedKind();
  await withEngine(kind, async ({ engine, clock }) => {
    const run = await done(engine, clock, CHAIN);
    const text = notebookOf({ a: [], b: ["a"], d: ["b"] }, { b: "timeout: 5s" });
    const refused = await assertRejects(() => fork(engine, { run, text }), EngineError);
    assertEquals(refused.code, "version_mismatch");
    assertEquals(refused.problems, [{ added: ["d"], removed: ["c"], changed: ["b"], frontMatter: false }]);
    assertEquals(refused.message.includes("changed b; added d; removed c"), true);
    const labels = async (onMismatch: ForkRequest["onMismatch"]) => {
      const forked = await fork(engine, { run, text, ...(onMismatch && { onMismatch }) });
      const { cells } = await pass(clock, ended(engine, forked.run));
      return Object.entries(cells).map(([name, { label }]) => `${name} ${label}`);
    };
    assertEquals(await labels("compatible"), ["a reused", "b succeeded", "d succeeded"]);
    assertEquals(await labels("latest"), ["a reused", "b reused", "d succeeded"]);
    assertEquals(await labels("same"), ["a reused", "b reused", "c reused"]);
  });
});

Deno.test("EN-1405 a value that was given by hand is taken over as that, and what failed runs anew", async () => {
  const kind = new ScriptedKind({
    b: () => ({ type: "failed", problem: { category: "code_error", message: "no" } }),
  });
  await withEngine(kind, async ({ engine, clock }) => {
    const run = await done(engine, clock, CHAIN);
    await pass(clock, engine.tell(run, { type: "restartRun", by }));
    await pass(clock, ended(engine, run));
    const given = await engine.submit({ notebook: "n", text: CHAIN, author: "t", inputs: { a: 40 } });
    await pass(clock, ended(engine, given.run));
    const forked = await fork(engine, { run: given.run });
    const { cells } = await pass(clock, ended(engine, forked.run));
    assertEquals(Object.values(cells).map(({ label }) => label), ["supplied", "failed", "skipped"]);
  });
});

Deno.test("EN-202 EN-1405 a fork that is asked for twice by one key is one run; of another checkpoint it is refused", async () => {
  await withEngine(new ScriptedKind(), async ({ engine, clock }) => {
    const run = await done(engine, clock, CHAIN);
    const one = await fork(engine, { run, key: "k" });
    await pass(clock, ended(engine, one.run));
    assertEquals(await fork(engine, { run, key: "k" }).then(({ run, replayed }) => [run, replayed]), [
      one.run,
      true,
    ]);
    assertEquals(await codeOf(fork(engine, { run, key: "k", checkpoint: "cell:a" })), "idempotency_conflict");
    assertEquals(await codeOf(fork(engine, { run: "run_nobody" })), "run_not_found");
    assertEquals(await codeOf(fork(engine, { run, checkpoint: "cp_7" })), "checkpoint_not_found");
  });
});
