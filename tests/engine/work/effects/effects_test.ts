/** Effects, end to end: what is sent once, what is sent again, and what waits for a person. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../../../../engine/base/errors.ts";
import type { Attempt, EffectIntent, Outcome } from "../../../../engine/kinds/kind.ts";
import { effectPrefix, effectsPrefix, holdPrefix } from "../../../../engine/store/keys.ts";
import { memoryStore } from "../../../../engine/store/memory.ts";
import type { Store } from "../../../../engine/store/store.ts";
import type { Engine } from "../../../../engine/mod.ts";
import {
  type Behaviour,
  ended,
  engineOf,
  gate,
  happened,
  journalOf,
  notebookOf,
  ScriptedKind,
  soon,
  untilAborted,
  valuesOf,
  withMethods,
} from "../_harness.ts";
import { intentOf, mortal, refused, unknown, World } from "./_world.ts";

const RETRY = "retry: { attempts: 3, initial: 1ms, jitter: none }";

async function start(
  behaviour: Behaviour,
  { store = memoryStore(), header = "" }: { store?: Store; header?: string } = {},
): Promise<{ engine: Engine; run: string }> {
  const engine = await engineOf(store, new ScriptedKind(behaviour));
  const text = notebookOf({ a: [], b: ["a"] }, header === "" ? {} : { a: header });
  const { run } = await engine.submit({ notebook: "n", text, author: "ann" });
  return { engine, run };
}

const statesOf = async (engine: Engine, run: string) =>
  (await engine.effects.list({ run })).items.map(({ state }) => state);
const typesOf = async (engine: Engine, run: string) =>
  (await engine.effects.list({ run })).items.map(({ entries }) => entries.map(({ type }) => type));
const held = (engine: Engine, run: string) => soon(happened(engine, run, "step.held", "a"));

Deno.test("EN-1501 EF-005 an effect is intended before it is called and done after, in the log and in the journal", async () => {
  const store = memoryStore();
  const seen: string[][] = [];
  const world = new World();
  const { engine, run } = await start({
    a: async ({ effects }) => {
      const done = await effects.perform(intentOf("a"), async (what) => {
        for await (const { key } of store.list(effectsPrefix({ run }))) {
          const entries = await Array.fromAsync(store.list(effectPrefix(String(key.at(-1)))));
          seen.push(entries.map(({ key }) => String(key[0])));
        }
        return await world.send(what);
      });
      return done.ok ? { type: "succeeded", value: done.result } : done.outcome;
    },
  }, { store });
  const view = await soon(ended(engine, run));
  assertEquals([view.label, valuesOf(view).a], ["succeeded", { n: 0 }]);
  assertEquals(seen, [["effect"]], "E1 one entry was durable when it was called");
  const { items: [effect] } = await engine.effects.list({ run });
  assert(effect !== undefined);
  assertEquals(effect.entries.map(({ type }) => type), ["effect.intended", "effect.done"]);
  const { notebookId, runId, cell, stepId, attempt, operation, service, description, descriptor, state } =
    effect;
  assertEquals([notebookId, runId, cell, stepId, attempt, state], ["n", run, "a", "a", 1, "done"]);
  assertEquals([operation, service, description], ["api_call", "world", "POST /a"]);
  assertEquals(descriptor, { type: "irreversible", reason: "No compensation declared" });
  assertEquals([effect.parameters, effect.result], [{ inline: { path: "/a" } }, { inline: { n: 0 } }]);
  const [intended] = effect.entries;
  assert(intended?.type === "effect.intended");
  assertEquals([intended.by, intended.sessionId, intended.epoch], ["engine", "w1", 1]);
  const types = (await journalOf(store, run)).map(({ type }) => type).filter((type) =>
    type.startsWith("eff")
  );
  assertEquals(types, ["effect.intended", "effect.done"]);
  await engine.close();
});

Deno.test("EN-1502 EF-057 a retry of a cell whose effect is done gets the recorded result and sends nothing", async () => {
  const world = new World();
  const { engine, run } = await start({
    a: async ({ effects, attempt }) => {
      const done = await effects.perform(intentOf("a"), world.send);
      if (attempt < 3) return { type: "failed", problem: { category: "network", message: "later" } };
      return { type: "succeeded", value: done.ok ? [done.result, done.recorded] : null };
    },
  }, { header: RETRY });
  assertEquals(valuesOf(await soon(ended(engine, run))).a, [{ n: 0 }, true]);
  assertEquals([world.requests.length, [...world.counts.values()]], [1, [1]]);
  await engine.close();
});

Deno.test("EF-057 EF-058 what has failed is a new effect with the same key and the recorded request", async () => {
  const world = new World();
  world.answers = (n) => n === 0 ? refused : undefined;
  const { engine, run } = await start({
    a: async ({ effects, attempt }) => {
      const intent = { ...intentOf("a"), request: { path: "/a", rendered: attempt } };
      const done = await effects.perform(intent, world.send);
      return done.ok ? { type: "succeeded", value: done.result } : done.outcome;
    },
  }, { header: RETRY });
  assertEquals((await soon(ended(engine, run))).label, "succeeded");
  const { items } = await engine.effects.list({ run });
  assertEquals(items.map(({ state, attempt }) => [state, attempt]), [["failed", 1], ["done", 2]]);
  assertEquals(new Set(items.map(({ idempotencyKey }) => idempotencyKey)).size, 1);
  assertEquals(world.requests, [{ path: "/a", rendered: 1 }, { path: "/a", rendered: 1 }]);
  await engine.close();
});

for (
  const [as, expected] of [
    ["done", { states: ["done"], sent: 1, value: { said: true } }],
    ["not_done", { states: ["failed", "done"], sent: 2, value: { n: 1 } }],
    ["retry", { states: ["done"], sent: 2, value: { n: 1 } }],
  ] as const
) {
  Deno.test(`EF-047 EF-048 a step in doubt waits for a person; when they say ${as} it goes on so`, async () => {
    const world = new World();
    world.answers = (n) => n === 0 ? unknown : undefined;
    const { engine, run } = await start({ a: world.act() }, { header: RETRY });
    await held(engine, run);
    const { label, wait } = await engine.stepState(run, "a");
    assertEquals([label, wait?.wait], ["in-doubt", "doubt"]);
    assertEquals(wait?.what, 'We do not know whether "POST /a" happened');
    const { items: [effect] } = await engine.effects.list({ state: "in-doubt" });
    const result = as === "done" ? { result: { said: true } } : {};
    await engine.effects.resolve(effect!.id, "ann", { as, note: "I looked", ...result });
    const view = await soon(ended(engine, run));
    assertEquals([view.label, valuesOf(view).a], ["succeeded", expected.value]);
    assertEquals([await statesOf(engine, run), world.requests.length], [expected.states, expected.sent]);
    const first = await engine.effects.get(effect!.id);
    const said = first.entries.find(({ by }) => by === "ann");
    assertEquals([said?.note, first.idempotencyKey], ["I looked", effect!.idempotencyKey]);
    assertEquals((await engine.effects.list({ state: "in-doubt" })).items, []);
    const again = await assertRejects(
      () => engine.effects.resolve(effect!.id, "ann", { as: "done", note: "again" }),
      EngineError,
    );
    assertEquals(again.code, "effect_settled", "EF-042");
    await engine.close();
  });
}

Deno.test("EF-046 what is idempotent and in doubt is sent again with its key and its recorded request", async () => {
  const world = new World();
  world.answers = (n) => n === 0 ? unknown : undefined;
  const { engine, run } = await start({
    a: world.act({ descriptor: { type: "idempotent", canRetry: true } }),
  });
  assertEquals(valuesOf(await soon(ended(engine, run))).a, { n: 1 });
  assertEquals(await typesOf(engine, run), [[
    "effect.intended",
    "effect.in-doubt",
    "effect.noted",
    "effect.done",
  ]]);
  assertEquals([...world.counts.values()], [2]);
  await engine.close();
});

for (
  const [found, expected] of [
    ["done", { states: ["done"], sent: 1 }],
    ["failed", { states: ["failed", "done"], sent: 2 }],
  ] as const
) {
  Deno.test(`EF-049 a probe is asked before a person is: ${found}`, async () => {
    const world = new World();
    world.answers = (n) => n === 0 ? unknown : undefined;
    const { engine, run } = await start({
      a: async ({ effects }) => {
        const done = await effects.perform(intentOf("a"), world.send, () => Promise.resolve({ type: found }));
        return done.ok ? { type: "succeeded", value: 1 } : done.outcome;
      },
    });
    assertEquals((await soon(ended(engine, run))).label, "succeeded");
    assertEquals([await statesOf(engine, run), world.requests.length], [expected.states, expected.sent]);
    await engine.close();
  });
}

Deno.test("EF-049 a probe that does not know leaves it to a person", async () => {
  const world = new World();
  world.answers = () => unknown;
  const { engine, run } = await start({
    a: async ({ effects }) => {
      const done = await effects.perform(
        intentOf("a"),
        world.send,
        () => Promise.resolve({ type: "unknown" }),
      );
      return done.ok ? { type: "succeeded", value: 1 } : done.outcome;
    },
  });
  await held(engine, run);
  assertEquals([await statesOf(engine, run), world.requests.length], [["in-doubt"], 1]);
  await engine.close();
});

Deno.test("EF-050 an attempt that ends well with an effect in doubt does not end: it waits, and is called again as it was", async () => {
  const world = new World();
  world.answers = (n) => n === 0 ? unknown : undefined;
  const seen: unknown[] = [];
  const { engine, run } = await start({
    a: async ({ effects, saved }) => {
      seen.push(saved);
      if (saved === undefined) return { type: "delayed", ms: 1, saved: { at: "one" } };
      const done = await effects.perform({ ...intentOf("a"), slot: "one" }, world.send);
      return { type: "succeeded", value: done.ok };
    },
  });
  await held(engine, run);
  const { items: [effect] } = await engine.effects.list({ run });
  await engine.effects.resolve(effect!.id, "ann", { as: "done", note: "I looked" });
  assertEquals(valuesOf(await soon(ended(engine, run))).a, true);
  assertEquals(seen, [undefined, { at: "one" }, { at: "one" }]);
  await engine.close();
});

Deno.test("EF-045 E2 what was under way when its worker died is in doubt before any step runs, and not sent again", async () => {
  const store = memoryStore();
  const world = new World();
  const sending = gate();
  const dies = mortal(store);
  const first = await start({
    a: async (attempt) => {
      await attempt.effects.perform(intentOf("a"), async (what) => {
        await world.send(what);
        sending.open();
        return await new Promise(() => {});
      });
      return await untilAborted(attempt);
    },
  }, { store: dies.store });
  await sending.opened;
  dies.die();
  const kind = new ScriptedKind({ a: world.act() });
  const engine = await engineOf(store, kind);
  await held(engine, first.run);
  assertEquals([kind.calls, world.requests.length], [["a#2"], 1]);
  const { items: [effect] } = await engine.effects.list({ run: first.run });
  assertEquals(effect!.state, "in-doubt");
  const events = (await journalOf(store, first.run)).map(({ type }) => type);
  assertEquals(events.slice(events.indexOf("run.adopted")).slice(0, 3), [
    "run.adopted",
    "effect.in-doubt",
    "step.started",
  ]);
  await engine.effects.resolve(effect!.id, "ann", { as: "done", result: 5, note: "seen" });
  assertEquals(valuesOf(await soon(ended(engine, first.run))).a, 5);
  assertEquals([...world.counts.values()], [1]);
  await engine.close();
});

Deno.test("EF-006 if its intention cannot be made durable, nothing is sent", async () => {
  const world = new World();
  const store = memoryStore();
  let fenced = false;
  const refusing = withMethods(store, {
    commit: (session, checks, puts, deletes) => {
      if (!fenced && puts.some(({ key }) => key[0] === "effect")) {
        fenced = true;
        return Promise.resolve("fenced");
      }
      return store.commit(session, checks, puts, deletes);
    },
  });
  const { engine, run } = await start({ a: world.act() }, { store: refusing });
  assertEquals((await soon(ended(engine, run))).label, "succeeded");
  assertEquals([fenced, world.requests.length, [...world.counts.values()]], [true, 1, [1]]);
  await engine.close();
});

Deno.test("EF-056 effects are told apart by their number, and equal ones of a name by theirs", async () => {
  const world = new World();
  const behaviour = async ({ effects, attempt }: Attempt): Promise<Outcome> => {
    for (const slot of [undefined, undefined, "pay", "pay"]) {
      await effects.perform({ ...intentOf("a"), ...(slot === undefined ? {} : { slot }) }, world.send);
    }
    if (attempt === 1) return { type: "failed", problem: { category: "network", message: "later" } };
    return { type: "succeeded", value: 1 };
  };
  const { engine, run } = await start({ a: behaviour }, { header: RETRY });
  await soon(ended(engine, run));
  const { items } = await engine.effects.list({ run });
  assertEquals(items.map(({ slot }) => slot).toSorted(), ["0", "1", "pay", "pay#2"]);
  assertEquals(new Set(items.map(({ idempotencyKey }) => idempotencyKey)).size, 4);
  assertEquals(world.requests.length, 4);
  await engine.close();
});

Deno.test("EF-010 EF-008 a large request and a large result are kept by their hash, with a holder that is not the run", async () => {
  const store = memoryStore();
  const request = { text: "x".repeat(20_000) };
  const { engine, run } = await start({
    a: async ({ effects }) => {
      const send = () => Promise.resolve({ type: "done", result: { back: "y".repeat(20_000) } } as const);
      const done = await effects.perform({ ...intentOf("a"), request }, send);
      return { type: "succeeded", value: done.ok };
    },
  }, { store });
  await soon(ended(engine, run));
  const { items: [effect] } = await engine.effects.list({ run });
  for (const stored of [effect!.parameters, effect!.result!]) {
    assert("sha256" in stored);
    const holders = await Array.fromAsync(store.list(holdPrefix(stored.sha256)));
    assertEquals(holders.map(({ key }) => key.at(-1)).toSorted(), [effect!.id, run].toSorted());
  }
  assertEquals(await engine.read(effect!.parameters), request);
  await engine.close();
});

Deno.test("EF-060 a step that was opened again and would send another request under its key sends nothing", async () => {
  const world = new World();
  let round = 0;
  const { engine, run } = await start({
    a: async ({ effects }) => {
      const intent: EffectIntent = { ...intentOf("a"), request: { round } };
      const done = await effects.perform(intent, world.send);
      return done.ok ? { type: "succeeded", value: done.result } : done.outcome;
    },
  });
  await soon(ended(engine, run));
  await engine.tell(run, { type: "retryStep", step: "a", by: "ann" });
  await soon(happened(engine, run, "step.reopened", "a"));
  assertEquals(valuesOf(await soon(ended(engine, run))).a, { n: 0 }, "the same request: its recorded result");
  round = 1;
  await engine.tell(run, { type: "retryStep", step: "a", by: "ann" });
  const view = await soon(ended(engine, run));
  assertEquals([view.cells.a!.problem?.code, world.requests.length], ["idempotency_conflict", 1]);
  const { items: [effect] } = await engine.effects.list({ run });
  await engine.effects.resolve(effect!.id, "ann", { as: "compensated", note: "I undid it by hand" });
  await engine.tell(run, { type: "retryStep", step: "a", by: "ann" });
  assertEquals((await soon(ended(engine, run))).label, "succeeded");
  const { items } = await engine.effects.list({ run });
  assertEquals(items.map(({ state, generation }) => [state, generation]), [["compensated", 0], ["done", 1]]);
  assertEquals([...world.counts.values()], [1, 1]);
  await engine.close();
});

Deno.test("EF-011 a request that holds the place of a secret is not sent, because there are none", async () => {
  const world = new World();
  const { engine, run } = await start({ a: world.act({ request: { auth: "{{ secret.TOKEN }}" } }) });
  const view = await soon(ended(engine, run));
  assertEquals([view.cells.a!.problem?.code, world.requests.length], ["secret_unavailable", 0]);
  assertEquals((await engine.effects.list({ run })).items, []);
  await engine.close();
});

Deno.test("EF-012 lists go on from a cursor, and filter by cell, state and journal", async () => {
  const world = new World();
  const { engine, run } = await start({
    a: async ({ effects }) => {
      for (let i = 0; i < 5; i++) await effects.perform(intentOf("a"), world.send);
      return { type: "succeeded", value: 1 };
    },
    b: world.act(),
  });
  await soon(ended(engine, run));
  const ids: string[] = [];
  let after: string | undefined;
  do {
    const page = await engine.effects.list({ notebook: "n", limit: 2, ...(after ? { after } : {}) });
    ids.push(...page.items.map(({ id }) => id));
    after = page.next;
  } while (after !== undefined);
  const { items: all } = await engine.effects.list({});
  assertEquals(ids, all.map(({ id }) => id));
  assertEquals(all.length, 6);
  assertEquals((await engine.effects.list({ run, cell: "b" })).items.length, 1);
  assertEquals((await engine.effects.list({ run, state: "failed" })).items.length, 0);
  const last = Math.max(...all.flatMap(({ entries }) => entries.map(({ seq }) => seq)));
  assertEquals((await engine.effects.list({ run, afterSeq: last - 1 })).items.length, 1);
  await assertRejects(() => engine.effects.get("eff_none"), EngineError, "Effect not found");
  await engine.close();
});

Deno.test("EF-050 what a run that is cancelled has sent and not heard of stays in doubt, and may be settled after its end", async () => {
  const sending = gate();
  const { engine, run } = await start({
    a: async ({ effects, signal }) => {
      const done = await effects.perform(intentOf("a"), async () => {
        sending.open();
        await new Promise<void>((resolve) =>
          signal.addEventListener("abort", () => resolve(), { once: true })
        );
        return unknown;
      });
      return done.ok ? { type: "succeeded", value: 1 } : done.outcome;
    },
  });
  await sending.opened;
  await engine.tell(run, { type: "cancelRun", by: "ann" });
  assertEquals((await soon(ended(engine, run))).label, "cancelled");
  const { items: [effect] } = await engine.effects.list({ run });
  assertEquals(effect!.state, "in-doubt");
  await assertRejects(
    () => engine.effects.resolve(effect!.id, "ann", { as: "retry", note: "again" }),
    EngineError,
    "has ended",
  );
  await soon(engine.effects.resolve(effect!.id, "ann", { as: "done", note: "it has" }));
  assertEquals(await statesOf(engine, run), ["done"]);
  await engine.close();
});

Deno.test("E2 EN-809 items of a map that is done anew know what they did before: nothing is sent a second time", async () => {
  const world = new World();
  const engine = await engineOf(
    memoryStore(),
    new ScriptedKind({
      a: () => ({ type: "succeeded", value: [1, 2, 3] }),
      m: async ({ effects, inputs }) => {
        const done = await effects.perform(intentOf(`m${inputs.item}`), (what) => world.send(what));
        return done.ok ? { type: "succeeded", value: done.result } : done.outcome;
      },
    }),
  );
  const { run } = await engine.submit({
    notebook: "n",
    text: notebookOf({ a: [], m: [] }, { m: "each: { in: a }" }),
    author: "ann",
  });
  await soon(ended(engine, run));
  assertEquals(world.requests.length, 3);
  await engine.tell(run, { type: "restartRun", from: ["a"], by: "ann" });
  const view = await soon(ended(engine, run));
  assertEquals([view.label, world.requests.length], ["succeeded", 3]);
  await engine.close();
});
