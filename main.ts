/**
 * The process: its arguments, its signals and its exit code. Everything else is `cli/weft.ts`.
 */
import type { Io } from "./cli/io.ts";
import { weft } from "./cli/weft.ts";

const PINNED = "2.9.6";

if (Deno.version.deno !== PINNED) {
  console.error(
    `Weft is tested with Deno ${PINNED}; this is ${Deno.version.deno}. Try: npx -y deno@${PINNED} task start`,
  );
}

const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => {
    // EN-2101: the second time a person means it, and what is running is left to be recovered.
    if (interrupt.signal.aborted) Deno.exit(130);
    interrupt.abort();
  });
}

const utf8 = new TextEncoder();
const print = (stream: typeof Deno.stdout, line: string) => {
  const bytes = utf8.encode(`${line}\n`);
  try {
    for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
  } catch (error) {
    // Whoever read our output has gone: that ends us quietly.
    if (error instanceof Deno.errors.BrokenPipe) Deno.exit(0);
    throw error;
  }
};

const io: Io = {
  out: (line) => print(Deno.stdout, line),
  err: (line) => print(Deno.stderr, line),
  env: (name) => Deno.env.get(name),
  envNames: () => Object.keys(Deno.env.toObject()),
  // `deno task` changes to the folder of deno.json and says here where the person stands.
  cwd: Deno.env.get("INIT_CWD") ?? Deno.cwd(),
  signal: interrupt.signal,
};

Deno.exit(await weft(Deno.args, io));
