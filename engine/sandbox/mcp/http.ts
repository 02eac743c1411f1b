/**
 * A server of tools at an address, by streamable HTTP. Owns: messages in requests and answers. Never: where it may go;
 * that is the egress', through which all of it goes.
 *
 * Answers are read to their end, so that a server says nothing outside of them: it is not listened to in between.
 */
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport";
// @ts-types="@modelcontextprotocol/sdk/types"
import { type JSONRPCMessage, JSONRPCMessageSchema } from "@modelcontextprotocol/sdk/types.js";
import { parseJson } from "../../base/json.ts";
import type { Egress } from "../egress/egress.ts";
import { statusText } from "../egress/exchange.ts";

/** An address. */
export interface HttpServer {
  url: string;
  headers: Record<string, string>;
  /** Hosts that it may reach. */
  allowed: readonly string[];
  egress: Egress;
  maxBytes: number;
  signal: AbortSignal;
}

/** No answer, or none that was asked for; `sent`: whether it may have been heard. */
export class HttpFault extends Error {
  constructor(message: string, readonly sent: boolean) {
    super(message);
  }
}

/** A connection to an address. */
export function httpTransport({ url, headers, allowed, egress, maxBytes, signal }: HttpServer): Transport {
  let session: string | undefined;
  let version: string | undefined;
  const transport: Transport = {
    start: () => Promise.resolve(),
    setProtocolVersion: (given: string) => void (version = given),
    async send(message) {
      const answer = await egress.send({
        method: "POST",
        url,
        headers: [
          ...Object.entries(headers),
          ["content-type", "application/json"],
          ["accept", "application/json, text/event-stream"],
          ...session === undefined ? [] : [["mcp-session-id", session] as const],
          ...version === undefined ? [] : [["mcp-protocol-version", version] as const],
        ],
        body: new TextEncoder().encode(JSON.stringify(message)),
        allowed,
        maxBytes,
        signal,
      });
      if (answer.type !== "answered") throw new HttpFault(answer.message, answer.type === "in_doubt");
      if (answer.status < 200 || answer.status > 299) {
        throw new HttpFault(`answered ${statusText(answer.status)}`, answer.status >= 500);
      }
      session = answer.headers["mcp-session-id"] ?? session;
      if (!("id" in message) || !("method" in message)) return;
      for (const text of textsOf(answer.headers["content-type"] ?? "", answer.body)) {
        transport.onmessage?.(messageOf(text));
      }
    },
    close() {
      transport.onclose?.();
      return Promise.resolve();
    },
  };
  return transport;
}

function textsOf(type: string, body: Uint8Array): string[] {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    throw new HttpFault("sent bytes that are no UTF-8", true);
  }
  if (!type.startsWith("text/event-stream")) return text.trim() === "" ? [] : [text];
  return text.split(/\r?\n\r?\n/).map((event) =>
    event.split(/\r?\n/).filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trimStart())
      .join("\n")
  ).filter((data) => data !== "");
}

function messageOf(text: string): JSONRPCMessage {
  const read = parseJson(text);
  const message = read.ok ? JSONRPCMessageSchema.safeParse(read.value) : undefined;
  if (message?.success === true) return message.data;
  throw new HttpFault(`sent what is no message: ${text.slice(0, 200)}`, true);
}
