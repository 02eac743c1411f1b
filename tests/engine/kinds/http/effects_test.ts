/** `http` cells that act, on a whole engine and against a server on this machine. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { systemClock } from "../../../../engine/base/clock.ts";
import { EngineError } from "../../../../engine/base/errors.ts";
import { systemIds } from "../../../../engine/base/ids.ts";
import type { Json } from "../../../../engine/base/json.ts";
import { noLog } from "../../../../engine/base/log.ts";
import { calledOf } from "../../../../engine/kinds/http/act.ts";
import { createEngine, createKindTools, type Effect, type Engine } from "../../../../engine/mod.ts";
import { memoryStore } from "../../../../engine/store/memory.ts";
import { ended, gate, happened, noFiles, soon, valuesOf } from "../../work/_harness.ts";
import { type Answers, type Came, json, RawServer } from "./_raw_server.ts";

const RETRY = "retry: { attempts: 3, initial: 1ms, jitter: none }";
const CHARGE = 'content-type: application/json\n\n{ "order": "{{ order }}" }';

/** What a test may look at. */
interface Scene {
  engine: Engine;
  server: RawServer;
  run: string;
  effects(): Promise<Effect[]>;
  value(stored: Effect["result"]): Promise<Json>;
}

/** A run of a cell `pay` that acts, between `order` before and `out` after. */
async function acting(
  { header = "", source = `POST /charges?a=1\n${CHARGE}`, answer }: {
    header?: string;
    /** With a path instead of a URL. */
    source?: string;
    answer: (came: Came, n: number) => Answers;
  },
  test: (scene: Scene) => Promise<void>,
): Promise<void> {
  await using server = new RawServer(answer);
  const { at } = server;
  const tools = createKindTools({
    workspace: noFiles,
    clock: systemClock,
    log: noLog,
    env: (name) => name === "WEFT_ALLOW_PRIVATE_NET" ? at : undefined,
    envNames: () => [],
  });
  const engine = await createEngine({
    store: memoryStore({ clock: systemClock }),
    kinds: tools.kinds,
    workspace: noFiles,
    clock: systemClock,
    ids: systemIds(systemClock),
    log: noLog,
    worker: "w1",
  });
  const there = (text: string) => text.replaceAll("HOST", `http://${at}`);
  const text =
    `~~~jsonata order\n"A/17"\n~~~\n\n~~~http pay\nneeds: { net: ["${at}"] }\n${there(header)}\n---\n` +
    `${there(source.replace(" /", " HOST/"))}\n~~~\n\n~~~jsonata out\npay.body\n~~~\n`;
  try {
    const { run } = await engine.submit({ notebook: "n", text, author: "ann" });
    const effects = async () => (await engine.effects.list({ run })).items;
    await test({ engine, server, run, effects, value: (stored) => engine.read(stored!) });
  } finally {
    await engine.close();
    await tools.close();
  }
}

const statesOf = async ({ effects }: Scene) => (await effects()).map(({ state }) => state);
const over = async ({ engine, run }: Scene) => await soon(ended(engine, run));
const held = async ({ engine, run }: Scene) => await soon(happened(engine, run, "step.held", "pay"));

Deno.test("EF-001 EF-009 EF-023 EF-024 a POST is an effect with its defaults, and its answer is the value", async () => {
  await acting({ answer: () => json({ id: 7 }, 201) }, async (scene) => {
    const view = await over(scene);
    assertEquals([view.label, valuesOf(view).out], ["succeeded", { id: 7 }]);
    const [effect] = await scene.effects();
    const { state, operation, service, description, descriptor, slot } = effect!;
    const { at } = scene.server;
    assertEquals([state, operation, service, slot], ["done", "api_call", at, "0"]);
    assertEquals(description, `POST http://${at}/charges`);
    assertEquals(descriptor, { type: "irreversible", reason: "No compensation declared" });
    assertEquals(await scene.value(effect!.parameters), {
      method: "POST",
      url: `http://${at}/charges?a=1`,
      headers: [["content-type", "application/json"]],
      body: '{"order":"A/17"}',
    });
    assertEquals((await scene.value(effect!.result) as { status: number }).status, 201);
    assertEquals(scene.server.came.map(({ body }) => body), ['{"order":"A/17"}']);
    assertEquals(scene.server.came[0]!.headers["idempotency-key"], undefined);
  });
});

Deno.test("EF-057 a cell that has acted and runs again in its run gets what was recorded", async () => {
  await acting({ answer: () => json({ id: 7 }) }, async (scene) => {
    await over(scene);
    const { engine, run, server } = scene;
    await engine.tell(run, { type: "retryStep", step: "pay", by: "ann" });
    await soon(happened(engine, run, "step.reopened", "pay"));
    const view = await over(scene);
    assertEquals([view.label, valuesOf(view).out], ["succeeded", { id: 7 }]);
    assertEquals([server.came.length, await statesOf(scene)], [1, ["done"]]);
  });
});

Deno.test("EF-044 EF-057 a 503 has not happened: tried again with the same key and the same bytes", async () => {
  const source = 'POST /charges\ncontent-type: application/json\n\n{ "at": "{{ $string($random()) }} ü" }';
  const answer = (_: Came, n: number) =>
    n === 0 ? { status: 503, headers: { "retry-after": "0" } } : json({ n });
  await acting(
    { header: `${RETRY}\neffect: { idempotencyHeader: X-Key }`, source, answer },
    async (scene) => {
      assertEquals((await over(scene)).label, "succeeded");
      const { came } = scene.server;
      assertEquals([came.length, await statesOf(scene)], [2, ["failed", "done"]]);
      assertEquals(came[0]!.body, came[1]!.body, "EF-058 no template is rendered again");
      assert(/^\{"at":"[\d.e-]+ ü"\}$/.test(came[0]!.body), came[0]!.body);
      assert(/^weft-[0-9a-f]{40}$/.test(came[0]!.headers["x-key"]!));
      assertEquals(came[0]!.headers["x-key"], came[1]!.headers["x-key"]);
    },
  );
});

for (
  const [as, states, sent] of [
    ["done", ["done"], 1],
    ["not_done", ["failed", "done"], 2],
    ["retry", ["done"], 2],
  ] as const
) {
  Deno.test(`EF-044 EF-047 a POST whose connection is cut is in doubt; a person says ${as}`, async () => {
    const answer = (_: Came, n: number) => n === 0 ? "cut" : json({ n });
    await acting({ header: RETRY, answer }, async (scene) => {
      await held(scene);
      const { engine, run, server } = scene;
      const { wait } = await engine.stepState(run, "pay");
      assertEquals(wait?.what, `We do not know whether "POST http://${server.at}/charges" happened`);
      assertEquals(server.came.length, 1, "E2 it is not sent again by itself");
      const [effect] = await scene.effects();
      const result = as === "done" ? { result: { body: { seen: true } } } : {};
      await engine.effects.resolve(effect!.id, "ann", { as, note: "I looked", ...result });
      const view = await over(scene);
      assertEquals([view.label, valuesOf(view).out], [
        "succeeded",
        as === "done" ? { seen: true } : { n: 1 },
      ]);
      assertEquals([await statesOf(scene), server.came.length], [[...states], sent]);
      assertEquals(new Set(server.came.map(({ body }) => body)).size, 1);
    });
  });
}

Deno.test("EF-046 EF-061 a PUT that is cut is sent again by itself, with its key in the header", async () => {
  const answer = (_: Came, n: number) => n === 0 ? "cut" : json({ n });
  const header = "effect: { idempotencyHeader: true }";
  await acting({ header, source: `PUT /charges/{{ order }}\n${CHARGE}`, answer }, async (scene) => {
    const view = await over(scene);
    assertEquals([view.label, valuesOf(view).out], ["succeeded", { n: 1 }]);
    const [one, two] = scene.server.came;
    assertEquals([one!.path, one!.body], ["/charges/A%2F17", '{"order":"A/17"}']);
    assertEquals(two, one);
    assertEquals(one!.headers["idempotency-key"], (await scene.effects())[0]!.idempotencyKey);
    assertEquals(await statesOf(scene), ["done"]);
  });
});

Deno.test("EF-046 a DELETE without anything declared is safe to repeat, and a PATCH is not", async () => {
  const answer = (_: Came, n: number) => n === 0 ? "cut" : json({ n });
  await acting({ source: "DELETE /charges/1", answer }, async (scene) => {
    assertEquals((await over(scene)).label, "succeeded");
    assertEquals(scene.server.came.length, 2);
  });
  await acting({ source: `PATCH /charges/1\n${CHARGE}`, answer }, async (scene) => {
    await held(scene);
    assertEquals([scene.server.came.length, await statesOf(scene)], [1, ["in-doubt"]]);
  });
});

Deno.test("EF-061 service stripe has its key in the header without being told", async () => {
  await acting({ header: "effect: { service: stripe }", answer: () => json(1) }, async (scene) => {
    await over(scene);
    const [effect] = await scene.effects();
    assertEquals(scene.server.came[0]!.headers["idempotency-key"], effect!.idempotencyKey);
    assertEquals(effect!.service, "stripe");
  });
});

const PROBE = 'probe: { method: GET, url: "HOST/charges?of={{ order }}", exists: "$count(body) > 0" }';
for (
  const [what, found, expected] of [
    ["true", json([{ id: 9 }]), { sent: 1, states: ["done"], out: [{ id: 9 }] }],
    ["false", json([]), { sent: 2, states: ["failed", "done"], out: { n: 2 } }],
    ["nothing, on a status that says nothing", { status: 503 }, undefined],
    ["nothing, cut off", "cut", undefined],
  ] as [string, Answers, { sent: number; states: string[]; out: Json } | undefined][]
) {
  Deno.test(`EF-049 what is in doubt asks its probe, which says ${what}`, async () => {
    const answer = ({ method }: Came, n: number) => method === "GET" ? found : n === 0 ? "cut" : json({ n });
    await acting({ header: `effect: { ${PROBE} }`, answer }, async (scene) => {
      if (expected === undefined) {
        await held(scene);
        assertEquals([scene.server.acted.length, await statesOf(scene)], [1, ["in-doubt"]]);
      } else {
        const view = await over(scene);
        assertEquals(valuesOf(view).out, expected.out);
        assertEquals([scene.server.acted.length, await statesOf(scene)], [expected.sent, expected.states]);
      }
      const probe = scene.server.came.find(({ method }) => method === "GET");
      assertEquals(probe?.path, "/charges?of=A%2F17");
    });
  });
}

const UNDO = 'effect: { description: "Charge {{ order }}", reversible: { method: DELETE, ' +
  'url: "HOST/charges/{{ result.body.id }}", parameters: { of: "{{ order }}", ids: "{{ result.body.all }}" } } }';

Deno.test("EF-032 a descriptor is filled in with what came of it, and stored so", async () => {
  await acting({ header: UNDO, answer: () => json({ id: "a/b", all: [1, 2] }) }, async (scene) => {
    assertEquals((await over(scene)).label, "succeeded");
    const [{ descriptor, description, entries } = {} as Effect] = await scene.effects();
    const { at } = scene.server;
    assertEquals(description, "Charge A/17");
    assertEquals(descriptor, {
      type: "reversible",
      reverseOperation: {
        service: at,
        method: "DELETE",
        url: `http://${at}/charges/a%2Fb`,
        parameters: { of: "A/17", ids: [1, 2] },
      },
    });
    assertEquals(entries.map(({ type }) => type), ["effect.intended", "effect.done"]);
  });
});

Deno.test("EF-033 what cannot be filled in leaves it done and irreversible, and the step warned", async () => {
  await acting({ header: UNDO, answer: () => json({ other: 1 }) }, async (scene) => {
    const view = await over(scene);
    assertEquals(view.cells.pay!.label, "warned");
    const [{ descriptor, state } = {} as Effect] = await scene.effects();
    assertEquals(state, "done");
    assertEquals(descriptor, {
      type: "irreversible",
      reason: "Compensation could not be prepared: Placeholder {{ result.body.id }} has no value",
    });
    assertEquals(view.cells.pay!.warnings?.map(({ message }) => message), [
      "Compensation could not be prepared: Placeholder {{ result.body.id }} has no value",
    ]);
  });
});

Deno.test("EF-032 of what a person says is done, no placeholder is ever sent as it stands", async () => {
  await acting({ header: UNDO, answer: () => "cut" }, async (scene) => {
    await held(scene);
    const [effect] = await scene.effects();
    await scene.engine.effects.resolve(effect!.id, "ann", { as: "done", note: "seen" });
    assertEquals((await over(scene)).cells.pay!.label, "warned");
    const [{ descriptor } = {} as Effect] = await scene.effects();
    assertEquals(descriptor, {
      type: "irreversible",
      reason: "Compensation could not be prepared: nobody heard what came of it",
    });
  });
});

Deno.test("EF-043 what was never sent has failed", async () => {
  await acting(
    { source: `POST {{ "http://10.0.0.1/" }}\n${CHARGE}`, answer: () => json(1) },
    async (scene) => {
      const view = await over(scene);
      assertEquals([view.label, view.cells.pay!.problem?.code], ["failed", "egress_denied"]);
      assertEquals([await statesOf(scene), scene.server.came.length], [["failed"], 0]);
      assertEquals((await scene.effects())[0]!.error?.code, "egress_denied");
    },
  );
});

Deno.test("EF-044 what a status says of an action", () => {
  const said = (status: number) =>
    calledOf({ type: "answered", status, headers: {}, body: new Uint8Array(), url: "https://a.example/" }, 0);
  const table: [type: string, statuses: number[]][] = [
    ["done", [200, 201, 202, 204, 299, 303]],
    ["unknown", [300, 302, 304, 408, 502, 504]],
    ["failed", [301, 307, 308, 400, 401, 403, 404, 409, 410, 422, 425, 429, 500, 501, 503, 505, 599]],
  ];
  for (const [type, statuses] of table) {
    for (const status of statuses) assertEquals([status, said(status).type], [status, type]);
  }
  const none = (type: "not_sent" | "in_doubt") =>
    calledOf({ type, code: "x", category: "network", message: "No" }, 0).type;
  assertEquals([none("not_sent"), none("in_doubt")], ["failed", "unknown"]);
});

Deno.test("EF-044 no redirect of an action is followed", async () => {
  const answer = ({ path }: Came) =>
    path === "/old" ? { status: 307, headers: { location: "/new" } } : json(1);
  await acting({ source: `POST /old\n${CHARGE}`, answer }, async (scene) => {
    assertEquals((await over(scene)).cells.pay!.problem?.code, "redirect_refused");
    assertEquals(scene.server.came.map(({ path }) => path), ["/old"]);
  });
});

Deno.test("EF-044 what has happened is done though its answer cannot be read, and the step is warned", async () => {
  const answer = () => ({ headers: { "content-type": "application/json" }, body: "{" });
  await acting({ answer }, async (scene) => {
    const view = await over(scene);
    assertEquals([view.cells.pay!.label, valuesOf(view).out, await statesOf(scene)], ["warned", null, [
      "done",
    ]]);
  });
});

Deno.test("EF-044 EF-050 a POST whose cell is timed out amid it does not fail: it is in doubt", async () => {
  const answer = (_: Came, n: number) => n === 0 ? "hang" : json({ n });
  await acting({ header: `timeout: 1s\n${RETRY.replace("3", "1")}`, answer }, async (scene) => {
    await held(scene);
    const { engine, server } = scene;
    assertEquals([await statesOf(scene), server.came.length], [["in-doubt"], 1]);
    const [effect] = await scene.effects();
    await engine.effects.resolve(effect!.id, "ann", { as: "not_done", note: "no trace" });
    const view = await over(scene);
    assertEquals([view.label, valuesOf(view).out, server.came.length], ["succeeded", { n: 1 }, 2]);
  });
});

Deno.test("EF-050 a run that is cancelled amid a POST ends, and leaves it in doubt", async () => {
  const come = gate();
  const answer = () => {
    come.open();
    return "hang" as const;
  };
  await acting({ answer }, async (scene) => {
    await come.opened;
    await scene.engine.tell(scene.run, { type: "cancelRun", by: "ann" });
    assertEquals((await over(scene)).label, "cancelled");
    assertEquals([await statesOf(scene), scene.server.came.length], [["in-doubt"], 1]);
  });
});

Deno.test("E2 EN-1405 who goes on from a run takes over what it has done, and not before it is known what that is", async () => {
  await acting({ answer: (_, n) => n === 0 ? "cut" : json({ n }) }, async (scene) => {
    await held(scene);
    const { engine, run, server } = scene;
    const [effect] = await scene.effects();
    const refused = await assertRejects(() => engine.fork({ run, author: "ann" }), EngineError);
    assertEquals([refused.code, server.came.length], ["effect_in_doubt", 1]);
    await engine.effects.resolve(effect!.id, "ann", { as: "done", note: "I looked", result: { body: 5 } });
    await over(scene);
    const { run: next } = await engine.fork({ run, author: "ann" });
    const view = await soon(ended(engine, next));
    assertEquals([view.label, valuesOf(view).out], ["succeeded", 5]);
    assertEquals([server.came.length, (await engine.effects.list({ run: next })).items], [1, []]);
  });
});

Deno.test("EF-055 each item of a cell that acts is an effect with a key of its own", async () => {
  const header = 'each: { in: "[1, 2, 3]" }\neffect: { idempotencyHeader: true }';
  const source = 'POST /charges\ncontent-type: application/json\n\n{ "n": "{{ item }}" }';
  await acting({ header, source, answer: ({ body }) => json(JSON.parse(body)) }, async (scene) => {
    assertEquals((await over(scene)).label, "succeeded");
    const effects = await scene.effects();
    assertEquals(effects.map(({ state, cell }) => [state, cell]), Array(3).fill(["done", "pay"]));
    const { came } = scene.server;
    assertEquals(came.map(({ body }) => body).toSorted(), ['{"n":1}', '{"n":2}', '{"n":3}']);
    assertEquals(
      came.map(({ headers }) => headers["idempotency-key"]).toSorted(),
      effects.map(({ idempotencyKey }) => idempotencyKey).toSorted(),
    );
    assertEquals(new Set(effects.map(({ idempotencyKey }) => idempotencyKey)).size, 3);
  });
});

Deno.test("EF-001 a GET is no effect unless its cell says so", async () => {
  await acting({ source: "GET /a", answer: () => json(1) }, async (scene) => {
    await over(scene);
    assertEquals(await scene.effects(), []);
  });
  const header = "effect: { irreversible: { reason: It rings a bell } }";
  await acting({ source: "GET /bell", header, answer: () => json(1) }, async (scene) => {
    await over(scene);
    assertEquals(await statesOf(scene), ["done"]);
  });
});
