/** Signals, waitpoints, approvals and their secrets over HTTP, on a whole engine. */
import { assert, assertEquals } from "@std/assert";
import type { Engine } from "../../../engine/mod.ts";
import { ended } from "../../engine/work/_harness.ts";
import { suspendedRun, waitingEngine } from "../../engine/work/waits/_approvals.ts";
import type { FakeEngine } from "../../_support/fake_engine.ts";
import { type Client, client } from "../_client.ts";

async function open(): Promise<Client & { real: Engine }> {
  const real = await waitingEngine();
  return { ...client({ engine: real as unknown as FakeEngine }), real };
}
const post = (body: unknown): RequestInit => ({ method: "POST", body: JSON.stringify(body) });
const stranger = (body: unknown, more: HeadersInit = {}) =>
  ({ ...post(body), as: "stranger", headers: { "weft-csrf": "none", ...more } }) as const;

Deno.test("AP-626 AP-822 a signal to a run answers what became of it, and with its key the same again", async () => {
  const { json, ask, real } = await open();
  const { run } = await suspendedRun(real, "wait", "signal: paid\ncount: 2\ndistinct: signals");
  const signals = `/api/v1/runs/${run}/signals`;
  assertEquals((await json(signals, post({ name: "paid" }))).body, {
    answer: "applied",
    needs: [{ names: ["paid"], count: 1 }],
  });
  const first = await json(signals, post({ name: "paid", payload: 2, key: "k" }));
  assertEquals([first.status, first.body.answer], [200, "applied"]);
  const again = await ask(signals, post({ name: "paid", payload: 2, key: "k" }));
  assertEquals([again.status, again.headers.get("idempotency-replayed")], [200, "true"]);
  assertEquals((await again.json()).answer, "applied");
  await ended(real, run);
  assertEquals((await json(signals, post({ name: "paid" }))).body.code, "waitpoint_closed");
  assertEquals((await json(signals, post({ name: "no name" }))).body.code, "schema_invalid");
  await real.close();
});

Deno.test("AP-801 AP-802 AP-803 AP-806 waitpoints are listed without tokens; the token is given to whoever may have it", async () => {
  const { json, ask, real } = await open();
  const { run, waitpoint: { id } } = await suspendedRun(real, "wait", "signal: paid\ntimeout: 2d");
  for (
    const path of [
      "waitpoints",
      `runs/${run}/waitpoints`,
      "suspensions?reason=signal",
      "waitpoints?kind=signal&name=ok",
    ]
  ) {
    const { body } = await json(`/api/v1/${path}`);
    assertEquals((body.items as { id: string }[]).map((item) => item.id), [id], path);
    assert(!JSON.stringify(body).includes("w1."), "no tokens");
  }
  for (
    const path of [
      "waitpoints?kind=approval",
      "suspensions?dueBefore=2020-01-01T00:00:00Z",
      "waitpoints?name=other",
    ]
  ) {
    assertEquals((await json(`/api/v1/${path}`)).body.items, [], path);
  }
  const one = (await json(`/api/v1/waitpoints/${id}`)).body;
  assertEquals([one.run, one.step, one.kind, one.state], [run, "ok", "signal", "open"]);
  const token = await ask(`/api/v1/waitpoints/${id}/token`);
  assertEquals(token.headers.get("cache-control"), "no-store");
  assert((await token.json()).url.startsWith(`http://127.0.0.1:9338/a/${id}.w1.`));
  assertEquals((await ask("/api/v1/waitpoints", { as: "stranger" })).status, 401);
  assertEquals((await json("/api/v1/waitpoints?state=closed")).body.code, "query_invalid");
  assertEquals((await json("/api/v1/waitpoints/wp_0_1")).body.code, "waitpoint_not_found");
  await real.close();
});

Deno.test("AP-804 AP-821 a stranger with the token signals; a wrong token and an unknown waitpoint get one answer", async () => {
  const { ask, real } = await open();
  const { run, waitpoint: { id } } = await suspendedRun(real, "wait", "signal: paid");
  const { token } = await real.waitpoints.token(id);
  const send = async (id: string, token: string) => {
    const answer = await ask(
      `/api/v1/waitpoints/${id}/signal`,
      stranger({ name: "paid", payload: 7 }, { authorization: `Waitpoint ${token}` }),
    );
    const { instance: _, requestId: __, ...body } = await answer.json();
    return { status: answer.status, body };
  };
  const wrong = await send(id, `${token.slice(0, -2)}xx`);
  const unknown = await send("wp_0_1", token);
  assertEquals([wrong.status, wrong.body.code], [403, "token_invalid"]);
  assertEquals(unknown, wrong);
  assertEquals((await send(id, token)).body, { answer: "applied", needs: [] });
  await ended(real, run);
  assertEquals(await real.value(run, "ok"), 7);
  await real.close();
});

Deno.test("AP-805 an operator resumes or closes with a reason", async () => {
  const { json, real } = await open();
  const { run, waitpoint: { id } } = await suspendedRun(real, "wait", "signal: paid");
  assertEquals((await json(`/api/v1/waitpoints/${id}/close`, post({}))).body.code, "schema_invalid");
  assertEquals((await json(`/api/v1/waitpoints/${id}/close`, post({ reason: "no use" }))).status, 200);
  assertEquals(
    (await ended(real, run)).cells.ok!.problem?.message,
    "owner closed what it waited for: no use",
  );
  assertEquals(
    (await json(`/api/v1/waitpoints/${id}/resume`, post({ reason: "oh" }))).body.code,
    "not_suspended",
  );
  await real.close();
});

Deno.test("AP-807 AP-808 approvals are listed with what they ask, decided once, and tell who decided", async () => {
  const { json, real } = await open();
  const header = "ask: How many?\nvalue: 1\nschema: { type: integer }\ndeciders: [owner]";
  const { run, waitpoint: { id } } = await suspendedRun(real, "approval", header);
  const other = await suspendedRun(real, "approval", "ask: Go?\ndeciders: [ann]");
  const asked = async (path: string) =>
    ((await json(path)).body.items as { ask: string }[]).map(({ ask }) => ask);
  assertEquals(await asked("/api/v1/approvals"), ["How many?", "Go?"]);
  assertEquals(await asked("/api/v1/approvals?mine"), ["How many?"]);
  const decide = (id: string, body: unknown) => json(`/api/v1/approvals/${id}/decide`, post(body));
  assertEquals((await decide(other.waitpoint.id, { decision: "approve" })).body.code, "not_approver");
  assertEquals((await decide(id, { decision: "approve", value: "x" })).body.code, "schema_invalid");
  assertEquals((await decide(id, { decision: "approve", value: 3, note: "three" })).body, {
    state: "approved",
    needed: 0,
  });
  const second = await decide(id, { decision: "reject" });
  assertEquals([second.status, second.body.code], [409, "approval_decided"]);
  await ended(real, run);
  const { state, decided } = (await json(`/api/v1/approvals/${id}`)).body as {
    state: string;
    decided: { by: string; note: string }[];
  };
  assertEquals([state, decided[0]?.by, decided[0]?.note], ["approved", "owner", "three"]);
  assertEquals((await json("/api/v1/approvals/wp_0_1")).body.code, "approval_not_found");
  await real.close();
});

Deno.test("AP-809 AP-810 GET of a link shows and never decides; its form decides once, without script, for whoever is signed in or not", async () => {
  const { ask, real } = await open();
  const { run, waitpoint: { id } } = await suspendedRun(
    real,
    "approval",
    "ask: Go <b>on</b>?\nvalue: { to: all }",
  );
  const link = `/a/${(await real.waitpoints.token(id)).link}`;
  for (const as of ["stranger", undefined] as const) {
    const shown = await ask(link, { headers: { accept: "text/html" }, ...as === undefined ? {} : { as } });
    const page = await shown.text();
    assertEquals([shown.status, shown.headers.get("referrer-policy")], [200, "same-origin"]);
    assert(
      page.includes("Go &lt;b>on&lt;/b>?") || page.includes("Go &lt;b&gt;on&lt;/b&gt;?"),
      "text is never markup",
    );
    assert(page.includes('method="post"') && !page.includes("<script"), "a form and no script");
  }
  assertEquals((await real.waitpoints.approval(id)).state, "open");
  const form = {
    method: "POST",
    body: "decision=approve&note=",
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      "weft-csrf": "none",
      accept: "text/html",
    },
  };
  assertEquals(
    (await ask(link, { ...form, headers: { ...form.headers, origin: "https://elsewhere.example" } })).status,
    403,
  );
  const done = await ask(link, form);
  assert((await done.text()).includes("You have approved this"));
  await ended(real, run);
  const again = await ask(link, { ...stranger({ decision: "reject" }), headers: { "weft-csrf": "none" } });
  assertEquals(again.status, 409);
  const wrong = await ask(`${link}x`, { as: "stranger", headers: { accept: "text/html" } });
  assertEquals([wrong.status, (await wrong.text()).includes("Go ")], [403, false]);
  await real.close();
});

Deno.test("AP-811 AP-812 EN-1007 secrets are rotated, listed by fingerprint and revoked at once", async () => {
  const { json, ask, real } = await open();
  const { waitpoint: { id } } = await suspendedRun(real, "approval", "ask: Go?");
  const link = `/a/${(await real.waitpoints.token(id)).link}`;
  const keys = "/api/v1/admin/waitpoint-keys";
  const secretHex = "5a".repeat(32);
  const rotated = await json(keys, post({ kid: "next", secretHex, graceMs: 3_600_000 }));
  assertEquals([rotated.body.current, rotated.body.changed], ["next", true]);
  assertEquals((await json(keys, post({ kid: "next", secretHex }))).body.changed, false);
  assertEquals(
    (await json(keys, post({ kid: "next", secretHex: "5b".repeat(32) }))).body.code,
    "key_conflict",
  );
  const listed = JSON.stringify((await json(keys)).body);
  assert(!listed.includes("5a5a5a5a"), "no secret is listed");
  assertEquals((await ask(link, { as: "stranger" })).status, 200, "the old one has its grace");
  const { valid } = (await json(keys)).body as { valid: { kid: string }[] };
  assertEquals((await ask(`${keys}/${valid[0]!.kid}`, { method: "DELETE" })).status, 204);
  assertEquals((await ask(link, { as: "stranger" })).status, 403);
  assertEquals((await json(`${keys}/nobody`, { method: "DELETE" })).body.code, "key_not_found");
  await real.close();
});
