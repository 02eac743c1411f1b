/** Lists of what is waited for, tokens for signals, the kind `wait`, and what goes with a run. */
import { assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../../../../engine/base/errors.ts";
import { openWaitpointPrefix, runKey, waitpointPrefix } from "../../../../engine/store/keys.ts";
import { memoryStore } from "../../../../engine/store/memory.ts";
import { deleteRun } from "../../../../engine/work/upkeep/delete_run.ts";
import { ManualClock } from "../../../_support/manual_clock.ts";
import { ended, engineOf, happened, kept, notebookOf, pass, ScriptedKind, soon } from "../_harness.ts";
import { benchOf } from "../upkeep/_harness.ts";
import { suspendedRun, waitingEngine, waitingNotebook } from "./_approvals.ts";

async function refused(promise: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => promise, EngineError)).code;
}

Deno.test("AP-801 AP-806 what is open is listed over all runs by what it waits for, and goes from the list when it closes", async () => {
  const store = memoryStore();
  const engine = await waitingEngine({ store });
  const one = await suspendedRun(engine, "approval", "ask: Go?");
  const two = await suspendedRun(engine, "wait", "signal: paid");
  const ids = async (wait?: "signal" | "approval") =>
    (await engine.waitpoints.list(wait === undefined ? {} : { wait })).map(({ id }) => id);
  assertEquals(await ids(), [one.waitpoint.id, two.waitpoint.id]);
  assertEquals([await ids("approval"), await ids("signal")], [[one.waitpoint.id], [two.waitpoint.id]]);
  await engine.tell(two.run, { type: "applySignal", name: "paid", by: "ann" });
  await ended(engine, two.run);
  assertEquals(await ids("signal"), []);
  const [closed] = await engine.waitpoints.list({ run: two.run, closed: true });
  assertEquals(closed?.closedAt !== undefined, true);
  await engine.tell(one.run, { type: "cancelRun", by: "ann" });
  await ended(engine, one.run);
  assertEquals(await ids(), [], "EN-603 a cancelled run waits for nobody");
  assertEquals((await engine.waitpoints.approval(one.waitpoint.id)).state, "closed");
  await engine.close();
});

Deno.test("EN-1004 EN-1006 a token sends signals to its waitpoint and to no other, and the key names one for good", async () => {
  const engine = await waitingEngine();
  const { run, waitpoint: { id } } = await suspendedRun(
    engine,
    "wait",
    "signal: paid\nmatch: { state: done }",
  );
  const other = await suspendedRun(engine, "wait", "signal: paid");
  const { token } = await engine.waitpoints.token(id);
  const send = (payload: { state: string }, key?: string) =>
    engine.waitpoints.signal(id, token, { name: "paid", payload, ...(key === undefined ? {} : { key }) });
  assertEquals(await refused(engine.waitpoints.signal(other.waitpoint.id, token, {})), "token_invalid");
  assertEquals(await refused(engine.waitpoints.signal("wp_0_1", token, {})), "token_invalid");
  assertEquals((await send({ state: "open" }, "k1")).answer, "ignored");
  assertEquals((await send({ state: "done" }, "k2")).answer, "applied");
  await ended(engine, run);
  assertEquals(await engine.value(run, "ok"), { state: "done" });
  assertEquals(await send({ state: "done" }, "k2"), { answer: "applied", needs: [], replayed: true });
  assertEquals(await refused(send({ state: "done" })), "waitpoint_closed");
  await engine.close();
});

Deno.test("EN-1013 a signal by token is no decision", async () => {
  const engine = await waitingEngine();
  const { waitpoint: { id } } = await suspendedRun(engine, "approval", "ask: Go?");
  const { token } = await engine.waitpoints.token(id);
  assertEquals(await refused(engine.waitpoints.signal(id, token, { name: "approve" })), "waitpoint_closed");
  assertEquals((await engine.waitpoints.approval(id)).state, "open");
  await engine.close();
});

Deno.test("EN-1015 AP-805 an operator resumes and closes by waitpoint, and a second time finds it closed", async () => {
  const engine = await waitingEngine();
  const { run, waitpoint: { id } } = await suspendedRun(engine, "wait", "signal: paid");
  await engine.waitpoints.operate(id, "resume", "ann", "they called", 5);
  await ended(engine, run);
  assertEquals(await engine.value(run, "ok"), 5);
  assertEquals(await refused(engine.waitpoints.operate(id, "close", "ann", "again")), "not_suspended");
  await engine.close();
});

Deno.test("EN-1001 a wait for a time gives its slot back and ends then; one for the past ends at once", async () => {
  const clock = new ManualClock();
  const engine = await waitingEngine({ clock });
  const run = async (header: string) => {
    const from = clock.now();
    const { run } = await engine.submit({
      notebook: "n",
      text: waitingNotebook("wait", header),
      author: "t",
    });
    const view = await pass(clock, ended(engine, run), 500);
    return [view.label, Math.floor((view.cells.ok!.endedAt! - from) / 1_000)];
  };
  assertEquals(await run("for: 3s"), ["succeeded", 3]);
  assertEquals(await run(`until: ${new Date(clock.now() + 5_000).toISOString()}`), ["succeeded", 5]);
  assertEquals(await run("until: 2020-01-01T00:00:00Z"), ["succeeded", 0]);
  assertEquals((await run("until: 2020-01-01T00:00"))[0], "failed");
  await pass(clock, engine.close());
});

Deno.test("EN-1009 a wait for several senders gives what each has sent", async () => {
  const engine = await waitingEngine();
  const { run } = await suspendedRun(engine, "wait", "signal: vote\ncount: 2\ndistinct: sources");
  const vote = (by: string, payload: string) =>
    engine.tell(run, { type: "applySignal", name: "vote", by, payload });
  assertEquals((await vote("ann", "yes")).result?.needs, [{ names: ["vote"], count: 1 }]);
  await vote("ann", "no");
  await vote("ben", "yes");
  await ended(engine, run);
  const votes = await engine.value(run, "ok") as { source: string; payload: string }[];
  assertEquals(votes.map(({ source, payload }) => [source, payload]), [["ann", "yes"], ["ben", "yes"]]);
  await engine.close();
});

Deno.test("C4 a run that ends with very many waitpoints ends in one turn, and none of them is listed", async () => {
  const store = memoryStore();
  const cells = Object.fromEntries(Array.from({ length: 700 }, (_, i) => [`c${i}`, []]));
  const wait = { type: "suspended", wait: "signal", condition: { type: "signal", name: "never" } } as const;
  const behaviour = Object.fromEntries(Object.keys(cells).map((name) => [name, () => wait]));
  const engine = await engineOf(store, new ScriptedKind(behaviour));
  const { run } = await engine.submit({
    notebook: "n",
    text: `---\nconcurrency: 50\n---\n${notebookOf(cells)}`,
    author: "t",
  });
  await soon(happened(engine, run, "run.released"));
  assertEquals((await engine.waitpoints.list({ limit: 1_000 })).length, 700);
  await engine.tell(run, { type: "cancelRun", by: "ann" });
  assertEquals((await ended(engine, run)).label, "cancelled");
  assertEquals((await engine.waitpoints.list({ limit: 1_000 })).length, 0);
  await engine.close();
});

Deno.test("EN-1901 SG-113 with a run go its waitpoints and their places in the list; who approved what stays", async () => {
  const store = kept(memoryStore());
  const engine = await waitingEngine({ store });
  const approval = await suspendedRun(engine, "approval", "ask: Go?");
  const signal = await suspendedRun(engine, "wait", "signal: paid");
  await engine.waitpoints.decide(approval.waitpoint.id, "ann", { decision: "approve" });
  await engine.tell(signal.run, { type: "cancelRun", by: "ann" });
  for (const { run } of [approval, signal]) await ended(engine, run);
  await engine.close();
  const { ports } = await benchOf(store, new ManualClock());
  for (const { run } of [approval, signal]) {
    const [head] = await store.get([runKey(run)]);
    assertEquals(await deleteRun(ports, head!), true);
  }
  const left = await Array.fromAsync(store.list(waitpointPrefix()), ({ key }) => key[2]);
  assertEquals(left, [approval.waitpoint.id]);
  for (const wait of ["signal", "approval"]) {
    assertEquals(await Array.fromAsync(store.list(openWaitpointPrefix(wait))), []);
  }
});
