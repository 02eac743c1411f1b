/** Budgets that runs share, end to end. */
import { assert, assertEquals } from "@std/assert";
import { encodeRecord } from "../../../../engine/store/codec.ts";
import { budgetEntryPrefix, budgetHolderPrefix, budgetSumKey } from "../../../../engine/store/keys.ts";
import { memoryStore } from "../../../../engine/store/memory.ts";
import type { Store } from "../../../../engine/store/store.ts";
import type { Budget } from "../../../../engine/mod.ts";
import { ManualClock } from "../../../_support/manual_clock.ts";
import { ended, happened, kept, KeptLog, pass, soon } from "../_harness.ts";
import { agents, agentsOn, uses } from "./_agents.ts";

const budget = (limits: Budget["limits"], more: Partial<Budget> = {}): Budget => ({
  name: "all",
  scope: "all",
  limits,
  warnAt: 0.8,
  onLimit: "pause",
  ...more,
});
const many = (count: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`c${i}`, { script: uses(3, 4), header: "maxTokens: 9\n" }]),
  );
const open = async (store: Store, run: string) => {
  const entries = await Array.fromAsync(store.list(budgetEntryPrefix("all")));
  const holders = await Array.fromAsync(store.list(budgetHolderPrefix(run)));
  return [
    entries.filter(({ value }) => new TextDecoder().decode(value).includes('"reserved"')).length,
    holders.length,
  ];
};

Deno.test("P8 EN-1102 EN-1105 of fifty parallel calls of two runs as many are made as the shared budget allows; raised, all go on", async () => {
  const store = memoryStore();
  const { engine, calls } = await agentsOn(kept(store), { traits: { slots: 50 } });
  await engine.budgets.make(budget({ calls: 10 }));
  const text = agents("concurrency: 50", many(25));
  const runs = [];
  for (let i = 0; i < 2; i++) runs.push((await engine.submit({ notebook: "n", text, author: "t" })).run);
  for (const run of runs) {
    while ((await engine.state(run)).label !== "held") await happened(engine, run, "step.held");
  }
  const held = await engine.budgets.get("all");
  assertEquals([calls.count, held.used.calls, held.used.tokens, held.state, held.left], [10, 10, 70, "over", {
    calls: 0,
  }]);
  assertEquals(held.reserved.calls ?? 0, 0);
  await engine.budgets.change("all", budget({ calls: 60 }));
  for (const run of runs) assertEquals((await soon(ended(engine, run))).label, "succeeded");
  const after = await engine.budgets.get("all");
  assertEquals([calls.count, after.used.calls, after.used.tokens, after.state], [50, 50, 350, "warned"]);
  for (const run of runs) assertEquals(await open(store, run), [0, 0]);
  // Σ settled is what the runs have spent.
  const spent = await Promise.all(
    runs.map(async (run) => (await engine.inspect(run)).usage.run.settled.tokens),
  );
  assertEquals(spent.reduce((a, b) => a + b), after.used.tokens);
  const lines = await engine.budgets.ledger("all", { run: runs[0]! });
  assertEquals([lines.length, lines.every(({ settled }) => settled?.tokens === 7)], [25, true]);
  await engine.close();
});

Deno.test("EN-1104 onLimit of a shared budget fails or stops what would wait", async () => {
  const { engine } = await agentsOn(memoryStore());
  for (const [onLimit, label] of [["fail", "failed"], ["stop", "stopped"]] as const) {
    await engine.budgets.make(
      budget({ tokens: 1 }, { name: onLimit, onLimit, scope: { notebook: onLimit } }),
    );
    const { run } = await engine.submit({
      notebook: onLimit,
      text: agents("title: t", many(1)),
      author: "t",
    });
    assertEquals((await soon(ended(engine, run))).label, label);
  }
  const { run } = await engine.submit({ notebook: "other", text: agents("title: t", many(1)), author: "t" });
  assertEquals((await soon(ended(engine, run))).label, "succeeded");
  await engine.close();
});

Deno.test("EN-1106 what a process that died had set aside counts in the shared ledger, and nothing is left over", async () => {
  const store = memoryStore();
  const { engine, calls } = await agentsOn(kept(store), {
    meanwhile: ({ signal }, call) =>
      call > 1 ? undefined : new Promise((resolve) => signal.addEventListener("abort", () => resolve())),
  });
  await engine.budgets.make(budget({ tokens: 30 }));
  const { run } = await engine.submit({ notebook: "n", text: agents("title: t", many(1)), author: "t" });
  await soon(happened(engine, run, "step.reserved"));
  while (calls.open === 0) await new Promise((resolve) => setTimeout(resolve));
  assertEquals((await engine.budgets.get("all")).reserved.tokens, 11);
  await engine.release(run, { force: true });
  assertEquals((await soon(ended(engine, run))).label, "succeeded");
  const { used, reserved } = await engine.budgets.get("all");
  assertEquals([used.tokens, reserved, await open(store, run)], [11 + 7, {}, [0, 0]]);
  await engine.close();
});

Deno.test("EN-1107 a ledger that cannot be read refuses the call, which waits", async () => {
  const store = memoryStore();
  const { engine, calls } = await agentsOn(kept(store));
  await engine.budgets.make(budget({ tokens: 300 }));
  const session = (await store.openSession("vandal", 15_000, ""))!;
  await store.commit(session, [], [{ key: budgetSumKey("all"), value: encodeRecord({ odd: true }) }], []);
  const { run } = await engine.submit({ notebook: "n", text: agents("title: t", many(1)), author: "t" });
  await soon(happened(engine, run, "step.held"));
  const { wait } = await engine.stepState(run, "c0");
  assertEquals([calls.count, wait?.wait], [0, "budget"]);
  assert(/cannot be read/.test(wait!.what), wait!.what);
  await engine.close();
});

Deno.test("EN-1107 a budget of a day begins anew at midnight of its zone, and what waited goes on then", async () => {
  const clock = new ManualClock();
  const log = new KeptLog();
  const { engine, calls } = await agentsOn(memoryStore(), { traits: { clock, log } });
  await engine.budgets.make(budget({ calls: 1 }, { reset: "day", timeZone: "Europe/Berlin" }));
  const { resetsAt } = await engine.budgets.get("all");
  const { run } = await engine.submit({ notebook: "n", text: agents("title: t", many(2)), author: "t" });
  await pass(clock, happened(engine, run, "step.held"), 10);
  const held = Object.keys((await engine.inspect(run)).steps);
  const waits = await Promise.all(held.map(async (step) => (await engine.stepState(run, step)).wait));
  const { until } = waits.find((wait) => wait?.wait === "budget")!;
  assert(until! >= resetsAt! && until! <= resetsAt! + 10_000);
  assertEquals((await pass(clock, ended(engine, run), 60_000)).label, "succeeded");
  assert(clock.now() >= resetsAt!);
  assertEquals([calls.count, (await engine.budgets.get("all")).used.calls], [2, 1]);
  assert(log.entries.some(({ code }) => code === "budget_over"));
  await engine.close();
});

Deno.test("EN-1108 what was used outside is recorded once by its key, above the limit too, and answered", async () => {
  const { engine } = await agentsOn(memoryStore());
  await engine.budgets.make(budget({ tokens: 100 }));
  const use = (key: string, tokens: number) => engine.budgets.use("all", { key, amounts: { tokens } });
  assertEquals(await use("a", 50), { result: "ok", left: { tokens: 50 } });
  assertEquals(await use("a", 50), { result: "ok", left: { tokens: 50 } });
  assertEquals((await use("b", 30)).result, "warned");
  assertEquals(await use("c", 90), { result: "over", left: { tokens: 0 } });
  assertEquals((await engine.budgets.get("all")).used.tokens, 170);
  assertEquals((await engine.budgets.ledger("all", {})).map(({ key }) => key), ["a", "b", "c"]);
  assertEquals((await engine.budgets.reset("all")).used.tokens, 0);
  await engine.close();
});
