/** What a run and its steps can be told over HTTP, and what is answered. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { FakeEngine, type FakeRun } from "../_support/fake_engine.ts";
import { settle } from "../_support/manual_clock.ts";
import { type Client, client, DEMO } from "./_client.ts";

/** A client with one run, in which `a` is running and `b` waits. */
async function withRun(): Promise<Client & { run: FakeRun; path: string }> {
  const made = client();
  await made.engine.submit({ notebook: "demo", text: DEMO, author: "me" });
  const run = made.engine.all[0]!;
  run.start("a");
  return { ...made, run, path: `/api/v1/runs/${run.id}` };
}

interface Row {
  id: string;
  method?: "POST" | "PATCH" | "PUT";
  path: string;
  body?: unknown;
  /** What the engine is told. */
  told: Record<string, unknown>;
  /** Brings the run to where it can be told so. */
  before?: (run: FakeRun) => void;
  /** Brings it to where it cannot, and the code. */
  wrong: [(run: FakeRun) => void, string] | undefined;
  malformed: unknown;
}

const over = (run: FakeRun) => {
  run.fail("a", "no");
  run.end("failed");
};
const ended: Row["wrong"] = [over, "run_ended"];
const ROWS: Row[] = [
  ...["pause", "resume", "stop", "cancel"].map((what): Row => ({
    id: what === "stop" ? "AP-617" : what === "cancel" ? "AP-618" : "AP-616",
    path: `/${what}`,
    body: { reason: "lunch" },
    told: { type: `${what}Run`, by: "owner", reason: "lunch" },
    wrong: ended,
    malformed: { reason: 1 },
  })),
  {
    id: "AP-619",
    path: "/restart",
    body: { from: ["a"] },
    told: { type: "restartRun", by: "owner", from: ["a"] },
    before: over,
    wrong: [() => {}, "run_busy"],
    malformed: { from: [] },
  },
  {
    id: "AP-623",
    method: "PATCH",
    path: "",
    body: { priority: 70, tags: { team: "a" }, deadline: "2026-11-20T09:30:00Z" },
    told: {
      type: "changeRun",
      by: "owner",
      priority: 70,
      tags: { team: "a" },
      deadline: Date.parse("2026-11-20T09:30:00Z"),
    },
    wrong: undefined,
    malformed: {},
  },
  ...["retry", "skip", "cancel"].map((what): Row => ({
    id: "AP-624",
    path: `/steps/a/${what}`,
    body: {},
    told: { type: `${what}Step`, step: "a", by: "owner" },
    before: what === "retry" ? over : undefined,
    wrong: what === "retry" ? [() => {}, "attempt_open"] : [(run) => run.succeed("a", 1), "step_ended"],
    malformed: { why: "" },
  })),
  {
    id: "AP-625",
    method: "PUT",
    path: "/steps/b/value",
    body: { deep: [1, null] },
    told: { type: "supplyValue", step: "b", value: { deep: [1, null] }, by: "owner" },
    wrong: [(run) => run.start("b"), "attempt_open"],
    malformed: undefined,
  },
];

for (const { id, method = "POST", path: tail, body = {}, told, before, wrong, malformed } of ROWS) {
  const name = `${id} ${method} /runs/{run}${tail}`;

  Deno.test(`${name}: applied, and named by the command that it became`, async () => {
    const { ask, engine, run, path, clock } = await withRun();
    before?.(run);
    const asked = ask(path + tail, { method, body: JSON.stringify(body) });
    for (let i = 0; i < 3; i++) {
      await settle();
      await clock.advance(1_000);
    }
    const answer = await asked;
    const given = await answer.json();
    assertEquals([answer.status, given.answer, given.run], [200, "applied", run.id], JSON.stringify(given));
    assertEquals(engine.instructions, [told as never]);
    const known = await ask(`${path}/commands/${given.command}`);
    assertEquals([known.status, (await known.json()).state], [200, "applied"]);
  });

  Deno.test(`AP-107 ${name}: a repeated key is answered as the first was and tells nothing again`, async () => {
    const { ask, engine, run, path, clock } = await withRun();
    before?.(run);
    const answers: [string, string | null][] = [];
    for (let i = 0; i < 2; i++) {
      const headers = { "idempotency-key": "k", prefer: "wait=0" };
      const asked = ask(path + tail, { method, body: JSON.stringify(body), headers });
      await settle();
      await clock.advance(1);
      const answer = await asked;
      answers.push([(await answer.json()).command, answer.headers.get("idempotency-replayed")]);
    }
    assertEquals(answers, [["cmd_1", null], ["cmd_1", "true"]]);
    assertEquals(engine.instructions.length, 1);
    const bad = await ask(path + tail, {
      method,
      body: JSON.stringify(body),
      headers: { "idempotency-key": "two words" },
    });
    assertEquals((await bad.json()).code, "key_invalid");
  });

  Deno.test(`${name}: an unknown run, a malformed body and a wrong state tell nothing`, async () => {
    const { json, engine, run, path } = await withRun();
    const send = (to: string, what: string) => json(to, { method, body: what });
    const gone = await send(`/api/v1/runs/nope${tail}`, JSON.stringify(body));
    assertEquals([gone.status, gone.body.code], [404, "run_not_found"]);
    assertEquals((await send(path + tail, "{")).body.code, "json_invalid");
    if (malformed !== undefined) {
      const bad = await send(path + tail, JSON.stringify(malformed));
      assertEquals([bad.status, bad.body.code], [422, "schema_invalid"]);
    }
    if (tail.startsWith("/steps/")) {
      const none = await send((path + tail).replace(/steps\/\w+/, "steps/none"), JSON.stringify(body));
      assertEquals([none.status, none.body.code], [404, "step_not_found"]);
    }
    if (wrong !== undefined) {
      wrong[0](run);
      const refused = await send(path + tail, JSON.stringify(body));
      assertEquals([refused.status, refused.body.code], [409, wrong[1]]);
    }
    assertEquals(engine.instructions, []);
  });
}

Deno.test("AP-109 what is not applied in the time preferred is 202 with the place of its answer", async () => {
  const { ask, engine, path, run } = await withRun();
  const waits: (number | undefined)[] = [];
  engine.answers = "pending";
  const tell = engine.tell.bind(engine);
  engine.tell = (id, instruction, options) => {
    waits.push(options?.waitMs);
    return tell(id, instruction, options);
  };
  const answers = [];
  for (const prefer of [undefined, "wait=0", "respond-async, wait=7", "wait=99", "wait=soon"]) {
    answers.push(
      await ask(`${path}/pause`, {
        method: "POST",
        body: "{}",
        headers: prefer === undefined ? {} : { prefer },
      }),
    );
  }
  assertEquals(waits, [2_000, 0, 7_000, 30_000, 2_000]);
  assertEquals([answers[0]!.status, await answers[0]!.json()], [202, { command: "cmd_1" }]);
  assertEquals(answers[0]!.headers.get("location"), `/api/v1/runs/${run.id}/commands/cmd_1`);
});

Deno.test("AP-618 cancel says whether the run has ended in time, and which attempts ignored their abort", async () => {
  const { ask, engine, clock, path } = await withRun();
  const cancel = async (ms: number) => {
    const asked = ask(`${path}/cancel`, { method: "POST", body: "{}", headers: { prefer: "wait=3" } });
    await settle();
    await clock.advance(ms);
    return await (await asked).json();
  };
  assertEquals(await cancel(3_000), {
    command: "cmd_1",
    answer: "applied",
    run: "run_0001",
    ended: false,
    unsettled: [],
  });
  engine.ended = () => Promise.resolve({ label: "cancelled", unsettled: ["a"] });
  const { ended, label, unsettled } = await cancel(0);
  assertEquals([ended, label, unsettled], [true, "cancelled", ["a"]]);
});

Deno.test("AP-627 release asks for the epoch that is expected", async () => {
  const { json, engine, path } = await withRun();
  const asked: unknown[] = [];
  engine.release = (...given) => {
    asked.push(given);
    return Promise.resolve({ epoch: 4 });
  };
  const release = (body: string) => json(`${path}/release`, { method: "POST", body });
  assertEquals((await release('{"expectEpoch":3,"force":true}')).body, { epoch: 4 });
  assertEquals((await release("{}")).status, 200);
  assertEquals((await release('{"expectEpoch":-1}')).body.code, "schema_invalid");
  assertEquals(asked.map((given) => (given as unknown[])[1]), [{ expectEpoch: 3, force: true }, {}]);
});

Deno.test("AP-629 a command that is not there is said to be not there; one that was refused says why", async () => {
  const { json, engine, path } = await withRun();
  assertEquals((await json(`${path}/commands/none`)).body.code, "command_not_found");
  engine.command = () =>
    Promise.resolve({ state: "refused", at: 0, code: "run_ended", reason: "It has ended" });
  const { body } = await json(`${path}/commands/cmd_1`);
  const { code, status, detail } = body.problem as Record<string, unknown>;
  assertEquals([body.state, code, status, detail], ["refused", "run_ended", 409, "It has ended"]);
  engine.command = () => Promise.resolve({ state: "pending" });
  assertEquals((await json(`${path}/commands/cmd_1`)).body, { state: "pending" });
});

Deno.test("AP-601 a request's options reach the engine as it takes them; what cannot be is refused", async () => {
  const { json, engine } = client({ engine: new FakeEngine() });
  const start = (more: Record<string, unknown>) =>
    json("/api/v1/runs", { method: "POST", body: JSON.stringify({ notebook: "demo", ...more }) });
  const { status, body } = await start({
    delayUntil: "2026-11-20T10:30:00+01:00",
    deadline: "2026-11-21T00:00:00.000Z",
    priority: 90,
    tags: { team: "a" },
    inputs: { a: 41 },
    errors: "continue",
    concurrency: 2,
    retry: { attempts: 3, initialMs: 1500, on: ["network"] },
    timeoutMs: 0,
  });
  assertEquals(status, 201, JSON.stringify(body));
  const { text: _text, ...request } = engine.all[0]!.request;
  assertEquals(request, {
    notebook: "demo",
    author: "owner",
    startAt: Date.parse("2026-11-20T09:30:00Z"),
    deadline: Date.parse("2026-11-21T00:00:00Z"),
    priority: 90,
    tags: { team: "a" },
    inputs: { a: 41 },
    overrides: {
      errors: "continue",
      concurrency: 2,
      retry: { attempts: 3, initial: "1500ms", on: ["network"] },
      timeoutMs: 0,
    },
  });
  assertEquals([body.priority, body.tags, body.deadline], [90, { team: "a" }, "2026-11-21T00:00:00.000Z"]);
  await start({ delayMs: 500 });
  assertEquals(engine.all[1]!.request.delayMs, 500);
  const bad: Record<string, unknown>[] = [
    { delayMs: 1, delayUntil: "2026-11-20T10:30:00Z" },
    { delayMs: -1 },
    { deadline: "tomorrow" },
    { deadline: "2026-11-20T10:30:00" },
    { priority: 101 },
    { errors: "ignore" },
    { retry: { attempts: 0 } },
    { retry: { initial: "1s" } },
    { timeout: 1 },
  ];
  for (const more of bad) {
    const refused = await start(more);
    assertEquals([refused.status, refused.body.code], [422, "schema_invalid"], JSON.stringify(more));
    assert(String(refused.body.detail).length > 20);
  }
  assertEquals(engine.all.length, 2);
  assertMatch(String((await start(bad[0]!)).body.detail), /Either delayMs or delayUntil/);
});
