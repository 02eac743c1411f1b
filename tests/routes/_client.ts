/** Speaks to an app without a port, as a browser or a program would. */
import { ManualClock } from "../_support/manual_clock.ts";
import { noLog } from "../../engine/base/log.ts";
import { createApp } from "../../routes/app.ts";
import type { AppOptions } from "../../routes/parts.ts";
import type { Assets } from "../../routes/assets.ts";
import { SseReader } from "../../engine/wire/sse.ts";
import { FakeEngine } from "../_support/fake_engine.ts";
import { MemoryWorkspace } from "../_support/memory_workspace.ts";
import { testLogins } from "../_support/studio.ts";

/** A notebook of two cells. */
export const DEMO = "# Demo\n\n```jsonata a\n1 + 1\n```\n\n```jsonata b\na + 1\n```\n";

const noAssets: Assets = {
  forIslands: () => ({ scripts: [], preloads: [], styles: [] }),
  path: (name) => `/assets/${name}`,
  serve: () => undefined,
  sizes: () => ({}),
};

/** What a test gets. */
export interface Client {
  engine: FakeEngine;
  workspace: MemoryWorkspace;
  clock: ManualClock;
  /** Signed in unless `as` says otherwise; a change carries what a page of the studio would send. */
  ask(path: string, init?: RequestInit & { as?: "stranger" }): Promise<Response>;
  /** The same, and the JSON of the answer. */
  json(path: string, init?: RequestInit): Promise<{ status: number; body: Record<string, unknown> }>;
}

/** An app on `http://127.0.0.1:9338` over a fake engine. */
export function client(more: Partial<AppOptions> = {}): Client {
  const engine = (more.engine ?? new FakeEngine()) as FakeEngine;
  const workspace = new MemoryWorkspace({ demo: DEMO, "sub/other": "# Other\n" });
  const clock = new ManualClock();
  const app = createApp({
    engine,
    workspace,
    logins: testLogins,
    assets: noAssets,
    clock,
    log: noLog,
    port: () => 9338,
    ...more,
  });
  const ask: Client["ask"] = async (path, { as, ...init } = {}) => {
    const headers = new Headers(init.headers);
    if (!headers.has("host")) headers.set("host", "127.0.0.1:9338");
    if (as === undefined && !headers.has("cookie")) headers.set("cookie", "weft_9338=secret");
    if (init.method !== undefined && init.method !== "GET") {
      const page = {
        "origin": "http://127.0.0.1:9338",
        "weft-csrf": "1",
        "content-type": "application/json",
      };
      for (const [name, value] of Object.entries(page)) if (!headers.has(name)) headers.set(name, value);
      for (const [name, value] of [...headers]) if (value === "none") headers.delete(name);
    }
    return await app.fetch(new Request(`http://127.0.0.1:9338${path}`, { ...init, headers }));
  };
  return {
    engine,
    workspace,
    clock,
    ask,
    async json(path, init) {
      const response = await ask(path, init);
      return { status: response.status, body: await response.json() };
    },
  };
}

/** Reads messages of a stream one at a time, heartbeats and the first `retry` left out. */
export function messagesOf(response: Response) {
  const stream = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  const reader = new SseReader();
  const waiting: { event?: string; data?: string; id?: string; retry?: number }[] = [];
  return {
    async next() {
      for (;;) {
        const found = waiting.shift();
        if (found !== undefined && found.retry === undefined) return found;
        if (found !== undefined) continue;
        const { value, done } = await stream.read();
        if (done) return undefined;
        waiting.push(...reader.push(value));
      }
    },
    cancel: () => stream.cancel(),
  };
}
