/**
 * A PostgreSQL server for the tests of one file: the one that `WEFT_TEST_POSTGRES` names, else one that is started here
 * from the system's binaries, else from those of an npm package. There is no way on without one: a test that asks for a
 * server and gets none fails.
 *
 * The server's files are in a folder of the test's own. A shell watches over it, so that both are gone however the tests
 * end. It does not write through to the disk, which only a power cut would show.
 */
import postgres from "postgres";

/** A server and what tests do to it behind a store's back. */
export interface PostgresServer {
  /** Address of a store that is empty and nobody else's. */
  address(): string;
  /** Runs statements as the owner of everything; rows of the last one. */
  sql(text: string): Promise<Record<string, unknown>[]>;
  /** Host and port, for whoever stands between. */
  host: string;
  port: number;
  /** As in the addresses; no message may hold it. */
  password: string;
  /** Ends the server, or drops what was made in somebody else's. Done by itself after the tests of a file. */
  stop(): Promise<void>;
}

/** PostgreSQL refuses to run as root; this is nobody. */
const NOBODY = 65_534;
const TRIES = 3;

let server: Promise<PostgresServer> | undefined;

/** The server of this test file; started at the first call. Call it outside of tests: it outlives the first. */
export function postgresServer(): Promise<PostgresServer> {
  return server ??= (async () => {
    const found = await findServer();
    Deno.test.afterAll(() => found.stop());
    return found;
  })();
}

async function findServer(): Promise<PostgresServer> {
  const named = Deno.env.get("WEFT_TEST_POSTGRES");
  return named ? await atAddress(new URL(named)) : await startPostgres();
}

/** Starts one. `packaged`: with the binaries from npm, whatever the system has. */
export async function startPostgres({ packaged = false } = {}): Promise<PostgresServer> {
  if (Deno.build.os === "windows") {
    throw new Error("Tests start no PostgreSQL on Windows: name a server in WEFT_TEST_POSTGRES");
  }
  const folder = await Deno.makeTempDir({ prefix: "weft-postgres-" });
  try {
    const bin = packaged ? undefined : await systemBinaries();
    return await start(folder, bin ?? await packagedBinaries(`${folder}/native`));
  } catch (error) {
    await Deno.remove(folder, { recursive: true });
    throw error;
  }
}

/** The newest that the system has. */
async function systemBinaries(): Promise<string | undefined> {
  const roots = ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"];
  const found: [version: number, bin: string][] = [];
  for (const root of roots) {
    for await (const { name } of readFolder(root)) {
      const version = Number(/^(?:postgresql@)?(\d+)$/.exec(name)?.[1] ?? 0);
      const bin = `${root}/${name}/bin`;
      if (version > 0 && await Deno.stat(`${bin}/initdb`).catch(() => undefined)) found.push([version, bin]);
    }
  }
  return found.sort(([a], [b]) => b - a)[0]?.[1];
}

async function* readFolder(path: string): AsyncGenerator<Deno.DirEntry> {
  try {
    yield* Deno.readDir(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Binaries from npm, in `target`. */
async function packagedBinaries(target: string): Promise<string> {
  const folder = new URL("postgres/", import.meta.url).pathname;
  const args = ["run", "-A", "--quiet", `--config=${folder}deno.json`, `${folder}unpack.ts`, target];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: folder }).output();
  if (success) return `${target}/bin`;
  throw new Error(
    "There is no PostgreSQL for the tests: the system has none, and none could be had from npm. Install one, or name " +
      `a server in WEFT_TEST_POSTGRES.\n${new TextDecoder().decode(stderr)}`,
  );
}

/** Says `ready` or `ended`, then waits for the end of its input, which comes with the end of who started it. */
const WATCH = `
  trap '' INT HUP
  trap : TERM
  "$1/postgres" -D data -p "$2" -k '' -c listen_addresses=127.0.0.1 -c fsync=off -c full_page_writes=off \
    >log 2>&1 </dev/null &
  server=$!
  until grep -q 'ready to accept' log || ! kill -0 $server 2>/dev/null; do sleep 0.02; done
  if kill -0 $server 2>/dev/null; then echo ready; else echo ended; fi
  read -r _
  kill -INT $server 2>/dev/null
  wait $server
  cd / && rm -rf "$3"
`;

async function start(folder: string, bin: string): Promise<PostgresServer> {
  const password = crypto.randomUUID();
  const id = Deno.uid() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  await Deno.writeTextFile(`${folder}/password`, password);
  if (id.uid !== undefined) {
    const { success } = await new Deno.Command("chown", { args: ["-R", `${id.uid}:${id.gid}`, folder] })
      .output();
    if (!success) throw new Error(`The folder cannot be given to another user: ${folder}`);
  }
  const flags = "-D data -U weft -A scram-sha-256 --pwfile=password -E UTF8 --locale=C --no-sync".split(" ");
  const made = await new Deno.Command(`${bin}/initdb`, { args: flags, cwd: folder, ...id }).output();
  if (!made.success) {
    throw new Error(`PostgreSQL made no database: ${new TextDecoder().decode(made.stderr)}`);
  }
  for (let left = TRIES;; left--) {
    const port = freePort();
    const shell = new Deno.Command("/bin/sh", {
      args: ["-c", WATCH, "watch", bin, String(port), folder],
      cwd: folder,
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
      ...id,
    }).spawn();
    const reader = shell.stdout.getReader();
    const word = new TextDecoder().decode((await reader.read()).value).trim();
    await reader.cancel();
    const url = new URL(`postgres://weft:${password}@127.0.0.1:${port}/postgres`);
    const end = async () => {
      await shell.stdin.close();
      await shell.status;
    };
    if (word === "ready") return { ...await atAddress(url), stop: end };
    const log = await Deno.readTextFile(`${folder}/log`);
    // The port may have been taken meanwhile; anything else is not better the next time.
    if (left === 1 || !log.includes("in use")) {
      await end();
      throw new Error(`PostgreSQL did not start: ${log}`);
    }
    shell.kill("SIGKILL");
    await shell.stdin.abort().catch(() => {});
    await shell.status;
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** A server that is there. */
function atAddress(url: URL): PostgresServer {
  const run = crypto.randomUUID().slice(0, 8);
  let stores = 0;
  const sql = async (text: string) => {
    const client = postgres(url.href, { max: 1, onnotice: () => {} });
    try {
      return [...await client.unsafe(text)];
    } finally {
      await client.end();
    }
  };
  return {
    host: url.hostname,
    port: Number(url.port || 5432),
    password: decodeURIComponent(url.password),
    sql,
    address() {
      const own = new URL(url);
      own.searchParams.set("schema", `weft_test_${run}_${++stores}`);
      return own.href;
    },
    async stop() {
      const names = Array.from(
        { length: stores },
        (_, i) => `drop schema if exists weft_test_${run}_${i + 1} cascade`,
      );
      for (const statement of names) await sql(statement);
    },
  };
}
