/** A provider on loopback that answers as a test says, and remembers what it was sent. */
import type { ModelPart, ModelRequest, Models } from "../../../engine/models/model.ts";
import { createModels } from "../../../engine/models/registry.ts";
import { systemClock } from "../../../engine/base/clock.ts";

/** A request as it arrived. */
export interface Received {
  path: string;
  headers: Headers;
  // deno-lint-ignore no-explicit-any -- a test looks at any field of any provider's body
  body: any;
}

/** Serves `answer` for each request while `use` runs. */
export async function withServer(
  answer: (request: Received, count: number) => Response | Promise<Response>,
  use: (url: string, received: Received[]) => Promise<void>,
): Promise<void> {
  const received: Received[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    received.push({
      path: pathname,
      headers: request.headers,
      body: await request.json().catch(() => undefined),
    });
    return await answer(received.at(-1)!, received.length);
  });
  try {
    await use(`http://127.0.0.1:${server.addr.port}`, received);
  } finally {
    await server.shutdown();
  }
}

/** An event stream of the given `data:` lines; a `Uint8Array` is sent as it is. */
export function sse(events: (unknown | Uint8Array<ArrayBuffer>)[], init: ResponseInit = {}): Response {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const event of events) {
        const text = typeof event === "string" ? event : JSON.stringify(event);
        controller.enqueue(event instanceof Uint8Array ? event : encoder.encode(`data: ${text}\n\n`));
      }
      controller.close();
    },
  });
  return new Response(body, { ...init, headers: { "content-type": "text/event-stream", ...init.headers } });
}

/** A piece of a chat completion. */
export function chunk(content: string | null, finish: string | null = null, more: object = {}): unknown {
  return {
    id: "c1",
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta: { content }, finish_reason: finish }],
    ...more,
  };
}

/** A registry that reads these variables and no others. */
export function modelsWith(variables: Record<string, string>): Models {
  return createModels({ env: (name) => variables[name], envNames: () => Object.keys(variables) });
}

/** Calls a model with one instruction and collects what comes. */
export async function ask(
  models: Models,
  id: string,
  request: Partial<ModelRequest> = {},
): Promise<ModelPart[]> {
  const found = models.resolve(id);
  if (!found.ok) throw new Error(found.reason);
  const parts: ModelPart[] = [];
  const stream = found.provider.stream({
    model: found.model,
    system: "Be brief",
    prompt: [{ type: "instruction", text: "Say hello to Ada" }],
    signal: new AbortController().signal,
    clock: systemClock,
    ...request,
  });
  for await (const part of stream) parts.push(part);
  return parts;
}

/** The text of the parts, joined. */
export function textOf(parts: readonly ModelPart[]): string {
  return parts.map((part) => part.type === "text" ? part.text : "").join("");
}
