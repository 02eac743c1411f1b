/**
 * A conversation with a server of tools. Owns: its tools with what each is pinned by, calls, and the limits of both
 * (SE-1306). Never: approvals; a model; believing what a server says of itself.
 *
 * N1 Nothing that a server asks of us is done: no sampling, no roots, no elicitation (SE-1305).
 * N2 Schemas of a server are data: none of them is made into code.
 */
import { Client } from "@modelcontextprotocol/sdk/client";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport";
// @ts-types="@modelcontextprotocol/sdk/types"
import {
  type CallToolResult,
  CallToolResultSchema,
  ListToolsResultSchema,
  McpError,
} from "@modelcontextprotocol/sdk/types.js";
import type { Clock } from "../../base/clock.ts";
import { sha256 } from "../../base/hash.ts";
import { canonicalJson, type Json, type JsonObject } from "../../base/json.ts";
import { HttpFault } from "./http.ts";

/** A tool, and the hash that an approval of it is bound to: name, description, schemas and annotations (SE-1303). */
export interface Tool {
  name: string;
  description: string;
  inputSchema: JsonObject;
  hash: string;
}

/** What a call came to; `unknown`: it may have been done. */
export type ToolAnswer =
  | { type: "done"; result: JsonObject }
  | { type: "refused"; message: string }
  | { type: "unknown"; message: string };

/** An open conversation. */
export interface Session {
  /** Every tool by its name. */
  tools(): Promise<ReadonlyMap<string, Tool>>;
  /** Calls one. `progress` is what the server says of it on the way. */
  call(name: string, args: JsonObject, progress?: (text: string, part?: number) => void): Promise<ToolAnswer>;
  close(): Promise<void>;
}

/** A server that does not do what it must, in one sentence. */
export class ToolServerFault extends Error {}

/** Longest call. */
export const CALL_MS = 60_000;
/** Longest message of a server. */
export const MESSAGE_BYTES = 1024 * 1024;
const MOST_TOOLS = 1000;
const MOST_PAGES = 100;
/** Timers of the library never fire: time is the clock's. */
const NEVER = 2 ** 31 - 1;

/**
 * Begins a conversation.
 *
 * @throws ToolServerFault if the server does not answer as it must
 */
export async function openSession(
  { name, transport, clock, signal }: {
    name: string;
    transport: Transport;
    clock: Clock;
    signal: AbortSignal;
  },
): Promise<Session> {
  const client = new Client({ name: "weft", version: "1" }, { jsonSchemaValidator: NO_VALIDATOR });
  let fault: string | undefined;
  client.onerror = (error) => fault ??= error.message;
  const within = async <T>(
    work: (options: { signal: AbortSignal; timeout: number }) => Promise<T>,
  ): Promise<T> => {
    const late = new AbortController();
    const over = new AbortController();
    clock.sleep(CALL_MS, over.signal).then(() => over.signal.aborted || late.abort());
    try {
      return await work({ signal: AbortSignal.any([signal, late.signal]), timeout: NEVER });
    } catch (error) {
      if (late.signal.aborted) throw new ToolServerFault(`Server '${name}' took over ${CALL_MS / 1000} s`);
      throw error;
    } finally {
      over.abort();
    }
  };
  const told = (error: unknown): string => {
    if (error instanceof ToolServerFault) return error.message;
    const why = fault ?? (error instanceof Error ? error.message : String(error));
    return `Server '${name}' ${error instanceof McpError && fault === undefined ? "says: " : ""}${why}`;
  };
  const asFault = (error: unknown) => new ToolServerFault(told(error).slice(0, 500));
  try {
    await within((options) => client.connect(transport, options));
  } catch (error) {
    await client.close();
    await transport.close();
    throw asFault(error);
  }
  return {
    async tools() {
      const found = new Map<string, Tool>();
      let cursor: string | undefined;
      for (let page = 0; page < MOST_PAGES; page++) {
        const params = cursor === undefined ? {} : { cursor };
        const list = await within((options) =>
          client.request({ method: "tools/list", params }, ListToolsResultSchema, options)
        ).catch((error) => {
          throw asFault(error);
        });
        for (const { name: tool, description = "", inputSchema, outputSchema, annotations } of list.tools) {
          const pinned = { name: tool, description, inputSchema, outputSchema, annotations };
          // Through JSON: what is absent is absent in the hash as well.
          const hash = sha256(canonicalJson(JSON.parse(JSON.stringify(pinned)) as Json));
          found.set(tool, { name: tool, description, inputSchema: inputSchema as JsonObject, hash });
        }
        if (found.size > MOST_TOOLS) {
          throw new ToolServerFault(`Server '${name}' has more than ${MOST_TOOLS} tools`);
        }
        cursor = list.nextCursor;
        if (cursor === undefined) return found;
      }
      throw new ToolServerFault(`The list of tools of server '${name}' does not end`);
    },
    async call(tool, args, progress) {
      let result: CallToolResult;
      try {
        result = await within((options) =>
          client.request(
            { method: "tools/call", params: { name: tool, arguments: args } },
            CallToolResultSchema,
            {
              ...options,
              ...(progress === undefined ? {} : {
                onprogress: ({ message = "", progress: done, total }) =>
                  progress(
                    message,
                    total === undefined || total <= 0 ? undefined : Math.min(1, done / total),
                  ),
              }),
            },
          )
        );
      } catch (error) {
        const message = told(error).slice(0, 500);
        // Only a server that says so, or one that was not reached, has surely not done it.
        const sure = error instanceof HttpFault
          ? !error.sent
          : error instanceof McpError && INVALID.has(error.code);
        return { type: sure ? "refused" : "unknown", message };
      }
      return { type: "done", result: JSON.parse(JSON.stringify(result)) as JsonObject };
    },
    async close() {
      await client.close();
      await transport.close();
    },
  };
}

/** Parse error, invalid request, method not found, invalid params. */
const INVALID: ReadonlySet<number> = new Set([-32700, -32600, -32601, -32602]);

const NO_VALIDATOR = {
  getValidator() {
    throw new Error("Schemas are checked elsewhere");
  },
};
