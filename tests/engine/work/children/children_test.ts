/** A notebook as a cell of another: its run, its value, and what reaches which. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Kind, Outcome } from "../../../../engine/kinds/kind.ts";
import { inboxPrefix, runPrefix } from "../../../../engine/store/keys.ts";
import { memoryStore } from "../../../../engine/store/memory.ts";
import { EngineError } from "../../../../engine/base/errors.ts";
import { ManualClock } from "../../../_support/manual_clock.ts";
import {
  ended,
  gate,
  happened,
  inboxEmptied,
  journalOf,
  kept,
  notebookOf,
  pass,
  ScriptedKind,
  soon,
  untilAborted,
  valuesOf,
} from "../_harness.ts";
import { cell, engineWith, headsOf, notebookCells, runOf } from "./_notebooks.ts";

const PART = `---\nparams: { n: { type: number, default: 1 } }\n---\n${notebookOf({ x: ["n"] })}`;
const TOP = notebookOf({ a: [] }) + cell("c", "notebook: part\nparams: { n: '{{ a }}' }") +
  notebookOf({ z: ["c"] });
const failing: Outcome = {
  type: "failed",
  problem: { category: "rate_limited", code: "later", message: "no" },
};

Deno.test("EN-810 a notebook cell is a run of the notebook with its params; the value of its last cell is the cell's", async () => {
  const store = memoryStore();
  const kind = new ScriptedKind({ a: () => ({ type: "succeeded", value: 40 }) });
  const engine = await engineWith(store, kind, { part: PART });
  const { run } = await engine.submit({ notebook: "top", text: TOP, author: "ann" });
  const view = await soon(ended(engine, run));
  assertEquals([view.label, valuesOf(view)], ["succeeded", { a: 40, c: 41, z: 42 }]);
  const { part } = await headsOf(store);
  assertEquals([part!.parent, part!.author, part!.outcome], [
    { run, step: "c", above: ["top"] },
    "ann",
    "succeeded",
  ]);
  assertEquals(view.cells.c!.child, { run: part!.id, outcome: "succeeded" });
  const below = await engine.children(run);
  assertEquals(below.map(({ id, parent, label }) => [id, parent, label]), [[
    part!.id,
    { run, step: "c" },
    "succeeded",
  ]]);
  assertEquals(await engine.children(part!.id), []);
  const types = (await journalOf(store, run)).filter((event) => "step" in event && event.step === "c")
    .map(({ type }) => type);
  assertEquals(types, [
    "step.started",
    "child.opened",
    "step.suspended",
    "child.ended",
    "step.resumed",
    "step.continued",
    "step.succeeded",
  ]);
  await engine.close();
});

Deno.test("EN-810 several last cells give an object by name", async () => {
  const engine = await engineWith(memoryStore(), new ScriptedKind(), {
    two: notebookOf({ x: [], y: ["x"], w: ["x"] }),
  });
  const { run } = await engine.submit({ notebook: "top", text: cell("c", "notebook: two"), author: "t" });
  const view = await soon(ended(engine, run));
  assertEquals(valuesOf(view), { c: { y: 2, w: 2 } });
  await engine.close();
});

Deno.test("EN-810 the category of its failure comes back, and a retry is a run of its own", async () => {
  const store = memoryStore();
  let tries = 0;
  const kind = new ScriptedKind({ x: () => ++tries < 2 ? failing : { type: "succeeded", value: "good" } });
  const retry = "retry: { attempts: 2, initial: 10ms, jitter: none, on: [rate_limited] }";
  const engine = await engineWith(store, kind, { part: notebookOf({ x: [] }) });
  const text = cell("c", `notebook: part\n${retry}`);
  const { run } = await engine.submit({ notebook: "top", text, author: "t" });
  const view = await soon(ended(engine, run));
  assertEquals([view.label, view.cells.c!.attempt, valuesOf(view).c], ["succeeded", 2, "good"]);
  const opened = (await journalOf(store, run)).filter(({ type }) => type === "child.opened");
  assertEquals(opened.length, 2);
  tries = -10;
  const other = await engine.submit({ notebook: "top", text: cell("c", "notebook: part"), author: "t" });
  const failed = await soon(ended(engine, other.run));
  assertEquals([failed.label, failed.cells.c!.problem], ["failed", {
    category: "rate_limited",
    code: "later",
    message: "part: x: no",
  }]);
  await engine.close();
});

Deno.test("C5 R an attempt that is lost after it began a run, or after it was told of its end, leaves that run to the next one", async () => {
  for (const lostIn of ["start", "result"] as const) {
    const store = kept(memoryStore());
    let lost = false;
    const loses: Kind = {
      ...notebookCells,
      run: (attempt) => {
        const { children } = attempt;
        const lose = async <T>(answer: T): Promise<T> => {
          if (!lost) {
            lost = true;
            await engine.release(attempt.run, { force: true });
          }
          return answer;
        };
        return notebookCells.run({
          ...attempt,
          children: {
            start: async (request) => await (lostIn === "start" ? lose : same)(await children.start(request)),
            result: async (child) => await (lostIn === "result" ? lose : same)(await children.result(child)),
          },
        });
      },
    };
    const same = <T>(answer: T) => Promise.resolve(answer);
    const engine = await engineWith(store, new ScriptedKind(), { part: notebookOf({ x: [] }) }, {
      kinds: [loses],
    });
    const { run } = await engine.submit({ notebook: "top", text: cell("c", "notebook: part"), author: "t" });
    const view = await soon(ended(engine, run));
    assert(lost);
    assertEquals([view.label, view.cells.c!.attempt, valuesOf(view)], ["succeeded", 2, { c: 1 }], lostIn);
    const opened = (await journalOf(store, run)).filter(({ type }) => type === "child.opened");
    assertEquals(opened.length, 1, "one run");
    assertEquals((await Array.fromAsync(store.list(runPrefix))).length, 2);
    await engine.close();
  }
});

Deno.test("C5 the end of a run whose parent nobody has wakes it in another process", async () => {
  const store = kept(memoryStore());
  const { open, opened } = gate();
  const kind = new ScriptedKind({
    x: async () => {
      await opened;
      return { type: "succeeded", value: 7 };
    },
  });
  const engine = await engineWith(store, kind, { part: notebookOf({ x: [] }) });
  const { run } = await engine.submit({ notebook: "top", text: cell("c", "notebook: part"), author: "t" });
  await soon(happened(engine, run, "run.released"));
  await engine.close();
  open();
  const next = await engineWith(store, kind, {}, { worker: "w2" });
  assertEquals(valuesOf(await soon(ended(next, run))), { c: 7 });
  await next.close();
});

Deno.test("EN-810 pause and resume, stop, cancel and skip reach the run below, and that below it", async () => {
  for (
    const [how, below] of [["cancelRun", "cancelled"], ["stopRun", "stopped"], [
      "skipStep",
      "cancelled",
    ]] as const
  ) {
    const store = memoryStore();
    const engine = await engineWith(store, new ScriptedKind({ x: untilAborted }), {
      mid: cell("m", "notebook: low"),
      low: notebookOf({ x: [] }),
    });
    const { run } = await engine.submit({ notebook: "top", text: cell("c", "notebook: mid"), author: "t" });
    const low = await runOf(store, "low");
    await soon(happened(engine, low, "step.started"));
    await engine.tell(run, { type: "pauseRun", by: "t" });
    await soon(happened(engine, low, "run.paused"));
    await engine.tell(run, { type: "resumeRun", by: "t" });
    await soon(happened(engine, low, "run.resumed"));
    if (how === "stopRun") {
      // A stopped run lets its attempts end by themselves.
      await engine.tell(run, { type: how, by: "t" });
      await soon(happened(engine, low, "run.stopping"));
      await engine.tell(low, { type: "cancelStep", step: "x", by: "t" });
    } else if (how === "skipStep") await engine.tell(run, { type: how, step: "c", by: "t" });
    else await engine.tell(run, { type: how, by: "t" });
    await soon(ended(engine, low));
    await soon(ended(engine, run));
    await inboxEmptied(store);
    const heads = await headsOf(store);
    assertEquals([heads.low!.outcome, heads.mid!.outcome], [below, below], how);
    await engine.close();
  }
});

Deno.test("EN-810 its deadline is that of the run above, also a new one", async () => {
  const store = memoryStore();
  const engine = await engineWith(store, new ScriptedKind({ x: untilAborted }), {
    low: notebookOf({ x: [] }),
  });
  const deadline = Date.now() + 3_600_000;
  const { run } = await engine.submit({
    notebook: "top",
    text: cell("c", "notebook: low"),
    author: "t",
    deadline,
  });
  const low = await runOf(store, "low");
  assertEquals((await headsOf(store)).low!.deadline, deadline);
  await engine.tell(run, { type: "changeRun", by: "t", deadline: deadline + 1 });
  await soon(happened(engine, low, "run.changed"));
  assertEquals((await headsOf(store)).low!.deadline, deadline + 1);
  await engine.tell(run, { type: "cancelRun", by: "t" });
  await soon(ended(engine, low));
  await engine.close();
});

const DEEP = Object.fromEntries(
  Array.from({ length: 9 }, (_, i) => [`n${i + 1}`, cell("c", `notebook: n${i + 2}`)]),
);
const LOOP = { top: cell("c", "notebook: mid"), mid: cell("c", "notebook: top") };
const WRONG: [string, Record<string, string>, string, string, string][] = [
  ["top", LOOP, "mid", "child_recursion", "A notebook may not run itself: top > mid > top"],
  ["n0", DEEP, "n1", "child_depth", "8 deep; n9 would be at 9"],
  ["top", {}, "none", "notebook_not_found", "No notebook has this name: none"],
];

Deno.test("EN-204 EN-810 a notebook that would run itself, lies deeper than 8, or is not there is refused before anything is written", async () => {
  for (const [notebook, others, first, code, message] of WRONG) {
    const store = memoryStore();
    const engine = await engineWith(store, new ScriptedKind(), others);
    const request = { notebook, text: cell("c", `notebook: ${first}`), author: "t" };
    const { plan, problems } = await engine.plan(request);
    assertEquals([plan, problems.map(({ code, line, cell }) => [code, line, cell])], [
      undefined,
      [[code, 1, "c"]],
    ]);
    const error = await assertRejects(() => engine.submit(request), EngineError);
    assert(error.message.includes(message), error.message);
    assertEquals(await headsOf(store), {});
    await engine.close();
  }
});

Deno.test("EN-810 so is one that became so afterwards, as its run would begin", async () => {
  for (const [notebook, others, first, code, message] of WRONG) {
    // Harmless until the run has been asked for.
    const now = Object.fromEntries(Object.keys(others).map((name) => [name, notebookOf({ x: [] })]));
    now[first] ??= notebookOf({ x: [] });
    const { open, opened } = gate();
    const kind = new ScriptedKind({
      a: async () => {
        await opened;
        return { type: "succeeded", value: 1 };
      },
    });
    const engine = await engineWith(memoryStore(), kind, now);
    const text = notebookOf({ a: [] }) + cell("c", `notebook: ${first}\nafter: [a]`);
    const { run } = await engine.submit({ notebook, text, author: "t" });
    delete now[first];
    Object.assign(now, others);
    open();
    const view = await soon(ended(engine, run));
    assertEquals([view.label, view.problem?.code], ["failed", code]);
    assert(view.problem!.message.includes(message), view.problem!.message);
    await engine.close();
  }
});

Deno.test("EN-810 a notebook that cannot run fails the cell with its reason", async () => {
  const engine = await engineWith(memoryStore(), new ScriptedKind(), { bad: notebookOf({ x: ["nobody"] }) });
  const { run } = await engine.submit({ notebook: "top", text: cell("c", "notebook: bad"), author: "t" });
  const view = await soon(ended(engine, run));
  assertEquals([view.label, view.cells.c!.problem?.code], ["failed", "notebook_invalid"]);
  await engine.close();
});

Deno.test("EN-1101 a run below has what is left of the budget above, and what it used counts there", async () => {
  const store = memoryStore();
  const kind = new ScriptedKind({
    a: () => ({
      type: "succeeded",
      value: 1,
      usage: { calls: 3, inputTokens: 10, outputTokens: 5, usdMicros: 7 },
    }),
    x: () => ({
      type: "succeeded",
      value: 1,
      usage: { calls: 2, inputTokens: 4, outputTokens: 2, usdMicros: 1 },
    }),
  });
  const engine = await engineWith(store, kind, { part: notebookOf({ x: [] }) });
  const text = `---\nlimits: { calls: 10, tokens: 100 }\n---\n${notebookOf({ a: [] })}` +
    cell("c", "notebook: part\nafter: [a]");
  const { run } = await engine.submit({ notebook: "top", text, author: "t" });
  const view = await soon(ended(engine, run));
  const { calls, tokens, usdMicros } = view.spend!.spent;
  assertEquals([calls, tokens, usdMicros], [5, 21, 8]);
  const part = (await headsOf(store)).part!.id;
  assertEquals((await engine.view(part)).spend?.limits, { calls: 7, tokens: 85 });
  await engine.close();
});

Deno.test("Y4 nobody can answer for a run below", async () => {
  const store = memoryStore();
  const engine = await engineWith(store, new ScriptedKind({ x: untilAborted }), {
    part: notebookOf({ x: [] }),
  });
  const { run } = await engine.submit({ notebook: "top", text: cell("c", "notebook: part"), author: "t" });
  await soon(happened(engine, run, "step.suspended"));
  const part = await runOf(store, "part");
  const { result } = await engine.tell(run, { type: "applySignal", name: part, by: "eve" });
  assertEquals(result?.answer, "buffered");
  assertEquals((await engine.stepState(run, "c")).label, "suspended");
  const { waitpoint } = (await engine.view(run)).cells.c!.waits!;
  const error = await assertRejects(
    () => engine.tell(run, { type: "applySignal", name: part, by: "eve", waitpoint }),
    EngineError,
  );
  assertEquals(error.code, "waitpoint_closed");
  await engine.tell(run, { type: "cancelRun", by: "t" });
  await soon(ended(engine, part));
  assertEquals((await Array.fromAsync(store.list(inboxPrefix()))).length <= 1, true);
  await engine.close();
});

Deno.test("EN-810 a process that runs only what is its own also runs what that begins, and what an earlier one left of it", async () => {
  const store = kept(memoryStore());
  const others = { mid: cell("m", "notebook: low"), low: notebookOf({ x: [] }) };
  const first = await engineWith(store, new ScriptedKind({ x: untilAborted }), others, { only: [] });
  const { run } = await first.submit({ notebook: "top", text: cell("c", "notebook: mid"), author: "t" });
  const low = await runOf(store, "low");
  await soon(happened(first, low, "step.started"));
  await first.close();
  const next = await engineWith(store, new ScriptedKind(), others, { only: [run], worker: "w2" });
  assertEquals(valuesOf(await soon(ended(next, run))), { c: 1 });
  await next.close();
});

Deno.test("EN-1011 a cell whose time is over fails, and its run is cancelled", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const engine = await engineWith(store, new ScriptedKind({ x: untilAborted }), {
    part: notebookOf({ x: [] }, { x: "timeout: 0" }),
  }, {
    clock,
  });
  const text = cell("c", "notebook: part\ntimeout: 1h");
  const { run } = await engine.submit({ notebook: "top", text, author: "t" });
  await pass(clock, happened(engine, run, "step.suspended"), 1);
  const view = await pass(clock, ended(engine, run), 60_000);
  assertEquals([view.label, view.cells.c!.problem?.code], ["failed", "wait_timeout"]);
  const part = await pass(clock, ended(engine, (await headsOf(store)).part!.id));
  assertEquals(part.label, "cancelled");
  await pass(clock, engine.close());
});

Deno.test("EN-606 a restart of the run above begins another run below", async () => {
  const store = memoryStore();
  let broken = true;
  const kind = new ScriptedKind({ x: () => broken ? failing : { type: "succeeded", value: 5 } });
  const engine = await engineWith(store, kind, { part: notebookOf({ x: [] }) });
  const { run } = await engine.submit({ notebook: "top", text: cell("c", "notebook: part"), author: "t" });
  await soon(ended(engine, run));
  broken = false;
  await engine.tell(run, { type: "restartRun", by: "t" });
  const view = await soon(ended(engine, run));
  assertEquals([view.label, valuesOf(view)], ["succeeded", { c: 5 }]);
  assertEquals((await engine.children(run)).map(({ label }) => label), ["failed", "succeeded"]);
  await engine.close();
});

Deno.test("EN-2401 EN-808 a run has 100 runs of its own under way at most; those that are there all end with it, in one commit", async () => {
  const store = memoryStore();
  const items = Array.from({ length: 104 }, (_, i) => i);
  const kind = new ScriptedKind({ a: () => ({ type: "succeeded", value: items }), x: untilAborted });
  const engine = await engineWith(store, kind, { part: PART }, { slots: 300 });
  const header =
    "notebook: part\nparams: { n: '{{ item }}' }\neach: { in: a, concurrency: 200, errors: continue }";
  const { run } = await engine.submit({
    notebook: "top",
    text: notebookOf({ a: [] }) + cell("c", header),
    author: "t",
  });
  const failed: string[] = [];
  let begun = 0;
  for await (const group of engine.follow(run, { signal: AbortSignal.timeout(30_000) })) {
    for (const item of group.items) {
      if (item.kind !== "event") continue;
      if (item.event.type === "child.opened") begun++;
      if (item.event.type === "step.failed") failed.push(item.event.problem.message);
    }
    if (begun === 100 && failed.length === 4) break;
  }
  assert(failed[0]!.includes("has 100 runs of its own under way, which is the most"), failed[0]);
  await engine.tell(run, { type: "cancelRun", by: "t" });
  assertEquals((await ended(engine, run)).label, "cancelled");
  await inboxEmptied(store);
  const below = await engine.children(run);
  for (const { id } of below) await ended(engine, id);
  assertEquals((await engine.children(run)).map(({ label }) => label), Array(100).fill("cancelled"));
  await engine.close();
});
