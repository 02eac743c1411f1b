/**
 * A KV Connect server on loopback, for tests of the client that goes over a network. Any path is a database of its own,
 * made when it is first asked for. It says no in every way a server can: to a wrong token, before or after a write, and
 * by not being there.
 */
import { Database } from "./database.ts";
import { Message } from "./protobuf.ts";

/** What happens to one request, by its path: `undefined` is a request that goes well. */
export type Trouble = (
  database: string,
  action: "snapshot_read" | "atomic_write",
  request: Message,
) => "refused" | "answer lost" | "locked" | undefined;

/** A server that runs. */
export interface KvConnectServer {
  /** Address of a database that is empty and nobody else's. */
  address(): string;
  /** What a client must present. */
  token: string;
  trouble: Trouble;
  /** Number of requests for data. */
  requests: number;
  /** Closes the door; the databases stay. */
  stop(): Promise<void>;
  /** Opens it again, at the same address. */
  start(): void;
}

const TOKEN_MS = 3_600_000;

/** Starts one. */
export function kvConnectServer(): KvConnectServer {
  const databases = new Map<string, Database>();
  const [token, ticket] = [crypto.randomUUID(), crypto.randomUUID()];
  const id = crypto.randomUUID();
  let http: Deno.HttpServer<Deno.NetAddr> | undefined;
  let port = 0;
  let made = 0;

  const say = (status: number, words: string) => new Response(words, { status });
  const protobuf = (body: Uint8Array) =>
    new Response(body as Uint8Array<ArrayBuffer>, { headers: { "content-type": "application/x-protobuf" } });

  function metadata(path: string, request: Request): Response {
    if (request.headers.get("authorization") !== `Bearer ${token}`) return say(401, "The token is not known");
    return Response.json({
      version: 3,
      databaseId: id,
      endpoints: [{ url: path, consistency: "strong" }],
      token: ticket,
      expiresAt: new Date(Date.now() + TOKEN_MS).toISOString(),
    });
  }

  function answer(name: string, action: string, message: Message): Response {
    let database = databases.get(name);
    if (database === undefined) databases.set(name, database = new Database());
    server.requests++;
    const trouble = server.trouble(name, action as "atomic_write", message);
    if (trouble === "refused") return say(503, "Try again");
    if (trouble === "locked") return say(503, "database is locked");
    const body = action === "snapshot_read" ? database.read(message) : database.write(message);
    return trouble === "answer lost" ? say(503, "Try again") : protobuf(body);
  }

  async function handle(request: Request): Promise<Response> {
    const path = new URL(request.url).pathname;
    const [, name = "", action] = path.split("/");
    if (action === undefined) {
      const { supportedVersions } = await request.json();
      return supportedVersions.includes(3) ? metadata(path, request) : say(400, "No version in common");
    }
    const body = new Uint8Array(await request.arrayBuffer());
    if (action !== "snapshot_read" && action !== "atomic_write") return say(404, "No such action");
    const { headers } = request;
    if (headers.get("authorization") !== `Bearer ${ticket}`) return say(401, "The token is not known");
    if (headers.get("x-denokv-version") !== "3" || headers.get("x-denokv-database-id") !== id) {
      return say(400, "Not the version or the database that was agreed on");
    }
    try {
      return answer(name, action, new Message(body));
    } catch (error) {
      return say(400, (error as Error).message);
    }
  }

  const server: KvConnectServer = {
    address: () => `http://127.0.0.1:${port}/db${++made}`,
    token,
    trouble: () => undefined,
    requests: 0,
    async stop() {
      await http?.shutdown();
      http = undefined;
    },
    start() {
      http = Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, handle);
      port = http.addr.port;
    },
  };
  server.start();
  return server;
}
