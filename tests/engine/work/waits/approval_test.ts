/** Approvals from the question to the value, and who may give the answer. */
import { assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../../../../engine/base/errors.ts";
import type { Engine } from "../../../../engine/mod.ts";
import { ManualClock } from "../../../_support/manual_clock.ts";
import { memoryStore } from "../../../../engine/store/memory.ts";
import { ended, happened, journalOf, pass, soon } from "../_harness.ts";
import { suspendedRun, waitingEngine, waitingNotebook } from "./_approvals.ts";

async function refused(promise: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => promise, EngineError)).code;
}

async function valueOf(engine: Engine, run: string): Promise<Record<string, unknown>> {
  assertEquals((await ended(engine, run)).label, "succeeded");
  const { at: _, ...value } = await engine.value(run, "ok") as Record<string, unknown>;
  return value;
}

Deno.test("EN-1013 an approval shows what it asks with placeholders filled in, and its value says who approved what", async () => {
  const engine = await waitingEngine({
    behaviour: { draft: () => ({ type: "succeeded", value: { words: 40 } }) },
  });
  const { run, waitpoint } = await suspendedRun(
    engine,
    "approval",
    'ask: "Publish {{ draft }}?"\nvalue: "{{ draft }}"',
  );
  const approval = await engine.waitpoints.approval(waitpoint.id);
  assertEquals([approval.ask, approval.value, approval.state, approval.needed], [
    'Publish {\n  "words": 40\n}?',
    { words: 40 },
    "open",
    1,
  ]);
  const answer = await engine.waitpoints.decide(waitpoint.id, "ann", { decision: "approve", note: "fine" });
  assertEquals(answer, { state: "approved", needed: 0 });
  assertEquals(await valueOf(engine, run), {
    approved: true,
    value: { words: 40 },
    by: ["ann"],
    note: "fine",
  });
  await engine.close();
});

Deno.test("EN-1013 a rejection fails its step as refused, with the note, unless the cell goes on", async () => {
  const engine = await waitingEngine();
  const { run, waitpoint } = await suspendedRun(engine, "approval", "ask: Go?");
  await engine.waitpoints.decide(waitpoint.id, "ann", { decision: "reject", note: "not yet" });
  const view = await ended(engine, run);
  const { category, message } = view.cells.ok!.problem!;
  assertEquals([view.label, category, message], ["failed", "refused", "ann rejected it: not yet"]);
  const other = await suspendedRun(engine, "approval", "ask: Go?\nonReject: continue");
  await engine.waitpoints.decide(other.waitpoint.id, "ann", { decision: "reject" });
  assertEquals(await valueOf(engine, other.run), { approved: false, value: null, by: ["ann"], note: null });
  await engine.close();
});

Deno.test("EN-1013 a value is changed only as the schema allows, and a rejection carries none", async () => {
  const engine = await waitingEngine();
  const header = "ask: How many?\nvalue: 1\nschema: { type: integer, minimum: 1 }";
  const { run, waitpoint } = await suspendedRun(engine, "approval", header);
  const decide = (value: number, decision: "approve" | "reject" = "approve") =>
    engine.waitpoints.decide(waitpoint.id, "ann", { decision, value });
  assertEquals(await refused(decide(0)), "schema_invalid");
  assertEquals(await refused(decide(2, "reject")), "schema_invalid");
  await decide(2);
  assertEquals((await valueOf(engine, run)).value, 2);
  const bare = await suspendedRun(engine, "approval", "ask: Go?");
  assertEquals(
    await refused(engine.waitpoints.decide(bare.waitpoint.id, "ann", { decision: "approve", value: 1 })),
    "schema_invalid",
  );
  await engine.close();
});

Deno.test("EN-1013 only deciders decide, twoPerson keeps out whoever started the run, and links serve neither", async () => {
  const engine = await waitingEngine();
  const named = await suspendedRun(engine, "approval", "ask: Go?\ndeciders: [ann]");
  const two = await suspendedRun(engine, "approval", "ask: Go?\ntwoPerson: true", "rita");
  const decide = (id: string, by: string) => engine.waitpoints.decide(id, by, { decision: "approve" });
  assertEquals(await refused(decide(named.waitpoint.id, "ben")), "not_approver");
  assertEquals(await refused(decide(two.waitpoint.id, "rita")), "not_approver");
  for (const { waitpoint } of [named, two]) {
    const { link } = await engine.waitpoints.token(waitpoint.id);
    assertEquals(
      await refused(engine.waitpoints.decideByLink(link, { decision: "approve" })),
      "not_approver",
    );
  }
  await decide(named.waitpoint.id, "ann");
  await decide(two.waitpoint.id, "ben");
  for (const { run } of [named, two]) assertEquals((await ended(engine, run)).label, "succeeded");
  await engine.close();
});

Deno.test("EN-1013 as many different people approve as are needed, each once, and a second answer is refused", async () => {
  const engine = await waitingEngine();
  const { run, waitpoint: { id } } = await suspendedRun(engine, "approval", "ask: Go?\nneeded: 2");
  assertEquals(await engine.waitpoints.decide(id, "ann", { decision: "approve" }), {
    state: "open",
    needed: 1,
  });
  assertEquals(
    await refused(engine.waitpoints.decide(id, "ann", { decision: "approve" })),
    "approval_decided",
  );
  assertEquals((await engine.waitpoints.approval(id)).waitpoint.answers.map(({ source }) => source), ["ann"]);
  assertEquals(await engine.waitpoints.decide(id, "ben", { decision: "approve" }), {
    state: "approved",
    needed: 0,
  });
  assertEquals((await valueOf(engine, run)).by, ["ann", "ben"]);
  const error = await assertRejects(
    () => engine.waitpoints.decide(id, "cleo", { decision: "reject" }),
    EngineError,
  );
  assertEquals([error.code, /^Already answered by ben at /.test(error.message)], ["approval_decided", true]);
  await engine.close();
});

Deno.test("SE-1201 of two answers at once one wins", async () => {
  const engine = await waitingEngine();
  const { run, waitpoint: { id } } = await suspendedRun(engine, "approval", "ask: Go?\nonReject: continue");
  const both = await Promise.allSettled([
    engine.waitpoints.decide(id, "ann", { decision: "approve" }),
    engine.waitpoints.decide(id, "ben", { decision: "reject" }),
  ]);
  assertEquals(both.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"]);
  const { approved, by } = await valueOf(engine, run);
  assertEquals([approved, by], both[0]!.status === "fulfilled" ? [true, ["ann"]] : [false, ["ben"]]);
  await engine.close();
});

Deno.test("EN-1003 R24 a link decides once; a wrong one and one for nothing get the same answer, one past its time another", async () => {
  const clock = new ManualClock();
  const engine = await waitingEngine({ clock });
  const { run, waitpoint } = await suspendedRun(engine, "approval", "ask: Go?\ntimeout: 1h\nonTimeout: skip");
  const { link, expiresAt } = await engine.waitpoints.token(waitpoint.id);
  assertEquals(expiresAt, waitpoint.createdAt + 3_600_000);
  assertEquals((await engine.waitpoints.approvalOfLink(link)).ask, "Go?");
  const by = (link: string) => engine.waitpoints.decideByLink(link, { decision: "approve" });
  const wrong = link.slice(0, -1) + (link.endsWith("A") ? "B" : "A");
  for (const bad of [wrong, link.replace(/^wp_[^.]+/, "wp_0_1"), "x", "", link.replace(".k1.", ".k9.")]) {
    assertEquals(await refused(by(bad)), "token_invalid", bad);
  }
  assertEquals(await pass(clock, by(link)), { state: "approved", needed: 0 });
  assertEquals(await refused(by(link)), "link_used");
  await pass(clock, ended(engine, run));
  const late = await suspendedRun(engine, "approval", "ask: Go?\ntimeout: 2s\nonTimeout: skip");
  const other = await engine.waitpoints.token(late.waitpoint.id);
  await pass(clock, ended(engine, late.run), 500);
  assertEquals(await refused(by(other.link)), "token_expired");
  await pass(clock, engine.close());
});

Deno.test("EN-1008 without a revoked secret no token holds, and a retired one goes on for its grace", async () => {
  const engine = await waitingEngine();
  const { waitpoint } = await suspendedRun(engine, "approval", "ask: Go?");
  const { link } = await engine.waitpoints.token(waitpoint.id);
  await engine.waitpoints.keys.rotate({ kid: "next" });
  assertEquals((await engine.waitpoints.approvalOfLink(link)).state, "open");
  await engine.waitpoints.keys.revoke(/\.w1\.([^.]+)\./.exec(link)![1]!);
  assertEquals(await refused(engine.waitpoints.approvalOfLink(link)), "token_invalid");
  await engine.close();
});

Deno.test("EN-1011 EN-1013 an approval has seven days unless it says otherwise, and then does what onTimeout says", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const engine = await waitingEngine({ clock, store });
  const { run } = await suspendedRun(engine, "approval", "ask: Go?");
  const suspended = (await journalOf(store, run)).find((event) => event.type === "step.suspended")!;
  assertEquals(suspended.timeout, { ms: 7 * 86_400_000, then: "fail" });
  const start = async (header: string) => {
    const from = clock.now();
    const { run } = await suspendedRun(engine, "approval", header);
    const view = await pass(clock, ended(engine, run), 500);
    return [view.cells.ok!.label, Math.floor((view.endedAt! - from) / 1_000)];
  };
  assertEquals(await start("ask: Go?\ntimeout: 1s"), ["failed", 1]);
  assertEquals(await start("ask: Go?\ntimeout: 2s\nonTimeout: skip"), ["skipped", 2]);
  assertEquals(await start("ask: Go?\ntimeout: 1s\nonTimeout: { escalate: 2s, then: cancel }"), [
    "cancelled",
    3,
  ]);
  assertEquals(await start("ask: Go?\ntimeout: 1s\nonTimeout: auto-resume"), ["succeeded", 1]);
  await pass(clock, engine.close());
});

Deno.test("EN-1013 an approval is asked again in every run, though its value would be fresh", async () => {
  const engine = await waitingEngine();
  const first = await suspendedRun(engine, "approval", "ask: Go?");
  await engine.waitpoints.decide(first.waitpoint.id, "ann", { decision: "approve" });
  await ended(engine, first.run);
  const text = waitingNotebook("approval", "ask: Go?");
  const { run } = await engine.submit({ notebook: "n", text, author: "rita", cells: ["last"] });
  await soon(happened(engine, run, "step.suspended", "ok"));
  await engine.close();
});
