import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { EngineError } from "../../engine/base/errors.ts";
import { FakeEngine } from "../_support/fake_engine.ts";
import { settle } from "../_support/manual_clock.ts";
import { client, DEMO, messagesOf } from "./_client.ts";

const POST = { method: "POST" };

Deno.test("AP-501 AP-503 AP-508 AP-511 notebooks: list, bytes, document, graph, check", async () => {
  const { json, ask } = client();
  const list = await json("/api/v1/notebooks");
  const items = list.body.items as Record<string, unknown>[];
  assertEquals(items.map(({ id, title, cells }) => [id, title, cells]), [["demo", "Demo", 2], [
    "sub/other",
    "Other",
    0,
  ]]);
  const bytes = await ask("/api/v1/notebooks/demo");
  assertEquals([bytes.headers.get("content-type"), await bytes.text()], [
    "text/markdown; charset=utf-8",
    DEMO,
  ]);
  const etag = bytes.headers.get("etag")!;
  assertEquals((await ask("/api/v1/notebooks/demo", { headers: { "if-none-match": etag } })).status, 304);
  const document = await json("/api/v1/notebooks/demo", { headers: { accept: "application/json" } });
  assertEquals([`"${document.body.version}"`, document.body.text], [etag, DEMO]);
  const graph = await json("/api/v1/notebooks/demo/graph");
  assertEquals([graph.body.order, graph.body.cycles], [["a", "b"], []]);
  assertEquals((await json("/api/v1/notebooks/sub%2Fother/graph")).body.order, []);
  const check = await json("/api/v1/check", {
    ...POST,
    body: "```jsonata a\nb +\n```\n",
    headers: { "content-type": "text/markdown" },
  });
  assert((check.body.problems as unknown[]).length > 0);
});

Deno.test("AP-509 AP-510 layout is kept beside the notebook; a plan starts nothing", async () => {
  const { json, engine } = client();
  const positions = { a: { x: 10, y: -5 } };
  const put = await json("/api/v1/notebooks/demo/layout", {
    method: "PUT",
    body: JSON.stringify({ positions }),
  });
  assertEquals(put.status, 200);
  assertEquals((await json("/api/v1/notebooks/demo/layout")).body, { positions });
  const bad = await json("/api/v1/notebooks/demo/layout", {
    method: "PUT",
    body: '{"positions":{"a":{"x":1e99,"y":0}}}',
  });
  assertEquals(bad.body.code, "schema_invalid");
  const plan = await json("/api/v1/notebooks/demo/plan", { ...POST, body: '{"cells":["b"]}' });
  assertEquals((plan.body.steps as { cell: string }[]).map(({ cell }) => cell), ["b"]);
  assertEquals(engine.all.length, 0);
});

Deno.test("AP-601 AP-604 AP-609 AP-705 a run is started, read, and its values too", async () => {
  const { json, ask, engine } = client();
  const started = await ask("/api/v1/runs", {
    ...POST,
    body: '{"notebook":"demo","cells":["a"],"params":{"p":1}}',
  });
  const run = await started.json();
  assertEquals([started.status, started.headers.get("location"), run.label], [
    201,
    `/api/v1/runs/${run.id}`,
    "queued",
  ]);
  assertMatch(run.createdAt, /^\d{4}-.*Z$/);
  assertEquals([engine.lastParams, engine.all[0]!.request.author], [{ p: 1 }, "owner"]);
  const early = await json(`/api/v1/runs/${run.id}/steps/a/value`);
  assertEquals([early.status, early.body.code], [404, "value_not_ready"]);
  engine.all[0]!.start("a");
  engine.all[0]!.succeed("a", { deep: [1, null] });
  engine.all[0]!.end("succeeded");
  assertEquals((await json(`/api/v1/runs/${run.id}/steps/a/value`)).body, { deep: [1, null] });
  assertEquals((await json(`/api/v1/runs/${run.id}`)).body.counts, { total: 1, byLabel: { succeeded: 1 } });
  assertEquals((await json(`/api/v1/runs/${run.id}/page`)).body.cursor, `c${engine.all[0]!.groups.length}`);
  assertEquals(((await json("/api/v1/runs?notebook=demo&limit=1")).body.items as unknown[]).length, 1);
  assertEquals((await json("/api/v1/runs?limit=0")).body.code, "query_invalid");
  assertEquals((await json("/api/v1/runs/nope")).body.code, "run_not_found");
  assertEquals((await json(`/api/v1/runs/${run.id}/stop`, { ...POST, body: "{}" })).body.code, "run_ended");
});

Deno.test("AP-711 AP-712 AP-713 frames: every group ends with its id, goes on after it, ends with `end`", async () => {
  const { ask, engine } = client();
  await engine.submit({ notebook: "demo", text: DEMO, author: "me" });
  const [run] = engine.all;
  run!.start("a");
  run!.text("a", "one\ntwo");
  const path = `/api/v1/runs/${run!.id}/frames`;
  const response = await ask(path);
  assertEquals(response.headers.get("content-type"), "text/event-stream");
  const all = messagesOf(response);
  const first = [await all.next(), await all.next(), await all.next(), await all.next()];
  assertEquals(first.map((m) => [m?.event, m?.id]), [["event", "c1"], ["event", "c2"], ["event", "c3"], [
    "frame",
    "c4",
  ]]);
  await all.cancel();
  run!.text("a", " three");
  run!.succeed("a", 1);
  run!.end("succeeded");
  const rest = messagesOf(await ask(path, { headers: { "last-event-id": "c4" } }));
  const seen = [];
  for (let m = await rest.next(); m !== undefined; m = await rest.next()) seen.push([m.event, m.id]);
  assertEquals(seen, [["frame", "c5"], ["event", "c6"], ["event", "c7"], ["end", "c7"]]);
});

Deno.test("AP-711 what is wrong with a place is said before a stream begins, and a place at the end waits", async () => {
  const { ask, json, engine } = client();
  await engine.submit({ notebook: "demo", text: DEMO, author: "me" });
  const [run] = engine.all;
  const path = `/api/v1/runs/${run!.id}/frames`;
  for (const init of [{ headers: { "last-event-id": "nonsense" } }, {}]) {
    const bad = await json(`${path}?after=c99`, init);
    assertEquals([bad.status, bad.body.code], [400, "cursor_invalid"]);
  }
  assertEquals((await json("/api/v1/runs/nope/frames")).body.code, "run_not_found");
  assertEquals((await json("/api/v1/runs/nope/frames?after=c1")).status, 404);
  const waiting = await ask(`${path}?after=c1`);
  assertEquals([waiting.status, waiting.headers.get("content-type")], [200, "text/event-stream"]);
  await waiting.body!.cancel();
  await settle();
  assertEquals(engine.following, 0);
});

Deno.test("AP-107 a request's key reaches the engine; one that is no key is refused, one used otherwise conflicts", async () => {
  const { json, engine } = client();
  const start = (key?: string) =>
    json("/api/v1/runs", {
      ...POST,
      body: '{"notebook":"demo"}',
      headers: key === undefined ? {} : { "idempotency-key": key },
    });
  for (const key of ["", "two words", "a\tb", "k".repeat(256), "\u00e9"]) {
    const { status, body } = await start(key);
    assertEquals([status, body.code], [400, "key_invalid"], JSON.stringify(key));
  }
  assertEquals(engine.all.length, 0);
  for (const key of [undefined, "!", "k".repeat(255), "~"]) assertEquals((await start(key)).status, 201);
  assertEquals(engine.all.map(({ request }) => request.key), [undefined, "!", "k".repeat(255), "~"]);
  engine.submit = () => Promise.reject(new EngineError("idempotency_conflict", "Used before"));
  const again = await start("!");
  assertEquals([again.status, again.body.code], [409, "idempotency_conflict"]);
});

Deno.test("the list says when a notebook was run last, in words for today", async () => {
  const day = 86_400_000;
  let at = 0;
  const engine = new FakeEngine(() => {}, () => at);
  const { ask, clock } = client({ engine });
  const now = clock.now();
  at = now - 3 * day;
  await engine.submit({ notebook: "demo", text: DEMO, author: "me" });
  const old = await (await ask("/")).text();
  assertMatch(old, /queued, \d{1,2} [A-Z][a-z]{2} \d{4}</);
  at = now;
  await engine.submit({ notebook: "demo", text: DEMO, author: "me" });
  assertMatch(await (await ask("/")).text(), /queued, today \d\d:\d\d</);
});

Deno.test("ST-806 live: the newest run and its groups, also of a run that begins later; nothing stays behind", async () => {
  const versions: ((version: string) => void)[] = [];
  let watching = 0;
  const { ask, engine, clock } = client({
    watch: (_, changed) => {
      watching++;
      versions.push(changed);
      return () => watching--;
    },
  });
  const live = messagesOf(await ask("/api/v1/notebooks/demo/live"));
  const after = async () => {
    const next = live.next();
    await settle();
    await clock.advance(40);
    return await next;
  };
  await settle();
  await engine.submit({ notebook: "sub/other", text: DEMO, author: "me" });
  await engine.submit({ notebook: "demo", text: DEMO, author: "me" });
  const run = engine.all[1]!;
  assertEquals(await after(), { event: "run", data: `{"run":"${run.id}"}` });
  run.start("a");
  for (let i = 0; i < 100; i++) run.text("a", `${i} `);
  const items: unknown[] = [];
  let messages = 0;
  for (let id = ""; id !== `${run.id}~c${run.groups.length}`; messages++) {
    const group = await after();
    assertEquals([group?.event, JSON.parse(group!.data!).run], ["group", run.id]);
    items.push(...JSON.parse(group!.data!).items);
    id = group!.id!;
  }
  assertEquals(items, run.groups.flatMap((group) => group.items));
  assert(messages < 10, `${messages} messages for ${run.groups.length} groups`);
  versions[0]!("v2");
  assertEquals(await after(), { event: "changed", data: '{"version":"v2"}' });
  await engine.submit({ notebook: "demo", text: DEMO, author: "me" });
  assertEquals((await after())?.data, `{"run":"${engine.all[2]!.id}"}`);
  await live.cancel();
  await settle();
  await clock.advance(40);
  await settle();
  assertEquals([watching, engine.following], [0, 0]);
});

Deno.test("AP-711 live goes on after `run~cursor`, and begins again where the place is not known", async () => {
  const { ask, engine, clock } = client({ watch: () => () => {} });
  await engine.submit({ notebook: "demo", text: DEMO, author: "me" });
  const run = engine.all[0]!;
  run.start("a");
  run.text("a", "more");
  const next = async (path: string) => {
    const live = messagesOf(await ask(path));
    const message = live.next();
    await settle();
    await clock.advance(40);
    const found = await message;
    await live.cancel();
    return found;
  };
  const place = await next(`/api/v1/notebooks/demo/live?after=${run.id}~c3`);
  assertEquals([place?.event, place?.id], ["group", `${run.id}~c4`]);
  assertEquals(JSON.parse(place!.data!).items.length, 1);
  const lost = await next(`/api/v1/notebooks/demo/live?after=${run.id}~gone`);
  assertEquals(lost?.data, `{"run":"${run.id}","again":true}`);
  const odd = await next("/api/v1/notebooks/demo/live?after=%00");
  assertEquals(odd?.data, `{"run":"${run.id}"}`);
});

Deno.test("a chart is drawn from the step's value, in the theme asked for", async () => {
  const asked: unknown[] = [];
  const { ask, json, engine } = client({
    chart: (spec, theme) => {
      asked.push([spec, theme]);
      return Promise.resolve(
        spec === 1 ? { ok: false, reason: "not an object" } : { ok: true, svg: "<svg/>" },
      );
    },
  });
  await engine.submit({ notebook: "demo", text: DEMO, author: "me" });
  const run = engine.all[0]!;
  run.start("a");
  run.succeed("a", { mark: "bar" });
  run.start("b");
  run.succeed("b", 1);
  const drawn = await ask(`/api/v1/runs/${run.id}/steps/a/chart?theme=dark`);
  assertEquals([drawn.headers.get("content-type"), await drawn.text()], ["image/svg+xml", "<svg/>"]);
  assertStringIncludes(drawn.headers.get("content-security-policy")!, "sandbox");
  assertEquals(asked, [[{ mark: "bar" }, "dark"]]);
  assertEquals((await json(`/api/v1/runs/${run.id}/steps/b/chart`)).body.code, "schema_invalid");
});

Deno.test("pages say what is wrong in a page, and escape what they show", async () => {
  const { ask, workspace } = client({ engine: new FakeEngine() });
  const missing = await ask("/n/gone", { headers: { accept: "text/html" } });
  assertEquals([missing.status, (await missing.text()).includes("No such notebook")], [404, true]);
  workspace.texts["x"] =
    '---\ntitle: </title><script>alert(1)</script>\n---\n\n```jsonata a\n"</script>"\n```\n';
  const html = await (await ask("/n/x")).text();
  assert(!html.includes("<script>alert"));
  assertEquals(html.match(/<\/script>/g)?.length, 1);
});

Deno.test("ST-108 a page knows which cells no run has", async () => {
  const { ask, workspace } = client();
  const cells = ["a disabled", "b\na", "c\nb", "d\nafter: [a]\n---\n1"];
  workspace.texts.x = cells.map((cell) =>
    `\`\`\`jsonata ${cell.includes("\n") ? cell : `${cell}\n1`}\n\`\`\`\n`
  ).join("\n");
  const html = await (await ask("/n/x")).text();
  const state = JSON.parse(/id="weft-state"[^>]*>(.*?)<\/script>/s.exec(html)![1]!);
  const facts = state.cells as { name: string; leftOut?: boolean }[];
  assertEquals(facts.map(({ name, leftOut }) => [name, leftOut ?? false]), [
    ["a", true],
    ["b", true],
    ["c", true],
    ["d", false],
  ]);
});
