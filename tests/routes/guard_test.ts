import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type RouteRow, ROUTES } from "../../routes/table.ts";
import { client } from "./_client.ts";

/** A path of a row with its params filled in. */
const pathOf = ({ path }: RouteRow) => path.replace(/\{nb\+?\}/, "demo").replace(/\{\w+\+?\}/g, "x");
const rows = Object.entries(ROUTES as Record<string, RouteRow>);
const post = (headers: Record<string, string>, body = '{"notebook":"demo"}') => ({
  method: "POST",
  headers,
  body,
});

Deno.test("SE-309 routes without credential are the login, static files, health and what takes a waitpoint's token; all others answer 401", async () => {
  const { ask } = client();
  const open: string[] = [];
  for (const [id, row] of rows) {
    const body = row.method === "GET" ? undefined : "{}";
    const { status } = await ask(pathOf(row), { method: row.method, body, as: "stranger" });
    if (row.scope === "none") open.push(id);
    else assertEquals(status, 401, id);
  }
  const byToken = ["signalWaitpoint", "approvalPage", "decideByLink"];
  assertEquals(open, ["login", "asset", "health", "ready", ...byToken]);
  for (const path of ["/nothing", "/api/v1/nothing", "/api/v1/runs/x/y/z"]) {
    assertEquals((await ask(path, { as: "stranger" })).status, 401, path);
    assertEquals((await ask(path)).status, 404, path);
  }
});

Deno.test("SE-306 what is not the token is nobody", async () => {
  const { ask } = client();
  for (
    const cookie of [
      "weft_9338=",
      "weft_9338=null",
      "weft_9338=wrong",
      "weft_1=secret",
      "weft_9338=secret; weft_9338=x",
    ]
  ) {
    assertEquals((await ask("/api/v1/notebooks", { headers: { cookie } })).status, 401, cookie);
  }
  assertEquals((await ask("/api/v1/notebooks")).status, 200);
});

Deno.test("SE-310 an unknown host is refused on every route", async () => {
  const { ask } = client({ names: ["weft.example"] });
  const hosts = [
    "evil.example",
    "127.0.0.1",
    "127.0.0.1:9339",
    "localhost:80",
    "127.0.0.1.evil.example:9338",
    "[::2]:9338",
  ];
  for (const [id, row] of rows) {
    for (const host of hosts) {
      const body = row.method === "GET" ? undefined : "{}";
      const { status } = await ask(pathOf(row), { method: row.method, body, headers: { host } });
      assertEquals(status, 400, `${id} ${host}`);
    }
  }
  for (const host of ["localhost:9338", "[::1]:9338", "LOCALHOST:9338", "weft.example:9338"]) {
    assertEquals((await ask("/healthz", { headers: { host } })).status, 200, host);
  }
});

Deno.test("SE-311 SE-312 another origin is refused, with and without a credential", async () => {
  const { ask } = client();
  for (
    const origin of [
      "null",
      "http://localhost:1234",
      "http://127.0.0.1.evil.example",
      "https://127.0.0.1:9338",
    ]
  ) {
    for (const as of [undefined, "stranger"] as const) {
      assertEquals((await ask("/api/v1/notebooks", { headers: { origin }, as })).status, 403, origin);
    }
  }
  for (const site of ["cross-site", "same-site"]) {
    const headers: Record<string, string> = { "sec-fetch-site": site };
    assertEquals((await ask("/api/v1/notebooks", { headers })).status, 403, site);
    const navigation = {
      ...headers,
      "sec-fetch-mode": "navigate",
      "sec-fetch-dest": "document",
      accept: "text/html",
    };
    const page = await ask("/n/demo", { headers: navigation });
    assertEquals([page.status, (await page.text()).includes("Sign in")], [401, true], site);
    assertEquals(
      (await ask("/", { headers: { ...navigation, "sec-fetch-dest": "iframe" } })).status,
      403,
      site,
    );
  }
});

Deno.test("SE-313 a change needs Weft-Csrf and the page's own origin", async () => {
  const { ask, engine } = client();
  for (const [name, value] of [["weft-csrf", "none"], ["origin", "none"], ["origin", "null"]] as const) {
    const answer = await ask("/api/v1/runs", post({ [name]: value }));
    assertEquals(answer.status, 403, name);
  }
  assertEquals(engine.all.length, 0);
  assertEquals((await ask("/api/v1/runs", post({}))).status, 201);
});

Deno.test("SE-315 AP-112 AP-101 bodies: type, size, JSON, fields", async () => {
  const { json, ask, engine } = client();
  const big = JSON.stringify({ notebook: "demo", params: { a: "x".repeat(1_100_000) } });
  const deep = `{"notebook":"demo","params":{"a":${"[".repeat(200)}${"]".repeat(200)}}}`;
  const cases: [init: RequestInit, status: number, code: string][] = [
    [post({ "content-type": "text/plain" }), 415, "media_unsupported"],
    [post({ "content-type": "application/x-www-form-urlencoded" }), 415, "media_unsupported"],
    [post({ "content-type": "multipart/form-data" }), 415, "media_unsupported"],
    [post({}, big), 413, "body_too_large"],
    [post({}, "{"), 400, "json_invalid"],
    [post({}, deep), 400, "json_invalid"],
    [post({}, '{"notebook":"demo","extra":1}'), 422, "schema_invalid"],
    [post({}, '{"notebook":7}'), 422, "schema_invalid"],
    [post({}, '{"notebook":"gone"}'), 404, "notebook_not_found"],
  ];
  for (const [init, status, code] of cases) {
    const answer = await json("/api/v1/runs", init);
    assertEquals([answer.status, answer.body.code], [status, code]);
  }
  const endless = new ReadableStream({ pull: (c) => c.enqueue(new Uint8Array(65_536)) });
  const streamed = await ask("/api/v1/runs", { method: "POST", body: endless });
  assertEquals(streamed.status, 413);
  assertEquals(engine.all.length, 0);
});

Deno.test("AP-301 AP-303 a problem has its fields, and a bug says only where the log has it", async () => {
  const c = client();
  c.workspace.readNotebook = () => {
    throw new Error("secret words");
  };
  const { status, body } = await c.json("/api/v1/notebooks/demo");
  assertEquals([status, body.code, body.class, body.retry], [500, "internal", "internal", "again"]);
  assertEquals([body.type, body.instance], ["//errors/internal", "/api/v1/notebooks/demo"]);
  assertMatch(String(body.requestId), /^req_/);
  assert(!JSON.stringify(body).includes("secret words"));
  const response = await c.ask("/api/v1/notebooks/demo");
  assertEquals(response.headers.get("content-type"), "application/problem+json");
  await response.body?.cancel();
});

Deno.test("AP-113 a wrong method is told which there are; HEAD works where GET does", async () => {
  const { ask } = client();
  const wrong = await ask("/api/v1/runs/x/stop", { method: "PUT", body: "{}" });
  assertEquals([wrong.status, wrong.headers.get("allow")], [405, "POST"]);
  const head = await ask("/api/v1/notebooks", { method: "HEAD" });
  assertEquals([head.status, await head.text()], [200, ""]);
  for (const path of ["/api/v1/notebooks/demo/live"]) {
    assertEquals((await ask(path, { method: "HEAD" })).status, 200);
  }
});

Deno.test("SE-323 SE-324 every answer carries the security headers", async () => {
  const { ask } = client();
  for (const path of ["/", "/n/demo", "/api/v1/notebooks", "/healthz", "/nothing", "/login"]) {
    const { headers, body } = await ask(path);
    await body?.cancel();
    assertEquals(headers.get("x-content-type-options"), "nosniff", path);
    assertEquals(headers.get("referrer-policy"), "no-referrer", path);
    assertEquals(headers.get("cross-origin-opener-policy"), "same-origin", path);
    assertEquals(headers.get("cache-control"), "no-store", path);
    assertStringIncludes(headers.get("content-security-policy")!, "default-src 'none'", path);
    assertMatch(headers.get("weft-request-id")!, /^req_/, path);
    assertEquals([...headers.keys()].filter((name) => name.startsWith("access-control")), [], path);
  }
  const csp = (await ask("/n/demo")).headers.get("content-security-policy")!;
  assertMatch(csp, /script-src 'self'; style-src 'self' 'nonce-[\w-]{20,}'/);
});

Deno.test("SE-318 a path that reads in two ways is refused or is its canonical form", async () => {
  const { ask } = client();
  for (
    const path of [
      "/n/..%2f..%2fetc",
      "/n/a%5Cb",
      "/n/a//b",
      "/n/%00",
      "/api/v1/notebooks/%2e%2e%2fx",
      "/n/%zz",
    ]
  ) {
    const { status, body } = await ask(path);
    await body?.cancel();
    assertEquals(status, 400, path);
  }
  assertEquals((await ask("/API/v1/notebooks")).status, 404);
});

Deno.test("SE-303 SE-304 the one-time link sets the cookie and goes on; a wrong code does not", async () => {
  const { ask } = client();
  const wrong = await ask("/login?code=nope", { as: "stranger" });
  assertEquals([wrong.status, wrong.headers.get("set-cookie")], [401, null]);
  assertStringIncludes(await wrong.text(), "This code is not valid");
  const right = await ask("/login?code=code&next=%2Fn%2Fdemo%3Fview%3Dgraph", { as: "stranger" });
  assertEquals(
    right.headers.get("set-cookie"),
    "weft_9338=secret; HttpOnly; SameSite=Strict; Path=/; Max-Age=43200",
  );
  const html = await right.text();
  assertStringIncludes(html, 'content="0;url=/n/demo?view=graph"');
  assert(!html.includes("secret") && !html.includes("code=code"));
  for (
    const next of [
      "//evil.example",
      "/\\evil.example",
      "https://evil.example",
      "javascript:alert(1)",
      "/login?code=x",
    ]
  ) {
    const page = await (await ask(`/login?code=code&next=${encodeURIComponent(next)}`)).text();
    assertStringIncludes(page, 'content="0;url=/"', next);
  }
});
