/** Steps that require what only some workers have: where they start, who takes them, what if somebody dies. */
import { assert, assertEquals } from "@std/assert";
import type { Engine } from "../../../../engine/mod.ts";
import {
  answerPrefix,
  inboxPrefix,
  offerPrefix,
  stepLeasePrefix,
  stepStopPrefix,
} from "../../../../engine/store/keys.ts";
import { memoryStore } from "../../../../engine/store/memory.ts";
import type { Store } from "../../../../engine/store/store.ts";
import { ManualClock } from "../../../_support/manual_clock.ts";
import {
  type Behaviour,
  ended,
  engineOf,
  type EngineTraits,
  gate,
  happened,
  journalOf,
  kept,
  notebookOf,
  pass,
  ScriptedKind,
  turn,
  untilAborted,
  valuesOf,
} from "../_harness.ts";

const GPU = { a: "requires: [gpu]" };

/** A store that a dead process can write nothing to any more. */
function mortal(store: Store, alive: () => boolean): Store {
  const writes = new Set<string | symbol>([
    "commit",
    "renew",
    "closeSession",
    "openSession",
    "post",
    "submit",
  ]);
  return new Proxy(store, {
    get(target, name) {
      const own = target[name as keyof Store];
      if (typeof own !== "function") return own;
      return (...args: unknown[]) =>
        !alive() && writes.has(name)
          ? new Promise(() => {})
          : (own as (...args: unknown[]) => unknown).apply(target, args);
    },
  });
}

/** Workers of one store; each notes by its own name what it was asked to do. */
class World {
  readonly clock = new ManualClock();
  readonly store = memoryStore({ clock: this.clock });
  readonly engines: Engine[] = [];

  /** @param apart each worker is like a process of its own, which hears of the others only by looking at the store */
  constructor(private readonly apart = false) {}

  async worker(
    name: string,
    capabilities: string[],
    behaviour: Behaviour = {},
    traits: EngineTraits = {},
  ): Promise<{ engine: Engine; kind: ScriptedKind; die: () => void }> {
    const kind = new ScriptedKind(behaviour);
    let alive = true;
    const store = mortal(kept(this.store), () => alive);
    const engine = await engineOf(store, kind, {
      worker: name,
      capabilities,
      clock: this.clock,
      bell: this,
      ...traits,
    });
    this.engines.push(engine);
    const die = () => {
      alive = false;
      this.engines.splice(this.engines.indexOf(engine), 1);
    };
    return { engine, kind, die };
  }

  pass<T>(until: Promise<T>, stepMs = 50): Promise<T> {
    return pass(this.clock, until, stepMs);
  }

  async close(): Promise<void> {
    for (const engine of this.engines) await this.pass(engine.close());
    for (const prefix of [offerPrefix(), stepLeasePrefix(), inboxPrefix()]) {
      assertEquals((await Array.fromAsync(this.store.list(prefix))).map(({ key }) => key), []);
    }
    await this.store.close();
  }
}

const submit = async (engine: Engine, text: string) =>
  (await engine.submit({ notebook: "n", text, author: "t" })).run;

for (const apart of [false, true]) {
  Deno.test(`EN-513 EN-514 EN-1304 a step starts where one worker has all that it requires, and its run goes on with its value${apart ? ", also of another process" : ""}`, async () => {
    const world = new World(apart);
    const owner = await world.worker("owner", ["cpu"]);
    const able = await world.worker("able", ["gpu", "kind:python"], {
      b: ({ emit, inputs }) => {
        for (const word of ["one ", "two ", "three"]) emit({ type: "text", text: word });
        return { type: "succeeded", value: Number(inputs.a) + 10 };
      },
    });
    const text = notebookOf({ a: [], b: ["a"], c: ["b"] }, { b: "requires: [kind:python, gpu]" });
    const run = await submit(owner.engine, text);
    const view = await world.pass(ended(owner.engine, run));
    assertEquals(valuesOf(view), { a: 1, b: 11, c: 12 });
    assertEquals([owner.kind.calls, able.kind.calls], [["a#1", "c#1"], ["b#1"]]);
    assertEquals(view.cells.b!.text, "one two three");
    // Whoever follows elsewhere, or later, sees the same.
    assertEquals((await able.engine.view(run)).cells.b!.text, "one two three");
    const started = (await journalOf(world.store, run)).filter((event) => event.type === "step.started");
    assertEquals(started.map((event) => "on" in event ? event.on?.worker : undefined), [
      undefined,
      "able",
      undefined,
    ]);
    await world.close();
  });
}

Deno.test("EN-1304 what the owner has it does itself, and offers nothing", async () => {
  const world = new World();
  const owner = await world.worker("owner", ["gpu"]);
  const other = await world.worker("other", ["gpu"]);
  const run = await submit(owner.engine, notebookOf({ a: [] }, GPU));
  await world.pass(ended(owner.engine, run));
  assertEquals([owner.kind.calls, other.kind.calls], [["a#1"], []]);
  assertEquals((await journalOf(world.store, run)).map(({ type }) => type), [
    "run.queued",
    "run.started",
    "step.started",
    "step.succeeded",
    "run.ended",
  ]);
  await world.close();
});

Deno.test("R06 EN-1306 a step that requires {a, b} where workers have {a} and {b} is held, stable and explained, and taken within 1 s by one that has both", async () => {
  const world = new World();
  const { engine } = await world.worker("none", []);
  await world.worker("wa", ["a"]);
  await world.worker("wb", ["b"]);
  const run = await submit(engine, notebookOf({ x: [], y: [] }, { x: "requires: [a, b]" }));
  await world.pass(happened(engine, run, "step.held"));
  const before = await journalOf(world.store, run);
  // Its run leaves memory meanwhile, and nothing is written for it.
  await world.pass(world.clock.sleep(120_000), 1_000);
  const after = await journalOf(world.store, run);
  assertEquals(
    after.slice(before.length).map(({ type }) => type).filter((type) => type.startsWith("step.")),
    [
      "step.succeeded",
    ].slice(before.some(({ type }) => type === "step.succeeded") ? 1 : 0),
  );
  const state = await engine.state(run);
  assertEquals([state.label, state.wait?.wait], ["held", "capability"]);
  const stored = async () =>
    (await Array.fromAsync(world.store.list([]))).map(({ key, version }) => [key, version]);
  const untouched = await stored();
  const why = await engine.explain(run, "x");
  assertEquals([why.requires, why.workers.map(({ worker, missing, lane }) => [worker, missing, lane])], [
    ["a", "b"],
    [["none", ["a", "b"], true], ["wa", ["b"], true], ["wb", ["a"], true]],
  ]);
  assertEquals(
    why.sentence,
    "No worker is there that can run it. It starts when one is. It requires a, b. Worker wa lacks b. " +
      "Worker wb lacks a. Worker none lacks a, b.",
  );
  assertEquals((await engine.explain(run)).sentence, why.sentence);
  assertEquals(await engine.lacks(["b"]).then((found) => found.map(({ missing }) => missing)), [
    ["b"],
    ["b"],
    [],
  ]);
  assertEquals(await stored(), untouched);
  const both = await world.worker("both", ["a", "b"]);
  const begun = world.clock.now();
  await world.pass(happened(engine, run, "step.started", "x"));
  assert(world.clock.now() - begun <= 1_000, `after ${world.clock.now() - begun} ms`);
  await world.pass(ended(engine, run));
  assertEquals(both.kind.calls, ["x#1"]);
  await world.close();
});

Deno.test("R07 EN-1305 99 workers that cannot do it do not delay the one that can", async () => {
  const world = new World();
  const owner = await world.worker("owner", []);
  for (let i = 0; i < 99; i++) await world.worker(`w${i}`, [`cap${i % 10}`]);
  const able = await world.worker("able", ["rare"], {}, { slots: 1 });
  const cells = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`c${i}`, []]));
  const headers = Object.fromEntries(Object.keys(cells).map((cell) => [cell, "requires: [rare]"]));
  const text = `---\nweft: 1\nconcurrency: 20\n---\n\n${notebookOf(cells, headers)}`;
  const begun = world.clock.now();
  const run = await submit(owner.engine, text);
  await world.pass(ended(owner.engine, run), 10);
  // One after the other: each as soon as the slot is free, not at the next look.
  assert(world.clock.now() - begun <= 20 * 100, `${world.clock.now() - begun} ms for 20 steps`);
  assertEquals(able.kind.calls.length, 20);
  await world.close();
});

Deno.test("EN-515 a worker that dies with an attempt for another loses it, and it is offered again as a recovery", async () => {
  const world = new World();
  const owner = await world.worker("owner", []);
  const dying = await world.worker("dying", ["gpu"], { a: untilAborted }, { sessionTtlMs: 1_000 });
  const run = await submit(owner.engine, notebookOf({ a: [] }, GPU));
  while (dying.kind.calls.length === 0) await world.pass(turn());
  dying.die();
  const next = await world.worker("next", ["gpu"]);
  const view = await world.pass(ended(owner.engine, run), 200);
  assertEquals([view.label, next.kind.calls], ["succeeded", ["a#2"]]);
  const events = await journalOf(world.store, run);
  assertEquals(
    events.filter((event) => event.type === "step.started").map((event) => "reason" in event && event.reason),
    ["first", "recovery"],
  );
  assertEquals(
    events.filter((event) => event.type === "step.interrupted").map((event) => "lost" in event && event.lost),
    [true],
  );
  await world.close();
});
Deno.test("EN-515 an attempt for a run survives the death of the run's owner, and its result counts for the next one", async () => {
  const world = new World();
  const release = gate();
  const able = await world.worker("able", ["gpu"], {
    a: async () => (await release.opened, { type: "succeeded", value: 7 }),
  });
  const owner = await world.worker("owner", [], {}, { sessionTtlMs: 1_000 });
  const run = await submit(owner.engine, notebookOf({ a: [], b: ["a"] }, GPU));
  while (able.kind.calls.length === 0) await world.pass(turn());
  owner.die();
  const next = await world.worker("next", []);
  await world.pass(happened(next.engine, run, "run.adopted"), 200);
  release.open();
  assertEquals(valuesOf(await world.pass(ended(next.engine, run))), { a: 7, b: 8 });
  assertEquals(able.kind.calls.filter((call) => call.startsWith("a")), ["a#1"]);
  await world.close();
});

Deno.test("EN-515 a cancel reaches whoever makes the attempt within 1 s", async () => {
  for (const [what, apart] of [["cancelRun", false], ["cancelStep", true], ["skipStep", true]] as const) {
    const world = new World(apart);
    const owner = await world.worker("owner", []);
    let abortedAt = 0;
    const able = await world.worker("able", ["gpu"], {
      a: async (attempt) => {
        const outcome = await untilAborted(attempt);
        abortedAt = world.clock.now();
        return outcome;
      },
    });
    const run = await submit(owner.engine, notebookOf({ a: [] }, GPU));
    while (able.kind.calls.length === 0) await world.pass(turn());
    const told = world.clock.now();
    const instruction = what === "cancelRun" ? { type: what, by: "t" } : { type: what, step: "a", by: "t" };
    await world.pass(owner.engine.tell(run, instruction));
    const view = await world.pass(ended(owner.engine, run));
    assert(abortedAt - told <= 1_000, `${abortedAt - told} ms`);
    assertEquals(view.cells.a!.label, what === "skipStep" ? "skipped" : "cancelled");
    assertEquals(await Array.fromAsync(world.store.list(stepStopPrefix(run))), []);
    await world.close();
  }
});

Deno.test("EN-515 a worker that ends in good order gives the attempt back, and nothing counts as lost", async () => {
  const world = new World();
  const owner = await world.worker("owner", []);
  const leaving = await world.worker("leaving", ["gpu"], { a: untilAborted });
  const run = await submit(owner.engine, notebookOf({ a: [] }, GPU));
  while (leaving.kind.calls.length === 0) await world.pass(turn());
  await world.pass(leaving.engine.close());
  const next = await world.worker("next", ["gpu"]);
  assertEquals((await world.pass(ended(owner.engine, run))).label, "succeeded");
  assertEquals(next.kind.calls, ["a#2"]);
  const events = await journalOf(world.store, run);
  assertEquals(
    events.filter((event) => event.type === "step.interrupted").map((event) => "lost" in event && event.lost),
    [false],
  );
  await world.close();
});

Deno.test("EN-514 an attempt that pauses goes on where somebody has what it requires, with what it saved", async () => {
  const world = new World();
  const owner = await world.worker("owner", []);
  const able = await world.worker("able", ["gpu"], {
    a: ({ saved, emit, attempt }) => {
      emit({ type: "text", text: `${attempt}:${JSON.stringify(saved ?? null)} ` });
      return saved === undefined
        ? { type: "delayed", ms: 5_000, saved: { so: "far" } }
        : { type: "succeeded", value: 5 };
    },
  });
  const run = await submit(owner.engine, notebookOf({ a: [] }, GPU));
  const view = await world.pass(ended(owner.engine, run));
  assertEquals(valuesOf(view), { a: 5 });
  assertEquals(view.cells.a!.text, '1:null 1:{"so":"far"} ');
  assertEquals(able.kind.calls, ["a#1", "a#1"]);
  assertEquals(owner.kind.calls, []);
  await world.close();
});

Deno.test("EN-514 what fails elsewhere is tried again there, and a value too large to stand inline comes back whole", async () => {
  const world = new World();
  const owner = await world.worker("owner", []);
  const big = "x".repeat(50_000);
  const able = await world.worker("able", ["gpu"], {
    a: ({ attempt }) =>
      attempt === 1
        ? { type: "failed", problem: { category: "network", message: "cut" } }
        : { type: "succeeded", value: big },
  });
  const header = { a: "requires: [gpu]\nretry: { attempts: 2, initial: 1s, jitter: none }" };
  const run = await submit(owner.engine, notebookOf({ a: [] }, header));
  await world.pass(ended(owner.engine, run));
  assertEquals(await owner.engine.value(run, "a"), big);
  assertEquals(able.kind.calls, ["a#1", "a#2"]);
  await world.close();
});

Deno.test("EN-515 what is paused, stopped or skipped before anybody took it is offered no more", async () => {
  const world = new World();
  const { engine } = await world.worker("owner", []);
  const offers = async () => (await Array.fromAsync(world.store.list(offerPrefix()))).length;
  const text = notebookOf({ a: [], b: [] }, { a: "requires: [gpu]", b: "requires: [gpu]" });
  const run = await submit(engine, text);
  while (await offers() < 2) await world.pass(turn());
  await world.pass(engine.tell(run, { type: "skipStep", step: "b", by: "t" }));
  while (await offers() > 1) await world.pass(turn());
  await world.pass(engine.tell(run, { type: "pauseRun", by: "t" }));
  while (await offers() > 0) await world.pass(turn());
  await world.pass(engine.tell(run, { type: "resumeRun", by: "t" }));
  while (await offers() === 0) await world.pass(turn());
  await world.pass(engine.tell(run, { type: "changeRun", priority: 99, by: "t" }));
  await world.pass(engine.tell(run, { type: "stopRun", by: "t" }));
  await world.pass(ended(engine, run));
  while (await offers() > 0) await world.pass(turn());
  assertEquals((await Array.fromAsync(world.store.list(answerPrefix(run)))).length <= 10, true);
  await world.close();
});

Deno.test("EN-1102 EN-514 what an attempt elsewhere may use is set aside in its run, and it learns how much that is", async () => {
  const world = new World();
  const owner = await world.worker("owner", []);
  const able = await world.worker("able", ["gpu"], {
    a: async ({ spend }) => {
      const first = await spend.reserve([{ calls: 5 }, { calls: 2 }]);
      if (!first.ok) return first.outcome;
      return { type: "succeeded", value: { ...first.amounts }, usage: { calls: 2 } };
    },
    b: async ({ spend }) => {
      const room = await spend.reserve([{ calls: 2 }]);
      return room.ok ? { type: "succeeded", value: 1 } : room.outcome;
    },
  });
  const text = notebookOf({ a: [], b: ["a"] }, { a: "requires: [gpu]", b: "requires: [gpu]" });
  const run = await submit(owner.engine, `---\nweft: 1\nlimits: { calls: 3 }\n---\n\n${text}`);
  await world.pass(happened(owner.engine, run, "step.held", "b"));
  while ((await owner.engine.stepState(run, "b")).wait?.wait !== "budget") await world.pass(turn());
  assertEquals(await owner.engine.value(run, "a"), { calls: 2 });
  await world.pass(owner.engine.tell(run, { type: "changeRun", limits: { calls: 9 }, by: "t" }));
  assertEquals((await world.pass(ended(owner.engine, run))).label, "succeeded");
  assertEquals(able.kind.calls, ["a#1", "b#1", "b#1"]);
  await world.close();
});

for (const when of ["before", "after"]) {
  Deno.test(`EN-1002 EN-1304 a signal that comes ${when} its step elsewhere waits lets it go on where it may run`, async () => {
    const world = new World();
    const owner = await world.worker("owner", []);
    const asked = gate();
    const able = await world.worker("able", ["gpu"], {
      a: async ({ signals }) => {
        await asked.opened;
        if (signals !== undefined) return { type: "succeeded", value: signals[0]!.payload! };
        return { type: "suspended", wait: "signal", condition: { type: "signal", name: "go" } };
      },
    });
    const run = await submit(owner.engine, notebookOf({ a: [] }, GPU));
    while (able.kind.calls.length === 0) await world.pass(turn());
    if (when === "after") {
      asked.open();
      await world.pass(happened(owner.engine, run, "step.suspended"));
    }
    await world.pass(owner.engine.tell(run, { type: "applySignal", name: "go", payload: 42, by: "t" }));
    asked.open();
    assertEquals(valuesOf(await world.pass(ended(owner.engine, run))), { a: 42 });
    assertEquals([able.kind.calls, owner.kind.calls], [["a#1", "a#1"], []]);
    await world.close();
  });
}

Deno.test("EN-809 EN-1304 each item of a step is made where it may run", async () => {
  const world = new World();
  const owner = await world.worker("owner", []);
  const able = await world.worker("able", ["gpu"], {
    m: ({ inputs }) => ({ type: "succeeded", value: Number(inputs.item) * 2 }),
  });
  const text = notebookOf({ a: [], m: [] }, { m: "each: { in: a, concurrency: 2 }\nrequires: [gpu]" });
  const list = await world.worker("lists", [], { a: () => ({ type: "succeeded", value: [1, 2, 3] }) });
  const run = await submit(list.engine, text);
  await world.pass(ended(list.engine, run));
  assertEquals(await list.engine.value(run, "m"), [2, 4, 6]);
  assertEquals(able.kind.calls.filter((call) => call.startsWith("m")).length, 3);
  assertEquals([...owner.kind.calls, ...list.kind.calls].filter((call) => call.startsWith("m")), []);
  await world.close();
});

Deno.test("T2 whoever follows a run live is told what an attempt elsewhere puts out, before its end and without a gap", async () => {
  const world = new World();
  const owner = await world.worker("owner", []);
  await world.worker("able", ["gpu"], {
    a: ({ emit }) => {
      for (const word of ["one ", "two "]) emit({ type: "text", text: word });
      return { type: "succeeded", value: 1 };
    },
  });
  const run = await submit(owner.engine, notebookOf({ a: [] }, GPU));
  const told: string[] = [];
  const following = (async () => {
    for await (const { items } of owner.engine.follow(run, { signal: AbortSignal.timeout(20_000) })) {
      for (const item of items) {
        if (item.kind === "event") told.push(item.event.type);
        else told.push(item.kind === "frame" && item.frame.type === "text" ? item.frame.text : item.kind);
      }
    }
  })();
  await world.pass(following);
  const after = told.slice(told.indexOf("step.started") + 1);
  assertEquals([after.slice(0, -2).join(""), ...after.slice(-2)], [
    "one two ",
    "step.succeeded",
    "run.ended",
  ]);
  await world.close();
});
