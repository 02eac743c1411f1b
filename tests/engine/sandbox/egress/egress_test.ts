/** The way out against real servers on this machine, opened as an operator would. */
import { assert, assertEquals } from "@std/assert";
import { systemClock } from "../../../../engine/base/clock.ts";
import {
  createEgress,
  type EgressOptions,
  type EgressOutcome,
  type EgressRequest,
} from "../../../../engine/sandbox/egress/egress.ts";
import type { Opening } from "../../../../engine/sandbox/egress/target.ts";
import { AUTHORITY, CERTIFICATE, KEY } from "./_certificate.ts";
import { ManualClock, settle } from "../../../_support/manual_clock.ts";

const LOOPBACK = [127, 0, 0, 1];
const open = (port: number): Opening => ({ bytes: LOOPBACK, bits: 32, port });
const utf8 = new TextEncoder();

/** Sends one request where `port` is open. */
function send(
  port: number,
  request: Partial<EgressRequest> & { url: string },
  options: Partial<EgressOptions> = {},
): Promise<EgressOutcome> {
  const egress = createEgress({ clock: systemClock, openings: [open(port)], ...options });
  return egress.send({
    method: "GET",
    allowed: [`127.0.0.1:${port}`],
    signal: new AbortController().signal,
    ...request,
  });
}

/** A server that answers as told, and how often it was asked. */
async function serving(
  answer: (request: Request) => Response | Promise<Response>,
  test: (at: { port: number; url: string; asked: () => number }) => Promise<void>,
): Promise<void> {
  let asked = 0;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    asked++;
    return answer(request);
  });
  const { port } = server.addr;
  try {
    await test({ port, url: `http://127.0.0.1:${port}`, asked: () => asked });
  } finally {
    await server.shutdown();
  }
}

/** A server that writes bytes as told. `act` gets each connection once it has been spoken to. */
async function speaking(
  act: (connection: Deno.Conn, asked: string) => Promise<void>,
  test: (at: { port: number; url: string; heard: () => Promise<unknown> }) => Promise<void>,
): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const heard = Promise.withResolvers<void>();
  const open: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const connection of listener) {
      open.push(connection);
      const bytes = new Uint8Array(4096);
      const read = await connection.read(bytes).catch(() => null);
      if (read === null) continue;
      heard.resolve();
      await act(connection, new TextDecoder().decode(bytes.subarray(0, read))).catch(() => {});
    }
  })();
  try {
    await test({ port, url: `http://127.0.0.1:${port}`, heard: () => heard.promise });
  } finally {
    listener.close();
    for (const connection of open) {
      try {
        connection.close();
      } catch {
        // It had ended.
      }
    }
    await accepting;
  }
}

async function write(connection: Deno.Conn, text: string | Uint8Array): Promise<void> {
  const bytes = typeof text === "string" ? utf8.encode(text) : text;
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

function answered(outcome: EgressOutcome) {
  assert(outcome.type === "answered", JSON.stringify(outcome));
  return { ...outcome, text: new TextDecoder().decode(outcome.body) };
}

function failed(outcome: EgressOutcome, type: "not_sent" | "in_doubt", code: string) {
  assert(outcome.type !== "answered", "was answered");
  assertEquals([outcome.type, outcome.code], [type, code], outcome.message);
  assert(!outcome.message.includes("127.0.0.2"), outcome.message);
  return outcome;
}

async function squeezed(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

Deno.test("a request arrives as it was given, and its answer comes back whole", async () => {
  await serving(async (request) => {
    const seen = {
      method: request.method,
      path: new URL(request.url).pathname + new URL(request.url).search,
      host: request.headers.get("host"),
      mine: request.headers.get("x-mine"),
      body: await request.text(),
    };
    return Response.json(seen, { status: 201, headers: { "x-answer": "yes" } });
  }, async ({ port, url }) => {
    const outcome = answered(
      await send(port, {
        method: "POST",
        url: `${url}/a%20b?c=d#e`,
        headers: [["X-Mine", "1"], ["X-Mine", "2"], ["content-type", "text/plain"]],
        body: utf8.encode("gründe"),
      }),
    );
    assertEquals([outcome.status, outcome.headers["x-answer"]], [201, "yes"]);
    assertEquals(JSON.parse(outcome.text), {
      method: "POST",
      path: "/a%20b?c=d",
      host: `127.0.0.1:${port}`,
      mine: "1, 2",
      body: "gründe",
    });
  });
});

Deno.test("SE-707 a private target needs both: the operator's opening and needs.net", async () => {
  await serving(() => new Response("in"), async ({ port, url, asked }) => {
    failed(await send(port, { url }, { openings: [] }), "not_sent", "egress_denied");
    failed(await send(port, { url, allowed: [] }), "not_sent", "egress_denied");
    failed(await send(port, { url }, { ownPorts: () => [port] }), "not_sent", "egress_denied");
    failed(
      await send(port, { url: url.replace("127.0.0.1", "[::ffff:127.0.0.1]") }),
      "not_sent",
      "egress_denied",
    );
    assertEquals(asked(), 0);
    assertEquals(answered(await send(port, { url })).text, "in");
    assertEquals(asked(), 1);
  });
});

Deno.test("SE-703 a name is resolved once, and one bad answer among good ones refuses all", async () => {
  await serving(() => new Response("in"), async ({ port, asked }) => {
    const url = `http://rebind.test:${port}/`;
    const allowed = [`rebind.test:${port}`];
    const with_ = (...answers: string[][]) => {
      let calls = 0;
      const resolve = () => Promise.resolve(answers[Math.min(calls++, answers.length - 1)]!);
      return { resolve, calls: () => calls };
    };
    for (const bad of ["192.168.1.1", "::1", "not an address", "fe80::1%eth0"]) {
      const { resolve } = with_(["127.0.0.1", bad]);
      const outcome = failed(await send(port, { url, allowed }, { resolve }), "not_sent", "egress_denied");
      assertEquals(outcome.denied, { host: "rebind.test", rule: "address" });
      assert(!outcome.message.includes(bad));
    }
    assertEquals(asked(), 0);
    // The second answer would lead to a port that is served too; it is never asked for.
    const rebinding = with_(["127.0.0.1"], ["127.0.0.2"]);
    assertEquals(answered(await send(port, { url, allowed }, rebinding)).text, "in");
    assertEquals([rebinding.calls(), asked()], [1, 1]);
  });
});

Deno.test("SE-703 the connection goes to the checked address and to no other of the name", async () => {
  // Nobody answers at 127.0.0.2; the system's own answer for localhost would reach the server.
  await serving(() => new Response("in"), async ({ port, asked }) => {
    const openings = [{ bytes: [127, 0, 0, 2], bits: 32, port }];
    const resolve = () => Promise.resolve(["127.0.0.2"]);
    const request = { url: `http://localhost:${port}/`, allowed: [`localhost:${port}`] };
    failed(await send(port, request, { openings, resolve }), "not_sent", "connect_failed");
    assertEquals(asked(), 0);
  });
});

Deno.test("SE-703 another address of a name is tried where no connection came about", async () => {
  await serving(() => new Response("in"), async ({ port }) => {
    const openings = [{ bytes: [127, 0, 0, 0], bits: 8, port }];
    const resolve = () => Promise.resolve(["127.0.0.2", "127.0.0.1"]);
    const request = { url: `http://two.test:${port}/`, allowed: [`two.test:${port}`] };
    assertEquals(answered(await send(port, request, { openings, resolve })).text, "in");
  });
});

Deno.test("SE-703 SE-715 TLS is spoken with the name, and its certificate is checked", async () => {
  const seen: string[] = [];
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    cert: CERTIFICATE,
    key: KEY,
    onListen: () => {},
  }, (request) => {
    seen.push(request.headers.get("host")!);
    return new Response("safe");
  });
  const { port } = server.addr;
  const resolve = () => Promise.resolve(["127.0.0.1"]);
  const ask = (host: string, options: Partial<EgressOptions> = {}) =>
    send(port, { url: `https://${host}:${port}/`, allowed: [`${host}:${port}`] }, {
      resolve,
      ca: AUTHORITY,
      ...options,
    });
  try {
    assertEquals(answered(await ask("service.test")).text, "safe");
    const other = failed(await ask("other.test"), "not_sent", "tls_failed");
    assertEquals(other.message, "No secure connection to other.test: its certificate is for another name");
    const stranger = failed(await ask("service.test", { ca: undefined }), "not_sent", "tls_failed");
    assert(stranger.message.endsWith("nobody who is trusted has signed its certificate"), stranger.message);
    assertEquals(seen, [`service.test:${port}`]);
  } finally {
    await server.shutdown();
  }
});

Deno.test("EF-043 what fails before a byte has left says that nothing was sent", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  failed(await send(port, { url: `http://127.0.0.1:${port}/` }), "not_sent", "connect_failed");
  const named = { url: "http://gone.test/", allowed: ["gone.test"] };
  const lost = () => Promise.reject(new Error("ENOTFOUND 127.0.0.1:53"));
  failed(await send(80, named, { resolve: lost }), "not_sent", "name_not_found");
  failed(await send(80, named, { resolve: () => Promise.resolve([]) }), "not_sent", "name_not_found");
  failed(await send(80, { ...named, method: "CONNECT" }), "not_sent", "request_invalid");
  failed(await send(80, { ...named, headers: [["Host", "a"]] }), "not_sent", "request_invalid");
  failed(
    await send(80, { ...named, signal: AbortSignal.abort() }, {
      resolve: () => Promise.resolve(["8.8.8.8"]),
    }),
    "not_sent",
    "cancelled",
  );
});

Deno.test("EF-043 a server that speaks no TLS was sent nothing", async () => {
  await speaking(
    (connection) => write(connection, "HTTP/1.1 400 Bad Request\r\n\r\n"),
    async ({ port, url }) => {
      failed(await send(port, { url: url.replace("http", "https") }), "not_sent", "tls_failed");
    },
  );
});

Deno.test("EF-044 what breaks after a byte has left is in doubt", async () => {
  const table: [name: string, says: string | Uint8Array, code: string][] = [
    ["closed without a word", "", "connection_lost"],
    ["closed amid headers", "HTTP/1.1 200 OK\r\ncontent-le", "connection_lost"],
    ["closed amid the body", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc", "answer_cut"],
    ["closed amid a chunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab", "answer_cut"],
    [
      "closed between chunks",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n",
      "answer_cut",
    ],
    ["no HTTP", "SSH-2.0-OpenSSH_9.6\r\n\r\n", "answer_unreadable"],
    [
      "another encoding",
      "HTTP/1.1 200 OK\r\ncontent-encoding: zstd\r\ncontent-length: 2\r\n\r\nab",
      "answer_unreadable",
    ],
    [
      "no gzip",
      "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\nab",
      "answer_unreadable",
    ],
    [
      "two encodings",
      "HTTP/1.1 200 OK\r\ncontent-encoding: gzip, gzip\r\ncontent-length: 2\r\n\r\nab",
      "answer_unreadable",
    ],
  ];
  for (const [name, says, code] of table) {
    await speaking(async (connection) => {
      await write(connection, says);
      connection.close();
    }, async ({ port, url }) => {
      const outcome = failed(await send(port, { url }), "in_doubt", code);
      assertEquals(
        outcome.status,
        code === "answer_cut" || /encoding|gzip/.test(name) ? 200 : undefined,
        name,
      );
    });
  }
});

Deno.test("EF-044 a packed answer that is cut is in doubt", async () => {
  const packed = await squeezed(crypto.getRandomValues(new Uint8Array(5000)));
  const head = `HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${packed.length}\r\n\r\n`;
  await speaking(async (connection) => {
    await write(connection, head);
    await write(connection, packed.subarray(0, 3000));
    connection.close();
  }, async ({ port, url }) => void failed(await send(port, { url }), "in_doubt", "answer_cut"));
  // Nothing says how long it is, so that only what is packed can tell.
  await speaking(async (connection) => {
    await write(connection, "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n");
    await write(connection, packed.subarray(0, 3000));
    connection.close();
  }, async ({ port, url }) => void failed(await send(port, { url }), "in_doubt", "answer_unreadable"));
});

Deno.test("EF-044 a request that is stopped after it was sent is in doubt", async () => {
  await speaking(() => Promise.resolve(), async ({ port, url, heard }) => {
    const stop = new AbortController();
    const sending = send(port, { url, signal: stop.signal });
    await heard();
    stop.abort();
    failed(await sending, "in_doubt", "cancelled");
  });
});

Deno.test("SE-709 a name without an answer, a silent server and one that falls silent end in time", async () => {
  const clock = new ManualClock();
  const named = { url: "http://slow.test/", allowed: ["slow.test"] };
  const never = new Promise<string[]>(() => {});
  const looking = send(80, named, { clock, resolve: () => never });
  await clock.advance(9_999);
  await clock.advance(1);
  failed(await looking, "not_sent", "connect_timeout");

  // A handshake that does not end is a connection that has not come about.
  await speaking(() => Promise.resolve(), async ({ port, url, heard }) => {
    const sending = send(port, { url: url.replace("http", "https") }, { clock });
    await heard();
    await clock.advance(10_000);
    failed(await sending, "not_sent", "connect_timeout");
  });

  await speaking(() => Promise.resolve(), async ({ port, url, heard }) => {
    const sending = send(port, { url }, { clock });
    await heard();
    await settle();
    await clock.advance(60_000);
    failed(await sending, "in_doubt", "first_byte_timeout");
  });

  const begun = Promise.withResolvers<void>();
  await speaking(async (connection) => {
    await write(connection, "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc");
    begun.resolve();
  }, async ({ port, url }) => {
    // Its own clock tells when the third wait, that for more of the body, has begun.
    const waits = watching();
    const sending = send(port, { url }, { clock: waits.clock });
    await begun.promise;
    await waits.of(60_000, 3);
    await waits.clock.advance(60_000);
    const outcome = failed(await sending, "in_doubt", "silence_timeout");
    assertEquals(outcome.status, 200);
  });
});

/** A manual clock that tells when so many waits of a length have begun. */
function watching() {
  const clock = new ManualClock();
  const begun: number[] = [];
  let heard = () => {};
  const sleep = clock.sleep;
  clock.sleep = (ms, signal) => {
    begun.push(ms);
    heard();
    return sleep(ms, signal);
  };
  return {
    clock,
    of: (ms: number, times: number) =>
      new Promise<void>((resolve) => {
        heard = () => begun.filter((one) => one === ms).length >= times && resolve();
        heard();
      }),
  };
}

Deno.test("SE-709 a body is bounded after decompression, and headers are", async () => {
  const bomb = await squeezed(new Uint8Array(40 * 1024 * 1024));
  assert(bomb.length < 100_000);
  const gzip = { headers: { "content-encoding": "gzip" } };
  await serving(() => new Response(bomb, gzip), async ({ port, url }) => {
    const outcome = failed(await send(port, { url }), "in_doubt", "answer_too_large");
    assertEquals(outcome.status, 200);
  });
  await serving(() => new Response("x".repeat(1001)), async ({ port, url }) => {
    failed(await send(port, { url, maxBytes: 1000 }), "in_doubt", "answer_too_large");
    assertEquals(answered(await send(port, { url, maxBytes: 1001 })).body.length, 1001);
  });
  const line = `x-a: ${"y".repeat(1000)}\r\n`;
  const flood = (lines: number) =>
    speaking(
      (connection) =>
        write(connection, `HTTP/1.1 200 OK\r\n${line.repeat(lines)}content-length: 2\r\n\r\nok`),
      async ({ port, url }) => {
        const outcome = await send(port, { url });
        if (lines < 60) assertEquals(answered(outcome).text, "ok");
        else failed(outcome, "in_doubt", "answer_too_large");
      },
    );
  await flood(50);
  await flood(200);
});

Deno.test("an answer is unpacked as it says, and one to HEAD has no body", async () => {
  const packed = await squeezed(utf8.encode("plain"));
  await serving(
    () => new Response(packed, { headers: { "content-encoding": "gzip" } }),
    async ({ port, url }) => {
      assertEquals(answered(await send(port, { url })).text, "plain");
      assertEquals(answered(await send(port, { url, method: "HEAD" })).body.length, 0);
    },
  );
});

Deno.test("SE-708 a read follows five redirects and no sixth; without asking it follows none", async () => {
  const answer = (request: Request) => {
    const left = Number(new URL(request.url).pathname.slice(1));
    return left === 0
      ? new Response("there")
      : new Response(null, { status: 302, headers: { location: `/${left - 1}` } });
  };
  await serving(answer, async ({ port, url, asked }) => {
    const there = answered(await send(port, { url: `${url}/5`, redirects: 5 }));
    assertEquals([there.text, there.url, asked()], ["there", `${url}/0`, 6]);
    failed(await send(port, { url: `${url}/6`, redirects: 99 }), "in_doubt", "redirect_limit");
    assertEquals(answered(await send(port, { url: `${url}/3` })).status, 302);
    const effect = { url: `${url}/3`, method: "POST", redirects: 5, body: utf8.encode("a") };
    assertEquals(answered(await send(port, effect)).status, 302);
  });
});

Deno.test("SE-708 SE-711 each redirect is checked in full", async () => {
  const places = [
    "http://other.test/",
    "http://10.0.0.1/",
    "http://[::1]/",
    "file:///etc/passwd",
    "http://me:secret@127.0.0.1/",
    "//localhost/",
    "http://127.0.0.1:1/",
  ];
  for (const location of places) {
    const answer = () => new Response(null, { status: 307, headers: { location } });
    await serving(answer, async ({ port, url }) => {
      const allowed = [`127.0.0.1:${port}`, "10.0.0.1", "[::1]", "localhost", "127.0.0.1:1"];
      failed(await send(port, { url, allowed, redirects: 5 }), "in_doubt", "egress_denied");
    });
  }
});

Deno.test("SE-708 what may be secret does not follow to another origin", async () => {
  const tell = (request: Request) =>
    Response.json(["authorization", "cookie", "x-key", "accept"].map((name) => request.headers.get(name)));
  const headers = [["Authorization", "a"], ["Cookie", "b"], ["X-Key", "c"], ["Accept", "d"]] as const;
  await serving(tell, async ({ port: second, url: there }) => {
    const answer = (request: Request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/told") return tell(request);
      return new Response(null, { status: 302, headers: { location: pathname === "/on" ? there : "/told" } });
    };
    await serving(answer, async ({ port, url }) => {
      const allowed = [`127.0.0.1:${port}`, `127.0.0.1:${second}`];
      const openings = [open(port), open(second)];
      const ask = (path: string) =>
        send(port, { url: url + path, headers, allowed, redirects: 5 }, { openings });
      assertEquals(JSON.parse(answered(await ask("/here")).text), ["a", "b", "c", "d"]);
      assertEquals(JSON.parse(answered(await ask("/on")).text), [null, null, null, "d"]);
    });
  });
});

Deno.test("SE-708 a redirect from https to http is refused", async () => {
  await serving(() => new Response("plain"), async ({ port: plain, url, asked }) => {
    const server = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      cert: CERTIFICATE,
      key: KEY,
      onListen: () => {},
    }, () => new Response(null, { status: 301, headers: { location: url } }));
    const { port } = server.addr;
    try {
      const outcome = await send(port, {
        url: `https://service.test:${port}/`,
        allowed: [`service.test:${port}`, `127.0.0.1:${plain}`],
        redirects: 5,
      }, {
        openings: [open(port), open(plain)],
        ca: AUTHORITY,
        resolve: () => Promise.resolve(["127.0.0.1"]),
      });
      assertEquals(failed(outcome, "in_doubt", "egress_denied").denied?.rule, "downgrade");
      assertEquals(asked(), 0);
    } finally {
      await server.shutdown();
    }
  });
});
