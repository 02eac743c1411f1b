/** A studio on a port of its own, for tests that speak to it from outside. */
import { systemClock } from "../../engine/base/clock.ts";
import { lineLog } from "../../engine/base/log.ts";
import type { Logins } from "../../engine/access/logins.ts";
import type { Workspace } from "../../engine/access/workspace.ts";
import type { Engine } from "../../engine/mod.ts";
import { createApp } from "../../routes/app.ts";
import type { AppOptions } from "../../routes/parts.ts";
import { type Assets, buildAssets } from "../../routes/assets.ts";

let built: Promise<Assets> | undefined;

/** Scripts and styles, built once for all tests of a process. */
export function testAssets(): Promise<Assets> {
  return built ??= buildAssets();
}

/** Logins with one token, `secret`, and one code, `code`, that works as often as it is used. */
export const testLogins: Logins = {
  newCode: () => "code",
  redeem: (code) => Promise.resolve(code === "code" ? "secret" : undefined),
  check: (token) => token === "secret",
  revoke: () => Promise.resolve(),
};

/** What a test gets. */
export interface Studio {
  port: number;
  url: string;
  /** What the server logged as an error. */
  errors: string[];
  close(): Promise<void>;
}

/** Serves an engine and a workspace on the loopback, on a free port or `at` the one given. */
export async function serveStudio(
  { engine, workspace, at = 0, ...more }:
    & { engine: Engine; workspace: Workspace; at?: number }
    & Partial<
      AppOptions
    >,
): Promise<Studio> {
  const errors: string[] = [];
  const log = lineLog({
    clock: systemClock,
    level: "error",
    readable: true,
    print: (line) => errors.push(line),
  });
  let port = 0;
  const app = createApp({
    engine,
    workspace,
    logins: testLogins,
    assets: await testAssets(),
    clock: systemClock,
    log,
    port: () => port,
    ...more,
  });
  const end = new AbortController();
  const listening = { hostname: "127.0.0.1", port: at, signal: end.signal };
  const server = Deno.serve({ ...listening, onListen: (at) => port = at.port }, app.fetch);
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    errors,
    close() {
      // Not a shutdown, which would wait for pages that are still open.
      end.abort();
      return server.finished;
    },
  };
}
