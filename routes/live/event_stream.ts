/**
 * An answer that goes on. Owns: the connection: its headers, heartbeat, back-pressure and its end when the client leaves.
 * Never: what is sent.
 */
import type { Clock } from "../../engine/base/clock.ts";
import type { Log } from "../../engine/base/log.ts";
import { encodeSse, HEARTBEAT } from "../../engine/wire/sse.ts";
import { refuse } from "../respond.ts";

const HEARTBEAT_MS = 15_000;
const RETRY_MS = 2000;
/** How long the last of a stream may take once the server is ending. */
const LAST_WORDS_MS = 500;
const MOVED = encodeSse({ event: "moved", data: "{}" });

/** Sends a text; resolves when the client has room for more. */
export type Send = (text: string) => Promise<void>;

/**
 * An SSE answer that `tell` fills until it returns. `signal` aborts when the client leaves, and when this server ends;
 * `tell` must then return. AP-716: a stream that the server ends says `moved` last, and a new one is refused then.
 */
export function eventStream(
  request: Request,
  { clock, log, draining }: { clock: Clock; log: Log; draining: AbortSignal },
  tell: (send: Send, signal: AbortSignal) => Promise<void>,
): Response {
  const headers = {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
  };
  if (request.method === "HEAD") return new Response(null, { headers });
  if (draining.aborted) refuse("draining", "The server is ending; connect again in a moment");
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
      const over = AbortSignal.any([gone.signal, draining]);
      const told = tell(send, over);
      // Somebody who does not read must not hold the end up.
      await Promise.race([told, aborted(over).then(() => clock.sleep(LAST_WORDS_MS, gone.signal))]);
      if (draining.aborted) await Promise.race([send(MOVED), clock.sleep(LAST_WORDS_MS, gone.signal)]);
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

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

async function beat(clock: Clock, send: Send, signal: AbortSignal): Promise<void> {
  for (;;) {
    await clock.sleep(HEARTBEAT_MS, signal);
    if (signal.aborted) return;
    await send(HEARTBEAT).catch(() => {});
  }
}
