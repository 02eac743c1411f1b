/** What can be asked of a run over HTTP: state, plan, steps, attempts, journal, why it waits, who owns it. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { FakeEngine } from "../_support/fake_engine.ts";
import { settle } from "../_support/manual_clock.ts";
import { type Client, client, DEMO, messagesOf } from "./_client.ts";

const AT = Date.parse("2026-11-20T09:30:00.000Z");

/** A run in which `a` failed once and succeeded then, and `b` waits. */
async function withRun() {
  const engine = new FakeEngine(() => {}, () => AT);
  const made = client({ engine });
  await engine.submit({ notebook: "demo", text: DEMO, author: "me", tags: { team: "a" } });
  const run = engine.all[0]!;
  run.start("a");
  run.retry("a", "no luck", AT + 5_000);
  run.start("a");
  run.succeed("a", 2);
  const get = async (path: string) => (await made.json(`/api/v1/runs/${run.id}${path}`)).body;
  return { ...made, engine, run, get };
}

// deno-lint-ignore no-explicit-any -- answers are asserted field by field
type Any = any;

Deno.test("AP-604 AP-605 AP-606 a run, its state and its frozen plan", async () => {
  const { get, engine } = await withRun();
  engine.waits = { wait: "worker", since: AT, what: "No worker has it", next: "It goes on then" };
  const run = await get("") as Any;
  assertEquals(
    [run.author, run.owner, run.tags, run.priority, run.counts.total],
    ["me", { worker: "w1", epoch: 1 }, { team: "a" }, 50, 2],
  );
  assertEquals(run.wait, {
    wait: "worker",
    what: "No worker has it",
    next: "It goes on then",
    since: "2026-11-20T09:30:00.000Z",
  });
  assertMatch(run.cursor, /^c\d+$/);
  const state = await get("/state") as Any;
  assertEquals([state.label, state.vector.phase, state.wait.wait, state.seq], [
    "running",
    "active",
    "worker",
    1,
  ]);
  const { steps } = await get("/plan") as Any;
  assertEquals(steps.map(({ cell }: Any) => cell), ["a", "b"]);
});

Deno.test("AP-607 steps, all, by label and one; AP-608 attempts with why each began and how it ended", async () => {
  const { get } = await withRun();
  const names = (list: Any) => list.items.map(({ step }: Any) => step);
  assertEquals(names(await get("/steps")), ["a", "b"]);
  assertEquals(names(await get("/steps?label=succeeded")), ["a"]);
  const a = await get("/steps/a") as Any;
  assertEquals([a.label, a.attempts, a.value, a.endedAt], [
    "succeeded",
    2,
    { inline: 2 },
    "2026-11-20T09:30:00.000Z",
  ]);
  assertEquals((await get("/steps/none") as Any).code, "step_not_found");
  const { items } = await get("/steps/a/attempts") as Any;
  assertEquals(items.map(({ n, reason, outcome, category }: Any) => [n, reason, outcome, category]), [
    [1, "first", "failed", "network"],
    [2, "retry", "succeeded", undefined],
  ]);
  assertEquals((await get("/steps/a/attempts/last") as Any).n, 2);
  assertEquals((await get("/steps/a/attempts/1") as Any).problem.message, "no luck");
  assertEquals((await get("/steps/a/attempts/3") as Any).code, "attempt_not_found");
  assertEquals((await get("/steps/none/attempts") as Any).code, "step_not_found");
  assertEquals((await get("/steps/b/attempts") as Any).items, []);
});

Deno.test("AP-614 runs that a run has begun, each with where it comes from", async () => {
  const { get, engine, run, json } = await withRun();
  assertEquals(await get("/children"), { items: [] });
  await engine.submit({ notebook: "part", text: DEMO, author: "me" });
  const below = engine.all[1]!;
  below.parent = { run: run.id, step: "b" };
  const { items } = await get("/children") as Any;
  assertEquals(items.map(({ id, notebook, parent }: Any) => [id, notebook, parent]), [
    [below.id, "part", { run: run.id, step: "b" }],
  ]);
  assertEquals((await json(`/api/v1/runs/${below.id}`) as Any).body.parent, { run: run.id, step: "b" });
});

Deno.test("AP-611 the journal as it is told, in pages that go on where the last one ended", async () => {
  const { get, run } = await withRun();
  const whole = (await get("/journal") as Any).items;
  assertEquals(whole.map(({ type }: Any) => type), [
    "run.queued",
    "run.started",
    "step.started",
    "step.retried",
    "step.started",
    "step.succeeded",
  ]);
  assertEquals(whole[0].at, "2026-11-20T09:30:00.000Z");
  const paged = [];
  let pages = 0;
  for (let after = "";; pages++) {
    const page = await get(`/journal?limit=2${after}`) as Any;
    assert(page.items.length <= 2);
    paged.push(...page.items);
    if (page.next === undefined) break;
    after = `&after=${page.next}`;
  }
  assertEquals([paged, pages], [whole, 2]);
  run.tell({ type: "run.paused", label: "paused" }, { type: "run.resumed", label: "running" });
  const last = await get(`/journal?limit=1&after=c${run.groups.length - 1}`) as Any;
  assertEquals(last.items.length, 2, "what happened at once is not cut");
  assertEquals((await get("/journal?limit=0") as Any).code, "query_invalid");
  assertEquals((await get("/journal?after=nonsense") as Any).code, "cursor_invalid");
});

Deno.test("AP-612 why a run or a step does not move is one sentence; none where it moves", async () => {
  const { get, engine } = await withRun();
  assertEquals(await get("/explain"), {
    label: "running",
    rank: 0,
    lane: "default",
    requires: [],
    workers: [],
  });
  engine.waits = {
    wait: "delay",
    since: AT,
    until: AT + 1,
    what: "It was asked for with a delay",
    next: "It begins",
  };
  const why = await get("/explain") as Any;
  assertEquals([why.sentence, why.wait.until], [
    "It was asked for with a delay. It begins.",
    "2026-11-20T09:30:00.001Z",
  ]);
  assertEquals((await get("/explain?step=b") as Any).label, "waiting");
  assertEquals((await get("/explain?step=none") as Any).code, "step_not_found");
});

Deno.test("AP-615 who owns a run, and since when it changed", async () => {
  const { get, json } = await withRun();
  const lease = await get("/lease") as Any;
  assertEquals([lease.owner, lease.epoch, lease.history], [{ worker: "w1" }, 1, [{
    type: "run.started",
    at: "2026-11-20T09:30:00.000Z",
  }]]);
  for (
    const what of ["state", "plan", "journal", "explain", "lease", "steps", "steps/a", "steps/a/attempts"]
  ) {
    const gone = await json(`/api/v1/runs/nope/${what}`);
    assertEquals([gone.status, gone.body.code], [404, "run_not_found"], what);
  }
});

Deno.test("AP-603 runs by notebook, label, tag and time", async () => {
  const { json, engine, run } = await withRun();
  await engine.submit({ notebook: "demo", text: DEMO, author: "me", tags: { team: "b" } });
  engine.runs = ({ limit }) => {
    assertEquals(limit, 1000, "a filter looks at more runs than it lets pass");
    return Promise.resolve(
      engine.all.map((run) => ({ ...run.summary(), tags: run.request.tags })).reverse(),
    );
  };
  const ids = async (query: string) =>
    ((await json(`/api/v1/runs?${query}`)).body as Any).items.map(({ id }: Any) => id);
  assertEquals(await ids("label=running"), [run.id]);
  assertEquals(await ids("tag=team"), ["run_0002", "run_0001"]);
  assertEquals(await ids("tag=team=b"), ["run_0002"]);
  assertEquals(await ids("tag=team&limit=1"), ["run_0002"]);
  assertEquals(await ids("since=2026-11-20T09:30:00.001Z"), []);
  assertEquals(await ids("until=2026-11-20T09:30:00.000Z"), ["run_0002", "run_0001"]);
  assertEquals((await json("/api/v1/runs?since=yesterday")).body.code, "query_invalid");
});

Deno.test("OB-121 ready while the store answers, and from the beginning of the end on not", async () => {
  const end = new AbortController();
  const { json, engine, clock } = client({ draining: end.signal });
  assertEquals(await json("/readyz"), { status: 200, body: { store: true, draining: false } });
  engine.runs = () => Promise.reject(new Error("gone"));
  assertEquals((await json("/readyz")).status, 200, "an answer holds for 5 s");
  await clock.advance(5_001);
  assertEquals(await json("/readyz"), { status: 503, body: { store: false, draining: false } });
  engine.runs = () => new Promise(() => {});
  await clock.advance(5_001);
  const slow = json("/readyz");
  await settle();
  await clock.advance(1_000);
  assertEquals((await slow).status, 503);
  const ends = client({ draining: end.signal });
  assertEquals((await ends.json("/readyz")).status, 200);
  end.abort();
  assertEquals(await ends.json("/readyz"), { status: 503, body: { store: true, draining: true } });
  assertEquals((await ends.json("/healthz")).status, 200);
});

/** The next message of a live stream, whose groups wait a moment for one another. */
async function next({ clock }: Client, live: ReturnType<typeof messagesOf>) {
  const message = live.next();
  await settle();
  await clock.advance(40);
  return await message;
}

Deno.test("AP-716 at the end of the server each stream says `moved` and ends; a new one is refused", async () => {
  const end = new AbortController();
  const made = client({ draining: end.signal, watch: () => () => {} });
  const { ask, json, engine, clock } = made;
  await engine.submit({ notebook: "demo", text: DEMO, author: "me" });
  const paths = ["/api/v1/notebooks/demo/live", `/api/v1/runs/${engine.all[0]!.id}/frames`];
  const streams = [];
  for (const path of paths) streams.push(messagesOf(await ask(path)));
  for (const stream of streams) await next(made, stream);
  end.abort();
  for (const [i, stream] of streams.entries()) {
    const last = [];
    for (let message = await next(made, stream); message !== undefined; message = await next(made, stream)) {
      last.push(message.event);
    }
    assertEquals(last.at(-1), "moved", paths[i]);
  }
  await clock.advance(1_000);
  assertEquals(engine.following, 0);
  for (const path of paths) {
    const refused = await json(path);
    assertEquals([refused.status, refused.body.code, refused.body.retry], [503, "draining", "wait"]);
  }
  engine.runs = () => Promise.reject(new TypeError("the store is closed"));
  assertEquals((await json("/api/v1/runs")).body.code, "draining", "what breaks at the end is no bug");
});

Deno.test("EN-606 ST-508 a live page hears of a run that is opened again after its end", async () => {
  const made = client({ watch: () => () => {} });
  const { ask, engine } = made;
  await engine.submit({ notebook: "demo", text: DEMO, author: "me" });
  const run = engine.all[0]!;
  run.start("a");
  run.fail("a", "no");
  run.end("failed");
  const live = messagesOf(await ask("/api/v1/notebooks/demo/live"));
  const types: string[] = [];
  const hear = async (last: string) => {
    while (!types.includes(last)) {
      const message = await next(made, live);
      const { items = [] } = JSON.parse(message!.data!);
      assertEquals(
        message!.event === "run" && types.length > 0,
        false,
        "the page is not told to begin again",
      );
      types.push(...items.map(({ event }: Any) => event.type));
    }
  };
  await hear("run.ended");
  for (let round = 0; round < 2; round++) {
    types.splice(0);
    // As when a worker takes the run up to apply a command to it: nothing has happened yet.
    for (let i = 0; i < 2; i++) engine.announce(run);
    await settle();
    await engine.tell(run.id, { type: "restartRun", by: "me" });
    await hear("step.reopened");
    run.start("a");
    run.fail("a", "no again");
    run.end("failed");
    await hear("run.ended");
    assertEquals(types.filter((type) => type === "run.reopened").length, 1);
  }
  await live.cancel();
});
