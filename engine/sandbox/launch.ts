/**
 * The one place that starts children of our own programs; those of others are `mcp/stdio.ts`. Owns: the launch line, the step folder and how a child is killed.
 * Never: what a child is asked or answers.
 *
 * X1 A child has no permission: no file, network, environment, process, native call or import beyond its program.
 * X2 What a child leaves behind is gone when `ended` resolves: its folder and its `DENO_DIR` are its own.
 * X3 A child dies when it is told to, and its whole process group with it. An orphan ends with its work, when it
 *    finds that nobody reads it, or, if it loops, by its limit of processor time.
 *
 * The program is the entry module, so Deno reads what it names statically without asking for permission. Text of a
 * notebook must therefore never be part of it: it travels over standard input.
 */

/** What to start. */
export interface Launch {
  /** Our own program: a module file, or the text of a bundled one. */
  program: URL | { text: string };
  /** Largest V8 heap, in MB. */
  heapMb: number;
  /** Most private memory, in MB; counts what lies outside the heap, such as typed arrays. Linux only. */
  memoryMb: number;
  /** Most processor time, in seconds. */
  cpuSeconds: number;
}

/** A started child. */
export interface Child {
  readonly stdin: WritableStream<Uint8Array>;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  /** Resolves when the process is gone and its folder removed. Never rejects. */
  readonly ended: Promise<Deno.CommandStatus>;
  /** SIGKILL to the process group. May be called at any time, also again. */
  kill(): void;
  /** Whether this child keeps our process from ending. */
  hold(yes: boolean): void;
}

/** No permission is among them, and none may be added. */
const FLAGS = [
  "--no-prompt",
  "--cached-only",
  "--deny-import",
  "--no-remote",
  "--no-npm",
  "--no-lock",
  "--no-check",
  "--no-config",
  "--quiet",
];

/**
 * Starts a child without permissions in an empty folder. Takes about 20 ms until its first statement runs.
 *
 * @returns the running child; its pipes are the caller's to read, write and close
 * @throws what the system says if `/bin/sh` or a temporary folder cannot be had
 */
export async function launch({ program, heapMb, memoryMb, cpuSeconds }: Launch): Promise<Child> {
  const folder = await Deno.makeTempDir({ prefix: "weft-" });
  await Deno.mkdir(`${folder}/step`);
  const entry = program instanceof URL ? program.href : `${folder}/program.js`;
  if (!(program instanceof URL)) await Deno.writeTextFile(entry, program.text);
  // `ulimit -d` is not to be had everywhere; where it fails the heap limit still holds.
  const limits = `umask 077; ulimit -d ${
    memoryMb * 1000
  } 2>/dev/null; ulimit -t ${cpuSeconds}; exec "$0" "$@"`;
  const process = new Deno.Command("/bin/sh", {
    args: [
      "-c",
      limits,
      Deno.execPath(),
      "run",
      ...FLAGS,
      `--v8-flags=--max-old-space-size=${heapMb}`,
      entry,
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    clearEnv: true,
    env: { DENO_DIR: `${folder}/deno`, NO_COLOR: "1", TZ: "UTC", DENO_NO_UPDATE_CHECK: "1" },
    cwd: `${folder}/step`,
    detached: true,
  }).spawn();
  let gone = false;
  const ended = process.status.then(async (status) => {
    gone = true;
    await Deno.remove(folder, { recursive: true }).catch(() => {});
    return status;
  });
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    ended,
    kill() {
      if (gone) return;
      try {
        Deno.kill(-process.pid, "SIGKILL");
      } catch {
        // Not yet a group leader, or gone between the check and the call.
        try {
          process.kill("SIGKILL");
        } catch { /* gone */ }
      }
    },
    hold(yes) {
      if (yes) process.ref();
      else process.unref();
    },
  };
}
