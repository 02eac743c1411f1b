/**
 * A server of tools that is a program of this machine. Owns: starting it with nothing but what is declared, its lines, and
 * its end. Never: whether it may start; what messages mean.
 *
 * M1 It has the declared variables alone, an empty folder of its own, and its process group ends with the connection.
 * M2 A line that is no message ends the connection, with that line as the reason (IO-605).
 */
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport";
// @ts-types="@modelcontextprotocol/sdk/types"
import { JSONRPCMessageSchema } from "@modelcontextprotocol/sdk/types.js";
import { parseJson } from "../../base/json.ts";
import { readLines } from "../read_lines.ts";

/** A program to start. */
export interface StdioServer {
  path: string;
  args: readonly string[];
  env: Record<string, string>;
  /** Longest message, in bytes. */
  maxBytes: number;
  /** A line of its stderr. */
  onLog(line: string): void;
}

const SHOWN = 200;
const LONGEST_LOG = 16 * 1024;

/** A connection to a program; it starts with `start` and is gone when `close` resolves. */
export function stdioTransport({ path, args, env, maxBytes, onLog }: StdioServer): Transport {
  let child: Deno.ChildProcess | undefined;
  let writer: WritableStreamDefaultWriter<Uint8Array> | undefined;
  let folder: string | undefined;
  let closing: Promise<void> | undefined;
  const transport: Transport = {
    async start() {
      folder = await Deno.makeTempDir({ prefix: "weft-mcp-" });
      child = new Deno.Command(path, {
        args: [...args],
        env,
        clearEnv: true,
        cwd: folder,
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
        detached: true,
      }).spawn();
      writer = child.stdin.getWriter();
      void listen(child.stdout);
      void logs(child.stderr);
    },
    async send(message) {
      await writer!.write(new TextEncoder().encode(`${JSON.stringify(message)}\n`));
    },
    close: () => closing ??= end(),
  };

  async function listen(stdout: ReadableStream<Uint8Array>): Promise<void> {
    for await (const { lines, overflow } of readLines(stdout, maxBytes)) {
      for (const line of lines) {
        if (line.trim() === "") continue;
        const read = parseJson(line);
        const message = read.ok ? JSONRPCMessageSchema.safeParse(read.value) : undefined;
        if (message?.success !== true) {
          return await fail(`printed a line that is no message: ${line.slice(0, SHOWN)}`);
        }
        transport.onmessage?.(message.data);
      }
      if (overflow) return await fail(`sent more than ${maxBytes} bytes in one message`);
    }
    await fail("ended");
  }

  async function fail(reason: string): Promise<void> {
    if (closing !== undefined) return;
    transport.onerror?.(new Error(reason));
    await transport.close();
  }

  async function logs(stderr: ReadableStream<Uint8Array>): Promise<void> {
    for await (const { lines } of readLines(stderr, LONGEST_LOG)) lines.forEach(onLog);
  }

  async function end(): Promise<void> {
    if (child !== undefined) {
      try {
        Deno.kill(-child.pid, "SIGKILL");
      } catch { /* gone already */ }
      await writer!.close().catch(() => {});
      await child.status;
    }
    if (folder !== undefined) await Deno.remove(folder, { recursive: true }).catch(() => {});
    transport.onclose?.();
  }

  return transport;
}
