/** The `weft` command as a process of its own, in a workspace that a test makes. */

const ROOT = new URL("../../", import.meta.url).pathname;

/** What a command left behind. */
export interface Done {
  code: number;
  out: string;
  err: string;
}

/** A folder with notebooks and a data folder of its own; removed at the end of `use`. */
export async function inWorkspace(
  notebooks: Record<string, string | Uint8Array>,
  use: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "weft-cli-" });
  try {
    await Deno.mkdir(`${folder}/notebooks`);
    for (const [name, content] of Object.entries(notebooks)) {
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      await Deno.writeFile(`${folder}/${name}`, bytes);
    }
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function command(folder: string, args: string[], env: Record<string, string>): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", `--config=${ROOT}deno.json`, `${ROOT}main.ts`, ...args],
    cwd: folder,
    env: { INIT_CWD: folder, WEFT_DATA: ".weft", WEFT_STORE: "", WEFT_PORT: "", NO_COLOR: "1", ...env },
    stdout: "piped",
    stderr: "piped",
  });
}

/** Runs a command to its end. */
export async function weft(folder: string, args: string[], env: Record<string, string> = {}): Promise<Done> {
  const { code, stdout, stderr } = await command(folder, args, env).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

/** A command under way. */
export interface Started {
  process: Deno.ChildProcess;
  /** Resolves when standard error holds the text. */
  errIncludes(text: string): Promise<void>;
  done: Promise<Done>;
}

/** Starts a command. */
export function start(folder: string, args: string[], env: Record<string, string> = {}): Started {
  const process = command(folder, args, env).spawn();
  let err = "";
  let heard = Promise.withResolvers<void>();
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of process.stderr) {
      err += decoder.decode(chunk, { stream: true });
      heard.resolve();
      heard = Promise.withResolvers();
    }
    heard.reject(new Error(`The command ended first: ${err}`));
    heard.promise.catch(() => {});
  })();
  const out = new Response(process.stdout).text();
  return {
    process,
    async errIncludes(text) {
      while (!err.includes(text)) await heard.promise;
    },
    done: (async () => {
      const { code } = await process.status;
      await reading;
      return { code, out: await out, err };
    })(),
  };
}

/** A server that is up: where it is, a login, and its process. */
export interface Served {
  url: string;
  cookie: string;
  process: Deno.ChildProcess;
  /** Ends it by SIGTERM and says with which code. */
  stop(): Promise<number>;
}

/** Starts `weft serve` on a free port and signs in. */
export async function serve(
  folder: string,
  cookie?: string,
  port = "0",
  env: Record<string, string> = {},
): Promise<Served> {
  const process = command(folder, ["serve", "--port", port], { WEFT_LOG_LEVEL: "error", ...env }).spawn();
  const link = await firstLink(process.stdout);
  process.stderr.pipeTo(Deno.stderr.writable, { preventClose: true }).catch(() => {});
  const url = new URL(link).origin;
  const signedIn = cookie ?? await signIn(link);
  return {
    url,
    cookie: signedIn,
    process,
    async stop() {
      process.kill("SIGTERM");
      return (await process.status).code;
    },
  };
}

/** The first link that the server prints; what it prints later is read and dropped, so that it never blocks. */
async function firstLink(stdout: ReadableStream<Uint8Array>): Promise<string> {
  const reader = stdout.getReader();
  const decoder = new TextDecoder();
  for (let text = "";;) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`The server ended before it was ready: ${text}`);
    text += decoder.decode(value, { stream: true });
    const link = /http:\S+code=\S+/.exec(text);
    if (link === null) continue;
    reader.releaseLock();
    stdout.pipeTo(new WritableStream()).catch(() => {});
    return link[0];
  }
}

async function signIn(link: string): Promise<string> {
  const response = await fetch(link, { redirect: "manual" });
  await response.body?.cancel();
  const cookie = response.headers.get("set-cookie")?.split(";")[0];
  if (cookie === undefined) throw new Error(`Signing in gave no cookie: ${response.status}`);
  return cookie;
}

/** Calls the API of a server as its page does. */
export async function call(
  { url, cookie }: Pick<Served, "url" | "cookie">,
  method: string,
  path: string,
  body?: unknown,
  // deno-lint-ignore no-explicit-any -- answers are asserted field by field in the tests
): Promise<any> {
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: {
      cookie,
      ...(body === undefined ? {} : { "content-type": "application/json", origin: url, "weft-csrf": "1" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return JSON.parse(text);
}
