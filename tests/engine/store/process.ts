/** Starts `child.ts` and reads what it says. */

/** A child process whose output is read line by line. */
export interface Child {
  process: Deno.ChildProcess;
  /** The next line; `undefined` at the end of the output. */
  line(): Promise<string | undefined>;
  /** Kills it as `kill -9` does and waits for its end. */
  kill(): Promise<void>;
  /** Closes its input, which ends `hold`. */
  end(): Promise<void>;
}

/** Starts it on a database. */
export function startChild(task: "hold" | "commit", path: string): Child {
  const program = new URL("./child.ts", import.meta.url).pathname;
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--unstable-kv", "--no-check", program, task, path],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  let ended = false;
  const line = async () => {
    for (;;) {
      const at = text.indexOf("\n");
      if (at >= 0) {
        const found = text.slice(0, at);
        text = text.slice(at + 1);
        return found;
      }
      if (ended) return undefined;
      const { value, done } = await reader.read();
      if (done) ended = true;
      else text += value;
    }
  };
  const drain = async () => {
    while (await line() !== undefined);
    await process.status;
  };
  return {
    process,
    line,
    async kill() {
      process.kill("SIGKILL");
      await process.status;
      await process.stdin.abort().catch(() => {});
    },
    async end() {
      await process.stdin.close();
      await drain();
    },
  };
}
