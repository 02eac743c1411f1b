/**
 * `weft serve`: the studio, its API and a worker in one process. Owns: starting and stopping them in order.
 *
 * EN-2101 It ends in this order: not ready and no more claims, attempts get 30 s, runs are given back, then the door
 * closes. Until then it answers, so that whoever sends people here learns that it is ending.
 * SE-301 Listens on the loopback address only, and asks for a login there too.
 */
import { openLogins } from "../engine/access/logins.ts";
import { systemClock } from "../engine/base/clock.ts";
import { renderChart } from "../engine/mod.ts";
import { createApp } from "../routes/app.ts";
import { buildAssets } from "../routes/assets.ts";
import { readArguments } from "./flags.ts";
import { CommandError, EXIT, type Io } from "./io.ts";
import { openStudio, type Studio } from "./open_studio.ts";
import { readSettings } from "./settings.ts";

const HOST = "127.0.0.1";
/** How long attempts may go on once the server is to end. */
const DRAIN_MS = 30_000;
/** When a person begins to wonder. */
const PATIENCE_MS = 700;
const WAITING =
  "Waiting up to 30 s for the cells that are running. Ctrl-C again ends at once, and the next start " +
  "goes on with them";
/** How long answers that are under way may take after that. */
const LAST_ANSWERS_MS = 1_000;

/** Help of this command. */
export const SERVE_HELP = `weft serve [FOLDER] [--port 9338] [--store ADDRESS] [--dev]

Opens the studio for the notebooks in FOLDER/notebooks and runs what is started there.

  --port PORT      WEFT_PORT, default 9338; 0 takes a free one
  --store ADDRESS  memory:, a file, postgres://…, or the https address of a KV Connect server (WEFT_STORE)
  --dev            builds readable scripts

Example: weft serve . --port 9338`;

/** Runs the command until the signal aborts; returns its exit code. */
export async function serve(args: readonly string[], io: Io): Promise<number> {
  const read = readArguments(args, {
    port: { type: "string" },
    host: { type: "string" },
    store: { type: "string" },
    dev: { type: "boolean" },
  });
  const host = read.text("host") ?? HOST;
  if (host !== HOST && host !== "localhost") {
    throw new CommandError(
      EXIT.usage,
      `Weft serves only ${HOST}, because it has no access tokens yet: --host was ${host}`,
    );
  }
  const settings = readSettings(io, {
    workspace: read.files[0],
    store: read.text("store"),
    port: read.text("port"),
  });
  const folder = await Deno.stat(settings.workspace).catch(() => undefined);
  if (folder?.isDirectory !== true) {
    throw new CommandError(EXIT.notFound, `There is no folder of this name: ${settings.workspace}`);
  }
  const building = buildAssets({ dev: read.on("dev") });
  const studio = await openStudio(settings, io);
  const logins = await openLogins({ folder: settings.data, clock: systemClock });
  let port = settings.port;
  const draining = new AbortController();
  const app = createApp({
    ...studio,
    logins,
    assets: await building,
    clock: systemClock,
    port: () => port,
    draining: draining.signal,
    chart: (spec, theme) => renderChart(spec, { theme }),
  });
  try {
    const server = listen(port, app.fetch);
    port = server.addr.port;
    studio.listensOn(port);
    const url = `http://${HOST}:${port}`;
    io.out(`Weft is ready at ${url}`);
    io.out(
      `Sign in with this link, good for one use in the next ten minutes: ${url}/login?code=${logins.newCode()}`,
    );
    await aborted(io.signal);
    draining.abort();
    await drained(studio, io);
    await Promise.race([server.shutdown(), systemClock.sleep(LAST_ANSWERS_MS)]);
  } finally {
    await studio.close();
  }
  return EXIT.ok;
}

/** Ends the studio, and says what is waited for if that takes a moment. */
async function drained(studio: Studio, io: Io): Promise<void> {
  const over = new AbortController();
  void systemClock.sleep(PATIENCE_MS, over.signal).then(() => {
    if (!over.signal.aborted) io.err(WAITING);
  });
  try {
    await studio.close(DRAIN_MS);
  } finally {
    over.abort();
  }
}

function listen(
  port: number,
  fetch: (request: Request) => Response | Promise<Response>,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({ hostname: HOST, port, onListen: () => {} }, fetch);
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    throw new CommandError(
      EXIT.usage,
      `Port ${port} is in use. Stop what has it, or choose another: --port or WEFT_PORT`,
    );
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
