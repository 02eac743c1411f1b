/**
 * An answer that goes on. Owns: the connection: its headers, heartbeat, back-pressure and its end when the client leaves.
 * Never: what is sent.
 */
import type { Clock } from "../../engine/base/clock.ts";
import type { Log } from "../../engine/base/log.ts";
import { encodeSse, HEARTBEAT } from "../../engine/wire/sse.ts";

const HEARTBEAT_MS = 15_000;
const RETRY_MS = 2000;

/** Sends a text; resolves when the client has room for more. */
export type Send = (text: string) => Promise<void>;

/**
 * An SSE answer that `tell` fills until it returns. `signal` aborts when the client leaves; `tell` must then return.
 */
export function eventStream(
  request: Request,
  { clock, log }: { clock: Clock; log: Log },
  tell: (send: Send, signal: AbortSignal) => Promise<void>,
): Response {
  const headers = {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
  };
  if (request.method === "HEAD") return new Response(null, { headers });
  const { readable, writable } = new TransformStream<string, string>(undefined, undefined, {
    highWaterMark: 16,
  });
  const writer = writable.getWriter();
  const gone = new AbortController();
  // The stream is cancelled when the connection closes; a write then fails, which is no news.
  writer.closed.catch(() => {}).finally(() => gone.abort());
  const send: Send = async (text) => {
    await writer.ready;
    await writer.write(text);
  };
  void (async () => {
    try {
      await send(encodeSse({ retry: RETRY_MS }));
      void beat(clock, send, gone.signal);
      await tell(send, gone.signal);
    } catch (error) {
      if (gone.signal.aborted) return;
      log.write({ level: "error", source: "http", message: `A stream broke: ${String(error)}` });
    } finally {
      gone.abort();
      await writer.close().catch(() => {});
    }
  })();
  return new Response(readable.pipeThrough(new TextEncoderStream()), { headers });
}

async function beat(clock: Clock, send: Send, signal: AbortSignal): Promise<void> {
  for (;;) {
    await clock.sleep(HEARTBEAT_MS, signal);
    if (signal.aborted) return;
    await send(HEARTBEAT).catch(() => {});
  }
}
