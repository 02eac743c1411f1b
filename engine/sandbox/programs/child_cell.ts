/**
 * The program of a cell process. Owns: loading one cell's module, running it once and telling how it went.
 * Never: a permission, and never trust: whatever this process says counts as the cell's own words.
 *
 * It reads one request from standard input and writes frames to standard output, each on a line that begins with
 * U+0001 and the request's token. All other output is the cell's own and becomes log lines. Value or error is the
 * last frame.
 *
 * This is the one file that may import a module whose text is not ours. The text comes as a `data:` URL, because that
 * is loaded with the process's permissions, which are none; an entry module would be read with Deno's.
 */
import { systemClock } from "../../base/clock.ts";

const { stdin, stdout, inspect } = Deno;
const exit: (code: number) => never = Deno.exit;
const { stringify } = JSON;
const encoder = new TextEncoder();

/** Characters in one piece of a value, so that its frame stays below the line limit however it is escaped. */
const PIECE = 250_000;
/** Longest text of one `console` call. */
const LONGEST_LOG = 16_384;
const LONGEST_MESSAGE = 8_192;
/** Larger values are refused by whoever reads; this one saves the way there. */
const LONGEST_VALUE = 16 * 1024 * 1024;

const request = await new Response(stdin.readable).json() as {
  token: string;
  module: string;
  inputs: Record<string, unknown>;
};

function send(frame: Record<string, unknown>): void {
  const bytes = encoder.encode(`\n\x01${request.token}${stringify(frame)}\n`);
  for (let sent = 0; sent < bytes.length;) sent += stdout.writeSync(bytes.subarray(sent));
}

function fail(error: unknown): never {
  let told: { name: string; message: string; stack: string };
  try {
    told = error instanceof Error
      ? { name: String(error.name), message: String(error.message), stack: String(error.stack ?? "") }
      : { name: "", message: `The cell threw ${inspect(error)}, which is not an Error`, stack: "" };
  } catch {
    told = { name: "", message: "The cell threw something that cannot be shown", stack: "" };
  }
  const { name, message, stack } = told;
  send({
    type: "error",
    name: name.slice(0, 200),
    message: message.slice(0, LONGEST_MESSAGE),
    stack: stack.slice(0, LONGEST_MESSAGE),
  });
  exit(1);
}

function notJson(what: string): never {
  send({ type: "not_json", message: what.slice(0, 500) });
  exit(1);
}

/** `undefined` follows JSON's rule, left out of objects and null in lists; what JSON would lose otherwise is refused. */
function checked(key: string, value: unknown): unknown {
  const at = key === "" ? "" : ` at ${stringify(key.slice(0, 100))}`;
  if (typeof value === "number" && !Number.isFinite(value)) notJson(`${value}${at}`);
  if (typeof value === "function" || typeof value === "symbol" || typeof value === "bigint") {
    notJson(`a ${typeof value}${at}`);
  }
  if (value instanceof Map || value instanceof Set || value instanceof Promise || ArrayBuffer.isView(value)) {
    notJson(`a ${value.constructor.name}${at}`);
  }
  return value;
}

function toText(value: unknown): string {
  try {
    return stringify(value, checked) ?? "null";
  } catch (error) {
    const { message } = error as Error;
    if (/circular/i.test(message)) notJson("it contains itself");
    if (/call stack/i.test(message)) notJson("it is nested too deeply");
    if (/string length/i.test(message)) notJson("it is too large");
    return fail(error);
  }
}

const LEVELS = {
  debug: "debug",
  log: "info",
  info: "info",
  dir: "info",
  table: "info",
  group: "info",
  warn: "warn",
  error: "error",
  trace: "error",
} as const;

for (const [method, level] of Object.entries(LEVELS)) {
  Object.assign(console, {
    [method]: (...values: unknown[]) => {
      const text = values.map((value) =>
        typeof value === "string" ? value : inspect(value, { depth: 6, iterableLimit: 100 })
      ).join(" ");
      const cut = text.length - LONGEST_LOG;
      send({
        type: "log",
        level,
        text: cut > 0 ? `${text.slice(0, LONGEST_LOG)}... ${cut} characters cut` : text,
      });
    },
  });
}

// A courtesy that makes misuse fail early. The control is the process: its folder and DENO_DIR end with it.
for (const name of ["localStorage", "sessionStorage", "caches", "Worker", "BroadcastChannel"]) {
  Reflect.deleteProperty(globalThis, name);
}

addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  fail(event.reason);
});
addEventListener("error", (event) => {
  event.preventDefault();
  fail(event.error);
});

try {
  const module = await import(`data:application/typescript;base64,${request.module}`);
  const value = typeof module.default === "function" ? await module.default(request.inputs) : module.default;
  const text = toText(value);
  if (text.length > LONGEST_VALUE) {
    send({ type: "too_large" });
    exit(1);
  }
  // What the cell left to happen at once, such as a rejected promise that nobody awaits, decides as well.
  await systemClock.sleep(1);
  for (let at = 0; at < text.length; at += PIECE) send({ type: "piece", text: text.slice(at, at + PIECE) });
  send({ type: "done", nothing: value === undefined });
} catch (error) {
  fail(error);
}
exit(0);
