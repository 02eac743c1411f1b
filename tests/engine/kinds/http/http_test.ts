/** `http` cells against real servers on this machine. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { systemClock } from "../../../../engine/base/clock.ts";
import type { Json } from "../../../../engine/base/json.ts";
import { noLog } from "../../../../engine/base/log.ts";
import { httpKind, sendRequest } from "../../../../engine/kinds/http.ts";
import { requestOf } from "../../../../engine/kinds/http/fill.ts";
import { categoryOf } from "../../../../engine/kinds/http/answer.ts";
import type { Outcome } from "../../../../engine/kinds/kind.ts";
import { createKindTools } from "../../../../engine/mod.ts";
import { systemIds } from "../../../../engine/base/ids.ts";
import { memoryStore } from "../../../../engine/store/memory.ts";
import { createEngine } from "../../../../engine/mod.ts";
import { createEgress } from "../../../../engine/sandbox/egress/egress.ts";
import { noFiles } from "../../work/_harness.ts";
import { attemptAt } from "../_attempt.ts";

/** An evaluator that knows paths alone, such as `a.b`. */
const paths = {
  evaluate: ({ expression, input }: { expression: string; input: Record<string, Json> }) => {
    let value: Json | undefined = input;
    for (const step of expression.split(".")) value = (value as Record<string, Json> | undefined)?.[step];
    return Promise.resolve({ ok: true as const, ...(value === undefined ? {} : { value }) });
  },
};

const make = async (source: string, inputs: Record<string, Json> = {}) => {
  const made = await requestOf(attemptAt("http", { source, inputs }).attempt, paths);
  if (made.ok) {
    const { body, ...rest } = made.request;
    return { ...rest, body: body === undefined ? undefined : new TextDecoder().decode(body) };
  }
  assert(made.outcome.type === "failed");
  return made.outcome.problem.message;
};

const urlWith = async (url: string, value: Json) => {
  const made = await make(`GET ${url}`, { v: value });
  return typeof made === "string" ? made : made.url;
};

Deno.test("EF-118 a value in a URL stays in its place", async () => {
  const table: [value: Json, url: string][] = [
    ["plain", "https://a.example/x/plain/y?q=1"],
    [7, "https://a.example/x/7/y?q=1"],
    ["a/b", "https://a.example/x/a%2Fb/y?q=1"],
    ["a?b=c&d#e", "https://a.example/x/a%3Fb%3Dc%26d%23e/y?q=1"],
    ["\\..\\", "https://a.example/x/%5C..%5C/y?q=1"],
    ["a\r\nHost: b", "https://a.example/x/a%0D%0AHost%3A%20b/y?q=1"],
    ["{{ v }}", "https://a.example/x/%7B%7B%20v%20%7D%7D/y?q=1"],
    ["ü\ud800", "https://a.example/x/%C3%BC%EF%BF%BD/y?q=1"],
    [{ a: 1 }, "https://a.example/x/%7B%22a%22%3A1%7D/y?q=1"],
    ["..", "A value of '.' or '..' would lead to another path"],
    [".", "A value of '.' or '..' would lead to another path"],
    [null, "Placeholder {{ v }} has no value"],
  ];
  for (const [value, url] of table) {
    assertEquals(await urlWith("https://a.example/x/{{ v }}/y?q=1", value), url);
  }
  assertEquals(
    await urlWith("https://a.example/.{{ v }}", "."),
    "A value of '.' or '..' would lead to another path",
  );
  assertEquals(await urlWith("https://a.example/?q={{ v }}", ".."), "https://a.example/?q=..");
  assertEquals(await urlWith("{{ v }}", "https://b.example/a?b#c"), "https://b.example/a?b#c");
  assertEquals(await make("GET https://a.example/{{ gone }}"), "Placeholder {{ gone }} has no value");
});

Deno.test("EF-118 no value changes host, segments or query of a URL", async () => {
  const value = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(fc.constantFrom("/", "..", ".", "%2e", "?", "#", "@", ":", "\\", "a", "//"), { maxLength: 6 })
      .map((parts) => parts.join("")),
  );
  await fc.assert(fc.asyncProperty(value, async (text) => {
    const made = await make("GET https://a.example:8443/x/{{ v }}/y?q={{ v }}&z=1", { v: text });
    if (typeof made === "string") return;
    const url = new URL(made.url);
    assertEquals([url.host, url.username, url.hash], ["a.example:8443", "", ""]);
    const segments = url.pathname.split("/");
    assertEquals([segments.length, segments[1], segments[3]], [4, "x", "y"]);
    assertEquals(decodeURIComponent(segments[2]!), text.toWellFormed());
    assertEquals([...url.searchParams], [["q", text.toWellFormed()], ["z", "1"]]);
  }));
});

Deno.test("EF-119 a string of a JSON body that is one placeholder keeps its type; else text goes into the tree", async () => {
  const json = (body: string) => `POST https://a.example/\ncontent-type: application/json\n\n${body}\n`;
  const inputs = { list: [1, { a: null }], text: 'a "quote"\nand {{ list }}', none: null };
  const body = async (text: string) => {
    const made = await make(json(text), inputs);
    assert(typeof made !== "string", String(made));
    return JSON.parse(made.body!);
  };
  assertEquals(await body('{ "a": "{{ list }}", "b": "x {{ text }} y", "{{ list }}": "{{ none }}" }'), {
    a: [1, { a: null }],
    b: 'x a "quote"\nand {{ list }} y',
    "{{ list }}": null,
  });
  assertEquals(await body("{{ list }}"), [1, { a: null }]);
  assertEquals(await body("{{ text }}"), inputs.text);
  assertEquals(await body('[1, true, "\\\\{{ a }}"]'), [1, true, "{{ a }}"]);
});

Deno.test("EF-119 a form is encoded, other text is text, and a header is one line", async () => {
  const form = await make(
    "POST https://a.example/\ncontent-type: application/x-www-form-urlencoded\n\na={{ v }}\n&b=2\n",
    { v: "1&c=3 +" },
  );
  assert(typeof form !== "string");
  assertEquals(form.body, "a=1%26c%3D3%20%2B&b=2");
  const text = await make(
    "POST https://a.example/{{ v }}\nx-a: b {{ v }}\ncontent-type: text/plain\n\n<{{ v }}>\n\n",
    {
      v: "c",
    },
  );
  assert(typeof text !== "string");
  assertEquals([text.body, text.headers[0], text.url], ["<c>", ["x-a", "b c"], "https://a.example/c"]);
});

/** What an `http` cell comes to, with a server that answers as told. */
async function asked(
  answer: (request: Request) => Response,
  { source = (url: string) => `GET ${url}/`, inputs = {}, allowed, signal }: {
    source?: (url: string) => string;
    inputs?: Record<string, Json>;
    allowed?: string[];
    signal?: AbortSignal;
  } = {},
): Promise<{ outcome: Outcome; url: string }> {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
  const { port } = server.addr;
  const url = `http://127.0.0.1:${port}`;
  const openings = [{ bytes: [127, 0, 0, 1], bits: 32, port }];
  const kind = httpKind({ egress: createEgress({ clock: systemClock, openings }), evaluator: paths });
  const header = { needs: { net: allowed ?? [`127.0.0.1:${port}`] } };
  try {
    const { attempt } = attemptAt("http", {
      header,
      source: source(url),
      inputs,
      ...(signal ? { signal } : {}),
    });
    return { outcome: await kind.run(attempt), url };
  } finally {
    await server.shutdown();
  }
}

Deno.test("the value of an http cell is status, headers, body and url", async () => {
  const { outcome, url } = await asked(() =>
    Response.json({ a: [1] }, { headers: { "x-a": "b", "set-cookie": "c=d" } })
  );
  assert(outcome.type === "succeeded");
  const { headers, ...rest } = outcome.value as { headers: Record<string, string> };
  assertEquals(rest, { status: 200, body: { a: [1] }, url: `${url}/` });
  assertEquals([headers["x-a"], headers["content-type"], headers["set-cookie"]], [
    "b",
    "application/json",
    undefined,
  ]);
});

Deno.test("JSON is what it says, other text is text, an empty answer is null, and the rest is refused", async () => {
  const bytes = (...list: number[]) => new Uint8Array(list);
  const table: [type: string, body: BodyInit | null, is: Json | RegExp][] = [
    ["application/problem+json; charset=utf-8", '{"a":null}', { a: null }],
    ["text/html", "<p>hi</p>", "<p>hi</p>"],
    ["text/plain; charset=iso-8859-1", bytes(0xfc), "ü"],
    ["application/octet-stream", "plain enough", "plain enough"],
    ["text/plain", null, null],
    ["application/json", "{", /said JSON and sent none/],
    ["image/png", bytes(0x89, 0xff, 0xfe), /bytes that are no text \(image\/png\)/],
    ["text/plain; charset=klingon", "a", /bytes that are no text/],
  ];
  for (const [type, body, is] of table) {
    const { outcome } = await asked(() => new Response(body, { headers: { "content-type": type } }));
    if (is instanceof RegExp) {
      assert(outcome.type === "failed" && outcome.problem.category === "invalid_output", type);
      assert(is.test(outcome.problem.message), outcome.problem.message);
    } else assertEquals(outcome.type === "succeeded" && (outcome.value as { body: Json }).body, is, type);
  }
});

Deno.test("EN-406 a status of 400 or more fails with its category, its words and its wait", async () => {
  const { outcome, url } = await asked(() =>
    new Response("Slow\ndown", { status: 429, headers: { "retry-after": "3" } })
  );
  assertEquals(outcome, {
    type: "failed",
    problem: {
      category: "rate_limited",
      code: "http_429",
      message: `${new URL(url).host} answered 429: Slow down`,
    },
    retryAfterMs: 3000,
  });
  const categories: [status: number, category: string][] = [
    [400, "invalid_input"],
    [401, "auth"],
    [403, "auth"],
    [404, "not_found"],
    [408, "unavailable"],
    [409, "invalid_input"],
    [410, "not_found"],
    [425, "unavailable"],
    [429, "rate_limited"],
    [500, "unavailable"],
    [503, "unavailable"],
    [599, "unavailable"],
  ];
  for (const [status, category] of categories) assertEquals([status, categoryOf(status)], [status, category]);
});

Deno.test("what goes out is checked again: a value may name a URL, and not widen needs.net (SE-711)", async () => {
  let reached = 0;
  const { outcome } = await asked(() => new Response(String(++reached)), {
    source: () => "GET {{ v }}",
    inputs: { v: "http://169.254.169.254/latest/meta-data" },
  });
  assert(outcome.type === "failed");
  assertEquals([outcome.problem.category, outcome.problem.code, reached], ["refused", "egress_denied", 0]);
  const inside = await asked(() => new Response(String(++reached)), {
    source: () => "GET {{ v }}",
    inputs: { v: "http://169.254.169.254/latest/meta-data" },
    allowed: ["169.254.169.254"],
  });
  assert(inside.outcome.type === "failed" && inside.outcome.problem.code === "egress_denied");
  const header = await asked(() => new Response(String(++reached)), {
    source: (url) => `GET ${url}/\nx-a: {{ v }}`,
    inputs: { v: "a\r\nHost: b" },
  });
  assert(header.outcome.type === "failed" && header.outcome.problem.code === "request_invalid");
  assertEquals(reached, 0);
});

Deno.test("EF-001 a method that changes something is not sent but by way of the attempt's effects", async () => {
  let reached = 0;
  const outcome = await asked(() => new Response(String(++reached)), {
    source: (url) => `DELETE ${url}/`,
  }).catch(({ message }: Error) => message);
  assertEquals([outcome, reached], ["It acts on the outside world", 0]);
});

Deno.test("EF-001 EN-1507 kinds reach the outside world in three files, and only one of them sends what acts", async () => {
  const root = new URL("../../../../engine/kinds/", import.meta.url);
  const found: string[] = [];
  const look = async (folder: string) => {
    for await (const { name, isDirectory } of Deno.readDir(new URL(folder, root))) {
      if (isDirectory) await look(`${folder}${name}/`);
      else {
        const text = await Deno.readTextFile(new URL(`${folder}${name}`, root));
        if (/\begress\.send\(|\bfetch\(|\bDeno\.|\bnode:/.test(text)) found.push(`${folder}${name}`);
      }
    }
  };
  await look("./");
  assertEquals(found.toSorted(), ["./http.ts", "./http/act.ts", "./http/probe.ts"]);
  const act = await Deno.readTextFile(new URL("http/act.ts", root));
  assertEquals(act.match(/\begress\.send\(/g)?.length, 1);
  assert(act.indexOf("const send: Send") < act.indexOf("egress.send("), "and only within effects.perform");
  const request = { method: "POST", url: "http://127.0.0.1:1/", headers: [], allowed: [] };
  const egress = { send: () => Promise.reject(new Error("sent")) };
  assertThrows(() => sendRequest(request, egress, new AbortController().signal), Error, "attempt.effects");
});

Deno.test("a cell that is stopped while it asks is cancelled", async () => {
  const stop = new AbortController();
  const { outcome } = await asked(() => {
    stop.abort();
    return new Response("late");
  }, { signal: stop.signal });
  assertEquals(outcome, { type: "cancelled" });
});

Deno.test("SE-707 a setting that cannot be read opens nothing, and the log says so", async () => {
  const said: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => new Response("in"));
  const { port } = server.addr;
  const tools = createKindTools({
    workspace: noFiles,
    clock: systemClock,
    log: { write: ({ message }) => void said.push(message) },
    env: (name) => name === "WEFT_ALLOW_PRIVATE_NET" ? `127.0.0.1:${port}, localhost` : undefined,
    envNames: () => [],
  });
  try {
    const header = { needs: { net: [`127.0.0.1:${port}`] } };
    const { attempt } = attemptAt("http", { header, source: `GET http://127.0.0.1:${port}/` });
    const outcome = await tools.kinds.get("http")!.run(attempt);
    assert(outcome.type === "failed" && outcome.problem.code === "egress_denied");
    assertEquals(said, [
      "WEFT_ALLOW_PRIVATE_NET opens nothing: 'localhost' is no address:port, such as 127.0.0.1:8080 or 10.0.0.0/8:443",
    ]);
  } finally {
    await tools.close();
    await server.shutdown();
  }
});

Deno.test("a notebook asks a server, follows it, and asks again in every run", async () => {
  let hits = 0;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { pathname, search } = new URL(request.url);
    if (pathname === "/old") {
      return new Response(null, { status: 302, headers: { location: `/new${search}` } });
    }
    return Response.json({ hit: ++hits, asked: pathname + search });
  });
  const { port } = server.addr;
  const at = `127.0.0.1:${port}`;
  const env = (name: string) => name === "WEFT_ALLOW_PRIVATE_NET" ? at : undefined;
  const ends = async (
    more: { ownPorts?: () => number[] },
    test: (
      run: () => Promise<{ label: string; value?: Json; why: Record<string, string> }>,
    ) => Promise<void>,
  ) => {
    const tools = createKindTools({
      workspace: noFiles,
      clock: systemClock,
      log: noLog,
      env,
      envNames: () => [],
      ...more,
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
    const text = `~~~jsonata topic\n"a/b"\n~~~\n\n~~~http page\nneeds: { net: ["${at}"] }\n---\n` +
      `GET http://${at}/old?q={{ topic }}\n~~~\n\n~~~jsonata out\npage.body\n~~~\n`;
    const request = { notebook: "notebooks/a.md", text, author: "local" };
    try {
      await test(async () => {
        const { plan } = await engine.plan({ ...request, cells: ["out"] });
        const why = Object.fromEntries(plan!.steps.map((step) => [step.cell, step.why]));
        const { run } = await engine.submit({ ...request, cells: ["out"] });
        const ended = await engine.ended(run, AbortSignal.timeout(30_000));
        const { label } = ended!;
        return { label, why, ...(label === "succeeded" ? { value: await engine.value(run, "out") } : {}) };
      });
    } finally {
      await engine.close();
      await tools.close();
    }
  };
  try {
    await ends({}, async (run) => {
      assertEquals((await run()).value, { hit: 1, asked: "/new?q=a%2Fb" });
      const again = await run();
      assertEquals(again.value, { hit: 2, asked: "/new?q=a%2Fb" });
      assertEquals([again.why.topic!.slice(0, 5), again.why.page], ["fresh", "asks a server in every run"]);
    });
    // SE-707: what this process itself listens on is not opened by any setting.
    await ends({ ownPorts: () => [port] }, async (run) => assertEquals((await run()).label, "failed"));
    assertEquals(hits, 2);
  } finally {
    await server.shutdown();
  }
});
