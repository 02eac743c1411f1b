/** A conversation over HTTP with a real server on loopback, through the egress. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { systemClock } from "../../../../engine/base/clock.ts";
import { createEgress } from "../../../../engine/sandbox/egress/egress.ts";
import { openingsOf } from "../../../../engine/sandbox/egress/target.ts";
import { httpTransport } from "../../../../engine/sandbox/mcp/http.ts";
import { MESSAGE_BYTES, openSession, type Session } from "../../../../engine/sandbox/mcp/session.ts";

interface Asked {
  headers: Headers;
  message: {
    id?: number;
    method: string;
    params: { protocolVersion?: string; arguments?: { text: string } };
  };
}

const TOOL = { name: "echo", inputSchema: { type: "object" } };

function resultOf({ message: { method, params } }: Asked): unknown {
  if (method === "initialize") {
    const { protocolVersion } = params;
    return { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "t", version: "1" } };
  }
  return method === "tools/list"
    ? { tools: [TOOL] }
    : { content: [{ type: "text", text: params.arguments!.text }] };
}

async function withServer(
  answer: (asked: Asked, body: string) => Response,
  work: (open: (allowed?: string[]) => Promise<Session>, asked: Asked[], port: number) => Promise<void>,
): Promise<void> {
  const seen: Asked[] = [];
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    const asked = { headers: request.headers, message: await request.json() };
    seen.push(asked);
    if (asked.message.id === undefined) return new Response(null, { status: 202 });
    return answer(asked, JSON.stringify({ jsonrpc: "2.0", id: asked.message.id, result: resultOf(asked) }));
  });
  const { port } = server.addr;
  const read = openingsOf(`127.0.0.1:${port}`);
  assert(read.ok);
  const egress = createEgress({ clock: systemClock, openings: read.openings });
  const { signal } = new AbortController();
  const open = (allowed = [`127.0.0.1:${port}`]) =>
    openSession({
      name: "test",
      clock: systemClock,
      signal,
      transport: httpTransport({
        url: `http://127.0.0.1:${port}/mcp`,
        headers: { "x-mine": "yes" },
        allowed,
        egress,
        maxBytes: MESSAGE_BYTES,
        signal,
      }),
    });
  await work(open, seen, port);
}

const asJson = (_: Asked, body: string) =>
  new Response(body, { headers: { "content-type": "application/json", "mcp-session-id": "s1" } });
const asEvents = (_: Asked, body: string) =>
  new Response(`: hello\n\nevent: message\r\ndata: ${body}\r\n\r\n`, {
    headers: { "content-type": "text/event-stream" },
  });

Deno.test("IO-601 answers as JSON and as events are read, with session, revision and the declared headers", async () => {
  for (const answer of [asJson, asEvents]) {
    await withServer(answer, async (open, asked) => {
      const session = await open();
      assertEquals([...(await session.tools()).keys()], ["echo"]);
      const called = await session.call("echo", { text: "grüße" });
      assert(called.type === "done");
      assertEquals(called.result.content, [{ type: "text", text: "grüße" }]);
      await session.close();
      const { headers } = asked.at(-1)!;
      assertEquals(headers.get("x-mine"), "yes");
      assertEquals(headers.get("mcp-session-id"), answer === asJson ? "s1" : null);
      assertEquals(headers.get("mcp-protocol-version"), asked[0]!.message.params.protocolVersion!);
    });
  }
});

Deno.test("SE-701 a server that is not allowed gets no request", async () => {
  await withServer(asJson, async (open, asked) => {
    const error = await assertRejects(() => open(["example.org"]));
    assertStringIncludes((error as Error).message, "127.0.0.1");
    assertEquals(asked.length, 0);
  });
});

Deno.test("SE-1306 what an answer over HTTP lacks decides whether the call may have been done", async () => {
  const cases: [Response, "refused" | "unknown"][] = [
    [new Response("no", { status: 403 }), "refused"],
    [new Response("no", { status: 500 }), "unknown"],
    [new Response("not a message"), "unknown"],
    [new Response("x".repeat(MESSAGE_BYTES + 1)), "unknown"],
    [
      new Response(new Uint8Array([0x22, 0xc3]), { headers: { "content-type": "application/json" } }),
      "unknown",
    ],
  ];
  for (const [response, type] of cases) {
    const answer = (asked: Asked, body: string) =>
      asked.message.method === "tools/call" ? response : asJson(asked, body);
    await withServer(answer, async (open) => {
      const session = await open();
      assertEquals((await session.call("echo", { text: "x" })).type, type);
      await session.close();
    });
  }
});
